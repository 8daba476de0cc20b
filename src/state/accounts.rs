//! The backend's accounts as they were after the last cycle: what another hand did since shows against these.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Result, Row, Transaction, params};

use super::State;
use super::numbers::{directory_id, directory_names, find_directory};
use super::values::{anchor, digest, json, optional_json, time, to_json};
use crate::bulk::SetAside;
use crate::model::change::Answer;
use crate::model::memory::{Approval, Remembered, Taken};
use crate::model::{Account, Anchor, Assignment, Digest, Name, PersonId, Profile, SeatState, folded};
use crate::ports::{Accounts, StateError};

/// A person as this file numbers directories.
pub type Key = (i64, Anchor);

type IsTaken = fn(Option<&Assignment>) -> bool;

impl Accounts for State {
    fn remembered(&self) -> Result<BTreeMap<PersonId, Remembered>, StateError> {
        self.read("reading the accounts as last known", remembered)
    }

    fn taken(&self) -> Result<BTreeMap<PersonId, Taken>, StateError> {
        self.read("reading which accounts another hand deleted", |connection| {
            let names = directory_names(connection)?;
            let taken = |row: &Row<'_>| {
                Ok((person(row, &names)?, Taken { at: time(row, 2)?, approval: optional_json(row, 3)? }))
            };
            let sql = "SELECT directory, anchor, at, approval_json FROM taken";
            connection.prepare(sql)?.query_map([], taken)?.collect()
        })
    }

    fn observe(&mut self, accounts: &[Account], taken: &[PersonId], at: Timestamp) -> Result<(), StateError> {
        let change =
            self.read("comparing the accounts with those last known", |connection| compare(connection, accounts))?;
        if change.is_empty() && taken.is_empty() {
            return Ok(());
        }
        self.write("observe", "storing the backend's accounts", |transaction| {
            // Whatever is gone was another hand's doing: what the agent removes is forgotten with the answer to that.
            take_keys(transaction, &change.gone, at)?;
            change.store(transaction, |seat| seat.is_none_or(|seat| matches!(seat.state, SeatState::Past(_))))?;
            take(transaction, taken, at)?;
            untake_owners(transaction)
        })
    }

    fn inherit(&mut self, accounts: &[Account], taken: &[PersonId], at: Timestamp) -> Result<(), StateError> {
        let change =
            self.read("comparing the accounts with those last known", |connection| compare(connection, accounts))?;
        if change.is_empty() && taken.is_empty() {
            return Ok(());
        }
        self.write("inherit", "storing the accounts as another agent left them", |transaction| {
            change.store(transaction, |_| false)?;
            take(transaction, taken, at)?;
            untake_owners(transaction)
        })
    }

    fn differing(&self, accounts: &[Account]) -> Result<Vec<(Account, Option<Account>)>, StateError> {
        self.read("comparing the accounts with those last known", |connection| {
            let Comparison { changed, gone, .. } = compare(connection, accounts)?;
            let mut pairs = Vec::new();
            for after in changed {
                let Some(owner) = &after.owner else { continue };
                let Some(directory) = find_directory(connection, &owner.directory)? else { continue };
                let before = known_account(connection, (directory, owner.anchor))?;
                pairs.extend(before.map(|before| (before, Some(after.clone()))));
            }
            for key in gone {
                pairs.extend(known_account(connection, key)?.map(|before| (before, None)));
            }
            Ok(pairs)
        })
    }

    fn give_back(&mut self, approved: &[(PersonId, Option<Name>)]) -> Result<(), StateError> {
        self.write("give_back", "storing that accounts may be made again", |transaction| {
            approved.iter().try_for_each(|(person, pool)| approve(transaction, person, pool.as_ref()))
        })
    }

    fn relinked(&mut self, old: &PersonId, new: &PersonId) -> Result<(), StateError> {
        self.write("relink", "storing that an account has another owner", |transaction| relink(transaction, old, new))
    }
}

impl State {
    /// Whether any managed account is known: then a backend without any was lost, and is not a new one (rule 25).
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn knows_accounts(&self) -> Result<bool, StateError> {
        self.read("looking for known accounts", |connection| {
            connection.query_row("SELECT EXISTS (SELECT 1 FROM account)", [], |row| row.get(0))
        })
    }
}

