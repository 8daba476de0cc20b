//! What would change it, and who can.

use super::held::HeldBack;
use super::{Case, leaving, list, outside};
use crate::model::memory::{Absence, EXCLUDED, IN_NO_GROUP, MATCHED_BY_NO_POOL};
use crate::model::report::{SeatRow, SeatWord, Stopped, UserRow};
use crate::model::user::Defect;
use crate::model::{AccountState, LeaveCause, Standing, WaitReason};

pub(super) fn sentences(case: &Case<'_>) -> Vec<String> {
    let row = &case.row;
    let mut advice = Vec::new();
    if case.settings.agent.dry_run && is_served_next(case) {
        advice.push("`dry_run = false` in the section [agent] of the config".to_owned());
    }
    if case.is_unasked() && case.is_wanted() && row.managed && row.quarantine.is_none() {
        advice.push("`seatsync sync`, or the next cycle of the agent".to_owned());
    }
    if case.known.taken.as_ref().is_some_and(|taken| taken.approval.is_none()) && row.seats.is_empty() {
        advice.push(approval(row));
    }
    if let Some(held) = &case.held {
        advice.push(format!("{}{}", instead(case, held), held.advice()));
    }
    if let Some((problem, name)) = case.partial().zip(case.known.directory.as_ref()) {
        advice.push(format!("a read of {name} that comes to its end; the last one did not: {problem}"));
    }
    if let Some(pools) = &case.ring {
        advice.push(format!(
            "one more seat in any pool of the ring {pools}, or somebody who leaves one of them: then its people move, in \
             the order of the queues"
        ));
    }
    if row.state.is_some() && !row.managed {
        advice.push("an entry of a directory that it belongs to as backend.adopt says: it is then adopted".to_owned());
        return advice;
    }
    if let Some(quarantine) = &row.quarantine {
        advice.push(match quarantine.reason {
            Defect::Conflict => format!("an end of the conflict: {}", quarantine.message),
            _ => format!("a usable value of {} in the directory", quarantine.attribute),
        });
    }
    advice.extend(of_places(case));
    if row.seats.iter().any(|seat| seat.state == SeatWord::Denied) {
        advice.push(approval(row));
    }
    advice.extend(case.unnamed().into_iter().map(|pool| {
        format!(
            "`seatsync pending release {} --pool {pool}`, which takes the seat back, or {pool} in the config again",
            name(row)
        )
    }));
    advice.extend(coming_back(case));
    advice
}

/// Whether somebody has no seat yet and would get one, or a place, but for a dry run.
fn is_served_next(case: &Case<'_>) -> bool {
    case.is_wanted() && !matches!(case.row.state, Some(AccountState::Active | AccountState::Suspended))
}

