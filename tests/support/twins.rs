//! Agents on one directory: one runs and follows what changes; one begins anew each time, reads everything and takes in who is
//! not as before; and one that can count on nothing looks at everyone.

use std::cell::Cell;
use std::time::Duration;

use serde_json::{Value, json};

use super::agent::Running;
use super::process::wait_until;
use super::rights::{lack, lacking};
use super::{Agent, Slapd};

/// Of the server's people.
const SEATS: usize = 8;
const SOON: Duration = Duration::from_secs(20);

pub struct Twins {
    pub follows: Agent,
    _running: Running,
    compares: Agent,
    reads: Agent,
    /// The one that compares did not look at everyone in its last cycle.
    compared: Cell<bool>,
}

impl Twins {
    /// `config` begins with the section `[agent]`; the directory's password lies in the file `pw`. Nobody follows a change
    /// before a cycle is asked for.
    pub fn of(config: &str, password: &str) -> Self {
        let config = config.replacen("[agent]\n", "[agent]\npush = false\n", 1);
        let agent = || {
            let agent = Agent::new("");
            agent.secret("pw", password);
            agent.write_config(&config);
            agent
        };
        let (follows, compares, reads) = (agent(), agent(), agent());
        let running = follows.start();
        wait_until("the first cycle", SOON, || !follows.history().is_empty());
        let twins = Self { follows, _running: running, compares, reads, compared: Cell::new(false) };
        // A cycle that makes the ledger leaves nothing to count on.
        twins.compares.sync_full();
        twins.cycle("the beginning");
        twins
    }

    /// On an OpenLDAP server, of everyone under `ou=people`; with `groups` who is in the group `vault`, and the rank is of the group
    /// `first`.
    pub fn on(slapd: &Slapd, groups: bool) -> Self {
        let base = &slapd.base;
        let scope = if groups { format!("groups = [\"cn=vault,ou=groups,{base}\"]\n") } else { String::new() };
        let rank = if groups { format!("priority = [\"cn=first,ou=groups,{base}\"]\n") } else { String::new() };
        let config = format!(
            "[agent]\nname = \"test\"\nstate_dir = \"state\"\npoll = \"1h\"\n\
             [[directory]]\nname = \"corp\"\nkind = \"openldap\"\nurl = [\"{}\"]\nbind_dn = \"{}\"\n\
             bind_password = {{ file = \"pw\" }}\nbase = [\"ou=people,{base}\"]\ntimeout = \"10s\"\n{scope}\
             [[pool]]\nname = \"standard\"\nseats = {SEATS}\n{rank}\
             [seats]\npromotion = \"automatic\"\n[guard]\npercent = 100\nfloor = 1000\n",
            slapd.url, slapd.sync_dn,
        );
        Self::of(&config, &slapd.password)
    }

    /// One cycle of each after a deletion: the one that follows is told of it, and the others believe it when they miss somebody
    /// the second time.
    #[track_caller]
    pub fn deletion(&self, after: &str) {
        forget(&self.reads);
        for (code, report) in [self.reads.sync_full(), self.compares.sync_full(), self.follows.sync()] {
            assert_eq!(code, 0, "after {after}: {report}");
        }
    }

    /// One cycle of each, after which they have the same. Gives how the one that follows read the directory.
    #[track_caller]
    pub fn cycle(&self, after: &str) -> Value {
        forget(&self.reads);
        let (code, full) = self.reads.sync_full();
        assert_eq!(code, 0, "after {after}: {full}");
        let (code, report) = self.follows.sync();
        assert_eq!(code, 0, "after {after}: {report}");
        same(&self.follows, &report, &self.reads, &full, after);
        let compared = self.compare(after);
        same(&self.compares, &compared, &self.reads, &full, after);
        report["directories"][0].clone()
    }

    /// A cycle of the one that compares.
    #[track_caller]
    fn compare(&self, after: &str) -> Value {
        let ended = self.compares.run(&["--json", "-vv", "sync", "--full"]);
        assert_eq!(ended.code, 0, "after {after}: {}", ended.stderr);
        let report: Value = serde_json::from_str(&ended.stdout).expect("a report");
        assert_eq!(report["directories"][0]["mode"], "full", "after {after}: {report}");
        let says = |what: &str| ended.stderr.contains(what);
        self.compared.set(says("way=Compare") && !says("Everyone is looked at"));
        report
    }

    /// Whether the last cycle of the one that compares looked at nobody who was as before.
    pub fn compared(&self) -> bool {
        self.compared.get()
    }

    /// A cycle after a deletion that the server does not tell of: the next two that read everything find out whom it was, and
    /// `check` says so. Its report.
    pub fn misses_with_the_next_full_cycles(&self, name: &str) -> Value {
        let (code, report) = self.follows.sync();
        assert_eq!(code, 0, "{report}");
        assert!(!self.follows.names("suspended").contains(&name.to_owned()), "nobody told of it yet");
        self.follows.sync_full();
        self.follows.sync_full();
        assert!(self.follows.names("suspended").contains(&name.to_owned()));
        let told = lacking(&self.follows);
        let probe = lack(&told, "changes");
        assert!(probe["lost"].as_str().is_some_and(|lost| lost.contains("next full cycle")), "{probe}");
        report
    }

    /// The same decision, told each of them.
    #[track_caller]
    pub fn decide(&self, decision: &str, user: &str) {
        for agent in [&self.follows, &self.compares, &self.reads] {
            let ended = agent.decide(decision, &[user]);
            assert_eq!(ended.code, 0, "{decision} {user}: {ended:?}");
        }
    }

    /// The same, and only what changed was read, or taken in.
    #[track_caller]
    pub fn delta(&self, after: &str) -> Value {
        let read = self.cycle(after);
        assert!(self.compared.get(), "after {after}: everyone was looked at");
        assert_eq!(read["mode"], "delta", "after {after}: {read}");
        read
    }
}

/// Takes away what the last cycle left to count on.
fn forget(agent: &Agent) {
    let state = agent.folder().join("state/state.db");
    if state.exists() {
        let state = rusqlite::Connection::open(state).expect("the state");
        state.execute("DELETE FROM note WHERE name = 'baseline'", []).expect("the state");
    }
}

/// Two have given out the same, and say the same of it.
#[track_caller]
fn same(one: &Agent, report: &Value, other: &Agent, full: &Value, after: &str) {
    let (ones, others) = (people(one), people(other));
    for (one, other) in ones.iter().zip(&others) {
        assert_eq!(one, other, "after {after}: {report}");
    }
    assert_eq!(ones.len(), others.len(), "after {after}: {report}");
    let counts = |report: &Value| {
        let read = &report["directories"][0];
        json!([read["users"], read["quarantined"], read["foreign"], read["dangling"], report["pools"]])
    };
    assert_eq!(counts(report), counts(full), "after {after}");
}

/// Everyone, with all but the times.
fn people(agent: &Agent) -> Vec<Value> {
    let mut people = agent.users();
    for user in &mut people {
        for seat in user["seats"].as_array_mut().into_iter().flatten() {
            seat["since"] = Value::Null;
        }
    }
    people.sort_by_key(|user| user["anchor"].to_string());
    people
}
