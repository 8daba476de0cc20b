//! A look at a state that leaves no trace: no lock, no migration, no file beside it.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::open::{is_there, version};
use super::{State, failed};
use crate::model::text::file_url;
use crate::ports::StateError;

/// What a state says of the embedded ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Glance {
    pub knows_accounts: bool,
    /// Where the ledger lay.
    pub ledger_place: Option<String>,
}

impl State {
    /// Looks at the state of a directory. None: there is none yet.
    ///
    /// # Errors
    /// As `open_beside`, but that an older state is no error.
    pub fn glance(directory: &Path) -> Result<Option<Glance>, StateError> {
        let path = directory.join("state.db");
        if !is_there(&path)? {
            return Ok(None);
        }
        let connection = look_at(&path).map_err(|error| failed(&path, "opening it", error))?;
        version(&connection, &path)?;
        Self { connection, path }.says_of_the_ledger().map(Some)
    }

    /// The same of an open state.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn says_of_the_ledger(&self) -> Result<Glance, StateError> {
        Ok(Glance { knows_accounts: self.knows_accounts()?, ledger_place: self.ledger_place()? })
    }
}

/// Opens a database to be read alone. Where it has no log nobody writes to it, and `SQLite` need make no file beside it
/// (<https://www.sqlite.org/uri.html>, `immutable`).
///
/// # Errors
/// Where it cannot be opened.
pub fn look_at(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    if Path::new(&log).exists() {
        return Connection::open_with_flags(path, flags);
    }
    let name = file_url(&std::path::absolute(path).unwrap_or_else(|_| path.to_owned()));
    Connection::open_with_flags(format!("{name}?immutable=1"), flags | OpenFlags::SQLITE_OPEN_URI)
}
