//! The part of what is known that a cycle asks for which looks at changes alone; found by index.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Result, ToSql, params};

use super::accounts::{known_account, remembered_account};
use super::numbers::{directory_id, directory_names, find_directory};
use super::people::known;
use super::values::{anchor, digest, json, number};
use super::{State, members};
use crate::model::memory::{Judgement, Known, KnownEntry, Listing, Remembered};
use crate::model::snapshot::{Members, ScopeKey};
use crate::model::{Account, Anchor, Digest, Dn, Name, PersonId, Profile, Standing, folded};
use crate::ports::{Excerpts, StateError};

impl Excerpts for State {
    fn known(&self, directory: &str, anchors: &[Anchor]) -> Result<Vec<Known>, StateError> {
        let sql =
            "SELECT anchor, digest, first_seen, missing_since, gone FROM person WHERE directory = ?1 AND anchor = ?2";
        let mut people = self.of_each("reading who is known", directory, anchors, sql, known)?;
        people.sort_unstable_by_key(|known| known.anchor);
        Ok(people)
    }

    fn entries(&self, directory: &str) -> Result<Vec<KnownEntry>, StateError> {
        self.read("reading how everyone's entry looked", |connection| {
            let Some(id) = find_directory(connection, directory)? else { return Ok(Vec::new()) };
            // A row that grows is copied with all before it: there may be a million.
            let sql = "SELECT count(*) FROM person WHERE directory = ?1";
            let count = connection.prepare_cached(sql)?.query_row([id], |row| number(row, 0))?;
            let mut entries = Vec::with_capacity(usize::try_from(count).unwrap_or_default());
            let sql = "SELECT anchor, entry, gone FROM person WHERE directory = ?1 ORDER BY anchor";
            let mut query = connection.prepare_cached(sql)?;
            let mut rows = query.query([id])?;
            while let Some(row) = rows.next()? {
                entries.push(known_entry(row)?);
            }
            Ok(entries)
        })
    }

    fn namings(&self, directory: &str, anchors: &[Anchor]) -> Result<BTreeMap<Anchor, Digest>, StateError> {
        // Of who was not there nobody read in which groups they are.
        let sql = format!("SELECT anchor, naming FROM {PRESENT} AND anchor = ?2");
        let naming = |row: &rusqlite::Row<'_>| Ok((anchor(row, 0)?, digest(row, 1)?));
        Ok(self.of_each("reading by what groups name people", directory, anchors, &sql, naming)?.into_iter().collect())
    }

    fn wished(&self, directory: &str, anchors: &[Anchor]) -> Result<u64, StateError> {
        let sql = format!("SELECT judgement_json FROM {PRESENT} AND anchor = ?2");
        let judgement = |row: &rusqlite::Row<'_>| json::<Judgement<'static>>(row, 0);
        let known = self.of_each("counting people", directory, anchors, &sql, judgement)?;
        Ok(known.iter().filter(|known| known.in_scope && known.standing == Standing::Enabled).count() as u64)
    }

    fn members_of(&self, directory: &str, anchors: &[Anchor]) -> Result<BTreeMap<ScopeKey, Members>, StateError> {
        self.read("reading the members of groups", |connection| members::of(connection, directory, anchors))
    }

    fn at(&self, directory: &str, dns: &[&Dn]) -> Result<Vec<Option<Anchor>>, StateError> {
        self.read("reading who lies where", |connection| {
            let Some(id) = find_directory(connection, directory)? else { return Ok(vec![None; dns.len()]) };
            let mut query = connection.prepare_cached(AT)?;
            let mut found = Vec::with_capacity(dns.len());
            for dn in dns {
                let mut rows = query.query(params![id, Listing::place(dn).as_bytes()])?;
                let mut here = None;
                while let Some(row) = rows.next()? {
                    let is_it = Dn::parse(row.get_ref(1)?.as_str()?).is_ok_and(|place| place == **dn);
                    here = if is_it { Some(anchor(row, 0)?) } else { here };
                }
                found.push(here);
            }
            Ok(found)
        })
    }

    fn with_uid(&self, directory: &str, uid: &str) -> Result<Vec<Anchor>, StateError> {
        self.present("reading who has a user id", directory, WITH_UID, uid)
    }

