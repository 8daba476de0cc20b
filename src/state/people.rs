//! The mirror: what is known of each directory and its people.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Result, Row, Transaction, params};

use super::numbers::{directory_id, find_directory};
use super::values::{
    anchor, cause_number, damaged, digest, json, optional_cause, optional_json, optional_time, time, to_json,
};
use super::{State, listings, members};
use crate::bulk::SetAside;
use crate::model::memory::{Absence, DirectoryStatus, Known, MirrorUpdate, PersonRow, RefusedBind, Whole};
use crate::model::snapshot::{ListedAs, Nested, Pin, ScopeKey, Watermark};
use crate::model::{Anchor, Digest, Dn, Name, Unidentified, folded};
use crate::ports::{Mirror, StateError};

impl Mirror for State {
    fn load(&self, directory: &str) -> Result<Vec<Known>, StateError> {
        self.read("reading who is known of a directory", |connection| load(connection, directory))
    }

    fn dns(&self, directory: &str, anchors: &[Anchor]) -> Result<BTreeMap<Anchor, String>, StateError> {
        self.read("reading where people were last", |connection| dns(connection, directory, anchors))
    }

    fn pins(&self, directory: &str) -> Result<BTreeMap<ScopeKey, Pin>, StateError> {
        self.read("reading the pinned bases and groups", |connection| {
            let Some(id) = find_directory(connection, directory)? else { return Ok(BTreeMap::new()) };
            Ok(pins(connection, id)?.into_iter().map(|pin| (pin.key.clone(), pin)).collect())
        })
    }

    fn nested(&self, directory: &str) -> Result<Vec<Nested>, StateError> {
        self.read("reading the groups within groups", |connection| {
            let Some(id) = find_directory(connection, directory)? else { return Ok(Vec::new()) };
            let sql = "SELECT dn, missed_since, anchor FROM nested WHERE directory = ?1 ORDER BY dn";
            connection.prepare_cached(sql)?.query_map([id], nested)?.collect()
        })
    }

    fn places(&self, directory: &str, visit: &mut dyn FnMut(Anchor, &str)) -> Result<(), StateError> {
        self.read("reading where everyone was last", |connection| {
            let Some(id) = find_directory(connection, directory)? else { return Ok(()) };
            let mut query = connection.prepare_cached("SELECT anchor, dn FROM facts WHERE directory = ?1")?;
            let mut rows = query.query([id])?;
            while let Some(row) = rows.next()? {
                visit(anchor(row, 0)?, row.get_ref(1)?.as_str()?);
            }
            Ok(())
        })
    }

    fn former(&self, directory: &str) -> Result<Vec<(Anchor, Dn)>, StateError> {
        self.read("reading which DNs people left", |connection| {
            let Some(id) = find_directory(connection, directory)? else { return Ok(Vec::new()) };
            let sql = "SELECT anchor, dn FROM former WHERE directory = ?1 ORDER BY anchor, dn";
            connection.prepare_cached(sql)?.query_map([id], |row| Ok((anchor(row, 0)?, dn(row, 1)?)))?.collect()
        })
    }

    fn listed_by_uid(
        &self,
        directory: &str,
        anchors: &[Anchor],
    ) -> Result<BTreeMap<Anchor, Option<String>>, StateError> {
        self.read("reading whom groups list by user id", |connection| {
            listings::listed_by_uid(connection, directory, anchors)
        })
    }

    fn had_uid(&self, directory: &str, uids: &[&str]) -> Result<Vec<(Anchor, String)>, StateError> {
        self.read("reading who had a user id", |connection| listings::had_uid(connection, directory, uids))
    }

    fn watermark(&self, directory: &str) -> Result<Option<Watermark>, StateError> {
        self.read("reading the watermark of a directory", |connection| {
            let found = connection
                .prepare_cached("SELECT watermark_json FROM directory WHERE name = ?1")?
                .query_row([directory], |row| optional_json(row, 0))
                .optional()?;
            Ok(found.flatten())
        })
    }

    fn store(&mut self, directory: &Name, update: &MirrorUpdate<'_>) -> Result<(), StateError> {
        if update.read.problem.is_some() && update.whole.is_some() {
            return Err(StateError::Failed {
                doing: format!("storing what was read of {directory}: a partial read cannot tell who is gone"),
                source: None,
            });
        }
        self.write("store", "storing what was read of a directory", |transaction| store(transaction, directory, update))
    }

