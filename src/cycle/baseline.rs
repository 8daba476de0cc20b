//! What a cycle leaves that went well and left nothing open: as long as it holds, the next one need only look at what changed.
//!
//! Kept by the process alone. Whoever begins anew reads everything first.

mod take;

use std::collections::{BTreeMap, BTreeSet};

pub(super) use take::{End, take};

use jiff::{SignedDuration, Timestamp};

use super::Parts;
use crate::model::report::DirectoryReport;
use crate::model::{Name, PersonId};

/// How things stood at the end of a cycle.
#[derive(Clone, Debug)]
pub struct Baseline {
    /// The config it was made with.
    pub config: String,
    /// The backend's.
    pub generation: u64,
    /// When everything was last read.
    pub whole: Timestamp,
    /// Managed accounts that are not suspended, by directory.
    pub managed: BTreeMap<Name, u32>,
    /// When the next of those that are may be removed.
    pub removal: Option<Timestamp>,
    /// As they were reported, in the order of the config.
    pub directories: Vec<DirectoryReport>,
}

impl Baseline {
    /// Why everything must be read all the same.
    #[must_use]
    pub fn is_over(&self, parts: &Parts<'_>, now: Timestamp) -> Option<&'static str> {
        let full = SignedDuration::try_from(parts.settings.agent.full).unwrap_or(SignedDuration::ZERO);
        let due = |at: Timestamp| at <= now;
        if parts.asked.full {
            Some("it was asked for")
        } else if self.config != parts.settings.digest {
            Some("the config is another one")
        } else if self.whole > now || self.whole.checked_add(full).map_or(true, due) {
            Some("the last full cycle is long ago, or lies ahead of the clock")
        } else if self.removal.is_some_and(due) {
            Some("an account may have to be removed")
        } else {
            None
        }
    }
}

/// Whom a cycle looked at, where it did not look at everyone.
#[derive(Debug)]
pub struct Touched {
    pub people: BTreeSet<PersonId>,
    /// How everyone stood before.
    pub before: Baseline,
}
