//! What is said of single people: `users`, `pending`, `explain`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::stopped::Stopped;
use crate::model::change::Verdict;
use crate::model::{AccountState, Anchor, Assignment, Name, Quarantine, SeatState, WaitReason};

/// The state of a seat assignment, as one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeatWord {
    Held,
    Waiting,
    Denied,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatRow {
    pub pool: Name,
    pub state: SeatWord,
    /// Why the person waits.
    pub reason: Option<WaitReason>,
    pub since: Timestamp,
    /// The place in the queue, from 1.
    pub position: Option<u64>,
    pub approved: bool,
    /// Why the person waits, in the words that every verb uses.
    #[serde(default)]
    pub why: Option<String>,
}

impl SeatRow {
    /// None where the assignment is past: it is shown to nobody.
    #[must_use]
    pub fn of(seat: &Assignment, position: Option<u64>) -> Option<Self> {
        let (state, reason) = match seat.state {
            SeatState::Held => (SeatWord::Held, None),
            SeatState::Waiting(reason) => (SeatWord::Waiting, Some(reason)),
            SeatState::Denied => (SeatWord::Denied, None),
            SeatState::Past(_) => return None,
        };
        Some(Self {
            pool: seat.pool.clone(),
            state,
            reason,
            since: seat.since,
            position,
            approved: seat.approved,
            why: None,
        })
    }
}

/// An account as last known, or somebody without one: quarantined, or waiting since another hand deleted it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRow {
    pub anchor: Option<Anchor>,
    pub directory: Option<Name>,
    pub dn: Option<String>,
    pub user_name: Option<String>,
    pub email: Option<String>,
    pub display_name: Option<String>,
    /// None where there is no account.
    pub state: Option<AccountState>,
    pub seats: Vec<SeatRow>,
    pub managed: bool,
    pub quarantine: Option<Quarantine>,
}

/// One place in one queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingRow {
    pub anchor: Option<Anchor>,
    pub user_name: String,
    pub display_name: Option<String>,
    pub email: String,
    pub pool: Name,
    pub position: u64,
    pub reason: WaitReason,
    /// The same in words, and whether a free seat awaits approval.
    #[serde(default)]
    pub why: String,
    pub since: Timestamp,
    pub approved: bool,
    /// Gets nothing now, whatever is free.
    #[serde(default)]
    pub passed_over: bool,
    /// Why.
    #[serde(default)]
    pub stopped: Option<Stopped>,
    /// What people decided since the last cycle: the next one acts on it, or reads what came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided: Option<Verdict>,
}

/// What became of one decision (`pending approve|deny|release`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionRow {
    pub anchor: Option<Anchor>,
    pub user_name: String,
    pub pool: Option<Name>,
    pub verdict: Verdict,
    /// Carried out now: by the running agent, or by a ledger that is served. Else with the next cycle.
    pub carried_out: bool,
    /// The agent knows already what came of it; else the next cycle reads it.
    pub known: bool,
}

/// The entry behind an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryRow {
    pub dn: String,
    pub directory: Name,
    pub server: Option<String>,
    pub read_at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeExplained {
    #[serde(rename = "in")]
    pub in_scope: bool,
    /// Sentences: base, filter, the chain of groups.
    pub because: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolExplained {
    pub name: Name,
    pub because: Vec<String>,
}

/// Why one person has a seat or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExplainReport {
    pub user: UserRow,
    /// None where no directory shows the person any more.
    pub entry: Option<EntryRow>,
    pub scope: ScopeExplained,
    /// The preferred pool; none where no pool matches.
    pub pool: Option<PoolExplained>,
    /// 0 for the pool's first priority group.
    pub rank: Option<u32>,
    /// Sentences: what says that the person leaves, or will, and what the config makes of it. Empty for everyone else.
    #[serde(default)]
    pub leaving: Vec<String>,
    /// A sentence.
    pub decision: String,
    /// Sentences.
    pub would_change: Vec<String>,
}
