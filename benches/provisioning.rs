//! A first cycle, journal on: everybody gets an account and a seat in an embedded ledger that knew nobody.
//!
//! `cargo bench --bench provisioning [-- PEOPLE [RUNS]]`; 100,000 people unless told otherwise, read from a file.
//! What is measured is the whole of `seatsync sync`, the read, the start and the end of the process included.
#![allow(clippy::expect_used, clippy::panic, reason = "a bench that cannot go on ends here")]
#![allow(clippy::print_stdout, reason = "a bench prints its table")]

mod common;
#[path = "../tests/support/mod.rs"]
mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use clap::Parser as _;

use common::child::{Run, run};
use common::figures::{Figures, grouped, table, verdict_of_rate};
use common::people::{BASE, write_people};
use common::{Arguments, machine};
use support::Agent;

const PEOPLE: usize = 100_000;
/// People a second.
const BAR: f64 = 10_000.0;

fn main() {
    let arguments = Arguments::parse();
    let people = arguments.people.unwrap_or(PEOPLE);
    let folder = tempfile::tempdir().expect("a folder");
    let ldif = folder.path().join("corp.ldif");
    write_people(&ldif, people).expect("a directory in a file");
    println!("Measuring, each time on a new ledger: {} runs, and one that is not counted ...", arguments.runs);
    let runs: Vec<Provisioned> = (0..=arguments.runs).map(|_| Provisioned::measure(&ldif, people)).collect();
    report(people, &runs[1..]);
    println!("\nOn {}\nseatsync {}", machine::describe(), env!("CARGO_PKG_VERSION"));
}

struct Provisioned {
    run: Run,
    /// Bytes of the ledger and of the agent's state.
    kept: [u64; 2],
}

impl Provisioned {
    fn measure(ldif: &Path, people: usize) -> Self {
        let agent = Agent::new(&format!(
            "[[directory]]\nname = \"corp\"\nkind = \"ldif\"\npath = \"{}\"\nbase = [\"ou=people,{BASE}\"]\n\n\
             [[pool]]\nname = \"standard\"\nseats = {people}\n",
            ldif.display(),
        ));
        let mut sync = Command::new(env!("CARGO_BIN_EXE_seatsync"));
        sync.arg("--config").arg(agent.config_file()).args(["--quiet", "sync"]);
        let run = run(&mut sync);
        let ledger = agent.folder().join("ledger.db");
        let state = agent.folder().join("state/state.db");
        assert_eq!(usize::try_from(held(&ledger)), Ok(people), "everybody holds a seat");
        Self { run, kept: [ledger, state].map(|file| fs::metadata(file).expect("a file").len()) }
    }
}

fn held(ledger: &Path) -> i64 {
    let ledger = rusqlite::Connection::open(ledger).expect("the ledger");
    let sql = "SELECT count(*) FROM assignment WHERE state = 'held'";
    ledger.query_row(sql, [], |row| row.get(0)).expect("the seats")
}

fn report(people: usize, runs: &[Provisioned]) {
    println!("\nFirst provisioning of {} people, median of {} runs (least to most)\n", grouped(people), runs.len());
    let mut rows = table(&["wall s", "least", "most", "CPU s", "peak MB", "ledger", "state, bytes a person"]);
    let wall = Figures::seconds(runs.iter().map(|provisioned| provisioned.run.wall));
    let [cpu, ..] = Figures::new(runs.iter().map(|provisioned| provisioned.run.cpu)).cells(2);
    let [peak, ..] = Figures::new(runs.iter().map(|provisioned| provisioned.run.peak as f64 / 1e6)).cells(0);
    let kept = [0, 1].map(|file| {
        let bytes = Figures::new(runs.iter().map(|provisioned| provisioned.kept[file] as f64));
        format!("{:.0}", bytes.median() / people as f64)
    });
    rows.add_row(wall.cells(2).into_iter().chain([cpu, peak]).chain(kept));
    println!("{rows}\n");
    let rate = people as f64 / wall.median();
    println!("first provisioning, embedded {rate:.0} /s, {}", verdict_of_rate(rate, BAR));
}