fn store_answered(transaction: &Transaction<'_>, accounts: &[Account]) -> Result<()> {
    let knows_strangers = transaction.query_row("SELECT EXISTS (SELECT 1 FROM stranger)", [], |row| row.get(0))?;
    for account in accounts {
        // Adopted a moment ago, perhaps.
        if knows_strangers {
            forget_stranger(transaction, &account.id.0)?;
        }
        store_account(transaction, account, |seat| seat.is_none())?;
    }
    Ok(())
}

/// Writes what a backend answered: the accounts it changed and those it removed.
pub fn store_answer(transaction: &Transaction<'_>, answer: &Answer) -> Result<()> {
    let indexes = SetAside::of(transaction, "account_details", answer.accounts.len())?;
    store_answered(transaction, &answer.accounts)?;
    indexes.put_back(transaction)?;
    untake_owners(transaction)?;
    for person in &answer.removed {
        forget_account(transaction, (directory_id(transaction, &person.directory)?, person.anchor))?;
    }
    Ok(())
}

/// A person from the first two columns.
fn person(row: &Row<'_>, names: &BTreeMap<i64, Name>) -> Result<PersonId> {
    let number: i64 = row.get(0)?;
    let directory = names.get(&number).ok_or(rusqlite::Error::IntegralValueOutOfRange(0, number))?;
    Ok(PersonId::new(directory.clone(), anchor(row, 1)?))
}

fn remembered(connection: &Connection) -> Result<BTreeMap<PersonId, Remembered>> {
    let names = directory_names(connection)?;
    // A million people share a handful of sets of pools.
    let mut sets: HashMap<String, Arc<[Name]>> = HashMap::new();
    let mut found = Vec::new();
    let mut query = connection.prepare("SELECT directory, anchor, profile, suspended, held_json FROM account")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let held = row.get_ref(4)?.as_str()?;
        let held = if let Some(known) = sets.get(held) {
            Arc::clone(known)
        } else {
            let pools: Vec<Name> = json(row, 4)?;
            Arc::clone(sets.entry(held.to_owned()).or_insert(pools.into()))
        };
        found.push((person(row, &names)?, Remembered { profile: digest(row, 2)?, held, suspended: row.get(3)? }));
    }
    Ok(found.into_iter().collect())
}

/// An account as it was after the last cycle.
pub fn known_account(connection: &Connection, (directory, anchor): Key) -> Result<Option<Account>> {
    let sql = "SELECT account_json FROM account_details WHERE directory = ?1 AND anchor = ?2";
    let mut query = connection.prepare_cached(sql)?;
    let mut rows = query.query(params![directory, anchor.as_bytes()])?;
    rows.next()?.map(|row| json(row, 0)).transpose()
}

/// What is remembered of one account.
pub fn remembered_account(connection: &Connection, (directory, anchor): Key) -> Result<Option<Remembered>> {
    let sql = "SELECT profile, suspended, held_json FROM account WHERE directory = ?1 AND anchor = ?2";
    let remembered = |row: &Row<'_>| {
        let held: Vec<Name> = json(row, 2)?;
        Ok(Remembered { profile: digest(row, 0)?, held: held.into(), suspended: row.get(1)? })
    };
    connection.prepare_cached(sql)?.query_row(params![directory, anchor.as_bytes()], remembered).optional()
}

/// What differs between the accounts of the backend and those last known.
struct Comparison<'a> {
    changed: Vec<&'a Account>,
    gone: Vec<Key>,
    strangers_gone: Vec<String>,
}

fn compare<'a>(connection: &Connection, accounts: &'a [Account]) -> Result<Comparison<'a>> {
    let numbers: BTreeMap<Name, i64> =
        directory_names(connection)?.into_iter().map(|(number, name)| (name, number)).collect();
    let mut changed = Vec::new();
    let mut managed = Vec::new();
    let mut strangers = Vec::new();
    for account in accounts {
        match &account.owner {
            None => strangers.push((account.id.0.to_string(), account)),
            Some(owner) => match numbers.get(&owner.directory) {
                Some(number) => managed.push(((*number, owner.anchor), account)),
                None => changed.push(account),
            },
        }
    }
    let sql = "SELECT digest, directory, anchor FROM account ORDER BY directory, anchor";
    let gone = merge(connection, sql, |row| Ok((row.get(1)?, anchor(row, 2)?)), managed, &mut changed)?;
    let sql = "SELECT digest, id FROM stranger ORDER BY id";
    let strangers_gone = merge(connection, sql, |row| row.get(1), strangers, &mut changed)?;
    Ok(Comparison { changed, gone, strangers_gone })
}