    fn with_primary_group(&self, directory: &str, token: u32) -> Result<Vec<Anchor>, StateError> {
        self.present("reading whose primary group it is", directory, WITH_PRIMARY_GROUP, token)
    }

    fn absent(&self, directory: &str, there: &BTreeSet<Anchor>) -> Result<Vec<Anchor>, StateError> {
        self.read("reading who is there no more", |connection| {
            let Some(id) = find_directory(connection, directory)? else { return Ok(Vec::new()) };
            let mut query = connection.prepare_cached(&format!("SELECT anchor FROM {PRESENT}"))?;
            let mut rows = query.query(params![id])?;
            let mut absent = Vec::new();
            while let Some(row) = rows.next()? {
                let known = anchor(row, 0)?;
                absent.extend((!there.contains(&known)).then_some(known));
            }
            Ok(absent)
        })
    }

    fn regrouped(&self, directory: &str, groups: &BTreeMap<ScopeKey, Members>) -> Result<BTreeSet<Anchor>, StateError> {
        self.read("comparing the members of groups", |connection| members::differing(connection, directory, groups))
    }

    fn due(&self, directory: &str, by: Timestamp) -> Result<Vec<Anchor>, StateError> {
        self.read("reading whose expiry is due", |connection| {
            let Some(id) = find_directory(connection, directory)? else { return Ok(Vec::new()) };
            let sql = "SELECT anchor FROM facts WHERE directory = ?1 AND due <= ?2";
            connection.prepare_cached(sql)?.query_map(params![id, by.as_second()], |row| anchor(row, 0))?.collect()
        })
    }

    fn open(&self) -> Result<BTreeSet<PersonId>, StateError> {
        self.read("reading who has not what is asked for", |connection| {
            people(connection, "SELECT directory, anchor FROM open", [])
        })
    }

    fn set_open(&mut self, of: Option<&BTreeSet<PersonId>>, open: &BTreeSet<PersonId>) -> Result<(), StateError> {
        let before = Excerpts::open(self)?;
        let closed = before.difference(open).filter(|person| of.is_none_or(|of| of.contains(*person)));
        let closed: Vec<&PersonId> = closed.collect();
        let opened: Vec<&PersonId> = open.difference(&before).collect();
        if closed.is_empty() && opened.is_empty() {
            return Ok(());
        }
        self.write("open", "storing who has not what is asked for", |transaction| {
            for person in closed {
                let id = directory_id(transaction, &person.directory)?;
                let sql = "DELETE FROM open WHERE directory = ?1 AND anchor = ?2";
                transaction.prepare_cached(sql)?.execute(params![id, person.anchor.as_bytes()])?;
            }
            for person in opened {
                let id = directory_id(transaction, &person.directory)?;
                let sql = "INSERT OR IGNORE INTO open (directory, anchor) VALUES (?1, ?2)";
                transaction.prepare_cached(sql)?.execute(params![id, person.anchor.as_bytes()])?;
            }
            Ok(())
        })
    }

    fn sharing(&self, profiles: &[&Profile]) -> Result<BTreeSet<PersonId>, StateError> {
        self.read("reading who shares a name", |connection| {
            let mut sharing = BTreeSet::new();
            for table in ["facts", "account_details"] {
                for (column, value) in VALUES {
                    let sql = format!("SELECT directory, anchor FROM {table} WHERE {column} = ?1");
                    for profile in profiles {
                        sharing.extend(people(connection, &sql, [folded(value(profile))])?);
                    }
                }
            }
            Ok(sharing)
        })
    }

    fn strangers(&self) -> Result<Vec<Account>, StateError> {
        self.read("reading the accounts that nobody manages", |connection| {
            let sql = "SELECT account_json FROM stranger ORDER BY id";
            connection.prepare_cached(sql)?.query_map([], |row| json(row, 0))?.collect()
        })
    }

    fn accounts_of(&self, people: &BTreeSet<PersonId>) -> Result<Vec<Account>, StateError> {
        self.read("reading accounts as last known", |connection| {
            let mut accounts = Vec::with_capacity(people.len());
            for person in people {
                if let Some(id) = find_directory(connection, &person.directory)? {
                    accounts.extend(known_account(connection, (id, person.anchor))?);
                }
            }
            Ok(accounts)
        })
    }

