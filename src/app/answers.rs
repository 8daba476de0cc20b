//! The verbs that read the state alone: they answer without directory and backend, and while the agent works.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::access::Access;
use super::engine::state_error;
use super::own::ledger_problem;
use super::pass::BACKEND_FAILED;
use super::people::{Places, user_row};
use super::stopped::Stops;
use super::verbs::SILENCE;
use super::who::counts;
use super::{App, AppError, Code, StateFilter, UserFilter, bereft};
use crate::cycle::report::waiting_rows;
use crate::model::change::{Confirmation, Decision};
use crate::model::memory::{CycleRecord, Held, LastKnown};
use crate::model::report::{
    BackendStatus, ConfirmationRow, CycleOutcome, DirectoryReport, DirectoryStatus, Failing, HeldRow, HistoryRow,
    PendingRow, PoolRow, Reach, StatusReport, Stopped, SyncReport, UserRow, people_by_deed,
};
use crate::model::settings::{BackendKind, Settings};
use crate::model::{Account, PersonId};
use crate::ports::History as _;
use crate::state::{Lock, Ownership, State};

/// As many past cycles as anybody looks at.
const HISTORY: u32 = 1000;

impl App {
    /// How things stand.
    ///
    /// # Errors
    /// Where the state cannot be read. So with all below.
    pub fn status(&self, now: Timestamp) -> Result<StatusReport, AppError> {
        let state = self.state_beside()?;
        let agent = match Lock::ownership(&self.settings.agent.state_dir).map_err(|error| state_error(&error))? {
            Ownership::By(holder) if holder.verb == "run" => Some(holder.pid),
            _ => None,
        };
        let last_cycle = last_cycle(&state)?;
        let held = state.held().map_err(|error| state_error(&error))?;
        let standby = state.standby().map_err(|error| state_error(&error))?;
        let reached = reachable(last_cycle.as_ref(), standby.is_some());
        // That of an agent before this one says nothing.
        let heartbeat = state.heartbeat().map_err(|error| state_error(&error))?;
        let heart = heartbeat.filter(|heart| agent == Some(heart.pid));
        Ok(StatusReport {
            agent: self.settings.agent.name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            running: agent.is_some(),
            next_cycle: heart.as_ref().and_then(|heart| heart.next_cycle),
            pools: bereft::counted_in(&state, pools(&state, last_cycle.as_ref())?)?,
            held: held.as_ref().map(held_rows).transpose()?,
            fingerprint: held.map(|held| held.fingerprint),
            confirmations: confirmations(&state, now)?,
            backend: Some(self.backend_status(reached, &state, agent.is_none())?),
            directories: self.directory_rows(&state)?,
            cannot_start: self.cannot_start(agent.is_some()),
            full_disks: self.full_disks(),
            silent_since: heart.as_ref().map(|heart| heart.beat).filter(|beat| now.duration_since(*beat) > SILENCE),
            failing: heart
                .as_ref()
                .and_then(|heart| heart.failing.clone())
                .filter(|failing| is_unrecorded(failing, last_cycle.as_ref())),
            awaited: heart.as_ref().and_then(|heart| heart.awaited.clone()),
            config_problem: heart.as_ref().and_then(|heart| heart.config_problem.clone()),
            page_problem: heart.as_ref().and_then(|heart| heart.page_problem.clone()),
            reading: heart.map(|heart| heart.reading).unwrap_or_default(),
            other_state: self.other_state(),
            dry_run: self.settings.agent.dry_run,
            standby,
            last_cycle,
        })
    }

    /// Of what the agent writes, what `check` says is closed to the service's user.
    fn cannot_start(&self, runs: bool) -> Vec<String> {
        if runs {
            return Vec::new();
        }
        let problems = Access::of_places(&self.config, &self.settings).problems(&self.config);
        problems.into_iter().map(|problem| problem.message).collect()
    }

