//! What an agent must know of a company besides its accounts.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::account::Account;
use super::company::{Lease, Tier};
use super::pool::Pool;
use super::{Malformed, Person, name};
use crate::model;
use crate::model::PersonId;
use crate::model::change::GuardMark;

/// A company, without its accounts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct State {
    pub version: u64,
    /// Number of the last event: the same number.
    pub last_event: u64,
    /// How many there are.
    pub accounts: u64,
    pub tier: Tier,
    /// Null: any mail domain.
    pub approved_domains: Option<Vec<String>>,
    pub pools: Vec<Pool>,
    pub marks: Vec<Mark>,
    pub confirmations: Vec<Confirmation>,
    pub lease: Lease,
}

/// What changed after an event, and the company as it is now, all as of one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Changes {
    pub state: State,
    /// The last event that was looked at; where it is the state's `version`, nothing is missing.
    pub until: u64,
    /// Whom those events name, as they are now.
    pub accounts: Vec<Account>,
    /// Whom they name and who is no more, by id.
    pub removed: Vec<String>,
}

/// A change that the guard counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Mark {
    pub person: Person,
    pub kind: GuardKind,
    /// Whose seat was lost, where the account stayed.
    pub pool: Option<String>,
    pub confirmed: bool,
    pub at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GuardKind {
    Leaving,
    Renaming,
}

/// A person's word that exactly these changes may pass, for a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Confirmation {
    #[schema(min_length = 1, max_length = 128)]
    pub fingerprint: String,
    pub changes: Vec<HeldChange>,
    pub expires: Timestamp,
    /// When it was sent, by the sender's clock: refused where that is off. Not shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HeldChange {
    pub person: Person,
    pub change: String,
    pub value: String,
}

impl From<model::change::GuardKind> for GuardKind {
    fn from(kind: model::change::GuardKind) -> Self {
        match kind {
            model::change::GuardKind::Leaving => Self::Leaving,
            model::change::GuardKind::Renaming => Self::Renaming,
        }
    }
}

impl From<GuardKind> for model::change::GuardKind {
    fn from(kind: GuardKind) -> Self {
        match kind {
            GuardKind::Leaving => Self::Leaving,
            GuardKind::Renaming => Self::Renaming,
        }
    }
}

impl From<&GuardMark> for Mark {
    fn from(mark: &GuardMark) -> Self {
        Self {
            person: (&mark.person).into(),
            kind: mark.kind.into(),
            pool: mark.pool.as_ref().map(ToString::to_string),
            confirmed: mark.confirmed,
            at: mark.at,
        }
    }
}

impl TryFrom<Mark> for GuardMark {
    type Error = Malformed;

    fn try_from(mark: Mark) -> Result<Self, Malformed> {
        Ok(Self {
            person: PersonId::try_from(&mark.person)?,
            kind: mark.kind.into(),
            pool: mark.pool.map(|pool| name("pool", &pool)).transpose()?,
            confirmed: mark.confirmed,
            at: mark.at,
        })
    }
}

impl From<&model::change::Confirmation> for Confirmation {
    fn from(confirmation: &model::change::Confirmation) -> Self {
        let change = |held: &model::change::HeldChange| HeldChange {
            person: (&held.person).into(),
            change: held.change.clone(),
            value: held.value.clone(),
        };
        Self {
            fingerprint: confirmation.fingerprint.clone(),
            changes: confirmation.changes.iter().map(change).collect(),
            expires: confirmation.expires,
            at: None,
        }
    }
}

impl TryFrom<Confirmation> for model::change::Confirmation {
    type Error = Malformed;

    fn try_from(confirmation: Confirmation) -> Result<Self, Malformed> {
        name("fingerprint", &confirmation.fingerprint)?;
        let change = |held: HeldChange| {
            Ok(model::change::HeldChange {
                person: PersonId::try_from(&held.person)?,
                change: held.change,
                value: held.value,
            })
        };
        let changes: Result<BTreeSet<_>, Malformed> = confirmation.changes.into_iter().map(change).collect();
        Ok(Self { fingerprint: confirmation.fingerprint, changes: changes?, expires: confirmation.expires })
    }
}
