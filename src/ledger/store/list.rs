//! Accounts as a portal lists them, a page at a time.

use rusqlite::types::ToSql;
use rusqlite::{Connection, OptionalExtension as _};

use super::load;
use super::read;
use super::rows::{self, BadValue, Columns, Names, read_row, unreadable};
use crate::ledger::LedgerError;
use crate::ledger::error::Doing;
use crate::ledger::records::{Invitation, Listed, Wanted};
use crate::model::{Account, AccountId, AccountState};

/// After the columns of `rows::ACCOUNT`, of which there are 16.
const MORE: &str = "invitation, last_active";

/// The condition that `wanted` comes to; `?2` is the pool.
fn condition(wanted: &Wanted) -> String {
    let stands = |state: &str| {
        format!(
            "EXISTS (SELECT 1 FROM assignment AS s WHERE s.company = account.company AND s.account = account.id AND s.state = '{state}')"
        )
    };
    let (held, waiting) = (stands("held"), stands("waiting"));
    let state = match wanted.state {
        None => "1".to_owned(),
        Some(AccountState::Suspended) => "suspended = 1".to_owned(),
        Some(AccountState::Active) => format!("suspended = 0 AND {held}"),
        Some(AccountState::Pending) => format!("suspended = 0 AND NOT {held} AND {waiting}"),
        Some(AccountState::Denied) => format!("suspended = 0 AND NOT {held} AND NOT {waiting}"),
    };
    let pool = "(?2 IS NULL OR EXISTS (SELECT 1 FROM assignment AS p WHERE p.company = account.company AND
        p.account = account.id AND p.pool = ?2 AND p.state IN ('held', 'waiting')))";
    format!("company = ?1 AND {state} AND {pool}")
}

pub(super) fn count(connection: &Connection, company: &str, wanted: &Wanted) -> Result<u64, LedgerError> {
    let doing = || "counting accounts".to_owned();
    let sql = format!("SELECT count(*) FROM account WHERE {}", condition(wanted));
    let mut statement = connection.prepare_cached(&sql).doing(doing)?;
    let count: i64 = statement.query_row((company, wanted.pool.as_deref()), |row| row.get(0)).doing(doing)?;
    Ok(count.unsigned_abs())
}

/// By number, above `after`.
pub(super) fn page(
    connection: &Connection,
    company: &str,
    wanted: &Wanted,
    after: u64,
    limit: u32,
) -> Result<Vec<Listed>, LedgerError> {
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let rest = format!("{} AND id > ?3 ORDER BY id LIMIT ?4", condition(wanted));
    listed(connection, company, &rest, &[&company, &wanted.pool.as_deref(), &after, &limit])
}

pub(super) fn one(connection: &Connection, company: &str, id: &AccountId) -> Result<Option<Listed>, LedgerError> {
    let Some(id) = rows::number_of(id) else { return Ok(None) };
    Ok(listed(connection, company, "company = ?1 AND id = ?2", &[&company, &id])?.pop())
}

fn listed(
    connection: &Connection,
    company: &str,
    rest: &str,
    parameters: &[&dyn ToSql],
) -> Result<Vec<Listed>, LedgerError> {
    let doing = || "listing accounts".to_owned();
    let sql = format!("SELECT {}, {MORE} FROM account WHERE {rest}", rows::ACCOUNT);
    let mut statement = connection.prepare_cached(&sql).doing(doing)?;
    let mut seats = load::seats_statement(connection)?;
    let mut found = statement.query(parameters).doing(doing)?;
    let mut names = Names::default();
    let mut all = Vec::new();
    while let Some(row) = found.next().doing(doing)? {
        let row = Columns(row);
        let (id, mut account) = read::account(row, company, &mut names)?;
        load::load_seats(&mut seats, company, id, &mut account, &mut names)?;
        all.push(read_row(|| with_more(row, account), || unreadable("account", format!("{company:?}, {id}")))?);
    }
    Ok(all)
}

fn with_more(row: Columns<'_>, account: Account) -> Result<Listed, BadValue> {
    let invitation = match row.text(16, "invitation")? {
        "none" => Invitation::None,
        "mailed" => Invitation::Mailed,
        "accepted" => Invitation::Accepted,
        other => return Err(("invitation", format!("is {other:?}, which is no state of one"))),
    };
    let last_active = row.optional(17, "last_active")?.map(|_| row.time(17, "last_active")).transpose()?;
    let external = row.optional(3, "external")?.filter(|_| account.owner.is_none()).map(str::to_owned);
    Ok(Listed { account, external, invitation, last_active })
}

/// Told which index, since SQLite would walk the company for the first half.
pub(super) const BY_EXTERNAL: &str = "SELECT id FROM account INDEXED BY account_external
     WHERE company = ?1 AND external = ?2 AND anchor IS NULL
     UNION ALL SELECT id FROM account WHERE company = ?1 AND anchor = lower(?2) LIMIT 1";

/// By the external id of an unmanaged account, or the anchor of a managed one.
pub(super) fn by_external(
    connection: &Connection,
    company: &str,
    external: &str,
) -> Result<Option<AccountId>, LedgerError> {
    let doing = || "looking up an external id".to_owned();
    let mut statement = connection.prepare_cached(BY_EXTERNAL).doing(doing)?;
    let found: Option<i64> = statement.query_row([company, external], |row| row.get(0)).optional().doing(doing)?;
    Ok(found.map(|id| AccountId(id.to_string().into())))
}

pub(super) fn set_external(
    connection: &Connection,
    company: &str,
    id: &AccountId,
    external: &str,
) -> Result<(), LedgerError> {
    let sql = "UPDATE account SET external = ?3 WHERE company = ?1 AND id = ?2";
    let statement = connection.prepare_cached(sql);
    statement
        .and_then(|mut sql| sql.execute((company, rows::number_of(id), external)))
        .doing(|| format!("storing account {id}"))?;
    Ok(())
}

pub(super) fn set_activity(
    connection: &Connection,
    company: &str,
    id: &AccountId,
    invitation: Invitation,
    last_active: Option<String>,
) -> Result<(), LedgerError> {
    let invitation = match invitation {
        Invitation::None => "none",
        Invitation::Mailed => "mailed",
        Invitation::Accepted => "accepted",
    };
    let sql = "UPDATE account SET invitation = ?3, last_active = ?4 WHERE company = ?1 AND id = ?2";
    let statement = connection.prepare_cached(sql);
    statement
        .and_then(|mut sql| sql.execute((company, rows::number_of(id), invitation, last_active)))
        .doing(|| format!("storing account {id}"))?;
    Ok(())
}
