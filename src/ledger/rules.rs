//! The rules of the ledger, pure: a batch applied to the touched part of a company, settled and answered.

pub mod company;
mod decisions;
pub mod declined;
mod hands;
pub mod happenings;
mod settling;
mod steps;
mod terms;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use thiserror::Error;

use crate::model::change::{Answer, Batch, Operation, Outcome, Verdict};
use crate::model::{Account, AccountId, Name, PersonId, PoolCount, SeatState, WaitReason, fold};

pub use declined::Declined;
pub use hands::LAST;
pub use happenings::Happening;
pub use settling::queue;
pub use terms::{Purchase, Reduction, Terms};

/// Why nothing was done. (A step of a batch that may not be done is an `Outcome`, not an error.)
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RuleError {
    #[error("the ledger has no account of {person}")]
    UnknownPerson { person: PersonId },
    #[error("there is nothing to {verdict} for {person}, who {has}")]
    NothingToDecide { person: PersonId, verdict: &'static str, has: String },
    #[error("{person} already has account {account}: remove or relink that one first")]
    Occupied { person: PersonId, account: AccountId },
    #[error("settling pool {pool} would hold more than its {seats} seats: this is a mistake of the program")]
    Overrun { pool: Name, seats: u32 },
    #[error("settling pool {pool} granted a seat to {person}, who does not wait: this is a mistake of the program")]
    NotWaiting { pool: Name, person: PersonId },
}

/// The touched part of a company: what a batch, a decision or a relink needs to know, and nothing more.
#[derive(Debug, Default)]
pub struct Excerpt {
    accounts: HashMap<AccountId, Entry>,
    /// By claimant: unmanaged accounts, too.
    owners: HashMap<PersonId, AccountId>,
    user_names: HashMap<String, AccountId>,
    emails: HashMap<String, AccountId>,
    /// All pools of the company.
    pools: BTreeMap<Name, PoolCount>,
    terms: BTreeMap<Name, Terms>,
    /// The mail domains the company approved, as `mail_domain` writes them; none: any.
    domains: Option<Arc<[String]>>,
    /// Number of the next new account.
    next: u64,
    /// Who first asks for which pool in this batch.
    joiners: HashSet<(PersonId, Name)>,
    removed: BTreeMap<AccountId, PersonId>,
    /// Pools that are no more.
    dropped: BTreeSet<Name>,
    /// Pools of which a seat was granted.
    granted: BTreeSet<Name>,
    /// What happened to pools.
    happened: Vec<Happening>,
}

/// An account, and what it was before.
#[derive(Debug)]
pub struct Entry {
    pub account: Account,
    pub before: Before,
}

/// What an account was when it was loaded.
#[derive(Debug)]
pub enum Before {
    /// Never touched.
    Same,
    /// Not there.
    Nothing,
    Account(Box<Account>),
}

impl Entry {
    /// The account, to be changed: what it was is kept.
    fn edit(&mut self) -> &mut Account {
        if matches!(self.before, Before::Same) {
            self.before = Before::Account(Box::new(self.account.clone()));
        }
        &mut self.account
    }

    fn changed(&self) -> bool {
        match &self.before {
            Before::Same => false,
            Before::Nothing => true,
            Before::Account(before) => **before != self.account,
        }
    }
}

/// The values that must be unique, case-folded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folded {
    pub user_names: BTreeSet<String>,
    pub emails: BTreeSet<String>,
}

/// The unique values that a batch wants to set: who has them must be known before it is carried out.
#[must_use]
pub fn wanted(batch: &Batch) -> Folded {
    let mut folded = Folded::default();
    for step in &batch.steps {
        if let Operation::Create { profile, .. } | Operation::Update { desired: profile, .. } = &step.operation {
            folded.user_names.insert(fold(&profile.user_name));
            folded.emails.insert(fold(&profile.email));
        }
    }
    folded
}

impl Excerpt {
    /// With all pools of the company, counted, and the number the next new account gets.
    #[must_use]
    pub fn new(pools: BTreeMap<Name, PoolCount>, next: u64) -> Self {
        Self { pools, next, ..Self::default() }
    }

    /// Says what holds for the pools besides their counts.
    #[must_use]
    pub fn under(mut self, terms: BTreeMap<Name, Terms>, domains: Option<Arc<[String]>>) -> Self {
        self.terms = terms;
        self.domains = domains;
        self
    }

