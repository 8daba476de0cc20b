//! The fingerprint by which a person names exactly the changes that are held back.

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};

use crate::model::change::HeldChange;

/// Hash of the sorted (directory, anchor, change, new value): 16 hexadecimal digits; None where nothing is held back.
#[must_use]
pub fn fingerprint(changes: &BTreeSet<HeldChange>) -> Option<String> {
    if changes.is_empty() {
        return None;
    }
    let mut hash = Sha256::new();
    for held in changes {
        let anchor = held.person.anchor.to_string();
        for part in [&*held.person.directory, &anchor, &held.change, &held.value] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
    }
    let digest = hash.finalize();
    Some(digest[..8].iter().map(|byte| format!("{byte:02x}")).collect())
}
