//! Storing what the rules changed, and nothing else.

use rusqlite::{Connection, params};

use super::rows::{cause_text, state_text};
use super::time_text;
use crate::bulk::SetAside;
use crate::fault;
use crate::ledger::LedgerError;
use crate::ledger::error::Doing;
use crate::ledger::rules::{Before, Entry, Excerpt, Terms};
use crate::model::{Account, AccountId, Assignment, fold};

/// Stores an excerpt. Unique values are let go before they are taken: people of one batch may swap theirs.
pub(super) fn changes(connection: &Connection, company: &str, excerpt: &Excerpt) -> Result<(), LedgerError> {
    let mut changed: Vec<&Entry> = excerpt.changed().collect();
    changed.sort_by_key(|entry| number(&entry.account.id));
    pools(connection, company, excerpt)?;
    remove(connection, company, excerpt)?;
    let_names_go(connection, company, &changed)?;
    fault::point("ledger.write.accounts");
    let doing = || "storing accounts".to_owned();
    let indexes = SetAside::of(connection, "account", changed.len()).doing(doing)?;
    accounts(connection, company, &changed)?;
    indexes.put_back(connection).doing(doing)?;
    fault::point("ledger.write.assignments");
    assignments(connection, company, &changed)?;
    let next = i64::try_from(excerpt.next()).unwrap_or(i64::MAX);
    let sql = "UPDATE company SET next_account = ?2 WHERE name = ?1 AND next_account <> ?2";
    connection
        .prepare_cached(sql)
        .and_then(|mut sql| sql.execute((company, next)))
        .doing(|| "storing the company".to_owned())?;
    Ok(())
}

/// Ids are made by us, of numbers; no other is ever loaded.
fn number(id: &AccountId) -> i64 {
    id.0.parse().unwrap_or_default()
}

const PUT_POOL: &str =
    "INSERT INTO pool (company, name, seats, min_seats, reduction_seats, reduction_at, reduction_since,
    config_owned) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO UPDATE SET seats = excluded.seats,
    min_seats = excluded.min_seats, reduction_seats = excluded.reduction_seats, reduction_at = excluded.reduction_at,
    reduction_since = excluded.reduction_since, config_owned = excluded.config_owned
    WHERE (seats, min_seats, reduction_seats, reduction_at, reduction_since, config_owned) IS NOT
    (excluded.seats, excluded.min_seats, excluded.reduction_seats, excluded.reduction_at, excluded.reduction_since,
    excluded.config_owned)";

/// Seats and terms only: the counts follow by trigger.
fn pools(connection: &Connection, company: &str, excerpt: &Excerpt) -> Result<(), LedgerError> {
    let doing = || "storing the pools".to_owned();
    let mut statement = connection.prepare_cached(PUT_POOL).doing(doing)?;
    for pool in excerpt.pools().values() {
        let Terms { min_seats, reduction, config_owned } = excerpt.terms(&pool.name);
        let parameters = params![
            company,
            &*pool.name,
            pool.seats,
            min_seats,
            reduction.map(|reduction| reduction.seats),
            reduction.map(|reduction| time_text(reduction.effective_at)),
            reduction.map(|reduction| time_text(reduction.scheduled_at)),
            config_owned,
        ];
        statement.execute(parameters).doing(doing)?;
    }
    let mut statement = connection.prepare_cached("DELETE FROM pool WHERE company = ?1 AND name = ?2").doing(doing)?;
    for pool in excerpt.dropped() {
        statement.execute((company, &**pool)).doing(doing)?;
    }
    Ok(())
}

/// The assignments go with the account, by trigger.
fn remove(connection: &Connection, company: &str, excerpt: &Excerpt) -> Result<(), LedgerError> {
    let doing = || "deleting accounts".to_owned();
    let sql = "DELETE FROM account WHERE company = ?1 AND id = ?2";
    let mut statement = connection.prepare_cached(sql).doing(doing)?;
    for id in excerpt.removed() {
        statement.execute((company, number(id))).doing(doing)?;
    }
    Ok(())
}

fn let_names_go(connection: &Connection, company: &str, changed: &[&Entry]) -> Result<(), LedgerError> {
    let doing = || "storing accounts".to_owned();
    let sql = "UPDATE account SET user_name_folded = NULL, email_folded = NULL WHERE company = ?1 AND id = ?2";
    let mut statement = connection.prepare_cached(sql).doing(doing)?;
    for entry in changed {
        if let Before::Account(before) = &entry.before
            && before.profile != entry.account.profile
        {
            statement.execute((company, number(&entry.account.id))).doing(doing)?;
        }
    }
    Ok(())
}

