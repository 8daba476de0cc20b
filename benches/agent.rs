//! An agent that runs: what it costs while nothing happens, and how soon somebody who joins has a seat.
//!
//! `cargo bench --bench agent [-- PEOPLE [RUNS]]`; 1,000 people unless told otherwise. `tests/run install` installs the server,
//! a private OpenLDAP. The agent makes a cycle of its own accord once a day: what it sees meanwhile the server has pushed.
#![allow(clippy::expect_used, clippy::panic, reason = "a bench that cannot go on ends here")]
#![allow(clippy::print_stdout, reason = "a bench prints its table")]

mod common;
#[path = "../tests/support/mod.rs"]
mod support;

use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use clap::Parser as _;
use jiff::Timestamp;

use common::child::{cpu_of, size_of};
use common::figures::{Figures, grouped, verdict};
use common::people::{BASE, Person};
use common::{Arguments, machine};
use seatsync::clock;
use support::agent::Running;
use support::process::wait_until;
use support::{Agent, Slapd, ldif};

const PEOPLE: usize = 1_000;
const SOON: Duration = Duration::from_mins(5);
/// So long nothing happens.
const IDLE: Duration = Duration::from_secs(30);
/// Between two joiners.
const REST: Duration = Duration::from_secs(3);
/// MB, percent of one processor, ms, and ms.
const BARS: [f64; 4] = [25.0, 0.1, 100.0, 2_000.0];

fn main() {
    let arguments = Arguments::parse();
    let people = arguments.people.unwrap_or(PEOPLE);
    println!("Filling a private OpenLDAP server with {} people, and giving each a seat ...", grouped(people));
    let slapd = Slapd::start_filled(|ldif| {
        let mut ldif = std::io::BufWriter::new(ldif);
        (1..=people).try_for_each(|number| Person::new(number).write(BASE, &mut ldif))?;
        ldif.flush()
    });
    let agent = agent(&slapd);
    println!("Measuring: an agent that idles for {IDLE:?}, then {} people who join ...\n", arguments.runs);
    let (running, first) = start(&agent);
    let [memory, cpu] = idle(&running);
    let joined = Figures::new((1..=arguments.runs).map(|number| join(&slapd, &agent, number)));
    println!("memory of an idle agent {memory:.0} MB, {}", verdict(memory, BARS[0], " MB"));
    println!("CPU of an idle agent {cpu:.3} %, {}", verdict(cpu, BARS[1], " %"));
    println!("from the start to the first read {first:.0} ms, {}", verdict(first, BARS[2], " ms"));
    let [median, least, most] = joined.cells(0);
    let said = verdict(joined.median(), BARS[3], " ms");
    println!("joiner added -> seat held, with push {median} ms (from {least} to {most}), {said}");
    println!("\nOn {}\nseatsync {}", machine::describe(), env!("CARGO_PKG_VERSION"));
}

fn agent(slapd: &Slapd) -> Agent {
    let agent = Agent::new("");
    agent.secret("pw", &slapd.password);
    agent.write_config(&format!(
        "[agent]\nname = \"bench\"\nstate_dir = \"state\"\npoll = \"24h\"\nfull = \"48h\"\n\n\
         [[directory]]\nname = \"corp\"\nkind = \"openldap\"\nurl = [\"{}\"]\nbind_dn = \"{}\"\n\
         bind_password = {{ file = \"pw\" }}\nbase = [\"ou=people,{BASE}\"]\n\n\
         [[pool]]\nname = \"standard\"\nseats = 10000000\n",
        slapd.url, slapd.sync_dn
    ));
    // A server that was filled and never written to has no `contextCSN` to follow from.
    slapd.modify(&ldif::replace(&Person::new(1).dn(BASE), "displayName", &["Changed before all"]));
    for _ in 0..2 {
        assert_eq!(agent.sync_full().0, 0, "everyone has a seat");
    }
    agent
}

/// Starts the agent; with it, how many ms it took until it began to read.
fn start(agent: &Agent) -> (Running, f64) {
    let (before, cycles) = (clock::now(), agent.history().len());
    // As the unit has it.
    let running = agent.spawn(&["run"], &[("MIMALLOC_PURGE_DELAY", "0")]);
    wait_until("the first cycle", SOON, || agent.history().len() > cycles);
    let started: Timestamp =
        agent.history()[cycles]["started"].as_str().and_then(|text| text.parse().ok()).expect("when it began");
    (running, started.duration_since(before).as_secs_f64() * 1e3)
}

/// MB, and percent of one processor.
fn idle(running: &Running) -> [f64; 2] {
    let process = running.id();
    std::thread::sleep(REST);
    let (before, begun) = (cpu_of(process), Instant::now());
    std::thread::sleep(IDLE);
    let used = cpu_of(process) - before;
    [size_of(process) as f64 / 1e6, used / begun.elapsed().as_secs_f64() * 100.0]
}

/// How many ms it takes until somebody new holds a seat, as the ledger has it.
fn join(slapd: &Slapd, agent: &Agent, number: u16) -> f64 {
    let uid = format!("joiner{number}");
    let ledger = agent.folder().join("ledger.db");
    std::thread::sleep(REST);
    slapd.add(&ldif::person(BASE, &uid));
    let added = Instant::now();
    wait_until("the joiner holds a seat", SOON, || holds(&ledger, &uid));
    added.elapsed().as_secs_f64() * 1e3
}

fn holds(ledger: &Path, uid: &str) -> bool {
    let ledger = rusqlite::Connection::open(ledger).expect("the ledger");
    ledger.busy_timeout(SOON).expect("waiting for the agent");
    let sql = "SELECT COUNT(*) FROM assignment JOIN account ON account.id = assignment.account \
               WHERE account.user_name = ?1 AND assignment.state = 'held'";
    ledger.query_row(sql, [uid], |row| row.get::<_, i64>(0)).expect("the seats") == 1
}
