//! What other verbs ask of the agent, how it answers, and its signs of life.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};

use super::State;
use super::values::{json, to_json};
use crate::model::change::Decision;
use crate::model::memory::{Heartbeat, Request, RequestId};
use crate::ports::{Requests, StateError};

/// How often somebody who waits looks for the answer.
const PAUSE: Duration = Duration::from_millis(100);
/// Answers nobody came back for.
const ANSWERS_KEPT: SignedDuration = SignedDuration::from_hours(24);
/// Decisions that no cycle has seen yet.
const DECIDED: &str = "decided";

impl Requests for State {
    fn next_request(&mut self, now: Timestamp) -> Result<Option<(RequestId, Request)>, StateError> {
        // Looked for every second: costs no write while nobody asks.
        let waiting = self.read("looking for requests", |connection| {
            connection
                .prepare_cached("SELECT EXISTS (SELECT 1 FROM request WHERE answered_at IS NULL AND NOT taken)")?
                .query_row([], |row| row.get::<_, bool>(0))
        })?;
        if !waiting {
            return Ok(None);
        }
        self.write("take", "taking a request", |transaction| take(transaction, now))
    }

    fn answer(&mut self, id: RequestId, answer: &str, now: Timestamp) -> Result<(), StateError> {
        self.write("answer", "answering a request", |transaction| {
            let sql = "UPDATE request SET answer_json = ?2, answered_at = ?3 WHERE id = ?1";
            transaction.execute(sql, params![id.0, answer, now.as_second()])?;
            Ok(())
        })
    }

    fn beat(&mut self, heartbeat: &Heartbeat) -> Result<(), StateError> {
        self.write("beat", "storing a sign of life", |transaction| {
            set_note(transaction, "heartbeat", Some(&to_json(heartbeat)?))
        })
    }
}

impl State {
    /// Asks the agent, or the next `sync`, for something. Who does not come for it before `expires` is not waited for.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn ask(
        &mut self,
        request: &Request,
        now: Timestamp,
        expires: Option<Timestamp>,
    ) -> Result<RequestId, StateError> {
        self.write("ask", "leaving a request for the agent", |transaction| {
            let long_ago = now.as_second() - ANSWERS_KEPT.as_secs();
            transaction.execute("DELETE FROM request WHERE answered_at < ?1", [long_ago])?;
            transaction.execute(
                "INSERT INTO request (request_json, asked_at, expires_at) VALUES (?1, ?2, ?3)",
                params![to_json(request)?, now.as_second(), expires.map(Timestamp::as_second)],
            )?;
            Ok(RequestId(transaction.last_insert_rowid()))
        })
    }

    /// Where a request stands.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn progress(&self, id: RequestId) -> Result<Progress, StateError> {
        self.read("looking for an answer", |connection| progress(connection, id))
    }

    /// Waits for the answer to a request; where none came in time, says where the request stands.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn wait_for(&self, id: RequestId, timeout: Duration) -> Result<Progress, StateError> {
        let start = Instant::now();
        loop {
            let progress = self.progress(id)?;
            let over = matches!(progress, Progress::Answered(_) | Progress::Expired);
            if over || start.elapsed() >= timeout {
                return Ok(progress);
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Takes a request back that nobody took. False: it is being carried out, or was.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn withdraw(&mut self, id: RequestId) -> Result<bool, StateError> {
        self.write("withdraw", "taking a request back", |transaction| {
            let rows = transaction.execute("DELETE FROM request WHERE id = ?1 AND NOT taken", [id.0])?;
            Ok(rows > 0)
        })
    }

    /// Somebody waits for more than a pass: for something that can be carried out at once.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn decisions_wait(&self) -> Result<bool, StateError> {
        let waiting: Vec<Request> = self.read("looking for requests", |connection| {
            let sql = "SELECT request_json FROM request WHERE answered_at IS NULL AND NOT taken";
            connection.prepare_cached(sql)?.query_map([], |row| json(row, 0))?.collect()
        })?;
        Ok(waiting.iter().any(|request| !matches!(request, Request::Sync { .. })))
    }

    /// What people decided since the last cycle, in that order, and what was left for the agent and not taken yet.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn decided(&self) -> Result<Vec<Decision>, StateError> {
        self.read("looking for decisions", |connection| {
            let mut decided: Vec<Decision> = note_json(connection, DECIDED)?.unwrap_or_default();
            let sql = "SELECT request_json FROM request WHERE answered_at IS NULL ORDER BY id";
            for request in connection.prepare_cached(sql)?.query_map([], |row| json(row, 0))? {
                if let Request::Decide(more) = request? {
                    decided.extend(more);
                }
            }
            Ok(decided)
        })
    }

    /// Notes decisions that were carried out, and that no cycle has seen yet.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn note_decided(&mut self, decisions: &[Decision]) -> Result<(), StateError> {
        self.write("decided", "noting decisions", |transaction| {
            let mut decided: Vec<Decision> = note_json(transaction, DECIDED)?.unwrap_or_default();
            decided.extend_from_slice(decisions);
            set_note(transaction, DECIDED, Some(&to_json(&decided)?))
        })
    }

    /// A cycle saw what came of them.
    ///
    /// # Errors
    /// Where the state cannot be read or written.
    pub fn forget_decided(&mut self) -> Result<(), StateError> {
        if self.read("looking for decisions", |connection| note(connection, DECIDED))?.is_none() {
            return Ok(());
        }
        self.write("decided", "forgetting decisions", |transaction| set_note(transaction, DECIDED, None))
    }

    /// The last sign of life of an agent, running or not.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn heartbeat(&self) -> Result<Option<Heartbeat>, StateError> {
        self.read("reading the agent's last sign of life", |connection| note_json(connection, "heartbeat"))
    }

    /// Gives back what a crashed owner took and did not answer. What is asked can be done twice.
    pub(super) fn untake_requests(&mut self) -> Result<(), StateError> {
        self.write("untake", "giving back unanswered requests", |transaction| {
            transaction.execute("UPDATE request SET taken = 0 WHERE taken AND answered_at IS NULL", [])?;
            Ok(())
        })
    }
}

