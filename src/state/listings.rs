//! By which names groups list people, where that is not in the row of a person.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, Result, Transaction, params};

use super::numbers::find_directory;
use super::values::anchor;
use crate::model::Anchor;
use crate::model::memory::Listing;

pub fn listed_by_uid(
    connection: &Connection,
    directory: &str,
    anchors: &[Anchor],
) -> Result<BTreeMap<Anchor, Option<String>>> {
    let mut listed = BTreeMap::new();
    let Some(id) = find_directory(connection, directory)? else { return Ok(listed) };
    let sql = "SELECT judgement_json ->> 'uid' FROM facts
               WHERE directory = ?1 AND anchor = ?2 AND judgement_json ->> 'by_uid'";
    let mut query = connection.prepare_cached(sql)?;
    for anchor in anchors {
        if let Some(uid) = query.query_row(params![id, anchor.as_bytes()], |row| row.get(0)).optional()? {
            listed.insert(*anchor, uid);
        }
    }
    Ok(listed)
}

pub(super) const HAD_UID: &str =
    "SELECT anchor FROM facts INDEXED BY facts_uid WHERE directory = ?1 AND judgement_json ->> 'uid' = ?2
    UNION SELECT anchor FROM facts INDEXED BY facts_own_uid WHERE directory = ?1 AND uid = ?2
    UNION SELECT anchor FROM further_uid WHERE directory = ?1 AND uid = ?2
    UNION SELECT anchor FROM former_uid WHERE directory = ?1 AND uid = ?2 ORDER BY 1";

pub fn had_uid(connection: &Connection, directory: &str, uids: &[&str]) -> Result<Vec<(Anchor, String)>> {
    let mut had = Vec::new();
    let Some(id) = find_directory(connection, directory)? else { return Ok(had) };
    let mut query = connection.prepare_cached(HAD_UID)?;
    for uid in uids {
        for anchor in query.query_map(params![id, uid], |row| anchor(row, 0))? {
            had.push((anchor?, (*uid).to_owned()));
        }
    }
    Ok(had)
}

/// Whether anybody of a directory is known to have several user ids.
pub fn knows_further_uids(transaction: &Transaction<'_>, directory: i64) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM further_uid WHERE directory = ?1)";
    transaction.prepare_cached(sql)?.query_row([directory], |row| row.get(0))
}

/// `had`: whether there may be some of before.
pub fn store_further_uids(
    transaction: &Transaction<'_>,
    (directory, anchor): (i64, Anchor),
    of: Option<&Listing>,
    had: bool,
) -> Result<()> {
    if had {
        let mut forget = transaction.prepare_cached("DELETE FROM further_uid WHERE directory = ?1 AND anchor = ?2")?;
        forget.execute(params![directory, anchor.as_bytes()])?;
    }
    let mut insert =
        transaction.prepare_cached("INSERT INTO further_uid (directory, anchor, uid) VALUES (?1, ?2, ?3)")?;
    for uid in of.iter().flat_map(|listing| listing.uids.iter().skip(1)) {
        insert.execute(params![directory, anchor.as_bytes(), uid])?;
    }
    Ok(())
}

/// Of people who are not there nobody reads which groups list them; once they are back their rows are written anew.
pub fn forget(transaction: &Transaction<'_>, directory: i64, anchors: &[Anchor]) -> Result<()> {
    let mut wide = transaction.prepare_cached(
        "UPDATE facts SET naming = NULL, place = NULL, uid = NULL, primary_group = NULL
         WHERE directory = ?1 AND anchor = ?2 AND naming IS NOT NULL",
    )?;
    let sql = "UPDATE person SET digest = zeroblob(16), entry = NULL WHERE directory = ?1 AND anchor = ?2";
    let mut narrow = transaction.prepare_cached(sql)?;
    for anchor in anchors {
        if wide.execute(params![directory, anchor.as_bytes()])? > 0 {
            store_further_uids(transaction, (directory, *anchor), None, true)?;
            narrow.execute(params![directory, anchor.as_bytes()])?;
        }
    }
    Ok(())
}
