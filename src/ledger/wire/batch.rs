//! Batches: what an agent asks, and what the ledger answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::account::Account;
use super::pool::Pool;
use super::state::GuardKind;
use super::{Malformed, Person, ProfilePut, Reason, SuspensionCause, name, name_list, names};
use crate::model;
use crate::model::change::{Claim, Outcome, Promotion};
use crate::model::{AccountId, PersonId, WaitReason};

/// All that an agent changes, in order, in one transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// Start of the agent's cycle.
    pub at: Timestamp,
    pub steps: Vec<Step>,
    pub allocation: Allocation,
}

/// How the pools are settled, from now on until the next batch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Allocation {
    pub promotion: super::company::Promotion,
    /// People who get no grant now and keep their places.
    #[serde(default)]
    pub passed_over: Vec<Person>,
    /// Directories whose people get no grant now and keep their places.
    #[serde(default)]
    pub frozen: Vec<String>,
}

/// How the guard counted a change. It is kept as a mark where the step was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Counted {
    pub kind: GuardKind,
    pub confirmed: bool,
}

/// One change for one person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// A new account, without seats.
    Create {
        person: Person,
        profile: ProfilePut,
        created: Timestamp,
    },
    /// Take over an account that no connector manages.
    Adopt {
        person: Person,
        account: String,
    },
    Update {
        person: Person,
        from: ProfilePut,
        to: ProfilePut,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        counted: Option<Counted>,
    },
    /// Frees the seats and leaves the queues, unless the seats are kept.
    Suspend {
        person: Person,
        cause: SuspensionCause,
        keep_seats: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        counted: Option<Counted>,
    },
    Resume {
        person: Person,
    },
    /// Delete an account that a connector suspended.
    Remove {
        person: Person,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        counted: Option<Counted>,
    },
    /// Ask for a seat, or again with another rank.
    Claim {
        person: Person,
        pool: String,
        #[schema(maximum = 4_294_967_295_u32)]
        rank: u32,
        since: Timestamp,
        created: Timestamp,
        /// Why it waits whatever is free, unless approved.
        #[serde(default)]
        gate: Option<Reason>,
        /// The preferred pool, for want of whose seat this one is asked for.
        #[serde(default)]
        fallback_for: Option<String>,
        /// Seats given up once this one is granted.
        #[serde(default)]
        instead_of: Vec<String>,
        /// A person approved it while there was no account that could keep the approval.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        approved: bool,
    },
    /// Give up the seat, or the place in the queue.
    Release {
        person: Person,
        pool: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        counted: Option<Counted>,
    },
}

/// The ledger's word on a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BatchAnswer {
    /// How many steps there were. Each that is not in `refused` was done.
    pub steps: usize,
    pub refused: Vec<Refused>,
    /// Every account the batch changed, promoted ones included.
    pub accounts: Vec<Account>,
    /// People whose account is gone now.
    pub removed: Vec<Person>,
    pub pools: Vec<Pool>,
    pub version: u64,
    /// The version before the batch; of an answer given again the same as `version`.
    pub previous: u64,
}

/// A step that was not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Refused {
    /// Its place in the batch, from 0.
    pub index: usize,
    pub code: String,
    pub message: String,
}

impl Batch {
    /// As it is sent; the key goes into a header.
    ///
    /// # Errors
    /// Where it sets the number of seats: those are the ledger's.
    pub fn of(batch: &model::change::Batch) -> Result<Self, Malformed> {
        let steps: Result<Vec<Step>, Malformed> = batch.steps.iter().map(Step::of).collect();
        let model::change::Allocation { promotion, passed_over, frozen } = &batch.allocation;
        let allocation = Allocation {
            promotion: (*promotion).into(),
            passed_over: passed_over.iter().map(Person::from).collect(),
            frozen: frozen.iter().map(ToString::to_string).collect(),
        };
        Ok(Self { at: batch.at, steps: steps?, allocation })
    }

    /// As it was meant.
    ///
    /// # Errors
    /// Where a name in it is none.
    pub fn into_model(self, key: String) -> Result<model::change::Batch, Malformed> {
        let steps: Result<Vec<model::change::Step>, Malformed> = self.steps.into_iter().map(Step::into_model).collect();
        let passed_over: Result<_, Malformed> = self.allocation.passed_over.iter().map(PersonId::try_from).collect();
        let frozen = name_list("frozen", &self.allocation.frozen)?.into_iter().collect();
        let promotion = Promotion::from(self.allocation.promotion);
        let allocation = model::change::Allocation { promotion, passed_over: passed_over?, frozen };
        Ok(model::change::Batch { key, at: self.at, steps: steps?, allocation })
    }
}

