//! The real engine: one pass of `cycle` over the real ledger and the real state, with a backend that can break off.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::Timestamp;
use seatsync::backend::embedded::Embedded;
use seatsync::cycle::{self, CycleError, Parts, Source};
use seatsync::ledger::Ledger;
use seatsync::model::change::{Answer, BackendState, Batch, Confirmation, Decision, HeldChange};
use seatsync::model::report::SyncReport;
use seatsync::model::{Digest, Name, PersonId};
use seatsync::ports::{Backend, BackendError, Capabilities, History as _, Persistence, Silent};
use seatsync::state::{Holder, Lock, State};

use super::directory::{InMemory, World};
use super::setup::{Setup, mail, pool_name};

/// When the process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// A batch was sent and never arrived.
    Before,
    /// A batch was carried out, and its answer lost.
    After,
}

/// What a backend was told to do, and when it is to break off.
#[derive(Debug, Default)]
pub struct Tape {
    /// Which batch of the next pass, and when.
    pub death: Option<(usize, Death)>,
    /// Carried out since the tape was last emptied.
    pub carried_out: Vec<Batch>,
    arrived: usize,
}

/// The embedded ledger behind a wire that can be cut.
struct Wired {
    inner: Embedded,
    tape: Arc<Mutex<Tape>>,
}

fn cut() -> BackendError {
    BackendError { doing: "the wire was cut".to_owned(), persistence: Persistence::Transient, source: None }
}

#[async_trait]
impl Backend for Wired {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn read(&mut self) -> Result<BackendState, BackendError> {
        self.inner.read().await
    }

    async fn apply(&mut self, batch: &Batch) -> Result<Answer, BackendError> {
        let death = {
            let mut tape = self.tape.lock().expect("the tape");
            tape.arrived += 1;
            tape.death.filter(|(at, _)| *at + 1 == tape.arrived).map(|(_, death)| death)
        };
        if death == Some(Death::Before) {
            return Err(cut());
        }
        let answer = self.inner.apply(batch).await?;
        self.tape.lock().expect("the tape").carried_out.push(batch.clone());
        if death.is_some() { Err(cut()) } else { Ok(answer) }
    }

    async fn answer(&mut self, key: &str) -> Result<Option<Answer>, BackendError> {
        self.inner.answer(key).await
    }

    async fn decide(&mut self, decisions: &[Decision], at: Timestamp) -> Result<(), BackendError> {
        self.inner.decide(decisions, at).await
    }

    async fn confirm(&mut self, confirmation: &Confirmation) -> Result<(), BackendError> {
        self.inner.confirm(confirmation).await
    }

    async fn relink(&mut self, old: &PersonId, new: &PersonId) -> Result<(), BackendError> {
        self.inner.relink(old, new).await
    }
}

pub struct Engine {
    folder: tempfile::TempDir,
    runtime: tokio::runtime::Runtime,
    directories: Vec<Source>,
    tape: Arc<Mutex<Tape>>,
    /// None: between two processes.
    process: Option<Process>,
    /// The state lies in a file, and outlives the process as it really does.
    on_disk: bool,
}

struct Process {
    backend: Wired,
    state: State,
    _lock: Option<Lock>,
}

