//! Where the ledger's file lies, and that it is still the one that was opened.

use std::path::{Path, PathBuf};

use crate::ledger::LedgerError;

/// A path, and which file it named when it was opened.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
    file: Option<FileId>,
}

/// Device and number of a file.
type FileId = (u64, u64);

impl Place {
    /// The file that is there now.
    pub(super) fn of(path: &Path) -> Self {
        Self { path: path.to_owned(), file: file_id(path) }
    }

    /// SQLite goes on writing to a file that was deleted or replaced, and what is written there is lost.
    ///
    /// # Errors
    /// Where another file lies there now, or none.
    pub(super) fn check(&self) -> Result<(), LedgerError> {
        if self.file.is_some() && file_id(&self.path) != self.file {
            return Err(LedgerError::Gone { path: self.path.clone() });
        }
        Ok(())
    }
}

#[cfg(unix)]
fn file_id(path: &Path) -> Option<FileId> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.dev(), metadata.ino()))
}

/// On Windows a file that is open can be neither deleted nor replaced.
#[cfg(not(unix))]
fn file_id(_path: &Path) -> Option<FileId> {
    None
}
