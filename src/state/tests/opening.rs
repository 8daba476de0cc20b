use std::fs;

use rusqlite::Connection;

use super::*;
use crate::ports::{History as _, StateError};

fn open_error(folder: &TempDir) -> StateError {
    let lock = Lock::try_acquire(folder.path(), &Holder::this_process("dc01", "run")).unwrap().unwrap();
    State::open(&lock).unwrap_err()
}

/// A state with a cycle in it, closed again: no log remains beside the file.
fn made(folder: &TempDir) -> std::path::PathBuf {
    let (_lock, mut state) = owner(folder);
    state.begin_cycle(at(0)).unwrap();
    folder.path().join("state.db")
}

#[test]
fn what_was_stored_is_there_after_opening_again() {
    let folder = tempfile::tempdir().unwrap();
    made(&folder);
    let (_lock, mut state) = owner(&folder);
    assert_eq!(state.begin_cycle(at(1)).unwrap(), 1, "the one that came to no end");
}

#[test]
fn the_newest_migration_is_the_version_of_a_new_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = made(&folder);
    let version: u32 = Connection::open(path).unwrap().pragma_query_value(None, "user_version", |r| r.get(0)).unwrap();
    assert_eq!(version as usize, super::super::open::MIGRATIONS.len());
}

#[test]
fn beside_nobody_finds_no_state_and_makes_none() {
    let folder = tempfile::tempdir().unwrap();
    assert!(State::open_beside(folder.path()).unwrap().is_none());
    assert!(State::open_beside(&folder.path().join("missing")).unwrap().is_none());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_damaged_file_is_refused_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = made(&folder);
    for damage in [b"not a database, but long enough to look like one ".repeat(200), Vec::new()] {
        fs::write(&path, &damage).unwrap();
        assert!(matches!(open_error(&folder), StateError::Unreadable { .. }));
        assert!(matches!(State::open_beside(folder.path()), Err(StateError::Unreadable { .. })));
        assert_eq!(fs::read(&path).unwrap(), damage);
    }
}

#[test]
fn a_file_cut_short_is_refused_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = made(&folder);
    let half = fs::metadata(&path).unwrap().len() / 2;
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(half).unwrap();
    assert!(matches!(open_error(&folder), StateError::Unreadable { .. }));
    assert_eq!(fs::metadata(&path).unwrap().len(), half);
}

#[test]
fn another_programs_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    assert!(matches!(open_error(&folder), StateError::Unreadable { .. }));
}

#[test]
fn a_newer_version_is_refused_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = made(&folder);
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let before = fs::read(&path).unwrap();
    let error = open_error(&folder);
    assert!(matches!(error, StateError::Newer { found: 99, known: 12, .. }), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_log_without_its_file_is_not_a_missing_state() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("state.db-wal"), b"a log").unwrap();
    assert!(matches!(open_error(&folder), StateError::Unreadable { .. }));
    assert!(matches!(State::open_beside(folder.path()), Err(StateError::Unreadable { .. })));
    assert!(!folder.path().join("state.db").exists());
}

#[test]
fn a_crash_while_making_the_file_is_made_good() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("state.db-new"), b"half a file").unwrap();
    made(&folder);
    assert!(!folder.path().join("state.db-new").exists());
}

#[test]
fn an_older_file_waits_for_the_older_agent_to_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = made(&folder);
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 0).unwrap();
    let lock = Lock::try_acquire(folder.path(), &Holder::this_process("dc01", "run")).unwrap().unwrap();
    let beside = State::open_beside(folder.path());
    assert!(matches!(beside, Err(StateError::Older { found: 0, .. })));
    drop(lock);
    assert!(State::open_beside(folder.path()).unwrap().is_some());
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
    use std::path::Path;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn nobody_else_can_look_into_a_new_state() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("a/state");
        let lock = Lock::try_acquire(&inside, &Holder::this_process("dc01", "run")).unwrap().unwrap();
        let mut state = State::open(&lock).unwrap();
        state.begin_cycle(at(0)).unwrap();
        assert_eq!(mode(&inside), 0o700);
        for file in fs::read_dir(&inside).unwrap() {
            let path = file.unwrap().path();
            assert_eq!(mode(&path), 0o600, "{}", path.display());
        }
    }

    #[test]
    fn what_root_writes_belongs_to_the_folders_owner() {
        let folder = tempfile::tempdir().unwrap();
        if chown(folder.path(), Some(12_345), Some(12_346)).is_err() {
            return; // Only root can give a folder away, and only root needs to.
        }
        let (_lock, mut state) = owner(&folder);
        state.begin_cycle(at(0)).unwrap();
        let files: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path()).collect();
        assert!(files.iter().any(|path| path.ends_with("state.db-wal")), "{files:?}");
        for path in files {
            let metadata = fs::metadata(&path).unwrap();
            assert_eq!((metadata.uid(), metadata.gid()), (12_345, 12_346), "{}", path.display());
        }
    }

    #[test]
    fn a_link_to_a_disk_that_is_not_mounted_is_not_a_missing_state() {
        let folder = tempfile::tempdir().unwrap();
        symlink("/nowhere/state.db", folder.path().join("state.db")).unwrap();
        assert!(matches!(State::open_beside(folder.path()), Err(StateError::Failed { .. })));
        assert!(matches!(open_error(&folder), StateError::Failed { .. }));
    }
}
