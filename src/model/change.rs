//! What the agent asks of a backend, and what the backend answers.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::account::{Account, AccountId, PoolCount, WaitReason};
use super::anchor::{Name, PersonId};
use super::user::{LeaveCause, Profile};

/// A person's wish for a seat of one pool, with all that decides its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    pub pool: Name,
    pub rank: u32,
    /// Start of the cycle; counts only where this person never asked for this pool before.
    pub since: Timestamp,
    pub created: Timestamp,
    /// Why the claim waits whatever is free, unless approved: approval, mail domain, taken away by another hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<WaitReason>,
    /// The preferred pool without a seat, for whose sake this one is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback_for: Option<Name>,
    /// Seats this person gives up once this claim is granted, and not before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub instead_of: Vec<Name>,
    /// A person approved it while there was no account that could keep the approval.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub approved: bool,
}

/// One thing asked of the backend. Each carries both sides of the change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// The number of seats the config bought for a pool; makes the pool where it is new.
    SetSeats {
        pool: Name,
        from: Option<u32>,
        to: u32,
    },
    /// Take over an account that exists unmanaged. Nothing else of it changes.
    Adopt {
        account: AccountId,
    },
    /// A new account, without seats.
    Create {
        profile: Profile,
        created: Timestamp,
    },
    Update {
        current: Profile,
        desired: Profile,
    },
    /// Frees the seats and leaves the queues, unless `keep_seats`.
    Suspend {
        cause: LeaveCause,
        keep_seats: bool,
    },
    Resume,
    /// Deletes an account that the agent itself suspended.
    Remove,
    /// Ask for a seat, or ask again with another rank. What is held or denied stays as it is.
    Claim(Claim),
    /// Give up the seat of a pool, or the place in its queue; `since` and approval are remembered.
    Release {
        pool: Name,
    },
}

/// What the guard counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuardKind {
    Leaving,
    Renaming,
}

/// An operation for one person (none for `SetSeats`), as it stands in the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonId>,
    pub operation: Operation,
    /// How the guard counts it: kind, and whether a confirmation let it through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted: Option<Counted>,
}

/// A guarded change that was applied, or is about to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    pub kind: GuardKind,
    pub confirmed: bool,
}

/// What the backend remembers for the guard: one person's counted change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardMark {
    pub person: PersonId,
    pub kind: GuardKind,
    /// Whose seat was lost, where the account itself stayed.
    pub pool: Option<Name>,
    pub confirmed: bool,
    pub at: Timestamp,
}

impl GuardMark {
    /// How long marks are kept, and the batches they came with: longer than any window of the guard, and any crash left
    /// alone.
    pub const REMEMBERED: SignedDuration = SignedDuration::from_hours(60 * 24);

    /// What a step that was carried out leaves behind; none where the guard did not count it.
    #[must_use]
    pub fn of(step: &Step, at: Timestamp) -> Option<Self> {
        let (person, counted) = (step.person.clone()?, step.counted?);
        let pool = match &step.operation {
            Operation::Release { pool } => Some(pool.clone()),
            _ => None,
        };
        Some(Self { person, kind: counted.kind, pool, confirmed: counted.confirmed, at })
    }
}

/// One change that a confirmation lets through: the person (or scope object), what happens and the new value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HeldChange {
    pub person: PersonId,
    pub change: String,
    pub value: String,
}

impl HeldChange {
    #[must_use]
    pub fn suspending(person: &PersonId) -> Self {
        Self { person: person.clone(), change: "suspend".to_owned(), value: String::new() }
    }

    #[must_use]
    pub fn removing(person: &PersonId) -> Self {
        Self { person: person.clone(), change: "remove".to_owned(), value: String::new() }
    }

    #[must_use]
    pub fn releasing(person: &PersonId, pool: &Name) -> Self {
        Self { person: person.clone(), change: "release".to_owned(), value: pool.to_string() }
    }

    #[must_use]
    pub fn renaming(person: &PersonId, desired: &Profile) -> Self {
        let value = format!("{}\n{}", desired.user_name, desired.email);
        Self { person: person.clone(), change: "update".to_owned(), value }
    }

    /// Those of one person; their order begins with the person.
    pub fn of<'h>(person: &'h PersonId, all: &'h BTreeSet<Self>) -> impl Iterator<Item = &'h Self> {
        let first = Self { person: person.clone(), change: String::new(), value: String::new() };
        all.range(first..).take_while(move |change| change.person == *person)
    }

