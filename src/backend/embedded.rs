//! The licence ledger in this process: its SQLite file beside the state.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use jiff::Timestamp;

use crate::ledger::{Ledger, LedgerError};
use crate::model::change::{Answer, BackendState, Batch, Confirmation, Decision};
use crate::model::{Name, PersonId};
use crate::ports::{Backend, BackendError, Capabilities};

/// One company of a ledger file.
#[derive(Debug)]
pub struct Embedded {
    path: PathBuf,
    company: Name,
    /// None: there is no file yet. It is made with the first change, so that looking leaves nothing behind.
    ledger: Option<Ledger>,
}

impl Embedded {
    /// Opens the ledger. `must_exist`: accounts of it are known, so a missing one was lost and is not made anew.
    ///
    /// # Errors
    /// Where it is missing and must not be, or cannot be used.
    pub fn open(path: &Path, company: &Name, must_exist: bool) -> Result<Self, BackendError> {
        let mut embedded = Self { path: path.to_owned(), company: company.clone(), ledger: None };
        if must_exist || is_there(path) {
            embedded.ledger = Some(embedded.make(must_exist)?);
        }
        Ok(embedded)
    }

    fn make(&self, must_exist: bool) -> Result<Ledger, BackendError> {
        let mut ledger = Ledger::open(&self.path, must_exist).map_err(|error| self.failed("opening", error))?;
        ledger.company(&self.company, must_exist).map_err(|error| self.failed("opening", error))?;
        Ok(ledger)
    }

    /// Does something with the ledger, which is made where there is none yet.
    fn change<T>(
        &mut self,
        doing: &str,
        work: impl FnOnce(&mut Ledger, &str) -> Result<T, LedgerError>,
    ) -> Result<T, BackendError> {
        let mut ledger = match self.ledger.take() {
            Some(ledger) => ledger,
            None => self.make(false)?,
        };
        let result = work(&mut ledger, &self.company);
        self.ledger = Some(ledger);
        result.map_err(|error| self.failed(doing, error))
    }

    fn failed(&self, doing: &str, error: LedgerError) -> BackendError {
        BackendError {
            doing: format!("{doing} the licence ledger {} failed", self.path.display()),
            persistence: error.persistence(),
            source: Some(Box::new(error)),
        }
    }
}

/// A broken link counts as there: making a file in its place would hide what was lost.
fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

#[async_trait]
impl Backend for Embedded {
    fn capabilities(&self) -> Capabilities {
        Capabilities { allocates: true, suspended_keeps_seat: true }
    }

    async fn read(&mut self) -> Result<BackendState, BackendError> {
        if self.ledger.is_none() {
            return Ok(BackendState::default());
        }
        self.change("reading", Ledger::read)
    }

    async fn apply(&mut self, batch: &Batch) -> Result<Answer, BackendError> {
        self.change("changing", |ledger, company| ledger.apply(company, batch))
    }

    async fn answer(&mut self, key: &str) -> Result<Option<Answer>, BackendError> {
        self.change("asking", |ledger, company| ledger.answer(company, key))
    }

    async fn decide(&mut self, decisions: &[Decision], _at: Timestamp) -> Result<(), BackendError> {
        self.change("changing", |ledger, company| ledger.decide(company, decisions))
    }

    async fn confirm(&mut self, confirmation: &Confirmation) -> Result<(), BackendError> {
        self.change("changing", |ledger, company| ledger.confirm(company, confirmation))
    }

    async fn relink(&mut self, old: &PersonId, new: &PersonId) -> Result<(), BackendError> {
        self.change("changing", |ledger, company| ledger.relink(company, old, new))
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
