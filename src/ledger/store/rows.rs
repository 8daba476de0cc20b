//! Rows of the ledger's tables to the model's values, and back. A value we cannot read names its table, row and column.

use std::collections::HashSet;
use std::str::FromStr;
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::Row;
use rusqlite::types::ValueRef;

use crate::ledger::LedgerError;
use crate::ledger::rules::happenings::reason_word;
use crate::model::{
    Account, AccountId, Anchor, Assignment, LeaveCause, Name, PersonId, Profile, SeatState, Suspension, WaitReason,
};

/// Names that occur on thousands of rows are kept once.
#[derive(Debug, Default)]
pub(super) struct Names(HashSet<Name>);

impl Names {
    pub(super) fn get(&mut self, name: &str) -> Name {
        if let Some(known) = self.0.get(name) {
            return known.clone();
        }
        let new: Name = Arc::from(name);
        self.0.insert(new.clone());
        new
    }
}

/// A value of a row that cannot be read: column and reason.
pub(super) type BadValue = (&'static str, String);

/// Names the row that has a bad value.
pub(super) fn unreadable(table: &'static str, row: String) -> impl FnOnce(BadValue) -> LedgerError {
    move |(column, why)| LedgerError::Unreadable { table, row, column, why }
}

/// Runs a reader of one row; the row is named only where that fails.
pub(super) fn read_row<T, E: FnOnce(BadValue) -> LedgerError>(
    read: impl FnOnce() -> Result<T, BadValue>,
    name: impl FnOnce() -> E,
) -> Result<T, LedgerError> {
    read().map_err(|bad| name()(bad))
}

/// An account's number, where it is one of ours. Numbers are written one way: `017` is nobody's.
pub(super) fn number_of(id: &AccountId) -> Option<i64> {
    id.0.parse().ok().filter(|number: &i64| number.to_string() == *id.0)
}

/// One row, its columns by their place in the SELECT.
#[derive(Clone, Copy)]
pub(super) struct Columns<'a>(pub &'a Row<'a>);

impl<'a> Columns<'a> {
    pub(super) fn optional(self, index: usize, column: &'static str) -> Result<Option<&'a str>, BadValue> {
        match self.0.get_ref(index) {
            Ok(ValueRef::Null) => Ok(None),
            Ok(ValueRef::Text(bytes)) => match std::str::from_utf8(bytes) {
                Ok(text) => Ok(Some(text)),
                Err(_) => Err((column, "is not UTF-8".to_owned())),
            },
            Ok(other) => Err((column, format!("is {} instead of text", other.data_type()))),
            Err(error) => Err((column, error.to_string())),
        }
    }

    pub(super) fn text(self, index: usize, column: &'static str) -> Result<&'a str, BadValue> {
        self.optional(index, column)?.ok_or_else(|| (column, "is missing".to_owned()))
    }

    pub(super) fn is_null(self, index: usize) -> bool {
        matches!(self.0.get_ref(index), Ok(ValueRef::Null))
    }

    pub(super) fn integer(self, index: usize, column: &'static str) -> Result<i64, BadValue> {
        self.0.get_ref(index).and_then(|value| Ok(value.as_i64()?)).map_err(|error| (column, error.to_string()))
    }

    pub(super) fn number(self, index: usize, column: &'static str) -> Result<u32, BadValue> {
        let value = self.integer(index, column)?;
        u32::try_from(value).map_err(|_| (column, format!("is {value}, not a number from 0 to {}", u32::MAX)))
    }

    pub(super) fn flag(self, index: usize, column: &'static str) -> Result<bool, BadValue> {
        Ok(self.integer(index, column)? != 0)
    }

    pub(super) fn time(self, index: usize, column: &'static str) -> Result<Timestamp, BadValue> {
        parse(column, "time (RFC 3339)", self.text(index, column)?)
    }

    fn owned(self, index: usize, column: &'static str) -> Result<Option<String>, BadValue> {
        Ok(self.optional(index, column)?.map(str::to_owned))
    }
}

fn parse<T: FromStr>(column: &'static str, what: &str, text: &str) -> Result<T, BadValue> {
    text.parse().map_err(|_| (column, format!("is {text:?}, which is no {what}")))
}

/// What `account` reads, in this order; the folded names come last.
pub(super) const ACCOUNT: &str = "id, directory, anchor, external, adopted, user_name, email, given_name, family_name, \
    display_name, suspended, suspended_by, suspended_at, suspended_cause, user_name_folded, email_folded";

/// An account without its seats.
pub(super) fn account(row: Columns<'_>, id: i64, names: &mut Names) -> Result<Account, BadValue> {
    let owner = match (row.optional(1, "directory")?, row.optional(2, "anchor")?) {
        (Some(directory), Some(anchor)) => {
            Some(PersonId::new(names.get(directory), parse::<Anchor>("anchor", "UUID", anchor)?))
        }
        (None, None) => None,
        _ => return Err(("directory", "and anchor must both be set, or neither".to_owned())),
    };
    let profile = Profile {
        user_name: row.text(5, "user_name")?.to_owned(),
        email: row.text(6, "email")?.to_owned(),
        given_name: row.owned(7, "given_name")?,
        family_name: row.owned(8, "family_name")?,
        display_name: row.owned(9, "display_name")?,
    };
    Ok(Account {
        id: AccountId(id.to_string().into()),
        owner,
        // Whatever else an unmanaged account carries is no anchor, and nobody's.
        external: row.optional(3, "external")?.and_then(|text| text.parse().ok()),
        adopted: row.flag(4, "adopted")?,
        profile,
        suspension: if row.flag(10, "suspended")? { Some(suspension(row)?) } else { None },
        seats: Vec::new(),
    })
}

/// Another hand may set no more than the flag: then nobody knows since when, and it was not the agent.
fn suspension(row: Columns<'_>) -> Result<Suspension, BadValue> {
    let at = match row.optional(12, "suspended_at")? {
        Some(text) => parse("suspended_at", "time (RFC 3339)", text)?,
        None => Timestamp::UNIX_EPOCH,
    };
    let cause = match row.optional(13, "suspended_cause")? {
        None => None,
        Some("disabled") => Some(LeaveCause::Disabled),
        Some("expired") => Some(LeaveCause::Expired),
        Some("deleted") => Some(LeaveCause::Deleted),
        Some("out_of_scope") => Some(LeaveCause::OutOfScope),
        Some(other) => return Err(("suspended_cause", format!("is {other:?}, which is no cause"))),
    };
    Ok(Suspension { by_agent: row.optional(11, "suspended_by")? == Some("agent"), at, cause })
}

pub(super) const fn cause_text(cause: LeaveCause) -> &'static str {
    match cause {
        LeaveCause::Disabled => "disabled",
        LeaveCause::Expired => "expired",
        LeaveCause::Deleted => "deleted",
        LeaveCause::OutOfScope => "out_of_scope",
    }
}

/// What `assignment` reads, in this order.
pub(super) const ASSIGNMENT: &str =
    "account, pool, state, reason, since, created, rank, approved, fallback_for, instead_of, ours";

pub(super) fn assignment(row: Columns<'_>, names: &mut Names) -> Result<Assignment, BadValue> {
    let reason = match row.optional(3, "reason")? {
        None => None,
        Some("no_seat") => Some(WaitReason::NoSeat),
        Some("approval_required") => Some(WaitReason::ApprovalRequired),
        Some("domain_not_approved") => Some(WaitReason::DomainNotApproved),
        Some("removed_elsewhere") => Some(WaitReason::RemovedElsewhere),
        Some(other) => return Err(("reason", format!("is {other:?}, which is no reason"))),
    };
    let state = match row.text(2, "state")? {
        "held" => SeatState::Held,
        "waiting" => SeatState::Waiting(reason.unwrap_or(WaitReason::NoSeat)),
        "denied" => SeatState::Denied,
        "past" => SeatState::Past(reason.filter(|reason| *reason != WaitReason::NoSeat)),
        other => return Err(("state", format!("is {other:?}, which is no state"))),
    };
    Ok(Assignment {
        pool: names.get(row.text(1, "pool")?),
        state,
        since: row.time(4, "since")?,
        created: row.time(5, "created")?,
        rank: row.number(6, "rank")?,
        approved: row.flag(7, "approved")?,
        fallback_for: row.optional(8, "fallback_for")?.map(|pool| names.get(pool)),
        instead_of: match row.optional(9, "instead_of")? {
            Some(json) => pool_list(json, names)?,
            None => Vec::new(),
        },
        ours: row.flag(10, "ours")?,
    })
}

fn pool_list(json: &str, names: &mut Names) -> Result<Vec<Name>, BadValue> {
    let bad = |_| ("instead_of", format!("is {json:?}, which is no JSON list of pools"));
    let pools: Vec<String> = serde_json::from_str(json).map_err(bad)?;
    Ok(pools.iter().map(|pool| names.get(pool)).collect())
}

/// State and reason as they are stored.
pub(super) const fn state_text(state: SeatState) -> (&'static str, Option<&'static str>) {
    match state {
        SeatState::Held => ("held", None),
        SeatState::Waiting(reason) => ("waiting", Some(reason_word(reason))),
        SeatState::Denied => ("denied", None),
        SeatState::Past(None) => ("past", None),
        SeatState::Past(Some(reason)) => ("past", Some(reason_word(reason))),
    }
}