    /// The whole account goes by it, and with it every place.
    #[must_use]
    pub fn is_leaving(&self) -> bool {
        matches!(self.change.as_str(), "suspend" | "remove")
    }

    /// What would happen to the person: "the suspension of the account".
    #[must_use]
    pub fn in_words(&self) -> String {
        match self.change.as_str() {
            "suspend" => "the suspension of the account".to_owned(),
            "remove" => "the removal of the account".to_owned(),
            "release" => format!("the release of the seat of {}", self.value),
            _ => format!("the new user name and mail, {}", self.value.replace('\n', " and ")),
        }
    }

    /// As what somebody does, where it takes something: "suspend the account".
    #[must_use]
    pub fn taking(&self) -> Option<String> {
        match self.change.as_str() {
            "suspend" => Some("suspend the account".to_owned()),
            "remove" => Some("remove the account".to_owned()),
            "release" => Some(format!("take the seat of {} back", self.value)),
            _ => None,
        }
    }

    /// What a confirmed step has carried out: it is let through no more. None where it needed no confirmation.
    #[must_use]
    pub fn confirmed_by(step: &Step) -> Option<Self> {
        let person = step.person.as_ref().filter(|_| step.counted.is_some_and(|counted| counted.confirmed))?;
        match &step.operation {
            Operation::Suspend { .. } => Some(Self::suspending(person)),
            Operation::Remove => Some(Self::removing(person)),
            Operation::Release { pool } => Some(Self::releasing(person, pool)),
            Operation::Update { desired, .. } => Some(Self::renaming(person, desired)),
            _ => None,
        }
    }
}

/// A person's word that exactly these changes may pass, for a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    pub fingerprint: String,
    pub changes: BTreeSet<HeldChange>,
    pub expires: Timestamp,
}

/// Steps that are decided together: in a backend that allocates, one transaction that ends by settling the pools.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// Idempotency key of the batch; that of a step is `KEY/INDEX`.
    pub key: String,
    /// Start of the cycle.
    pub at: Timestamp,
    pub steps: Vec<Step>,
    pub allocation: Allocation,
}

impl Batch {
    /// The pools are settled after it. Not where it only changes profiles: a plan forecasts no seats from such a batch, and
    /// who joined in the one before it is still a joiner of this cycle.
    #[must_use]
    pub fn settles(&self) -> bool {
        let update = |step: &Step| matches!(step.operation, Operation::Update { .. });
        self.steps.is_empty() || !self.steps.iter().all(update)
    }
}

/// How the pools are settled at the end of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allocation {
    pub promotion: Promotion,
    /// People who get no grant now and keep their places: quarantined, or leavers who are kept.
    pub passed_over: BTreeSet<PersonId>,
    /// Directories that could not be read whole: their people get no grant now and keep their places.
    pub frozen: BTreeSet<Name>,
}

/// Who among those waiting may be given a free seat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Promotion {
    /// Those a person approved.
    #[default]
    Manual,
    /// Those waiting for `no_seat` too.
    Automatic,
}

impl Promotion {
    /// A person's approval is what this place waits for, besides a free seat.
    #[must_use]
    pub fn lacks_approval(self, reason: WaitReason, approved: bool) -> bool {
        let by_hand = self == Self::Manual && reason == WaitReason::NoSeat;
        !approved && (by_hand || reason == WaitReason::ApprovalRequired)
    }
}

/// How one step went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Done,
    /// The backend would not do it; nothing of this step happened.
    Refused {
        code: String,
        message: String,
    },
}

/// The backend's word on a batch: an outcome a step, and the accounts and pools as they are after it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    pub outcomes: Vec<Outcome>,
    /// Every account the batch changed, promoted people included; by owner.
    pub accounts: Vec<Account>,
    /// People whose account is gone now.
    pub removed: Vec<PersonId>,
    pub pools: Vec<PoolCount>,
}

/// All that a backend says of a company: complete, or not given at all.
#[derive(Clone, Debug, Default)]
pub struct BackendState {
    pub accounts: Vec<Account>,
    pub pools: BTreeMap<Name, PoolCount>,
    /// Guarded changes applied and not yet forgotten.
    pub marks: Vec<GuardMark>,
    pub confirmations: Vec<Confirmation>,
}

/// What a person decides about somebody's place in a queue. `pool: None` means every pool it fits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    pub person: PersonId,
    pub pool: Option<Name>,
    pub verdict: Verdict,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Kept where no seat is free; reopens what was denied or taken away.
    Approve,
    /// Sticky until approved.
    Deny,
    /// Takes the seat away by hand.
    Release,
}
