//! A queue for backends that have none: the agent keeps the places, settles with the ledger's own rules, and sends what
//! comes of it order by order, releases first and grants in their turn.
//!
//! What the backend says of accounts, and of seats held, is always true; what is kept of it are the places of who does
//! not hold a seat, and what only we know of those who do. So a crash between two orders leaves nothing to be undone.

mod carry;
mod merge;

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::clock;
use crate::ledger::rules::{Excerpt, RuleError};
use crate::model::change::{Answer, BackendState, Batch, Confirmation, Decision, GuardMark, Operation, Outcome};
use crate::model::{Account, AccountId, Name, PersonId, PoolCount, fold};
use crate::ports::plain::{Ledger, PlainBackend, QueueMemory};
use crate::ports::{Backend, BackendError, Capabilities, NoAccount, Persistence, StateError};

/// Numbers of accounts that are not made yet: above any that a backend gives.
const UNBORN: u64 = 1 << 63;
/// So many batches are remembered: those of the last plan, and of some before.
const BATCHES: usize = 32;

/// A plain backend with a queue before it.
#[derive(Debug)]
pub struct Queue<P, M> {
    plain: P,
    memory: M,
}

/// Everything as of one moment.
#[derive(Clone)]
struct Book {
    accounts: Vec<Account>,
    pools: BTreeMap<Name, PoolCount>,
    ledger: Ledger,
}

impl<P: PlainBackend, M: QueueMemory> Queue<P, M> {
    #[must_use]
    pub const fn new(plain: P, memory: M) -> Self {
        Self { plain, memory }
    }

    async fn book(&mut self) -> Result<Book, BackendError> {
        let (accounts, pools) = self.plain.read().await?;
        let (kept, ledger) = (self.memory.accounts()?, self.memory.ledger()?);
        Ok(merge::book(kept, accounts, pools, ledger, clock::now()))
    }

    /// The pools are settled with the decisions that the batch before left.
    async fn change(
        &mut self,
        work: impl FnOnce(&mut Excerpt) -> Result<(), RuleError> + Send,
    ) -> Result<(), BackendError> {
        let book = self.book().await?;
        let before = book.accounts.clone();
        let (mut excerpt, ledger) = book.open();
        work(&mut excerpt).map_err(refused)?;
        let after: Vec<Account> = excerpt.changed().map(|entry| entry.account.clone()).collect();
        let taken = carry::taken(&before, &after);
        let gone: Vec<AccountId> = excerpt.removed().cloned().collect();
        for order in taken {
            self.plain.carry_out(&order).await?;
        }
        self.memory.keep(&after, &gone, &ledger)?;
        Ok(())
    }
}

impl Book {
    /// An excerpt of everything, to be changed by the rules.
    fn open(self) -> (Excerpt, Ledger) {
        let mut excerpt = Excerpt::new(self.pools, UNBORN);
        for account in self.accounts {
            excerpt.load_user_name(fold(&account.profile.user_name), account.id.clone());
            excerpt.load_email(fold(&account.profile.email), account.id.clone());
            excerpt.load(account);
        }
        (excerpt, self.ledger)
    }
}

fn refused(error: RuleError) -> BackendError {
    let doing = error.to_string();
    let source: Box<dyn std::error::Error + Send + Sync> = match error {
        RuleError::UnknownPerson { .. } => Box::new(NoAccount),
        other => Box::new(other),
    };
    BackendError { doing, persistence: Persistence::Permanent, source: Some(source) }
}

impl From<StateError> for BackendError {
    fn from(error: StateError) -> Self {
        let doing = "Could not keep the queue".to_owned();
        Self { doing, persistence: Persistence::Permanent, source: Some(Box::new(error)) }
    }
}

#[async_trait]
impl<P: PlainBackend, M: QueueMemory> Backend for Queue<P, M> {
    fn capabilities(&self) -> Capabilities {
        // To whoever plans, the two together are a backend that allocates.
        Capabilities { allocates: true, idempotent: true, ..self.plain.capabilities() }
    }

