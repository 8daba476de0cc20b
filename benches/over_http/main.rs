//! The ledger over HTTP, agent or clients and ledger on one machine: a first provisioning by an agent, and sixteen clients who
//! claim the last seats of one pool. What is answered is durable.
//!
//! `cargo bench --bench over_http [-- PEOPLE [RUNS]]`; 100,000 people unless told otherwise, and a fifth as many claims.
#![allow(clippy::expect_used, clippy::panic, reason = "a bench that cannot go on ends here")]
#![allow(clippy::print_stdout, reason = "a bench prints its table")]

#[path = "../common/mod.rs"]
mod common;
#[path = "../../tests/support/mod.rs"]
mod support;

mod claims;
mod provisioning;
mod service;

use clap::Parser as _;
use tokio::runtime::Runtime;

use claims::{CLIENTS, Claimed};
use common::child::Run;
use common::figures::{Figures, grouped, table, verdict_of_rate};
use common::people::write_people;
use common::{Arguments, machine};

const PEOPLE: usize = 100_000;

/// People provisioned a second.
const PROVISIONING: f64 = 5_000.0;
/// Claims answered a second.
const CLAIMS: f64 = 2_000.0;

fn main() {
    let arguments = Arguments::parse();
    let people = arguments.people.unwrap_or(PEOPLE).max(50);
    let claimed = people / 50 * 10;
    let runtime = Runtime::new().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    let ldif = folder.path().join("corp.ldif");
    write_people(&ldif, people).expect("a directory in a file");
    println!("Measuring, each time on a new ledger: {} runs, and one that is not counted ...", arguments.runs);
    let runs: Vec<(Run, Claimed)> = (0..=arguments.runs)
        .map(|_| (provisioning::measure(&runtime, &ldif, people), claims::measure(&runtime, claimed)))
        .collect();
    report(people, claimed, &runs[1..]);
    println!("\nOn {}\nseatsync {}", machine::describe(), env!("CARGO_PKG_VERSION"));
}

fn report(people: usize, claimed: usize, runs: &[(Run, Claimed)]) {
    println!("\nA ledger over HTTP, median of {} runs (least to most)\n", runs.len());
    let mut rows = table(&["", "wall s", "least", "most", "a second"]);
    let mut row = |name: String, count: usize, wall: Figures| {
        let rate = count as f64 / wall.median();
        rows.add_row([name].into_iter().chain(wall.cells(2)).chain([format!("{rate:.0}")]));
        rate
    };
    let wall = Figures::seconds(runs.iter().map(|(run, _)| run.wall));
    let provisioned = row(format!("first provisioning of {} people", grouped(people)), people, wall);
    let wall = Figures::seconds(runs.iter().map(|(_, claimed)| claimed.wall));
    let name = format!("{CLIENTS} clients, {} claims on {} seats", grouped(claimed), grouped(claimed / 10));
    let claims = row(name, claimed, wall);
    println!("{rows}\n");
    let slowest = Figures::new(runs.iter().map(|(_, claimed)| claimed.slowest.as_secs_f64() * 1e3)).median();
    println!("first provisioning {provisioned:.0} /s, {}", verdict_of_rate(provisioned, PROVISIONING));
    println!("claims {claims:.0} /s, {}; 99 of 100 answered within {slowest:.0} ms", verdict_of_rate(claims, CLAIMS));
}
