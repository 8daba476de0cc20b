//! What is said of the agent itself: `status`, `history`, `check`, `confirm`, `relink`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::cycle::{ChangeCounts, CycleOutcome, HeldRow, PoolRow, SyncReport};
use super::elsewhere::Deed;
use crate::model::lease::Standby;
use crate::model::snapshot::Kind;
use crate::model::text::counted;
use crate::model::{Name, PersonId};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackendStatus {
    pub kind: String,
    /// None: not asked yet.
    pub reachable: Option<bool>,
    /// Why the embedded ledger cannot be opened, and what to do.
    #[serde(default)]
    pub problem: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryStatus {
    pub name: Name,
    pub kind: Option<Kind>,
    /// The server that answered last.
    pub server: Option<String>,
    /// Where it stood when the last good read began, as text.
    pub watermark: Option<String>,
    /// None: not asked yet.
    pub reachable: Option<bool>,
    /// Why the last try to read it came to nothing, where it did.
    #[serde(default)]
    pub problem: Option<String>,
}

/// How things stand, from the state alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StatusReport {
    pub agent: String,
    pub version: String,
    pub running: bool,
    /// None before the first.
    pub last_cycle: Option<SyncReport>,
    pub next_cycle: Option<Timestamp>,
    pub pools: Vec<PoolRow>,
    pub held: Option<Vec<HeldRow>>,
    pub fingerprint: Option<String>,
    /// What people let through, as far as it was not carried out yet.
    pub confirmations: Vec<ConfirmationRow>,
    pub backend: Option<BackendStatus>,
    pub directories: Vec<DirectoryStatus>,
    /// Who works for the company, while this agent stands by.
    #[serde(default)]
    pub standby: Option<Standby>,
    /// Why the service could not start where no agent runs, with what mends it.
    #[serde(default)]
    pub cannot_start: Vec<String>,
    /// A sentence for each disk of the agent without room.
    #[serde(default)]
    pub full_disks: Vec<String>,
    /// The read that the running agent makes now, where it goes on for longer than a moment.
    #[serde(default)]
    pub reading: Vec<ReadingRow>,
    /// The ledger, where the running agent waits for its answer for longer than a moment.
    #[serde(default)]
    pub awaited: Option<Awaited>,
    /// Cycles of the running agent that failed and of which the state, and so `last_cycle`, says nothing.
    #[serde(default)]
    pub failing: Option<Failing>,
    /// When the running agent gave its last sign of life, where that is too long ago: it cannot write, or hangs.
    #[serde(default)]
    pub silent_since: Option<Timestamp>,
    /// Why the running agent's status page is not where the config says, and what to do.
    #[serde(default)]
    pub page_problem: Option<String>,
    /// Why the running agent does not take the config that was saved, and keeps the one before; and what to do.
    #[serde(default)]
    pub config_problem: Option<String>,
    /// The agent that runs on this config, and keeps another `state_dir`.
    #[serde(default)]
    pub other_state: Option<OtherState>,
    /// As the config says it now; of the last cycle `last_cycle.would` does.
    #[serde(default)]
    pub dry_run: bool,
}

impl StatusReport {
    /// What the running agent waits for, in words; and whether nothing has come for so long that somebody must know.
    pub fn going_on(&self, now: Timestamp) -> impl Iterator<Item = (String, bool)> {
        let reading = self.reading.iter().map(move |reading| (reading.in_words(now), reading.is_silent(now)));
        reading.chain(self.awaited.iter().map(move |awaited| (awaited.in_words(now), awaited.is_silent(now))))
    }
}

/// The beginning of a sentence that ends with `StatusReport::config_problem`.
pub const CONFIG_REFUSED: &str = "the config that was saved is refused, and the one before is in force";

/// The beginning of a sentence that ends with `StatusReport::page_problem`.
pub const PAGE_MISSED: &str = "the status page is not where the config says";

/// Cycles that failed, one after the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failing {
    pub since: Timestamp,
    /// Why the last of them did, with all causes.
    pub problem: String,
}

/// A read of a directory that goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadingRow {
    pub name: Name,
    pub since: Timestamp,
    /// Entries that came so far.
    pub entries: u64,
    /// When the last of them came; `since`, where none did.
    pub heard: Timestamp,
}

