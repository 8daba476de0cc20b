//! The embedded backend: the licence ledger in a file of our own.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;

use crate::ledger::{Ledger, LedgerError};
use crate::model::change::{Answer, BackendState, Batch, Confirmation, Decision, Outcome};
use crate::model::{Name, PersonId};
use crate::ports::{Backend, BackendError, Capabilities, Persistence};

/// One company of a ledger file. SQLite works on a thread of its own; what it began it finishes, even where nobody
/// waits for it any more.
#[derive(Clone, Debug)]
pub struct Embedded {
    path: PathBuf,
    company: Name,
    /// None: there is no file yet. The first change makes it, so that looking leaves nothing behind.
    ledger: Arc<Mutex<Option<Ledger>>>,
    /// The file's generation when everything was last read; None: it is not known what was changed since.
    read: Option<u64>,
}

impl Embedded {
    /// Opens the ledger at `path`. With `must_exist`, since the state knows accounts of it, file and company must be
    /// there; else the first change makes them.
    ///
    /// # Errors
    /// Where the ledger cannot be opened, or is missing and must not be.
    pub fn open(path: &Path, company: &str, must_exist: bool) -> Result<Self, BackendError> {
        // A link to nowhere is there: a new file in its place would hide what was lost.
        let is_there = path.symlink_metadata().is_ok();
        let ledger =
            (must_exist || is_there).then(|| make(path, company, must_exist)).transpose().map_err(backend_error)?;
        Ok(Self { path: path.to_owned(), company: company.into(), ledger: Arc::new(Mutex::new(ledger)), read: None })
    }

    fn is_new(&self) -> bool {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    async fn on_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Ledger, &str) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, BackendError> {
        let Self { path, company, ledger, .. } = self.clone();
        let job = move || {
            let mut slot = ledger.lock().unwrap_or_else(PoisonError::into_inner);
            let opened = match slot.take() {
                Some(ledger) => ledger,
                None => make(&path, &company, false)?,
            };
            work(slot.insert(opened), &company)
        };
        match tokio::task::spawn_blocking(job).await {
            Ok(result) => result.map_err(backend_error),
            Err(error) => Err(BackendError {
                doing: "the ledger's thread ended before its work was done".to_owned(),
                persistence: Persistence::Permanent,
                source: Some(Box::new(error)),
            }),
        }
    }
}

fn make(path: &Path, company: &str, must_exist: bool) -> Result<Ledger, LedgerError> {
    let mut ledger = Ledger::open(path, must_exist)?;
    ledger.company(company, must_exist)?;
    Ok(ledger)
}

fn backend_error(error: LedgerError) -> BackendError {
    let persistence = error.persistence();
    let doing = error.to_string();
    BackendError { doing, persistence, source: error.into_cause() }
}

