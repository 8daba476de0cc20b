//! The real engine: `cycle::run_once` on the real state and the real ledger, in files, with directories in memory.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use seatsync::app::engine::Engine as Process;
use seatsync::app::requests;
use seatsync::backend::embedded::Embedded;
use seatsync::cycle::{self, Asked, CycleError, Parts, Source};
use seatsync::model::change::{BackendState, Confirmation, Decision, Verdict};
use seatsync::model::memory::Request;
use seatsync::model::report::{PlanReport, SyncReport};
use seatsync::model::settings::Settings;
use seatsync::model::{Digest, PersonId};
use seatsync::ports::{Backend, History as _, Silent};
use seatsync::state::{Holder, Lock, State};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::company::{Company, DAY, Time};
use super::directory::{World, directory};
use super::fuse::{Death, Fuse, MortalBackend, MortalMemory, SharedFuse};
use super::history::Hand;
use super::names::{person, pool_name, settings, time};
use super::served::Served;

pub struct Engine {
    runtime: Runtime,
    world: Arc<Mutex<World>>,
    fuse: SharedFuse,
    /// None: between two processes.
    process: Option<(Process, Lock)>,
    /// None: the ledger is embedded.
    served: Option<Served>,
    folder: TempDir,
}

/// So often a cycle is made again that a network made fail.
const AGAIN: usize = 5;

impl Engine {
    /// With `network` its seed, the ledger is behind a bad one.
    pub fn new(world: &Arc<Mutex<World>>, network: Option<u64>) -> Self {
        let folder = folder();
        let path = folder.path().join("ledger.db");
        let company = world.lock().expect("the world").company.clone();
        let mut engine = Self {
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime"),
            world: Arc::clone(world),
            fuse: SharedFuse::default(),
            process: None,
            served: network.map(|seed| Served::start(&path, &company, seed)),
            folder,
        };
        engine.restart();
        engine
    }

    /// The process ends, wherever it is, and another begins on what is stored.
    pub fn restart(&mut self) {
        self.process = None;
        let settings = self.settings();
        let holder = Holder::this_process("model", "sync");
        let lock = Lock::try_acquire(&settings.agent.state_dir, &holder).expect("the lock").expect("a free lock");
        let state = State::open(&lock).expect("the state");
        let backend = self.backend(&settings, &state);
        let source =
            |index| Source { directory: directory(index, &self.world), credentials: Digest::from_bytes([0; 16]) };
        let directories = (0..settings.directories.len()).map(source).collect();
        self.process = Some((
            Process { settings, directories, backend, awaiting: None, state, baseline: None, run: "model".to_owned() },
            lock,
        ));
    }

    /// The state is lost between two processes.
    pub fn lose_state(&mut self) {
        self.process = None;
        std::fs::remove_dir_all(self.folder.path().join("state")).expect("the state's folder");
        self.restart();
    }

    fn backend(&self, settings: &Settings, state: &State) -> Box<dyn Backend> {
        let fuse = Arc::clone(&self.fuse);
        if let Some(served) = &self.served {
            return Box::new(MortalBackend { inner: served.backend(), fuse });
        }
        let must_exist = state.knows_accounts().expect("the state");
        let path = self.folder.path().join("ledger.db");
        let inner = Embedded::open(&path, &settings.backend.company, must_exist).expect("the ledger");
        Box::new(MortalBackend { inner, fuse })
    }

    fn settings(&self) -> Settings {
        let mut settings = settings(&self.world.lock().expect("the world").company, self.folder.path());
        if let Some(served) = &self.served {
            served.configure(&mut settings);
        }
        settings
    }

    pub const fn is_served(&self) -> bool {
        self.served.is_some()
    }

    /// What the config of an embedded ledger does by itself, and the weather of the network.
    fn prepare(&mut self, calm: bool) {
        let company = self.world.lock().expect("the world").company.clone();
        let Some(served) = &mut self.served else { return };
        served.buy(&company);
        if calm { served.calm() } else { served.storm() }
    }

    fn process(&mut self) -> &mut Process {
        &mut self.process.as_mut().expect("a process").0
    }

    /// One cycle, and where it died: how many batches had been carried out.
    pub fn cycle(&mut self, now: Time, death: Option<Death>) -> Result<SyncReport, (CycleError, Option<usize>)> {
        self.prepare(death.is_some());
        let tries = if self.is_served() { AGAIN } else { 1 };
        let mut result = self.try_cycle(now, death);
        for _ in 1..tries {
            if !matches!(result, Err((_, None))) {
                break;
            }
            result = self.try_cycle(now, death);
        }
        result
    }