    fn unreached(&mut self, directory: &Name, problem: &str, at: Timestamp) -> Result<(), StateError> {
        self.write("unreached", "storing that a directory was not reached", |transaction| {
            let id = directory_id(transaction, directory)?;
            transaction.execute(
                "UPDATE directory SET unreachable = ?2, unreachable_at = ?3 WHERE id = ?1",
                params![id, problem, at.as_second()],
            )?;
            Ok(())
        })
    }

    fn refused_bind(&self, directory: &str) -> Result<Option<RefusedBind>, StateError> {
        self.read("reading which credential was refused", |connection| {
            let sql = "SELECT refused_bind, refused_at, refused_text FROM directory WHERE name = ?1 AND refused_bind IS NOT NULL";
            let refused = |row: &Row<'_>| {
                Ok(RefusedBind { credentials: digest(row, 0)?, at: time(row, 1)?, said: row.get(2)? })
            };
            connection.query_row(sql, [directory], refused).optional()
        })
    }

    fn set_refused_bind(&mut self, directory: &Name, refused: Option<&RefusedBind>) -> Result<(), StateError> {
        if refused.is_none() && self.refused_bind(directory)?.is_none() {
            return Ok(());
        }
        self.write("bind", "storing whether a credential was refused", |transaction| {
            let id = directory_id(transaction, directory)?;
            let credentials = refused.map(|refused| refused.credentials.as_bytes());
            transaction.execute(
                "UPDATE directory SET refused_bind = ?2, refused_at = ?3, refused_text = ?4 WHERE id = ?1",
                params![
                    id,
                    credentials,
                    refused.map(|refused| refused.at.as_second()),
                    refused.and_then(|refused| refused.said.as_deref())
                ],
            )?;
            Ok(())
        })
    }
}

impl State {
    /// Every directory ever read or tried, by name.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn directories(&self) -> Result<Vec<DirectoryStatus>, StateError> {
        self.read("reading how the directories were last read", |connection| {
            let sql =
                "SELECT name, read_json, watermark_json, unreachable, unreachable_at FROM directory ORDER BY name";
            connection.prepare(sql)?.query_map([], directory_status)?.collect()
        })
    }
}

/// What is known of an absence, from `missing_since` and `gone`.
pub fn absence(row: &Row<'_>, since: usize, gone: usize) -> Result<Option<Absence>> {
    if let Some(cause) = optional_cause(row, gone)? {
        return Ok(Some(Absence::Gone(cause)));
    }
    Ok(optional_time(row, since)?.map(|since| Absence::Missing { since }))
}

fn load(connection: &Connection, directory: &str) -> Result<Vec<Known>> {
    let Some(id) = find_directory(connection, directory)? else { return Ok(Vec::new()) };
    let sql = "SELECT anchor, digest, first_seen, missing_since, gone FROM person WHERE directory = ?1 ORDER BY anchor";
    connection.prepare_cached(sql)?.query_map([id], known)?.collect()
}

pub fn known(row: &Row<'_>) -> Result<Known> {
    Ok(Known {
        anchor: anchor(row, 0)?,
        digest: digest(row, 1)?,
        first_seen: time(row, 2)?,
        absence: absence(row, 3, 4)?,
    })
}

fn dns(connection: &Connection, directory: &str, anchors: &[Anchor]) -> Result<BTreeMap<Anchor, String>> {
    let mut found = BTreeMap::new();
    let Some(id) = find_directory(connection, directory)? else { return Ok(found) };
    let mut query = connection.prepare_cached("SELECT dn FROM facts WHERE directory = ?1 AND anchor = ?2")?;
    for anchor in anchors {
        if let Some(dn) = query.query_row(params![id, anchor.as_bytes()], |row| row.get(0)).optional()? {
            found.insert(*anchor, dn);
        }
    }
    Ok(found)
}

fn pins(connection: &Connection, directory: i64) -> Result<Vec<Pin>> {
    let sql = "SELECT pin_json FROM pin WHERE directory = ?1 ORDER BY key_json";
    connection.prepare_cached(sql)?.query_map([directory], |row| json(row, 0))?.collect()
}