    /// Adds an account as it is stored. One that is known already, or that this batch removed, stays as it is.
    pub fn load(&mut self, account: Account) {
        if self.accounts.contains_key(&account.id) || self.removed.contains_key(&account.id) {
            return;
        }
        self.owners.insert(account.claimant(), account.id.clone());
        self.accounts.insert(account.id.clone(), Entry { account, before: Before::Same });
    }

    /// Says who has a wanted user name, case-folded.
    pub fn load_user_name(&mut self, folded: String, holder: AccountId) {
        self.user_names.insert(folded, holder);
    }

    /// Says who has a wanted mail address, case-folded.
    pub fn load_email(&mut self, folded: String, holder: AccountId) {
        self.emails.insert(folded, holder);
    }

    /// Carries out the steps of a batch, in order. One that may not be done stops no other.
    pub fn carry_out(&mut self, batch: &Batch) -> Vec<Outcome> {
        let outcome = |result| match result {
            Ok(()) => Outcome::Done,
            Err(steps::Refusal { code, message }) => Outcome::Refused { code: code.to_owned(), message },
        };
        batch.steps.iter().map(|step| outcome(self.carry_out_step(step, batch))).collect()
    }

    /// The answer to a batch: what its steps and the settling changed.
    #[must_use]
    pub fn answer(&self, outcomes: Vec<Outcome>) -> Answer {
        let mut accounts: Vec<Account> = self.changed().map(|entry| entry.account.clone()).collect();
        accounts.sort_by(|a, b| a.owner.cmp(&b.owner));
        let mut removed: Vec<PersonId> = self.removed.values().cloned().collect();
        removed.sort();
        Answer { outcomes, accounts, removed, pools: self.pools.values().cloned().collect() }
    }

    /// The answer of a batch carried out before: everything loaded, as it is now.
    #[must_use]
    pub fn into_answer(self, outcomes: Vec<Outcome>) -> Answer {
        let mut accounts: Vec<Account> = self.accounts.into_values().map(|entry| entry.account).collect();
        accounts.sort_by(|a, b| a.owner.cmp(&b.owner));
        Answer { outcomes, accounts, removed: Vec::new(), pools: self.pools.into_values().collect() }
    }

    /// The accounts to be stored, in no order.
    pub fn changed(&self) -> impl Iterator<Item = &Entry> {
        self.accounts.values().filter(|entry| entry.changed())
    }

    /// Whether there is anything to be stored.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        !self.happened.is_empty() || !self.removed.is_empty() || self.changed().next().is_some()
    }

    /// The account of somebody, if it was loaded.
    #[must_use]
    pub fn of(&self, person: &PersonId) -> Option<&Account> {
        self.accounts.get(self.owners.get(person)?).map(|entry| &entry.account)
    }

    /// The accounts to be deleted.
    pub fn removed(&self) -> impl Iterator<Item = &AccountId> {
        self.removed.keys()
    }

    /// The pools to be deleted.
    pub fn dropped(&self) -> impl Iterator<Item = &Name> {
        self.dropped.iter()
    }

    /// All pools, as they are now.
    #[must_use]
    pub const fn pools(&self) -> &BTreeMap<Name, PoolCount> {
        &self.pools
    }

    /// Number of the next new account.
    #[must_use]
    pub const fn next(&self) -> u64 {
        self.next
    }

    fn entry_of(&mut self, person: &PersonId) -> Option<&mut Entry> {
        self.accounts.get_mut(self.owners.get(person)?)
    }
}

/// Gives an assignment another state and keeps the pool's counts true.
fn set_state(pools: &mut BTreeMap<Name, PoolCount>, pool: &Name, from: Option<SeatState>, to: SeatState) {
    let Some(count) = pools.get_mut(pool) else { return };
    match from {
        Some(SeatState::Held) => count.held = count.held.saturating_sub(1),
        Some(SeatState::Waiting(_)) => count.waiting = count.waiting.saturating_sub(1),
        _ => {}
    }
    match to {
        SeatState::Held => count.held = count.held.saturating_add(1),
        SeatState::Waiting(_) => count.waiting = count.waiting.saturating_add(1),
        _ => {}
    }
}

/// What becomes of a standing that is given up. A denial stays, and so does what was waited for besides a seat.
const fn given_up(state: SeatState) -> SeatState {
    match state {
        SeatState::Held | SeatState::Waiting(WaitReason::NoSeat) => SeatState::Past(None),
        SeatState::Waiting(reason) => SeatState::Past(Some(reason)),
        SeatState::Denied | SeatState::Past(_) => state,
    }
}

const fn verb(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Approve => "approve",
        Verdict::Deny => "deny",
        Verdict::Release => "release",
    }
}

#[cfg(test)]
mod tests;
