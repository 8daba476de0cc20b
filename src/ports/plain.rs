//! A licensing system that knows accounts and who holds a seat, and nothing of waiting. `backend::queue` makes a `Backend`
//! of it: the queue, its order and who is promoted are then kept by the agent.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{BackendError, Capabilities, StateError};
use crate::model::change::{Confirmation, GuardMark, Outcome};
use crate::model::{Account, AccountId, Anchor, Name, PersonId, PoolCount, Profile};

/// An account as such a backend shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plain {
    pub id: AccountId,
    /// The anchor that it carries as its external id, if it is one.
    pub external: Option<Anchor>,
    pub profile: Profile,
    pub suspended: bool,
    pub held: BTreeSet<Name>,
}

/// One thing asked of it. Each can be asked again without harm where its capabilities say so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// A new account that carries the anchor, without seats.
    Create {
        person: PersonId,
        profile: Profile,
    },
    Update {
        account: AccountId,
        current: Profile,
        desired: Profile,
    },
    Suspend {
        account: AccountId,
    },
    Resume {
        account: AccountId,
    },
    Remove {
        account: AccountId,
    },
    Grant {
        account: AccountId,
        pool: Name,
    },
    Release {
        account: AccountId,
        pool: Name,
    },
    /// One seat for another, in one step.
    Swap {
        account: AccountId,
        from: Name,
        to: Name,
    },
}

/// What came of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It was done, and the account is so now; None where it is gone.
    Done(Option<Plain>),
    /// No seat was free.
    NoSeat,
    /// It will not do it; nothing happened.
    Refused { code: String, message: String },
}

#[async_trait]
pub trait PlainBackend: Send {
    fn capabilities(&self) -> Capabilities;

    /// Every account, managed or not, and the pools as far as it counts them: complete, or an error.
    ///
    /// # Errors
    /// Where any part could not be read.
    async fn read(&mut self) -> Result<(Vec<Plain>, Vec<PoolCount>), BackendError>;

    /// Carries out one order.
    ///
    /// # Errors
    /// Where it is not known what happened.
    async fn carry_out(&mut self, order: &Order) -> Result<Reply, BackendError>;
}

/// What the agent keeps for such a backend besides the accounts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ledger {
    /// Pools whose seats the config counts.
    pub seats: BTreeMap<Name, u32>,
    /// People for whom an account was asked and of whom it is not known whether they got one.
    pub expected: BTreeSet<PersonId>,
    pub marks: Vec<GuardMark>,
    pub confirmations: Vec<Confirmation>,
    /// Keys of the latest batches, the last one at the end; of what is not known how it ended, no outcomes.
    pub batches: Vec<(String, Option<Vec<Outcome>>)>,
}

/// Where it is kept. Each call stores all or nothing.
pub trait QueueMemory: Send {
    /// Accounts as last kept, with every place, held or not.
    fn accounts(&self) -> Result<Vec<Account>, StateError>;

    fn ledger(&self) -> Result<Ledger, StateError>;

    fn keep(&mut self, changed: &[Account], gone: &[AccountId], ledger: &Ledger) -> Result<(), StateError>;
}