#[async_trait]
impl Backend for Embedded {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            allocates: true,
            counts_seats: false,
            batch: usize::MAX,
            idempotent: true,
            swaps: true,
            suspended_keeps_seat: false,
            validates: true,
        }
    }

    async fn validate(&mut self, batch: &Batch) -> Result<Vec<Outcome>, BackendError> {
        if self.is_new() {
            // Nobody is there yet whom anything could be refused for.
            return Ok(Vec::new());
        }
        let batch = batch.clone();
        self.on_thread(move |ledger, company| ledger.validate(company, &batch)).await
    }

    async fn read(&mut self) -> Result<BackendState, BackendError> {
        if self.is_new() {
            return Ok(BackendState::default());
        }
        let (generation, state) =
            self.on_thread(|ledger, company| Ok((ledger.generation()?, ledger.read(company)?))).await?;
        self.read = Some(generation);
        Ok(state)
    }

    fn generation(&self) -> Option<u64> {
        self.read
    }

    async fn unchanged(&mut self, generation: u64) -> Result<Option<BackendState>, BackendError> {
        let now = self.on_thread(|ledger, company| {
            let state = ledger.read_besides_accounts(company)?;
            // Looked at last: what was read is of no later generation.
            Ok((ledger.generation()?, state))
        });
        let (now, state) = now.await?;
        Ok((now == generation).then_some(state))
    }

    async fn seal(&mut self) -> Option<String> {
        let known = self.read?;
        let sealed = self.on_thread(move |ledger, company| {
            let latest = ledger.latest(company)?;
            let seal = latest.filter(|_| ledger.generation().is_ok_and(|now| now == known));
            // The pass ends.
            ledger.rest()?;
            Ok(seal)
        });
        sealed.await.ok().flatten()
    }

    async fn unsealed(&mut self, seal: &str) -> Result<Option<u64>, BackendError> {
        if self.is_new() {
            return Ok(None);
        }
        // The generation first: what is done after it shows in it.
        let now = self.on_thread(|ledger, company| Ok((ledger.generation()?, ledger.latest(company)?)));
        let (generation, latest) = now.await?;
        self.read = latest.filter(|latest| latest == seal).map(|_| generation);
        Ok(self.read)
    }

    async fn apply(&mut self, batch: &Batch) -> Result<Answer, BackendError> {
        let batch = batch.clone();
        self.on_thread(move |ledger, company| ledger.apply(company, &batch)).await
    }

    async fn answer(&mut self, key: &str) -> Result<Option<Answer>, BackendError> {
        let key = key.to_owned();
        self.on_thread(move |ledger, company| ledger.answer(company, &key)).await
    }

    async fn decide(&mut self, decisions: &[Decision], _at: Timestamp) -> Result<(), BackendError> {
        self.read = None;
        let decisions = decisions.to_vec();
        self.on_thread(move |ledger, company| ledger.decide(company, &decisions)).await
    }

    async fn confirm(&mut self, confirmation: &Confirmation) -> Result<(), BackendError> {
        self.read = None;
        let confirmation = confirmation.clone();
        self.on_thread(move |ledger, company| ledger.confirm(company, &confirmation)).await
    }

    async fn relink(&mut self, old: &PersonId, new: &PersonId) -> Result<(), BackendError> {
        self.read = None;
        let (old, new) = (old.clone(), new.clone());
        self.on_thread(move |ledger, company| ledger.relink(company, &old, &new)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::change::{Allocation, Claim, Operation, Outcome, Step, Verdict};
    use crate::model::{Anchor, Profile, SeatState};

    fn person() -> PersonId {
        PersonId::new("corp".into(), Anchor::from_bytes([1; 16]))
    }

    fn batch(steps: Vec<Operation>) -> Batch {
        let step = |operation| Step { person: Some(person()), operation, counted: None };
        Batch {
            key: "k".to_owned(),
            at: Timestamp::UNIX_EPOCH,
            steps: steps.into_iter().map(step).collect(),
            allocation: Allocation::default(),
        }
    }

    fn seat_for_one() -> Batch {
        let profile = Profile { user_name: "ann".into(), email: "ann@corp.example".into(), ..Profile::default() };
        let at = Timestamp::UNIX_EPOCH;
        let claim = Claim {
            pool: "a".into(),
            rank: 0,
            since: at,
            created: at,
            gate: None,
            fallback_for: None,
            instead_of: Vec::new(),
            approved: false,
        };
        batch(vec![
            Operation::SetSeats { pool: "a".into(), from: None, to: 1 },
            Operation::Create { profile, created: at },
            Operation::Claim(claim),
        ])
    }

    #[tokio::test]
    async fn what_was_applied_is_read_back_by_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        let mut backend = Embedded::open(&path, "acme", false).unwrap();
        let answer = backend.apply(&seat_for_one()).await.unwrap();
        assert_eq!(answer.outcomes, [Outcome::Done, Outcome::Done, Outcome::Done]);
        drop(backend);
        let mut backend = Embedded::open(&path, "acme", true).unwrap();
        let state = backend.read().await.unwrap();
        assert_eq!(state.accounts, answer.accounts);
        assert_eq!(state.accounts[0].seats[0].state, SeatState::Held);
        assert_eq!(backend.answer("k").await.unwrap(), Some(answer));
    }

    #[tokio::test]
    async fn a_decision_that_fits_nothing_is_a_sentence_and_permanent() {
        let folder = tempfile::tempdir().unwrap();
        let mut backend = Embedded::open(&folder.path().join("ledger.db"), "acme", false).unwrap();
        let decision = Decision { person: person(), pool: None, verdict: Verdict::Approve };
        let error = backend.decide(&[decision], Timestamp::UNIX_EPOCH).await.unwrap_err();
        assert_eq!(error.doing, format!("the ledger has no account of {}", person()));
        assert_eq!(error.persistence, Persistence::Permanent);
    }

    #[test]
    fn a_ledger_that_must_exist_says_where_it_should_be() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        let error = Embedded::open(&path, "acme", true).unwrap_err();
        assert!(error.doing.contains(&path.display().to_string()), "{error}");
        assert_eq!(error.persistence, Persistence::Permanent);
        assert!(!path.exists());
    }
}
