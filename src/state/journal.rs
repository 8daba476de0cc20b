//! The journal: what is about to be done is written before it is done (rule 17).

use std::collections::BTreeSet;

use rusqlite::{Connection, Result, Row, Transaction, params};
use serde::{Deserialize, Serialize};

use super::State;
use super::accounts::store_answer;
use super::requests::{note_json, set_note};
use super::values::{json, to_integer, to_json};
use crate::model::change::{Answer, Batch, Confirmation, HeldChange, Outcome};
use crate::model::memory::OpenBatch;
use crate::model::report::PoolRow;
use crate::ports::{Journal, StateError};

/// Plans kept for those who look into what happened.
const PLANS_KEPT: u32 = 50;

impl Journal for State {
    fn begin(&mut self, cycle: u64, batches: &[Batch]) -> Result<(), StateError> {
        self.write("begin", "writing a plan into the journal", |transaction| begin(transaction, cycle, batches))
    }

    fn sent(&mut self, key: &str) -> Result<(), StateError> {
        self.write("sent", "writing into the journal that a batch is sent", |transaction| {
            let sql = "UPDATE batch SET state = 1 WHERE key = ?1 AND state < 2";
            found(transaction.prepare_cached(sql)?.execute([key])?)
        })
    }

    fn finished(&mut self, key: &str, answer: &Answer) -> Result<(), StateError> {
        self.write("finished", "writing the outcome of a batch into the journal", |transaction| {
            let sql = "UPDATE batch SET state = 2, outcomes_json = ?2 WHERE key = ?1";
            found(transaction.prepare_cached(sql)?.execute(params![key, to_json(&answer.outcomes)?])?)?;
            store_answer(transaction, answer)?;
            spend_confirmed(transaction, key, answer)
        })
    }

    fn open_batches(&self) -> Result<Vec<OpenBatch>, StateError> {
        self.read("reading the journal", |connection| {
            let open = |row: &Row<'_>| Ok(OpenBatch { batch: json(row, 0)?, sent: row.get(1)? });
            let sql = "SELECT batch_json, state FROM batch WHERE state < 2 ORDER BY id";
            connection.prepare(sql)?.query_map([], open)?.collect()
        })
    }

    fn drop_batch(&mut self, key: &str) -> Result<(), StateError> {
        self.write("drop", "taking a batch out of the journal", |transaction| {
            found(transaction.execute("DELETE FROM batch WHERE key = ?1 AND state < 2", [key])?)
        })
    }

    fn decision_sent(&mut self, key: &str) -> Result<(), StateError> {
        self.write("decision", "writing down that a decision is sent", |transaction| {
            let mut open = open_decisions(transaction)?;
            open.push(key.to_owned());
            set_note(transaction, DECISIONS, Some(&to_json(&open)?))
        })
    }

    fn decision_settled(&mut self, key: &str, answer: Option<&Answer>) -> Result<(), StateError> {
        self.write("decided", "writing down what came of a decision", |transaction| {
            let mut open = open_decisions(transaction)?;
            open.retain(|known| known != key);
            set_note(transaction, DECISIONS, Some(&to_json(&open)?))?;
            let Some(answer) = answer else { return Ok(()) };
            store_answer(transaction, answer)?;
            store_pools(transaction, answer)
        })
    }

    fn open_decisions(&self) -> Result<Vec<String>, StateError> {
        self.read("reading which decisions are open", open_decisions)
    }
}

/// Notes: keys of decisions without an answer, and pools as the last answer showed them.
const DECISIONS: &str = "decisions";
const POOLS: &str = "pools";

fn open_decisions(connection: &Connection) -> Result<Vec<String>> {
    Ok(note_json(connection, DECISIONS)?.unwrap_or_default())
}

/// Pools that changed after a cycle, until the next one says how they are.
#[derive(Serialize, Deserialize)]
struct PoolsSince {
    cycle: Option<i64>,
    pools: Vec<PoolRow>,
}

fn last_cycle(connection: &Connection) -> Result<Option<i64>> {
    connection.query_row("SELECT max(number) FROM cycle WHERE report IS NOT NULL", [], |row| row.get(0))
}

fn store_pools(transaction: &Transaction<'_>, answer: &Answer) -> Result<()> {
    if answer.pools.is_empty() {
        return Ok(());
    }
    let since = PoolsSince { cycle: last_cycle(transaction)?, pools: answer.pools.iter().map(PoolRow::from).collect() };
    set_note(transaction, POOLS, Some(&to_json(&since)?))
}

impl State {
    /// The pools as an answer after the last cycle showed them, where there was one.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn pools_since_last_cycle(&self) -> Result<Option<Vec<PoolRow>>, StateError> {
        self.read("reading the pools", |connection| {
            let since: Option<PoolsSince> = note_json(connection, POOLS)?;
            let last = last_cycle(connection)?;
            Ok(since.filter(|since| since.cycle == last).map(|since| since.pools))
        })
    }
}

/// What a confirmation let through and is done now, it lets through no more: the backend forgets it, too.
fn spend_confirmed(transaction: &Transaction<'_>, key: &str, answer: &Answer) -> Result<()> {
    let mut kept: Vec<Confirmation> = {
        let mut query = transaction.prepare_cached("SELECT confirmation_json FROM confirmation")?;
        query.query_map([], |row| json(row, 0))?.collect::<Result<_>>()?
    };
    if kept.is_empty() {
        return Ok(());
    }
    let sql = "SELECT batch_json FROM batch WHERE key = ?1";
    let batch: Batch = transaction.prepare_cached(sql)?.query_row([key], |row| json(row, 0))?;
    let outcomes = batch.steps.iter().zip(&answer.outcomes);
    let done: BTreeSet<HeldChange> = outcomes
        .filter(|(_, outcome)| **outcome == Outcome::Done)
        .filter_map(|(step, _)| HeldChange::confirmed_by(step))
        .collect();
    for confirmation in &mut kept {
        let before = confirmation.changes.len();
        confirmation.changes.retain(|change| !done.contains(change));
        if confirmation.changes.len() < before {
            transaction.execute(
                "UPDATE confirmation SET confirmation_json = ?2 WHERE fingerprint = ?1",
                params![confirmation.fingerprint, to_json(&*confirmation)?],
            )?;
        }
    }
    Ok(())
}

fn begin(transaction: &Transaction<'_>, cycle: u64, batches: &[Batch]) -> Result<()> {
    let cycle = to_integer(cycle)?;
    let mut insert = transaction.prepare_cached("INSERT INTO batch (key, cycle, batch_json) VALUES (?1, ?2, ?3)")?;
    for batch in batches {
        insert.execute(params![batch.key, cycle, to_json(batch)?])?;
    }
    transaction.execute(
        "DELETE FROM batch WHERE state = 2 AND cycle <=
           (SELECT DISTINCT cycle FROM batch ORDER BY cycle DESC LIMIT 1 OFFSET ?1)",
        [PLANS_KEPT],
    )?;
    Ok(())
}

/// A batch that is not in the journal must not be sent, and its answer not be believed.
const fn found(rows: usize) -> Result<()> {
    if rows == 0 { Err(rusqlite::Error::QueryReturnedNoRows) } else { Ok(()) }
}