fn nested(row: &Row<'_>) -> Result<Nested> {
    let anchor: Option<[u8; 16]> = row.get(2)?;
    Ok(Nested { dn: dn(row, 0)?, anchor: anchor.map(Anchor::from_bytes), missed: optional_time(row, 1)? })
}

fn dn(row: &Row<'_>, index: usize) -> Result<Dn> {
    Dn::parse(row.get_ref(index)?.as_str()?).map_err(|why| damaged(index, Type::Text, why))
}

fn directory_status(row: &Row<'_>) -> Result<DirectoryStatus> {
    let problem: Option<String> = row.get(3)?;
    Ok(DirectoryStatus {
        name: row.get::<_, String>(0)?.into(),
        read: optional_json(row, 1)?,
        watermark: optional_json(row, 2)?,
        unreachable: problem.zip(optional_time(row, 4)?),
    })
}

fn store(transaction: &Transaction<'_>, directory: &Name, update: &MirrorUpdate<'_>) -> Result<()> {
    let id = directory_id(transaction, directory)?;
    transaction.execute(
        "UPDATE directory SET read_json = ?2, unreachable = NULL, unreachable_at = NULL WHERE id = ?1",
        params![id, to_json(&update.read)?],
    )?;
    let indexes = SetAside::of(transaction, "facts", update.people.len())?;
    store_people(transaction, id, &update.people)?;
    indexes.put_back(transaction)?;
    clear_absence(transaction, id, &update.seen_again)?;
    if let Some(unidentified) = update.unidentified {
        store_unidentified(transaction, id, unidentified)?;
    }
    if let Some(groups) = update.members {
        members::store(transaction, id, groups)?;
    }
    store_pins(transaction, id, &update.pins)?;
    if let Some(nested) = update.nested {
        store_nested(transaction, id, nested)?;
    }
    if let Some(former) = &update.former {
        store_former(transaction, id, former)?;
    }
    match &update.whole {
        Some(whole) => store_whole(transaction, id, whole, update.read.read_at),
        None => Ok(()),
    }
}

fn store_people(transaction: &Transaction<'_>, directory: i64, people: &[PersonRow<'_>]) -> Result<()> {
    let mut narrow = transaction.prepare_cached(
        "INSERT INTO person (directory, anchor, digest, first_seen, entry) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET digest = excluded.digest, entry = excluded.entry, missing_since = NULL, gone = NULL",
    )?;
    let mut wide = transaction.prepare_cached(
        "INSERT OR REPLACE INTO facts (directory, anchor, dn, user_name, email, display_name, judgement_json, naming,
                                       user_name_folded, email_folded, due, place, uid, primary_group)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
    )?;
    let had_uids = listings::knows_further_uids(transaction, directory)?;
    // In the order of the tables: several times faster where there are many.
    let mut people: Vec<&PersonRow<'_>> = people.iter().collect();
    people.sort_by_key(|person| person.anchor);
    for PersonRow { anchor, first_seen, facts } in people {
        let listing = facts.listing.as_ref();
        let (digest, entry) = (facts.digest(), facts.entry);
        let narrowed =
            params![directory, anchor.as_bytes(), digest.as_bytes(), first_seen.as_second(), entry.as_bytes()];
        narrow.execute(narrowed)?;
        wide.execute(params![
            directory,
            anchor.as_bytes(),
            facts.dn,
            facts.user_name,
            facts.email,
            facts.display_name,
            to_json(&facts.judgement)?,
            facts.naming.as_bytes(),
            folded(&facts.user_name),
            folded(&facts.email),
            facts.judgement.due.map(Timestamp::as_second),
            listing.map(|listing| listing.place.as_bytes()),
            listing.and_then(|listing| listing.uids.first()),
            listing.and_then(|listing| listing.primary_group),
        ])?;
        listings::store_further_uids(transaction, (directory, *anchor), listing, had_uids)?;
    }
    Ok(())
}

fn clear_absence(transaction: &Transaction<'_>, directory: i64, anchors: &[Anchor]) -> Result<()> {
    let mut update = transaction
        .prepare_cached("UPDATE person SET missing_since = NULL, gone = NULL WHERE directory = ?1 AND anchor = ?2")?;
    for anchor in anchors {
        update.execute(params![directory, anchor.as_bytes()])?;
    }
    Ok(())
}

