//! By the access lists of Windows.

use std::path::Path;

use super::{Closed, Unread};
use crate::settings::{Problem, UsedFile, sddl};
use crate::windows::access::{self, SERVICE};

/// What the service may not read by the files' access lists. Nothing where the state's folder is not the service's: then it is
/// somebody's who only tries it out.
pub fn unreadable(_config: &Path, state_dir: Option<&Path>, files: &[UsedFile]) -> Vec<Unread> {
    let Some(state_dir) = state_dir else { return Vec::new() };
    if !access::of(state_dir).is_ok_and(|list| sddl::names(&list, SERVICE)) {
        return Vec::new();
    }
    let is_locked = |file: &&UsedFile| access::of(&file.path).is_ok_and(|list| !sddl::lets_read(&list, SERVICE));
    let told = |file: &UsedFile| {
        let shown = file.path.display();
        let message = format!(
            "the service, NT SERVICE\\seatsync, is not let in by the access list of {shown}: run: icacls \"{shown}\" /grant \
             *{SERVICE}:R"
        );
        Unread { problem: Problem { message, ..file.place.clone() }, sure: true }
    };
    files.iter().filter(is_locked).map(told).collect()
}

/// Any port is anybody's there.
pub const fn may_listen(_config: &Path, _port: u16) -> bool {
    true
}

/// What helps where the system forbids a file.
pub fn given_back(_state_dir: &Path, _file: &Path) -> String {
    "run this as an administrator".to_owned()
}

/// Nothing is advised of folders.
pub const fn is_systems(_folder: &Path) -> bool {
    false
}

/// The installer gives the service all of its data folder, and nothing else is judged.
pub const fn unwritable(_config: &Path, _state_dir: Option<&Path>, _places: &[(&'static str, &Path)]) -> Vec<Closed> {
    Vec::new()
}