/// Walks stored rows (digest first, in the order of their keys) beside the accounts: notes the accounts that are new or
/// differ, and returns the keys of rows that belong to none.
fn merge<'a, K: Ord>(
    connection: &Connection,
    sql: &str,
    key: impl Fn(&Row<'_>) -> Result<K>,
    mut accounts: Vec<(K, &'a Account)>,
    changed: &mut Vec<&'a Account>,
) -> Result<Vec<K>> {
    accounts.sort_by(|(one, _), (other, _)| one.cmp(other));
    let mut accounts = accounts.into_iter().peekable();
    let mut gone = Vec::new();
    let mut query = connection.prepare_cached(sql)?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let key = key(row)?;
        while let Some((_, new)) = accounts.next_if(|(next, _)| *next < key) {
            changed.push(new);
        }
        match accounts.next_if(|(next, _)| *next == key) {
            None => gone.push(key),
            Some((_, account)) if Digest::of(account) != digest(row, 0)? => changed.push(account),
            Some(_) => {}
        }
    }
    changed.extend(accounts.map(|(_, new)| new));
    Ok(gone)
}

impl Comparison<'_> {
    fn is_empty(&self) -> bool {
        self.changed.is_empty() && self.gone.is_empty() && self.strangers_gone.is_empty()
    }

    fn store(&self, transaction: &Transaction<'_>, is_taken: IsTaken) -> Result<()> {
        for key in &self.gone {
            forget_account(transaction, *key)?;
        }
        for id in &self.strangers_gone {
            forget_stranger(transaction, id)?;
        }
        self.changed.iter().try_for_each(|account| store_account(transaction, account, is_taken))
    }
}

