//! A disk without room: one sentence and one remedy, whichever verb meets it.

use std::io;
use std::path::Path;

use super::App;
use crate::model::report::Probe;
use crate::model::settings::BackendKind;
#[cfg(unix)]
use crate::state::is_read_only as is_read_only_disk;

/// What to do about a full one, and what it comes to.
pub const NEXT: &str = "make room on that disk (`df -h` shows how full each is; `df -i`, where there is room and no file can be \
                        made); nothing is lost, and an agent that runs goes on by itself";

/// So little is none: a cycle writes more.
#[cfg(unix)]
const LITTLE: u64 = 256 << 10;

/// An error and what caused it.
pub fn causes<'e>(
    error: &'e (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'e (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| error.source())
}

/// The cause is a full disk.
#[must_use]
pub fn is_full(error: &(dyn std::error::Error + 'static)) -> bool {
    causes(error).any(|error| {
        let of_system = error.downcast_ref::<io::Error>().map(io::Error::kind);
        let of_sqlite = error.downcast_ref::<rusqlite::Error>().and_then(rusqlite::Error::sqlite_error_code);
        matches!(of_system, Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
            || of_sqlite == Some(rusqlite::ErrorCode::DiskFull)
            || error.downcast_ref::<rusqlite::Error>().is_some_and(has_no_index)
    })
}

/// The index of `SQLite`'s log finds no room; of that it says only that something failed (`SQLITE_IOERR_SHMSIZE`).
fn has_no_index(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|error| error.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE)
}

/// What to do about a disk that nothing can be written to.
pub const MOUNT: &str = "mount that disk for writing; `dmesg` says why, where the system made it read-only after an error; nothing is \
                         lost, and an agent that runs goes on by itself";

/// What becomes of it, where the sentence has the remedy.
pub const GOES_ON: &str = "as it says; nothing is lost, and an agent that runs goes on by itself";

/// The cause is a disk that nothing can be written to.
#[must_use]
pub fn is_read_only(error: &(dyn std::error::Error + 'static)) -> bool {
    causes(error)
        .any(|error| error.downcast_ref::<io::Error>().map(io::Error::kind) == Some(io::ErrorKind::ReadOnlyFilesystem))
}

impl App {
    /// A sentence for each disk that the agent writes to and that takes nothing now, with the remedy.
    #[must_use]
    pub(super) fn full_disks(&self) -> Vec<String> {
        let mut places = vec![("the state", self.settings.agent.state_dir.as_path())];
        if let BackendKind::Embedded { path } = &self.settings.backend.kind {
            places.push(("the licence ledger", path));
        }
        let closed = places.into_iter().filter_map(|(what, path)| Some((what, path, shut(path)?)));
        closed.map(|(what, path, why)| on_disk(what, path, why)).collect()
    }

    /// The same for `check`, which says nothing where there is room.
    pub(super) fn room_probes(&self) -> Vec<Probe> {
        let lost = "no cycle comes to its end: everybody keeps account, seat and place, and nobody new gets one";
        self.full_disks().into_iter().map(|said| probe(said, lost)).collect()
    }
}

/// The same of a ledger that is served.
pub fn probe_of_served(database: &Path) -> Option<Probe> {
    let said = shut(database).map(|why| on_disk("the licence ledger", database, why))?;
    Some(probe(said, "nothing that an agent, an approver or the portal sends is carried out"))
}

fn probe(message: String, lost: &str) -> Probe {
    Probe {
        what: "disk: room".to_owned(),
        ok: false,
        message,
        lost: Some(lost.to_owned()),
        remedy: Some(GOES_ON.to_owned()),
    }
}

/// The disk of this place, where it is mounted so that nobody writes to it: whoever runs this is not the cause then.
#[must_use]
pub fn read_only(what: &str, path: &Path) -> Option<String> {
    shut(path).filter(|why| *why != FULL).map(|why| on_disk(what, path, why))
}

fn on_disk(what: &str, path: &Path, why: &str) -> String {
    format!("the disk of {what} {why} ({})", path.display())
}

const FULL: &str = "is full: make room on it, `df -h` and `df -i` show what it lacks";
#[cfg(unix)]
const READ_ONLY: &str = "is mounted read-only: mount it for writing (`mount -o remount,rw` and where it is mounted); `dmesg` says why, where the \
     system made it so after an error";

/// Why nothing can be written there: of the nearest folder that is there.
#[cfg(unix)]
fn shut(path: &Path) -> Option<&'static str> {
    if is_read_only_disk(path) {
        return Some(READ_ONLY);
    }
    let disk = path.ancestors().find_map(|part| rustix::fs::statvfs(part).ok())?;
    has_no_room(disk.f_bavail.saturating_mul(disk.f_frsize), disk.f_files, disk.f_ffree).then_some(FULL)
}

/// Bytes for those who are not root, and files: some file systems count none.
#[cfg(unix)]
const fn has_no_room(bytes: u64, files: u64, free_files: u64) -> bool {
    bytes < LITTLE || (files > 0 && free_files == 0)
}

/// Errors alone tell of it there.
#[cfg(not(unix))]
const fn shut(_path: &Path) -> Option<&'static str> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_known_by_the_system_and_by_the_database() {
        let of_sqlite = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL), None);
        assert!(is_full(&of_sqlite) && is_full(&io::Error::from(io::ErrorKind::StorageFull)));
        assert!(!is_full(&io::Error::from(io::ErrorKind::PermissionDenied)));
    }

    #[cfg(unix)]
    #[test]
    fn a_disk_is_full_without_bytes_and_without_files() {
        assert!(has_no_room(4096, 100, 50) && has_no_room(u64::MAX, 100, 0));
        assert!(!has_no_room(u64::MAX, 0, 0), "a file system that counts no files");
        assert_eq!(shut(&std::env::temp_dir().join("not/there/yet")), None);
        assert_eq!(read_only("the state", &std::env::temp_dir()), None);
        // Of a process's own file system nobody made any other.
        let said = on_disk("the state", Path::new("/srv"), READ_ONLY);
        assert!(said.starts_with("the disk of the state is mounted read-only: mount it") && said.ends_with(" (/srv)"));
        assert!(FULL.starts_with("is full") && READ_ONLY.contains("read-only"));
    }
}
