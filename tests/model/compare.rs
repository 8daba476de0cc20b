//! The questions asked after each cycle: of the reference, and of what must hold whatever the reference says.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use seatsync::model::change::BackendState;
use seatsync::model::memory::{Absence, Known};
use seatsync::model::report::{CycleOutcome, HeldKind, HeldRow, PlanReport, SyncReport, WaitingRow};
use seatsync::model::{Account, Assignment, LeaveCause, SeatState, WaitReason};
use seatsync::ports::{Accounts as _, Mirror as _};
use seatsync::state::State;

use super::company::{Company, Time, Who};
use super::guard::{HeldBack, Kind};
use super::names::{directory_name, mail, minutes, pool_name, pool_of, who_of};
use super::reference::{Foresight, Reference};
use super::seats::{self, Accounts};

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
    words.push(account.profile.email.clone());
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
fn expected(who: Who, account: &seats::Account) -> Vec<String> {
    let mut words: Vec<String> = account.suspended.iter().map(|_| "suspended".to_owned()).collect();
    words.push(format!("nickname {}", account.nickname));
    words.push(mail(who, account.address));
    words.extend(account.seats.iter().filter_map(|(pool, assignment)| {
        let state = match assignment.state {
            seats::State::Held => "held".to_owned(),
            seats::State::Waiting => reason(assignment.reason()),
            seats::State::Denied => "denied".to_owned(),
            seats::State::Past | seats::State::Reserved => return None,
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
    let wanted: BTreeMap<Who, Vec<String>> =
        reference.iter().map(|(who, account)| (*who, expected(*who, account))).collect();
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
pub fn limits(company: &Company, before: &Reference, after: &BackendState) -> Result<(), Problem> {
    for (pool, rule) in company.pools.iter().enumerate() {
        let name = pool_name(pool);
        let was = seats::held(&before.accounts, pool) + before.held_by_strangers(pool);
        let is = counted(after, &name, Assignment::is_held);
        if is > rule.seats && is > was {
            return Err(format!("{name}: {is} seats held of {} bought, {was} before", rule.seats));
        }
        same("seats bought", &after.pools.get(&name).map(|count| count.seats), &Some(rule.seats))?;
    }
    Ok(())
}

/// What the state remembers is what the ledger said last, and what another hand took away since.
pub fn remembered(state: &State, reference: &Reference, after: &BackendState) -> Result<(), Problem> {
    let remembered = state.remembered().map_err(|error| error.to_string())?;
    let taken = |who: Who, pool: &str| {
        let seat = pool_of(pool).and_then(|pool| reference.accounts.get(&who)?.seats.get(&pool));
        seat.is_some_and(|seat| seat.state == seats::State::Past && seat.gate == Some(WaitReason::RemovedElsewhere))
    };
    let known: BTreeSet<_> = remembered
        .iter()
        .map(|(person, known)| {
            let who = who_of(person.anchor);
            let held = known.held.iter().map(ToString::to_string).filter(|pool| !taken(who, pool));
            (who, held.collect::<BTreeSet<_>>(), known.suspended)
        })
        .collect();
    let real: BTreeSet<_> = managed(after)
        .map(|(who, account)| {
            let held = account.seats.iter().filter(|seat| seat.is_held()).map(|seat| seat.pool.to_string());
            (who, held.collect::<BTreeSet<_>>(), account.suspension.is_some())
        })
        .collect();
    same("the accounts as remembered", &known, &real)
}

/// The report: how it went, pools, and who waits at which place.
pub fn report(
    company: &Company,
    reference: &Reference,
    foresight: &Foresight,
    report: &SyncReport,
) -> Result<(), Problem> {
    // Of whom another hand deleted it is said at every cycle.
    let failed: Vec<_> = report.problems.iter().filter(|problem| problem.code != "removed_elsewhere").collect();
    same("accounts refused", &failed, &Vec::new())?;
    let outcome = match (foresight.sights.frozen.len(), foresight.sights.unread.len()) {
        (0, _) if foresight.after.held.is_empty() => CycleOutcome::Ok,
        (0, _) => CycleOutcome::Held,
        (_, unread) if unread == company.directories => CycleOutcome::Failed,
        _ => CycleOutcome::Partial,
    };
    same("the outcome", &report.outcome, &outcome)?;
    held(&foresight.after.held, report)?;
    for (pool, rule) in company.pools.iter().enumerate() {
        let row = report.pools.iter().find(|row| pool_of(&row.name) == Some(pool));
        let held = seats::held(&reference.accounts, pool) + reference.held_by_strangers(pool);
        let queue = seats::queue(&reference.accounts, pool);
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

/// What is held back, for how many people, and by which numbers.
fn held(expected: &HeldBack, report: &SyncReport) -> Result<(), Problem> {
    let row = |row: &HeldRow| {
        let directory = (0..2).find(|directory| directory_name(*directory) == row.directory);
        (directory, row.kind == HeldKind::Renaming, row.count, row.recent, row.of, row.limit)
    };
    let real: BTreeSet<_> = report.held.iter().flatten().map(row).collect();
    let expected = expected.iter().map(|((directory, kind), held)| {
        let people: BTreeSet<Who> = held.changes.iter().map(|change| change.who()).collect();
        let number = |number: usize| u64::try_from(number).expect("few");
        let (count, recent) = (number(people.len()), number(held.recent));
        (Some(*directory), *kind == Kind::Renaming, count, recent, number(held.of), number(held.limit))
    });
    same("directory, renaming, count, recent, of, limit of what is held", &real, &expected.collect())?;
    same("whether there is a fingerprint", &report.fingerprint.is_some(), &!real.is_empty())
}

/// What `plan` foretold is what `sync` came to.
pub fn forecast(plan: &PlanReport, report: &SyncReport) -> Result<(), Problem> {
    same("the pools, as foretold", &plan.pools, &report.pools)?;
    let queue = |rows: &[WaitingRow]| -> Vec<_> {
        rows.iter().map(|row| (row.pool.clone(), row.position, row.anchor, row.reason, row.since)).collect()
    };
    same("who waits, as foretold", &queue(&plan.waiting), &queue(&report.waiting))
}

/// Nicknames and mail addresses.
pub fn attributes(state: &BackendState) -> BTreeMap<Who, (u8, (u8, bool))> {
    let of = |(who, account): (Who, &Account)| {
        let nickname = (0..9).find(|nickname| account.profile.display_name == Some(format!("nickname {nickname}")))?;
        let addresses = (0..9).flat_map(|number| [(number, false), (number, true)]);
        let address = addresses.into_iter().find(|address| mail(who, *address) == account.profile.email)?;
        Some((who, (nickname, address)))
    };
    managed(state).filter_map(of).collect()
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