impl Engine {
    pub fn new(setup: &Setup, world: &Arc<Mutex<World>>, on_disk: bool) -> Self {
        let folder = folder();
        let ledger = folder.path().join("ledger.db");
        if !setup.strangers.is_empty() {
            strangers(setup, &ledger);
        }
        let source = |index| Source {
            directory: Box::new(InMemory::new(index, world)) as Box<_>,
            credentials: Digest::from_bytes([0; 16]),
        };
        let directories = (0..setup.directories).map(source).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let tape = Arc::new(Mutex::new(Tape::default()));
        let mut engine = Self { folder, runtime, directories, tape, process: None, on_disk };
        engine.start(None);
        engine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn start(&mut self, kept: Option<State>) {
        let (state, lock) = match kept {
            Some(state) => (state, None),
            None if self.on_disk => {
                let holder = Holder::this_process("test", "sync");
                let lock = Lock::try_acquire(&self.path("state"), &holder).expect("the lock").expect("free");
                (State::open(&lock).expect("the state"), Some(lock))
            }
            None => (State::in_memory().expect("a state"), None),
        };
        let must_exist = state.knows_accounts().expect("the state");
        let inner = Embedded::open(&self.path("ledger.db"), &Name::from("acme"), must_exist).expect("the ledger");
        let backend = Wired { inner, tape: Arc::clone(&self.tape) };
        self.process = Some(Process { backend, state, _lock: lock });
    }

    /// The process ends, and another begins on what is stored.
    pub fn restart(&mut self) {
        let Process { state, .. } = self.process.take().expect("a process");
        let kept = if self.on_disk { None } else { Some(state) };
        self.start(kept);
    }

    /// The process ends, its state is lost, and another begins.
    pub fn lose_state(&mut self) {
        self.process = None;
        if self.on_disk {
            std::fs::remove_dir_all(self.path("state")).expect("removing the state");
        }
        self.start(None);
    }

    /// Cuts the wire at a batch of the next pass.
    pub fn die_at(&mut self, death: Option<(usize, Death)>) {
        *self.tape.lock().expect("the tape") = Tape { death, ..Tape::default() };
    }

    /// What was carried out since `die_at`.
    pub fn carried_out(&self) -> Vec<Batch> {
        self.tape.lock().expect("the tape").carried_out.clone()
    }

    pub fn cycle(&mut self, setup: &Setup, now: Timestamp) -> Result<SyncReport, CycleError> {
        let settings = setup.settings(self.folder.path());
        self.with_parts(&settings, |runtime, parts| runtime.block_on(cycle::run_once(parts, now)))
    }

    pub fn preview(&mut self, setup: &Setup, now: Timestamp) -> cycle::report::Preview {
        let settings = setup.settings(self.folder.path());
        self.with_parts(&settings, |runtime, parts| runtime.block_on(cycle::preview(parts, now))).expect("a preview")
    }

    fn with_parts<T>(
        &mut self,
        settings: &seatsync::model::settings::Settings,
        work: impl FnOnce(&tokio::runtime::Runtime, &mut Parts<'_>) -> T,
    ) -> T {
        let process = self.process.as_mut().expect("a process");
        let mut parts = Parts {
            settings,
            directories: &mut self.directories,
            backend: &mut process.backend,
            memory: &mut process.state,
            progress: &Silent,
            asked: true,
            stop: None,
        };
        work(&self.runtime, &mut parts)
    }

    /// Everything the backend knows.
    pub fn read(&mut self) -> BackendState {
        let backend = &mut self.process.as_mut().expect("a process").backend;
        let mut state = self.runtime.block_on(backend.read()).expect("the ledger");
        state.accounts.sort_by(|a, b| a.owner.cmp(&b.owner));
        state
    }

    /// As `pending approve|deny|release` does it. Says whether there was anything to decide.
    pub fn decide(&mut self, decision: Decision, now: Timestamp) -> bool {
        let backend = &mut self.process.as_mut().expect("a process").backend;
        self.runtime.block_on(backend.decide(&[decision], now)).is_ok()
    }

    /// What is held back now.
    pub fn held(&self) -> BTreeSet<HeldChange> {
        let held = self.process.as_ref().expect("a process").state.held().expect("the state");
        held.map(|held| held.changes).unwrap_or_default()
    }

    /// As `confirm FINGERPRINT` does it, for whatever is held back now.
    pub fn confirm(&mut self, expires: Timestamp) {
        let process = self.process.as_mut().expect("a process");
        let Some(held) = process.state.held().expect("the state") else { return };
        let confirmation = Confirmation { fingerprint: held.fingerprint, changes: held.changes, expires };
        self.runtime.block_on(process.backend.confirm(&confirmation)).expect("the ledger");
        process.state.keep_confirmation(&confirmation).expect("the state");
    }
}

/// In memory where the machine lets us: thousands of histories, each with files of its own.
fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.expect("a folder")
}

/// Puts accounts of another hand into the ledger.
fn strangers(setup: &Setup, path: &Path) {
    Ledger::open(path, false).and_then(|mut ledger| ledger.company("acme", false)).expect("a ledger");
    let sql = rusqlite::Connection::open(path).expect("the ledger");
    for index in 0..setup.pools.len() {
        let row = (&*pool_name(index), setup.pools[index].seats);
        sql.execute("INSERT INTO pool (company, name, seats) VALUES ('acme', ?1, ?2)", row).expect("a pool");
    }
    for (index, (pool, number)) in setup.strangers.iter().enumerate() {
        let id = i64::try_from(index + 1).expect("few");
        let row = (id, format!("stranger{id}"), mail(*number));
        let account = "INSERT INTO account (company, id, user_name, email) VALUES ('acme', ?1, ?2, ?3)";
        sql.execute(account, row).expect("an account");
        let seat = "INSERT INTO assignment (company, account, pool, state) VALUES ('acme', ?1, ?2, 'held')";
        sql.execute(seat, (id, &*pool_name(*pool))).expect("a seat");
    }
}
