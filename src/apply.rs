//! Carries out a checked plan: the journal first, then the backend, and its word is what counts.

mod recovered;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use thiserror::Error;
use tokio::sync::watch;
use uuid::Uuid;

use crate::model::change::{Answer, Batch, Operation, Outcome, Step};
use crate::model::report::ProblemRow;
use crate::model::{Account, AccountId, Name, PersonId, PoolCount};
use crate::plan::Plan;
use crate::plan::effects::{Effect, compare};
use crate::ports::{Backend, BackendError, Memory, Progress, Stage, StateError};

pub use recovered::{Recovered, recover};

/// Why a plan was not carried out to its end. What was sent is in the journal; the next cycle asks how it went.
#[derive(Debug, Error)]
pub enum ApplyError {
    #[error(transparent)]
    State(#[from] StateError),
    #[error(
        "the backend failed while changes were sent; what it carried out is looked up before anything else is done"
    )]
    Backend(#[from] BackendError),
}

/// What the backend made of a plan.
#[derive(Debug, Default)]
pub struct Applied {
    batches: Vec<(Batch, Answer)>,
    /// Steps that were not sent, since a stop was asked for: nothing of them happened.
    pub left: u64,
}

/// Carries out a plan, wave by wave. Empty plans touch nothing. Once `halt` says so no further wave is sent; what was not
/// sent is dropped, and the next cycle plans it anew.
///
/// # Errors
/// Where the journal cannot be written, or the backend does not answer.
pub async fn apply(
    memory: &mut dyn Memory,
    backend: &mut dyn Backend,
    plan: &Plan,
    cycle: u64,
    now: Timestamp,
    progress: &dyn Progress,
    halt: Option<&watch::Receiver<bool>>,
) -> Result<Applied, ApplyError> {
    let mut applied = Applied::default();
    if plan.is_empty() {
        return Ok(applied);
    }
    let batches = batches(plan, backend.capabilities().batch, now);
    memory.begin(cycle, &batches)?;
    let total = batches.iter().map(|batch| batch.steps.len() as u64).sum();
    let mut done = 0;
    progress.tell(Stage::Applying { done, total });
    for batch in batches {
        if halt.is_some_and(|halt| *halt.borrow()) {
            memory.drop_batch(&batch.key)?;
            applied.left += batch.steps.len() as u64;
            continue;
        }
        memory.sent(&batch.key)?;
        let answer = backend.apply(&batch).await?;
        memory.finished(&batch.key, &answer)?;
        tracing::debug!(batch = %batch.key, steps = batch.steps.len(), accounts = answer.accounts.len(), "A wave was carried out.");
        done += batch.steps.len() as u64;
        progress.tell(Stage::Applying { done, total });
        applied.batches.push((batch, answer));
    }
    Ok(applied)
}

fn adoption(step: &Step) -> Option<(&PersonId, &AccountId)> {
    match (&step.person, &step.operation) {
        (Some(person), Operation::Adopt { account }) => Some((person, account)),
        _ => None,
    }
}

/// One batch a wave, each with a key that never comes twice; several where the backend takes fewer steps at once. What
/// frees seats comes first, and claims stand in seat order, so that each part serves whoever's turn it is.
fn batches(plan: &Plan, most: usize, now: Timestamp) -> Vec<Batch> {
    let plan_id = Uuid::new_v4();
    let parts = plan.waves().iter().flat_map(|steps| steps.chunks(most.max(1)));
    let batch = |(number, steps): (usize, &[Step])| Batch {
        key: format!("{plan_id}/{number}"),
        at: now,
        steps: steps.to_vec(),
        allocation: plan.allocation().clone(),
    };
    parts.enumerate().map(batch).collect()
}

/// What the backend would refuse of a plan, where it can say so without carrying it out.
///
/// # Errors
/// Where it cannot be asked.
pub async fn validate(backend: &mut dyn Backend, plan: &Plan, now: Timestamp) -> Result<Vec<Refusal>, BackendError> {
    if plan.is_empty() || !backend.capabilities().validates {
        return Ok(Vec::new());
    }
    let steps = plan.waves().concat();
    let batch = Batch { key: String::new(), at: now, steps, allocation: plan.allocation().clone() };
    let outcomes = backend.validate(&batch).await?;
    Ok(batch.steps.iter().zip(&outcomes).filter_map(|(step, outcome)| refusal(step, outcome)).collect())
}