/// `is_taken` says by what is left of it whether a seat that was held last was taken away by another hand.
fn store_account(transaction: &Transaction<'_>, account: &Account, is_taken: IsTaken) -> Result<()> {
    let digest = Digest::of(account);
    let Some(owner) = &account.owner else {
        let sql = "INSERT OR REPLACE INTO stranger (id, digest, account_json) VALUES (?1, ?2, ?3)";
        transaction.prepare_cached(sql)?.execute(params![&*account.id.0, digest.as_bytes(), to_json(account)?])?;
        return Ok(());
    };
    let key = (directory_id(transaction, &owner.directory)?, owner.anchor);
    store_narrow(transaction, key, account, digest, is_taken)?;
    let sql = "INSERT OR REPLACE INTO account_details (directory, anchor, account_json, user_name_folded, email_folded)
               VALUES (?1, ?2, ?3, ?4, ?5)";
    let Profile { user_name, email, .. } = &account.profile;
    let values = params![key.0, key.1.as_bytes(), to_json(account)?, folded(user_name), folded(email)];
    transaction.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

fn store_narrow(
    transaction: &Transaction<'_>,
    key: Key,
    account: &Account,
    digest: Digest,
    is_taken: IsTaken,
) -> Result<()> {
    let now = Remembered::of(account);
    let mut held = now.held.to_vec();
    held.sort();
    let store = |or: &str, held: &[Name]| {
        let sql = format!(
            "INSERT OR {or} INTO account (directory, anchor, digest, profile, held_json, suspended)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
        );
        let (directory, anchor) = (key.0, key.1.as_bytes());
        let values =
            params![directory, anchor, digest.as_bytes(), now.profile.as_bytes(), to_json(&held)?, now.suspended];
        transaction.prepare_cached(&sql)?.execute(values)
    };
    if store("IGNORE", &held)? > 0 {
        return Ok(());
    }
    let mut gone = held_last(transaction, key)?;
    gone.retain(|pool| is_taken(account.seat(pool)));
    if !gone.is_empty() {
        let exchanged = known_account(transaction, key)?.map(|before| before.exchanged(account)).unwrap_or_default();
        gone.retain(|pool| !exchanged.contains(pool));
    }
    // Kept until a cycle that can judge the person has asked for it again, as taken away.
    held.extend(gone);
    held.sort();
    store("REPLACE", &held).map(drop)
}

/// Pools of which the agent knew a seat to be held.
fn held_last(transaction: &Transaction<'_>, key: Key) -> Result<Vec<Name>> {
    let sql = "SELECT held_json FROM account WHERE directory = ?1 AND anchor = ?2";
    let mut query = transaction.prepare_cached(sql)?;
    let mut rows = query.query(params![key.0, key.1.as_bytes()])?;
    rows.next()?.map_or_else(|| Ok(Vec::new()), |row| json(row, 0))
}

fn take(transaction: &Transaction<'_>, people: &[PersonId], at: Timestamp) -> Result<()> {
    let key = |person: &PersonId| Ok((directory_id(transaction, &person.directory)?, person.anchor));
    take_keys(transaction, &people.iter().map(key).collect::<Result<Vec<Key>>>()?, at)
}

fn take_keys(transaction: &Transaction<'_>, people: &[Key], at: Timestamp) -> Result<()> {
    // Who is taken already keeps the time.
    let sql = "INSERT OR IGNORE INTO taken (directory, anchor, at) VALUES (?1, ?2, ?3)";
    let mut insert = transaction.prepare_cached(sql)?;
    for (directory, anchor) in people {
        insert.execute(params![directory, anchor.as_bytes(), at.as_second()])?;
    }
    Ok(())
}

/// Adds to what was approved of an account that is gone.
fn approve(transaction: &Transaction<'_>, person: &PersonId, pool: Option<&Name>) -> Result<()> {
    let directory = directory_id(transaction, &person.directory)?;
    let key = params![directory, person.anchor.as_bytes()];
    let sql = "SELECT approval_json FROM taken WHERE directory = ?1 AND anchor = ?2";
    let before: Option<Option<Approval>> =
        transaction.prepare_cached(sql)?.query_row(key, |row| optional_json(row, 0)).optional()?;
    let Some(before) = before else { return Ok(()) };
    let approval = to_json(&Approval::and(before, pool.cloned()))?;
    let sql = "UPDATE taken SET approval_json = ?3 WHERE directory = ?1 AND anchor = ?2";
    transaction.prepare_cached(sql)?.execute(params![directory, person.anchor.as_bytes(), approval])?;
    Ok(())
}

/// Nobody's account is gone that is there.
fn untake_owners(transaction: &Transaction<'_>) -> Result<()> {
    let sql = "DELETE FROM taken WHERE EXISTS
               (SELECT 1 FROM account a WHERE a.directory = taken.directory AND a.anchor = taken.anchor)";
    transaction.prepare_cached(sql)?.execute([])?;
    Ok(())
}

fn relink(transaction: &Transaction<'_>, old: &PersonId, new: &PersonId) -> Result<()> {
    let from = (directory_id(transaction, &old.directory)?, old.anchor);
    let to = (directory_id(transaction, &new.directory)?, new.anchor);
    let sql = "SELECT account_json FROM account_details WHERE directory = ?1 AND anchor = ?2";
    let accounts: Vec<Account> = transaction
        .prepare_cached(sql)?
        .query_map(params![from.0, from.1.as_bytes()], |row| json(row, 0))?
        .collect::<Result<_>>()?;
    forget_account(transaction, from)?;
    forget(transaction, "taken", from)?;
    forget(transaction, "taken", to)?;
    for mut account in accounts {
        account.owner = Some(new.clone());
        store_account(transaction, &account, |seat| seat.is_none())?;
    }
    Ok(())
}

fn forget_account(transaction: &Transaction<'_>, key: Key) -> Result<()> {
    forget(transaction, "account", key)?;
    forget(transaction, "account_details", key)
}

fn forget(transaction: &Transaction<'_>, table: &str, (directory, anchor): Key) -> Result<()> {
    let sql = format!("DELETE FROM {table} WHERE directory = ?1 AND anchor = ?2");
    transaction.prepare_cached(&sql)?.execute(params![directory, anchor.as_bytes()])?;
    Ok(())
}

fn forget_stranger(transaction: &Transaction<'_>, id: &str) -> Result<()> {
    transaction.prepare_cached("DELETE FROM stranger WHERE id = ?1")?.execute([id])?;
    Ok(())
}