/// What keeps somebody from what is held back, before what lets it through.
fn instead(case: &Case<'_>, held: &HeldBack) -> &'static str {
    match leaving::cause(&case.known).filter(|_| held.takes()) {
        _ if held.concerns_scope() && held.takes() => "the base or group being there again: ",
        _ if held.concerns_scope() => "the base or group being there again, or ",
        Some(LeaveCause::Disabled) => "being enabled in the directory again: ",
        Some(LeaveCause::Expired) => "a later expiry in the directory: ",
        Some(LeaveCause::Deleted) => "being in the directory again: ",
        Some(LeaveCause::OutOfScope) => "being in scope again, in the directory or by the config: ",
        None if held.takes() => "the directory or the config as it was: ",
        None => "",
    }
}

/// What gets somebody who waits a seat, and what must be before, where nothing else names it.
fn of_places(case: &Case<'_>) -> Vec<String> {
    let first = match case.stopped {
        Some(Stopped::Leaver) if leaves_by_standing(case) => Some("being enabled in the directory again"),
        Some(Stopped::Missing) => Some("being found in the directory again"),
        _ => None,
    };
    let then = if case.stopped.is_some() { "and then " } else { "" };
    let waits = case.row.seats.iter().filter(|seat| seat.state == SeatWord::Waiting);
    let seats = waits.map(|seat| format!("{then}{}", of_seat(case, seat)));
    first.map(str::to_owned).into_iter().chain(seats).collect()
}

fn leaves_by_standing(case: &Case<'_>) -> bool {
    case.known.facts.as_ref().is_some_and(|facts| facts.judgement.standing != Standing::Enabled)
}

/// Of those who are out of scope, gone or suspended.
fn coming_back(case: &Case<'_>) -> Vec<String> {
    let mut advice = Vec::new();
    let judgement = case.known.facts.as_ref().map(|facts| &facts.judgement);
    if case.known.absence == Some(Absence::Gone(LeaveCause::OutOfScope)) {
        advice.extend(entering(case));
    } else if judgement.is_some_and(|judgement| !judgement.in_scope) {
        advice.extend(scope(case));
    }
    let enabled = judgement.is_none_or(|judgement| judgement.standing == Standing::Enabled);
    match case.row.state {
        _ if case.is_suspended_by_hand() => advice.push(approval(&case.row)),
        Some(AccountState::Suspended) => {
            advice.push(format!(
                "being enabled and in scope again: the account is then resumed{}",
                resumed_with(&case.row)
            ));
        }
        None if !enabled => advice.push("being enabled in the directory again".to_owned()),
        _ => {}
    }
    advice
}

/// What a suspended account comes back to (rule 15).
fn resumed_with(row: &UserRow) -> String {
    let held: Vec<&str> =
        row.seats.iter().filter(|seat| seat.state == SeatWord::Held).map(|seat| &*seat.pool).collect();
    if held.is_empty() {
        ", and takes a seat or a place by the day of its first asking".to_owned()
    } else {
        format!(", and goes on with its seat of {}", held.join(", "))
    }
}

/// What brings the entry of somebody whom base or filter keeps out under them: as the directory said, where it was asked.
fn entering(case: &Case<'_>) -> Vec<String> {
    if !case.needed.is_empty() {
        return case.needed.clone();
    }
    let Some(directory) = outside::of(case.settings, case.known.directory.as_ref()) else { return Vec::new() };
    let filter = directory.filter.as_ref().map(|filter| format!(" and fitting filter ({filter})")).unwrap_or_default();
    vec![format!(
        "being under one of base ({}){filter} again, in the directory or by the config",
        list(&directory.bases)
    )]
}

/// What somebody whom groups or pools keep out must be to be in scope: by those alone that say no.
fn scope(case: &Case<'_>) -> Option<String> {
    let because = &case.known.facts.as_ref()?.judgement.because;
    let directory = outside::of(case.settings, case.known.directory.as_ref());
    let says = |line: &str| because.iter().any(|known| known == line);
    let groups = directory.filter(|_| says(IN_NO_GROUP));
    let excluding = directory.filter(|_| says(EXCLUDED));
    let needed = [
        groups.map(|directory| format!("a member of one of directory.groups ({})", list(&directory.groups))),
        excluding.map(|directory| format!("of none of exclude_groups ({})", list(&directory.exclude_groups))),
        says(MATCHED_BY_NO_POOL).then(|| "a member of a group of one of the pools".to_owned()),
    ];
    let needed: Vec<String> = needed.into_iter().flatten().collect();
    (!needed.is_empty()).then(|| format!("being {}", needed.join(", and ")))
}

fn of_seat(case: &Case<'_>, seat: &SeatRow) -> String {
    let approve = approval(&case.row);
    match (seat.reason, seat.position) {
        (Some(WaitReason::NoSeat), _) if case.free(seat) > 0 => {
            format!("{approve}: a seat of {} is free, and promotion is manual", seat.pool)
        }
        (Some(WaitReason::NoSeat), Some(position)) if !seat.approved && case.by_hand() => format!(
            "{approve}, since promotion is manual, and a free seat of {}: now at place {position}, and then before all \
             of the same rank who are not approved",
            seat.pool
        ),
        (Some(WaitReason::NoSeat), Some(1)) => format!("one free seat of {}: it is given by itself", seat.pool),
        (Some(WaitReason::NoSeat), Some(position)) => {
            format!("{position} free seats of {}, one for each up to place {position}: given by themselves", seat.pool)
        }
        (Some(WaitReason::DomainNotApproved), _) => format!("the mail domain in seats.approved_domains, or {approve}"),
        _ => approve,
    }
}

fn approval(row: &UserRow) -> String {
    format!("`seatsync pending approve {}`", name(row))
}

fn name(row: &UserRow) -> String {
    row.user_name.clone().or_else(|| row.anchor.map(|anchor| anchor.to_string())).unwrap_or_default()
}
