//! What the agent knows between cycles: one `SQLite` file, `state.db`, in `state_dir`.
//!
//! One process owns it (it holds `Lock`) and runs cycles; other verbs read it beside the owner and leave requests. Nothing
//! here decides anything. A file that cannot be read is never treated as missing (rule 25).

mod accounts;
mod excerpts;
mod files;
mod glance;
mod history;
mod journal;
mod listings;
mod lock;
mod lookup;
mod members;
mod numbers;
mod open;
mod outbox;
mod people;
mod queue;
mod requests;
mod succession;
mod values;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};

use crate::fault;
use crate::ports::StateError;

pub use files::is_read_only;
pub use files::private;
pub use glance::{Glance, look_at};
pub use lock::{Holder, Lock, Ownership};
pub use lookup::Who;
pub use requests::Progress;

/// An open state file.
#[derive(Debug)]
pub struct State {
    connection: Connection,
    path: PathBuf,
}

impl State {
    /// Reads, and says what was being read where that fails.
    fn read<T>(&self, doing: &str, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StateError> {
        work(&self.connection).map_err(|error| self.failed(doing, error))
    }

    /// Writes all or nothing, on disk when this returns. `name` names the points at which a test may kill us.
    fn write<T>(
        &mut self,
        name: &str,
        doing: &str,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StateError> {
        fault::point(&format!("state.{name}.before"));
        let result = self.transact(work).map_err(|error| self.failed(doing, error))?;
        fault::point(&format!("state.{name}.after"));
        Ok(result)
    }

    fn transact<T>(&mut self, work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let result = work(&transaction)?;
        transaction.commit()?;
        Ok(result)
    }

    fn failed(&self, doing: &str, error: rusqlite::Error) -> StateError {
        failed(&self.path, doing, error)
    }
}

/// Tells a damaged file from a failure that may pass.
fn failed(path: &std::path::Path, doing: &str, error: rusqlite::Error) -> StateError {
    use rusqlite::Error as E;
    let unreadable = match &error {
        E::SqliteFailure(why, _) => matches!(why.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase),
        E::FromSqlConversionFailure(..)
        | E::IntegralValueOutOfRange(..)
        | E::InvalidColumnType(..)
        | E::Utf8Error(..) => true,
        _ => false,
    };
    if unreadable {
        return StateError::Unreadable {
            path: path.to_owned(),
            doing: doing.to_owned(),
            source: Some(Box::new(error)),
        };
    }
    let remedy = match &error {
        E::SqliteFailure(why, _) => remedy(why.code),
        _ => "",
    };
    StateError::Failed { doing: format!("{doing} in {}{remedy}", path.display()), source: Some(Box::new(error)) }
}

/// What to do about a failure that is not damage.
const fn remedy(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => ": another process holds it; try again",
        ErrorCode::CannotOpen
        | ErrorCode::ReadOnly
        | ErrorCode::PermissionDenied
        | ErrorCode::AuthorizationForStatementDenied => ": run this as the folder's owner, or as an administrator",
        _ => "",
    }
}
