//! The questions asked after each cycle: of the reference, and of what must hold whatever the reference says.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use seatsync::model::change::BackendState;
use seatsync::model::memory::{Absence, Known};
use seatsync::model::report::{CycleOutcome, PlanReport, SyncReport, WaitingRow};
use seatsync::model::{Account, Assignment, LeaveCause, SeatState, WaitReason};
use seatsync::ports::{Accounts as _, Mirror as _};
use seatsync::state::State;

use super::company::{Company, Time, Who};
use super::names::{directory_name, minutes, pool_name, pool_of, who_of};
use super::reference::{self, Accounts, Foresight, Reference};

/// What is not as it should be.
pub type Problem = String;

pub fn same<T: PartialEq + Debug>(what: &str, real: &T, expected: &T) -> Result<(), Problem> {
    if real == expected { Ok(()) } else { Err(format!("{what}:\n    real {real:?}\nexpected {expected:?}")) }
}

fn seat(pool: &str, state: &str, since: Time, approved: bool) -> String {
    format!("{pool}: {state} since {since}{}", if approved { ", approved" } else { "" })
}

fn reason(reason: WaitReason) -> String {
    format!("waits ({reason:?})")
}

/// One account in words.
fn real(account: &Account) -> Vec<String> {
    let mut words: Vec<String> = account.suspension.iter().map(|_| "suspended".to_owned()).collect();
    words.push(account.profile.display_name.clone().unwrap_or_default());
    words.extend(account.seats.iter().filter_map(|assignment| {
        let state = match assignment.state {
            SeatState::Held => "held".to_owned(),
            SeatState::Waiting(why) => reason(why),
            SeatState::Denied => "denied".to_owned(),
            SeatState::Past(_) => return None,
        };
        Some(seat(&assignment.pool, &state, minutes(assignment.since), assignment.approved))
    }));
    words.sort();
    words
}

/// The same of the reference.
fn expected(account: &reference::Account) -> Vec<String> {
    let mut words: Vec<String> = account.suspended.iter().map(|_| "suspended".to_owned()).collect();
    words.push(format!("nickname {}", account.nickname));
    words.extend(account.seats.iter().filter_map(|(pool, assignment)| {
        let state = match assignment.state {
            reference::State::Held => "held".to_owned(),
            reference::State::Waiting => reason(assignment.reason()),
            reference::State::Denied => "denied".to_owned(),
            reference::State::Past | reference::State::Reserved => return None,
        };
        Some(seat(&pool_name(*pool), &state, assignment.since, assignment.approved))
    }));
    words.sort();
    words
}

fn managed(state: &BackendState) -> impl Iterator<Item = (Who, &Account)> {
    state.accounts.iter().filter_map(|account| Some((who_of(account.owner.as_ref()?.anchor), account)))
}

/// Person by person.
pub fn accounts(company: &Company, reference: &Accounts, after: &BackendState) -> Result<(), Problem> {
    let real: BTreeMap<Who, Vec<String>> = managed(after).map(|(who, account)| (who, real(account))).collect();
    let wanted: BTreeMap<Who, Vec<String>> = reference.iter().map(|(who, account)| (*who, expected(account))).collect();
    for who in 0..company.people.len() {
        same(&format!("the account of {who}"), &real.get(&who), &wanted.get(&who))?;
    }
    Ok(())
}

fn counted(state: &BackendState, pool: &str, is: fn(&Assignment) -> bool) -> u32 {
    let has = |account: &&Account| account.seat(pool).is_some_and(is);
    u32::try_from(state.accounts.iter().filter(has).count()).expect("few")
}

/// The counters tell what is so.
pub fn counts(after: &BackendState) -> Result<(), Problem> {
    for (name, count) in &after.pools {
        same("seats held, as counted", &count.held, &counted(after, name, Assignment::is_held))?;
        same("people waiting, as counted", &count.waiting, &counted(after, name, Assignment::is_waiting))?;
    }
    Ok(())
}

/// Never a seat more than bought; where there are too many, not one more than before.
pub fn limits(company: &Company, before: &BackendState, after: &BackendState) -> Result<(), Problem> {
    for (pool, rule) in company.pools.iter().enumerate() {
        let name = pool_name(pool);
        let (was, is) = (counted(before, &name, Assignment::is_held), counted(after, &name, Assignment::is_held));
        if is > rule.seats && is > was {
            return Err(format!("{name}: {is} seats held of {} bought, {was} before", rule.seats));
        }
        same("seats bought", &after.pools.get(&name).map(|count| count.seats), &Some(rule.seats))?;
    }
    Ok(())
}

