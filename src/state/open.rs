//! Opening the state file: made once, migrated by its owner, refused where it cannot be read.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use refinery::{Migration, Runner};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::files::{give_to_owner, is_read_only, no_file, write_private};
use super::glance::look_at;
use super::lock::{Holder, Lock};
use super::{State, failed};
use crate::fault;
use crate::ports::StateError;

/// "SEAT": what makes an `SQLite` file ours.
const APPLICATION_ID: u32 = 0x5345_4154;

/// Every step of the schema; each sets `user_version` to its number.
pub(super) const MIGRATIONS: &[(&str, &str)] = &[
    ("V1__state", include_str!("migrations/V1__state.sql")),
    ("V2__nested", include_str!("migrations/V2__nested.sql")),
    ("V3__queue", include_str!("migrations/V3__queue.sql")),
    ("V4__outbox", include_str!("migrations/V4__outbox.sql")),
    ("V5__former", include_str!("migrations/V5__former.sql")),
    ("V6__approved", include_str!("migrations/V6__approved.sql")),
    ("V7__user_ids", include_str!("migrations/V7__user_ids.sql")),
    ("V8__nested_anchors", include_str!("migrations/V8__nested_anchors.sql")),
    ("V9__excerpts", include_str!("migrations/V9__excerpts.sql")),
    ("V10__listings", include_str!("migrations/V10__listings.sql")),
    ("V11__entries", include_str!("migrations/V11__entries.sql")),
    ("V12__refusals", include_str!("migrations/V12__refusals.sql")),
];

/// How long to wait for another process that writes.
const PATIENCE: Duration = Duration::from_secs(15);

/// Bytes of the log kept for the next writes; a first cycle makes one as large as the file.
const LOG_KEPT: u32 = 16 << 20;

/// KiB of pages held in memory at most: those of the indexes that a cycle of many joiners writes all over. With SQLite's usual
/// two thousand each page is written again and again.
const CACHE: i32 = 16_000;

impl State {
    /// Opens the state of the directory whose lock is held, making it where there is none.
    ///
    /// # Errors
    /// Where there is a state that cannot be read, or that a newer program wrote; it is left as it is.
    pub fn open(lock: &Lock) -> Result<Self, StateError> {
        let directory = lock.directory();
        let path = directory.join("state.db");
        if !is_there(&path)? {
            create(directory, &path)?;
        }
        let (connection, version) = connect(&path)?;
        let mut state = Self { connection, path };
        if version < newest() {
            state.migrate(MIGRATIONS)?;
        }
        state.untake_requests()?;
        state.name_instance()?;
        Ok(state)
    }

    /// Opens a state beside its owner, or without one; on a disk that is mounted read-only to be read alone. None: there is none
    /// yet.
    ///
    /// # Errors
    /// As `open`; also where the owner is an older program.
    pub fn open_beside(directory: &Path) -> Result<Option<Self>, StateError> {
        let path = directory.join("state.db");
        if !is_there(&path)? {
            return Ok(None);
        }
        let (connection, version) = match connect(&path) {
            // The log's index cannot be made there.
            Err(StateError::Failed { .. }) if is_read_only(&path) => connect_to_read(&path)?,
            connected => connected?,
        };
        let mut state = Self { connection, path };
        if version < newest() {
            let holder = Holder::this_process("", "migrate");
            let Some(_lock) = Lock::try_acquire(directory, &holder)? else {
                return Err(StateError::Older { path: state.path, found: version });
            };
            state.migrate(MIGRATIONS)?;
        }
        Ok(Some(state))
    }

    /// A state that nothing of outlives the process: for planning where nothing is kept yet, and for tests.
    ///
    /// # Errors
    /// Where there is no memory for it.
    pub fn in_memory() -> Result<Self, StateError> {
        let path = PathBuf::from(":memory:");
        let connection = Connection::open_in_memory().map_err(|error| failed(&path, "opening", error))?;
        let mut state = Self { connection, path };
        state.migrate(MIGRATIONS)?;
        Ok(state)
    }

    fn migrate(&mut self, migrations: &[(&str, &str)]) -> Result<(), StateError> {
        let steps: Result<Vec<Migration>, _> =
            migrations.iter().map(|(name, sql)| Migration::unapplied(name, sql)).collect();
        steps
            .and_then(|steps| Runner::new(&steps).set_grouped(true).run(&mut self.connection))
            .map(|_report| ())
            .map_err(|error| StateError::Failed {
                doing: format!(
                    "bringing {} to this version of the program; it is as it was before",
                    self.path.display()
                ),
                source: Some(Box::new(error)),
            })
    }
}

