//! What the guard counts over days: marks of what was applied, and confirmations.

use std::collections::BTreeSet;

use rusqlite::Connection;

use super::rows::{BadValue, Columns, Names, read_row, unreadable};
use super::time_text;
use crate::ledger::LedgerError;
use crate::ledger::error::Doing;
use crate::model::PersonId;
use crate::model::change::{Confirmation, GuardKind, GuardMark, HeldChange};

/// A confirmation holds until its changes are done: should they be planned again, they are confirmed again.
pub(super) fn spend(connection: &Connection, company: &str, spent: &BTreeSet<HeldChange>) -> Result<(), LedgerError> {
    if spent.is_empty() {
        return Ok(());
    }
    for mut confirmation in confirmations(connection, company)? {
        let before = confirmation.changes.len();
        confirmation.changes.retain(|change| !spent.contains(change));
        if confirmation.changes.len() != before {
            remember_confirmation(connection, company, &confirmation)?;
        }
    }
    Ok(())
}

pub(super) fn remember_mark(connection: &Connection, company: &str, mark: &GuardMark) -> Result<(), LedgerError> {
    let GuardMark { person, kind, pool, confirmed, at } = mark;
    let pool = pool.as_deref().unwrap_or_default();
    let kind = match kind {
        GuardKind::Leaving => "leaving",
        GuardKind::Renaming => "renaming",
    };
    let sql = "INSERT INTO guard_mark (company, directory, anchor, kind, pool, at, confirmed)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO UPDATE SET confirmed = min(confirmed, excluded.confirmed)";
    let anchor = person.anchor.to_string();
    connection
        .prepare_cached(sql)
        .and_then(|mut sql| sql.execute((company, &*person.directory, anchor, kind, pool, time_text(*at), confirmed)))
        .doing(|| "storing what the guard counts".to_owned())?;
    Ok(())
}

pub(super) fn marks(connection: &Connection, company: &str, names: &mut Names) -> Result<Vec<GuardMark>, LedgerError> {
    let doing = || "reading what the guard counts".to_owned();
    let sql = "SELECT directory, anchor, kind, pool, at, confirmed FROM guard_mark WHERE company = ?1
               ORDER BY directory, anchor, kind, pool, at";
    let mut statement = connection.prepare_cached(sql).doing(doing)?;
    let mut found = statement.query([company]).doing(doing)?;
    let mut marks = Vec::new();
    while let Some(row) = found.next().doing(doing)? {
        let row = Columns(row);
        let place = || {
            let anchor = row.text(1, "anchor").unwrap_or("?");
            unreadable("guard_mark", format!("{company:?}, anchor {anchor}"))
        };
        marks.push(read_row(|| mark(row, names), place)?);
    }
    Ok(marks)
}

fn mark(row: Columns<'_>, names: &mut Names) -> Result<GuardMark, BadValue> {
    let anchor = row.text(1, "anchor")?.parse().map_err(|_| ("anchor", "is no UUID".to_owned()))?;
    Ok(GuardMark {
        person: PersonId::new(names.get(row.text(0, "directory")?), anchor),
        kind: match row.text(2, "kind")? {
            "renaming" => GuardKind::Renaming,
            _ => GuardKind::Leaving,
        },
        pool: Some(row.text(3, "pool")?).filter(|pool| !pool.is_empty()).map(|pool| names.get(pool)),
        at: row.time(4, "at")?,
        confirmed: row.flag(5, "confirmed")?,
    })
}

/// Stores a confirmation, or what is left of it. One that lets nothing through is forgotten.
pub(super) fn remember_confirmation(
    connection: &Connection,
    company: &str,
    confirmation: &Confirmation,
) -> Result<(), LedgerError> {
    if confirmation.changes.is_empty() {
        let sql = "DELETE FROM confirmation WHERE company = ?1 AND fingerprint = ?2";
        let forgotten = connection.execute(sql, (company, &confirmation.fingerprint));
        return forgotten.map(|_rows| ()).doing(|| "forgetting a confirmation that is carried out".to_owned());
    }
    let changes = serde_json::to_string(&confirmation.changes)
        .map_err(|source| LedgerError::Encode { table: "confirmation", source })?;
    let sql = "INSERT INTO confirmation (company, fingerprint, changes, expires) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT DO UPDATE SET changes = excluded.changes, expires = excluded.expires";
    let parameters = (company, &confirmation.fingerprint, changes, time_text(confirmation.expires));
    connection
        .prepare_cached(sql)
        .and_then(|mut sql| sql.execute(parameters))
        .doing(|| "storing the confirmation".to_owned())?;
    Ok(())
}

pub(super) fn confirmations(connection: &Connection, company: &str) -> Result<Vec<Confirmation>, LedgerError> {
    let doing = || "reading the confirmations".to_owned();
    let sql = "SELECT fingerprint, changes, expires FROM confirmation WHERE company = ?1 ORDER BY fingerprint";
    let mut statement = connection.prepare_cached(sql).doing(doing)?;
    let mut found = statement.query([company]).doing(doing)?;
    let mut confirmations = Vec::new();
    while let Some(row) = found.next().doing(doing)? {
        let row = Columns(row);
        let place = || {
            let fingerprint = row.text(0, "fingerprint").unwrap_or("?");
            unreadable("confirmation", format!("{company:?}, {fingerprint}"))
        };
        confirmations.push(read_row(|| confirmation(row), place)?);
    }
    Ok(confirmations)
}

fn confirmation(row: Columns<'_>) -> Result<Confirmation, BadValue> {
    let bad = |error: serde_json::Error| ("changes", error.to_string());
    let changes: BTreeSet<HeldChange> = serde_json::from_str(row.text(1, "changes")?).map_err(bad)?;
    let fingerprint = row.text(0, "fingerprint")?.to_owned();
    Ok(Confirmation { fingerprint, changes, expires: row.time(2, "expires")? })
}
