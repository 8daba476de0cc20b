//! The embedded backend: the licence ledger in a file of our own.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;

use crate::ledger::{Ledger, LedgerError};
use crate::model::change::{Answer, BackendState, Batch, Confirmation, Decision};
use crate::model::{Name, PersonId};
use crate::ports::{Backend, BackendError, Capabilities, Persistence};

/// One company of a ledger file. SQLite works on a thread of its own; what it began it finishes, even where nobody
/// waits for it any more.
#[derive(Clone, Debug)]
pub struct Embedded {
    ledger: Arc<Mutex<Ledger>>,
    company: Name,
}

impl Embedded {
    /// Opens the ledger at `path`, and makes file and company where they are new. With `must_exist`, since the state
    /// knows accounts of it, both must be there.
    ///
    /// # Errors
    /// Where the ledger cannot be opened, or is missing and must not be.
    pub fn open(path: &Path, company: &str, must_exist: bool) -> Result<Self, BackendError> {
        let open = || {
            let mut ledger = Ledger::open(path, must_exist)?;
            ledger.company(company, must_exist)?;
            Ok(ledger)
        };
        let ledger = open().map_err(backend_error)?;
        Ok(Self { ledger: Arc::new(Mutex::new(ledger)), company: company.into() })
    }

    async fn on_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Ledger, &str) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, BackendError> {
        let Self { ledger, company } = self.clone();
        let job = move || work(&mut ledger.lock().unwrap_or_else(PoisonError::into_inner), &company);
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

fn backend_error(error: LedgerError) -> BackendError {
    let persistence = error.persistence();
    let doing = error.to_string();
    BackendError { doing, persistence, source: error.into_cause() }
}

#[async_trait]
impl Backend for Embedded {
    fn capabilities(&self) -> Capabilities {
        Capabilities { allocates: true, suspended_keeps_seat: true }
    }

    async fn read(&mut self) -> Result<BackendState, BackendError> {
        self.on_thread(Ledger::read).await
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
        let decisions = decisions.to_vec();
        self.on_thread(move |ledger, company| ledger.decide(company, &decisions)).await
    }

    async fn confirm(&mut self, confirmation: &Confirmation) -> Result<(), BackendError> {
        let confirmation = confirmation.clone();
        self.on_thread(move |ledger, company| ledger.confirm(company, &confirmation)).await
    }

    async fn relink(&mut self, old: &PersonId, new: &PersonId) -> Result<(), BackendError> {
        let (old, new) = (old.clone(), new.clone());
        self.on_thread(move |ledger, company| ledger.relink(company, &old, &new)).await
    }
}
