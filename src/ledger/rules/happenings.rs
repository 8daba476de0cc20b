//! What a change comes to, for those who follow the ledger: found by comparing before and after.

use serde_json::{Value, json};

use super::{Before, Entry, Excerpt};
use crate::model::{Account, AccountId, Assignment, Name, SeatState, WaitReason};

/// The kinds of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    AccountCreated,
    AccountUpdated,
    AccountAdopted,
    AccountRelinked,
    AccountSuspended,
    AccountResumed,
    AccountRemoved,
    SeatHeld,
    SeatWaiting,
    SeatReleased,
    SeatDenied,
    SeatApproved,
    PoolCreated,
    PoolChanged,
    PoolRemoved,
    ReductionScheduled,
    ReductionCancelled,
    ReductionApplied,
    ReductionRefused,
    CompanyChanged,
    TierChanged,
    PolicyChanged,
    ConnectorAdded,
    ConnectorRemoved,
    LeaseTaken,
    Confirmed,
    /// Changed without the service: nobody says how.
    LedgerChanged,
}

impl What {
    /// The word for it; it never changes.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccountCreated => "account.created",
            Self::AccountUpdated => "account.updated",
            Self::AccountAdopted => "account.adopted",
            Self::AccountRelinked => "account.relinked",
            Self::AccountSuspended => "account.suspended",
            Self::AccountResumed => "account.resumed",
            Self::AccountRemoved => "account.removed",
            Self::SeatHeld => "seat.held",
            Self::SeatWaiting => "seat.waiting",
            Self::SeatReleased => "seat.released",
            Self::SeatDenied => "seat.denied",
            Self::SeatApproved => "seat.approved",
            Self::PoolCreated => "pool.created",
            Self::PoolChanged => "pool.changed",
            Self::PoolRemoved => "pool.removed",
            Self::ReductionScheduled => "reduction.scheduled",
            Self::ReductionCancelled => "reduction.cancelled",
            Self::ReductionApplied => "reduction.applied",
            Self::ReductionRefused => "reduction.refused",
            Self::CompanyChanged => "company.changed",
            Self::TierChanged => "tier.changed",
            Self::PolicyChanged => "policy.changed",
            Self::ConnectorAdded => "connector.added",
            Self::ConnectorRemoved => "connector.removed",
            Self::LeaseTaken => "lease.taken",
            Self::Confirmed => "confirmation.added",
            Self::LedgerChanged => "ledger.changed",
        }
    }
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Happening {
    pub what: What,
    pub account: Option<AccountId>,
    pub pool: Option<Name>,
    /// A JSON object, or null where there is no more to say.
    pub data: Value,
}

impl Happening {
    /// Of the company as a whole.
    #[must_use]
    pub const fn of_company(what: What, data: Value) -> Self {
        Self { what, account: None, pool: None, data }
    }
}

impl Excerpt {
    /// Everything that happened, pools first, then accounts by number; the same for the same change. Seats are given last:
    /// whoever counts one event after the other never sees one too many.
    #[must_use]
    pub fn happenings(&self) -> Vec<Happening> {
        let mut all = self.happened.clone();
        let mut changed: Vec<&Entry> = self.changed().collect();
        changed.sort_by_key(|entry| number(&entry.account.id));
        for entry in changed {
            of_account(entry, &mut all);
        }
        let mut removed: Vec<&AccountId> = self.removed().collect();
        removed.sort_by_key(|id| number(id));
        all.extend(removed.into_iter().map(|id| account(id, What::AccountRemoved)));
        all.sort_by_key(|happening| happening.what == What::SeatHeld);
        all
    }
}

fn number(id: &AccountId) -> u64 {
    id.0.parse().unwrap_or_default()
}

fn account(id: &AccountId, what: What) -> Happening {
    Happening { what, account: Some(id.clone()), pool: None, data: Value::Null }
}

fn of_account(entry: &Entry, all: &mut Vec<Happening>) {
    let (after, told) = (&entry.account, all.len());
    let before = match &entry.before {
        Before::Account(before) => Some(&**before),
        Before::Same | Before::Nothing => None,
    };
    match before {
        None => all.push(account(&after.id, What::AccountCreated)),
        Some(before) => of_row(before, after, all),
    }
    if before.is_none() && after.suspension.is_some() {
        all.push(account(&after.id, What::AccountSuspended));
    }
    for seat in &after.seats {
        of_seat(&after.id, before.and_then(|before| before.seat(&seat.pool)), seat, all);
    }
    // Its rank, say. Whoever reads what changed since a version finds every account that did (docs/ledger-api.md).
    if all.len() == told {
        all.push(account(&after.id, What::AccountUpdated));
    }
}

fn of_row(before: &Account, after: &Account, all: &mut Vec<Happening>) {
    let mut tell = |is_so: bool, what| {
        if is_so {
            all.push(account(&after.id, what));
        }
    };
    tell(before.owner.is_none() && after.owner.is_some(), What::AccountAdopted);
    tell(before.owner.is_some() && before.owner != after.owner, What::AccountRelinked);
    tell(before.profile != after.profile, What::AccountUpdated);
    tell(before.suspension.is_none() && after.suspension.is_some(), What::AccountSuspended);
    tell(before.suspension.is_some() && after.suspension.is_none(), What::AccountResumed);
}

/// | before | after | told |
/// |---|---|---|
/// | held | anything else | released, and what came of it |
/// | anything else | held | held |
/// | any | waiting, for another reason than before | waiting |
/// | waiting | past | released |
/// | not denied | denied | denied |
/// | not approved | approved | approved |
fn of_seat(id: &AccountId, before: Option<&Assignment>, after: &Assignment, all: &mut Vec<Happening>) {
    let mut tell = |what, data| {
        all.push(Happening { what, account: Some(id.clone()), pool: Some(after.pool.clone()), data });
    };
    let was = before.map(|seat| seat.state);
    if after.approved && !before.is_some_and(|seat| seat.approved) {
        tell(What::SeatApproved, Value::Null);
    }
    if was == Some(after.state) {
        return;
    }
    let left = matches!(was, Some(SeatState::Held))
        || (matches!(was, Some(SeatState::Waiting(_))) && matches!(after.state, SeatState::Past(_)));
    if left {
        tell(What::SeatReleased, Value::Null);
    }
    match after.state {
        SeatState::Held => tell(What::SeatHeld, Value::Null),
        SeatState::Waiting(reason) => tell(What::SeatWaiting, json!({ "reason": reason_word(reason) })),
        SeatState::Denied => tell(What::SeatDenied, Value::Null),
        SeatState::Past(_) => {}
    }
}

/// The word for a reason; it never changes.
#[must_use]
pub const fn reason_word(reason: WaitReason) -> &'static str {
    match reason {
        WaitReason::NoSeat => "no_seat",
        WaitReason::ApprovalRequired => "approval_required",
        WaitReason::DomainNotApproved => "domain_not_approved",
        WaitReason::RemovedElsewhere => "removed_elsewhere",
    }
}
