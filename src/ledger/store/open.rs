//! Opening a ledger: made where it may be new, never where accounts of it are known, and never guessed at.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::fault;
use crate::ledger::LedgerError;
use crate::ledger::error::Doing;

pub(super) mod migrations {
    refinery::embed_migrations!("src/ledger/store/migrations");
}

/// `SeaL`, in the file's header: what lies at the path is a ledger and not another database of ours.
const APPLICATION_ID: i32 = 0x5365_614C;

/// More than there are.
const STATEMENTS: usize = 256;

/// How long another process may hold the write lock before we give up for now.
const BUSY: Duration = Duration::from_secs(10);

/// Opens the ledger at `path`. With `must_exist` it must be there already, with its schema.
pub(super) fn open(path: &Path, must_exist: bool) -> Result<Connection, LedgerError> {
    let missing = || LedgerError::Missing { path: path.to_owned() };
    match fs::metadata(path) {
        Ok(file) if file.len() == 0 && must_exist => return Err(missing()),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound && must_exist => return Err(missing()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => create(path)?,
        Err(source) => return Err(file_error("cannot look at the ledger", path, source)),
    }
    let mut connection = connect(path)?;
    let found = schema_version(&connection, path)?;
    if found == 0 && must_exist {
        return Err(missing());
    }
    prepare(&connection, path)?;
    migrate(&mut connection, path, found)?;
    Ok(connection)
}

/// Whether what lies at `path` is a ledger that this program can open, of which nothing is changed. An empty file, and none,
/// may become one unless it `must_exist`.
///
/// # Errors
/// As `open`.
pub(super) fn glance(connection: &Connection, path: &Path, must_exist: bool) -> Result<(), LedgerError> {
    match schema_version(connection, path)? {
        0 if must_exist => Err(LedgerError::Missing { path: path.to_owned() }),
        _ => Ok(()),
    }
}

/// The file alone: empty, private, and its folder owner's. SQLite and the migration fill it in one transaction.
fn create(path: &Path) -> Result<(), LedgerError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    make_folder(folder)?;
    fault::point("ledger.create.before");
    match create_private(path) {
        Ok(file) => {
            file.sync_all().map_err(|source| file_error("cannot save the new ledger", path, source))?;
            give_to_owner_of(folder, path)?;
        }
        // Another process was quicker.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(source) => return Err(file_error("cannot make the ledger", path, source)),
    }
    fault::point("ledger.create.after");
    Ok(())
}

fn make_folder(folder: &Path) -> Result<(), LedgerError> {
    let mut missing: Vec<PathBuf> = folder
        .ancestors()
        .take_while(|part| !part.as_os_str().is_empty() && !part.exists())
        .map(Path::to_owned)
        .collect();
    missing.reverse();
    for part in missing {
        match create_private_folder(&part) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            Err(source) => return Err(file_error("cannot make the ledger's folder", &part, source)),
            Ok(()) => {}
        }
        if let Some(parent) = part.parent() {
            give_to_owner_of(parent, &part)?;
        }
    }
    Ok(())
}

#[cfg(unix)]
pub(super) fn create_private(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    File::options().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(unix)]
fn create_private_folder(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().mode(0o700).create(path)
}

/// What root makes in somebody's folder is that somebody's: the agent runs without root.
#[cfg(unix)]
pub(super) fn give_to_owner_of(folder: &Path, path: &Path) -> Result<(), LedgerError> {
    use std::os::unix::fs::{MetadataExt as _, lchown};
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let cannot = |source| file_error("cannot look at", path, source);
    let (owner, made) = (fs::metadata(folder).map_err(cannot)?, fs::symlink_metadata(path).map_err(cannot)?);
    if made.uid() == 0 && owner.uid() != 0 {
        lchown(path, Some(owner.uid()), Some(owner.gid()))
            .map_err(|source| file_error("cannot give the ledger to its folder's owner:", path, source))?;
    }
    Ok(())
}

