//! A running agent behind a proxy that spoils one cycle after another, before a real OpenLDAP server: whatever goes wrong, nobody
//! loses a seat by it, the report says what it was, and the next good cycle has made up for it.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on ends here")]

mod support;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use support::agent::Running;
use support::fault_proxy::FaultProxy;
use support::process::wait_until;
use support::{Agent, Slapd, ldif};

const PEOPLE: usize = 24;
const NONE: &str = "delay=0";

/// What is done to all answers of a cycle, as `tests/lab/fault.py` has it.
const FAULTS: [&str; 20] = [
    "refuse",
    "blackhole",
    "noreply=search",
    "bytes=900",
    "bytes=2500",
    "bytes=6000",
    "cut=0",
    "cut=3",
    "rst=1",
    "stall=2",
    "notice=2",
    "dribble",
    SWALLOWED,
    "rc=4@1",
    "rck=51@1",
    "nocookie=1",
    "syncrc=4096",
    "syncrc=80",
    "syncdone",
    "synccookie",
];

const SWALLOWED: &str = "drop=3";

/// Another one for the next test of this file to say: it ends well, and nothing came.
const EMPTY: &str = "syncempty";

struct Bench {
    slapd: Slapd,
    agent: Agent,
    rules: PathBuf,
    joined: usize,
    _running: Running,
    _proxy: FaultProxy,
    _folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let slapd = Slapd::start_with(&ldif::people("dc=lab,dc=test", PEOPLE));
        let folder = tempfile::tempdir().expect("a folder");
        let rules = folder.path().join("rules");
        fs::write(&rules, NONE).expect("the rules");
        let proxy = FaultProxy::with_rules_in(&rules, &slapd.address());
        let agent = Agent::new("");
        agent.secret("pw", &slapd.password);
        agent.write_config(&format!(
            "[agent]\nname = \"test\"\nstate_dir = \"state\"\npoll = \"24h\"\nfull = \"48h\"\npush = false\n\
             [[directory]]\nname = \"corp\"\nkind = \"openldap\"\nurl = [\"{}\"]\nbind_dn = \"{}\"\n\
             bind_password = {{ file = \"pw\" }}\nbase = [\"ou=people,{}\"]\ntimeout = \"1s\"\npage_size = 10\n\
             [[pool]]\nname = \"standard\"\nseats = 1000\n[guard]\npercent = 100\nfloor = 1000\n",
            proxy.url, slapd.sync_dn, slapd.base,
        ));
        let running = agent.start();
        wait_until("the first cycle", Duration::from_secs(20), || !agent.history().is_empty());
        let mut bench = Self { slapd, agent, rules, joined: 0, _running: running, _proxy: proxy, _folder: folder };
        // A server that was filled and never written to has no `contextCSN` to follow from.
        bench.change();
        bench.agent.sync_full();
        assert_eq!(bench.delta(NONE)["entries"], 0);
        bench
    }

    /// A cycle behind these rules.
    fn cycle(&self, rules: &str, full: bool) -> (i32, Value) {
        fs::write(&self.rules, rules).expect("the rules");
        if full { self.agent.sync_full() } else { self.agent.sync() }
    }

    /// One that must have followed what changed.
    #[track_caller]
    fn delta(&self, rules: &str) -> Value {
        let (code, report) = self.cycle(rules, false);
        assert_eq!((code, report["directories"][0]["mode"].as_str()), (0, Some("delta")), "{report}");
        report["directories"][0].clone()
    }

    /// Somebody joins, somebody has another name.
    fn change(&mut self) -> (String, String) {
        self.joined += 1;
        let (joiner, name) = (format!("j{:03}", self.joined), format!("Name {}", self.joined));
        self.slapd.add(&ldif::person(&self.slapd.base, &joiner));
        self.slapd.modify(&ldif::replace(&self.slapd.dn("u0000001"), "displayName", &[&name]));
        (joiner, name)
    }

    /// Everyone who was there has a seat.
    #[track_caller]
    fn nobody_lost_anything(&self, fault: &str, report: &Value) {
        let active = self.agent.names("active").len();
        assert!(active >= PEOPLE + self.joined - 1, "{fault}: {active} hold a seat: {report}");
        assert_eq!(self.agent.names("suspended"), Vec::<String>::new(), "{fault}: {report}");
    }

    #[track_caller]
    fn has(&self, (joiner, name): &(String, String), after: &str) {
        assert_eq!(self.agent.user(joiner)["state"], "active", "{after}");
        assert_eq!(self.agent.user("u0000001")["display_name"], name.as_str(), "{after}");
    }
}

/// Whatever is told of a fault says what we were doing, and in words.
#[track_caller]
fn says_why(fault: &str, (code, report): &(i32, Value)) {
    let read = &report["directories"][0];
    match read["problem"].as_str() {
        None => assert!(read["complete"] == true && *code == 0, "{fault}: {report}"),
        Some(problem) => {
            assert_eq!((read["complete"].as_bool(), *code), (Some(false), 1), "{fault}: {report}");
            assert!(problem.contains("Could not ") || problem.contains("left out entries"), "{fault}: {problem}");
        }
    }
}

#[test]
fn whatever_breaks_off_a_cycle_nobody_loses_a_seat_and_the_next_makes_up_for_it() {
    let mut bench = Bench::new();
    for full in [false, true] {
        for fault in FAULTS {
            let change = bench.change();
            let spoiled = bench.cycle(fault, full);
            bench.nobody_lost_anything(fault, &spoiled.1);
            says_why(fault, &spoiled);
            // What was swallowed on the way nobody can see, until everything is read.
            let (code, healed) = bench.cycle(NONE, fault == SWALLOWED);
            assert_eq!(code, 0, "after {fault}: {healed}");
            bench.has(&change, fault);
        }
    }
    let read = bench.delta(NONE);
    assert_eq!(read["entries"], 0, "all is well again: {read}");
}

#[test]
fn an_answer_that_lost_everything_on_the_way_takes_nothing_and_the_next_full_cycle_makes_up_for_it() {
    let mut bench = Bench::new();
    let change = bench.change();
    let (code, report) = bench.cycle(EMPTY, false);
    assert_eq!(code, 0, "nobody can see it: {report}");
    bench.nobody_lost_anything(EMPTY, &report);
    let (code, report) = bench.cycle(NONE, true);
    assert_eq!(code, 0, "{report}");
    bench.has(&change, EMPTY);
}
