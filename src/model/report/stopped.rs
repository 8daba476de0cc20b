//! Why somebody who waits gets nothing now, whatever is free: one list and one wording, for cycles, verbs and the page alike.

use serde::{Deserialize, Serialize};

/// What keeps a free seat from somebody. Where several do, the first in this order is told: it must be mended first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stopped {
    /// The person's directory was not read whole.
    Unread,
    /// The person is to leave, and the guard holds that back.
    HeldBack,
    /// The person left, and the rules keep account and place.
    Leaver,
    /// Not found by id any more, and not yet proven to be gone.
    Missing,
    /// The entry cannot be used, or somebody else has its values.
    Quarantined,
}

impl Stopped {
    /// The one to be told of several.
    #[must_use]
    pub fn first(found: impl IntoIterator<Item = Option<Self>>) -> Option<Self> {
        found.into_iter().flatten().min()
    }

    /// In words, as the reason of a place in a queue.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Unread => "gets nothing now: the directory was not read whole",
            Self::HeldBack => "gets nothing now: is to leave, which the guard holds back",
            Self::Leaver => "gets nothing now: a leaver",
            Self::Missing => "gets nothing now: not found in the directory",
            Self::Quarantined => "gets nothing now: quarantined",
        }
    }
}
