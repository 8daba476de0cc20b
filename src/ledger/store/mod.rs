//! The ledger in one SQLite file. It keeps what the rules decided, each batch and decision in one transaction.

mod batches;
mod company;
mod events;
mod guard;
mod list;
mod load;
mod mail;
mod open;
mod place;
mod queue;
mod read;
mod repair;
mod rows;
pub mod serving;
mod tables;
mod tokens;
mod write;

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior};

use self::place::Place;
use self::tables::Tables;
use super::LedgerError;
use super::error::Doing;
use super::operations::{self, Desk, Manner};
use super::records::{Records, Store, View};
use crate::fault;
use crate::model::PersonId;
use crate::model::change::{Answer, BackendState, Batch, Confirmation, Decision, Outcome};

/// An open ledger. Several may be open on one file, in one process or many: each write waits for the one before.
#[derive(Debug)]
pub struct Ledger {
    connection: Connection,
    place: Place,
}

impl Store for Ledger {
    fn view<T>(&mut self, work: impl FnOnce(&dyn View) -> Result<T, LedgerError>) -> Result<T, LedgerError> {
        let (transaction, _) = self.begin(TransactionBehavior::Deferred)?;
        work(&Tables::new(&transaction))
    }

    fn write<T>(&mut self, work: impl FnOnce(&dyn Records) -> Result<T, LedgerError>) -> Result<T, LedgerError> {
        let (transaction, place) = self.begin(TransactionBehavior::Immediate)?;
        let done = work(&Tables::new(&transaction))?;
        commit(transaction, place)?;
        Ok(done)
    }

    /// What lies in the log beside the file goes into it. Where others read it still, the last of them does so.
    fn close(self) {
        let _ = self.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
    }
}

impl Ledger {
    /// Opens the ledger, and makes it where it is not there, unless it must exist since accounts of it are known.
    ///
    /// # Errors
    /// Where it is missing and must not be, is no ledger, is newer than this program, or cannot be written to. The file
    /// is left as it is.
    pub fn open(path: &Path, must_exist: bool) -> Result<Self, LedgerError> {
        let connection = open::open(path, must_exist)?;
        Ok(Self { connection, place: Place::of(path) })
    }

    /// Looks at what lies at `path`, by a connection that reads alone, and changes nothing. `known`: a company of which accounts
    /// are known, so that both must be there.
    ///
    /// # Errors
    /// As `open` and `company`.
    pub fn glance(connection: &Connection, path: &Path, known: Option<&str>) -> Result<(), LedgerError> {
        open::glance(connection, path, known.is_some())?;
        match known {
            Some(company) if !has_company(connection, company)? => Err(no_company(connection, company)?),
            _ => Ok(()),
        }
    }

    /// Makes sure that the ledger has a company.
    ///
    /// # Errors
    /// Where it has not, though it must: the name was changed, or the file is another one.
    pub fn company(&mut self, company: &str, must_exist: bool) -> Result<(), LedgerError> {
        if has_company(&self.connection, company)? {
            return Ok(());
        }
        if must_exist {
            return Err(no_company(&self.connection, company)?);
        }
        fault::point("ledger.company.before");
        self.write(|records| records.add_company(company))?;
        fault::point("ledger.company.after");
        Ok(())
    }

    /// The companies of this ledger, by name.
    pub fn companies(&self) -> Result<Vec<String>, LedgerError> {
        companies(&self.connection)
    }

    /// Everything the ledger knows of a company, as of one moment.
    ///
    /// # Errors
    /// Where any row cannot be read: then nothing is known.
    pub fn read(&mut self, company: &str) -> Result<BackendState, LedgerError> {
        let (transaction, place) = self.begin(TransactionBehavior::Deferred)?;
        let (state, repairs) = read::company(&transaction, company)?;
        commit(transaction, place)?;
        if !repairs.is_empty() {
            self.repair(company, &repairs)?;
        }
        Ok(state)
    }

    /// All that the ledger knows of a company but its accounts.
    ///
    /// # Errors
    /// Where any row cannot be read.
    pub fn read_besides_accounts(&mut self, company: &str) -> Result<BackendState, LedgerError> {
        let (transaction, place) = self.begin(TransactionBehavior::Deferred)?;
        let state = read::besides_accounts(&transaction, company)?;
        commit(transaction, place)?;
        Ok(state)
    }

