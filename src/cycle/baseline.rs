//! What a cycle leaves that went well and left nothing open: as long as it holds, the next one need only look at what changed.
//!
//! Kept by the process, and in the state for the next one where the backend can tell it that nothing was changed meanwhile: that
//! one reads everything first, but need not look at everyone.

mod take;

use std::collections::{BTreeMap, BTreeSet};

pub(super) use take::{End, take};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{CycleError, Parts};
use crate::model::report::DirectoryReport;
use crate::model::{Name, PersonId};

/// How things stood at the end of a cycle.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Baseline {
    /// The config it was made with.
    pub config: String,
    /// The backend's.
    pub generation: u64,
    /// An earlier process left it.
    #[serde(skip)]
    pub is_recalled: bool,
    /// When everything was last read.
    pub whole: Timestamp,
    /// Managed accounts that are not suspended, by directory.
    pub managed: BTreeMap<Name, u32>,
    /// When the next of those that are may be removed.
    pub removal: Option<Timestamp>,
    /// As they were reported, in the order of the config.
    pub directories: Vec<DirectoryReport>,
}

/// How far one can be counted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// As far as nothing changed since.
    Everything,
    /// The same, and everything must be read again all the same: why.
    AllButTheRead(&'static str),
    /// Everyone must be looked at: why.
    Nothing(&'static str),
}

impl Baseline {
    /// How far the next cycle can count on it.
    #[must_use]
    pub fn holds(&self, parts: &Parts<'_>, now: Timestamp) -> Holds {
        let full = SignedDuration::try_from(parts.settings.agent.full).unwrap_or(SignedDuration::ZERO);
        let due = |at: Timestamp| at <= now;
        if self.config != parts.settings.digest {
            Holds::Nothing("the config is another one")
        } else if self.whole > now {
            // What came due by a clock that was wrong may lie ahead again.
            Holds::Nothing("the last full cycle lies ahead of the clock")
        } else if self.removal.is_some_and(due) {
            Holds::Nothing("an account may have to be removed")
        } else if self.is_recalled {
            Holds::AllButTheRead("the agent begins")
        } else if parts.asked.full {
            Holds::AllButTheRead("it was asked for")
        } else if self.whole.checked_add(full).map_or(true, due) {
            Holds::AllButTheRead("the last full cycle is long ago")
        } else {
            Holds::Everything
        }
    }
}

const PROGRAM: &str = env!("CARGO_PKG_VERSION");

/// What is kept of one for the next process.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    /// Another version may judge the same entries otherwise.
    program: String,
    seal: String,
    baseline: Baseline,
}

/// What an earlier process left, where the backend is still as it was then.
///
/// # Errors
/// Where backend or state cannot be read.
pub async fn recall(parts: &mut Parts<'_>) -> Result<Option<Baseline>, CycleError> {
    let Some(json) = parts.memory.baseline()? else { return Ok(None) };
    let Ok(Kept { program, seal, baseline }) = serde_json::from_str(&json) else { return Ok(None) };
    if program != PROGRAM {
        return Ok(None);
    }
    let generation = parts.backend.unsealed(&seal).await?;
    Ok(generation.map(|generation| Baseline { generation, is_recalled: true, ..baseline }))
}

/// What is to be kept of one; nothing where the backend could not tell the next process that it holds.
pub async fn to_keep(parts: &mut Parts<'_>, baseline: Option<&Baseline>) -> Option<String> {
    let baseline = baseline?.clone();
    let seal = parts.backend.seal().await?;
    serde_json::to_string(&Kept { program: PROGRAM.to_owned(), seal, baseline }).ok()
}

/// Whom a cycle looked at, where it did not look at everyone.
#[derive(Debug)]
pub struct Touched {
    pub people: BTreeSet<PersonId>,
    /// How everyone stood before.
    pub before: Baseline,
}
