//! Two agents on one directory: one runs and follows what changes, the other reads everything each time.

use std::time::Duration;

use serde_json::{Value, json};

use super::Agent;
use super::agent::Running;
use super::process::wait_until;

const SOON: Duration = Duration::from_secs(20);

pub struct Twins {
    pub follows: Agent,
    _running: Running,
    reads: Agent,
}

impl Twins {
    /// `config` begins with the section `[agent]` or what follows it; the directory's password lies in the file `pw`.
    pub fn of(config: &str, password: &str) -> Self {
        let agent = || {
            let agent = Agent::new("");
            agent.secret("pw", password);
            agent.write_config(config);
            agent
        };
        let (follows, reads) = (agent(), agent());
        let running = follows.start();
        wait_until("the first cycle", SOON, || !follows.history().is_empty());
        let twins = Self { follows, _running: running, reads };
        twins.cycle("the beginning");
        twins
    }

    /// One cycle of both, after which they have the same. Gives how the one that follows read the directory.
    #[track_caller]
    pub fn cycle(&self, after: &str) -> Value {
        let (code, full) = self.reads.sync_full();
        assert_eq!(code, 0, "after {after}: {full}");
        let (code, report) = self.follows.sync();
        assert_eq!(code, 0, "after {after}: {report}");
        let (follows, reads) = (people(&self.follows), people(&self.reads));
        for (one, other) in follows.iter().zip(&reads) {
            assert_eq!(one, other, "after {after}: {report}");
        }
        assert_eq!(follows.len(), reads.len(), "after {after}: {report}");
        let counts = |report: &Value| {
            let read = &report["directories"][0];
            json!([read["users"], read["quarantined"], read["dangling"], report["pools"]])
        };
        assert_eq!(counts(&report), counts(&full), "after {after}");
        report["directories"][0].clone()
    }

    /// The same, and only what changed was read.
    #[track_caller]
    pub fn delta(&self, after: &str) -> Value {
        let read = self.cycle(after);
        assert_eq!(read["mode"], "delta", "after {after}: {read}");
        read
    }
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
