//! Reading a company whole: two scans in one order, joined on the way.

use std::collections::BTreeMap;

use rusqlite::fallible_streaming_iterator::FallibleStreamingIterator as _;
use rusqlite::{Connection, Rows, Statement};

use super::rows::{self, Columns, Names, read_row, unreadable};
use super::{guard, has_company, no_company};
use crate::ledger::LedgerError;
use crate::ledger::error::Doing;
use crate::ledger::rules::{Reduction, Terms};
use crate::model::change::BackendState;
use crate::model::{Account, Assignment, Name, PoolCount, fold};

/// What a change by hand left behind, found by the read.
#[derive(Debug, Default)]
pub(super) struct Repairs {
    /// The pools' counts are not what the assignments say.
    pub counts: bool,
    /// Account, user name and mail address, folded.
    pub names: Vec<(i64, String, String)>,
}

impl Repairs {
    pub(super) const fn is_empty(&self) -> bool {
        !self.counts && self.names.is_empty()
    }
}

/// Everything of a company, as of the transaction's moment.
pub(super) fn company(connection: &Connection, company: &str) -> Result<(BackendState, Repairs), LedgerError> {
    if !has_company(connection, company)? {
        return Err(no_company(connection, company)?);
    }
    let mut names = Names::default();
    let mut repairs = Repairs::default();
    let accounts = accounts(connection, company, &mut names, &mut repairs)?;
    let mut pools = pools(connection, company, &mut names)?;
    repairs.counts = recount(&accounts, &mut pools);
    let marks = guard::marks(connection, company, &mut names)?;
    let confirmations = guard::confirmations(connection, company)?;
    Ok((BackendState { accounts, pools, marks, confirmations }, repairs))
}

/// All but the accounts, as of the transaction's moment.
pub(super) fn besides_accounts(connection: &Connection, company: &str) -> Result<BackendState, LedgerError> {
    if !has_company(connection, company)? {
        return Err(no_company(connection, company)?);
    }
    let mut names = Names::default();
    Ok(BackendState {
        accounts: Vec::new(),
        pools: pools(connection, company, &mut names)?,
        marks: guard::marks(connection, company, &mut names)?,
        confirmations: guard::confirmations(connection, company)?,
    })
}

/// The pools of a company, as counted by the triggers.
pub(super) fn pools(
    connection: &Connection,
    company: &str,
    names: &mut Names,
) -> Result<BTreeMap<Name, PoolCount>, LedgerError> {
    let doing = || "reading the pools".to_owned();
    let sql = "SELECT name, seats, max(held, 0), max(waiting, 0) FROM pool WHERE company = ?1";
    let mut statement = connection.prepare_cached(sql).doing(doing)?;
    let mut found = statement.query([company]).doing(doing)?;
    let mut pools = BTreeMap::new();
    while let Some(row) = found.next().doing(doing)? {
        let row = Columns(row);
        let read = || {
            let name = names.get(row.text(0, "name")?);
            let (seats, held) = (row.number(1, "seats")?, row.number(2, "held")?);
            Ok(PoolCount { name, seats, held, waiting: row.number(3, "waiting")? })
        };
        let pool = read_row(read, || unreadable("pool", format!("of company {company:?}")))?;
        pools.insert(pool.name.clone(), pool);
    }
    Ok(pools)
}

/// What holds for the pools besides their counts.
pub(super) fn terms(
    connection: &Connection,
    company: &str,
    names: &mut Names,
) -> Result<BTreeMap<Name, Terms>, LedgerError> {
    let doing = || "reading the pools".to_owned();
    let sql = "SELECT name, min_seats, reduction_seats, reduction_at, reduction_since, config_owned FROM pool
               WHERE company = ?1";
    let mut statement = connection.prepare_cached(sql).doing(doing)?;
    let mut found = statement.query([company]).doing(doing)?;
    let mut terms = BTreeMap::new();
    while let Some(row) = found.next().doing(doing)? {
        let row = Columns(row);
        let (name, one) = read_row(|| terms_row(row, names), || unreadable("pool", format!("of company {company:?}")))?;
        terms.insert(name, one);
    }
    Ok(terms)
}

fn terms_row(row: Columns<'_>, names: &mut Names) -> Result<(Name, Terms), rows::BadValue> {
    let reduction = || {
        let seats = row.number(2, "reduction_seats")?;
        let (effective_at, scheduled_at) = (row.time(3, "reduction_at")?, row.time(4, "reduction_since")?);
        Ok(Reduction { seats, effective_at, scheduled_at })
    };
    let reduction = if row.is_null(2) { None } else { Some(reduction()?) };
    let terms = Terms { min_seats: row.number(1, "min_seats")?, reduction, config_owned: row.flag(5, "config_owned")? };
    Ok((names.get(row.text(0, "name")?), terms))
}

