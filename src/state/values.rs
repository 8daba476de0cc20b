//! How our values lie in `SQLite`: times as Unix seconds, anchors and digests as 16 bytes, the rest as JSON.

use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Error, Result, Row};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::model::{Anchor, Digest, LeaveCause};

/// What lies in a column is not what we put there.
pub fn damaged(column: usize, kind: Type, why: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::FromSqlConversionFailure(column, kind, Box::new(why))
}

pub fn time(row: &Row<'_>, column: usize) -> Result<Timestamp> {
    let seconds = row.get(column)?;
    Timestamp::from_second(seconds).map_err(|why| damaged(column, Type::Integer, why))
}

pub fn optional_time(row: &Row<'_>, column: usize) -> Result<Option<Timestamp>> {
    let seconds: Option<i64> = row.get(column)?;
    seconds.map(|_| time(row, column)).transpose()
}

/// `SQLite` has no larger numbers; ours count cycles.
pub fn to_integer(number: u64) -> Result<i64> {
    i64::try_from(number).map_err(|why| Error::ToSqlConversionFailure(Box::new(why)))
}

pub fn number(row: &Row<'_>, column: usize) -> Result<u64> {
    let integer: i64 = row.get(column)?;
    u64::try_from(integer).map_err(|_| Error::IntegralValueOutOfRange(column, integer))
}

pub fn anchor(row: &Row<'_>, column: usize) -> Result<Anchor> {
    row.get(column).map(Anchor::from_bytes)
}

pub fn digest(row: &Row<'_>, column: usize) -> Result<Digest> {
    row.get(column).map(Digest::from_bytes)
}

pub fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> Result<T> {
    let text = row.get_ref(column)?.as_str()?;
    serde_json::from_str(text).map_err(|why| damaged(column, Type::Text, why))
}

pub fn optional_json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> Result<Option<T>> {
    let text = row.get_ref(column)?.as_str_or_null()?;
    text.map(|_| json(row, column)).transpose()
}

pub fn to_json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|why| Error::ToSqlConversionFailure(Box::new(why)))
}

/// The number kept for a cause.
pub const fn cause_number(cause: LeaveCause) -> u8 {
    match cause {
        LeaveCause::Disabled => 0,
        LeaveCause::Expired => 1,
        LeaveCause::Deleted => 2,
        LeaveCause::OutOfScope => 3,
    }
}

pub fn optional_cause(row: &Row<'_>, column: usize) -> Result<Option<LeaveCause>> {
    Ok(match row.get::<_, Option<u8>>(column)? {
        None => None,
        Some(0) => Some(LeaveCause::Disabled),
        Some(1) => Some(LeaveCause::Expired),
        Some(2) => Some(LeaveCause::Deleted),
        Some(3) => Some(LeaveCause::OutOfScope),
        Some(other) => return Err(Error::IntegralValueOutOfRange(column, i64::from(other))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_comes_back_as_it_was_kept() {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        for cause in [LeaveCause::Disabled, LeaveCause::Expired, LeaveCause::Deleted, LeaveCause::OutOfScope] {
            let number = cause_number(cause);
            let back = connection.query_row("SELECT ?1", [number], |row| optional_cause(row, 0)).unwrap();
            assert_eq!(back, Some(cause));
        }
        assert!(connection.query_row("SELECT 4", [], |row| optional_cause(row, 0)).is_err());
    }
}