    /// A ledger that is not there is told by looking for it: the last cycle may have found it. `thorough`: so is one that is
    /// spoilt in the middle; an agent that runs says so itself.
    fn backend_status(
        &self,
        reachable: Option<bool>,
        state: &State,
        thorough: bool,
    ) -> Result<BackendStatus, AppError> {
        let glance = state.says_of_the_ledger().map_err(|error| state_error(&error))?;
        let problem = ledger_problem(&self.settings.backend, &glance).map(|(_, problem)| problem);
        let problem = problem.or_else(|| if thorough { self.spoilt_ledger() } else { None });
        let problem = problem.map(|error| error.in_one_line());
        let reachable = if problem.is_some() { Some(false) } else { reachable };
        Ok(BackendStatus { kind: self.backend_kind().to_owned(), reachable, problem })
    }

    const fn backend_kind(&self) -> &'static str {
        match self.settings.backend.kind {
            BackendKind::Embedded { .. } => "embedded",
            BackendKind::Ledger(_) => "ledger",
        }
    }

    fn directory_rows(&self, state: &State) -> Result<Vec<DirectoryStatus>, AppError> {
        let known = state.directories().map_err(|error| state_error(&error))?;
        let row = |directory: &crate::model::settings::DirectorySettings| {
            let found = known.iter().find(|status| status.name == directory.name);
            let read = found.and_then(|status| status.read.as_ref());
            DirectoryStatus {
                name: directory.name.clone(),
                kind: read.map(|read| read.kind).or(directory.kind),
                server: read.map(|read| read.server.clone()),
                watermark: found.and_then(|status| status.watermark.as_ref()).map(|mark| {
                    // What begins so says nothing to people.
                    let shown = mark.position.iter().filter(|(name, _)| !name.starts_with('_'));
                    shown.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
                }),
                reachable: found.map(|status| status.unreachable.is_none()),
                problem: found.and_then(|status| status.unreachable.as_ref()).map(|(problem, _)| problem.clone()),
            }
        };
        Ok(self.settings.directories.iter().map(row).collect())
    }

    /// Accounts as last known, people whose account another hand deleted, and quarantined ones.
    pub fn users(&self, filter: &UserFilter) -> Result<Vec<UserRow>, AppError> {
        if let Some(pool) = &filter.pool {
            self.known_pool(pool)?;
        }
        let state = self.state_that_counts()?;
        let known = self.everyone(&state)?;
        let waiting = self.waiting(&state, &known)?;
        let places = Places::of(&waiting);
        let rows = known.iter().map(|known| user_row(known, &places));
        // The state also knows people who are out of scope: they are nobody's business here.
        let shown = |row: &UserRow| row.state.is_some() || row.quarantine.is_some() || !row.seats.is_empty();
        Ok(rows.filter(|row| shown(row) && fits(row, filter)).collect())
    }

    /// Who waits, by pool and place.
    pub fn pending(&self, pool: Option<&str>) -> Result<Vec<PendingRow>, AppError> {
        if let Some(pool) = pool {
            self.known_pool(pool)?;
        }
        let state = self.state_that_counts()?;
        let mut rows = self.waiting(&state, &self.everyone(&state)?)?;
        rows.retain(|row| pool.is_none_or(|pool| *row.pool == *pool));
        Ok(rows)
    }

    /// Who of these waits, by pool and place, with why, and what was decided since the last cycle.
    pub(super) fn waiting(&self, state: &State, known: &[LastKnown]) -> Result<Vec<PendingRow>, AppError> {
        let decided = state.decided().map_err(|error| state_error(&error))?;
        let pools = pools_now(state)?;
        let mut rows = pending_rows(known, &Stops::of(state)?);
        for row in &mut rows {
            let of = |one: &&Decision| {
                Some(one.person.anchor) == row.anchor && one.pool.as_ref().is_none_or(|pool| *pool == row.pool)
            };
            // The last word counts.
            row.decided = decided.iter().rev().find(of).map(|decision| decision.verdict);
        }
        let reach = Reach::of(rows.iter().map(Into::into), &pools, self.promotion());
        let said: Vec<String> = (0..rows.len()).map(|index| reach.words(index)).collect();
        for (row, why) in rows.iter_mut().zip(said) {
            row.why = why;
        }
        Ok(rows)
    }

    /// The pools as the last cycle left them.
    pub fn pools(&self) -> Result<Vec<PoolRow>, AppError> {
        pools_now(&self.state_beside()?)
    }

    /// A cycle was made, so that an empty list means something.
    pub fn has_run(&self) -> Result<bool, AppError> {
        Ok(self.state_beside()?.last_cycle().map_err(|error| state_error(&error))?.is_some())
    }

    /// Past cycles, the latest last.
    pub fn history(&self) -> Result<Vec<HistoryRow>, AppError> {
        past_cycles(&self.state_that_counts()?, HISTORY)
    }
}

