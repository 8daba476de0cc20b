//! The questions asked after each pass: of the reference, and of what must hold whatever the reference says.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use seatsync::cycle::report::Preview;
use seatsync::model::change::{BackendState, GuardKind, HeldChange};
use seatsync::model::report::{ChangeKind, HeldKind, SyncReport, WaitingRow};
use seatsync::model::{Account, Assignment, PersonId, SeatState};

use super::reference::{self, Counted, Pass, Reference, Tally};
use super::setup::{Fault, Place, Setup, pool_name};

/// What is not as it should be.
pub type Problem = String;

pub fn same<T: PartialEq + Debug>(what: &str, got: &T, wanted: &T) -> Result<(), Problem> {
    if got == wanted {
        return Ok(());
    }
    Err(format!("{what}:\n   got {got:?}\nwanted {wanted:?}"))
}

/// One account in words, so that two can be compared and a difference be read.
fn describe(account: &Account) -> Vec<String> {
    let profile = &account.profile;
    let mut lines = vec![format!("{} {} {:?}", profile.user_name, profile.email, profile.display_name)];
    lines.extend(account.suspension.as_ref().map(|suspension| format!("suspended {}", suspension.at)));
    lines.extend(account.seats.iter().map(|seat| {
        let place = (seat.rank, seat.created, seat.fallback_for.as_deref());
        describe_seat(&seat.pool, seat.state, seat.since, seat.approved, place)
    }));
    lines
}

fn describe_seat(
    pool: &str,
    state: SeatState,
    since: jiff::Timestamp,
    approved: bool,
    (rank, created, fallback_for): (u32, jiff::Timestamp, Option<&str>),
) -> String {
    let place = match state {
        SeatState::Waiting(_) => format!(" rank {rank} created {created} for {fallback_for:?}"),
        _ => String::new(),
    };
    format!("{pool}: {state:?} since {since} approved {approved}{place}")
}

fn describe_expected(account: &reference::Account) -> Vec<String> {
    let profile = &account.profile;
    let mut lines = vec![format!("{} {} {:?}", profile.user_name, profile.email, profile.display_name)];
    lines.extend(account.suspended.map(|at| format!("suspended {at}")));
    lines.extend(account.seats.iter().map(|(pool, seat)| {
        let fallback_for = seat.fallback_for.map(pool_name);
        let place = (seat.rank, seat.created, fallback_for.as_deref());
        describe_seat(&pool_name(*pool), seat.state, seat.since, seat.approved, place)
    }));
    lines
}

/// Every account is just as the reference has it.
pub fn accounts(reference: &Reference, after: &BackendState, pools: usize) -> Result<(), Problem> {
    let managed = after.accounts.iter().filter_map(|account| Some((account.owner.clone()?, describe(account))));
    let got: BTreeMap<PersonId, Vec<String>> = managed.collect();
    let wanted: BTreeMap<PersonId, Vec<String>> =
        reference.accounts.iter().map(|(who, account)| (who.clone(), describe_expected(account))).collect();
    let everyone: BTreeSet<&PersonId> = got.keys().chain(wanted.keys()).collect();
    for who in everyone {
        if got.get(who) != wanted.get(who) {
            let line = |pool| format!("{:?}", reference::line(&reference.accounts, pool));
            let lines: Vec<String> = (0..pools).map(line).collect();
            return Err(format!(
                "the account of {who}:\n   got {:#?}\nwanted {:#?}\nqueues {lines:#?}",
                got.get(who),
                wanted.get(who)
            ));
        }
    }
    Ok(())
}

/// Never a seat more than bought, nor one more than before where there were too many; and the counts are true.
pub fn pools(setup: &Setup, before: &BackendState, after: &BackendState) -> Result<(), Problem> {
    for (index, pool) in setup.pools.iter().enumerate() {
        let name = pool_name(index);
        let held = |state: &BackendState| {
            let holds = |account: &&Account| account.seat(&name).is_some_and(Assignment::is_held);
            u32::try_from(state.accounts.iter().filter(holds).count()).expect("few")
        };
        let (now, earlier) = (held(after), held(before));
        if now > pool.seats && now > earlier {
            return Err(format!("{name}: {now} seats held of {} bought, {earlier} before", pool.seats));
        }
        if let Some(count) = after.pools.get(&name) {
            same("the seats held, as counted", &count.held, &now)?;
            let waits = |account: &&Account| account.seat(&name).is_some_and(Assignment::is_waiting);
            let waiting = u32::try_from(after.accounts.iter().filter(waits).count()).expect("few");
            same("those waiting, as counted", &count.waiting, &waiting)?;
        }
    }
    Ok(())
}

/// Accounts of another hand stay as they are.
pub fn strangers(before: &BackendState, after: &BackendState) -> Result<(), Problem> {
    let unmanaged = |state: &BackendState| -> Vec<Account> {
        state.accounts.iter().filter(|account| !account.is_managed()).cloned().collect()
    };
    same("the unmanaged accounts", &unmanaged(after), &unmanaged(before))
}

