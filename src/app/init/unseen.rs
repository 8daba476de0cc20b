//! Bases and groups of a config that is to be written, which the account does not see.

use super::answers::Key;
use super::look::Refused;
use crate::app::engine::ldap_directory;
use crate::app::{AppError, Code};
use crate::model::settings::Settings;

/// The bases and groups of the draft that a cycle could not go by, a sentence each. Where no server can be asked the plan says so.
pub(super) async fn in_draft(draft: &Settings) -> Vec<String> {
    let mut told = Vec::new();
    for directory in draft.directories.iter().filter_map(|directory| ldap_directory(draft, directory)) {
        for probe in directory.unseen().await.unwrap_or_default() {
            // A command that grants a right is for `check --connect` to show.
            let remedy = probe.remedy.filter(|remedy| !remedy.contains('\n')).map(|remedy| format!(". {remedy}"));
            told.push(format!("{}: {}{}", probe.what, probe.message, remedy.unwrap_or_default()));
        }
    }
    told
}

/// A mistake is likelier than a missing right: the config would serve nobody.
pub(super) fn refused(unseen: Vec<String>) -> Refused {
    let error = AppError::new(Code::Directory, "a base or group is not seen by the account; nothing was written")
        .with_causes(unseen)
        .with_next(
            "correct the answers; where they are right, and the account has no right to read it yet, `seatsync init --anyway` writes the \
             config, and `seatsync check --connect` then has the command that lets it read",
        );
    Refused { error, forget: &[Key::Bases, Key::Groups] }
}