/// Where a request stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Nobody took it yet.
    Waiting,
    /// It is being carried out.
    Taken,
    /// In JSON.
    Answered(String),
    /// Nobody took it in time, or it was taken back.
    Expired,
}

fn take(transaction: &Transaction<'_>, now: Timestamp) -> rusqlite::Result<Option<(RequestId, Request)>> {
    let sql = "DELETE FROM request WHERE answered_at IS NULL AND NOT taken AND expires_at <= ?1";
    transaction.execute(sql, [now.as_second()])?;
    let sql = "SELECT id, request_json FROM request WHERE answered_at IS NULL AND NOT taken ORDER BY id LIMIT 1";
    let request = |row: &Row<'_>| Ok((RequestId(row.get(0)?), json(row, 1)?));
    let next: Option<(RequestId, Request)> = transaction.query_row(sql, [], request).optional()?;
    if let Some((id, _)) = &next {
        transaction.execute("UPDATE request SET taken = 1 WHERE id = ?1", [id.0])?;
    }
    Ok(next)
}

fn progress(connection: &Connection, id: RequestId) -> rusqlite::Result<Progress> {
    let sql = "SELECT taken, answer_json FROM request WHERE id = ?1";
    let found: Option<(bool, Option<String>)> =
        connection.prepare_cached(sql)?.query_row([id.0], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    Ok(match found {
        None => Progress::Expired,
        Some((_, Some(answer))) => Progress::Answered(answer),
        Some((true, None)) => Progress::Taken,
        Some((false, None)) => Progress::Waiting,
    })
}

/// A single value, as it was set.
pub fn note(connection: &Connection, name: &str) -> rusqlite::Result<Option<String>> {
    let sql = "SELECT value FROM note WHERE name = ?1";
    connection.prepare_cached(sql)?.query_row([name], |row| row.get(0)).optional()
}

/// A single value in JSON.
pub fn note_json<T: serde::de::DeserializeOwned>(connection: &Connection, name: &str) -> rusqlite::Result<Option<T>> {
    let sql = "SELECT value FROM note WHERE name = ?1";
    connection.prepare_cached(sql)?.query_row([name], |row| json(row, 0)).optional()
}

/// Sets a single value, or removes it.
pub fn set_note(transaction: &Transaction<'_>, name: &str, value: Option<&str>) -> rusqlite::Result<()> {
    match value {
        Some(value) => {
            transaction.execute("INSERT OR REPLACE INTO note (name, value) VALUES (?1, ?2)", [name, value])?
        }
        None => transaction.execute("DELETE FROM note WHERE name = ?1", [name])?,
    };
    Ok(())
}
