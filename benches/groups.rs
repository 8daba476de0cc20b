//! A full cycle in which nothing changed, with a group as scope in which everybody is, three groups deep, and without.
//!
//! `cargo bench --bench groups [-- PEOPLE [RUNS]]`; 100,000 people unless told otherwise. `tests/run install` installs the
//! server, a private OpenLDAP. Both agents read it, in turn.
#![allow(clippy::expect_used, clippy::panic, reason = "a bench that cannot go on ends here")]
#![allow(clippy::print_stdout, reason = "a bench prints its table")]

mod common;
#[path = "../tests/support/mod.rs"]
mod support;

use std::io::Write as _;
use std::process::Command;

use clap::Parser as _;

use common::child::{Run, run};
use common::figures::{Figures, grouped, table, verdict};
use common::people::{BASE, Person};
use common::{Arguments, machine};
use support::{Agent, Slapd, ldif};

const PEOPLE: usize = 100_000;
/// Of the read without a group.
const BAR: f64 = 2.0;

fn main() {
    let arguments = Arguments::parse();
    let people = arguments.people.unwrap_or(PEOPLE);
    println!("Filling a private OpenLDAP server with {} people, and giving each two seats ...", grouped(people));
    let slapd = server(people);
    let agents = [agent(&slapd, people, true), agent(&slapd, people, false)];
    let mut cycles = agents.each_ref().map(cycle);
    println!("Measuring: one run of each that is not counted, then {} in turn ...\n", arguments.runs);
    let mut round = || cycles.each_mut().map(run);
    round();
    let rounds: Vec<[Run; 2]> = (0..arguments.runs).map(|_| round()).collect();
    report(people, &rounds);
    println!("\nOn {}\nseatsync {}", machine::describe(), env!("CARGO_PKG_VERSION"));
    println!("{}", machine::version("/usr/sbin/slapd", &["-VV"]));
}

/// Everybody is in `inner`, which is in `middle`, which is in `outer`.
fn server(people: usize) -> Slapd {
    Slapd::start_filled(|file| {
        let mut file = std::io::BufWriter::new(file);
        (1..=people).try_for_each(|number| Person::new(number).write(BASE, &mut file))?;
        let group = |name: &str| format!("cn={name},ou=groups,{BASE}");
        let members: Vec<String> = (1..=people).map(|number| Person::new(number).dn(BASE)).collect();
        for (name, members) in [("inner", members), ("middle", vec![group("inner")]), ("outer", vec![group("middle")])]
        {
            file.write_all(ldif::group(BASE, name, &members).as_bytes())?;
        }
        file.flush()
    })
}

/// An agent whose state and ledger know everybody.
fn agent(slapd: &Slapd, people: usize, grouped: bool) -> Agent {
    let agent = Agent::new("");
    agent.secret("pw", &slapd.password);
    let scope = if grouped { format!("groups = [\"cn=outer,ou=groups,{BASE}\"]\n") } else { String::new() };
    agent.write_config(&format!(
        "[[directory]]\nname = \"corp\"\nkind = \"openldap\"\nurl = [\"{}\"]\nbind_dn = \"{}\"\n\
         bind_password = {{ file = \"pw\" }}\nbase = [\"ou=people,{BASE}\"]\n{scope}\n\
         [[pool]]\nname = \"standard\"\nseats = {people}\n",
        slapd.url, slapd.sync_dn
    ));
    let (code, report) = agent.sync_full();
    assert_eq!((code, report["changes"]["provisioned"].as_u64()), (0, Some(people as u64)), "{report}");
    // What the first cycle left is not what the next can count on: it made the ledger.
    assert_eq!(agent.sync_full().0, 0);
    agent
}

fn cycle(agent: &Agent) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seatsync"));
    command.arg("--config").arg(agent.config_file()).args(["--json", "sync", "--full"]);
    command
}

fn report(people: usize, rounds: &[[Run; 2]]) {
    println!("Full cycle, nothing changed: {} people, median of {} (least to most)\n", grouped(people), rounds.len());
    let mut rows = table(&["", "wall s", "least", "most", "CPU s", "peak MB"]);
    for (at, name) in ["a group three deep", "no group"].into_iter().enumerate() {
        let wall = Figures::seconds(rounds.iter().map(|round| round[at].wall)).cells(2);
        let [cpu, ..] = Figures::new(rounds.iter().map(|round| round[at].cpu)).cells(2);
        let [peak, ..] = Figures::new(rounds.iter().map(|round| round[at].peak as f64 / 1e6)).cells(0);
        rows.add_row([name.to_owned()].into_iter().chain(wall).chain([cpu, peak]));
    }
    println!("{rows}\n");
    let ratio = Figures::new(rounds.iter().map(|[group, flat]| group.wall.div_duration_f64(flat.wall))).median();
    println!(
        "a group of {} members, three deep, against the flat read {ratio:.2}, {}",
        grouped(people),
        verdict(ratio, BAR, "x")
    );
}
