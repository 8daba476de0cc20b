//! A full cycle in which nothing changed, and `ldapsearch` reading the same people from the same server, in turn.
//!
//! `cargo bench --bench full_cycle [-- PEOPLE [RUNS]]`; 100,000 people unless told otherwise. `tests/run install` installs
//! the server and its client. The cycle is the real one: the program's `sync --full` on a state and a ledger that know
//! everybody. `ldapsearch` asks for the same base, filter and attributes, in pages of the same size.
#![allow(clippy::expect_used, clippy::panic, reason = "a bench that cannot go on ends here")]
#![allow(clippy::print_stdout, reason = "a bench prints its table")]

mod common;
#[path = "../tests/support/mod.rs"]
mod support;

use std::io::Write as _;
use std::process::Command;

use clap::Parser as _;
use serde_json::Value;

use common::child::{Run, run};
use common::figures::{Figures, grouped, table, verdict};
use common::people::{BASE, Person};
use common::{Arguments, machine};
use seatsync::directory::person::PersonReader;
use seatsync::model::settings::AttributeSettings;
use seatsync::model::snapshot::Kind;
use support::{Agent, Slapd};

const PEOPLE: usize = 100_000;
const PAGE: usize = 1_000;

/// Of wall time against `ldapsearch`, and of memory in MB: up to so many people.
const BARS: [(usize, f64, Option<f64>); 2] = [(100_000, 1.5, None), (1_000_000, 2.0, Some(250.0))];

/// Of so many people, to see how the processor time of one grows.
const FEW: usize = 10_000;
const GROWTH: f64 = 1.2;

fn main() {
    let arguments = Arguments::parse();
    let people = arguments.people.unwrap_or(PEOPLE);
    println!("Filling private OpenLDAP servers with {} people, and giving each a seat ...", grouped(people));
    let mut few = (people > FEW).then(|| Company::new(FEW));
    let mut company = Company::new(people);
    println!("Measuring: one run of each that is not counted, then {} in turn ...\n", arguments.runs);
    let mut round = || (company.round(), few.as_mut().map(Company::cycle));
    round();
    let rounds: Vec<((Run, Run), Option<Run>)> = (0..arguments.runs).map(|_| round()).collect();
    report(people, &rounds.iter().map(|(pair, _)| *pair).collect::<Vec<_>>());
    growth(people, &rounds);
    println!("\nOn {}\n{}\n", machine::describe(), versions().join("\n"));
    println!("seatsync:   {}\nldapsearch: {}", shown(&company.cycle), shown(&company.search));
    quiet(&company.agent);
}

/// A server, and an agent whose state and ledger know everybody.
struct Company {
    cycle: Command,
    search: Command,
    agent: Agent,
    _slapd: Slapd,
}

impl Company {
    fn new(people: usize) -> Self {
        let slapd = server(people);
        let agent = agent(&slapd, people);
        Self { cycle: cycle(&agent), search: search(&slapd), agent, _slapd: slapd }
    }

    fn round(&mut self) -> (Run, Run) {
        (self.cycle(), run(&mut self.search))
    }

    fn cycle(&mut self) -> Run {
        run(&mut self.cycle)
    }
}

/// Processor time of a cycle, per person, against that of few people.
fn growth(people: usize, rounds: &[((Run, Run), Option<Run>)]) {
    let per = |run: &Run, people: usize| run.cpu / people as f64;
    let ratios: Vec<f64> = rounds
        .iter()
        .filter_map(|((many, _), few)| Some(per(many, people) / per(few.as_ref()?, FEW).max(1e-9)))
        .collect();
    if !ratios.is_empty() {
        let ratio = Figures::new(ratios).median();
        println!("CPU per person against {} people {ratio:.2}, {}", grouped(FEW), verdict(ratio, GROWTH, "x"));
    }
}

fn server(people: usize) -> Slapd {
    Slapd::start_filled(|ldif| {
        let mut ldif = std::io::BufWriter::new(ldif);
        (1..=people).try_for_each(|number| Person::new(number).write(BASE, &mut ldif))?;
        ldif.flush()
    })
}

