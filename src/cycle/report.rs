//! What people and programs are told of a cycle: values made of values.

mod kept;
mod people;
mod recovered;
mod unapplied;

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::CycleError;
use super::people::unproven;
use super::reading::{DirectoryRead, Readings};
use crate::apply::{Applied, Refusal};
use crate::desired::{Desired, Wish};
use crate::model::change::{BackendState, GuardKind, HeldChange};
use crate::model::memory::Held;
use crate::model::report::{
    ChangeCounts, ChangeKind, CycleOutcome, DirectoryReport, HeldKind, HeldRow, PlanReport, PlanRow, PoolRow,
    ProblemRow, Stopped, SyncReport, WaitingRow, seconds,
};
use crate::model::snapshot::{Found, ScopeKey};
use crate::model::{Account, Anchor, Assignment, LeaveCause, Name, PersonId, SeatState, WaitReason};
use crate::plan::Plan;
use crate::plan::effects::{self, Change, Effect, Verb};
use crate::plan::fingerprint::fingerprint;
use crate::plan::seats::{Queued, positions};
use crate::plan::wants::{self, Standstill};

pub use kept::{held_still, unread};
pub use recovered::with_recovered;
pub use unapplied::would;

/// A plan's report, and what a confirmation of it would let through.
#[derive(Debug)]
pub struct Preview {
    pub report: PlanReport,
    pub held: Option<Held>,
}

impl Preview {
    /// The next cycle fails with this, to be sure of what it read; what is planned is what the one after it does.
    pub fn comes_after(&mut self, error: &CycleError) {
        let message =
            format!("the next cycle fails, to be sure, and the one after it does what is planned here: {error}");
        self.report.problems.insert(0, ProblemRow::general("went_back", message));
        self.report.outcome = self.report.outcome.max(CycleOutcome::Partial);
    }
}

/// The report of a cycle that came to its end.
#[must_use]
#[expect(clippy::too_many_arguments, reason = "a report is made of everything the cycle knows")]
pub fn of_cycle(
    cycle: u64,
    started: Timestamp,
    elapsed: Duration,
    readings: &Readings,
    desired: &Desired<'_>,
    plan: &Plan,
    current: &BackendState,
    applied: &Applied,
    after: &[Account],
) -> SyncReport {
    let happened = applied.effects(&current.accounts);
    let mut problems = problem_rows(plan, applied.refusals(), desired, &current.accounts);
    let stopped = applied.stopped();
    let at_least = stopped.as_ref().map_or(CycleOutcome::Ok, |_| CycleOutcome::Partial);
    problems.extend(stopped);
    let mut changes = counts(&happened);
    changes.failed = applied.failed();
    changes.held =
        plan.changes.iter().filter(|change| change.held).map(|change| &change.person).collect::<BTreeSet<_>>().len()
            as u64;
    let held_changes = held_changes(readings, plan);
    SyncReport {
        cycle,
        outcome: outcome(readings, &held_changes, changes.failed).max(at_least),
        directories: readings.0.iter().map(|read| directory_row(read, desired)).collect(),
        changes,
        pools: pool_rows(plan, current, applied),
        held: held_rows(readings, plan),
        fingerprint: fingerprint(&held_changes),
        problems,
        seconds: seconds(elapsed),
        started,
        granted: people::granted(&happened, after),
        waiting: waiting_rows(after, &|person| people::stopped(plan, desired, person)),
        lost: people::lost(&happened, &current.accounts, after),
        elsewhere: Vec::new(),
        standby: None,
        would: None,
    }
}

