//! Past cycles, and what they left: what is held back, what was confirmed, under which config.

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Result, Row, params};

use super::requests::{note, note_json, set_note};
use super::values::{json, number, time, to_integer, to_json};
use super::{State, outbox};
use crate::model::change::Confirmation;
use crate::model::memory::{CycleRecord, Held};
use crate::model::notice::{News, Told};
use crate::ports::{History, Left, StateError};

/// Cycles kept: five weeks of one every five minutes.
const CYCLES_KEPT: i64 = 10_000;

const BASELINE: &str = "baseline";

impl History for State {
    fn begin_cycle(&mut self, started: Timestamp) -> Result<u64, StateError> {
        self.write("begin_cycle", "starting a cycle", |transaction| {
            set_note(transaction, BASELINE, None)?;
            // One that came to no end is told nowhere: its number is this one's.
            let sql =
                "UPDATE cycle SET started = ?1 WHERE outcome IS NULL AND number = (SELECT max(number) FROM cycle)";
            if transaction.execute(sql, [started.as_second()])? > 0 {
                return transaction.query_row("SELECT max(number) FROM cycle", [], |row| number(row, 0));
            }
            transaction.execute("INSERT INTO cycle (started) VALUES (?1)", [started.as_second()])?;
            let latest = transaction.last_insert_rowid();
            transaction.execute("DELETE FROM cycle WHERE number <= ?1 - ?2", params![latest, CYCLES_KEPT])?;
            transaction.query_row("SELECT max(number) FROM cycle", [], |row| number(row, 0))
        })
    }

    fn finish_cycle(
        &mut self,
        cycle: &CycleRecord,
        held: Option<&Held>,
        left: Left<'_>,
        news: Option<&News>,
    ) -> Result<(), StateError> {
        self.write("finish_cycle", "storing the report of a cycle", |transaction| {
            transaction.execute(
                "INSERT OR REPLACE INTO cycle (number, started, seconds, outcome, report) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    to_integer(cycle.number)?,
                    cycle.started.as_second(),
                    cycle.seconds,
                    cycle.outcome,
                    cycle.report
                ],
            )?;
            transaction.execute("DELETE FROM confirmation WHERE expires_at <= ?1", [cycle.started.as_second()])?;
            set_note(transaction, "held", held.map(to_json).transpose()?.as_deref())?;
            outbox::keep(transaction, news, cycle.started)?;
            set_note(transaction, BASELINE, left.baseline)?;
            match left.config {
                Some(digest) => set_note(transaction, "config_digest", Some(digest)),
                None => Ok(()),
            }
        })?;
        // Until the next cycle the pages are better kept by the system.
        self.connection.release_memory().map_err(|error| self.failed("giving memory back", error))
    }

    fn baseline(&self) -> Result<Option<String>, StateError> {
        self.read("reading what the last cycle left", |connection| note(connection, BASELINE))
    }

    fn forget_baseline(&mut self) -> Result<(), StateError> {
        if self.baseline()?.is_none() {
            return Ok(());
        }
        self.write("forget_baseline", "storing that things changed", |transaction| {
            set_note(transaction, BASELINE, None)
        })
    }

    fn config_digest(&self) -> Result<Option<String>, StateError> {
        self.read("reading the last config's digest", |connection| note(connection, "config_digest"))
    }

    fn told(&self) -> Result<Told, StateError> {
        self.read("reading what was told", |connection| Ok(note_json(connection, "told")?.unwrap_or_default()))
    }

    fn held(&self) -> Result<Option<Held>, StateError> {
        self.read("reading what is held back", |connection| note_json(connection, "held"))
    }

    fn keep_confirmation(&mut self, confirmation: &Confirmation) -> Result<(), StateError> {
        self.write("confirm", "storing a confirmation", |transaction| {
            transaction.execute(
                "INSERT OR REPLACE INTO confirmation (fingerprint, confirmation_json, expires_at) VALUES (?1, ?2, ?3)",
                params![confirmation.fingerprint, to_json(confirmation)?, confirmation.expires.as_second()],
            )?;
            Ok(())
        })
    }

    fn confirmations(&self, now: Timestamp) -> Result<Vec<Confirmation>, StateError> {
        self.read("reading what was confirmed", |connection| {
            let sql = "SELECT confirmation_json FROM confirmation WHERE expires_at > ?1 ORDER BY fingerprint";
            connection.prepare_cached(sql)?.query_map([now.as_second()], |row| json(row, 0))?.collect()
        })
    }
}

impl State {
    /// The last cycle that came to its end.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn last_cycle(&self) -> Result<Option<CycleRecord>, StateError> {
        self.read("reading the last cycle", |connection| {
            connection.query_row(&format!("{CYCLES} LIMIT 1"), [], cycle).optional()
        })
    }

    /// The first cycle since a time that came to anything.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn first_cycle_since(&self, since: Timestamp) -> Result<Option<CycleRecord>, StateError> {
        self.read("reading a past cycle", |connection| {
            let sql = "SELECT number, started, seconds, outcome, report FROM cycle \
                       WHERE outcome IS NOT NULL AND outcome != 'failed' AND started >= ?1 ORDER BY number LIMIT 1";
            connection.query_row(sql, [since.as_second()], cycle).optional()
        })
    }

    /// Cycles that came to their end, the latest first.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn history(&self, limit: u32) -> Result<Vec<CycleRecord>, StateError> {
        self.read("reading past cycles", |connection| {
            connection.prepare(&format!("{CYCLES} LIMIT ?1"))?.query_map([limit], cycle)?.collect()
        })
    }
}

const CYCLES: &str =
    "SELECT number, started, seconds, outcome, report FROM cycle WHERE outcome IS NOT NULL ORDER BY number DESC";

fn cycle(row: &Row<'_>) -> Result<CycleRecord> {
    Ok(CycleRecord {
        number: number(row, 0)?,
        started: time(row, 1)?,
        seconds: row.get(2)?,
        outcome: row.get(3)?,
        report: row.get(4)?,
    })
}