fn store_unidentified(transaction: &Transaction<'_>, directory: i64, entries: &[Unidentified]) -> Result<()> {
    transaction.execute("DELETE FROM unidentified WHERE directory = ?1", [directory])?;
    let mut insert =
        transaction.prepare_cached("INSERT INTO unidentified (directory, dn, quarantine_json) VALUES (?1, ?2, ?3)")?;
    for entry in entries {
        insert.execute(params![directory, entry.dn, to_json(&entry.quarantine)?])?;
    }
    Ok(())
}

fn store_pins(transaction: &Transaction<'_>, directory: i64, pins: &[Pin]) -> Result<()> {
    transaction.execute("DELETE FROM pin WHERE directory = ?1", [directory])?;
    let mut insert =
        transaction.prepare_cached("INSERT OR REPLACE INTO pin (directory, key_json, pin_json) VALUES (?1, ?2, ?3)")?;
    for pin in pins {
        insert.execute(params![directory, to_json(&pin.key)?, to_json(pin)?])?;
    }
    Ok(())
}

fn store_nested(transaction: &Transaction<'_>, directory: i64, nested: &[Nested]) -> Result<()> {
    transaction.execute("DELETE FROM nested WHERE directory = ?1", [directory])?;
    let mut insert = transaction.prepare_cached(
        "INSERT OR REPLACE INTO nested (directory, dn, missed_since, anchor) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for Nested { dn, anchor, missed } in nested {
        let anchor = anchor.as_ref().map(Anchor::as_bytes);
        insert.execute(params![directory, dn.as_str(), missed.map(Timestamp::as_second), anchor])?;
    }
    Ok(())
}

fn store_former(transaction: &Transaction<'_>, directory: i64, former: &[(Anchor, &ListedAs)]) -> Result<()> {
    transaction.execute("DELETE FROM former WHERE directory = ?1", [directory])?;
    transaction.execute("DELETE FROM former_uid WHERE directory = ?1", [directory])?;
    let sql = "INSERT OR REPLACE INTO former (directory, anchor, dn) VALUES (?1, ?2, ?3)";
    let mut insert_dn = transaction.prepare_cached(sql)?;
    let sql = "INSERT OR REPLACE INTO former_uid (directory, anchor, uid) VALUES (?1, ?2, ?3)";
    let mut insert_uid = transaction.prepare_cached(sql)?;
    for (anchor, name) in former {
        let insert = if matches!(name, ListedAs::Dn(_)) { &mut insert_dn } else { &mut insert_uid };
        insert.execute(params![directory, anchor.as_bytes(), name.as_str()])?;
    }
    Ok(())
}

fn store_whole(transaction: &Transaction<'_>, directory: i64, whole: &Whole, read_at: Timestamp) -> Result<()> {
    let watermark = whole.watermark.as_ref().map(to_json).transpose()?;
    transaction.execute("UPDATE directory SET watermark_json = ?2 WHERE id = ?1", params![directory, watermark])?;
    // Somebody whom only the backend remembers has no row yet, and needs one for the second look.
    let mut absent = transaction.prepare_cached(
        "INSERT INTO person (directory, anchor, digest, first_seen, missing_since, gone) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT DO UPDATE SET missing_since = excluded.missing_since, gone = excluded.gone",
    )?;
    let unseen = Digest::from_bytes([0; 16]);
    for (anchor, absence) in &whole.absent {
        let (since, gone) = match absence {
            Absence::Missing { since } => (Some(since.as_second()), None),
            Absence::Gone(cause) => (None, Some(cause_number(*cause))),
        };
        absent.execute(params![directory, anchor.as_bytes(), unseen.as_bytes(), read_at.as_second(), since, gone])?;
    }
    listings::forget(transaction, directory, &whole.unseen)?;
    for table in ["person", "facts", "former", "former_uid", "further_uid"] {
        let mut forget =
            transaction.prepare_cached(&format!("DELETE FROM {table} WHERE directory = ?1 AND anchor = ?2"))?;
        for anchor in &whole.forgotten {
            forget.execute(params![directory, anchor.as_bytes()])?;
        }
    }
    Ok(())
}
