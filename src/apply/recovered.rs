//! What an earlier cycle sent without hearing how it went: the backend is asked, and this cycle tells what came of it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Applied, ApplyError, adoption};
use crate::model::change::{Answer, Batch};
use crate::model::{Account, PersonId};
use crate::plan::effects::Effect;
use crate::ports::{Backend, Memory, StateError};

/// What was carried out, and the accounts of those touched as they were known before it.
#[derive(Debug, Default)]
pub struct Recovered {
    applied: Applied,
    /// None: had no account, or one that was nobody's.
    before: BTreeMap<PersonId, Option<Account>>,
    strangers: Vec<Account>,
}

/// Finishes what an earlier process left open: what was sent is asked for, what was not is dropped and planned anew.
///
/// # Errors
/// Where the journal or the backend cannot be asked.
pub async fn recover(memory: &mut dyn Memory, backend: &mut dyn Backend) -> Result<Recovered, ApplyError> {
    let mut recovered = Recovered::default();
    for open in memory.open_batches()? {
        let answer = if open.sent { backend.answer(&open.batch.key).await? } else { None };
        tracing::info!(name: "state.batch_settled", batch = %open.batch.key, sent = open.sent, done = answer.is_some(), "A batch that an earlier run left open was settled.");
        match answer {
            Some(answer) => {
                recovered.note(memory, &open.batch, &answer)?;
                memory.finished(&open.batch.key, &answer)?;
                recovered.applied.batches.push((open.batch, answer));
            }
            None => memory.drop_batch(&open.batch.key)?,
        }
    }
    look_up_decisions(memory, backend).await?;
    Ok(recovered)
}

/// Decisions whose answer was lost: what came of them was asked for here, and is no other hand's doing.
async fn look_up_decisions(memory: &mut dyn Memory, backend: &mut dyn Backend) -> Result<(), ApplyError> {
    for key in memory.open_decisions()? {
        let answer = backend.decided(&key).await?;
        tracing::info!(name: "state.decision_settled", decision = %key, done = answer.is_some(), "A decision whose answer was lost was looked up.");
        memory.decision_settled(&key, answer.as_ref())?;
    }
    Ok(())
}

impl Recovered {
    /// Remembers the accounts as they were before an answer becomes known.
    fn note(&mut self, memory: &dyn Memory, batch: &Batch, answer: &Answer) -> Result<(), StateError> {
        let mut after: Vec<Account> = answer.accounts.iter().filter(|account| account.is_managed()).cloned().collect();
        after.sort_by(|a, b| a.owner.cmp(&b.owner));
        let changed = memory.differing(&after)?.into_iter();
        let mut changed: BTreeMap<PersonId, Account> =
            changed.filter_map(|(before, _)| Some((before.owner.clone()?, before))).collect();
        let known: BTreeSet<PersonId> = memory.remembered()?.into_keys().collect();
        let adopted: BTreeSet<_> = batch.steps.iter().filter_map(adoption).map(|(_, account)| account).collect();
        let stranger = |account: &&Account| adopted.contains(&account.id);
        self.strangers.extend(after.iter().filter(stranger).map(|account| Account { owner: None, ..account.clone() }));
        for account in after {
            let Some(owner) = account.owner.clone() else { continue };
            let before = changed.remove(&owner).or_else(|| known.contains(&owner).then_some(account));
            self.before.entry(owner).or_insert(before);
        }
        for person in &answer.removed {
            self.before.entry(person.clone()).or_insert_with(|| changed.remove(person));
        }
        Ok(())
    }

    /// The accounts before, by owner.
    #[must_use]
    pub fn before(&self) -> Vec<Account> {
        self.strangers.iter().chain(self.before.values().flatten()).cloned().collect()
    }

    /// The accounts after, by owner.
    #[must_use]
    pub fn after(&self) -> Vec<Account> {
        self.applied.accounts_after(&self.before()).into_owned()
    }

    /// What happened to each person touched, in the order of the people.
    #[must_use]
    pub fn happened(&self) -> Vec<(PersonId, Vec<Effect>)> {
        self.applied.effects(&self.before())
    }
}