const INSERT_ACCOUNT: &str =
    "INSERT INTO account (company, id, directory, anchor, adopted, user_name, email, given_name,
    family_name, display_name, user_name_folded, email_folded, suspended, suspended_by, suspended_at, suspended_cause)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";

const UPDATE_ACCOUNT: &str = "UPDATE account SET directory = ?3, anchor = ?4, adopted = ?5, user_name = ?6, email = ?7,
    given_name = ?8, family_name = ?9, display_name = ?10, user_name_folded = ?11, email_folded = ?12, suspended = ?13,
    suspended_by = ?14, suspended_at = ?15, suspended_cause = ?16 WHERE company = ?1 AND id = ?2";

fn accounts(connection: &Connection, company: &str, changed: &[&Entry]) -> Result<(), LedgerError> {
    let doing = || "storing accounts".to_owned();
    let mut insert = connection.prepare_cached(INSERT_ACCOUNT).doing(doing)?;
    let mut update = connection.prepare_cached(UPDATE_ACCOUNT).doing(doing)?;
    for entry in changed {
        let statement = match &entry.before {
            Before::Nothing => &mut insert,
            Before::Account(before) if same_row(before, &entry.account) => continue,
            _ => &mut update,
        };
        let Account { id, owner, adopted, profile, suspension, .. } = &entry.account;
        let by = suspension.as_ref().map(|suspension| if suspension.by_agent { "agent" } else { "hand" });
        let parameters = params![
            company,
            number(id),
            owner.as_ref().map(|owner| &*owner.directory),
            owner.as_ref().map(|owner| owner.anchor.to_string()),
            adopted,
            profile.user_name,
            profile.email,
            profile.given_name,
            profile.family_name,
            profile.display_name,
            fold(&profile.user_name),
            fold(&profile.email),
            suspension.is_some(),
            by,
            suspension.as_ref().map(|suspension| time_text(suspension.at)),
            suspension.as_ref().and_then(|suspension| suspension.cause).map(cause_text),
        ];
        statement.execute(parameters).doing(|| format!("storing account {id}"))?;
    }
    Ok(())
}

/// All but the seats, which are rows of their own.
fn same_row(a: &Account, b: &Account) -> bool {
    a.owner == b.owner && a.adopted == b.adopted && a.profile == b.profile && a.suspension == b.suspension
}

const PUT_ASSIGNMENT: &str =
    "INSERT INTO assignment (company, account, pool, state, reason, since, created, rank, approved,
    fallback_for, instead_of, ours) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
    ON CONFLICT DO UPDATE SET state = excluded.state, reason = excluded.reason, since = excluded.since,
    created = excluded.created, rank = excluded.rank, approved = excluded.approved,
    fallback_for = excluded.fallback_for, instead_of = excluded.instead_of, ours = excluded.ours";

fn assignments(connection: &Connection, company: &str, changed: &[&Entry]) -> Result<(), LedgerError> {
    let mut statement = connection.prepare_cached(PUT_ASSIGNMENT).doing(|| "storing assignments".to_owned())?;
    for entry in changed {
        let before: &[Assignment] = match &entry.before {
            Before::Account(before) => &before.seats,
            Before::Same | Before::Nothing => &[],
        };
        let id = number(&entry.account.id);
        for seat in entry.account.seats.iter().filter(|seat| !before.contains(seat)) {
            let (state, reason) = state_text(seat.state);
            let parameters = params![
                company,
                id,
                &*seat.pool,
                state,
                reason,
                time_text(seat.since),
                time_text(seat.created),
                seat.rank,
                seat.approved,
                seat.fallback_for.as_deref(),
                pool_list(seat)?,
                seat.ours,
            ];
            statement.execute(parameters).doing(|| format!("storing a seat of account {id}"))?;
        }
    }
    Ok(())
}

fn pool_list(seat: &Assignment) -> Result<Option<String>, LedgerError> {
    if seat.instead_of.is_empty() {
        return Ok(None);
    }
    let json = serde_json::to_string(&seat.instead_of);
    json.map(Some).map_err(|source| LedgerError::Encode { table: "assignment", source })
}
