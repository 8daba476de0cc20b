//! What the ledger refuses, for somebody who types commands: HTTP has its own words.

use super::super::{AppError, Code, room};
use crate::ledger::LedgerError;
use crate::ledger::rules::Declined;
use crate::ledger::rules::declined::Blocker;

/// A failure of the ledger, as people are told.
pub fn told(error: &LedgerError) -> AppError {
    let code = match error {
        LedgerError::Declined(Declined::NotFound { what: "pool", .. }) => Code::UnknownPool,
        LedgerError::Declined(Declined::NotFound { .. }) | LedgerError::NoCompany { .. } => Code::Usage,
        _ => Code::Backend,
    };
    let told = AppError::new(code, error.to_string()).caused_by(error);
    if room::is_full(error) {
        return told.with_next(room::NEXT);
    }
    let LedgerError::Declined(declined) = error else { return told };
    let told = match declined {
        Declined::TierBlocked(blockers) => told.with_details(blockers.iter().map(|blocker| match blocker {
            Blocker::Policy(name) => format!("policy {name} is enabled"),
            Blocker::Connector(name) => format!("connector {name} is registered"),
        })),
        Declined::PreconditionFailed { .. } => {
            AppError::new(Code::Backend, "it is there already, or somebody changed it meanwhile")
        }
        _ => told,
    };
    match next(declined) {
        Some(next) => told.with_next(next),
        None => told,
    }
}

/// The flag or the command that helps.
fn next(declined: &Declined) -> Option<String> {
    Some(match declined {
        Declined::NotFound { what: "connector", .. } => "`seatsync ledger connector` lists them".to_owned(),
        Declined::NotFound { what: "token", .. } => "`seatsync ledger token` lists them".to_owned(),
        Declined::OwnedByConfig { .. } => "if no embedded agent uses this ledger any more: add --take-over".to_owned(),
        Declined::NoRenewal { .. } => {
            "say when with --at TIME, or set the renewal: `seatsync ledger company set --renewal TIME`".to_owned()
        }
        Declined::SeatsBelowHeld(numbers) => format!(
            "`seatsync pending release USER`, with the config of the agent, frees a seat; `seatsync ledger pool reduce {} --seats N --at TIME` lowers it later",
            numbers.pool
        ),
        Declined::BelowFloor(numbers) => {
            format!("`seatsync ledger pool set {} --min-seats N` lowers the floor", numbers.pool)
        }
        Declined::NotLower(numbers) => format!("`seatsync ledger pool set {} --seats N` buys more", numbers.pool),
        Declined::TierRequired { .. } => "`seatsync ledger company set --tier advanced`".to_owned(),
        Declined::AlreadyExpired => "name a later time with --expires".to_owned(),
        _ => return None,
    })
}

/// What to do about a connector's name that is taken.
pub fn another(name: &str) -> String {
    format!("`seatsync ledger connector remove {name}` takes it and its tokens away first; or take another name")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_types_commands_is_told_flags_and_no_headers() {
        let of = |declined| told(&LedgerError::Declined(declined));
        let there = of(Declined::PreconditionFailed { etag: Some("x".to_owned()) });
        assert!(!there.message.contains("ETag") && there.causes.is_empty(), "{there:?}");
        let late = of(Declined::NoRenewal { pool: "standard".into() }).next.unwrap();
        assert!(late.contains("--at") && late.contains("--renewal"), "{late}");
    }
}