/// The report of a plan. `refusals`: what the backend would refuse of it.
#[must_use]
pub fn of_plan(
    elapsed: Duration,
    readings: &Readings,
    desired: &Desired<'_>,
    plan: &Plan,
    accounts: &[Account],
    refusals: Vec<Refusal>,
) -> Preview {
    let called = |person: &PersonId| people::profile(person, desired, accounts)?.display_name.clone();
    let waiting =
        |row: &effects::Waiting| planned_wait(row, called(&row.person), people::stopped(plan, desired, &row.person));
    let held_changes = held_changes(readings, plan);
    let report = PlanReport {
        outcome: outcome(readings, &held_changes, 0),
        fingerprint: fingerprint(&held_changes),
        held: held_rows(readings, plan),
        changes: plan.changes.iter().map(|change| plan_row(change, called(&change.person))).collect(),
        waiting: plan.waiting.iter().map(waiting).collect(),
        pools: plan.pools.iter().map(PoolRow::from).collect(),
        quarantined: people::quarantined(readings, plan),
        directories: readings.0.iter().map(|read| directory_row(read, desired)).collect(),
        problems: problem_rows(plan, refusals, desired, accounts),
        seconds: seconds(elapsed),
    };
    let held = report.fingerprint.as_ref().map(|fingerprint| Held {
        fingerprint: fingerprint.clone(),
        changes: held_changes,
        report: to_json(&report.held),
    });
    Preview { report, held }
}

/// JSON of a report. Reports hold nothing that JSON cannot say.
#[must_use]
pub fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|error| format!("{{\"error\":\"{error}\"}}"))
}

fn outcome(readings: &Readings, held: &BTreeSet<HeldChange>, failed: u64) -> CycleOutcome {
    if readings.0.iter().all(|read| read.snapshot.is_none()) {
        CycleOutcome::Failed
    } else if !readings.are_complete() {
        CycleOutcome::Partial
    } else if !held.is_empty() {
        CycleOutcome::Held
    } else if failed > 0 {
        CycleOutcome::SomeFailed
    } else {
        CycleOutcome::Ok
    }
}

/// Everything that waits for a confirmation: changes of people, and scope objects that were replaced.
#[must_use]
pub fn held_changes(readings: &Readings, plan: &Plan) -> BTreeSet<HeldChange> {
    let scope = replaced(readings).map(|(directory, _, old, new)| HeldChange {
        person: PersonId::new(directory.clone(), old),
        change: "scope".to_owned(),
        value: new.map(|new| new.to_string()).unwrap_or_default(),
    });
    plan.held_changes.iter().cloned().chain(scope).collect()
}

fn replaced(readings: &Readings) -> impl Iterator<Item = (&Name, &ScopeKey, Anchor, Option<Anchor>)> {
    let found = readings.0.iter().filter_map(|read| Some((&read.name, read.snapshot.as_ref()?)));
    found.flat_map(|(name, snapshot)| {
        snapshot.scope.iter().filter_map(move |(key, found)| match found {
            Found::Replaced { old, new } => Some((name, key, *old, *new)),
            _ => None,
        })
    })
}

fn held_rows(readings: &Readings, plan: &Plan) -> Option<Vec<HeldRow>> {
    let of_people = plan.held.iter().map(|held| HeldRow {
        directory: held.directory.clone(),
        kind: match held.kind {
            GuardKind::Leaving => HeldKind::Leaving,
            GuardKind::Renaming => HeldKind::Renaming,
        },
        count: held.count.into(),
        recent: held.recent.into(),
        of: held.of.into(),
        limit: held.limit.into(),
        old: None,
        new: None,
        dn: None,
    });
    let of_scope = replaced(readings).map(|(directory, key, old, new)| HeldRow {
        directory: directory.clone(),
        kind: HeldKind::Scope,
        count: 1,
        recent: 0,
        of: 1,
        limit: 0,
        old: Some(old),
        new,
        dn: Some(key.dn.to_string()),
    });
    let rows: Vec<HeldRow> = of_people.chain(of_scope).collect();
    (!rows.is_empty()).then_some(rows)
}

