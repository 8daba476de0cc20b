//! Tokens, without their secrets.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, Row};

use super::rows::{BadValue, Columns, read_row, unreadable};
use super::time_text;
use crate::ledger::LedgerError;
use crate::ledger::error::Doing;
use crate::ledger::records::{Role, Token};

const TOKEN: &str = "SELECT id, company, role, connector, label, hash, made, expires, ended FROM token";

/// Those that are good, or will only expire.
pub(super) fn of_company(connection: &Connection, company: &str) -> Result<Vec<Token>, LedgerError> {
    let doing = || "reading the tokens".to_owned();
    let sql = format!("{TOKEN} WHERE company = ?1 AND ended IS NULL ORDER BY made, id");
    let mut statement = connection.prepare_cached(&sql).doing(doing)?;
    let mut found = statement.query([company]).doing(doing)?;
    let mut tokens = Vec::new();
    while let Some(row) = found.next().doing(doing)? {
        tokens.push(token(row)?);
    }
    Ok(tokens)
}

pub(super) fn by_id(connection: &Connection, id: &str) -> Result<Option<Token>, LedgerError> {
    let doing = || "looking up a token".to_owned();
    let sql = format!("{TOKEN} WHERE id = ?1");
    let mut statement = connection.prepare_cached(&sql).doing(doing)?;
    let found = statement.query_row([id], |row| Ok(token(row))).optional().doing(doing)?;
    found.transpose()
}

fn token(row: &Row<'_>) -> Result<Token, LedgerError> {
    let row = Columns(row);
    read_row(|| token_row(row), || unreadable("token", row.text(0, "id").unwrap_or("?").to_owned()))
}

fn token_row(row: Columns<'_>) -> Result<Token, BadValue> {
    Ok(Token {
        id: row.text(0, "id")?.to_owned(),
        company: Arc::from(row.text(1, "company")?),
        role: match row.text(2, "role")? {
            "connector" => Role::Connector,
            "approver" => Role::Approver,
            "admin" => Role::Admin,
            other => return Err(("role", format!("is {other:?}, which is no role"))),
        },
        connector: row.optional(3, "connector")?.map(Arc::from),
        label: row.text(4, "label")?.to_owned(),
        hash: row.text(5, "hash")?.to_owned(),
        made: row.time(6, "made")?,
        expires: row.optional(7, "expires")?.map(|_| row.time(7, "expires")).transpose()?,
        ended: row.optional(8, "ended")?.is_some(),
    })
}

pub(super) fn put(connection: &Connection, token: &Token) -> Result<(), LedgerError> {
    let role = match token.role {
        Role::Connector => "connector",
        Role::Approver => "approver",
        Role::Admin => "admin",
    };
    let sql = "INSERT INTO token (id, company, role, connector, label, hash, made, expires)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let parameters = (
        &token.id,
        &*token.company,
        role,
        token.connector.as_deref(),
        &token.label,
        &token.hash,
        time_text(token.made),
        token.expires.map(time_text),
    );
    connection.execute(sql, parameters).doing(|| "storing a token".to_owned())?;
    Ok(())
}

pub(super) fn delete(connection: &Connection, company: &str, id: &str) -> Result<bool, LedgerError> {
    let sql = "DELETE FROM token WHERE company = ?1 AND id = ?2";
    Ok(connection.execute(sql, [company, id]).doing(|| "deleting a token".to_owned())? > 0)
}
