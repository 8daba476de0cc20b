//! What the ledger remembers besides seats: batches carried out, the guard's marks, confirmations.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension as _};
use serde::{Deserialize, Serialize};

use super::read::read_row;
use super::rows::{BadValue, Columns, Names, unreadable};
use super::{events, load, time_text};
use crate::ledger::LedgerError;
use crate::ledger::error::Doing;
use crate::ledger::records::{Asked, Touched};
use crate::model::change::{Answer, Batch, Confirmation, GuardKind, GuardMark, HeldChange, Operation, Outcome, Step};
use crate::model::{AccountId, PersonId};

/// How long batches and marks are remembered: longer than any window of the guard, and any crash left alone.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(60 * 24);

/// The outcomes of a batch, kept small: nearly all steps are done. The accounts are kept as who had changed, not how:
/// they are shown as they are when asked again.
#[derive(Serialize, Deserialize)]
struct Outcomes {
    steps: usize,
    refused: BTreeMap<usize, Outcome>,
    changed: BTreeSet<PersonId>,
    /// Accounts without an owner that were changed: promoted, say.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    unmanaged: BTreeSet<AccountId>,
    removed: Vec<PersonId>,
}

/// Stores that a batch was carried out, and what of it the guard counts.
pub(super) fn remember_batch(
    connection: &Connection,
    company: &str,
    batch: &Batch,
    answer: &Answer,
    request: Option<&str>,
) -> Result<(), LedgerError> {
    let unmanaged = answer.accounts.iter().filter(|account| !account.is_managed());
    let refused = answer.outcomes.iter().enumerate().filter(|(_, outcome)| **outcome != Outcome::Done);
    let outcomes = Outcomes {
        steps: answer.outcomes.len(),
        refused: refused.map(|(index, outcome)| (index, outcome.clone())).collect(),
        changed: answer.accounts.iter().filter_map(|account| account.owner.clone()).collect(),
        unmanaged: unmanaged.map(|account| account.id.clone()).collect(),
        removed: answer.removed.clone(),
    };
    let json = serde_json::to_string(&outcomes).map_err(|source| LedgerError::Encode { table: "batch", source })?;
    connection
        .prepare_cached("INSERT INTO batch (company, key, at, outcomes, request) VALUES (?1, ?2, ?3, ?4, ?5)")
        .and_then(|mut sql| sql.execute((company, &batch.key, time_text(batch.at), json, request)))
        .doing(|| "storing the outcomes of the batch".to_owned())?;
    let done = batch.steps.iter().zip(&answer.outcomes).filter(|(_, outcome)| **outcome == Outcome::Done);
    let mut spent = BTreeSet::new();
    for (step, _) in done {
        remember_mark(connection, company, step, batch.at)?;
        spent.extend(HeldChange::confirmed_by(step));
    }
    spend(connection, company, &spent)
}

/// A confirmation holds until its changes are done: should they be planned again, they are confirmed again.
fn spend(connection: &Connection, company: &str, spent: &BTreeSet<HeldChange>) -> Result<(), LedgerError> {
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

fn remember_mark(connection: &Connection, company: &str, step: &Step, at: Timestamp) -> Result<(), LedgerError> {
    let (Some(person), Some(counted)) = (&step.person, step.counted) else { return Ok(()) };
    let pool = if let Operation::Release { pool } = &step.operation { &**pool } else { "" };
    let kind = match counted.kind {
        GuardKind::Leaving => "leaving",
        GuardKind::Renaming => "renaming",
    };
    let sql = "INSERT INTO guard_mark (company, directory, anchor, kind, pool, at, confirmed)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO UPDATE SET confirmed = min(confirmed, excluded.confirmed)";
    let anchor = person.anchor.to_string();
    connection
        .prepare_cached(sql)
        .and_then(|mut sql| {
            sql.execute((company, &*person.directory, anchor, kind, pool, time_text(at), counted.confirmed))
        })
        .doing(|| "storing what the guard counts".to_owned())?;
    Ok(())
}

/// The answer to a batch that was carried out.
pub(super) fn answer(connection: &Connection, company: &str, key: &str) -> Result<Option<Answer>, LedgerError> {
    let doing = || "looking up the batch".to_owned();
    let mut statement =
        connection.prepare_cached("SELECT outcomes FROM batch WHERE company = ?1 AND key = ?2").doing(doing)?;
    let json: Option<String> = statement.query_row([company, key], |row| row.get(0)).optional().doing(doing)?;
    let Some(json) = json else { return Ok(None) };
    let row = || format!("{company:?}, {key:?}");
    let bad = |error: serde_json::Error| unreadable("batch", row())(("outcomes", error.to_string()));
    let Outcomes { steps, mut refused, changed, unmanaged, removed } = serde_json::from_str(&json).map_err(bad)?;
    let outcomes = (0..steps).map(|step| refused.remove(&step).unwrap_or(Outcome::Done)).collect();
    let touched = Touched { people: changed.iter().collect(), accounts: unmanaged, ..Touched::default() };
    let excerpt = load::touched(connection, company, &touched)?;
    let now = excerpt.into_answer(outcomes);
    Ok(Some(Answer { removed, ..now }))
}

/// What was asked with the key of a batch.
pub(super) fn request(connection: &Connection, company: &str, key: &str) -> Result<Asked, LedgerError> {
    let statement = connection.prepare_cached("SELECT request FROM batch WHERE company = ?1 AND key = ?2");
    let asked = |row: &rusqlite::Row<'_>| Ok(row.get::<_, Option<String>>(0)?.map_or(Asked::Unnoted, Asked::Just));
    statement
        .and_then(|mut sql| sql.query_row([company, key], asked).optional())
        .map(|found| found.unwrap_or(Asked::Never))
        .doing(|| "looking up the batch".to_owned())
}

/// Drops what is too old to matter.
pub(super) fn forget_old(connection: &Connection, company: &str, at: Timestamp) -> Result<(), LedgerError> {
    let Ok(before) = at.checked_sub(REMEMBERED) else { return Ok(()) };
    let forget = |sql: &str, before: Timestamp| {
        let statement = connection.prepare_cached(sql);
        statement
            .and_then(|mut sql| sql.execute((company, time_text(before))))
            .doing(|| "forgetting what is old".to_owned())
    };
    forget("DELETE FROM batch WHERE company = ?1 AND at < ?2", before)?;
    forget("DELETE FROM request WHERE company = ?1 AND at < ?2", before)?;
    forget("DELETE FROM guard_mark WHERE company = ?1 AND at < ?2", before)?;
    forget("DELETE FROM confirmation WHERE company = ?1 AND expires < ?2", at)?;
    events::forget(connection, company, at)
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
