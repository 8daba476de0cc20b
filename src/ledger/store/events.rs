//! Events: numbered without gaps, since a number is taken in the transaction that writes it.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::Value;

use super::rows::{BadValue, Columns, Names, read_row, unreadable};
use super::{no_company, time_text};
use crate::ledger::LedgerError;
use crate::ledger::error::Doing;
use crate::ledger::records::{Event, Events};
use crate::ledger::rules::Happening;
use crate::model::AccountId;

/// How long events are kept at least.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

pub(super) fn record(
    connection: &Connection,
    company: &str,
    at: Timestamp,
    happenings: &[Happening],
) -> Result<(), LedgerError> {
    if happenings.is_empty() {
        return Ok(());
    }
    let doing = || "storing events".to_owned();
    let (last, at) = (last(connection, company)?, time_text(at));
    let sql = "INSERT INTO event (company, seq, at, type, account, pool, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let mut statement = connection.prepare_cached(sql).doing(doing)?;
    let mut seq = last;
    for Happening { what, account, pool, data } in happenings {
        seq += 1;
        let account: Option<i64> = account.as_ref().and_then(|id| id.0.parse().ok());
        let data = (!data.is_null()).then(|| data.to_string());
        statement.execute(params![company, seq, at, what.as_str(), account, pool.as_deref(), data]).doing(doing)?;
    }
    let sql = "UPDATE company SET last_event = ?2 WHERE name = ?1";
    connection.prepare_cached(sql).and_then(|mut sql| sql.execute((company, seq))).doing(doing)?;
    Ok(())
}

fn last(connection: &Connection, company: &str) -> Result<i64, LedgerError> {
    let doing = || "looking up the last event".to_owned();
    let mut statement = connection.prepare_cached("SELECT last_event FROM company WHERE name = ?1").doing(doing)?;
    let found = statement.query_row([company], |row| row.get(0)).optional().doing(doing)?;
    found.ok_or(()).or_else(|()| Err(no_company(connection, company)?))
}

pub(super) fn forget(connection: &Connection, company: &str, at: Timestamp) -> Result<(), LedgerError> {
    let Ok(before) = at.checked_sub(KEPT) else { return Ok(()) };
    let sql = "DELETE FROM event WHERE company = ?1 AND at < ?2";
    let statement = connection.prepare_cached(sql);
    statement
        .and_then(|mut sql| sql.execute((company, time_text(before))))
        .doing(|| "forgetting what is old".to_owned())?;
    Ok(())
}

pub(super) fn after(connection: &Connection, company: &str, after: u64, limit: u32) -> Result<Events, LedgerError> {
    let doing = || "reading events".to_owned();
    let last = last(connection, company)?.unsigned_abs();
    let sql = "SELECT min(seq) FROM event WHERE company = ?1";
    let mut statement = connection.prepare_cached(sql).doing(doing)?;
    let oldest: Option<i64> = statement.query_row([company], |row| row.get(0)).doing(doing)?;
    let oldest = oldest.map_or(last + 1, i64::unsigned_abs);
    let sql =
        "SELECT seq, at, type, account, pool, data FROM event WHERE company = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3";
    let mut statement = connection.prepare_cached(sql).doing(doing)?;
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let mut found = statement.query((company, after, limit)).doing(doing)?;
    let mut events = Vec::new();
    let mut names = Names::default();
    while let Some(row) = found.next().doing(doing)? {
        let row = Columns(row);
        let place = || unreadable("event", format!("of company {company:?}"));
        events.push(read_row(|| event(row, &mut names), place)?);
    }
    Ok(Events { oldest, last, events })
}

fn event(row: Columns<'_>, names: &mut Names) -> Result<Event, BadValue> {
    let account = if row.is_null(3) { None } else { Some(row.integer(3, "account")?) };
    let data = match row.optional(5, "data")? {
        Some(json) => serde_json::from_str(json).map_err(|error| ("data", error.to_string()))?,
        None => Value::Null,
    };
    Ok(Event {
        seq: row.integer(0, "seq")?.unsigned_abs(),
        at: row.time(1, "at")?,
        what: row.text(2, "type")?.to_owned(),
        account: account.map(|id| AccountId(Arc::from(id.to_string()))),
        pool: row.optional(4, "pool")?.map(|pool| names.get(pool)),
        data,
    })
}
