//! The ledger served to many at once: one thread writes, a few read.
//!
//! Writes that arrive while another is made durable share the next transaction (group commit): each is a part of it that
//! can fail by itself, and nobody is answered before all of it is on the disk.

pub mod chores;
mod outside;
mod readers;
mod writer;

use std::sync::Arc;

use jiff::Timestamp;
use thiserror::Error;
use tokio::sync::{oneshot, watch};

use self::readers::Readers;
use self::writer::Writer;
use super::LedgerError;
use super::operations::{Desk, Manner};
use super::records::{Records, Store, View};
use crate::clock::Clock;

/// Why the service could not say anything. Nothing happened, as far as anybody was told.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unserved {
    #[error("too many requests are waiting to be written")]
    Busy,
    #[error("the ledger is stopping")]
    Stopping,
    /// The transaction that held this one and others could not be saved.
    #[error("the ledger could not be saved: {reason}")]
    Unsaved { reason: String },
    #[error("a request failed in a way that is a mistake of the program")]
    Broken,
}

/// A ledger that many ask at once. Cheap to clone.
#[derive(Clone)]
pub struct Service {
    writer: Arc<Writer>,
    readers: Arc<dyn Readers>,
    manner: Manner,
    clock: Clock,
    changed: watch::Receiver<u64>,
    stirred: watch::Receiver<()>,
}

impl Service {
    /// Opens what is needed with `open`: one store to write, others to read. With `mails`, who gets a seat gets one.
    ///
    /// # Errors
    /// Where the store cannot be opened, or no thread can be started.
    pub fn start<S: Store + 'static>(
        open: impl Fn() -> Result<S, LedgerError> + Send + Sync + 'static,
        mails: bool,
    ) -> Result<Self, LedgerError> {
        let (announce, changed) = watch::channel(0);
        let writer = Arc::new(Writer::start(open()?, announce)?);
        let open = Arc::new(open);
        let (stir, stirred) = watch::channel(());
        outside::watch(Arc::clone(&open), stir, Arc::downgrade(&writer))?;
        let readers = readers::pool(move || open());
        let (manner, clock) = (Manner::Served { mails }, Clock::default());
        Ok(Self { writer, readers, manner, clock, changed, stirred })
    }

    /// The same by another clock.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// The time that counts here.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Changes a company, in one transaction that others may share.
    ///
    /// # Errors
    /// What the work says; or that it could not be done at all.
    pub async fn change<T, E>(
        &self,
        company: &str,
        work: impl FnOnce(&Desk<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<LedgerError> + From<Unserved> + Send + 'static,
    {
        let (company, manner) = (company.to_owned(), self.manner);
        let now = self.now();
        self.write(move |records| work(&Desk { records, company: &company, now, manner })).await
    }

    /// Writes whatever it is.
    ///
    /// # Errors
    /// What the work says; or that it could not be done at all.
    pub async fn write<T, E>(&self, work: impl FnOnce(&dyn Records) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<LedgerError> + From<Unserved> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.writer.send(writer::Ask::new(work, reply))?;
        // Whoever is dropped unanswered was on a thread that is gone.
        answer.await.unwrap_or_else(|_| Err(Unserved::Stopping.into()))
    }

    /// Reads as of one moment.
    ///
    /// # Errors
    /// What the work says; or that it could not be done at all.
    pub async fn read<T, E>(&self, work: impl FnOnce(&dyn View) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<LedgerError> + From<Unserved> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.readers.send(Box::new(move |view| {
            // Nobody may be waiting any more.
            let _ = reply.send(match view {
                Ok(view) => work(view),
                Err(error) => Err(E::from(error)),
            });
        }));
        answer.await.unwrap_or_else(|_| Err(Unserved::Broken.into()))
    }

    /// Told after every transaction of this service that was saved.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.clone()
    }

    /// Told soon after every transaction that anybody saved, this service included.
    #[must_use]
    pub fn stirs(&self) -> watch::Receiver<()> {
        self.stirred.clone()
    }

    /// How many transactions were saved.
    #[must_use]
    pub fn transactions(&self) -> u64 {
        *self.changed.borrow()
    }

    /// Why nothing can be saved at present. None: the last time it could.
    #[must_use]
    pub fn unsaved(&self) -> Option<String> {
        self.writer.unsaved()
    }

    /// Writes what is there already, to learn whether anything can be saved again.
    ///
    /// # Errors
    /// Where it cannot.
    pub async fn try_to_save(&self) -> Result<(), Failure> {
        let write = |records: &dyn Records| match records.companies()?.first() {
            Some(company) => records.save_company(&records.company(company)?),
            None => Ok(()),
        };
        self.write(move |records| write(records).map_err(Failure::from)).await
    }

    /// Finishes what was asked, and takes no more.
    pub async fn stop(&self) {
        self.writer.stop().await;
    }

    /// Carries out the reductions of all companies that have come due.
    ///
    /// # Errors
    /// Where they cannot be stored.
    pub async fn reduce(&self, now: Timestamp) -> Result<(), Failure> {
        let companies = self.read(move |view| Ok::<_, Failure>(due(view, now)?)).await?;
        for company in companies {
            let manner = self.manner;
            self.write(move |records| {
                let desk = Desk { records, company: &company, now, manner };
                super::operations::pools::reduce(&desk).map_err(Failure::from)
            })
            .await?;
        }
        Ok(())
    }

    /// Drops what is too old to matter.
    ///
    /// # Errors
    /// Where it cannot be stored.
    pub async fn forget(&self, now: Timestamp) -> Result<(), Failure> {
        for company in self.read(|view| Ok::<_, Failure>(view.companies()?)).await? {
            self.write(move |records| records.forget_old(&company, now).map_err(Failure::from)).await?;
        }
        Ok(())
    }
}

/// The companies with a reduction that has come due.
fn due(view: &dyn View, now: Timestamp) -> Result<Vec<String>, LedgerError> {
    let mut companies = Vec::new();
    for company in view.companies()? {
        let is_due = |pool: &super::records::Pool| pool.terms.reduction.is_some_and(|one| one.effective_at <= now);
        if view.pools(&company)?.iter().any(is_due) {
            companies.push(company);
        }
    }
    Ok(companies)
}

/// Why something the service does by itself failed.
#[derive(Debug, Error)]
pub enum Failure {
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Unserved(#[from] Unserved),
}
