//! What a typed `sync` does when it is told to stop.

#![allow(clippy::expect_used, reason = "a test that cannot go on ends here")]

mod support;

use std::net::TcpListener;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use seatsync::app::engine::{Engine, Stop};
use seatsync::backend::embedded::Embedded;
use seatsync::cycle::{Asked, run_once};
use seatsync::model::PersonId;
use seatsync::model::change::{Answer, BackendState, Batch, Confirmation, Decision};
use seatsync::model::report::CycleOutcome;
use seatsync::ports::{Backend, BackendError, Capabilities, Silent};
use seatsync::settings::{self, Variables};
use seatsync::state::{Holder, Lock, State};
use support::Agent;
use support::company::{Company, company_of, pool};
use support::process::{now, wait_until};
use tokio::sync::watch;

/// What ends "at once", on a machine that has other work too.
const SOON: Duration = Duration::from_secs(10);

/// A ledger during whose first batch somebody asks to stop.
struct AskedToStop {
    inner: Embedded,
    stop: watch::Sender<bool>,
}

#[async_trait]
impl Backend for AskedToStop {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn read(&mut self) -> Result<BackendState, BackendError> {
        self.inner.read().await
    }

    async fn apply(&mut self, batch: &Batch) -> Result<Answer, BackendError> {
        self.stop.send_replace(true);
        self.inner.apply(batch).await
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

/// Everyone's display name and state, by user name.
fn known(company: &Company) -> Vec<String> {
    let mut all: Vec<String> = company
        .agent
        .users()
        .iter()
        .map(|user| format!("{} {} {}", user["user_name"], user["display_name"], user["state"]))
        .collect();
    all.sort();
    all
}

#[tokio::test]
async fn it_ends_after_the_wave_in_hand_says_what_was_not_sent_and_the_next_cycle_does_that() {
    let mut company = company_of(6, &format!("{}[seats]\npromotion = \"automatic\"\n", pool(5)));
    company.sync();
    company.disable("p001");
    company.set("p002", "mail: p002@lab.test\ndisplayName: Somebody Else\n");
    company.write();
    let (stop, stopping) = watch::channel(false);
    let report = {
        let loaded = settings::load(&company.agent.config_file(), &Variables::new()).expect("the config");
        let holder = Holder::this_process("test", "sync");
        let lock = Lock::try_acquire(&loaded.settings.agent.state_dir, &holder).expect("a lock").expect("nobody else");
        let state = State::open(&lock).expect("the state");
        let mut engine = Engine::new(&loaded.settings, state).expect("an engine");
        let inner = Embedded::open(&company.agent.folder().join("ledger.db"), "acme", true).expect("the ledger");
        engine.backend = Box::new(AskedToStop { inner, stop });
        let stop = Stop { reading: None, applying: Some(stopping) };
        let mut parts = engine.parts(&Silent, Asked::default(), stop);
        let now = "2030-01-01T00:00:00Z".parse().expect("a time");
        run_once(&mut parts, now).await.expect("a cycle")
    };
    assert_eq!((report.outcome, report.changes.suspended, report.changes.updated), (CycleOutcome::Partial, 1, 0));
    let stopped = report.problems.iter().find(|problem| problem.code == "stopped").expect("it says so");
    assert!(stopped.message.ends_with("were not sent; the next cycle plans those anew"), "{}", stopped.message);
    assert!(!known(&company).iter().any(|one| one.contains("Somebody Else")), "{:?}", known(&company));
    let (code, rest) = company.sync();
    assert_eq!((code, &rest["changes"]["suspended"]), (0, &0.into()), "{rest}");
    assert!(known(&company).iter().any(|one| one.contains("Somebody Else")), "{:?}", known(&company));
}

#[test]
fn told_to_stop_while_a_server_keeps_it_waiting_it_ends_at_once_and_says_that_nothing_was_changed() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("ldap://{}", silent.local_addr().expect("its number"));
    let config = format!(
        "[[directory]]\nname = \"corp\"\nurl = [\"{url}\"]\nbind = \"anonymous\"\nbase = [\"dc=lab\"]\n{}",
        pool(2)
    );
    let agent = Agent::new(&config);
    let running = agent.spawn(&["sync"], &[]);
    let _held = silent.accept().expect("the agent comes");
    let clock = now();
    let ended = running.terminate();
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.stderr.contains("asked to stop while reading; nothing was changed"), "{ended:?}");
    assert!(clock.elapsed() < SOON, "{:?}", clock.elapsed());
}

#[test]
fn told_to_stop_while_it_waits_for_the_agent_it_takes_its_request_back() {
    let company = company_of(2, &pool(2));
    company.write();
    let agent = company.agent.start();
    wait_until("the first cycle", Duration::from_mins(1), || !company.agent.history().is_empty());
    agent.signal("STOP");
    let waiting = company.agent.spawn(&["sync"], &[]);
    std::thread::sleep(Duration::from_secs(1));
    let ended = waiting.terminate();
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.stderr.contains("asked to stop while waiting for the running agent"), "{ended:?}");
    assert!(ended.stderr.contains("does not begin for this request"), "{ended:?}");
    agent.signal("CONT");
    assert_eq!(agent.terminate().code, 0);
}

#[test]
fn told_to_stop_twice_it_ends_at_once_and_the_next_cycle_is_whole() {
    let mut company = company_of(4, &pool(4));
    company.sync();
    company.join("p005");
    company.write();
    let ledger = rusqlite::Connection::open(company.agent.folder().join("ledger.db")).expect("the ledger");
    ledger.execute_batch("BEGIN IMMEDIATE").expect("nobody else may write");
    let running = company.agent.spawn(&["sync"], &[]);
    std::thread::sleep(Duration::from_secs(1));
    running.signal("TERM");
    std::thread::sleep(Duration::from_millis(500));
    let clock = now();
    let ended = running.terminate();
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.stderr.contains("Ended at once") && clock.elapsed() < Duration::from_secs(3), "{ended:?}");
    ledger.execute_batch("ROLLBACK").expect("the ledger is free");
    assert_eq!(company.sync().0, 0);
    assert_eq!(company.agent.users().len(), 5);
}