/// An agent whose state and ledger know everybody.
fn agent(slapd: &Slapd, people: usize) -> Agent {
    let agent = Agent::new("");
    agent.secret("pw", &slapd.password);
    agent.write_config(&format!(
        "[[directory]]\nname = \"corp\"\nkind = \"openldap\"\nurl = [\"{}\"]\nbind_dn = \"{}\"\n\
         bind_password = {{ file = \"pw\" }}\nbase = [\"ou=people,{BASE}\"]\npage_size = {PAGE}\n\n\
         [[pool]]\nname = \"standard\"\nseats = {people}\n",
        slapd.url, slapd.sync_dn
    ));
    let report = report_of(&mut cycle(&agent));
    assert_eq!(report["changes"]["provisioned"], people, "the first cycle: {report}");
    agent
}

/// A cycle after all those that were measured: still nothing changed, and everybody was read.
fn quiet(agent: &Agent) {
    let report = report_of(&mut cycle(agent));
    let changes = report["changes"].as_object().expect("changes");
    let read = &report["directories"][0];
    let all = read["complete"] == true && read["entries"] == report["pools"][0]["held"];
    assert!(all && changes.values().all(|count| count == 0), "not a quiet cycle: {report}");
}

fn report_of(cycle: &mut Command) -> Value {
    let output = cycle.output().expect("seatsync starts");
    assert!(output.status.success(), "{cycle:?}: {output:?}");
    serde_json::from_slice(&output.stdout).expect("a report")
}

fn cycle(agent: &Agent) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seatsync"));
    command.arg("--config").arg(agent.config_file()).args(["--json", "sync", "--full"]);
    command
}

/// OpenLDAP's own client, asked for what a cycle asks for.
fn search(slapd: &Slapd) -> Command {
    let reader = PersonReader::new(Kind::OpenLdap, &AttributeSettings::default());
    let mut command = Command::new("ldapsearch");
    command.args(["-x", "-LLL", "-H", &slapd.url, "-D", &slapd.sync_dn, "-w", &slapd.password]);
    command.args(["-E", &format!("pr={PAGE}/noprompt"), "-b", &format!("ou=people,{BASE}"), reader.filter()]);
    command.args(reader.wanted());
    command
}

fn report(people: usize, pairs: &[(Run, Run)]) {
    let runs = pairs.len();
    println!("Full cycle, nothing changed: {} people, median of {runs} paired runs (least to most)\n", grouped(people));
    let mut rows = table(&["", "wall s", "least", "most", "CPU s", "peak MB"]);
    let row = |name: &str, of: fn(&(Run, Run)) -> Run| {
        let wall = Figures::seconds(pairs.iter().map(|pair| of(pair).wall)).cells(2);
        let [cpu, ..] = Figures::new(pairs.iter().map(|pair| of(pair).cpu)).cells(2);
        let [peak, ..] = Figures::new(pairs.iter().map(|pair| megabytes(of(pair).peak))).cells(0);
        [name.to_owned()].into_iter().chain(wall).chain([cpu, peak]).collect::<Vec<String>>()
    };
    rows.add_row(row("seatsync sync --full", |pair| pair.0));
    rows.add_row(row("ldapsearch", |pair| pair.1));
    let ratio = Figures::new(pairs.iter().map(|(ours, theirs)| ours.wall.div_duration_f64(theirs.wall)));
    let cpu = Figures::new(pairs.iter().map(|(ours, theirs)| ours.cpu / theirs.cpu.max(0.01)));
    let [cpu, ..] = cpu.cells(2);
    rows.add_row(["ratio, pair by pair".to_owned()].into_iter().chain(ratio.cells(2)).chain([cpu, String::new()]));
    println!("{rows}\n");
    if let Some((_, wall, memory)) = BARS.into_iter().find(|(most, ..)| people <= *most) {
        println!("wall against ldapsearch {:.2}, {}", ratio.median(), verdict(ratio.median(), wall, "x"));
        let peak = Figures::new(pairs.iter().map(|(ours, _)| megabytes(ours.peak))).most();
        if let Some(memory) = memory {
            println!("peak memory {peak:.0} MB, {}", verdict(peak, memory, " MB"));
        }
    }
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

fn versions() -> Vec<String> {
    let seatsync = format!("seatsync {}", env!("CARGO_PKG_VERSION"));
    vec![seatsync, machine::version("/usr/sbin/slapd", &["-VV"]), machine::version("ldapsearch", &["-VV"])]
}

/// A command as one would type it.
fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let quoted = |word: std::borrow::Cow<'_, str>| {
        if word.contains(['(', ' ', '*', '|']) { format!("'{word}'") } else { word.into_owned() }
    };
    words.map(|word| quoted(word.to_string_lossy())).collect::<Vec<String>>().join(" ")
}