/// Somebody outside who has not answered yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Awaited {
    /// "the ledger at ledger.corp.example".
    pub whom: String,
    pub since: Timestamp,
}

impl Awaited {
    /// Nothing has come for so long that somebody must know.
    #[must_use]
    pub fn is_silent(&self, now: Timestamp) -> bool {
        now.duration_since(self.since) >= SILENT
    }

    /// "waiting for the ledger at ledger.corp.example for 42 s".
    #[must_use]
    pub fn in_words(&self, now: Timestamp) -> String {
        format!("waiting for {} for {} s", self.whom, now.duration_since(self.since).as_secs().max(0))
    }
}

/// A server from which nothing came for so long may hang.
const SILENT: SignedDuration = SignedDuration::from_secs(30);

impl ReadingRow {
    /// Nothing has come for so long that somebody must know.
    #[must_use]
    pub fn is_silent(&self, now: Timestamp) -> bool {
        now.duration_since(self.heard) >= SILENT
    }

    /// "reading corp for 42 s, and nothing has come yet".
    #[must_use]
    pub fn in_words(&self, now: Timestamp) -> String {
        let seconds = |since: Timestamp| now.duration_since(since).as_secs().max(0);
        let came = match (self.entries, self.is_silent(now)) {
            (0, _) => "nothing has come yet".to_owned(),
            (entries, false) => counted(entries, "entry came", "entries came") + " so far",
            (entries, true) => {
                let came = counted(entries, "entry", "entries");
                format!("nothing after {came} for {} s", seconds(self.heard))
            }
        };
        format!("reading {} for {} s, and {came}", self.name, seconds(self.since))
    }
}

/// An agent that was started when the config named another `state_dir`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherState {
    pub pid: u32,
    pub state_dir: PathBuf,
}

/// A confirmation that still holds: changes it lets through, by kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfirmationRow {
    pub fingerprint: String,
    pub leaving: u64,
    pub renaming: u64,
    pub scope: u64,
    pub expires: Timestamp,
}

/// A past cycle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HistoryRow {
    pub cycle: u64,
    pub started: Timestamp,
    pub seconds: f64,
    pub outcome: CycleOutcome,
    pub changes: ChangeCounts,
    /// What others did in the backend before it, counted in people.
    #[serde(default)]
    pub elsewhere: BTreeMap<Deed, u64>,
}

/// Something wrong with the config.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckProblem {
    /// The config file, or the environment variable that gave the value.
    pub file: String,
    /// None for a variable, and for what is wrong with the whole file.
    pub line: Option<usize>,
    pub key: String,
    /// Never a secret's.
    pub value: Option<String>,
    /// What is wrong, and what is allowed.
    pub message: String,
}

/// One question `check --connect` asks a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    pub what: String,
    pub ok: bool,
    pub message: String,
    /// What does not work without it. With `ok`: a cycle works all the same, only less well.
    pub lost: Option<String>,
    /// The command, or the setting, that mends it.
    pub remedy: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckReport {
    /// No problems, and every probe went well.
    pub ok: bool,
    pub problems: Vec<CheckProblem>,
    /// What is allowed and yet hardly meant.
    pub warnings: Vec<CheckProblem>,
    pub probes: Vec<Probe>,
}

impl Probe {
    /// It works, and something better could be had.
    #[must_use]
    pub const fn is_less(&self) -> bool {
        self.ok && self.lost.is_some()
    }
}

impl CheckReport {
    /// Decides `ok`.
    #[must_use]
    pub fn of(problems: Vec<CheckProblem>, warnings: Vec<CheckProblem>, probes: Vec<Probe>) -> Self {
        Self { ok: problems.is_empty() && probes.iter().all(|probe| probe.ok), problems, warnings, probes }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfirmReport {
    pub fingerprint: String,
    /// Changes let through.
    pub count: u64,
    pub expires: Timestamp,
    /// An agent runs and carries them out at once; else the next `sync` does.
    pub running: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelinkReport {
    pub old: PersonId,
    pub new: PersonId,
    pub user_name: Option<String>,
    pub email: Option<String>,
    /// The entry that owns the account now.
    pub dn: Option<String>,
    /// An agent runs and carries out at once what follows; else the next `sync` does.
    pub running: bool,
}
