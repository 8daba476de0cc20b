//! A running agent behind a proxy that spoils one cycle after another, before a real OpenLDAP server: whatever goes wrong, nobody
//! loses a seat by it, the report says what it was, and the next good cycle has made up for it.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on ends here")]

mod support;

use serde_json::Value;
use support::spoiled::{NONE, Spoiled, says_why};
use support::{Slapd, ldif};

const PEOPLE: usize = 24;

/// What is done to all answers of a cycle, as `tests/lab/fault.py` has it.
const FAULTS: [&str; 22] = [
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
    EMPTY,
    NOTHING,
];

const SWALLOWED: &str = "drop=3";

/// It ends well, and nothing came; the server's cookie says that something should have.
const EMPTY: &str = "syncempty";
/// The same, and it says that nothing happened.
const NOTHING: &str = "syncnothing";

struct Bench {
    slapd: Slapd,
    spoiled: Spoiled,
    joined: usize,
}

impl std::ops::Deref for Bench {
    type Target = Spoiled;

    fn deref(&self) -> &Spoiled {
        &self.spoiled
    }
}

impl Bench {
    fn new() -> Self {
        let slapd = Slapd::start_with(&ldif::people("dc=lab,dc=test", PEOPLE));
        let spoiled = Spoiled::before(&slapd.address(), &slapd.password, |url| {
            format!(
                "[agent]\nname = \"test\"\nstate_dir = \"state\"\npoll = \"24h\"\nfull = \"48h\"\npush = false\n\
                 [[directory]]\nname = \"corp\"\nkind = \"openldap\"\nurl = [\"{url}\"]\nbind_dn = \"{}\"\n\
                 bind_password = {{ file = \"pw\" }}\nbase = [\"ou=people,{}\"]\ntimeout = \"1s\"\npage_size = 10\n\
                 [[pool]]\nname = \"standard\"\nseats = 1000\n[guard]\npercent = 100\nfloor = 1000\n",
                slapd.sync_dn, slapd.base,
            )
        });
        let mut bench = Self { slapd, spoiled, joined: 0 };
        // A server that was filled and never written to has no `contextCSN` to follow from.
        bench.change();
        bench.agent.sync_full();
        assert_eq!(bench.delta(NONE)["entries"], 0);
        bench
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
fn an_answer_that_does_not_reach_to_where_the_server_stands_is_not_believed() {
    let mut bench = Bench::new();
    for fault in [EMPTY, NOTHING] {
        let change = bench.change();
        let (code, report) = bench.cycle(fault, false);
        assert_eq!((code, &report["directories"][0]["mode"]), (0, &"full".into()), "{fault}: {report}");
        bench.has(&change, fault);
        let change = bench.change();
        assert_eq!(bench.delta(NONE)["entries"], 2);
        bench.has(&change, "and goes on");
    }
    // Of a deletion nothing is left to see that it was lost, but a cookie that does not reach it.
    bench.slapd.delete(&bench.slapd.dn("u0000002"));
    let (_, report) = bench.cycle(NOTHING, false);
    assert_eq!(report["directories"][0]["mode"], "full", "{report}");
    bench.slapd.delete(&bench.slapd.dn("u0000003"));
    bench.cycle(NONE, true);
    bench.cycle(NONE, true);
    assert_eq!(bench.agent.names("suspended"), ["u0000002", "u0000003"]);
}

#[test]
fn a_deletion_that_was_lost_on_the_way_takes_nothing_and_the_next_full_cycles_make_up_for_it() {
    let bench = Bench::new();
    bench.slapd.delete(&bench.slapd.dn("u0000002"));
    assert_eq!(bench.delta(EMPTY)["entries"], 0, "nobody can see it");
    assert_eq!(bench.agent.names("suspended"), Vec::<String>::new());
    bench.cycle(NONE, true);
    bench.cycle(NONE, true);
    assert_eq!(bench.agent.names("suspended"), ["u0000002"]);
}
