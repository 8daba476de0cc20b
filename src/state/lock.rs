//! One owner of a state directory at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::files;
use crate::ports::StateError;

/// `holder` tries with a shared lock for an instant; who tries to own the directory just then must try again.
const BRIEFLY: Duration = Duration::from_millis(300);
const PAUSE: Duration = Duration::from_millis(20);

/// Who owns a state directory, for messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    pub pid: u32,
    /// The agent's configured name.
    pub name: String,
    /// What it does: `run` answers requests, anything else is soon over.
    pub verb: String,
}

impl Holder {
    /// This process.
    #[must_use]
    pub fn this_process(name: &str, verb: &str) -> Self {
        Self { pid: std::process::id(), name: name.to_owned(), verb: verb.to_owned() }
    }
}

/// The right to run cycles on a state directory; given up when dropped, or when the process dies.
#[derive(Debug)]
pub struct Lock {
    directory: PathBuf,
    /// Holds the lock for as long as it is open.
    _file: File,
}

impl Lock {
    /// Takes the lock, making the folder where there is none. None: another process has it.
    ///
    /// # Errors
    /// Where the folder or the lock's file cannot be made or locked.
    pub fn try_acquire(directory: &Path, holder: &Holder) -> Result<Option<Self>, StateError> {
        Self::acquire_within(directory, holder, BRIEFLY)
    }

    /// The same, but waits for another process to end.
    ///
    /// # Errors
    /// As `try_acquire`.
    pub fn acquire_within(directory: &Path, holder: &Holder, patience: Duration) -> Result<Option<Self>, StateError> {
        files::make_folder(directory)?;
        let path = directory.join("agent.lock");
        let file = open_lock(&path).map_err(|error| cannot_lock(&path, error))?;
        files::give_to_owner(directory, &path)?;
        let start = Instant::now();
        while !try_lock(&file, &path)? {
            if start.elapsed() >= patience {
                return Ok(None);
            }
            std::thread::sleep(PAUSE);
        }
        let lock = Self { directory: directory.to_owned(), _file: file };
        lock.tell(holder)?;
        Ok(Some(lock))
    }

    /// The folder this is the lock of.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Who holds the lock now. Looking takes nothing from anybody.
    ///
    /// # Errors
    /// Where the lock's file cannot be read.
    pub fn ownership(directory: &Path) -> Result<Ownership, StateError> {
        let path = directory.join("agent.lock");
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Ownership::Nobody),
            Err(error) => return Err(cannot_lock(&path, error)),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(Ownership::Nobody),
            Err(TryLockError::WouldBlock) => Ok(read_holder(directory).map_or(Ownership::Unknown, Ownership::By)),
            Err(TryLockError::Error(error)) => Err(cannot_lock(&path, error)),
        }
    }

    /// Written beside the lock, not into it: on Windows nobody else can read a locked file.
    fn tell(&self, holder: &Holder) -> Result<(), StateError> {
        let path = holder_path(&self.directory);
        let text = serde_json::to_string(holder).unwrap_or_default();
        files::write_private(&path, text.as_bytes()).map_err(|error| cannot_lock(&path, error))?;
        files::give_to_owner(&self.directory, &path)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // What remains would be overwritten by the next owner, and says nothing while nobody holds the lock.
        let _ = std::fs::remove_file(holder_path(&self.directory));
    }
}

/// Whether somebody owns a state directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ownership {
    Nobody,
    By(Holder),
    /// Somebody who is just starting or ending.
    Unknown,
}

fn try_lock(file: &File, path: &Path) -> Result<bool, StateError> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(cannot_lock(path, error)),
    }
}

fn open_lock(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    files::private(&mut options);
    options.open(path)
}

fn holder_path(directory: &Path) -> PathBuf {
    directory.join("agent.holder")
}

fn read_holder(directory: &Path) -> Option<Holder> {
    let text = std::fs::read_to_string(holder_path(directory)).ok()?;
    serde_json::from_str(&text).ok()
}

fn cannot_lock(path: &Path, error: std::io::Error) -> StateError {
    let hint = match error.kind() {
        // The disk can lock, and takes nothing now.
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::ReadOnlyFilesystem => "",
        _ => ": the folder must be on a disk that can lock files, and belong to the user who runs this",
    };
    StateError::Failed { doing: format!("locking {}{hint}", path.display()), source: Some(Box::new(error)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder() -> Holder {
        Holder::this_process("dc01", "run")
    }

    #[test]
    fn a_second_owner_is_refused_and_told_who_the_first_is() {
        let folder = tempfile::tempdir().unwrap();
        let first = Lock::try_acquire(folder.path(), &holder()).unwrap();
        assert!(first.is_some());
        assert!(Lock::try_acquire(folder.path(), &holder()).unwrap().is_none());
        assert_eq!(Lock::ownership(folder.path()).unwrap(), Ownership::By(holder()));
    }

    #[test]
    fn a_lock_given_up_can_be_taken_again_and_has_no_holder() {
        let folder = tempfile::tempdir().unwrap();
        drop(Lock::try_acquire(folder.path(), &holder()).unwrap());
        assert_eq!(Lock::ownership(folder.path()).unwrap(), Ownership::Nobody);
        assert!(Lock::try_acquire(folder.path(), &holder()).unwrap().is_some());
    }

    #[test]
    fn who_waits_gets_the_lock_when_the_first_ends() {
        let folder = tempfile::tempdir().unwrap();
        let first = Lock::try_acquire(folder.path(), &holder()).unwrap().unwrap();
        let waiting = std::thread::spawn({
            let path = folder.path().to_owned();
            move || Lock::acquire_within(&path, &Holder::this_process("dc01", "sync"), Duration::from_secs(20)).unwrap()
        });
        drop(first);
        assert!(waiting.join().unwrap().is_some());
    }

    #[test]
    fn a_folder_that_is_not_there_has_no_holder_and_is_not_made() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("state");
        assert_eq!(Lock::ownership(&missing).unwrap(), Ownership::Nobody);
        assert!(!missing.exists());
    }

    #[test]
    fn a_holder_file_without_a_lock_means_nobody() {
        let folder = tempfile::tempdir().unwrap();
        drop(Lock::try_acquire(folder.path(), &holder()).unwrap());
        std::fs::write(folder.path().join("agent.holder"), serde_json::to_string(&holder()).unwrap()).unwrap();
        assert_eq!(Lock::ownership(folder.path()).unwrap(), Ownership::Nobody);
    }
}