/// The version this program writes.
fn newest() -> u32 {
    u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX)
}

/// Whether there is a state, readable or not. What cannot be looked at is an error, not missing.
pub(super) fn is_there(path: &Path) -> Result<bool, StateError> {
    if lies_at(path)? {
        return Ok(true);
    }
    // SQLite would apply a log without its file to whatever new file we put there.
    let log = path.with_extension("db-wal");
    if lies_at(&log)? {
        return Err(StateError::Unreadable {
            path: path.to_owned(),
            doing: format!("looking for it: it is gone, and its log {} is still there", log.display()),
            source: None,
        });
    }
    Ok(false)
}

/// A link to nowhere is there: what it leads to is not mounted, perhaps.
fn lies_at(path: &Path) -> Result<bool, StateError> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(no_file(&format!("looking for {}", path.display()), error)),
    }
}

/// Makes the file under another name, so that a crash leaves none, and an empty one is always damage.
fn create(directory: &Path, path: &Path) -> Result<(), StateError> {
    let fresh = path.with_extension("db-new");
    for leftover in [fresh.clone(), fresh.with_extension("db-new-journal")] {
        match fs::remove_file(&leftover) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(no_file(&format!("removing {}, left over from a crash", leftover.display()), error));
            }
            _ => {}
        }
    }
    write_private(&fresh, b"").map_err(|error| no_file(&format!("making {}", fresh.display()), error))?;
    let doing = "making a new state";
    let connection = Connection::open(&fresh).map_err(|error| failed(&fresh, doing, error))?;
    let mut state = State { connection, path: fresh.clone() };
    state.migrate(MIGRATIONS)?;
    state.connection.close().map_err(|(_, error)| failed(&fresh, doing, error))?;
    give_to_owner(directory, &fresh)?;
    fault::point("state.create.before");
    let place = || fs::rename(&fresh, path).and_then(|()| sync_folder(directory));
    place().map_err(|error| no_file(&format!("making {}", path.display()), error))?;
    fault::point("state.create.after");
    Ok(())
}

/// Makes a new name survive a power cut.
#[cfg(unix)]
fn sync_folder(directory: &Path) -> io::Result<()> {
    fs::File::open(directory)?.sync_all()
}

/// NTFS keeps its own log of names, and a folder cannot be opened as a file.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "fails on Unix")]
fn sync_folder(_directory: &Path) -> io::Result<()> {
    Ok(())
}

/// Opens what is there and says which version it has.
fn connect(path: &Path) -> Result<(Connection, u32), StateError> {
    let doing = "opening it";
    let connection =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .map_err(|error| failed(path, doing, error))?;
    let version = version(&connection, path)?;
    configure(&connection).map_err(|error| failed(path, doing, error))?;
    Ok((connection, version))
}

/// The same of one that nobody can write to.
fn connect_to_read(path: &Path) -> Result<(Connection, u32), StateError> {
    let doing = "opening it to read";
    let connection = look_at(path).map_err(|error| failed(path, doing, error))?;
    let version = version(&connection, path)?;
    connection.pragma_update(None, "temp_store", "memory").map_err(|error| failed(path, doing, error))?;
    Ok((connection, version))
}

/// Read before anything is written, so that what is not ours, or newer, stays as it is.
pub(super) fn version(connection: &Connection, path: &Path) -> Result<u32, StateError> {
    let pragma = |name: &str| {
        connection
            .pragma_query_value(None, name, |row| row.get::<_, u32>(0))
            .map_err(|error| failed(path, "opening it", error))
    };
    connection.busy_timeout(PATIENCE).map_err(|error| failed(path, "opening it", error))?;
    if pragma("application_id")? != APPLICATION_ID {
        let doing = "opening it: it is empty, or another program's".to_owned();
        return Err(StateError::Unreadable { path: path.to_owned(), doing, source: None });
    }
    let found = pragma("user_version")?;
    if found > newest() {
        return Err(StateError::Newer { path: path.to_owned(), found, known: newest() });
    }
    Ok(found)
}

/// FULL: what the journal says was sent must survive a power cut (WAL alone survives a crash of the process only).
fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "journal_size_limit", LOG_KEPT)?;
    connection.pragma_update(None, "cache_size", -CACHE)?;
    // As in the ledger: what would undo a statement half way need not go to a file.
    connection.pragma_update(None, "temp_store", "memory")?;
    connection.set_prepared_statement_cache_capacity(64);
    // As in the ledger: no statement is planned anew because other values are bound to it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}
