//! What people decide: about places in queues, about what the guard holds back, about whose an account is.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::json;

use super::{Desk, clocks};
use crate::ledger::LedgerError;
use crate::ledger::records::Touched;
use crate::ledger::rules::happenings::What;
use crate::ledger::rules::{Declined, Excerpt, Happening};
use crate::model::change::{Confirmation, Decision, Verdict};
use crate::model::{Account, AccountId, Name, PersonId, PoolCount};

/// Whom a decision is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whom {
    Person(PersonId),
    Account(AccountId),
}

/// A decision, however its person is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruling {
    pub whom: Whom,
    /// None: every pool the verdict fits.
    pub pool: Option<Name>,
    pub verdict: Verdict,
}

/// What decisions came to.
#[derive(Clone, Debug)]
pub struct Ruled {
    /// Everyone who changed, promoted people included.
    pub accounts: Vec<Account>,
    pub pools: Vec<PoolCount>,
}

/// One of several decisions could not be carried out, so none was.
#[derive(Debug)]
pub struct Unruled {
    pub index: usize,
    pub error: LedgerError,
}

/// Carries out decisions without settling: the agent's next batch does.
///
/// # Errors
/// Where one of them fits nothing; the message says what the person has.
pub fn note(desk: &Desk<'_>, decisions: &[Decision]) -> Result<(), LedgerError> {
    let people = decisions.iter().map(|decision| &decision.person).collect();
    let mut excerpt = desk.open(&Touched { people, ..Touched::default() })?;
    for decision in decisions {
        excerpt.decide(decision)?;
    }
    desk.close(&mut excerpt)
}

/// Carries out decisions, all or none, and settles the pools.
///
/// # Errors
/// The first that fits nothing, with its place in the list.
pub fn rule(desk: &Desk<'_>, rulings: &[Ruling]) -> Result<Ruled, Unruled> {
    let whole = |error| Unruled { index: 0, error };
    let mut excerpt = open(desk, rulings).map_err(whole)?;
    for (index, ruling) in rulings.iter().enumerate() {
        carry_out(&mut excerpt, ruling).map_err(|error| Unruled { index, error })?;
    }
    let settle = |excerpt: &mut Excerpt| {
        desk.settle_as_set(excerpt)?;
        let ruled = excerpt.answer(Vec::new());
        desk.close(excerpt)?;
        Ok(Ruled { accounts: ruled.accounts, pools: ruled.pools })
    };
    settle(&mut excerpt).map_err(whole)
}

fn open(desk: &Desk<'_>, rulings: &[Ruling]) -> Result<Excerpt, LedgerError> {
    let mut touched = Touched::default();
    for Ruling { whom, .. } in rulings {
        match whom {
            Whom::Person(person) => {
                touched.people.insert(person);
            }
            Whom::Account(id) => {
                touched.accounts.insert(id.clone());
            }
        }
    }
    desk.open(&touched)
}

fn carry_out(excerpt: &mut Excerpt, ruling: &Ruling) -> Result<(), LedgerError> {
    let person = match &ruling.whom {
        Whom::Person(person) => person.clone(),
        Whom::Account(id) => excerpt.account(id)?.claimant(),
    };
    if let Some(pool) = &ruling.pool {
        excerpt.numbers(pool)?;
    }
    Ok(excerpt.decide(&Decision { person, pool: ruling.pool.clone(), verdict: ruling.verdict })?)
}

/// Remembers what a person let through the guard, or what is left of it.
///
/// # Errors
/// Where it cannot be stored.
pub fn confirm(desk: &Desk<'_>, confirmation: &Confirmation) -> Result<(), LedgerError> {
    desk.records.remember_confirmation(desk.company, confirmation)?;
    if confirmation.changes.is_empty() {
        return Ok(());
    }
    desk.tell(Happening::of_company(What::Confirmed, json!({ "fingerprint": confirmation.fingerprint })))
}

/// The same for somebody elsewhere, whose clock said `at` when it was sent: how long it holds is judged by theirs.
///
/// # Errors
/// Where their clock is off, or it could not be stored.
pub fn confirm_at(desk: &Desk<'_>, confirmation: &Confirmation, at: Option<Timestamp>) -> Result<(), LedgerError> {
    at.map_or(Ok(()), |at| clocks::check(at, desk.now))?;
    confirm(desk, confirmation)
}

/// Makes the account of one person that of another; seats, places and `since` go with it.
///
/// # Errors
/// Where the old owner has no account, or the new one has.
pub fn relink(desk: &Desk<'_>, old: &PersonId, new: &PersonId) -> Result<Account, LedgerError> {
    let people: BTreeSet<&PersonId> = [old, new].into_iter().collect();
    let mut excerpt = desk.open(&Touched { people, ..Touched::default() })?;
    excerpt.relink(old, new)?;
    desk.close(&mut excerpt)?;
    let unknown = || Declined::NotFound { what: "account of", name: new.to_string() };
    Ok(excerpt.of(new).ok_or_else(unknown)?.clone())
}
