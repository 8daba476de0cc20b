//! One sentence on how things stand.

use super::{Case, leaving};
use crate::model::report::{SeatRow, SeatWord, Stopped};
use crate::model::{AccountState, Standing, WaitReason};

/// Of somebody whose whole account is gone.
const TAKEN: &str = "the account was deleted in the backend by another hand; not made again until approved";

const APPROVED: &str = "the account was deleted in the backend by another hand, and making it again is approved: the next cycle \
    that reads the directory whole makes it";

pub(super) fn sentence(case: &Case<'_>) -> String {
    let said = decided(case);
    if case.settings.agent.dry_run {
        return format!("{said}; but this is a dry run (agent.dry_run), and no cycle changes anything");
    }
    said
}

fn decided(case: &Case<'_>) -> String {
    let mut said = stands(case);
    if let Some(held) = case.held.as_ref().and_then(super::HeldBack::sentence) {
        said = format!("{said}; {held}");
    } else if is_to_leave(case) {
        let left = leaving::cause(&case.known).map_or("left", leaving::words);
        said = format!("{said}; {left}, and not yet treated as a leaver");
    }
    if let Some((standby, name)) = case.standby.as_ref().zip(case.unread()) {
        let holder = &standby.holder;
        return format!(
            "{said}; this agent stands by and did not read {name} yet: `explain` where {holder} runs says why"
        );
    }
    match (&case.known.directory, case.partial()) {
        (Some(name), Some(_)) if case.stopped == Some(Stopped::Unread) => {
            format!("{said}; before it is, nobody of {name} leaves or gets a seat")
        }
        (Some(name), Some(_)) => format!(
            "{said}; {name} was not read whole the last time, so nobody of it leaves or gets a seat before it is"
        ),
        _ => said,
    }
}

/// A leaver to whom nothing happened yet.
fn is_to_leave(case: &Case<'_>) -> bool {
    let state = case.row.state.filter(|_| case.row.managed);
    state.is_some_and(|state| state != AccountState::Suspended) && leaving::cause(&case.known).is_some()
}

fn stands(case: &Case<'_>) -> String {
    let row = &case.row;
    if let Some(taken) = &case.known.taken {
        return if taken.approval.is_some() { APPROVED.to_owned() } else { TAKEN.to_owned() };
    }
    if let Some(quarantine) = &row.quarantine {
        return format!("cannot be served: {}", quarantine.message);
    }
    if row.state.is_some() && !row.managed {
        return "an account that the agent does not manage: it is read, counted, and never changed".to_owned();
    }
    match row.state {
        Some(AccountState::Active) => active(case),
        Some(AccountState::Pending) => waits(case),
        Some(AccountState::Denied) if case.is_unasked() => unasked(case).to_owned(),
        Some(AccountState::Denied) => "was denied; not asked for again until approved".to_owned(),
        Some(AccountState::Suspended) if case.is_suspended_by_hand() => {
            "suspended in the backend by another hand; not resumed until approved".to_owned()
        }
        Some(AccountState::Suspended) => {
            let cause = case.known.account.as_ref().and_then(|account| account.suspension.as_ref()?.cause);
            cause.map_or_else(
                || "suspended".to_owned(),
                |cause| format!("suspended as a leaver: {}", leaving::words(cause)),
            )
        }
        None => no_account(case),
    }
}

/// Nobody denied anything.
fn unasked(case: &Case<'_>) -> &'static str {
    let is_adopted = case.known.account.as_ref().is_some_and(|account| account.adopted);
    match (is_adopted, case.is_wanted()) {
        (true, true) => "was adopted with its account, which held no seat; the next cycle gives a seat or a place",
        (false, true) => "has an account, and neither a seat nor a place; the next cycle gives one of the two",
        (_, false) => "has an account, and neither a seat nor a place",
    }
}

fn pools(case: &Case<'_>, word: SeatWord) -> String {
    let seats = case.row.seats.iter().filter(|seat| seat.state == word);
    seats.map(|seat| seat.pool.to_string()).collect::<Vec<_>>().join(", ")
}

fn active(case: &Case<'_>) -> String {
    let held = pools(case, SeatWord::Held);
    let waiting = pools(case, SeatWord::Waiting);
    match (waiting.is_empty(), &case.ring) {
        (true, _) if !case.unnamed().is_empty() => {
            format!("holds a seat of {held}; the config does not name {}, and the seat is kept", unnamed(case))
        }
        (true, _) => format!("holds a seat of {held}"),
        (false, None) => format!("holds a seat of {held} and {}", waits(case)),
        (false, Some(ring)) => format!(
            "holds a seat of {held} and waits for one of {waiting}, in a ring of movers between full pools ({ring}): each \
             holds a seat that another one waits for"
        ),
    }
}

fn unnamed(case: &Case<'_>) -> String {
    case.unnamed().iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn waits(case: &Case<'_>) -> String {
    let places = case.row.seats.iter().filter(|seat| seat.state == SeatWord::Waiting);
    let place = |seat: &SeatRow| match seat.position {
        Some(place) => format!("{}, at place {place}", seat.pool),
        None => seat.pool.to_string(),
    };
    let said = format!("waits for a seat of {}", places.map(place).collect::<Vec<_>>().join(" and of "));
    if let Some(stopped) = case.stopped {
        return format!("{said}; {}", stopped.in_words());
    }
    let no_seat = |seat: &&SeatRow| seat.reason == Some(WaitReason::NoSeat) && case.free(seat) > 0;
    match case.row.seats.iter().find(no_seat) {
        Some(seat) => format!(
            "{said}; {} free there, but promotion is manual, and nobody approved it yet",
            match case.free(seat) {
                1 => "1 seat is".to_owned(),
                free => format!("{free} seats are"),
            }
        ),
        None => said,
    }
}

fn no_account(case: &Case<'_>) -> String {
    match case.known.facts.as_ref().map(|facts| (facts.judgement.standing, facts.judgement.in_scope)) {
        Some((Standing::Disabled, _)) => "disabled in the directory; has no account and gets none".to_owned(),
        Some((Standing::Expired, _)) => "expired in the directory; has no account and gets none".to_owned(),
        Some((Standing::Enabled, true)) if case.settings.agent.dry_run => {
            "in scope; the next cycle would give an account".to_owned()
        }
        Some((Standing::Enabled, true)) => "in scope; the next cycle gives an account".to_owned(),
        Some((Standing::Enabled, false)) => "not in scope; has no account and gets none".to_owned(),
        None => "has no account".to_owned(),
    }
}