impl Step {
    fn of(step: &model::change::Step) -> Result<Self, Malformed> {
        use model::change::Operation as Asked;
        let person = Person::from(step.person.as_ref().ok_or_else(|| Malformed::new("step", "is for nobody"))?);
        let counted = step.counted.map(Counted::from);
        Ok(match &step.operation {
            Asked::SetSeats { .. } => {
                return Err(Malformed::new("step", "sets the number of seats, which is the ledger's"));
            }
            Asked::Adopt { account } => Self::Adopt { person, account: account.to_string() },
            Asked::Create { profile, created } => Self::Create { person, profile: profile.into(), created: *created },
            Asked::Update { current, desired } => {
                Self::Update { person, from: current.into(), to: desired.into(), counted }
            }
            Asked::Suspend { cause, keep_seats } => {
                Self::Suspend { person, cause: (*cause).into(), keep_seats: *keep_seats, counted }
            }
            Asked::Resume => Self::Resume { person },
            Asked::Remove => Self::Remove { person, counted },
            Asked::Claim(claim) => Self::Claim {
                person,
                pool: claim.pool.to_string(),
                rank: claim.rank,
                since: claim.since,
                created: claim.created,
                gate: claim.gate.map(Reason::from),
                fallback_for: claim.fallback_for.as_ref().map(ToString::to_string),
                instead_of: names(&claim.instead_of),
                approved: claim.approved,
            },
            Asked::Release { pool } => Self::Release { person, pool: pool.to_string(), counted },
        })
    }

    fn into_model(self) -> Result<model::change::Step, Malformed> {
        use model::change::Operation as Asked;
        let (person, operation, counted) = match self {
            Self::Adopt { person, account } => (person, Asked::Adopt { account: AccountId(Arc::from(account)) }, None),
            Self::Create { person, profile, created } => {
                (person, Asked::Create { profile: profile.unchecked(), created }, None)
            }
            Self::Update { person, from, to, counted } => {
                (person, Asked::Update { current: from.unchecked(), desired: to.unchecked() }, counted)
            }
            Self::Suspend { person, cause, keep_seats, counted } => {
                (person, Asked::Suspend { cause: cause.into(), keep_seats }, counted)
            }
            Self::Resume { person } => (person, Asked::Resume, None),
            Self::Remove { person, counted } => (person, Asked::Remove, counted),
            Self::Claim { person, pool, rank, since, created, gate, fallback_for, instead_of, approved } => {
                let gate = gate.map(WaitReason::from).filter(|reason| *reason != WaitReason::NoSeat);
                let fallback_for = fallback_for.map(|pool| name("fallback_for", &pool)).transpose()?;
                let instead_of = name_list("instead_of", &instead_of)?;
                let pool = name("pool", &pool)?;
                (
                    person,
                    Asked::Claim(Claim { pool, rank, since, created, gate, fallback_for, instead_of, approved }),
                    None,
                )
            }
            Self::Release { person, pool, counted } => (person, Asked::Release { pool: name("pool", &pool)? }, counted),
        };
        let person = Some(PersonId::try_from(&person)?);
        Ok(model::change::Step { person, operation, counted: counted.map(model::change::Counted::from) })
    }
}

impl From<model::change::Counted> for Counted {
    fn from(counted: model::change::Counted) -> Self {
        Self { kind: counted.kind.into(), confirmed: counted.confirmed }
    }
}

impl From<Counted> for model::change::Counted {
    fn from(counted: Counted) -> Self {
        Self { kind: counted.kind.into(), confirmed: counted.confirmed }
    }
}

impl BatchAnswer {
    /// As an agent reads it.
    ///
    /// # Errors
    /// Where it does not fit the steps that were sent: then nothing of it may be trusted.
    pub fn into_model(self, sent: usize) -> Result<model::change::Answer, Malformed> {
        if self.steps != sent {
            return Err(Malformed::new("answer", format!("is to {} steps, {sent} were sent", self.steps)));
        }
        let refused = self.refused.into_iter().map(|Refused { index, code, message }| (index, (code, message)));
        let mut refused: BTreeMap<usize, (String, String)> = refused.collect();
        if refused.keys().any(|index| *index >= sent) {
            return Err(Malformed::new("answer", "refuses a step that was not sent"));
        }
        let outcome = |index| match refused.remove(&index) {
            Some((code, message)) => Outcome::Refused { code, message },
            None => Outcome::Done,
        };
        let outcomes = (0..sent).map(outcome).collect();
        let accounts: Result<Vec<model::Account>, Malformed> =
            self.accounts.into_iter().map(model::Account::try_from).collect();
        let mut accounts = accounts?;
        accounts.sort_by(|a, b| a.owner.cmp(&b.owner));
        let removed: Result<Vec<PersonId>, Malformed> = self.removed.iter().map(PersonId::try_from).collect();
        let pools: Result<Vec<model::PoolCount>, Malformed> = self.pools.iter().map(Pool::count).collect();
        Ok(model::change::Answer { outcomes, accounts, removed: removed?, pools: pools? })
    }
}
