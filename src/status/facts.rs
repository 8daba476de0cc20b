//! What is shown: gathered after each cycle, so that a question costs nothing and no cycle waits for one.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use prometheus_client::metrics::histogram::Histogram;

use super::page::forecast::Earlier;
use crate::model::report::{CycleOutcome, DirectoryReport, HistoryRow, PendingRow, StatusReport, SyncReport, UserRow};
use crate::model::{AccountState, Name, PersonId};

/// How things stand after a cycle.
#[derive(Clone, Debug)]
pub struct Facts {
    pub status: StatusReport,
    pub tally: Tally,
    /// Accounts by state.
    pub accounts: BTreeMap<AccountState, u64>,
    /// Who waits, by pool and place, as far as it is shown.
    pub waiting: Vec<PendingRow>,
    /// So many more do.
    pub more_waiting: u64,
    /// Entries that cannot be used, as far as they are shown.
    pub quarantined: Vec<UserRow>,
    /// The last cycles, the latest last.
    pub history: Vec<HistoryRow>,
    /// How the pools were, some weeks ago.
    pub earlier: Option<Earlier>,
    /// Whose change the guard holds back, as far as they are shown.
    pub held: Vec<HeldPerson>,
    /// So many more are.
    pub more_held: u64,
    /// The agent keeps the queue, so that people decide here.
    pub decides: bool,
    pub poll: Duration,
    pub dry_run: bool,
    /// As in `AgentSettings`.
    pub options: String,
}

/// Somebody whose change the guard holds back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldPerson {
    pub person: PersonId,
    pub name: Option<String>,
    pub user_name: Option<String>,
    /// What would happen, and why where that is known.
    pub what: String,
}

/// Bounds of the durations' histogram, in seconds.
const BOUNDS: [f64; 10] = [0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14400.0];

/// What happened since the agent started, kept by the loop that works. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Tally {
    pub started: Timestamp,
    pub cycles: BTreeMap<CycleOutcome, u64>,
    /// People by what was done to them.
    pub changes: BTreeMap<&'static str, u64>,
    /// Of cycles, in seconds. Clones share it.
    pub durations: Histogram,
    /// How the last cycle of this run went.
    pub last: Option<CycleOutcome>,
    /// When the last cycle that could read everything ended, that of a run before this one included.
    pub last_good: Option<Timestamp>,
    /// The last whole read of each directory, likewise: what one that failed says is no number of people.
    pub reads: BTreeMap<Name, DirectoryReport>,
}

impl Tally {
    #[must_use]
    pub fn new(started: Timestamp, last_good: Option<Timestamp>) -> Self {
        let durations = Histogram::new(BOUNDS);
        let (cycles, changes, reads) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { started, cycles, changes, durations, last: None, last_good, reads }
    }

    /// A cycle came to its end at `now`; none where it came to nothing.
    pub fn cycle(&mut self, report: Option<&SyncReport>, took: Duration, now: Timestamp) {
        let outcome = report.map_or(CycleOutcome::Failed, |report| report.outcome);
        *self.cycles.entry(outcome).or_default() += 1;
        self.last = Some(outcome);
        self.durations.observe(took.as_secs_f64());
        for (change, count) in report.iter().flat_map(|report| report.changes.named()) {
            *self.changes.entry(change).or_default() += count;
        }
        if outcome.is_good() {
            self.last_good = Some(now);
        }
        self.read(report.iter().flat_map(|report| &report.directories));
    }

    /// Keeps what was read whole.
    pub fn read<'a>(&mut self, reads: impl Iterator<Item = &'a DirectoryReport>) {
        self.reads.extend(reads.filter(|read| read.complete).map(|read| (read.name.clone(), read.clone())));
    }
}

/// When a cycle ended that is told of.
#[must_use]
pub fn ended(report: &SyncReport) -> Timestamp {
    let took = SignedDuration::try_from_secs_f64(report.seconds).unwrap_or_default();
    report.started.saturating_add(took).unwrap_or(report.started)
}
