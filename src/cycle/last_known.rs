//! What the agent last knew of accounts, as the planner asks for it.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::model::memory::Remembered;
use crate::model::{Digest, PersonId};
use crate::plan::{self, LastKnown};
use crate::ports::{Memory, StateError};

/// The state's memory of accounts.
#[derive(Debug)]
pub struct AccountsLastKnown {
    accounts: BTreeMap<PersonId, Remembered>,
    taken: BTreeMap<PersonId, Timestamp>,
}

impl AccountsLastKnown {
    /// Everything the state remembers.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn load(memory: &dyn Memory) -> Result<Self, StateError> {
        Ok(Self { accounts: memory.remembered()?, taken: memory.taken()? })
    }
}

impl plan::Remembered for AccountsLastKnown {
    fn of(&self, person: &PersonId) -> Option<LastKnown> {
        let taken = self.taken.contains_key(person);
        let known = self.accounts.get(person);
        if known.is_none() && !taken {
            return None;
        }
        Some(LastKnown {
            profile: known.map_or(Digest::from_bytes([0; 16]), |known| known.profile),
            held: known.map(|known| known.held.to_vec()).unwrap_or_default(),
            suspended: known.is_some_and(|known| known.suspended),
            taken,
        })
    }
}