    async fn read(&mut self) -> Result<BackendState, BackendError> {
        let Book { accounts, pools, ledger } = self.book().await?;
        Ok(BackendState { accounts, pools, marks: ledger.marks, confirmations: ledger.confirmations })
    }

    async fn apply(&mut self, batch: &Batch) -> Result<Answer, BackendError> {
        if let Some(answer) = self.answer(&batch.key).await? {
            return Ok(answer);
        }
        let before = self.book().await?;
        let (mut excerpt, mut ledger) = before.clone().open();
        let outcomes = excerpt.carry_out(batch);
        if batch.settles() {
            excerpt.settle(&batch.allocation).map_err(refused)?;
        }
        let planned = excerpt.answer(outcomes);
        begin(&mut ledger, batch, &planned.outcomes);
        let standing = carry::standing(&before.accounts, &planned);
        self.memory.keep(&standing, &[], &ledger)?;
        let answer = carry::Carrier::new(&mut self.plain, &before, planned).carry_out(batch).await?;
        end(&mut ledger, batch, &answer);
        let removed = |account: &&Account| account.owner.as_ref().is_some_and(|owner| answer.removed.contains(owner));
        let gone: Vec<AccountId> = before.accounts.iter().filter(removed).map(|account| account.id.clone()).collect();
        self.memory.keep(&answer.accounts, &gone, &ledger)?;
        Ok(answer)
    }

    async fn answer(&mut self, key: &str) -> Result<Option<Answer>, BackendError> {
        let ledger = self.memory.ledger()?;
        let Some((_, outcomes)) = ledger.batches.into_iter().rev().find(|(known, _)| known == key) else {
            return Ok(None);
        };
        let book = self.book().await?;
        // Of a batch that was cut short the accounts tell what came of it.
        let outcomes = outcomes.unwrap_or_default();
        Ok(Some(Answer {
            outcomes,
            accounts: book.accounts,
            removed: vec![],
            pools: book.pools.into_values().collect(),
        }))
    }

    async fn decide(&mut self, decisions: &[Decision], _at: Timestamp) -> Result<(), BackendError> {
        self.change(|excerpt| decisions.iter().try_for_each(|decision| excerpt.decide(decision))).await
    }

    async fn confirm(&mut self, confirmation: &Confirmation) -> Result<(), BackendError> {
        let mut ledger = self.memory.ledger()?;
        ledger.confirmations.retain(|known| known.fingerprint != confirmation.fingerprint);
        ledger.confirmations.push(confirmation.clone());
        Ok(self.memory.keep(&[], &[], &ledger)?)
    }

    async fn relink(&mut self, old: &PersonId, new: &PersonId) -> Result<(), BackendError> {
        self.change(|excerpt| excerpt.relink(old, new)).await
    }
}

/// What must be known before the first order is sent.
fn begin(ledger: &mut Ledger, batch: &Batch, outcomes: &[Outcome]) {
    let done =
        || batch.steps.iter().zip(outcomes).filter(|(_, outcome)| **outcome == Outcome::Done).map(|(step, _)| step);
    for step in done() {
        match (&step.operation, &step.person) {
            (Operation::SetSeats { pool, to, .. }, _) => drop(ledger.seats.insert(pool.clone(), *to)),
            (Operation::Create { .. }, Some(person)) => drop(ledger.expected.insert(person.clone())),
            _ => {}
        }
    }
    ledger.marks.extend(done().filter_map(|step| GuardMark::of(step, batch.at)));
    ledger.marks.retain(|mark| mark.at.saturating_add(GuardMark::REMEMBERED).is_ok_and(|end| end > batch.at));
    ledger.confirmations.retain(|confirmation| confirmation.expires > batch.at);
    ledger.batches.push((batch.key.clone(), None));
    let old = ledger.batches.len().saturating_sub(BATCHES);
    ledger.batches.drain(..old);
}

/// What is known once the last was answered.
fn end(ledger: &mut Ledger, batch: &Batch, answer: &Answer) {
    ledger.expected.clear();
    if let Some((_, outcomes)) = ledger.batches.iter_mut().find(|(key, _)| *key == batch.key) {
        *outcomes = Some(answer.outcomes.clone());
    }
}
