//! The report of one cycle (`sync`).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::elsewhere::ElsewhereRow;
use super::stopped::Stopped;
use crate::model::lease::Standby;
use crate::model::text::number;
use crate::model::{Anchor, Defect, Name, PoolCount, WaitReason};

/// How a cycle went. Where several fit the greatest counts, in this order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CycleOutcome {
    #[default]
    Ok,
    /// Another agent of the company works; this one stands by.
    Standby,
    /// Done, but the backend refused some accounts.
    SomeFailed,
    /// Done, but the guard holds changes back.
    Held,
    /// Something could not be read, or a stop was asked for before all was sent.
    Partial,
    /// Nothing was done.
    Failed,
}

impl CycleOutcome {
    pub const ALL: [Self; 6] = [Self::Ok, Self::Standby, Self::SomeFailed, Self::Held, Self::Partial, Self::Failed];

    /// As the JSON spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Standby => "standby",
            Self::SomeFailed => "some_failed",
            Self::Held => "held",
            Self::Partial => "partial",
            Self::Failed => "failed",
        }
    }

    /// Everything could be read, whatever came of it.
    #[must_use]
    pub fn is_good(self) -> bool {
        self < Self::Partial
    }
}

/// How a directory was read: everything, or what changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadMode {
    Full,
    Delta,
}

/// What one directory gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DirectoryReport {
    pub name: Name,
    pub mode: ReadMode,
    pub complete: bool,
    pub entries: u64,
    /// Directory users in scope.
    pub users: u64,
    pub quarantined: u64,
    /// Group members of another domain.
    pub foreign: u64,
    /// Group members that are not there.
    pub dangling: u64,
    pub seconds: f64,
    /// Why it is not complete, or what else somebody should look at.
    pub problem: Option<String>,
}

impl DirectoryReport {
    /// Why this directory, read whole, gives nobody a seat: hardly what somebody wants who set it up.
    #[must_use]
    pub fn serves_nobody(&self) -> Option<String> {
        let Self { complete, users, quarantined, .. } = self;
        match (complete, users) {
            (true, 0) => Some("nobody is in scope, so nobody gets a seat".to_owned()),
            (true, users) if quarantined >= users => {
                Some(format!("everybody in scope ({}) is quarantined, so nobody gets a seat", number(*users)))
            }
            _ => None,
        }
    }

    /// What to do about that.
    #[must_use]
    pub const fn serves_nobody_next(&self) -> &'static str {
        if self.users == 0 {
            "look at `base`, `filter`, `groups` and the groups of the pools: `seatsync explain USER` says why somebody is out of scope"
        } else {
            "`seatsync users --state quarantined` says what their entries lack"
        }
    }
}

/// What was done, counted in people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeCounts {
    pub provisioned: u64,
    /// Who began to wait.
    pub waiting: u64,
    pub promoted: u64,
    pub moved: u64,
    pub released: u64,
    pub updated: u64,
    pub suspended: u64,
    pub resumed: u64,
    pub removed: u64,
    pub adopted: u64,
    pub failed: u64,
    pub held: u64,
}

impl ChangeCounts {
    /// The counts in the order of the report, with the words of the report.
    #[must_use]
    pub const fn named(&self) -> [(&'static str, u64); 12] {
        [
            ("provisioned", self.provisioned),
            ("waiting", self.waiting),
            ("promoted", self.promoted),
            ("moved", self.moved),
            ("released", self.released),
            ("updated", self.updated),
            ("suspended", self.suspended),
            ("resumed", self.resumed),
            ("removed", self.removed),
            ("adopted", self.adopted),
            ("failed", self.failed),
            ("held", self.held),
        ]
    }
}

/// A pool as it is after the cycle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolRow {
    pub name: Name,
    pub seats: u32,
    pub held: u32,
    pub waiting: u32,
    pub free: u32,
}

impl From<&PoolCount> for PoolRow {
    fn from(pool: &PoolCount) -> Self {
        Self { name: pool.name.clone(), seats: pool.seats, held: pool.held, waiting: pool.waiting, free: pool.free() }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldKind {
    Leaving,
    Renaming,
    /// A base or group is gone, or another object lies at its place.
    Scope,
}

impl HeldKind {
    pub const ALL: [Self; 3] = [Self::Leaving, Self::Renaming, Self::Scope];

    /// As the JSON spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Leaving => "leaving",
            Self::Renaming => "renaming",
            Self::Scope => "scope",
        }
    }
}

/// One thing the guard holds back, with the numbers that decided it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldRow {
    pub directory: Name,
    pub kind: HeldKind,
    /// People held back now.
    pub count: u64,
    /// People whose change was applied unconfirmed within the guard's window.
    pub recent: u64,
    /// Of so many.
    pub of: u64,
    /// So many would have passed.
    pub limit: u64,
    /// The anchor of the pinned scope object; `scope` only.
    pub old: Option<Anchor>,
    /// The anchor of the object that lies at its place now, if any; `scope` only.
    pub new: Option<Anchor>,
    /// The base or group, as the config names it; `scope` only.
    #[serde(default)]
    pub dn: Option<String>,
}

impl HeldRow {
    /// "corp: 14 of 37 people would lose their seat or account; the limit is 3".
    #[must_use]
    pub fn in_words(&self) -> String {
        format!("{}: {}", self.directory, self.numbers())
    }

