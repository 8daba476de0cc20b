//! Batches that were carried out: so that one sent again gets the answer it had.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _};
use serde::{Deserialize, Serialize};

use super::rows::unreadable;
use super::{events, guard, load, time_text};
use crate::ledger::LedgerError;
use crate::ledger::error::Doing;
use crate::ledger::records::{Asked, Touched};
use crate::model::change::{Answer, Batch, GuardMark, HeldChange, Outcome};
use crate::model::{AccountId, PersonId};

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
    at: Timestamp,
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
        .and_then(|mut sql| sql.execute((company, &batch.key, time_text(at), json, request)))
        .doing(|| "storing the outcomes of the batch".to_owned())?;
    let done = batch.steps.iter().zip(&answer.outcomes).filter(|(_, outcome)| **outcome == Outcome::Done);
    let mut spent = BTreeSet::new();
    for (step, _) in done {
        if let Some(mark) = GuardMark::of(step, at) {
            guard::remember_mark(connection, company, &mark)?;
        }
        spent.extend(HeldChange::confirmed_by(step));
    }
    guard::spend(connection, company, &spent)
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
    let Ok(before) = at.checked_sub(GuardMark::REMEMBERED) else { return Ok(()) };
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
