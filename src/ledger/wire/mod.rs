//! The shapes of the ledger's HTTP interface (docs/ledger-api.md), for the service and for the agent that asks it: what the
//! one writes the other reads.
//!
//! Requests refuse a field they do not know; answers pass it over, so that an older agent understands a newer ledger.

mod account;
mod batch;
mod bulk;
mod company;
mod event;
mod list;
mod pool;
mod problem;
mod request;
mod state;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::model;
use crate::model::{Anchor, PersonId, WaitReason};

pub use account::{Account, AccountState, Seat, SeatState, Suspended, Suspension, SuspensionCause};
pub use batch::{Allocation, Batch, BatchAnswer, Counted, Refused, Step};
pub use bulk::{Bulk, BulkAnswer, BulkItem, BulkResult, Do};
pub use company::{
    Company, CompanyPatch, Connector, ConnectorPut, Every, Lease, LeaseRenew, LeaseTake, NewConnector, NewToken,
    Policy, PolicyPut, Promotion, Renewal, Tier, TierPut, Token, TokenPost,
};
pub use event::{Event, Events};
pub use list::Page;
pub use pool::{OwnedBy, Pool, PoolPatch, PoolPut, Reduction, ReductionPut};
pub use problem::{Blocker, BlockerKind, PROBLEM, Problem};
pub use request::{
    Activity, Decided, DecisionPost, Decisions, Empty, Relink, SeatPut, Suspend, Transfer, Transferred, Verdict,
};
pub use state::{Changes, Confirmation, GuardKind, HeldChange, Mark, State};

/// What came over the wire is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} {why}")]
pub struct Malformed {
    pub what: &'static str,
    pub why: String,
}

impl Malformed {
    fn new(what: &'static str, why: impl Into<String>) -> Self {
        Self { what, why: why.into() }
    }
}

/// Somebody of a directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct Person {
    /// The name of the directory, as the agent's config says it.
    #[schema(min_length = 1, max_length = 128, pattern = r"^[^\x00-\x1f\x7f-\x9f]+$")]
    pub directory: String,
    /// The immutable id there.
    pub anchor: Uuid,
}

impl From<&PersonId> for Person {
    fn from(person: &PersonId) -> Self {
        Self { directory: person.directory.to_string(), anchor: Uuid::from_bytes(*person.anchor.as_bytes()) }
    }
}

impl TryFrom<&Person> for PersonId {
    type Error = Malformed;

    fn try_from(person: &Person) -> Result<Self, Malformed> {
        let directory = name("directory", &person.directory)?;
        Ok(Self::new(directory, Anchor::from(person.anchor)))
    }
}

/// A name: 1 to 128 characters, none of them a control character.
///
/// # Errors
/// Where it is none.
pub fn name(what: &'static str, text: &str) -> Result<model::Name, Malformed> {
    if text.is_empty() || text.chars().count() > 128 {
        return Err(Malformed::new(what, "must be 1 to 128 characters long"));
    }
    if text.chars().any(char::is_control) {
        return Err(Malformed::new(what, "must not contain control characters"));
    }
    Ok(Arc::from(text))
}

/// What the ledger is told of a person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Profile {
    /// Unique in the company, case-folded.
    pub user_name: String,
    /// Unique in the company, case-folded.
    pub email: String,
    #[serde(default)]
    pub given_name: Option<String>,
    #[serde(default)]
    pub family_name: Option<String>,
    #[serde(default)]
    pub display_name: Option<String>,
}

impl From<&model::Profile> for Profile {
    fn from(profile: &model::Profile) -> Self {
        let model::Profile { user_name, email, given_name, family_name, display_name } = profile.clone();
        Self { user_name, email, given_name, family_name, display_name }
    }
}

impl From<Profile> for model::Profile {
    fn from(profile: Profile) -> Self {
        let Profile { user_name, email, given_name, family_name, display_name } = profile;
        Self { user_name, email, given_name, family_name, display_name }
    }
}

/// The same in a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfilePut {
    /// Unique in the company, case-folded.
    #[schema(min_length = 1, max_length = 1024)]
    pub user_name: String,
    /// Unique in the company, case-folded.
    #[schema(min_length = 1, max_length = 1024)]
    pub email: String,
    #[serde(default)]
    #[schema(max_length = 1024)]
    pub given_name: Option<String>,
    #[serde(default)]
    #[schema(max_length = 1024)]
    pub family_name: Option<String>,
    #[serde(default)]
    #[schema(max_length = 1024)]
    pub display_name: Option<String>,
}

impl From<&model::Profile> for ProfilePut {
    fn from(profile: &model::Profile) -> Self {
        let model::Profile { user_name, email, given_name, family_name, display_name } = profile.clone();
        Self { user_name, email, given_name, family_name, display_name }
    }
}

impl TryFrom<ProfilePut> for model::Profile {
    type Error = Malformed;

    fn try_from(profile: ProfilePut) -> Result<Self, Malformed> {
        let profile = profile.unchecked();
        match profile.fault() {
            Some((what, why)) => Err(Malformed::new(what, why)),
            None => Ok(profile),
        }
    }
}

impl ProfilePut {
    /// As a step of a batch brings it: one that cannot be used refuses the step, and no other.
    fn unchecked(self) -> model::Profile {
        let Self { user_name, email, given_name, family_name, display_name } = self;
        model::Profile { user_name, email, given_name, family_name, display_name }
    }
}

/// Why somebody waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    NoSeat,
    ApprovalRequired,
    DomainNotApproved,
    /// Another hand took the seat, or the account, away: not asked for again until approved.
    RemovedElsewhere,
}

impl From<WaitReason> for Reason {
    fn from(reason: WaitReason) -> Self {
        match reason {
            WaitReason::NoSeat => Self::NoSeat,
            WaitReason::ApprovalRequired => Self::ApprovalRequired,
            WaitReason::DomainNotApproved => Self::DomainNotApproved,
            WaitReason::RemovedElsewhere => Self::RemovedElsewhere,
        }
    }
}

impl From<Reason> for WaitReason {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::NoSeat => Self::NoSeat,
            Reason::ApprovalRequired => Self::ApprovalRequired,
            Reason::DomainNotApproved => Self::DomainNotApproved,
            Reason::RemovedElsewhere => Self::RemovedElsewhere,
        }
    }
}

fn names(list: &[model::Name]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

fn name_list(what: &'static str, list: &[String]) -> Result<Vec<model::Name>, Malformed> {
    list.iter().map(|text| name(what, text)).collect()
}