/// What the backend would not do, and of whom; without a name yet.
pub type Refusal = (Option<PersonId>, ProblemRow);

fn refusal(step: &Step, outcome: &Outcome) -> Option<Refusal> {
    let Outcome::Refused { code, message } = outcome else { return None };
    let pool = match &step.operation {
        Operation::Claim(claim) => Some(claim.pool.clone()),
        Operation::Release { pool } | Operation::SetSeats { pool, .. } => Some(pool.clone()),
        _ => None,
    };
    let anchor = step.person.as_ref().map(|person| person.anchor);
    let row = ProblemRow { anchor, pool, ..ProblemRow::general(code, message) };
    Some((step.person.clone(), row))
}

impl Applied {
    /// What happened to each person touched, by the accounts before and after; in the order of the people.
    #[must_use]
    pub fn effects(&self, before: &[Account]) -> Vec<(PersonId, Vec<Effect>)> {
        let after = self.final_accounts();
        let adopted = self.adopted();
        let find = |person: &PersonId| {
            let owned = before.binary_search_by(|account| account.owner.as_ref().cmp(&Some(person)));
            let stranger = || before.iter().find(|account| Some(&account.id) == adopted.get(person).copied());
            owned.ok().map(|index| &before[index]).or_else(stranger)
        };
        let effects = after.into_iter().map(|(person, account)| (person.clone(), compare(find(person), account)));
        effects.filter(|(_, effects)| !effects.is_empty()).collect()
    }

    /// The accounts touched, as the last answer left them; None where removed.
    fn final_accounts(&self) -> BTreeMap<&PersonId, Option<&Account>> {
        let mut after = BTreeMap::new();
        for (_, answer) in &self.batches {
            let owned = answer.accounts.iter().filter_map(|account| Some((account.owner.as_ref()?, Some(account))));
            after.extend(owned.chain(answer.removed.iter().map(|person| (person, None))));
        }
        after
    }

    fn adopted(&self) -> BTreeMap<&PersonId, &AccountId> {
        let steps = self.batches.iter().flat_map(|(batch, _)| &batch.steps);
        steps.filter_map(adoption).collect()
    }

    /// All accounts of the backend as they are now.
    #[must_use]
    pub fn accounts_after<'a>(&self, before: &'a [Account]) -> Cow<'a, [Account]> {
        if self.batches.is_empty() {
            return Cow::Borrowed(before);
        }
        let after = self.final_accounts();
        let touched: BTreeSet<&AccountId> = after.values().flatten().map(|account| &account.id).collect();
        let untouched = |account: &&Account| {
            let owned = account.owner.as_ref().is_some_and(|owner| after.contains_key(owner));
            !owned && !touched.contains(&account.id)
        };
        let mut accounts: Vec<Account> = before.iter().filter(untouched).cloned().collect();
        accounts.extend(after.into_values().flatten().cloned());
        accounts.sort_by(|a, b| a.owner.cmp(&b.owner));
        Cow::Owned(accounts)
    }

    /// The pools as the last answer told them.
    #[must_use]
    pub fn pools(&self) -> BTreeMap<Name, PoolCount> {
        let pools = self.batches.iter().flat_map(|(_, answer)| &answer.pools);
        pools.map(|pool| (pool.name.clone(), pool.clone())).collect()
    }

    /// What a stop kept from being sent, for people.
    #[must_use]
    pub fn stopped(&self) -> Option<ProblemRow> {
        let sent: u64 = self.batches.iter().map(|(batch, _)| batch.steps.len() as u64).sum();
        let message = || {
            format!(
                "asked to stop: {sent} steps were carried out and {} were not sent; the next cycle plans those anew",
                self.left
            )
        };
        (self.left > 0).then(|| ProblemRow::general("stopped", message()))
    }

    /// What the backend would not do, and why.
    #[must_use]
    pub fn refusals(&self) -> Vec<Refusal> {
        let outcomes = self.batches.iter().flat_map(|(batch, answer)| batch.steps.iter().zip(&answer.outcomes));
        outcomes.filter_map(|(step, outcome)| refusal(step, outcome)).collect()
    }

    /// People of whom the backend would not do something.
    #[must_use]
    pub fn failed(&self) -> u64 {
        let people: BTreeSet<_> = self.refusals().into_iter().map(|(person, _)| person).collect();
        people.len() as u64
    }
}