fn directory_row(read: &DirectoryRead, desired: &Desired<'_>) -> DirectoryReport {
    let mine = |wish: &&(PersonId, Wish<'_>)| wish.0.directory == read.name;
    let (mut users, mut quarantined) = (read.others, 0);
    for (_, wish) in desired.wishes.iter().filter(mine) {
        users += u64::from(matches!(wish, Wish::Seats { .. } | Wish::Quarantined { .. }));
        quarantined += u64::from(matches!(wish, Wish::Quarantined { .. }));
    }
    let snapshot = read.snapshot.as_ref();
    DirectoryReport {
        name: read.name.clone(),
        mode: read.mode,
        complete: snapshot.is_some_and(|snapshot| snapshot.partial.is_none()),
        entries: snapshot.map_or(0, |snapshot| snapshot.entries),
        users,
        quarantined: quarantined + snapshot.map_or(0, |snapshot| snapshot.unidentified.len() as u64),
        foreign: snapshot.map_or(0, |snapshot| snapshot.foreign),
        dangling: snapshot.map_or(0, |snapshot| snapshot.dangling),
        seconds: seconds(read.elapsed),
        problem: read
            .problem
            .clone()
            .or_else(|| Some(snapshot?.partial.as_ref()?.message.clone()))
            .or_else(|| joined(notes(read, desired))),
    }
}

/// What somebody should know of a read that was whole.
fn notes(read: &DirectoryRead, desired: &Desired<'_>) -> impl Iterator<Item = String> {
    let notes = [
        renamed(read),
        people::followed(read),
        people::missed(read, desired),
        people::listed_before(read),
        unproven(&read.located),
    ];
    notes.into_iter().flatten()
}

fn joined(notes: impl Iterator<Item = String>) -> Option<String> {
    let all: Vec<String> = notes.collect();
    (!all.is_empty()).then(|| all.join("; "))
}

/// A scope object that was followed to a new place: nothing is wrong, but somebody should know.
fn renamed(read: &DirectoryRead) -> Option<String> {
    let snapshot = read.snapshot.as_ref()?;
    let moved = |(key, found): (&_, &Found)| {
        let Found::Here { dn, .. } = found else { return None };
        let pin = read.pins.get(key)?;
        let same = crate::model::Dn::parse(&pin.dn).is_ok_and(|before| before == *dn);
        (!same && pin.anchor.is_some()).then(|| format!("{} is now {dn}: renamed or moved, and followed", pin.dn))
    };
    let moves: Vec<String> = snapshot.scope.iter().filter_map(moved).collect();
    (!moves.is_empty()).then(|| moves.join("; "))
}

/// Counts people, each once a verb.
fn counts(happened: &[(PersonId, Vec<Effect>)]) -> ChangeCounts {
    let people =
        |wanted: &dyn Fn(&[Effect]) -> bool| happened.iter().filter(|(_, effects)| wanted(effects)).count() as u64;
    let verb = |verb: Verb| move |effects: &[Effect]| effects.iter().any(|effect| effect.verb == verb);
    let resumed = verb(Verb::Resume);
    ChangeCounts {
        provisioned: people(&|effects| {
            verb(Verb::Provision)(effects) || (verb(Verb::Grant)(effects) && !resumed(effects))
        }),
        waiting: people(&verb(Verb::Wait)),
        promoted: people(&verb(Verb::Promote)),
        moved: people(&verb(Verb::Move)),
        released: people(&verb(Verb::Release)),
        updated: people(&verb(Verb::Update)),
        suspended: people(&verb(Verb::Suspend)),
        resumed: people(&resumed),
        removed: people(&verb(Verb::Remove)),
        adopted: people(&verb(Verb::Adopt)),
        failed: 0,
        held: 0,
    }
}

fn pool_rows(plan: &Plan, current: &BackendState, applied: &Applied) -> Vec<PoolRow> {
    let answered = applied.pools();
    let now =
        |pool: &crate::model::PoolCount| answered.get(&pool.name).or_else(|| current.pools.get(&pool.name)).cloned();
    plan.pools.iter().map(|pool| PoolRow::from(&now(pool).unwrap_or_else(|| unapplied::still_empty(pool)))).collect()
}

/// What stands in the way of whom: found by planning, then said by the backend.
fn problem_rows(plan: &Plan, refusals: Vec<Refusal>, desired: &Desired<'_>, accounts: &[Account]) -> Vec<ProblemRow> {
    let found = plan.problems.iter().map(|problem| {
        let anchor = problem.person.as_ref().map(|person| person.anchor);
        let row = ProblemRow::general(problem.code, problem.message.clone());
        (problem.person.clone(), ProblemRow { anchor, pool: problem.pool.clone(), ..row })
    });
    let called = |person: &PersonId| Some(people::profile(person, desired, accounts)?.user_name.clone());
    let named = |(person, row): Refusal| ProblemRow { user_name: person.as_ref().and_then(called), ..row };
    found.chain(refusals).map(named).collect()
}

/// Everyone who waits, by pool and place; `stopped` says who keeps a place and gets nothing now.
#[must_use]
pub fn waiting_rows(accounts: &[Account], stopped: &dyn Fn(&PersonId) -> Option<Stopped>) -> Vec<WaitingRow> {
    let queue = queue(accounts);
    let places = positions(&queue);
    let mut rows: Vec<WaitingRow> = Vec::new();
    for account in accounts.iter().filter(|account| account.suspension.is_none()) {
        let Some(owner) = &account.owner else { continue };
        let stopped = account.seats.iter().any(Assignment::is_waiting).then(|| stopped(owner)).flatten();
        for seat in &account.seats {
            let SeatState::Waiting(reason) = seat.state else { continue };
            rows.push(WaitingRow {
                anchor: Some(owner.anchor),
                user_name: account.profile.user_name.clone(),
                display_name: account.profile.display_name.clone(),
                email: account.profile.email.clone(),
                pool: seat.pool.clone(),
                position: places.get(&(owner, &seat.pool)).copied().unwrap_or(0).into(),
                reason,
                since: seat.since,
                approved: seat.approved,
                passed_over: stopped.is_some(),
                stopped,
            });
        }
    }
    rows.sort_by(|a, b| (&a.pool, a.position).cmp(&(&b.pool, b.position)));
    rows
}

/// The queues as accounts show them.
#[must_use]
pub fn queue(accounts: &[Account]) -> Vec<Queued> {
    let managed = accounts.iter().filter(|account| account.suspension.is_none());
    managed.flat_map(|account| wants::kept(account, Standstill::PassedOver)).map(|place| place.queued).collect()
}

const fn kind(verb: Verb) -> ChangeKind {
    match verb {
        Verb::Provision => ChangeKind::Provision,
        Verb::Wait => ChangeKind::Wait,
        Verb::Promote => ChangeKind::Promote,
        Verb::Move => ChangeKind::Move,
        Verb::Release => ChangeKind::Release,
        Verb::Grant => ChangeKind::Grant,
        Verb::Update => ChangeKind::Update,
        Verb::Suspend => ChangeKind::Suspend,
        Verb::Resume => ChangeKind::Resume,
        Verb::Remove => ChangeKind::Remove,
        Verb::Adopt => ChangeKind::Adopt,
    }
}

fn plan_row(change: &Change, display_name: Option<String>) -> PlanRow {
    let Change { person, effect, user_name, email, position, held } = change.clone();
    PlanRow {
        change: kind(effect.verb),
        directory: person.directory,
        anchor: Some(person.anchor),
        user_name: Some(user_name),
        display_name,
        email: Some(email),
        pool: effect.pool,
        from_pool: effect.from_pool,
        reason: effect.reason.map(WaitReason::as_str).or(effect.cause.map(LeaveCause::as_str)).map(str::to_owned),
        position: position.map(u64::from),
        held,
        fields: effect.fields.into_iter().map(|(name, (old, new))| (name, (Some(old), Some(new)))).collect(),
    }
}

fn planned_wait(waiting: &effects::Waiting, display_name: Option<String>, stopped: Option<Stopped>) -> WaitingRow {
    WaitingRow {
        anchor: Some(waiting.person.anchor),
        user_name: waiting.user_name.clone(),
        display_name,
        email: waiting.email.clone(),
        pool: waiting.pool.clone(),
        position: waiting.position.into(),
        reason: waiting.reason,
        since: waiting.since,
        approved: waiting.approved,
        passed_over: stopped.is_some(),
        stopped,
    }
}
