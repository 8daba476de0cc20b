//! Planning alone: a million people with seats, of whom a thousand change. What is planned with lies in memory before.
//!
//! `cargo bench --bench planning [-- PEOPLE [RUNS]]`
#![allow(clippy::expect_used, clippy::panic, reason = "a bench that cannot go on ends here")]
#![allow(clippy::print_stdout, reason = "a bench prints its table")]

#[path = "../common/mod.rs"]
mod common;
mod company;

use std::time::{Duration, Instant};

use clap::Parser as _;

use common::figures::{Figures, grouped, table, verdict};
use common::{Arguments, machine};
use company::{CHANGES, Company, FEWEST};
use seatsync::plan::effects::Verb;
use seatsync::plan::{self, Plan};

/// That of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PEOPLE: usize = 1_000_000;

/// For planning alone, in milliseconds.
const BAR: f64 = 1_000.0;

fn main() {
    let arguments = Arguments::parse();
    let people = arguments.people.unwrap_or(PEOPLE).max(FEWEST);
    println!("Making {} people, {} changes ...", grouped(people), grouped(CHANGES));
    let company = Company::new(people);
    let runs: Vec<(Duration, Duration)> = (0..=arguments.runs).map(|_| measure(&company)).collect();
    // The first is not counted.
    report(people, &runs[1..]);
    println!("\nOn {}\nseatsync {}", machine::describe(), env!("CARGO_PKG_VERSION"));
}

/// How long the wishes took, and the plan.
fn measure(company: &Company) -> (Duration, Duration) {
    let start = Instant::now();
    let desired = company.desire();
    let wishing = start.elapsed();
    let world = company.world(&desired);
    let start = Instant::now();
    let plan = plan::plan(&world);
    let planning = start.elapsed();
    expect(&plan);
    (wishing, planning)
}

/// A plan that does less than it should is quick, too.
fn expect(plan: &Plan) {
    let count = |verb: Verb| plan.changes.iter().filter(|change| change.effect.verb == verb && !change.held).count();
    let found = [Verb::Provision, Verb::Suspend, Verb::Update, Verb::Move].map(count);
    assert_eq!((found, plan.changes.len()), ([CHANGES / 4; 4], CHANGES), "not the plan that was to be measured");
}

fn report(people: usize, runs: &[(Duration, Duration)]) {
    let milliseconds =
        |of: fn(&(Duration, Duration)) -> Duration| Figures::new(runs.iter().map(|run| of(run).as_secs_f64() * 1e3));
    let planning = milliseconds(|run| run.1);
    println!("\nPlanning: {} people, {} changes, median of {} runs\n", grouped(people), grouped(CHANGES), runs.len());
    let mut rows = table(&["", "ms", "least", "most"]);
    let row = |name: &str, figures: &Figures| [name.to_owned()].into_iter().chain(figures.cells(0)).collect::<Vec<_>>();
    rows.add_row(row("wishes, made before", &milliseconds(|run| run.0)));
    rows.add_row(row("plan", &planning));
    println!("{rows}\n\nplanning alone {:.0} ms, {}", planning.median(), verdict(planning.median(), BAR, " ms"));
}
