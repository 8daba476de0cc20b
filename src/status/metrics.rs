//! `/metrics`, in the text format of `OpenMetrics` or the older one of Prometheus; docs/metrics.md lists every name. Nobody is named in them (rule 24).

use std::sync::atomic::AtomicU64;

use axum::http::HeaderMap;
use axum::http::header::ACCEPT;
use jiff::Timestamp;
use prometheus_client::encoding::{prometheus_text, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use super::Facts;
use super::health::readiness;
use crate::model::report::{CycleOutcome, DirectoryReport, HeldKind, PoolRow};
use crate::model::{AccountState, Name};

/// How `/metrics` is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    OpenMetrics,
    /// The text format 0.0.4, which everything reads that reads metrics.
    Prometheus,
}

impl Format {
    /// `OpenMetrics` for whoever asks for it.
    #[must_use]
    pub fn asked_by(headers: &HeaderMap) -> Self {
        let accepted = headers.get_all(ACCEPT).iter().filter_map(|accept| accept.to_str().ok());
        let mut kinds = accepted.flat_map(|accept| accept.split(','));
        let is_wanted =
            kinds.any(|kind| kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case(KIND)));
        if is_wanted { Self::OpenMetrics } else { Self::Prometheus }
    }

    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Prometheus => prometheus_text::CONTENT_TYPE,
        }
    }
}

/// What asks for `OpenMetrics`.
const KIND: &str = "application/openmetrics-text";

