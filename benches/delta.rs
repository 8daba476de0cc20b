//! Cycles of a running agent that follows changes: at the cost of what changed, however many people there are.
//!
//! `cargo bench --bench delta [-- PEOPLE [RUNS]]`; 100,000 people unless told otherwise, against 10,000 of the same kind.
//! `tests/run install` installs the server and its client. Each server is a private OpenLDAP with a session log; each agent
//! runs, its ledger and state know everybody, and it is asked for cycles (`sync` beside it). What is measured is what the
//! cycle's own report says it took. Where nothing changed, beside it stands one `ldapsearch` of the server's root entry.
#![allow(clippy::expect_used, clippy::panic, reason = "a bench that cannot go on ends here")]
#![allow(clippy::print_stdout, reason = "a bench prints its table")]

mod common;
#[path = "../tests/support/mod.rs"]
mod support;

use std::io::Write as _;
use std::process::Command;
use std::time::Duration;

use clap::Parser as _;
use serde_json::Value;

use common::child::run;
use common::figures::{Figures, grouped, table, verdict};
use common::people::{BASE, Person};
use common::{Arguments, machine};
use support::agent::Running;
use support::process::wait_until;
use support::{Agent, Slapd, ldif};

const PEOPLE: usize = 100_000;
const FEW: usize = 10_000;
const CHANGES: usize = 10;
/// Of so many more people, and of one search for the root entry.
const BARS: (f64, f64) = (2.0, 10.0);
/// The first cycle gives everyone a seat.
const FIRST: Duration = Duration::from_mins(20);

fn main() {
    let arguments = Arguments::parse();
    let people = arguments.people.unwrap_or(PEOPLE);
    let companies = [FEW, people].map(|people| {
        println!("Filling a private OpenLDAP server with {} people, and giving each a seat ...", grouped(people));
        Company::new(people)
    });
    println!("Measuring: one cycle of each kind that is not counted, then {} in turn ...\n", arguments.runs);
    let rounds = |round: u16| companies.each_ref().map(|company| company.round(usize::from(round)));
    rounds(0);
    let rounds: Vec<[Round; 2]> = (1..=arguments.runs).map(rounds).collect();
    report(people, &rounds);
    let seatsync = format!("seatsync {}", env!("CARGO_PKG_VERSION"));
    println!("\nOn {}\n{seatsync}\n{}", machine::describe(), machine::version("/usr/sbin/slapd", &["-VV"]));
}

/// A server, and an agent that runs.
struct Company {
    people: usize,
    slapd: Slapd,
    agent: Agent,
    _running: Running,
}

/// Seconds of each.
#[derive(Clone, Copy)]
struct Round {
    nothing: f64,
    changes: f64,
    search: f64,
}

impl Company {
    fn new(people: usize) -> Self {
        let slapd = Slapd::start_filled(|ldif| {
            let mut ldif = std::io::BufWriter::new(ldif);
            (1..=people).try_for_each(|number| Person::new(number).write(BASE, &mut ldif))?;
            ldif.flush()
        });
        let agent = Agent::new("");
        agent.secret("pw", &slapd.password);
        agent.write_config(&format!(
            "[agent]\nname = \"bench\"\nstate_dir = \"state\"\npoll = \"24h\"\npush = false\nfull = \"48h\"\n\n\
             [[directory]]\nname = \"corp\"\nkind = \"openldap\"\nurl = [\"{}\"]\nbind_dn = \"{}\"\n\
             bind_password = {{ file = \"pw\" }}\nbase = [\"ou=people,{BASE}\"]\npage_size = 1000\n\n\
             [[pool]]\nname = \"standard\"\nseats = {people}\n",
            slapd.url, slapd.sync_dn
        ));
        let running = agent.start();
        wait_until("the first cycle", FIRST, || !agent.history().is_empty());
        // A server that was filled and never written to has no `contextCSN` to follow from.
        slapd.modify(&ldif::replace(&Person::new(1).dn(BASE), "displayName", &["Changed before all"]));
        agent.sync_full();
        Self { people, slapd, agent, _running: running }
    }

    fn round(&self, round: usize) -> Round {
        let nothing = self.cycle(0);
        for change in 0..CHANGES {
            let number = 1 + (round * CHANGES + change) * 31 % self.people;
            let dn = Person::new(number).dn(BASE);
            self.slapd.modify(&ldif::replace(&dn, "displayName", &[&format!("Changed in round {round}")]));
        }
        let changes = self.cycle(CHANGES);
        Round { nothing, changes, search: run(&mut root_entry(&self.slapd)).wall.as_secs_f64() }
    }

    /// One that must have followed so many changes, and nothing else.
    fn cycle(&self, changes: usize) -> f64 {
        let (code, report) = self.agent.sync();
        let read = &report["directories"][0];
        let followed = read["mode"] == "delta" && read["entries"] == changes && report["changes"]["updated"] == changes;
        assert!(code == 0 && followed, "not a cycle that followed {changes} changes: {report}");
        seconds(&report)
    }
}

fn seconds(report: &Value) -> f64 {
    report["seconds"].as_f64().expect("seconds")
}

fn root_entry(slapd: &Slapd) -> Command {
    let mut command = Command::new("ldapsearch");
    command.args(["-x", "-LLL", "-H", &slapd.url, "-D", &slapd.sync_dn, "-w", &slapd.password]);
    command.args(["-b", "", "-s", "base", "(objectClass=*)", "*", "+"]);
    command
}

fn report(people: usize, rounds: &[[Round; 2]]) {
    println!("Cycles that follow changes, ms, median of {} (least to most)\n", rounds.len());
    let mut rows = table(&["", "ms", "least", "most"]);
    let of = |which: usize, what: fn(&Round) -> f64| Figures::new(rounds.iter().map(|round| what(&round[which]) * 1e3));
    let mut row = |name: String, figures: &Figures| {
        rows.add_row([name].into_iter().chain(figures.cells(1)));
    };
    let many = grouped(people);
    row(format!("nothing changed, {} people", grouped(FEW)), &of(0, |round| round.nothing));
    row(format!("nothing changed, {many} people"), &of(1, |round| round.nothing));
    row(format!("{CHANGES} changes, {} people", grouped(FEW)), &of(0, |round| round.changes));
    row(format!("{CHANGES} changes, {many} people"), &of(1, |round| round.changes));
    row("ldapsearch of the root entry".to_owned(), &of(1, |round| round.search));
    println!("{rows}\n");
    let ratio = |what: fn(&[Round; 2]) -> f64| Figures::new(rounds.iter().map(what)).median();
    let growth = ratio(|[few, many]| many.changes / few.changes);
    let search = ratio(|[_, many]| many.nothing / many.search);
    println!(
        "{CHANGES} changes, {many} people against {}: {growth:.2}, {}",
        grouped(FEW),
        verdict(growth, BARS.0, "x")
    );
    println!("nothing changed, {many} people, against the root entry: {search:.2}, {}", verdict(search, BARS.1, "x"));
}
