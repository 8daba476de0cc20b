//! `run`: the agent on this config.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::watch;

use super::engine::{Engine, Stop, state_error_in};
use super::interrupt::Interrupts;
use super::pace::Pace;
use super::pass::{cycle_error, pass};
use super::pushing::{Pushing, note_refused};
use super::requests::{self, Reply};
use super::showing::{Mover, Turn};
use super::telling::Telling;
use super::{App, AppError, Code, sending};
use crate::agent::{self, Calls, GRACE, Pulse, ServiceManager, Watch, Work};
use crate::cycle::reading::with_causes;
use crate::cycle::{Asked, CycleError};
use crate::model::memory::{Heartbeat, Request, RequestId};
use crate::model::report::{CONFIG_REFUSED, Failing, SyncReport};
use crate::model::settings::{Settings, Source};
use crate::model::text::spelt;
use crate::ports::Requests as _;
use crate::settings::{Problem, Problems};
use crate::state::{Holder, Lock, State};
use crate::{clock, settings};

/// A sign of life this often where there is no news; the agent counts as silent after three (`verbs::SILENCE`).
const BEAT: Duration = Duration::from_secs(10);
/// And this often while a directory is read or the ledger is waited for: how far that is, is news.
const BEAT_OF_WORK: Duration = Duration::from_secs(2);

/// A message that is being sent when the agent stops may take so long to end.
const LAST_MESSAGE: Duration = Duration::from_secs(5);

/// A read ends after ten of its timeouts without progress, the lookups after it take five; and as long as this for all else.
const TIMEOUTS: u32 = 15;
const ELSE: Duration = Duration::from_mins(2);

impl App {
    /// The agent, until it is called to stop. `manager` hears how it goes.
    ///
    /// # Errors
    /// Where a secret is missing, another instance runs, or the state or the ledger cannot be opened.
    pub async fn run(&self, calls: &Calls, manager: &dyn ServiceManager) -> Result<(), AppError> {
        self.needs(&["directory", "backend", "notify", "status"])?;
        let dir = &self.settings.agent.state_dir;
        let holder = Holder::this_process(&self.settings.agent.name, "run");
        let lock = Lock::try_acquire(dir, &holder).map_err(|error| state_error_in(dir, &error))?.ok_or_else(|| {
            AppError::new(Code::Busy, format!("another instance runs on the state directory {}", dir.display()))
                .with_next("one agent runs on one state directory; `seatsync status` shows it")
        })?;
        let state = State::open(&lock).map_err(|error| state_error_in(dir, &error))?;
        manager.starting();
        let engine = Engine::new(&self.settings, state)?;
        manager.starting();
        let (turns, shown) = watch::channel(self.first_turn()?);
        let pulse = Arc::new(Pulse::new(patience(&self.settings)));
        pulse.asks(engine.awaiting.clone());
        let showing = self.show(shown.clone(), Arc::clone(&pulse), None).await?;
        let mover = Mover { config: self.config.clone(), turns: shown, pulse: Arc::clone(&pulse), showing };
        let page = tokio::spawn(mover.follow());
        let heart = tokio::spawn(beat(self.settings.clone(), turns.subscribe(), Arc::clone(&pulse)));
        let (halt, halting) = watch::channel(false);
        let sending = tokio::spawn(sending::beside(turns.subscribe(), halting));
        let mut worker = Worker {
            config: self.config.clone(),
            engine,
            stopping: calls.stopping(),
            waiting: Vec::new(),
            full: false,
            interrupts: Interrupts::default(),
            complaint: None,
            warnings: self.warnings.clone(),
            pace: Pace::new(self.settings.agent.poll),
            pushing: Pushing::default(),
            pulse: Arc::clone(&pulse),
            telling: Telling::new(self.settings.agent.options.clone()),
            turns,
        };
        tracing::info!(name: "agent.runs", agent = %self.settings.agent.name, version = env!("CARGO_PKG_VERSION"), "The agent runs.");
        agent::run(&mut worker, calls, Watch { manager, pulse: &pulse }, GRACE).await;
        halt.send_replace(true);
        // What is being handed over is noted as sent, so that the next start does not send it again.
        let _ = tokio::time::timeout(LAST_MESSAGE, sending).await;
        heart.abort();
        worker.engine.backend.end_lease().await;
        page.abort();
        let _ = page.await;
        tracing::info!(name: "agent.stopped", "The agent stopped.");
        drop(lock);
        Ok(())
    }
}