    fn remembered_of(&self, people: &BTreeSet<PersonId>) -> Result<BTreeMap<PersonId, Remembered>, StateError> {
        self.read("reading accounts as last known", |connection| {
            let mut found = BTreeMap::new();
            for person in people {
                if let Some(id) = find_directory(connection, &person.directory)? {
                    let remembered = remembered_account(connection, (id, person.anchor))?;
                    found.extend(remembered.map(|remembered| (person.clone(), remembered)));
                }
            }
            Ok(found)
        })
    }
}

/// Whoever was there when the directory was last read whole.
fn known_entry(row: &rusqlite::Row<'_>) -> Result<KnownEntry> {
    let entry = row.get::<_, Option<[u8; 16]>>(1)?.map(Digest::from_bytes);
    let gone: Option<i64> = row.get(2)?;
    Ok(KnownEntry { anchor: anchor(row, 0)?, entry, is_gone: gone.is_some() })
}

const PRESENT: &str = "facts WHERE directory = ?1 AND naming IS NOT NULL";

// Of an index that is not unique SQLite expects no less than of everyone in a directory, and would look through them all.
pub(super) const AT: &str =
    "SELECT anchor, dn FROM facts INDEXED BY facts_place WHERE directory = ?1 AND place = ?2 AND naming IS NOT NULL";
pub(super) const WITH_UID: &str = "SELECT anchor FROM facts INDEXED BY facts_own_uid
        WHERE directory = ?1 AND uid = ?2 AND naming IS NOT NULL
    UNION SELECT f.anchor FROM further_uid u CROSS JOIN facts f ON f.directory = u.directory AND f.anchor = u.anchor
        WHERE u.directory = ?1 AND u.uid = ?2 AND f.naming IS NOT NULL";
pub(super) const WITH_PRIMARY_GROUP: &str = "SELECT anchor FROM facts INDEXED BY facts_primary_group
    WHERE directory = ?1 AND primary_group = ?2 AND naming IS NOT NULL";

type Value = fn(&Profile) -> &str;

/// The columns of what is unique, folded.
const VALUES: [(&str, Value); 2] =
    [("user_name_folded", |profile| &profile.user_name), ("email_folded", |profile| &profile.email)];

impl State {
    /// Those who were seen and have a value.
    fn present(&self, doing: &str, directory: &str, sql: &str, value: impl ToSql) -> Result<Vec<Anchor>, StateError> {
        self.read(doing, |connection| {
            let Some(id) = find_directory(connection, directory)? else { return Ok(Vec::new()) };
            let mut query = connection.prepare_cached(sql)?;
            query.query_map(params![id, value], |row| anchor(row, 0))?.collect()
        })
    }

    /// What one query says of each of these people of a directory; nothing of those it does not find.
    fn of_each<T>(
        &self,
        doing: &str,
        directory: &str,
        anchors: &[Anchor],
        sql: &str,
        read: impl Fn(&rusqlite::Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>, StateError> {
        self.read(doing, |connection| {
            let Some(id) = find_directory(connection, directory)? else { return Ok(Vec::new()) };
            let mut query = connection.prepare_cached(sql)?;
            let mut found = Vec::with_capacity(anchors.len());
            for anchor in anchors {
                found.extend(query.query_row(params![id, anchor.as_bytes()], &read).optional()?);
            }
            Ok(found)
        })
    }
}

/// People from a query's first two columns.
fn people(connection: &Connection, sql: &str, parameters: impl rusqlite::Params) -> Result<BTreeSet<PersonId>> {
    let names: BTreeMap<i64, Name> = directory_names(connection)?;
    let mut query = connection.prepare_cached(sql)?;
    let mut rows = query.query(parameters)?;
    let mut people = BTreeSet::new();
    while let Some(row) = rows.next()? {
        if let Some(directory) = names.get(&row.get(0)?) {
            people.insert(PersonId::new(directory.clone(), anchor(row, 1)?));
        }
    }
    Ok(people)
}
