//! What can go wrong with a ledger.

use std::path::PathBuf;

use rusqlite::ErrorCode;
use thiserror::Error;

use super::rules::{Declined, RuleError};
use crate::ports::{NoAccount, Persistence};

/// Why the ledger did not do what was asked. Nothing of it happened.
#[derive(Debug, Error)]
pub enum LedgerError {
    #[error(
        "there is no ledger at {}, though accounts of it are known: put the file back from a backup; \
         it is never made anew", path.display()
    )]
    Missing { path: PathBuf },
    #[error(
        "the ledger's file {} was deleted or replaced while it was open: nothing more is written; put it back and start again",
        path.display()
    )]
    Gone { path: PathBuf },
    #[error(
        "the ledger {} is served already{}", path.display(),
        process.map_or_else(String::new, |process| format!(" (by process {process})"))
    )]
    Served { path: PathBuf, process: Option<u32> },
    #[error("{} is no Seatsync ledger, or is damaged; it was left as it is: restore the backup of the ledger, or name another path in [backend]", path.display())]
    Foreign { path: PathBuf },
    #[error(
        "the ledger {} has schema version {found}, this program knows up to {known}: run the newer program",
        path.display()
    )]
    Newer { path: PathBuf, found: i64, known: i64 },
    #[error("the ledger {} cannot be written to: give its folder and file to the user who runs this", path.display())]
    ReadOnly { path: PathBuf },
    #[error(
        "the ledger {} has no company {company:?}, which backend.company names: it has {}. Write backend.company as it was, or name the file \
         of that company in backend.path",
        path.display(), list(known)
    )]
    NoCompany { path: PathBuf, company: String, known: Vec<String> },
    #[error("{doing}")]
    File { doing: String, source: std::io::Error },
    #[error("{doing}")]
    Migrate { doing: String, source: Box<refinery::Error> },
    #[error("{doing}")]
    Sql { doing: String, source: rusqlite::Error },
    #[error("table {table} of the ledger, row {row}: {column} {why}; mend the row, it was left as it is")]
    Unreadable { table: &'static str, row: String, column: &'static str, why: String },
    #[error("writing the ledger's table {table}")]
    Encode { table: &'static str, source: serde_json::Error },
    #[error(transparent)]
    Rule(#[from] RuleError),
    #[error(transparent)]
    Declined(#[from] Declined),
}

impl LedgerError {
    /// Whether trying again can help: only where somebody else was writing.
    #[must_use]
    pub fn persistence(&self) -> Persistence {
        match self {
            Self::Sql { source, .. }
                if matches!(
                    source.sqlite_error_code(),
                    Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::OperationInterrupted)
                ) =>
            {
                Persistence::Transient
            }
            _ => Persistence::Permanent,
        }
    }

    /// What lies under the message, for those who put the message itself into an error of their own.
    #[must_use]
    pub fn into_cause(self) -> Option<Box<dyn std::error::Error + Send + Sync>> {
        match self {
            Self::File { source, .. } => Some(Box::new(source)),
            Self::Migrate { source, .. } => Some(source),
            Self::Sql { source, .. } => Some(Box::new(source)),
            Self::Encode { source, .. } => Some(Box::new(source)),
            Self::Rule(RuleError::UnknownPerson { .. }) => Some(Box::new(NoAccount)),
            _ => None,
        }
    }
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// Says what we were doing when SQLite failed.
pub(super) trait Doing<T> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, LedgerError>;
}

impl<T> Doing<T> for Result<T, rusqlite::Error> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, LedgerError> {
        self.map_err(|source| LedgerError::Sql { doing: format!("{} failed in the ledger", what()), source })
    }
}
