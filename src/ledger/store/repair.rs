//! What a change by hand (the sqlite3 shell) left behind: the pools' counts and the folded names.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::read::{self, Repairs};
use crate::ledger::LedgerError;
use crate::ledger::error::Doing;
use crate::model::fold;

/// Held and waiting.
type Counts = (i64, i64);

/// What is wrong, without loading the company.
pub(super) fn find(connection: &Connection, company: &str) -> Result<Repairs, LedgerError> {
    let counts = !miscounted(connection, company)?.is_empty();
    Ok(Repairs { counts, names: names(connection, company)? })
}

/// Pools whose counts are not what the assignments say, with what they say; those that are missing, too.
fn miscounted(connection: &Connection, company: &str) -> Result<BTreeMap<String, Counts>, LedgerError> {
    let doing = || "comparing the pools with the seats".to_owned();
    let counts = |sql: &str| -> Result<BTreeMap<String, Counts>, LedgerError> {
        let mut statement = connection.prepare_cached(sql).doing(doing)?;
        let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, (row.get(1)?, row.get(2)?)));
        statement.query_map([company], row).and_then(Iterator::collect).doing(doing)
    };
    let kept = counts("SELECT name, held, waiting FROM pool WHERE company = ?1")?;
    let mut counted = counts(
        "SELECT pool, sum(state = 'held'), sum(state = 'waiting') FROM assignment
         WHERE company = ?1 AND state IN ('held', 'waiting') GROUP BY pool",
    )?;
    for name in kept.keys() {
        counted.entry(name.clone()).or_default();
    }
    counted.retain(|name, count| kept.get(name) != Some(count));
    Ok(counted)
}

fn names(connection: &Connection, company: &str) -> Result<Vec<(i64, String, String)>, LedgerError> {
    let doing = || "comparing the folded names".to_owned();
    let sql = "SELECT id, user_name, email, user_name_folded, email_folded FROM account WHERE company = ?1";
    let mut statement = connection.prepare_cached(sql).doing(doing)?;
    let mut found = statement.query([company]).doing(doing)?;
    let mut names = Vec::new();
    while let Some(row) = found.next().doing(doing)? {
        let text = |column| Ok::<_, rusqlite::Error>(row.get_ref(column)?.as_str_or_null()?);
        let (user_name, email) = (text(1).doing(doing)?.unwrap_or(""), text(2).doing(doing)?.unwrap_or(""));
        let folded = (text(3).doing(doing)?, text(4).doing(doing)?);
        if !read::is_fold(folded.0, user_name) || !read::is_fold(folded.1, email) {
            names.push((row.get(0).doing(doing)?, fold(user_name), fold(email)));
        }
    }
    Ok(names)
}

/// Sets right counts and folded names, as far as they are unique. Whether anything was.
pub(super) fn make(connection: &Connection, company: &str, repairs: &Repairs) -> Result<bool, LedgerError> {
    let doing = || "setting folded names right".to_owned();
    let sql = "UPDATE OR IGNORE account SET user_name_folded = ?3, email_folded = ?4 WHERE company = ?1 AND id = ?2";
    let mut statement = connection.prepare_cached(sql).doing(doing)?;
    let mut named = 0;
    for (id, user_name, email) in &repairs.names {
        let changed = statement.execute((company, id, user_name, email)).doing(doing)?;
        if changed == 0 {
            tracing::warn!(account = id, "Another account has the same user name or mail address, by another hand.");
        }
        named += changed;
    }
    if repairs.counts {
        count_anew(connection, company)?;
    }
    if named == 0 && !repairs.counts {
        return Ok(false);
    }
    tracing::info!(
        company,
        names = named,
        counts = repairs.counts,
        "Set right what a change of the ledger by another hand left behind."
    );
    Ok(true)
}

fn count_anew(connection: &Connection, company: &str) -> Result<(), LedgerError> {
    for (pool, (held, waiting)) in miscounted(connection, company)? {
        // A pool that was deleted still has its seats: made anew without them, it would give them out twice.
        let sql = "INSERT INTO pool (company, name, held, waiting) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT DO UPDATE SET held = excluded.held, waiting = excluded.waiting";
        let mut statement = connection.prepare_cached(sql).doing(|| "counting the pools anew".to_owned())?;
        let missing = "SELECT NOT EXISTS (SELECT 1 FROM pool WHERE company = ?1 AND name = ?2)";
        let missing: bool = connection
            .query_row(missing, (company, &pool), |row| row.get(0))
            .doing(|| "looking for a pool".to_owned())?;
        statement.execute((company, &pool, held, waiting)).doing(|| "counting the pools anew".to_owned())?;
        if missing {
            tracing::warn!(
                company,
                pool,
                held,
                waiting,
                "A pool was deleted by another hand though seats of it are held or waited for: it is there again, without \
                 seats. Say how many were bought: seatsync ledger pool set, or `seats` in the config that owns it."
            );
        }
    }
    Ok(())
}