    /// The same without the directory.
    #[must_use]
    pub fn numbers(&self) -> String {
        let would = match self.kind {
            HeldKind::Scope => return self.scope(),
            HeldKind::Leaving => "would lose their seat or account",
            HeldKind::Renaming => "would get another mail address or user name",
        };
        let recent = match self.recent {
            0 => String::new(),
            recent => format!(", and {} did so already within the guard's window", number(recent)),
        };
        let people = if self.of == 1 { "person" } else { "people" };
        let [count, of, limit] = [self.count, self.of, self.limit].map(number);
        format!("{count} of {of} {people} {would}{recent}; the limit is {limit}")
    }

    fn scope(&self) -> String {
        let old = match (&self.dn, self.old) {
            (Some(dn), Some(anchor)) => format!("the base or group {dn} ({anchor})"),
            (Some(dn), None) => format!("the base or group {dn}"),
            (None, Some(anchor)) => format!("the base or group {anchor}"),
            (None, None) => "a base or group".to_owned(),
        };
        match self.new {
            Some(new) => format!("{old} is gone, and another one, {new}, has its name"),
            None => format!("{old} is gone"),
        }
    }
}

/// An account the backend refused to change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProblemRow {
    pub anchor: Option<Anchor>,
    /// As the directory, or else the account, has it.
    #[serde(default)]
    pub user_name: Option<String>,
    pub pool: Option<Name>,
    pub code: String,
    pub message: String,
}

impl ProblemRow {
    /// What is no single person's.
    #[must_use]
    pub fn general(code: &str, message: impl Into<String>) -> Self {
        Self { anchor: None, user_name: None, pool: None, code: code.to_owned(), message: message.into() }
    }
}

/// Who got a seat in this cycle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantedRow {
    pub anchor: Option<Anchor>,
    pub user_name: String,
    pub display_name: Option<String>,
    pub email: String,
    pub pool: Name,
}

/// Who held a seat before this cycle and holds none of that pool, nor another one for it, now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LostRow {
    pub anchor: Option<Anchor>,
    pub user_name: String,
    pub display_name: Option<String>,
    pub email: String,
    pub pool: Name,
    /// Of a leaver: `disabled`, `expired`, `deleted`, `out_of_scope`. None: the person stays, and the pool's rules give
    /// no seat any more.
    pub cause: Option<String>,
}

/// Somebody whose entry cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantinedRow {
    pub directory: Name,
    /// None: the entry cannot be told from others.
    pub anchor: Option<Anchor>,
    pub dn: Option<String>,
    pub attribute: String,
    pub reason: Defect,
    pub message: String,
}

/// Who waits for a seat, at which place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingRow {
    pub anchor: Option<Anchor>,
    pub user_name: String,
    pub display_name: Option<String>,
    pub email: String,
    pub pool: Name,
    /// From 1, without gaps.
    pub position: u64,
    pub reason: WaitReason,
    pub since: Timestamp,
    #[serde(default)]
    pub approved: bool,
    /// Gets nothing now, whatever is free.
    #[serde(default)]
    pub passed_over: bool,
    /// Why.
    #[serde(default)]
    pub stopped: Option<Stopped>,
}

/// One cycle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SyncReport {
    pub cycle: u64,
    pub outcome: CycleOutcome,
    pub directories: Vec<DirectoryReport>,
    pub changes: ChangeCounts,
    pub pools: Vec<PoolRow>,
    /// None where nothing is held back.
    pub held: Option<Vec<HeldRow>>,
    pub fingerprint: Option<String>,
    pub problems: Vec<ProblemRow>,
    pub seconds: f64,
    pub started: Timestamp,
    /// In the order of the grants.
    #[serde(default)]
    pub granted: Vec<GrantedRow>,
    /// Everyone who waits after this cycle, by pool and position.
    #[serde(default)]
    pub waiting: Vec<WaitingRow>,
    /// Everyone who lost a seat, by directory and anchor.
    #[serde(default)]
    pub lost: Vec<LostRow>,
    /// What others did in the backend since the last cycle, by directory and anchor; `changes` counts none of it.
    #[serde(default)]
    pub elsewhere: Vec<ElsewhereRow>,
    /// Who works, while this agent stands by.
    #[serde(default)]
    pub standby: Option<Standby>,
    /// What this cycle would have done, where it was a dry run and changed nothing.
    #[serde(default)]
    pub would: Option<ChangeCounts>,
}

impl SyncReport {
    /// Of a cycle that came to nothing.
    #[must_use]
    pub fn of_failure(cycle: u64, started: Timestamp, code: &str, message: &str) -> Self {
        Self {
            cycle,
            outcome: CycleOutcome::Failed,
            directories: Vec::new(),
            changes: ChangeCounts::default(),
            pools: Vec::new(),
            held: None,
            fingerprint: None,
            problems: vec![ProblemRow::general(code, message)],
            seconds: 0.0,
            started,
            granted: Vec::new(),
            waiting: Vec::new(),
            lost: Vec::new(),
            elsewhere: Vec::new(),
            standby: None,
            would: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::CycleOutcome::{Failed, Held, Ok, Partial, SomeFailed};

    #[test]
    fn where_several_outcomes_fit_partial_comes_before_held_before_some_failed() {
        assert_eq!([Held, Partial, SomeFailed].into_iter().max(), Some(Partial));
        assert_eq!(SomeFailed.max(Held), Held);
        assert_eq!(Ok.max(SomeFailed), SomeFailed);
        assert_eq!(Partial.max(Failed), Failed);
    }
}
