//! What the agent last knew of accounts, as the planner asks for it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::model::change::Answer;
use crate::model::memory::{Remembered, Taken};
use crate::model::{Account, Digest, Name, PersonId};
use crate::plan::{self, LastKnown};
use crate::ports::{Memory, StateError};

/// The state's memory of accounts, in the order of their owners.
#[derive(Debug)]
pub struct AccountsLastKnown {
    accounts: Vec<(PersonId, Remembered)>,
    taken: BTreeMap<PersonId, Taken>,
    /// The place after the one last found. People are asked for in order, so the next is mostly there.
    next: AtomicUsize,
}

impl AccountsLastKnown {
    /// Everything the state remembers.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn load(memory: &dyn Memory) -> Result<Self, StateError> {
        let accounts = memory.remembered()?.into_iter().collect();
        Ok(Self { accounts, taken: memory.taken()?, next: AtomicUsize::new(0) })
    }

    /// Takes the accounts as they are, sorted by owner: none of them, and none that is gone, was another hand's work.
    pub fn inherit(&mut self, accounts: &[Account]) {
        let known = |account: &Account| Some((account.owner.clone()?, Remembered::of(account)));
        self.accounts = accounts.iter().filter_map(known).collect();
        let has_one = |person: &PersonId| self.accounts.binary_search_by(|(known, _)| known.cmp(person)).is_ok();
        self.taken.retain(|person, _| !has_one(person));
    }

    /// What it remembers of these people.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn of(memory: &dyn Memory, people: &BTreeSet<PersonId>) -> Result<Self, StateError> {
        let accounts = memory.remembered_of(people)?.into_iter().collect();
        Ok(Self { accounts, taken: memory.taken()?, next: AtomicUsize::new(0) })
    }

    /// Takes over what the backend answered to a batch.
    pub fn learn(&mut self, answer: &Answer) {
        self.accounts.retain(|(person, _)| !answer.removed.contains(person));
        for account in &answer.accounts {
            let Some(owner) = &account.owner else { continue };
            let known = Remembered::of(account);
            match self.accounts.binary_search_by(|(person, _)| person.cmp(owner)) {
                Ok(at) => self.accounts[at].1 = known,
                Err(at) => self.accounts.insert(at, (owner.clone(), known)),
            }
        }
    }

    /// These seats are gone by no other hand's doing.
    pub fn forget_seats<'a>(&mut self, exchanged: impl Iterator<Item = (&'a PersonId, Vec<Name>)>) {
        for (person, pools) in exchanged {
            if let Ok(at) = self.accounts.binary_search_by(|(known, _)| known.cmp(person)) {
                let held = &mut self.accounts[at].1.held;
                *held = held.iter().filter(|pool| !pools.contains(pool)).cloned().collect();
            }
        }
    }

    fn find(&self, person: &PersonId) -> Option<&Remembered> {
        let next = self.next.load(Ordering::Relaxed);
        let is_next = self.accounts.get(next).is_some_and(|(known, _)| known == person);
        let at = if is_next { next } else { self.accounts.binary_search_by(|(known, _)| known.cmp(person)).ok()? };
        self.next.store(at + 1, Ordering::Relaxed);
        Some(&self.accounts[at].1)
    }
}

impl plan::Remembered for AccountsLastKnown {
    fn of(&self, person: &PersonId) -> Option<LastKnown> {
        let taken = self.taken.get(person);
        let known = self.find(person);
        if known.is_none() && taken.is_none() {
            return None;
        }
        Some(LastKnown {
            profile: known.map_or(Digest::from_bytes([0; 16]), |known| known.profile),
            held: known.map_or_else(|| Arc::from([]), |known| Arc::clone(&known.held)),
            suspended: known.is_some_and(|known| known.suspended),
            taken: taken.is_some(),
            approval: taken.and_then(|taken| taken.approval.clone()),
        })
    }

    fn active(&self) -> Box<dyn Iterator<Item = &PersonId> + '_> {
        Box::new(self.accounts.iter().filter(|(_, known)| !known.suspended).map(|(person, _)| person))
    }
}
