//! Accounts, seats and pools as a backend knows them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::anchor::{Anchor, Name, PersonId};
use super::user::{LeaveCause, Profile};

/// The backend's own id of an account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccountId(pub Arc<str>);

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The state of a whole account: the first that fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountState {
    Suspended,
    /// Holds a seat.
    Active,
    /// Waits for one.
    Pending,
    Denied,
}

impl AccountState {
    pub const ALL: [Self; 4] = [Self::Suspended, Self::Active, Self::Pending, Self::Denied];

    /// As the JSON spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Suspended => "suspended",
            Self::Active => "active",
            Self::Pending => "pending",
            Self::Denied => "denied",
        }
    }
}

/// Why somebody waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitReason {
    NoSeat,
    ApprovalRequired,
    DomainNotApproved,
    /// Another hand took the seat, or the whole account, away: not asked for again until approved.
    RemovedElsewhere,
}

impl WaitReason {
    /// As the JSON spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoSeat => "no_seat",
            Self::ApprovalRequired => "approval_required",
            Self::DomainNotApproved => "domain_not_approved",
            Self::RemovedElsewhere => "removed_elsewhere",
        }
    }
}

/// The state of one seat assignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeatState {
    Held,
    Waiting(WaitReason),
    Denied,
    /// Asked once; holds nothing and waits for nothing now. Kept for `since`, `approved` and what it waited for besides
    /// a seat (never `no_seat`), shown to nobody.
    Past(Option<WaitReason>),
}

/// One account's standing in one pool.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Assignment {
    pub pool: Name,
    pub state: SeatState,
    /// Start of the cycle in which this person first asked for a seat of this pool.
    pub since: Timestamp,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub approved: bool,
    /// Index of the pool's first `priority` group the person is in; one past the last for everyone else.
    pub rank: u32,
    /// When the entry was created in the directory, or first seen: part of the order.
    pub created: Timestamp,
    /// Asked for because this preferred pool had no seat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback_for: Option<Name>,
    /// While waiting: seats given up once this one is granted (`Claim::instead_of`, and a fallback taken meanwhile).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub instead_of: Vec<Name>,
    /// Asked for by the agent. What another hand gave is kept and reported.
    pub ours: bool,
}

impl Assignment {
    /// Holds a seat of the pool.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.state == SeatState::Held
    }

    /// Held by the agent's word, and not by another hand's.
    #[must_use]
    pub fn is_given(&self) -> bool {
        self.is_held() && self.ours
    }

    /// Stands in the pool's queue, for whatever reason.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        matches!(self.state, SeatState::Waiting(_))
    }
}

/// That an account is suspended, and by whom.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Suspension {
    /// Whom another hand suspended, the agent does not resume.
    pub by_agent: bool,
    pub at: Timestamp,
    pub cause: Option<LeaveCause>,
}

/// A user as the backend knows it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Account {
    pub id: AccountId,
    /// Whose account it is; set on managed accounts only.
    pub owner: Option<PersonId>,
    /// The anchor an unmanaged account carries as its external id, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external: Option<Anchor>,
    /// Existed before the agent took it over: never removed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub adopted: bool,
    pub profile: Profile,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspension: Option<Suspension>,
    /// At most one a pool, in the order of the pools' names.
    pub seats: Vec<Assignment>,
}

/// Whether the standing shows that it was granted since it waited, and this seat given up for it. A grant ends the promise to
/// give others up, and nothing else does but leaving the queue: so a seat taken away again, or denied then, shows it too.
fn was_granted_for(now: &Assignment, given_up: &Name) -> bool {
    match now.state {
        SeatState::Held => now.ours,
        SeatState::Waiting(_) | SeatState::Denied => !now.instead_of.contains(given_up),
        SeatState::Past(_) => false,
    }
}

/// How many managed accounts hold a seat by the agent's word of each pool that is not one of these.
#[must_use]
pub fn given_elsewhere<'a>(
    accounts: impl IntoIterator<Item = &'a Account>,
    is_one: impl Fn(&Name) -> bool,
) -> BTreeMap<Name, u64> {
    let mut people = BTreeMap::new();
    let managed = accounts.into_iter().filter(|account| account.is_managed());
    for seat in managed.flat_map(|account| &account.seats).filter(|seat| seat.is_given() && !is_one(&seat.pool)) {
        *people.entry(seat.pool.clone()).or_default() += 1;
    }
    people
}

impl Account {
    /// The first state that fits.
    #[must_use]
    pub fn state(&self) -> AccountState {
        if self.suspension.is_some() {
            AccountState::Suspended
        } else if self.seats.iter().any(Assignment::is_held) {
            AccountState::Active
        } else if self.seats.iter().any(Assignment::is_waiting) {
            AccountState::Pending
        } else {
            AccountState::Denied
        }
    }

    /// This account's standing in a pool, `Past` included.
    #[must_use]
    pub fn seat(&self, pool: &str) -> Option<&Assignment> {
        self.seats.iter().find(|seat| &*seat.pool == pool)
    }

    /// The seats that are given up once this account is granted the one it waits for: those it holds of `instead_of`.
    #[must_use]
    pub fn given_up_for(&self, waiting: &Assignment) -> Vec<Name> {
        let given_up = |seat: &&Assignment| seat.is_held() && waiting.instead_of.contains(&seat.pool);
        self.seats.iter().filter(given_up).map(|seat| seat.pool.clone()).collect()
    }

    /// Seats that this account held and that were given up since for one it waited for: whoever granted that took them back
    /// with it, and no other hand did, whatever became of the new seat later.
    #[must_use]
    pub fn exchanged(&self, since: &Self) -> Vec<Name> {
        let given_up = |waiting: &Assignment| {
            let now = since.seat(&waiting.pool).filter(|_| waiting.is_waiting());
            let mut pools = now.map(|_| self.given_up_for(waiting)).unwrap_or_default();
            pools.retain(|pool| now.is_some_and(|now| was_granted_for(now, pool)));
            pools
        };
        self.seats.iter().flat_map(given_up).collect()
    }

    /// Created or adopted by the agent.
    #[must_use]
    pub const fn is_managed(&self) -> bool {
        self.owner.is_some()
    }

    /// By whom the account stands in a queue: its owner; an unmanaged one by its number, in a directory without a name,
    /// which no config can have.
    #[must_use]
    pub fn claimant(&self) -> PersonId {
        self.owner.clone().unwrap_or_else(|| {
            let number: u128 = self.id.0.parse().unwrap_or_default();
            PersonId::new("".into(), Anchor::from_bytes(number.to_be_bytes()))
        })
    }

    /// Whether the ledger may give this account the seat it waits for: a managed one, or one whose place was asked for.
    /// A place that another hand wrote into the database stays what it is.
    #[must_use]
    pub const fn is_served(&self, seat: &Assignment) -> bool {
        self.owner.is_some() || seat.ours
    }
}

/// A pool as the backend counts it. Seats of unmanaged accounts are held seats too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolCount {
    pub name: Name,
    pub seats: u32,
    pub held: u32,
    /// People in the queue, whatever they wait for.
    pub waiting: u32,
}

impl PoolCount {
    /// Seats that may be given away; none while more are held than were bought.
    #[must_use]
    pub const fn free(&self) -> u32 {
        self.seats.saturating_sub(self.held)
    }
}