fn accounts(
    connection: &Connection,
    company: &str,
    names: &mut Names,
    repairs: &mut Repairs,
) -> Result<Vec<Account>, LedgerError> {
    let doing = || "reading the accounts".to_owned();
    let sql = format!("SELECT {} FROM account WHERE company = ?1 ORDER BY id", rows::ACCOUNT);
    let mut statement = connection.prepare_cached(&sql).doing(doing)?;
    let mut found = statement.query([company]).doing(doing)?;
    let mut seats_statement = Seats::prepare(connection)?;
    let mut seats = Seats::of(&mut seats_statement, company)?;
    let mut accounts = Vec::new();
    while let Some(row) = found.next().doing(doing)? {
        let row = Columns(row);
        let (id, mut account) = account(row, company, names)?;
        account.seats = seats.take(id, names)?;
        let stored = (row.optional(14, "").ok().flatten(), row.optional(15, "").ok().flatten());
        let (user_name, email) = (&account.profile.user_name, &account.profile.email);
        if !is_fold(stored.0, user_name) || !is_fold(stored.1, email) {
            repairs.names.push((id, fold(user_name), fold(email)));
        }
        accounts.push(account);
    }
    seats.must_be_over()?;
    Ok(accounts)
}

/// One account of a result, without its seats, and its number.
pub(super) fn account(row: Columns<'_>, company: &str, names: &mut Names) -> Result<(i64, Account), LedgerError> {
    let id = read_row(|| row.integer(0, "id"), || unreadable("account", format!("of company {company:?}")))?;
    let account = read_row(|| rows::account(row, id, names), || unreadable("account", format!("{company:?}, {id}")))?;
    Ok((id, account))
}

/// Whether the stored form is the value's fold, without making one where both are plain ASCII.
pub(super) fn is_fold(stored: Option<&str>, value: &str) -> bool {
    let Some(stored) = stored else { return false };
    if value.is_ascii() {
        stored.len() == value.len() && value.bytes().map(|byte| byte.to_ascii_lowercase()).eq(stored.bytes())
    } else {
        stored == fold(value)
    }
}

/// The assignments of a company in the order of its accounts, one ahead.
struct Seats<'a> {
    rows: Rows<'a>,
    company: &'a str,
    ahead: Option<i64>,
}

impl<'a> Seats<'a> {
    fn prepare(connection: &'a Connection) -> Result<Statement<'a>, LedgerError> {
        let sql = format!("SELECT {} FROM assignment WHERE company = ?1 ORDER BY account, pool", rows::ASSIGNMENT);
        connection.prepare(&sql).doing(|| "reading the assignments".to_owned())
    }

    fn of(statement: &'a mut Statement<'_>, company: &'a str) -> Result<Self, LedgerError> {
        let rows = statement.query([company]).doing(|| "reading the assignments".to_owned())?;
        let mut seats = Self { rows, company, ahead: None };
        seats.step()?;
        Ok(seats)
    }

    fn step(&mut self) -> Result<(), LedgerError> {
        let row = self.rows.next().doing(|| "reading the assignments".to_owned())?;
        let place = || unreadable("assignment", format!("of company {:?}", self.company));
        self.ahead = match row {
            Some(row) => Some(read_row(|| Columns(row).integer(0, "account"), place)?),
            None => None,
        };
        Ok(())
    }

    /// The seats of the next account.
    fn take(&mut self, id: i64, names: &mut Names) -> Result<Vec<Assignment>, LedgerError> {
        let mut seats = Vec::new();
        while self.ahead == Some(id) {
            if let Some(row) = self.rows.get() {
                seats.push(assignment(Columns(row), self.company, names)?);
            }
            self.step()?;
        }
        match self.ahead {
            Some(account) if account < id => Err(self.orphan(account)),
            _ => Ok(seats),
        }
    }

    fn must_be_over(&self) -> Result<(), LedgerError> {
        self.ahead.map_or(Ok(()), |account| Err(self.orphan(account)))
    }

    fn orphan(&self, account: i64) -> LedgerError {
        let row = format!("{:?}, account {account}", self.company);
        unreadable("assignment", row)(("account", "is no account of the ledger".to_owned()))
    }
}

/// One assignment of a result.
pub(super) fn assignment(row: Columns<'_>, company: &str, names: &mut Names) -> Result<Assignment, LedgerError> {
    let place = || {
        let account = row.integer(0, "account").map_or_else(|_| "?".to_owned(), |id| id.to_string());
        let pool = row.text(1, "pool").unwrap_or("?");
        unreadable("assignment", format!("{company:?}, account {account}, pool {pool:?}"))
    };
    read_row(|| rows::assignment(row, names), place)
}

/// Counts the pools by the assignments themselves; whether the kept counts were wrong.
fn recount(accounts: &[Account], pools: &mut BTreeMap<Name, PoolCount>) -> bool {
    let mut counts: BTreeMap<&Name, (u32, u32)> = pools.keys().map(|name| (name, (0, 0))).collect();
    let mut missing = BTreeMap::new();
    for seat in accounts.iter().flat_map(|account| &account.seats) {
        let (held, waiting) = match counts.get_mut(&seat.pool) {
            Some(count) => count,
            None => missing.entry(seat.pool.clone()).or_insert((0, 0)),
        };
        *held += u32::from(seat.is_held());
        *waiting += u32::from(seat.is_waiting());
    }
    let counts: BTreeMap<Name, (u32, u32)> =
        counts.into_iter().map(|(name, count)| (name.clone(), count)).chain(missing).collect();
    let mut wrong = false;
    for (name, (held, waiting)) in counts {
        let new = || PoolCount { name: name.clone(), seats: 0, held: 0, waiting: 0 };
        let pool = pools.entry(name.clone()).or_insert_with(new);
        wrong |= (pool.held, pool.waiting) != (held, waiting);
        (pool.held, pool.waiting) = (held, waiting);
    }
    wrong
}