/// What the state remembers is what the ledger said last.
pub fn remembered(state: &State, after: &BackendState) -> Result<(), Problem> {
    let remembered = state.remembered().map_err(|error| error.to_string())?;
    let known = remembered.iter().map(|(person, known)| {
        let mut held: Vec<_> = known.held.iter().map(ToString::to_string).collect();
        held.sort();
        (who_of(person.anchor), held, known.suspended)
    });
    let real = managed(after).map(|(who, account)| {
        let mut held: Vec<_> = account.seats.iter().filter(|seat| seat.is_held()).map(|s| s.pool.to_string()).collect();
        held.sort();
        (who, held, account.suspension.is_some())
    });
    let sorted = |mut rows: Vec<_>| {
        rows.sort();
        rows
    };
    same("the accounts as remembered", &sorted(known.collect()), &sorted(real.collect()))
}

/// The report: how it went, pools, and who waits at which place.
pub fn report(
    company: &Company,
    reference: &Reference,
    foresight: &Foresight,
    report: &SyncReport,
) -> Result<(), Problem> {
    same("accounts refused", &report.problems, &Vec::new())?;
    let outcome = match (foresight.sights.frozen.len(), foresight.sights.unread.len()) {
        (0, _) => CycleOutcome::Ok,
        (_, unread) if unread == company.directories => CycleOutcome::Failed,
        _ => CycleOutcome::Partial,
    };
    same("the outcome", &report.outcome, &outcome)?;
    for (pool, rule) in company.pools.iter().enumerate() {
        let row = report.pools.iter().find(|row| pool_of(&row.name) == Some(pool));
        let held = reference::held(&reference.accounts, pool);
        let queue = reference::queue(&reference.accounts, pool);
        let wanted = (rule.seats, held, u32::try_from(queue.len()).expect("few"), rule.seats.saturating_sub(held));
        let row = row.map(|row| (row.seats, row.held, row.waiting, row.free));
        same(&format!("seats, held, waiting, free of {}", pool_name(pool)), &row, &Some(wanted))?;
        let rows = report.waiting.iter().filter(|row| pool_of(&row.pool) == Some(pool));
        let rows: Vec<_> = rows.map(|row| (row.position, row.anchor.map(who_of))).collect();
        let wanted: Vec<_> = (1..).zip(queue.into_iter().map(Some)).collect();
        same(&format!("the queue of {}", pool_name(pool)), &rows, &wanted)?;
    }
    Ok(())
}

/// What `plan` foretold is what `sync` came to.
pub fn forecast(plan: &PlanReport, report: &SyncReport) -> Result<(), Problem> {
    same("the pools, as foretold", &plan.pools, &report.pools)?;
    let queue = |rows: &[WaitingRow]| -> Vec<_> {
        rows.iter().map(|row| (row.pool.clone(), row.position, row.anchor, row.reason, row.since)).collect()
    };
    same("who waits, as foretold", &queue(&plan.waiting), &queue(&report.waiting))
}

pub fn nicknames(state: &BackendState) -> BTreeMap<Who, u8> {
    let nickname = |account: &Account| account.profile.display_name.as_ref()?.strip_prefix("nickname ")?.parse().ok();
    managed(state).filter_map(|(who, account)| Some((who, nickname(account)?))).collect()
}

/// When people were first seen, and who was looked for in vain, as the mirror has it.
pub fn mirror(company: &Company, state: &State) -> (BTreeMap<Who, Time>, BTreeSet<Who>) {
    let known = |directory| state.load(&directory_name(directory)).expect("the mirror");
    let known: Vec<Known> = (0..company.directories).flat_map(known).collect();
    let is_missed =
        |known: &&Known| matches!(known.absence, Some(Absence::Missing { .. } | Absence::Gone(LeaveCause::Deleted)));
    let missed = known.iter().filter(is_missed).map(|known| who_of(known.anchor)).collect();
    (known.iter().map(|known| (who_of(known.anchor), minutes(known.first_seen))).collect(), missed)
}
