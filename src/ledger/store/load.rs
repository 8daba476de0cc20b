//! Loading the part of a company that a change touches.

use std::collections::BTreeSet;

use rusqlite::types::ToSql;
use rusqlite::{CachedStatement, Connection, OptionalExtension as _};

use super::rows::{self, Columns, Names};
use super::{company, no_company, read};
use crate::ledger::LedgerError;
use crate::ledger::error::Doing;
use crate::ledger::records::Touched;
use crate::ledger::rules::{Excerpt, Folded};
use crate::model::{Account, AccountId, PersonId};

/// The accounts that are named, and who has the unique values that are to be set.
pub(super) fn touched(connection: &Connection, company: &str, touched: &Touched<'_>) -> Result<Excerpt, LedgerError> {
    let mut excerpt = people(connection, company, &touched.people)?;
    let mut loader = Loader::prepare(connection, company, "id = ?2")?;
    for id in touched.accounts.iter().filter_map(rows::number_of) {
        loader.load(&[&company, &id], &mut excerpt)?;
    }
    let Folded { user_names, emails } = &touched.values;
    holders(connection, company, "user_name_folded", user_names, |name, id| excerpt.load_user_name(name, id))?;
    holders(connection, company, "email_folded", emails, |email, id| excerpt.load_email(email, id))?;
    Ok(excerpt)
}

/// The accounts of these people, as far as they have one.
pub(super) fn people(
    connection: &Connection,
    company: &str,
    people: &BTreeSet<&PersonId>,
) -> Result<Excerpt, LedgerError> {
    let mut names = Names::default();
    let pools = read::pools(connection, company, &mut names)?;
    let (terms, domains) =
        (read::terms(connection, company, &mut names)?, company::approved_domains(connection, company)?);
    let mut excerpt = Excerpt::new(pools, next_account(connection, company)?).under(terms, domains);
    let mut loader = Loader::prepare(connection, company, "directory = ?2 AND anchor = ?3")?;
    for person in people {
        loader.load(&[&company, &&*person.directory, &person.anchor.to_string()], &mut excerpt)?;
    }
    Ok(excerpt)
}

/// By the index of those: left to itself, SQLite looks through everyone's seats.
pub(super) const ANYONE_WAITING: &str =
    "id IN (SELECT account FROM assignment INDEXED BY assignment_waiting WHERE company = ?1 AND state = 'waiting')";

/// Everyone who waits in any pool.
pub(super) fn waiting(connection: &Connection, company: &str, excerpt: &mut Excerpt) -> Result<(), LedgerError> {
    Loader::prepare(connection, company, ANYONE_WAITING)?.load(&[&company], excerpt)
}

/// The same, by themselves.
pub(super) fn waiting_accounts(connection: &Connection, company: &str) -> Result<Vec<Account>, LedgerError> {
    let mut accounts = Vec::new();
    let mut loader = Loader::prepare(connection, company, ANYONE_WAITING)?;
    loader.each(&[&company], |account| accounts.push(account))?;
    Ok(accounts)
}

/// Above every account there is and every one that was deleted.
fn next_account(connection: &Connection, company: &str) -> Result<u64, LedgerError> {
    let sql = "SELECT max(next_account, coalesce((SELECT max(id) FROM account WHERE company = ?1), 0) + 1)
               FROM company WHERE name = ?1";
    let mut statement = connection.prepare_cached(sql).doing(|| "looking up the company".to_owned())?;
    let next =
        statement.query_row([company], |row| row.get(0)).optional().doing(|| "looking up the company".to_owned())?;
    next.map(i64::unsigned_abs).ok_or(()).or_else(|()| Err(no_company(connection, company)?))
}

/// Two prepared statements: accounts by some condition, and the seats of one.
struct Loader<'a> {
    company: &'a str,
    accounts: CachedStatement<'a>,
    seats: CachedStatement<'a>,
    names: Names,
}

impl<'a> Loader<'a> {
    fn prepare(connection: &'a Connection, company: &'a str, condition: &str) -> Result<Self, LedgerError> {
        let prepare = |sql: &str| connection.prepare_cached(sql).doing(|| "preparing to load accounts".to_owned());
        let accounts = format!("SELECT {} FROM account WHERE company = ?1 AND {condition}", rows::ACCOUNT);
        let seats = seats_statement(connection)?;
        Ok(Self { company, accounts: prepare(&accounts)?, seats, names: Names::default() })
    }

    fn load(&mut self, parameters: &[&dyn ToSql], excerpt: &mut Excerpt) -> Result<(), LedgerError> {
        self.each(parameters, |account| excerpt.load(account))
    }

    fn each(&mut self, parameters: &[&dyn ToSql], mut tell: impl FnMut(Account)) -> Result<(), LedgerError> {
        let doing = || "loading accounts".to_owned();
        let mut found = self.accounts.query(parameters).doing(doing)?;
        while let Some(row) = found.next().doing(doing)? {
            let (id, mut account) = read::account(Columns(row), self.company, &mut self.names)?;
            load_seats(&mut self.seats, self.company, id, &mut account, &mut self.names)?;
            tell(account);
        }
        Ok(())
    }
}

/// The seats of one account.
pub(super) fn seats_statement(connection: &Connection) -> Result<CachedStatement<'_>, LedgerError> {
    let sql = format!("SELECT {} FROM assignment WHERE company = ?1 AND account = ?2 ORDER BY pool", rows::ASSIGNMENT);
    connection.prepare_cached(&sql).doing(|| "preparing to load seats".to_owned())
}

pub(super) fn load_seats(
    statement: &mut CachedStatement<'_>,
    company: &str,
    id: i64,
    account: &mut Account,
    names: &mut Names,
) -> Result<(), LedgerError> {
    let doing = || format!("loading the seats of account {id}");
    let mut found = statement.query((company, id)).doing(doing)?;
    while let Some(row) = found.next().doing(doing)? {
        account.seats.push(read::assignment(Columns(row), company, names)?);
    }
    Ok(())
}

fn holders(
    connection: &Connection,
    company: &str,
    column: &str,
    wanted: &BTreeSet<String>,
    mut tell: impl FnMut(String, AccountId),
) -> Result<(), LedgerError> {
    let doing = || format!("looking up {column}");
    let sql = format!("SELECT id FROM account WHERE company = ?1 AND {column} = ?2");
    let mut statement = connection.prepare_cached(&sql).doing(doing)?;
    for value in wanted {
        let found: Option<i64> = statement.query_row((company, value), |row| row.get(0)).optional().doing(doing)?;
        if let Some(id) = found {
            tell(value.clone(), AccountId(id.to_string().into()));
        }
    }
    Ok(())
}