/// Who waits among these, by pool and place.
pub fn pending_rows(known: &[LastKnown], stops: &Stops) -> Vec<PendingRow> {
    let stopped: BTreeMap<PersonId, Stopped> =
        known.iter().filter_map(|known| Some((known.person()?, stops.why(known)?))).collect();
    let rows = waiting_rows(&accounts(known), &|person| stopped.get(person).copied());
    let row = |row: crate::model::report::WaitingRow| PendingRow {
        approved: row.approved,
        anchor: row.anchor,
        user_name: row.user_name,
        display_name: row.display_name,
        email: row.email,
        pool: row.pool,
        position: row.position,
        reason: row.reason,
        why: String::new(),
        since: row.since,
        passed_over: row.passed_over,
        stopped: row.stopped,
        decided: None,
    };
    let mut rows: Vec<PendingRow> = rows.into_iter().map(row).collect();
    let behind = bereft::places(known, rows.iter().map(|row| &row.pool));
    rows.extend(behind.iter().map(|place| place.pending(stops.why(place.known))));
    rows.sort_by(|a, b| (&a.pool, a.position).cmp(&(&b.pool, b.position)));
    rows
}

/// So many past cycles at most, the latest last.
pub fn past_cycles(state: &State, most: u32) -> Result<Vec<HistoryRow>, AppError> {
    let records = state.history(most).map_err(|error| state_error(&error))?;
    let row = |record: &CycleRecord| {
        let SyncReport { cycle, started, seconds, outcome, changes, elsewhere, .. } = report(record)?;
        Ok(HistoryRow { cycle, started, seconds, outcome, changes, elsewhere: people_by_deed(&elsewhere) })
    };
    records.iter().rev().map(row).collect()
}

/// The pools as they were at the first cycle since a time.
pub fn earlier_pools(state: &State, since: Timestamp) -> Result<Option<(Timestamp, Vec<PoolRow>)>, AppError> {
    let record = state.first_cycle_since(since).map_err(|error| state_error(&error))?;
    record.map(|record| Ok((record.started, report(&record)?.pools))).transpose()
}

/// Whether the backend answered; who stands by hears of it without a cycle.
fn reachable(last: Option<&SyncReport>, stands_by: bool) -> Option<bool> {
    last.map(reached).or_else(|| stands_by.then_some(true))
}

/// What people let through and was not carried out yet, until when.
fn confirmations(state: &State, now: Timestamp) -> Result<Vec<ConfirmationRow>, AppError> {
    let live = state.confirmations(now).map_err(|error| state_error(&error))?;
    let row = |confirmation: Confirmation| {
        let count =
            |wanted: fn(&str) -> bool| confirmation.changes.iter().filter(|one| wanted(&one.change)).count() as u64;
        ConfirmationRow {
            leaving: count(|change| matches!(change, "suspend" | "remove" | "release")),
            renaming: count(|change| change == "update"),
            scope: count(|change| change == "scope"),
            fingerprint: confirmation.fingerprint.clone(),
            expires: confirmation.expires,
        }
    };
    Ok(live.into_iter().filter(|confirmation| !confirmation.changes.is_empty()).map(row).collect())
}

/// Of these failures the last cycle that was written down says nothing: it was made before them.
pub fn is_unrecorded(failing: &Failing, last: Option<&SyncReport>) -> bool {
    last.is_none_or(|cycle| cycle.outcome != CycleOutcome::Failed && cycle.started < failing.since)
}

/// The backend answered in this cycle.
fn reached(cycle: &SyncReport) -> bool {
    !cycle.problems.iter().any(|problem| problem.code == BACKEND_FAILED)
}

/// The pools as the last cycle left them that came so far.
pub fn pools_now(state: &State) -> Result<Vec<PoolRow>, AppError> {
    bereft::counted_in(state, pools(state, last_cycle(state)?.as_ref())?)
}

