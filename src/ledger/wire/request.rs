//! What people, and agents on their behalf, ask for one thing at a time.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::account::Account;
use super::pool::Pool;
use super::{Malformed, Person, name};
use crate::ledger::operations::decisions::{Ruling, Whom};
use crate::ledger::records::Invitation;
use crate::model;
use crate::model::change;
use crate::model::{AccountId, PersonId};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Kept where no seat is free; reopens what was denied or taken away.
    Approve,
    /// Sticky until approved.
    Deny,
    /// Takes the seat away by hand.
    Release,
}

/// All of them, or none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Decisions {
    #[schema(min_items = 1, max_items = 10_000)]
    pub decisions: Vec<DecisionPost>,
}

/// About the account of this id, or of this person: one of them is named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecisionPost {
    #[serde(default)]
    pub account: Option<String>,
    #[serde(default)]
    pub person: Option<Person>,
    /// Null: every pool the verdict fits.
    #[serde(default)]
    pub pool: Option<String>,
    pub verdict: Verdict,
}

/// What decisions came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Decided {
    /// Everyone who changed, promoted people included.
    pub accounts: Vec<Account>,
    pub pools: Vec<Pool>,
    pub version: u64,
}

/// The account of one person becomes that of another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Relink {
    pub old: Person,
    pub new: Person,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Suspend {
    #[serde(default)]
    pub keep_seats: bool,
}

/// Nothing is to be said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Empty {}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SeatPut {
    /// The lower the sooner; left out: after everyone a connector ranked.
    #[serde(default)]
    #[schema(maximum = 4_294_967_295_u32)]
    pub rank: Option<u32>,
}

/// What is left out stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Activity {
    #[serde(default)]
    pub last_active: Option<Timestamp>,
    #[serde(default)]
    pub invitation: Option<Invitation>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Transfer {
    pub pool: String,
    /// Id of the account that gives its seat.
    pub from: String,
    /// Id of the account that gets it.
    pub to: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Transferred {
    pub from: Account,
    pub to: Account,
    pub pool: Pool,
}

impl Decisions {
    /// Decisions of an agent.
    #[must_use]
    pub fn of(decisions: &[change::Decision]) -> Self {
        let decision = |decision: &change::Decision| DecisionPost {
            account: None,
            person: Some((&decision.person).into()),
            pool: decision.pool.as_ref().map(ToString::to_string),
            verdict: decision.verdict.into(),
        };
        Self { decisions: decisions.iter().map(decision).collect() }
    }
}

impl TryFrom<DecisionPost> for Ruling {
    type Error = Malformed;

    fn try_from(decision: DecisionPost) -> Result<Self, Malformed> {
        let whom = match (decision.account, &decision.person) {
            (Some(account), None) => Whom::Account(AccountId(account.into())),
            (None, Some(person)) => Whom::Person(PersonId::try_from(person)?),
            _ => return Err(Malformed::new("decision", "must name an account or a person, and not both")),
        };
        let pool = decision.pool.map(|pool| name("pool", &pool)).transpose()?;
        Ok(Self { whom, pool, verdict: decision.verdict.into() })
    }
}

impl From<change::Verdict> for Verdict {
    fn from(verdict: change::Verdict) -> Self {
        match verdict {
            change::Verdict::Approve => Self::Approve,
            change::Verdict::Deny => Self::Deny,
            change::Verdict::Release => Self::Release,
        }
    }
}

impl From<Verdict> for change::Verdict {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Approve => Self::Approve,
            Verdict::Deny => Self::Deny,
            Verdict::Release => Self::Release,
        }
    }
}

impl TryFrom<Decided> for change::Answer {
    type Error = Malformed;

    /// What came of decisions, as of a batch without steps.
    fn try_from(decided: Decided) -> Result<Self, Malformed> {
        let accounts: Result<Vec<model::Account>, Malformed> =
            decided.accounts.into_iter().map(model::Account::try_from).collect();
        let mut accounts = accounts?;
        accounts.sort_by(|a, b| a.owner.cmp(&b.owner));
        let pools: Result<Vec<model::PoolCount>, Malformed> = decided.pools.iter().map(Pool::count).collect();
        Ok(Self { accounts, pools: pools?, ..Self::default() })
    }
}
