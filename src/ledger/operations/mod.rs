//! The transactions of the ledger, each written once: load what is touched, let the rules decide, settle, keep, tell.

pub mod accounts;
pub mod batch;
mod clocks;
pub mod companies;
pub mod decisions;
pub mod expect;
pub mod pools;
pub mod repair;

use jiff::Timestamp;

use super::LedgerError;
use super::records::{Records, Touched};
use super::rules::company::Company;
use super::rules::happenings::What;
use super::rules::{Excerpt, Happening};
use crate::clock;
use crate::model::change::Allocation;

/// On whose behalf the ledger is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// The config's own agent, which follows no events: they hear only that something changed.
    Embedded,
    /// The service. With `mails`, who gets a seat gets one.
    Served { mails: bool },
}

/// One transaction on one company.
#[derive(Clone, Copy)]
pub struct Desk<'a> {
    pub records: &'a dyn Records,
    pub company: &'a str,
    pub now: Timestamp,
    pub manner: Manner,
}

impl<'a> Desk<'a> {
    /// For the config's own agent, where nothing else says what time it is.
    #[must_use]
    pub fn embedded(records: &'a dyn Records, company: &'a str) -> Self {
        Self { records, company, now: clock::now(), manner: Manner::Embedded }
    }

    /// The company's settings.
    ///
    /// # Errors
    /// Where there is no such company.
    pub fn settings(&self) -> Result<Company, LedgerError> {
        self.records.company(self.company)
    }

    /// The touched part of the company, with what came due before anything else is done.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn open(&self, touched: &Touched<'_>) -> Result<Excerpt, LedgerError> {
        let mut excerpt = self.records.excerpt(self.company, touched)?;
        excerpt.reduce(self.now);
        Ok(excerpt)
    }

    /// Settles the pools: grants the free seats to whoever's turn it is.
    ///
    /// # Errors
    /// Where those who wait cannot be read.
    pub fn settle(&self, excerpt: &mut Excerpt, allocation: &Allocation) -> Result<(), LedgerError> {
        if excerpt.is_open() {
            self.records.add_waiting(self.company, excerpt)?;
            excerpt.settle(allocation)?;
        }
        Ok(())
    }

    /// The same as the company's connector last said that it be done.
    ///
    /// # Errors
    /// Where the company or those who wait cannot be read.
    pub fn settle_as_set(&self, excerpt: &mut Excerpt) -> Result<(), LedgerError> {
        if excerpt.is_open() { self.settle(excerpt, &self.settings()?.allocation) } else { Ok(()) }
    }

    /// Keeps what was changed, and tells it.
    ///
    /// # Errors
    /// Where it cannot be stored.
    pub fn close(&self, excerpt: &mut Excerpt) -> Result<(), LedgerError> {
        excerpt.cancel_overtaken();
        if !excerpt.is_changed() {
            return Ok(());
        }
        self.records.save(self.company, excerpt)?;
        let Manner::Served { mails } = self.manner else {
            return self.tell(Happening::of_company(What::LedgerChanged, serde_json::Value::Null));
        };
        let happenings = excerpt.happenings();
        self.records.record(self.company, self.now, &happenings)?;
        if mails { self.queue_mails(&happenings) } else { Ok(()) }
    }

    /// Tells one thing.
    ///
    /// # Errors
    /// Where it cannot be stored.
    pub fn tell(&self, happening: Happening) -> Result<(), LedgerError> {
        self.records.record(self.company, self.now, &[happening])
    }

    fn queue_mails(&self, happenings: &[Happening]) -> Result<(), LedgerError> {
        let mut granted = happenings.iter().filter(|one| one.what == What::SeatHeld).peekable();
        if granted.peek().is_none() || !self.settings()?.confirmation_mail {
            return Ok(());
        }
        for Happening { account, pool, .. } in granted {
            if let (Some(account), Some(pool)) = (account, pool) {
                self.records.queue_mail(self.company, account, pool, self.now)?;
            }
        }
        Ok(())
    }
}
