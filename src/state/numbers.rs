//! Directories by the numbers that rows know them by.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, Result, Row, Transaction};

use crate::model::Name;

/// The number of a directory in this file, where it has one.
pub fn find_directory(connection: &Connection, name: &str) -> Result<Option<i64>> {
    connection
        .prepare_cached("SELECT id FROM directory WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()
}

/// The number of a directory in this file, given now where it had none.
pub fn directory_id(transaction: &Transaction<'_>, name: &str) -> Result<i64> {
    if let Some(id) = find_directory(transaction, name)? {
        return Ok(id);
    }
    transaction.execute("INSERT INTO directory (name) VALUES (?1)", [name])?;
    Ok(transaction.last_insert_rowid())
}

/// Names of directories by their numbers in this file.
pub fn directory_names(connection: &Connection) -> Result<BTreeMap<i64, Name>> {
    let name = |row: &Row<'_>| Ok((row.get(0)?, row.get::<_, String>(1)?.into()));
    connection.prepare_cached("SELECT id, name FROM directory")?.query_map([], name)?.collect()
}