/// The agent's hands.
struct Worker {
    config: PathBuf,
    engine: Engine,
    stopping: watch::Receiver<bool>,
    /// Who asked for the pass that comes now.
    waiting: Vec<RequestId>,
    /// One of them asked for everything to be read.
    full: bool,
    interrupts: Interrupts,
    /// What was last said of a config that cannot be taken, so that it is said once.
    complaint: Option<Complaint>,
    /// What was last said of one that can.
    warnings: Vec<Problem>,
    pace: Pace,
    pushing: Pushing,
    pulse: Arc<Pulse>,
    telling: Telling,
    /// What the sign of life says, and the status page shows next.
    turns: watch::Sender<Turn>,
}

#[async_trait]
impl Work for Worker {
    async fn cycle(&mut self) {
        note_refused(&mut self.engine);
        self.reread();
        let pushed = self.pushing.begin();
        let asked = Asked { by_person: !self.waiting.is_empty(), full: self.full };
        let begun = Instant::now();
        let watch = self.interrupts.watch(&self.engine.settings.agent.state_dir, self.stopping.clone());
        let stop = Stop { reading: Some(watch.ear.clone()), applying: Some(self.stopping.clone()) };
        let result = pass(&mut self.engine, asked, &*self.pulse, stop).await;
        drop(watch);
        let interrupted = matches!(result, Err(CycleError::Stopped)) && !*self.stopping.borrow();
        self.interrupts.note(interrupted);
        if interrupted {
            // Who asked for this pass waits for the next, which follows what was asked meanwhile.
            tracing::info!(name: "cycle.given_up", "A long read was given up for what somebody asks; it is made again at once.");
            return;
        }
        self.full = false;
        self.pace.ended(&result, begun.elapsed(), pushed);
        self.pushing.keep_watch(&mut self.engine, &result);
        self.telling.tell(&result, pushed);
        self.count(&result, begun.elapsed());
        let answer = result.map_err(|error| cycle_error(&error));
        for id in std::mem::take(&mut self.waiting) {
            let reply = answer.clone().map(|report| Reply::Synced(Box::new(report)));
            if let Err(error) = requests::answer(&mut self.engine, id, reply) {
                tracing::error!(name: "state.requests", %error, "Who asked for a cycle could not be answered.");
            }
        }
    }

    async fn requests(&mut self) -> bool {
        let mut follow = false;
        loop {
            let (id, request) = match self.engine.state.next_request(clock::now()) {
                Ok(Some(asked)) => asked,
                Ok(None) => return follow || self.pace.is_due(self.engine.backend.news()),
                Err(error) => {
                    tracing::error!(name: "state.requests", %error, "Requests of other verbs could not be read.");
                    return follow;
                }
            };
            follow = true;
            if let Request::Sync { full } = request {
                self.waiting.push(id);
                self.full |= full;
                continue;
            }
            let reply = requests::carry_out(&mut self.engine, request).await;
            if let Err(error) = requests::answer(&mut self.engine, id, reply) {
                tracing::error!(name: "state.requests", %error, "A request could not be answered.");
            }
        }
    }

    async fn roused(&mut self) {
        self.pushing.due(self.pace.pushed_not_before()).await;
    }

    /// What was said of a bad one is said again, to whoever called.
    fn reload(&mut self) {
        tracing::info!(name: "config.asked", "Asked to read the config again.");
        self.complaint = None;
        self.reread();
    }

    /// Which of them is a full one, the pass decides.
    fn until_next(&self) -> Duration {
        self.pace.until_next(self.engine.settings.agent.poll)
    }

    fn announce(&mut self, next: Timestamp) {
        let settings = self.engine.settings.clone();
        self.turns.send_modify(|turn| {
            turn.settings = Arc::new(settings);
            turn.next_cycle = Some(next);
        });
    }

    fn standing(&self) -> String {
        let refused = self.complaint.as_ref().map(|complaint| refusal(&complaint.brief)).unwrap_or_default();
        let said = format!("{refused}{}", self.telling.sentence());
        spelt(&said, &self.engine.settings.agent.options).into_owned()
    }
}

impl Worker {
    /// Counts a cycle; what is shown of it is gathered once the next one is announced.
    fn count(&mut self, result: &Result<SyncReport, CycleError>, took: Duration) {
        if matches!(result, Err(CycleError::Stopped)) {
            return;
        }
        self.turns.send_if_modified(|turn| {
            turn.tally.cycle(result.as_ref().ok(), took, clock::now());
            turn.failing = result.as_ref().err().map(|error| Failing {
                since: turn.failing.take().map_or_else(clock::now, |failing| failing.since),
                problem: with_causes(error),
            });
            false
        });
    }

