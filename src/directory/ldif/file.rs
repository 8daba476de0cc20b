//! The file itself: its bytes, and whether it is still the one that was read.

use std::fs::{self, Metadata};
use std::io;
use std::path::Path;
use std::time::SystemTime;

use xxhash_rust::xxh3::xxh3_128;

use crate::ports::{Persistence, ReadError};

/// What tells one state of a file from another without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    length: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self { length: metadata.len(), modified: metadata.modified().ok() }
    }

    /// The file as it is now.
    pub(super) fn now(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().map(|metadata| Self::of(&metadata))
    }
}

/// The bytes of the file, as they were at one moment.
pub(super) fn read(path: &Path) -> Result<(Vec<u8>, Stamp), ReadError> {
    let failed = |error| unreadable(path, error);
    let before = fs::metadata(path).map_err(failed)?;
    if !before.is_file() {
        return Err(error(path, "it is no file; name an LDIF file in `path`", Persistence::Permanent));
    }
    let bytes = fs::read(path).map_err(failed)?;
    let stamp = Stamp::of(&before);
    let same = Stamp::now(path) == Some(stamp) && usize::try_from(stamp.length) == Ok(bytes.len());
    if !same {
        let why = "it changed while it was read; write exports beside it and rename them over it";
        return Err(error(path, why, Persistence::Transient));
    }
    Ok((bytes, stamp))
}

/// Tells one content from another: a file with the same digest need not be read again.
pub(super) fn digest(bytes: &[u8]) -> String {
    format!("{:032x}", xxh3_128(bytes))
}

/// A read of the file that did not happen.
pub(super) fn error(path: &Path, why: &str, persistence: Persistence) -> ReadError {
    ReadError { doing: format!("reading {}: {why}", path.display()), advice: None, persistence, source: None }
}

fn unreadable(path: &Path, source: io::Error) -> ReadError {
    let other = format!("the file could not be read ({source}); mend that, or export the directory to another `path`");
    let (why, persistence) = match source.kind() {
        io::ErrorKind::NotFound => {
            ("there is no such file; export the directory to it, or correct `path`", Persistence::Permanent)
        }
        io::ErrorKind::PermissionDenied => {
            ("the agent may not read it; grant its account that right", Persistence::Permanent)
        }
        _ => (other.as_str(), Persistence::Transient),
    };
    ReadError { source: Some(Box::new(source)), ..error(path, why, persistence) }
}
