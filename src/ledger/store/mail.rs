//! Confirmation mails to be sent, and answers to be given again.

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _};

use super::rows::{BadValue, Columns, read_row, unreadable};
use super::time_text;
use crate::ledger::LedgerError;
use crate::ledger::error::Doing;
use crate::ledger::records::{Mail, Replay};
use crate::model::AccountId;

pub(super) fn queue(
    connection: &Connection,
    company: &str,
    account: &AccountId,
    pool: &str,
    at: Timestamp,
) -> Result<(), LedgerError> {
    let sql = "INSERT INTO mail (company, account, pool, made, due) VALUES (?1, ?2, ?3, ?4, ?4)";
    let account: i64 = account.0.parse().unwrap_or_default();
    let statement = connection.prepare_cached(sql);
    statement
        .and_then(|mut sql| sql.execute((company, account, pool, time_text(at))))
        .doing(|| "storing a mail to be sent".to_owned())?;
    Ok(())
}

pub(super) fn due(connection: &Connection, now: Timestamp, limit: u32) -> Result<Vec<Mail>, LedgerError> {
    let doing = || "reading the mails to be sent".to_owned();
    let sql = "SELECT id, company, account, pool, made, attempts FROM mail WHERE due <= ?1 ORDER BY due, id LIMIT ?2";
    let mut statement = connection.prepare_cached(sql).doing(doing)?;
    let mut found = statement.query((time_text(now), limit)).doing(doing)?;
    let mut mails = Vec::new();
    while let Some(row) = found.next().doing(doing)? {
        let row = Columns(row);
        let place = || unreadable("mail", row.integer(0, "id").unwrap_or_default().to_string());
        mails.push(read_row(|| mail(row), place)?);
    }
    Ok(mails)
}

fn mail(row: Columns<'_>) -> Result<Mail, BadValue> {
    Ok(Mail {
        id: row.integer(0, "id")?,
        company: Arc::from(row.text(1, "company")?),
        account: AccountId(Arc::from(row.integer(2, "account")?.to_string())),
        pool: Arc::from(row.text(3, "pool")?),
        made: row.time(4, "made")?,
        attempts: row.number(5, "attempts")?,
    })
}

pub(super) fn done(connection: &Connection, mail: &Mail, sent: bool) -> Result<(), LedgerError> {
    let doing = || "storing that a mail was sent".to_owned();
    connection.execute("DELETE FROM mail WHERE id = ?1", [mail.id]).doing(doing)?;
    if sent {
        let sql = "UPDATE account SET invitation = 'mailed' WHERE company = ?1 AND id = ?2 AND invitation = 'none'";
        let account: i64 = mail.account.0.parse().unwrap_or_default();
        connection.execute(sql, (&*mail.company, account)).doing(doing)?;
    }
    Ok(())
}

pub(super) fn failed(connection: &Connection, mail: &Mail, next: Timestamp) -> Result<(), LedgerError> {
    let sql = "UPDATE mail SET attempts = attempts + 1, due = ?2 WHERE id = ?1";
    connection.execute(sql, (mail.id, time_text(next))).doing(|| "storing that a mail was not sent".to_owned())?;
    Ok(())
}

pub(super) fn remember_reply(
    connection: &Connection,
    company: &str,
    key: &str,
    replay: &Replay,
    at: Timestamp,
) -> Result<(), LedgerError> {
    let sql = "INSERT INTO request (company, key, at, request, status, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let parameters = (company, key, time_text(at), &replay.request, replay.status, &replay.body);
    let statement = connection.prepare_cached(sql);
    statement.and_then(|mut sql| sql.execute(parameters)).doing(|| "storing an answer".to_owned())?;
    Ok(())
}

pub(super) fn replay(connection: &Connection, company: &str, key: &str) -> Result<Option<Replay>, LedgerError> {
    let sql = "SELECT request, status, body FROM request WHERE company = ?1 AND key = ?2";
    let read = |row: &rusqlite::Row<'_>| Ok(Replay { request: row.get(0)?, status: row.get(1)?, body: row.get(2)? });
    let statement = connection.prepare_cached(sql);
    statement
        .and_then(|mut sql| sql.query_row([company, key], read).optional())
        .doing(|| "looking up an answer".to_owned())
}
