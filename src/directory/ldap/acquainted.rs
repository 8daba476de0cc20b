//! Whose entry is as it was when it was last taken in: told by a digest, in a few bytes a person.

use crate::directory::entry::Entry;
use crate::directory::person::PersonReader;
use crate::model::Anchor;
use crate::model::memory::KnownEntry;

/// Everyone known, and who of them came.
#[derive(Debug)]
pub(super) struct Acquainted {
    /// In the order of their anchors.
    known: Vec<KnownEntry>,
    /// Who of them came; same order, same length.
    came: Vec<bool>,
    /// One of them came twice: in two places, or moved meanwhile.
    pub(super) is_doubled: bool,
}

impl Acquainted {
    pub(super) fn with(known: Vec<KnownEntry>) -> Self {
        let came = vec![false; known.len()];
        Self { known, came, is_doubled: false }
    }

    /// Notes that this entry came. True where it is as it was.
    pub(super) fn has(&mut self, reader: &PersonReader, entry: &impl Entry) -> bool {
        let Some(anchor) = reader.anchor_of(entry) else { return false };
        let Ok(at) = self.known.binary_search_by_key(&anchor, |known| known.anchor) else { return false };
        self.is_doubled |= std::mem::replace(&mut self.came[at], true);
        self.known[at].entry.is_some_and(|before| before == reader.digest(entry))
    }

    /// Known, no leaver, and did not come.
    pub(super) fn unseen(&self) -> Vec<Anchor> {
        let those = self.known.iter().zip(&self.came).filter(|(known, came)| !(**came || known.is_gone));
        those.map(|(known, _)| known.anchor).collect()
    }
}