/// On Windows a new file inherits the folder's access list, which the installer keeps private.
#[cfg(not(unix))]
pub(super) fn create_private(path: &Path) -> io::Result<File> {
    File::options().write(true).create_new(true).open(path)
}

#[cfg(not(unix))]
fn create_private_folder(path: &Path) -> io::Result<()> {
    fs::create_dir(path)
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "fails on Unix")]
pub(super) fn give_to_owner_of(_folder: &Path, _path: &Path) -> Result<(), LedgerError> {
    Ok(())
}

/// Without the flag that makes a missing file: between our look and this it may have gone.
fn connect(path: &Path) -> Result<Connection, LedgerError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).doing(|| format!("opening {}", path.display()))?;
    connection.busy_timeout(BUSY).doing(|| "setting the time to wait for others".to_owned())?;
    if connection.is_readonly("main").doing(|| format!("opening {}", path.display()))? {
        return Err(LedgerError::ReadOnly { path: path.to_owned() });
    }
    Ok(connection)
}

/// The schema's version, 0 where there is none yet.
///
/// # Errors
/// Where the file is something else than a ledger, or a newer one.
fn schema_version(connection: &Connection, path: &Path) -> Result<i64, LedgerError> {
    let foreign = || LedgerError::Foreign { path: path.to_owned() };
    let number = |sql: &str| match connection.query_row(sql, [], |row| row.get::<_, i64>(0)) {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => Err(foreign()),
        other => other.doing(|| format!("reading the header of {}", path.display())),
    };
    let tables = number("SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'refinery%'")?;
    let application = number("PRAGMA application_id")?;
    if application != i64::from(APPLICATION_ID) {
        return if tables == 0 && application == 0 { Ok(0) } else { Err(foreign()) };
    }
    let found = number("SELECT coalesce(max(version), 0) FROM refinery_schema_history")?;
    let known = latest();
    if found > known {
        return Err(LedgerError::Newer { path: path.to_owned(), found, known });
    }
    Ok(found)
}

fn latest() -> i64 {
    migrations::migrations::runner().get_migrations().iter().map(|one| i64::from(one.version())).max().unwrap_or(0)
}

fn prepare(connection: &Connection, path: &Path) -> Result<(), LedgerError> {
    // One request uses some thirty: of the usual sixteen none would be kept for the next.
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Else a statement is planned anew whenever other values are bound to it: the bundled SQLite counts values (STAT4).
    let set = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true);
    set.doing(|| format!("preparing {}", path.display()))?;
    // FULL: what was answered is on the disk, whatever happens to the power. MEMORY: what would undo a statement half way is
    // never needed after it; in a file, each row costs some ten writes of whole pages.
    let settings = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
                    PRAGMA cache_size = -16000; PRAGMA temp_store = MEMORY;";
    // Where two make one file at a moment, SQLite does not wait for a lock that it would have to raise.
    let began = Instant::now();
    loop {
        match connection.execute_batch(settings) {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && began.elapsed() < BUSY => {
                std::thread::sleep(Duration::from_millis(20));
            }
            done => return done.doing(|| format!("preparing {}", path.display())),
        }
    }
}

/// Brings the schema up to date, in one transaction. Where another process did so at the same moment, as an agent does that
/// starts beside a verb, the schema is there, and what this one could not do is done.
fn migrate(connection: &mut Connection, path: &Path, found: i64) -> Result<(), LedgerError> {
    if found == latest() {
        return Ok(());
    }
    fault::point("ledger.migrate.before");
    if let Err(source) = migrations::migrations::runner().set_grouped(true).run(connection) {
        if schema_version(connection, path).is_ok_and(|now| now == latest()) {
            return Ok(());
        }
        let doing =
            format!("bringing the ledger {} from schema version {found} to {} failed", path.display(), latest());
        return Err(LedgerError::Migrate { doing, source: Box::new(source) });
    }
    fault::point("ledger.migrate.after");
    Ok(())
}

pub(super) fn file_error(what: &str, path: &Path, source: io::Error) -> LedgerError {
    LedgerError::File { doing: format!("{what} {}", path.display()), source }
}
