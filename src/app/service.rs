//! `run`: the agent on this config.

use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::watch;

use super::engine::{Engine, state_error};
use super::requests::{self, Reply};
use super::verbs::cycle_error;
use super::{App, AppError, Code};
use crate::agent::{self, Work};
use crate::model::memory::{CycleRecord, Heartbeat, Request, RequestId};
use crate::model::report::{CycleOutcome, SyncReport};
use crate::model::settings::Settings;
use crate::ports::{History as _, Requests as _, Silent};
use crate::state::{Holder, Lock, State};
use crate::{clock, cycle, settings};

/// A sign of life this often.
const BEAT: Duration = Duration::from_secs(2);

impl App {
    /// The agent, until `shutdown` is ready.
    ///
    /// # Errors
    /// Where another instance runs, or the state or the ledger cannot be opened.
    pub async fn run(&self, shutdown: impl Future<Output = ()> + Send) -> Result<(), AppError> {
        let dir = &self.settings.agent.state_dir;
        let holder = Holder::this_process(&self.settings.agent.name, "run");
        let lock = Lock::try_acquire(dir, &holder).map_err(|error| state_error(&error))?.ok_or_else(|| {
            AppError::new(Code::Busy, format!("another instance runs on the state directory {}", dir.display()))
                .with_next("one agent runs on one state directory; `seatsync status` shows it")
        })?;
        let state = State::open(&lock).map_err(|error| state_error(&error))?;
        let engine = Engine::new(&self.settings, state)?;
        let (stop, stopping) = watch::channel(false);
        let (announce, announced) = watch::channel(None);
        let heart = tokio::spawn(beat(self.settings.clone(), announced));
        let config = self.config.clone();
        let mut worker = Worker { config, engine, stopping, announce, waiting: Vec::new(), complaint: None };
        tracing::info!(agent = %self.settings.agent.name, version = env!("CARGO_PKG_VERSION"), "The agent runs.");
        // Every cycle of this version is a full one, so the shorter of the two is how often one is made.
        let every = self.settings.agent.poll.min(self.settings.agent.full);
        agent::run(&mut worker, every, &stop, shutdown).await;
        heart.abort();
        tracing::info!("The agent stopped.");
        drop(lock);
        Ok(())
    }
}

/// The agent's hands.
struct Worker {
    config: PathBuf,
    engine: Engine,
    stopping: watch::Receiver<bool>,
    announce: watch::Sender<Option<Timestamp>>,
    /// Who asked for the pass that comes now.
    waiting: Vec<RequestId>,
    /// What was last said of a config that cannot be taken, so that it is said once.
    complaint: Option<String>,
}

#[async_trait]
impl Work for Worker {
    async fn cycle(&mut self) {
        let started = clock::now();
        self.reread();
        let asked = !self.waiting.is_empty();
        let mut parts = self.engine.parts(&Silent, asked, Some(self.stopping.clone()));
        let result = cycle::run_once(&mut parts, started).await;
        match &result {
            Ok(report) => log(report),
            Err(error) => {
                tracing::error!(error = %cycle::reading::with_causes(error), "A cycle failed; nothing is lost, the next one tries again.");
            }
        }
        let answer = result.map_err(|error| cycle_error(&error));
        for id in std::mem::take(&mut self.waiting) {
            let reply = answer.clone().map(|report| Reply::Synced(Box::new(report)));
            if let Err(error) = requests::answer(&mut self.engine, id, reply) {
                tracing::error!(%error, "Who asked for a cycle could not be answered.");
            }
        }
        if let Err(error) = answer {
            self.record_failure(started, &error);
        }
    }

    async fn requests(&mut self) -> bool {
        let mut follow = false;
        loop {
            let (id, request) = match self.engine.state.next_request(clock::now()) {
                Ok(Some(asked)) => asked,
                Ok(None) => return follow,
                Err(error) => {
                    tracing::error!(%error, "Requests of other verbs could not be read.");
                    return follow;
                }
            };
            follow = true;
            if matches!(request, Request::Sync { .. }) {
                self.waiting.push(id);
                continue;
            }
            let reply = requests::carry_out(&mut self.engine, request).await;
            if let Err(error) = requests::answer(&mut self.engine, id, reply) {
                tracing::error!(%error, "A request could not be answered.");
            }
        }
    }

    fn announce(&mut self, next: Timestamp) {
        self.announce.send_replace(Some(next));
    }
}

impl Worker {
    /// Takes the config as it is now, secrets included; a bad one leaves the old one in force.
    fn reread(&mut self) {
        let loaded = settings::load(&self.config, &settings::process_variables());
        let taken = match loaded {
            Ok(loaded) => self.engine.reconfigure(loaded.settings).map_err(|error| error.to_string()),
            Err(problems) => Err(problems.to_string()),
        };
        let complaint = taken.err();
        if let Some(text) = complaint.as_ref().filter(|text| self.complaint.as_ref() != Some(text)) {
            tracing::error!(problem = %text, "The config cannot be taken; the agent goes on with the one it has.");
        }
        self.complaint = complaint;
    }

    /// A cycle that came to nothing is history too.
    fn record_failure(&mut self, started: Timestamp, error: &AppError) {
        let numbered = self.engine.state.begin_cycle(started);
        let recorded = numbered.and_then(|number| {
            let record = CycleRecord {
                number,
                started,
                seconds: 0.0,
                outcome: "failed".to_owned(),
                report: cycle::report::to_json(&cycle::report::of_failure(number, started, &error.to_string())),
            };
            let held = self.engine.state.held()?;
            self.engine.state.finish_cycle(&record, held.as_ref(), None)
        });
        if let Err(error) = recorded {
            tracing::error!(%error, "The failed cycle could not be recorded.");
        }
    }
}

/// WARN is recovered and nothing lost; ERROR is for somebody to act on.
fn log(report: &SyncReport) {
    let changes = &report.changes;
    let (cycle, seconds) = (report.cycle, report.seconds);
    match report.outcome {
        CycleOutcome::Ok => tracing::info!(
            cycle,
            seconds,
            provisioned = changes.provisioned,
            waiting = changes.waiting,
            promoted = changes.promoted,
            suspended = changes.suspended,
            resumed = changes.resumed,
            "A cycle was made."
        ),
        CycleOutcome::Held => tracing::error!(
            cycle,
            held = changes.held,
            fingerprint = report.fingerprint.as_deref(),
            "The guard holds changes back; `seatsync plan` shows them, `seatsync confirm` lets them through."
        ),
        CycleOutcome::SomeFailed => tracing::error!(
            cycle,
            failed = changes.failed,
            "The backend refused some accounts; `seatsync status` names them."
        ),
        CycleOutcome::Partial | CycleOutcome::Failed => {
            for directory in report.directories.iter().filter(|directory| !directory.complete) {
                tracing::warn!(cycle, directory = %directory.name, "A directory was not read whole: nobody of it leaves or gets a seat. `seatsync status` says why.");
            }
        }
    }
}

/// Shows that the agent lives, also while a long cycle runs.
async fn beat(settings: Settings, announced: watch::Receiver<Option<Timestamp>>) {
    let started = clock::now();
    let Ok(Some(mut state)) = State::open_beside(&settings.agent.state_dir) else { return };
    loop {
        let heartbeat = Heartbeat {
            name: settings.agent.name.clone(),
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started,
            beat: clock::now(),
            next_cycle: *announced.borrow(),
        };
        if let Err(error) = state.beat(&heartbeat) {
            tracing::warn!(%error, "The sign of life could not be stored.");
        }
        tokio::time::sleep(BEAT).await;
    }
}
