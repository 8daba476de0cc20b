//! The ledger as a service, and between it and the agent a network that loses, doubles, delays and cuts.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use seatsync::backend::ledger::Ledger;
use seatsync::clock::Clock;
use seatsync::model::settings::{BackendKind, LedgerAccess, Settings};
use secrecy::SecretString;
use tokio::runtime::Runtime;

use super::company::{Company, Pool};
use super::names::{pool_name, time};
use crate::support::ledger_service::furnish;
use crate::support::{HttpProxy, LedgerService};

/// One request of so many meets a fault.
const ONE_IN: u64 = 12;
/// A tenth of a second is waited before a request is sent again.
const IMPATIENT: Duration = Duration::from_millis(400);

pub struct Served {
    _service: LedgerService,
    /// What the clock of ledger and agent says, in seconds of Unix time.
    seconds: Arc<AtomicI64>,
    clock: Clock,
    proxy: HttpProxy,
    path: PathBuf,
    token: String,
    seed: u64,
}

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().expect("a runtime"))
}

impl Served {
    /// A ledger in a file that is not there yet.
    pub fn start(path: &Path, company: &Company, seed: u64) -> Self {
        let [.., token] = furnish(path, "acme");
        let seconds = Arc::new(AtomicI64::new(time(0).as_second()));
        let told = Arc::clone(&seconds);
        let now = move || Timestamp::from_second(told.load(Ordering::SeqCst)).expect("a time");
        let clock = Clock::of(now);
        let service = LedgerService::start_by(path, runtime(), clock.clone());
        let proxy = HttpProxy::start(&service.address());
        let served = Self { _service: service, seconds, clock, proxy, path: path.to_owned(), token, seed };
        let file = served.file();
        for pool in 0..company.pools.len() {
            let sql = "INSERT INTO pool (company, name, seats) VALUES ('acme', ?1, ?2)";
            file.execute(sql, (&*pool_name(pool), company.pools[pool].seats)).expect("a pool");
        }
        served
    }

    /// The agent's side of it, as a new process has it.
    pub fn backend(&self) -> Ledger {
        // Nobody waits here until the lease of a process that died ran out.
        let made = Ledger::new(&self.access(), "acme", "model", "model/1".to_owned()).expect("a client");
        made.with_instance("1").with_clock(self.clock.clone())
    }

    /// The config of an agent that asks it.
    pub fn configure(&self, settings: &mut Settings) {
        settings.backend.kind = BackendKind::Ledger(self.access());
        settings.pools.iter_mut().for_each(|pool| pool.seats = None);
    }

    /// Somebody buys seats, or fewer, in the database: settled with the next batch, as where the config says how many.
    pub fn buy(&self, company: &Company) {
        let file = self.file();
        let sql = "UPDATE pool SET seats = ?2 WHERE company = 'acme' AND name = ?1 AND seats <> ?2";
        for (pool, rule) in company.pools.iter().enumerate() {
            let pool: Pool = pool;
            file.execute(sql, (&*pool_name(pool), rule.seats)).expect("the ledger's file");
        }
    }

    /// It is so late for the ledger, and for whoever asks it.
    pub fn tell_time(&self, now: Timestamp) {
        self.seconds.store(now.as_second(), Ordering::SeqCst);
    }

    pub fn storm(&mut self) {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.proxy.storm(self.seed, ONE_IN);
    }

    pub fn calm(&self) {
        self.proxy.heal();
    }

    fn access(&self) -> LedgerAccess {
        let (url, token) = (self.proxy.url(), SecretString::from(self.token.as_str()));
        LedgerAccess { url, token, ca_file: None, timeout: IMPATIENT }
    }

    fn file(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(&self.path).expect("the ledger's file")
    }
}