type Labels = Vec<(&'static str, String)>;
type Numbers = Family<Labels, Gauge<f64, AtomicU64>>;

/// All metrics as they are now; before the first facts those of the program alone.
///
/// # Errors
/// None that is known: text has room for all of them.
pub fn render(format: Format, facts: Option<&Facts>, now: Timestamp) -> Result<String, std::fmt::Error> {
    let mut sheet = Sheet(Registry::with_prefix("seatsync"));
    let version = vec![("version", env!("CARGO_PKG_VERSION"))];
    sheet.0.register("build", "The program", Info::new(version));
    sheet.flag("ready", "1 where /readyz answers 200", readiness(facts, now).ready);
    if let Some(facts) = facts {
        agent(&mut sheet, facts);
        cycles(&mut sheet, facts);
        pools(&mut sheet, &facts.status.pools);
        people(&mut sheet, facts);
        directories(&mut sheet, facts);
    }
    let mut written = String::new();
    match format {
        Format::OpenMetrics => text::encode(&mut written, &sheet.0)?,
        Format::Prometheus => prometheus_text::encode(&mut written, &sheet.0)?,
    }
    Ok(written)
}

fn agent(sheet: &mut Sheet, facts: &Facts) {
    let (status, tally) = (&facts.status, &facts.tally);
    sheet.time("start_time_seconds", "When the agent started, in Unix time", Some(tally.started));
    sheet.one("poll_interval_seconds", "A cycle is made this often (agent.poll)", facts.poll.as_secs_f64());
    sheet.flag("dry_run", "1 where the agent reads and plans, and changes nothing (agent.dry_run)", facts.dry_run);
    let help = "1 where the config that was saved cannot be taken, and the one before is in force";
    sheet.flag("config_refused", help, facts.status.config_problem.is_some());
    sheet.flag("standby", "1 where another agent works for the company", status.standby.is_some());
    let backend = status.backend.iter().filter_map(|backend| Some((backend, backend.reachable?)));
    let backend = backend.map(|(backend, reachable)| (vec![("kind", backend.kind.clone())], number(reachable)));
    sheet.each("backend_reachable", "1 where the backend answered in the last cycle", backend);
}

fn cycles(sheet: &mut Sheet, facts: &Facts) {
    let (status, tally) = (&facts.status, &facts.tally);
    let by_outcome = CycleOutcome::ALL.map(|outcome| {
        let count = tally.cycles.get(&outcome).copied().unwrap_or_default();
        (vec![("outcome", outcome.as_str().to_owned())], count)
    });
    sheet.count("cycles", "Cycles since the agent started", by_outcome);
    let changes = tally.changes.iter().filter(|(change, _)| **change != "held");
    let changes = changes.map(|(change, count)| (vec![("change", (*change).to_owned())], *count));
    sheet.count("changes", "What was done since the agent started, counted in people", changes);
    sheet.0.register("cycle_duration_seconds", "How long cycles took", tally.durations.clone());
    let last = status.last_cycle.as_ref().map(super::facts::ended);
    sheet.time("last_cycle_timestamp_seconds", "When the last cycle ended, in Unix time", last);
    let help = "When the last cycle that could read everything ended, in Unix time";
    sheet.time("last_success_timestamp_seconds", help, tally.last_good);
    sheet.time("next_cycle_timestamp_seconds", "When the next cycle is due, in Unix time", status.next_cycle);
}

fn pools(sheet: &mut Sheet, pools: &[PoolRow]) {
    let all = |value: fn(&PoolRow) -> u32| {
        pools.iter().map(move |pool| (vec![("pool", pool.name.to_string())], f64::from(value(pool))))
    };
    sheet.each("pool_seats", "Seats bought", all(|pool| pool.seats));
    sheet.each("pool_held", "Seats that people hold", all(|pool| pool.held));
    sheet.each("pool_free", "Seats that nobody holds", all(|pool| pool.free));
    sheet.each("pool_waiting", "People who wait for a seat", all(|pool| pool.waiting));
}

fn people(sheet: &mut Sheet, facts: &Facts) {
    let status = &facts.status;
    let by_state = AccountState::ALL.map(|state| {
        let count = facts.accounts.get(&state).copied().unwrap_or_default();
        (vec![("state", state.as_str().to_owned())], count as f64)
    });
    sheet.each("accounts", "Accounts by state", by_state);
    let held = |directory: &str, kind| {
        let rows = status.held.iter().flatten().filter(|row| *row.directory == *directory && row.kind == kind);
        rows.map(|row| row.count.max(1)).sum::<u64>() as f64
    };
    let help = "People whose change the guard holds back; bases and groups where the kind is scope";
    let held = status.directories.iter().flat_map(|directory| {
        HeldKind::ALL.map(|kind| {
            let labels = vec![("directory", directory.name.to_string()), ("kind", kind.as_str().to_owned())];
            (labels, held(&directory.name, kind))
        })
    });
    sheet.each("held_back", help, held);
    let refused = status.last_cycle.as_ref().map_or(0, |cycle| cycle.changes.failed);
    sheet.one("refused_accounts", "Accounts that the backend refused to change in the last cycle", refused as f64);
}

fn directories(sheet: &mut Sheet, facts: &Facts) {
    let status = &facts.status;
    let reachable = status.directories.iter().filter_map(|directory| Some((&directory.name, directory.reachable?)));
    let reachable = reachable.map(|(name, reachable)| (vec![("directory", name.to_string())], number(reachable)));
    sheet.each("directory_reachable", "1 where the directory answered in the last cycle", reachable);
    let last = status.last_cycle.iter().flat_map(|cycle| &cycle.directories);
    let complete = last.map(|read| (vec![("directory", read.name.to_string())], number(read.complete)));
    sheet.each("directory_complete", "1 where the last read of the directory was complete", complete);
    // One that failed read nobody, and there are as many people as before.
    let here = |name: &Name| status.directories.iter().any(|directory| directory.name == *name);
    let whole = || facts.tally.reads.iter().filter(|(name, _)| here(name));
    let all = |value: fn(&DirectoryReport) -> f64| {
        whole().map(move |(name, read)| (vec![("directory", name.to_string())], value(read)))
    };
    sheet.each("directory_entries", "Entries that the last whole read gave", all(|read| read.entries as f64));
    sheet.each("directory_users", "People in scope in the last whole read", all(|read| read.users as f64));
    sheet.each(
        "quarantined",
        "Entries that cannot be used, in the last whole read",
        all(|read| read.quarantined as f64),
    );
    sheet.each("directory_read_seconds", "How long the last whole read took", all(|read| read.seconds));
}

const fn number(flag: bool) -> f64 {
    if flag { 1.0 } else { 0.0 }
}

/// Metrics as they are written down.
struct Sheet(Registry);

impl Sheet {
    fn each(&mut self, name: &str, help: &str, values: impl IntoIterator<Item = (Labels, f64)>) {
        let family = Numbers::default();
        for (labels, value) in values {
            family.get_or_create(&labels).set(value);
        }
        self.0.register(name, help, family);
    }

    fn count(&mut self, name: &str, help: &str, values: impl IntoIterator<Item = (Labels, u64)>) {
        let family = Family::<Labels, Counter>::default();
        for (labels, value) in values {
            family.get_or_create(&labels).inc_by(value);
        }
        self.0.register(name, help, family);
    }

    fn one(&mut self, name: &str, help: &str, value: f64) {
        let gauge = Gauge::<f64, AtomicU64>::default();
        gauge.set(value);
        self.0.register(name, help, gauge);
    }

    fn flag(&mut self, name: &str, help: &str, value: bool) {
        self.one(name, help, number(value));
    }

    fn time(&mut self, name: &str, help: &str, at: Option<Timestamp>) {
        if let Some(at) = at {
            self.one(name, help, at.as_second() as f64);
        }
    }
}
