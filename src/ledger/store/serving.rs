//! One service on a ledger's file at a time: two would send every mail twice. Whoever only reads or writes is not kept out.

use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::open::{create_private, file_error, give_to_owner_of};
use crate::ledger::LedgerError;

/// A service that was killed just now may not be gone yet.
const BRIEFLY: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(50);

/// The right to serve a ledger; given up when dropped, or when the process dies.
#[derive(Debug)]
pub struct Serving {
    /// Holds the lock for as long as it is open.
    _file: File,
}

impl Serving {
    /// Takes the right to serve the ledger at `path`, which is there.
    ///
    /// # Errors
    /// Where another process serves it, or the lock cannot be made.
    pub fn claim(path: &Path) -> Result<Self, LedgerError> {
        let cannot = |source| file_error("cannot lock the ledger", path, source);
        let database = path.canonicalize().map_err(cannot)?;
        let lock = lock_path(&database);
        let mut file = open(&lock).map_err(cannot)?;
        give_to_owner_of(database.parent().unwrap_or(Path::new(".")), &lock)?;
        let start = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if start.elapsed() < BRIEFLY => std::thread::sleep(PAUSE),
                Err(TryLockError::WouldBlock) => {
                    return Err(LedgerError::Served { path: database, process: process(&mut file) });
                }
                Err(TryLockError::Error(source)) => return Err(cannot(source)),
            }
        }
        file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(cannot)?;
        Ok(Self { _file: file })
    }
}

/// `ledger.db-serving`, beside SQLite's own files.
fn lock_path(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push("-serving");
    name.into()
}

fn open(lock: &Path) -> io::Result<File> {
    match create_private(lock) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => File::options().read(true).write(true).open(lock),
    }
}

/// Whoever has the lock wrote its number; Windows lets nobody read it meanwhile.
fn process(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.rewind().and_then(|()| file.take(20).read_to_string(&mut text)).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ledger_is_served_once_at_a_time_whatever_its_path_is_called() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        std::fs::write(&path, b"").unwrap();
        let first = Serving::claim(&path).unwrap();
        let again = Serving::claim(&folder.path().join(".").join("ledger.db")).unwrap_err();
        assert!(
            matches!(again, LedgerError::Served { process: Some(pid), .. } if pid == std::process::id()),
            "{again}"
        );
        drop(first);
        Serving::claim(&path).unwrap();
    }
}