    fn try_cycle(&mut self, now: Time, death: Option<Death>) -> Result<SyncReport, (CycleError, Option<usize>)> {
        *self.fuse.lock().expect("the fuse") = Fuse::new(death);
        if let Some(served) = &self.served {
            served.tell_time(time(now));
        }
        let result = self.on_parts(|runtime, parts| runtime.block_on(cycle::run_once(parts, time(now))));
        let fuse = std::mem::take(&mut *self.fuse.lock().expect("the fuse"));
        result.map_err(|error| (error, fuse.burnt.then_some(fuse.batches)))
    }

    /// What a cycle would do.
    pub fn preview(&mut self, now: Time) -> PlanReport {
        self.prepare(true);
        self.on_parts(|runtime, parts| runtime.block_on(cycle::preview(parts, &BTreeMap::new(), time(now))))
            .expect("a preview")
            .report
    }

    fn on_parts<T>(&mut self, work: impl FnOnce(&Runtime, &mut Parts<'_>) -> T) -> T {
        let settings = self.settings();
        let process = &mut self.process.as_mut().expect("a process").0;
        let mut memory = MortalMemory { state: &mut process.state, fuse: Arc::clone(&self.fuse) };
        let mut parts = Parts {
            settings: &settings,
            directories: &mut process.directories,
            backend: &mut *process.backend,
            memory: &mut memory,
            progress: &Silent,
            // Everything is read where something is out of order; else what changed alone.
            asked: Asked { by_person: true, full: false },
            baseline: &mut process.baseline,
            stop: None,
            halt: None,
        };
        work(&self.runtime, &mut parts)
    }

    /// Everything the ledger knows, asked when the network is calm.
    pub fn read(&mut self) -> BackendState {
        self.served.iter().for_each(Served::calm);
        let process = &mut self.process.as_mut().expect("a process").0;
        self.runtime.block_on(process.backend.read()).expect("the ledger")
    }

    pub fn state(&mut self) -> &State {
        &self.process().state
    }

    /// Whether the cycle of this time came to its end, whatever died then.
    pub fn finished_at(&mut self, now: Time) -> bool {
        self.state().last_cycle().expect("the state").is_some_and(|cycle| cycle.started == time(now))
    }

    /// `pending approve|deny|release`. False: nothing that it fits.
    pub fn decide(&mut self, person: PersonId, verdict: Verdict) -> bool {
        self.carry_out(Request::Decide(vec![Decision { person, pool: None, verdict }]))
    }

    /// `confirm FINGERPRINT`, for whatever is held back now.
    pub fn confirm(&mut self, now: Time) {
        let Some(held) = self.state().held().expect("the state") else { return };
        let confirmation =
            Confirmation { fingerprint: held.fingerprint, changes: held.changes, expires: time(now + DAY) };
        assert!(self.carry_out(Request::Confirm(confirmation)), "a confirmation is stored");
    }

    /// Another hand at the ledger's file, if there is one yet.
    pub fn by_hand(&mut self, company: &Company, hand: Hand) {
        if self.read().accounts.is_empty() {
            return;
        }
        let account = |who| {
            let PersonId { directory, anchor } = person(company, who);
            format!("company = 'acme' AND directory = '{directory}' AND anchor = '{anchor}'")
        };
        let sql = match hand {
            Hand::TakesAccount(who) => format!("DELETE FROM account WHERE {}", account(who)),
            Hand::TakesSeat(who, pool) => format!(
                "DELETE FROM assignment WHERE pool = '{}' AND state = 'held'
                     AND account IN (SELECT id FROM account WHERE {})",
                pool_name(pool),
                account(who)
            ),
            Hand::AddsStranger(pool) => format!(
                "INSERT INTO account (company, id, user_name, email)
                     SELECT 'acme', 1000 + max(id), 's' || max(id), 's' || max(id) || '@x' FROM account;
                 INSERT INTO assignment (company, account, pool, state) SELECT 'acme', max(id), '{}', 'held' FROM account",
                pool_name(pool)
            ),
            Hand::RemovesStrangers => "DELETE FROM account WHERE directory IS NULL".to_owned(),
        };
        let file = rusqlite::Connection::open(self.folder.path().join("ledger.db"));
        file.and_then(|file| file.execute_batch(&sql)).expect("the ledger's file");
    }

    fn carry_out(&mut self, request: Request) -> bool {
        let process = &mut self.process.as_mut().expect("a process").0;
        self.runtime.block_on(requests::carry_out(process, request)).is_ok()
    }
}

/// In memory where the machine has such a place: each history has files of its own.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.expect("a folder")
}
