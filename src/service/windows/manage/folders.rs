//! The folders of the service under `%ProgramData%`, and whom they let in.

use std::path::{Path, PathBuf};

use super::ManageError;
use crate::windows::{access, data_folder};

/// Read and list; and, where the service keeps its state, write and delete, too.
const READ: &str = "0x1200a9";
const CHANGE: &str = "0x1301bf";

/// Makes the folders where they are missing, and lets in the system, administrators and the service alone: the service may
/// read config and secrets, and change its state and ledger.
pub fn protect() -> Result<(), ManageError> {
    let home = data_folder();
    for (folder, right) in [(home.clone(), READ), (home.join("state"), CHANGE), (home.join("ledger"), CHANGE)] {
        let cannot = |source| ManageError::Folder { path: folder.clone(), source };
        std::fs::create_dir_all(&folder).map_err(cannot)?;
        access::set(&folder, &sddl(right)).map_err(cannot)?;
    }
    make(&home.join("secrets"))
}

/// With the rights of the folder above.
fn make(folder: &Path) -> Result<(), ManageError> {
    std::fs::create_dir_all(folder).map_err(|source| ManageError::Folder { path: PathBuf::from(folder), source })
}

/// Owned by administrators: any user may make a folder in `%ProgramData%`, and its owner could let anybody in again.
fn sddl(right: &str) -> String {
    format!("O:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;{right};;;{})", access::SERVICE)
}
