//! Who is in the groups of the config, and by which way; written where it differs.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, Result, Transaction, params};

use super::numbers::find_directory;
use super::values::{anchor, digest, json, to_json};
use crate::model::snapshot::{Members, ScopeKey};
use crate::model::{Anchor, Digest};

/// Stores the members of the groups that were read. A group of which nothing is told keeps those it had.
pub fn store(transaction: &Transaction<'_>, directory: i64, groups: &BTreeMap<ScopeKey, Members>) -> Result<()> {
    groups.iter().try_for_each(|(key, members)| store_group(transaction, directory, key, members))
}

fn sorted(members: &Members) -> Vec<(&Anchor, &Arc<[String]>)> {
    let mut sorted: Vec<_> = members.iter().collect();
    sorted.sort_unstable();
    sorted
}

/// The number of a group, and the digest of its members as last stored.
fn group(connection: &Connection, directory: i64, key_json: &str) -> Result<Option<(i64, Digest)>> {
    let sql = "SELECT id, digest FROM scope_group WHERE directory = ?1 AND key_json = ?2";
    let mut query = connection.prepare_cached(sql)?;
    query.query_row(params![directory, key_json], |row| Ok((row.get(0)?, digest(row, 1)?))).optional()
}

fn store_group(transaction: &Transaction<'_>, directory: i64, key: &ScopeKey, members: &Members) -> Result<()> {
    let sorted = sorted(members);
    let now = Digest::of(&sorted);
    let key = to_json(key)?;
    match group(transaction, directory, &key)? {
        Some((_, before)) if before == now => return Ok(()),
        Some((group, _)) => {
            replace(transaction, group, &sorted)?;
            transaction.execute("UPDATE scope_group SET digest = ?2 WHERE id = ?1", params![group, now.as_bytes()])?;
        }
        None => {
            let sql = "INSERT INTO scope_group (directory, key_json, digest) VALUES (?1, ?2, ?3)";
            transaction.execute(sql, params![directory, key, now.as_bytes()])?;
            replace(transaction, transaction.last_insert_rowid(), &sorted)?;
        }
    }
    // Few, and most of them are in use.
    transaction.execute("DELETE FROM way WHERE id NOT IN (SELECT way FROM member)", [])?;
    Ok(())
}

/// Writes those who are new or come by another way, and takes those out who left.
fn replace(transaction: &Transaction<'_>, group: i64, now: &[(&Anchor, &Arc<[String]>)]) -> Result<()> {
    let mut before: HashMap<Anchor, i64> = transaction
        .prepare_cached("SELECT anchor, way FROM member WHERE scope_group = ?1")?
        .query_map([group], |row| Ok((anchor(row, 0)?, row.get(1)?)))?
        .collect::<Result<_>>()?;
    let mut insert =
        transaction.prepare_cached("INSERT OR REPLACE INTO member (scope_group, anchor, way) VALUES (?1, ?2, ?3)")?;
    let mut ways: HashMap<&[String], i64> = HashMap::new();
    for (anchor, way) in now {
        let number = match ways.get(&***way) {
            Some(number) => *number,
            None => *ways.entry(way).or_insert(way_number(transaction, way)?),
        };
        if before.remove(*anchor) != Some(number) {
            insert.execute(params![group, anchor.as_bytes(), number])?;
        }
    }
    let mut delete = transaction.prepare_cached("DELETE FROM member WHERE scope_group = ?1 AND anchor = ?2")?;
    for anchor in before.keys() {
        delete.execute(params![group, anchor.as_bytes()])?;
    }
    Ok(())
}

fn way_number(transaction: &Transaction<'_>, way: &[String]) -> Result<i64> {
    let text = to_json(&way)?;
    transaction.prepare_cached("INSERT OR IGNORE INTO way (way_json) VALUES (?1)")?.execute([&text])?;
    transaction.prepare_cached("SELECT id FROM way WHERE way_json = ?1")?.query_row([&text], |row| row.get(0))
}

/// Who came into one of these groups, left it, or is in it by another way, since they were last stored.
pub fn differing(
    connection: &Connection,
    directory: &str,
    groups: &BTreeMap<ScopeKey, Members>,
) -> Result<BTreeSet<Anchor>> {
    let mut differing = BTreeSet::new();
    let Some(id) = find_directory(connection, directory)? else {
        differing.extend(groups.values().flat_map(HashMap::keys));
        return Ok(differing);
    };
    for (key, now) in groups {
        let known = group(connection, id, &to_json(key)?)?;
        if known.is_some_and(|(_, before)| before == Digest::of(&sorted(now))) {
            continue;
        }
        let before = known.map_or_else(|| Ok(Members::new()), |(group, _)| all(connection, group))?;
        let other = |(anchor, way): &(&Anchor, &Arc<[String]>)| before.get(*anchor) != Some(*way);
        differing.extend(now.iter().filter(other).map(|(anchor, _)| *anchor));
        differing.extend(before.keys().filter(|anchor| !now.contains_key(*anchor)));
    }
    Ok(differing)
}

/// Everyone in a group.
fn all(connection: &Connection, group: i64) -> Result<Members> {
    let mut way_of = connection.prepare_cached("SELECT way_json FROM way WHERE id = ?1")?;
    let mut ways: HashMap<i64, Arc<[String]>> = HashMap::new();
    let mut members = Members::new();
    let mut query = connection.prepare_cached("SELECT anchor, way FROM member WHERE scope_group = ?1")?;
    let mut rows = query.query([group])?;
    while let Some(row) = rows.next()? {
        let number = row.get(1)?;
        let way = match ways.entry(number) {
            Entry::Occupied(known) => Arc::clone(known.get()),
            Entry::Vacant(unknown) => {
                let way: Vec<String> = way_of.query_row([number], |row| json(row, 0))?;
                Arc::clone(unknown.insert(way.into()))
            }
        };
        members.insert(anchor(row, 0)?, way);
    }
    Ok(members)
}

/// Which of these people each group has; a group that has none of them is there all the same.
pub fn of(connection: &Connection, directory: &str, anchors: &[Anchor]) -> Result<BTreeMap<ScopeKey, Members>> {
    let mut found = BTreeMap::new();
    let Some(id) = find_directory(connection, directory)? else { return Ok(found) };
    let sql = "SELECT key_json, id FROM scope_group WHERE directory = ?1";
    let groups: Vec<(ScopeKey, i64)> = connection
        .prepare_cached(sql)?
        .query_map([id], |row| Ok((json(row, 0)?, row.get(1)?)))?
        .collect::<Result<_>>()?;
    let sql = "SELECT w.way_json FROM member m JOIN way w ON w.id = m.way WHERE m.scope_group = ?1 AND m.anchor = ?2";
    let mut query = connection.prepare_cached(sql)?;
    for (key, group) in groups {
        let mut members = Members::new();
        for anchor in anchors {
            let way =
                query.query_row(params![group, anchor.as_bytes()], |row| json::<Vec<String>>(row, 0)).optional()?;
            members.extend(way.map(|way| (*anchor, way.into())));
        }
        found.insert(key, members);
    }
    Ok(found)
}