fn pools(state: &State, last: Option<&SyncReport>) -> Result<Vec<PoolRow>, AppError> {
    if let Some(pools) = state.pools_since_last_cycle().map_err(|error| state_error(&error))? {
        return Ok(pools);
    }
    if let Some(cycle) = last.filter(|cycle| !cycle.pools.is_empty()) {
        return Ok(cycle.pools.clone());
    }
    let records = state.history(HISTORY).map_err(|error| state_error(&error))?;
    let mut pools = records.iter().map(|record| Ok(report(record)?.pools));
    pools.find(|pools| pools.as_ref().is_ok_and(|pools| !pools.is_empty())).unwrap_or_else(|| Ok(Vec::new()))
}

/// What is held back, as it is shown.
pub fn held_rows(held: &Held) -> Result<Vec<HeldRow>, AppError> {
    let rows: Option<Vec<HeldRow>> = serde_json::from_str(&held.report).map_err(|error| {
        AppError::new(Code::State, "what the state says is held back cannot be read").caused_by(&error)
    })?;
    Ok(rows.unwrap_or_default())
}

/// The report of the last cycle.
pub fn last_cycle(state: &State) -> Result<Option<SyncReport>, AppError> {
    state.last_cycle().map_err(|error| state_error(&error))?.map(|record| report(&record)).transpose()
}

/// When the last cycle that could read everything ended.
pub fn last_good_cycle(state: &State) -> Result<Option<Timestamp>, AppError> {
    let records = state.history(HISTORY).map_err(|error| state_error(&error))?;
    let good =
        |record: &&CycleRecord| CycleOutcome::ALL.iter().any(|one| one.is_good() && one.as_str() == record.outcome);
    let ended =
        |record: &CycleRecord| record.started.saturating_add(Duration::try_from_secs_f64(record.seconds).ok()?).ok();
    Ok(records.iter().find(good).and_then(ended))
}

/// The last whole read of each directory of the config.
pub fn last_whole_reads(state: &State, settings: &Settings) -> Result<Vec<DirectoryReport>, AppError> {
    let mut found: Vec<DirectoryReport> = Vec::new();
    for record in state.history(HISTORY).map_err(|error| state_error(&error))? {
        if found.len() >= settings.directories.len() {
            break;
        }
        let whole = report(&record)?.directories.into_iter().filter(|read| read.complete);
        let is_new = |read: &DirectoryReport| {
            let is_ours = settings.directories.iter().any(|directory| directory.name == read.name);
            is_ours && found.iter().all(|known| known.name != read.name)
        };
        let new: Vec<DirectoryReport> = whole.filter(is_new).collect();
        found.extend(new);
    }
    Ok(found)
}

fn report(record: &CycleRecord) -> Result<SyncReport, AppError> {
    serde_json::from_str(&record.report).map_err(|error| {
        AppError::new(Code::State, format!("the report of cycle {} in the state cannot be read", record.number))
            .caused_by(&error)
    })
}

impl App {
    /// Everyone that the state knows and who counts.
    pub(super) fn everyone(&self, state: &State) -> Result<Vec<LastKnown>, AppError> {
        let mut all = everyone(state)?;
        all.retain(|known| counts(&self.settings, known));
        Ok(all)
    }
}

/// Everyone that the state knows.
pub fn everyone(state: &State) -> Result<Vec<LastKnown>, AppError> {
    let mut all = Vec::new();
    state.users(&mut |known| all.push(known)).map_err(|error| state_error(&error))?;
    Ok(all)
}

pub fn accounts(known: &[LastKnown]) -> Vec<Account> {
    known.iter().filter_map(|known| known.account.clone()).collect()
}

fn fits(row: &UserRow, filter: &UserFilter) -> bool {
    let state = match filter.state {
        None => true,
        Some(StateFilter::Account(state)) => row.state == Some(state),
        Some(StateFilter::Quarantined) => row.quarantine.is_some(),
    };
    let in_pool = |pool: &String| row.seats.iter().any(|seat| *seat.pool == **pool);
    state && filter.pool.as_ref().is_none_or(in_pool)
}