    /// Another number than before means that somebody else wrote to the file, whatever it was. What is written through this
    /// ledger does not change it.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn generation(&mut self) -> Result<u64, LedgerError> {
        self.view(|view| view.generation()).map(i64::cast_unsigned)
    }

    /// Gives back the memory that holds pages of the file.
    ///
    /// # Errors
    /// Where SQLite fails.
    pub fn rest(&self) -> Result<(), LedgerError> {
        self.connection.release_memory().doing(|| "giving memory back".to_owned())
    }

    /// The company's last change: its number and its time, so that one of another history is another one. None where there is
    /// none, or it is not kept.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn latest(&mut self, company: &str) -> Result<Option<String>, LedgerError> {
        self.view(|view| {
            let Some(before) = view.company(company)?.version.checked_sub(1) else { return Ok(None) };
            let latest = view.events(company, before, 1)?.events.into_iter().next();
            Ok(latest.map(|event| format!("{} {}", event.seq, event.at)))
        })
    }

    /// Carries out a batch, settles the pools and answers. The same key again changes nothing and gets the outcomes of
    /// the first time; accounts and pools are then shown as they are now.
    ///
    /// # Errors
    /// Where it could not be stored: then nothing of it happened.
    pub fn apply(&mut self, company: &str, batch: &Batch) -> Result<Answer, LedgerError> {
        fault::point("ledger.apply.begin");
        let answer = self.write(|records| {
            let desk = Desk { records, company, now: batch.at, manner: Manner::Embedded };
            let answer = operations::batch::apply(&desk, batch)?;
            fault::point("ledger.apply.before_commit");
            Ok(answer)
        })?;
        fault::point("ledger.apply.after_commit");
        Ok(answer)
    }

    /// What the steps of a batch would come to; nothing of it happens.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn validate(&mut self, company: &str, batch: &Batch) -> Result<Vec<Outcome>, LedgerError> {
        self.write(|records| {
            let desk = Desk { records, company, now: batch.at, manner: Manner::Embedded };
            operations::batch::validate(&desk, batch)
        })
    }

    /// What was answered to the batch of this key, if it was ever carried out.
    pub fn answer(&mut self, company: &str, key: &str) -> Result<Option<Answer>, LedgerError> {
        self.view(|view| view.answer(company, key))
    }

    /// Carries out decisions, all or none, without settling.
    ///
    /// # Errors
    /// Where one of them fits nothing; the message says what the person has.
    pub fn decide(&mut self, company: &str, decisions: &[Decision]) -> Result<(), LedgerError> {
        self.write(|records| {
            operations::decisions::note(&Desk::embedded(records, company), decisions)?;
            fault::point("ledger.decide.before_commit");
            Ok(())
        })?;
        fault::point("ledger.decide.after_commit");
        Ok(())
    }

    /// Remembers what a person let through.
    pub fn confirm(&mut self, company: &str, confirmation: &Confirmation) -> Result<(), LedgerError> {
        self.write(|records| {
            operations::decisions::confirm(&Desk::embedded(records, company), confirmation)?;
            fault::point("ledger.confirm.before_commit");
            Ok(())
        })?;
        fault::point("ledger.confirm.after_commit");
        Ok(())
    }

    /// Makes the account of one person that of another; seats, places and `since` go with it.
    ///
    /// # Errors
    /// Where the old owner has no account, or the new one has.
    pub fn relink(&mut self, company: &str, old: &PersonId, new: &PersonId) -> Result<(), LedgerError> {
        self.write(|records| {
            operations::decisions::relink(&Desk::embedded(records, company), old, new)?;
            fault::point("ledger.relink.before_commit");
            Ok(())
        })?;
        fault::point("ledger.relink.after_commit");
        Ok(())
    }

    /// Sets right what a change by hand left behind: counts and folded names.
    fn repair(&mut self, company: &str, repairs: &read::Repairs) -> Result<(), LedgerError> {
        let (transaction, place) = self.begin(TransactionBehavior::Immediate)?;
        repair::make(&transaction, company, repairs)?;
        fault::point("ledger.repair.before_commit");
        commit(transaction, place)?;
        fault::point("ledger.repair.after_commit");
        Ok(())
    }

    /// A transaction on the file that was opened, as long as that one is there; and where it lies.
    fn begin(&mut self, behavior: TransactionBehavior) -> Result<(Transaction<'_>, &Place), LedgerError> {
        self.place.check()?;
        let transaction = self.connection.transaction_with_behavior(behavior);
        Ok((transaction.doing(|| "beginning a transaction".to_owned())?, &self.place))
    }
}

fn has_company(connection: &Connection, company: &str) -> Result<bool, LedgerError> {
    let find = "SELECT 1 FROM company WHERE name = ?1";
    let found = connection.query_row(find, [company], |_| Ok(())).optional();
    Ok(found.doing(|| "looking up the company".to_owned())?.is_some())
}

fn companies(connection: &Connection) -> Result<Vec<String>, LedgerError> {
    let doing = || "listing the companies".to_owned();
    let mut statement = connection.prepare_cached("SELECT name FROM company ORDER BY name").doing(doing)?;
    statement.query_map([], |row| row.get(0)).and_then(Iterator::collect).doing(doing)
}

fn no_company(connection: &Connection, company: &str) -> Result<LedgerError, LedgerError> {
    let path = connection.path().map(PathBuf::from).unwrap_or_default();
    Ok(LedgerError::NoCompany { path, company: company.to_owned(), known: companies(connection)? })
}

/// Looks once more where the file lies: then what is answered is in the one that is there.
fn commit(transaction: Transaction<'_>, place: &Place) -> Result<(), LedgerError> {
    transaction.commit().doing(|| "saving a transaction".to_owned())?;
    place.check()
}

/// As it is stored: RFC 3339 in UTC, always with nanoseconds, so that texts sort as times do.
fn time_text(time: Timestamp) -> String {
    format!("{time:.9}")
}

#[cfg(test)]
mod tests;
