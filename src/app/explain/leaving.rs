//! Whether somebody leaves, what says so, and what the rule for leavers makes of it.

use jiff::Timestamp;

use super::Case;
use crate::model::memory::{Absence, LastKnown};
use crate::model::settings::LeaverRule;
use crate::model::{Account, LeaveCause, Standing};

pub(in crate::app) const fn words(cause: LeaveCause) -> &'static str {
    match cause {
        LeaveCause::Disabled => "disabled in the directory",
        LeaveCause::Expired => "expired in the directory",
        LeaveCause::Deleted => "deleted from the directory",
        LeaveCause::OutOfScope => "out of scope",
    }
}

/// Why the person counts as a leaver, by what is known now.
pub(in crate::app) fn cause(known: &LastKnown) -> Option<LeaveCause> {
    if let Some(Absence::Gone(cause)) = known.absence {
        return Some(cause);
    }
    let judgement = &known.facts.as_ref()?.judgement;
    match judgement.standing {
        Standing::Disabled => Some(LeaveCause::Disabled),
        Standing::Expired => Some(LeaveCause::Expired),
        Standing::Enabled => (!judgement.in_scope && known.account.is_some()).then_some(LeaveCause::OutOfScope),
    }
}

/// That the entry is not where it was, since when that is known, and where it was.
pub(super) fn gone(case: &Case<'_>, cause: LeaveCause, dn: &str) -> String {
    let suspension = case.known.account.as_ref().and_then(|account| account.suspension.as_ref());
    let seen = suspension.filter(|suspension| suspension.by_agent && suspension.cause == Some(cause));
    let since = seen.map(|seen| format!(", which a cycle saw at {}", time(seen.at))).unwrap_or_default();
    format!("{}{since}; it was {dn}", words(cause))
}

/// What says that the person leaves, or will, and what follows. Empty for everyone else.
pub(super) fn sentences(case: &Case<'_>) -> Vec<String> {
    let judgement = case.known.facts.as_ref().map(|facts| &facts.judgement);
    let Some(cause) = cause(&case.known) else {
        let due = judgement.and_then(|judgement| judgement.due).filter(|_| case.known.absence.is_none());
        return due
            .map(|due| format!("not yet: the entry expires at {}, and {}", time(due), later(case)))
            .into_iter()
            .collect();
    };
    let sign = judgement.filter(|_| case.known.absence.is_none()).and_then(|judgement| judgement.sign.as_deref());
    let said = sign.map_or_else(|| words(cause).to_owned(), |sign| format!("{}: {sign}", words(cause)));
    let Some(account) = &case.known.account else {
        return vec![said, "no account is there, and none is made".to_owned()];
    };
    vec![said, consequence(case, cause, account)]
}

fn later(case: &Case<'_>) -> String {
    let (key, rule) = rule(case, LeaveCause::Expired);
    format!("`leavers.{key} = \"{}\"` decides then", name(rule))
}

fn rule(case: &Case<'_>, cause: LeaveCause) -> (&'static str, LeaverRule) {
    let leavers = &case.settings.leavers;
    match cause {
        LeaveCause::Disabled | LeaveCause::Expired => ("disabled", leavers.disabled),
        LeaveCause::Deleted => ("deleted", leavers.deleted),
        LeaveCause::OutOfScope => ("out_of_scope", leavers.out_of_scope),
    }
}

const fn name(rule: LeaverRule) -> &'static str {
    match rule {
        LeaverRule::Keep => "keep",
        LeaverRule::Suspend => "suspend",
        LeaverRule::Remove => "remove",
    }
}

/// What the config does with somebody who leaves so, and when.
fn consequence(case: &Case<'_>, cause: LeaveCause, account: &Account) -> String {
    let (key, rule) = rule(case, cause);
    let seat = if case.settings.leavers.suspended_keeps_seat { "keeps its seat" } else { "has given its seat back" };
    let then = match (rule, &account.suspension) {
        (LeaverRule::Keep, _) => "account, seat and place are kept, and no other seat is given".to_owned(),
        (_, None) if case.held.is_some() => "the account is suspended once the guard lets it through".to_owned(),
        (_, None) if case.partial().is_some() => {
            "the account is suspended by the next cycle that reads the directory whole".to_owned()
        }
        (_, None) => "the account is suspended by the next cycle".to_owned(),
        (LeaverRule::Suspend, Some(suspension)) => {
            format!("the account is suspended since {}, {seat}, and is never removed", time(suspension.at))
        }
        (LeaverRule::Remove, Some(suspension)) => {
            format!("the account is suspended since {}, {seat}, and {}", time(suspension.at), removal(case, account))
        }
    };
    format!("`leavers.{key} = \"{}\"`: {then}", name(rule))
}

/// As reports spell it.
fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

fn removal(case: &Case<'_>, account: &Account) -> String {
    let since = account.suspension.as_ref().filter(|suspension| suspension.by_agent).map(|suspension| suspension.at);
    let due = since.zip(case.settings.leavers.remove_after).and_then(|(at, grace)| at.checked_add(grace).ok());
    match due {
        _ if account.adopted => "is never removed, since it was there before the agent".to_owned(),
        Some(due) => {
            format!("is removed after {}, if a complete read of that day still shows the person gone", time(due))
        }
        None => "is never removed".to_owned(),
    }
}