/// Whoever lost a seat either left, for all that anybody can see, or has another seat, or is not to have this one.
pub fn holders(setup: &Setup, before: &BackendState, after: &BackendState, faults: &[Fault]) -> Result<(), Problem> {
    let held = |account: &Account| -> BTreeSet<_> {
        account.seats.iter().filter(|seat| seat.is_held()).map(|seat| seat.pool.clone()).collect()
    };
    for account in &before.accounts {
        let Some(owner) = &account.owner else { continue };
        let now = after.accounts.iter().find(|other| other.owner.as_ref() == Some(owner)).map(held).unwrap_or_default();
        let was = held(account);
        let lost: Vec<_> = was.difference(&now).collect();
        if lost.is_empty() {
            continue;
        }
        let index = (0..setup.people.len()).find(|index| setup.who(*index) == *owner).expect("somebody we know");
        let person = &setup.people[index];
        if matches!(faults[person.directory], Fault::Fails | Fault::Partial(_)) {
            return Err(format!("{owner} lost {lost:?} though the directory was not read whole"));
        }
        let asks: Vec<_> = setup.asks(index).into_iter().map(pool_name).collect();
        let stays = person.place == Place::Enabled && !asks.is_empty();
        if stays && lost.iter().any(|pool| asks.contains(pool)) && now.is_empty() {
            return Err(format!("{owner} lost {lost:?} and got nothing, though nothing says that they left"));
        }
        if stays && !setup.match_all && now.is_empty() {
            return Err(format!("{owner} lost {lost:?} and got nothing for it"));
        }
    }
    Ok(())
}

/// Positions from 1 without gaps, in the order of the reference.
pub fn queues(reference: &Reference, report: &SyncReport, pools: usize) -> Result<(), Problem> {
    for index in 0..pools {
        let pool = pool_name(index);
        let rows = report.waiting.iter().filter(|row| row.pool == pool).map(|row| (row.position, row.anchor));
        let line = reference::line(&reference.accounts, index);
        let line = (1..).zip(line).map(|(position, who)| (position, Some(who.anchor)));
        same("the queue", &rows.collect::<Vec<_>>(), &line.collect())?;
    }
    Ok(())
}

/// What is held back, and with which numbers.
pub fn held(expected: &Pass, report: &SyncReport, changes: &BTreeSet<HeldChange>) -> Result<(), Problem> {
    let row = |row: &seatsync::model::report::HeldRow| {
        let kind = if row.kind == HeldKind::Renaming { GuardKind::Renaming } else { GuardKind::Leaving };
        let number = |number: u64| usize::try_from(number).expect("few");
        let tally = Tally {
            count: number(row.count),
            recent: number(row.recent),
            of: number(row.of),
            limit: number(row.limit),
        };
        ((row.directory.clone(), kind), tally)
    };
    let got: BTreeMap<_, _> = report.held.iter().flatten().map(row).collect();
    same("what is held back", &got, &expected.held)?;
    let changes: BTreeSet<(PersonId, String, String)> =
        changes.iter().map(|held| (held.person.clone(), held.change.clone(), held.value.clone())).collect();
    let owned = |(who, change, value): &Counted| (who.clone(), (*change).to_owned(), value.clone());
    same("the changes held back", &changes, &expected.held_changes.iter().map(owned).collect())?;
    same("whether there is a fingerprint", &report.fingerprint.is_some(), &!changes.is_empty())
}

/// What a plan foretells is what the backend makes of it.
pub fn forecast(preview: &Preview, report: &SyncReport) -> Result<(), Problem> {
    same("the pools, as foretold", &preview.report.pools, &report.pools)?;
    let queue = |rows: &[WaitingRow]| -> BTreeSet<_> {
        rows.iter().map(|row| (row.pool.clone(), row.position, row.anchor, format!("{:?}", row.reason))).collect()
    };
    same("who waits, as foretold", &queue(&preview.report.waiting), &queue(&report.waiting))?;
    let people = |kind: ChangeKind| {
        let rows = preview.report.changes.iter().filter(|row| row.change == kind && !row.held);
        rows.map(|row| (row.directory.clone(), row.anchor)).collect::<BTreeSet<_>>().len() as u64
    };
    let done = &report.changes;
    let counts = [
        (ChangeKind::Provision, done.provisioned),
        (ChangeKind::Promote, done.promoted),
        (ChangeKind::Move, done.moved),
        (ChangeKind::Update, done.updated),
        (ChangeKind::Suspend, done.suspended),
        (ChangeKind::Resume, done.resumed),
        (ChangeKind::Remove, done.removed),
    ];
    for (kind, done) in counts {
        same(&format!("how many {}, as foretold", kind.as_str()), &people(kind), &done)?;
    }
    Ok(())
}
