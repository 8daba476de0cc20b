//! Accounts and their seats.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Malformed, Person, Profile, Reason, name, name_list, names};
use crate::ledger::records::{Invitation, Listed};
use crate::model;
use crate::model::{Assignment, LeaveCause, PersonId};

/// A user as the ledger knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Account {
    pub id: String,
    /// Whose account it is; null: no connector manages it.
    pub owner: Option<Person>,
    /// Of an account that no connector manages.
    pub external_id: Option<String>,
    /// Existed before the connector took it over.
    pub adopted: bool,
    pub managed: bool,
    pub state: AccountState,
    pub profile: Profile,
    pub suspension: Option<Suspension>,
    pub seats: Vec<Seat>,
    /// Null where it is not told: in the answer to a batch.
    pub invitation: Option<Invitation>,
    /// As the product reported it.
    pub last_active: Option<Timestamp>,
    pub etag: String,
}

/// The first that fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccountState {
    Suspended,
    /// Holds a seat.
    Active,
    /// Waits for one.
    Pending,
    Denied,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Suspension {
    pub by: Suspended,
    pub at: Timestamp,
    pub cause: Option<SuspensionCause>,
}

/// Who suspended an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Suspended {
    /// The connector, which resumes it.
    Agent,
    /// Anybody else: no connector resumes it.
    Hand,
}

/// Why the connector suspended an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SuspensionCause {
    Disabled,
    Expired,
    Deleted,
    OutOfScope,
}

/// One account's standing in one pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Seat {
    pub pool: String,
    pub state: SeatState,
    /// Of `waiting` why; of `past` what was waited for besides a seat.
    pub reason: Option<Reason>,
    pub since: Timestamp,
    pub created: Timestamp,
    pub rank: u32,
    pub approved: bool,
    /// Place in the queue, from 1.
    pub position: Option<u32>,
    pub fallback_for: Option<String>,
    pub instead_of: Vec<String>,
    pub ours: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SeatState {
    Held,
    Waiting,
    Denied,
    /// Asked once; holds nothing and waits for nothing now.
    Past,
}

impl Account {
    /// As it is shown, without positions.
    #[must_use]
    pub fn of(listed: &Listed, etag: String) -> Self {
        let Listed { account, external, invitation, last_active } = listed;
        Self {
            id: account.id.to_string(),
            owner: account.owner.as_ref().map(Person::from),
            external_id: external.clone(),
            adopted: account.adopted,
            managed: account.is_managed(),
            state: account.state().into(),
            profile: (&account.profile).into(),
            suspension: account.suspension.as_ref().map(Suspension::from),
            seats: account.seats.iter().map(Seat::from).collect(),
            invitation: Some(*invitation),
            last_active: *last_active,
            etag,
        }
    }
}

impl Account {
    /// Of a managed account, as a batch left it: nothing that is not the batch's.
    #[must_use]
    pub fn of_batch(account: model::Account, etag: impl FnOnce(&Listed) -> String) -> Self {
        let listed = Listed { account, external: None, invitation: Invitation::None, last_active: None };
        let etag = etag(&listed);
        Self { invitation: None, ..Self::of(&listed, etag) }
    }
}

impl TryFrom<Account> for model::Account {
    type Error = Malformed;

    fn try_from(account: Account) -> Result<Self, Malformed> {
        let seats: Result<Vec<Assignment>, Malformed> = account.seats.into_iter().map(Assignment::try_from).collect();
        let mut seats = seats?;
        seats.sort_by(|a, b| a.pool.cmp(&b.pool));
        Ok(Self {
            id: model::AccountId(Arc::from(account.id)),
            owner: account.owner.as_ref().map(PersonId::try_from).transpose()?,
            external: account.external_id.and_then(|text| text.parse().ok()),
            adopted: account.adopted,
            profile: account.profile.into(),
            suspension: account.suspension.map(model::Suspension::from),
            seats,
        })
    }
}

impl From<&Assignment> for Seat {
    fn from(seat: &Assignment) -> Self {
        let (state, reason) = match seat.state {
            model::SeatState::Held => (SeatState::Held, None),
            model::SeatState::Waiting(reason) => (SeatState::Waiting, Some(reason)),
            model::SeatState::Denied => (SeatState::Denied, None),
            model::SeatState::Past(reason) => (SeatState::Past, reason),
        };
        Self {
            pool: seat.pool.to_string(),
            state,
            reason: reason.map(Reason::from),
            since: seat.since,
            created: seat.created,
            rank: seat.rank,
            approved: seat.approved,
            position: None,
            fallback_for: seat.fallback_for.as_ref().map(ToString::to_string),
            instead_of: names(&seat.instead_of),
            ours: seat.ours,
        }
    }
}

impl TryFrom<Seat> for Assignment {
    type Error = Malformed;

    fn try_from(seat: Seat) -> Result<Self, Malformed> {
        let reason = seat.reason.map(model::WaitReason::from);
        let state = match seat.state {
            SeatState::Held => model::SeatState::Held,
            SeatState::Waiting => {
                let missing = || Malformed::new("reason", "is missing, though the seat is waited for");
                model::SeatState::Waiting(reason.ok_or_else(missing)?)
            }
            SeatState::Denied => model::SeatState::Denied,
            SeatState::Past => model::SeatState::Past(reason),
        };
        Ok(Self {
            pool: name("pool", &seat.pool)?,
            state,
            since: seat.since,
            approved: seat.approved,
            rank: seat.rank,
            created: seat.created,
            fallback_for: seat.fallback_for.map(|pool| name("fallback_for", &pool)).transpose()?,
            instead_of: name_list("instead_of", &seat.instead_of)?,
            ours: seat.ours,
        })
    }
}

impl From<&model::Suspension> for Suspension {
    fn from(suspension: &model::Suspension) -> Self {
        Self {
            by: if suspension.by_agent { Suspended::Agent } else { Suspended::Hand },
            at: suspension.at,
            cause: suspension.cause.map(SuspensionCause::from),
        }
    }
}

impl From<Suspension> for model::Suspension {
    fn from(suspension: Suspension) -> Self {
        Self {
            by_agent: suspension.by == Suspended::Agent,
            at: suspension.at,
            cause: suspension.cause.map(LeaveCause::from),
        }
    }
}

impl From<LeaveCause> for SuspensionCause {
    fn from(cause: LeaveCause) -> Self {
        match cause {
            LeaveCause::Disabled => Self::Disabled,
            LeaveCause::Expired => Self::Expired,
            LeaveCause::Deleted => Self::Deleted,
            LeaveCause::OutOfScope => Self::OutOfScope,
        }
    }
}

impl From<SuspensionCause> for LeaveCause {
    fn from(cause: SuspensionCause) -> Self {
        match cause {
            SuspensionCause::Disabled => Self::Disabled,
            SuspensionCause::Expired => Self::Expired,
            SuspensionCause::Deleted => Self::Deleted,
            SuspensionCause::OutOfScope => Self::OutOfScope,
        }
    }
}

impl From<model::AccountState> for AccountState {
    fn from(state: model::AccountState) -> Self {
        match state {
            model::AccountState::Suspended => Self::Suspended,
            model::AccountState::Active => Self::Active,
            model::AccountState::Pending => Self::Pending,
            model::AccountState::Denied => Self::Denied,
        }
    }
}

impl From<AccountState> for model::AccountState {
    fn from(state: AccountState) -> Self {
        match state {
            AccountState::Suspended => Self::Suspended,
            AccountState::Active => Self::Active,
            AccountState::Pending => Self::Pending,
            AccountState::Denied => Self::Denied,
        }
    }
}
