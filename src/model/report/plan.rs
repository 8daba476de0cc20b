//! The report of a plan (`plan`): what a cycle would do.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::cycle::{CycleOutcome, DirectoryReport, HeldRow, PoolRow, ProblemRow, QuarantinedRow, WaitingRow};
use crate::model::{Anchor, Name};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    Provision,
    Wait,
    Promote,
    Move,
    Release,
    Grant,
    Update,
    Suspend,
    Resume,
    Remove,
    Adopt,
}

impl ChangeKind {
    /// As the report spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Provision => "provision",
            Self::Wait => "wait",
            Self::Promote => "promote",
            Self::Move => "move",
            Self::Release => "release",
            Self::Grant => "grant",
            Self::Update => "update",
            Self::Suspend => "suspend",
            Self::Resume => "resume",
            Self::Remove => "remove",
            Self::Adopt => "adopt",
        }
    }
}

/// One change to one person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanRow {
    pub change: ChangeKind,
    pub directory: Name,
    pub anchor: Option<Anchor>,
    pub user_name: Option<String>,
    pub display_name: Option<String>,
    pub email: Option<String>,
    pub pool: Option<Name>,
    pub from_pool: Option<Name>,
    /// Why: a reason for waiting, or a cause of leaving.
    pub reason: Option<String>,
    /// The place in the queue of `pool`.
    pub position: Option<u64>,
    /// Held back by the guard.
    pub held: bool,
    /// What changes of the attributes: old and new value.
    #[serde(default)]
    pub fields: BTreeMap<String, (Option<String>, Option<String>)>,
}

/// What a cycle would do, and who would wait afterwards.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanReport {
    pub outcome: CycleOutcome,
    pub fingerprint: Option<String>,
    pub held: Option<Vec<HeldRow>>,
    pub changes: Vec<PlanRow>,
    pub waiting: Vec<WaitingRow>,
    /// As they would be afterwards.
    pub pools: Vec<PoolRow>,
    /// Everyone in scope whose entry cannot be used, by directory.
    #[serde(default)]
    pub quarantined: Vec<QuarantinedRow>,
    #[serde(default)]
    pub directories: Vec<DirectoryReport>,
    /// What cannot be done, and what the backend would refuse, where it can say so beforehand.
    #[serde(default)]
    pub problems: Vec<ProblemRow>,
    #[serde(default)]
    pub seconds: f64,
}