    /// Takes the config as it is now, secrets included; a bad one leaves the old one in force.
    fn reread(&mut self) {
        let loaded = settings::load(&self.config, &settings::process_variables());
        let taken = loaded.map_err(Complaint::from).and_then(|loaded| self.take(loaded).map_err(Complaint::from));
        let complaint = taken.err();
        if let Some(complaint) = complaint.as_ref().filter(|complaint| self.complaint.as_ref() != Some(complaint)) {
            tracing::error!(name: "config.refused", problem = %complaint.whole, "The config cannot be taken; the agent goes on with the one it has.");
        }
        let said = complaint.as_ref().map(|complaint| complaint.brief.clone());
        self.complaint = complaint;
        self.turns.send_if_modified(|turn| std::mem::replace(&mut turn.config_problem, said.clone()) != said);
    }

    /// Lets a config that is right decide from here on.
    fn take(&mut self, loaded: settings::Loaded) -> Result<(), AppError> {
        let log_differs = loaded.settings.log != self.engine.settings.log;
        let status_differs = !loaded.settings.status.is_same(&self.engine.settings.status);
        let differs = loaded.settings.digest != self.engine.settings.digest;
        self.pulse.be_patient(patience(&loaded.settings));
        self.engine.reconfigure(loaded.settings)?;
        self.pulse.asks(self.engine.awaiting.clone());
        if status_differs {
            // At once: the pass that follows may take long.
            let settings = Arc::new(self.engine.settings.clone());
            self.turns.send_modify(|turn| turn.settings = settings);
        }
        self.pace.follow(self.engine.settings.agent.poll);
        if differs {
            tracing::info!(name: "config.taken", "The config is another one; it decides from now on.");
        }
        if log_differs {
            tracing::warn!(name: "config.log_later", "[log] is another one in the config; it takes effect when the agent is started again.");
        }
        if self.warnings != loaded.warnings {
            self.warnings = loaded.warnings;
            super::warn(&self.warnings);
        }
        Ok(())
    }
}

/// Why a config cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Complaint {
    /// All of it, for the log.
    whole: String,
    /// In one line, for who looks at the agent.
    brief: String,
}

impl From<Problems> for Complaint {
    fn from(problems: Problems) -> Self {
        let first = problems.0.first().map(ToString::to_string).unwrap_or_default().replace('\n', " ");
        let more = match problems.0.len() {
            0 | 1 => String::new(),
            several => format!("; `seatsync check` names {} more", several - 1),
        };
        Self { whole: problems.to_string(), brief: format!("{}{more}", first.trim_end_matches('.')) }
    }
}

impl From<AppError> for Complaint {
    fn from(error: AppError) -> Self {
        let whole = error.in_one_line();
        Self { brief: whole.replace('\n', " "), whole }
    }
}

/// Before how things stand, while the config that was saved cannot be taken.
fn refusal(brief: &str) -> String {
    let told = agent::sentence(&format!("{CONFIG_REFUSED}: {}", brief.trim_end_matches('.')));
    format!("{told} ")
}

/// The longest that a cycle may rightly go without getting on.
fn patience(settings: &Settings) -> Duration {
    let timeouts = settings.directories.iter().filter_map(|directory| match &directory.source {
        Source::Ldap(ldap) => Some(ldap.timeout),
        Source::Ldif { .. } => None,
    });
    timeouts.max().unwrap_or_default() * TIMEOUTS + ELSE
}

/// Shows that the agent lives, also while a long cycle runs.
async fn beat(settings: Settings, mut turns: watch::Receiver<Turn>, pulse: Arc<Pulse>) {
    let started = clock::now();
    let mut state = match State::open_beside(&settings.agent.state_dir) {
        Ok(Some(state)) => state,
        Ok(None) => return,
        Err(error) => {
            tracing::error!(name: "state.no_sign_of_life", %error, "No sign of life can be given: other verbs will take the agent for dead.");
            return;
        }
    };
    loop {
        let now = clock::now();
        let (next_cycle, failing, config_problem) = {
            let turn = turns.borrow_and_update();
            (turn.next_cycle, turn.failing.clone(), turn.config_problem.clone())
        };
        let heartbeat = Heartbeat {
            name: settings.agent.name.clone(),
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started,
            beat: now,
            next_cycle,
            reading: pulse.reading(now).into_iter().collect(),
            awaited: pulse.awaited(now),
            failing,
            page_problem: pulse.page_problem(),
            config_problem,
        };
        if let Err(error) = state.beat(&heartbeat) {
            tracing::warn!(name: "state.no_sign_of_life", %error, "The sign of life could not be stored.");
        }
        let news = async {
            tokio::select! {
                _ = turns.changed() => {}
                () = works(&pulse) => {}
            }
        };
        let _ = tokio::time::timeout(BEAT, news).await;
    }
}

/// Ready once something is being read or waited for.
async fn works(pulse: &Pulse) {
    loop {
        tokio::time::sleep(BEAT_OF_WORK).await;
        let now = clock::now();
        if pulse.reading(now).is_some() || pulse.awaited(now).is_some() {
            return;
        }
    }
}
