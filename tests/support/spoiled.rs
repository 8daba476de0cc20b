//! A running agent behind a proxy that spoils one cycle after another.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::agent::Running;
use super::process::wait_until;
use super::{Agent, FaultProxy};

/// No fault.
pub const NONE: &str = "delay=0";

pub struct Spoiled {
    pub agent: Agent,
    rules: PathBuf,
    _running: Running,
    _proxy: FaultProxy,
    _folder: TempDir,
}

impl Spoiled {
    /// Of a server at `address`; the config is made for the URL before it, and has the password in the file `pw`.
    pub fn before(address: &str, password: &str, config: impl FnOnce(&str) -> String) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let rules = folder.path().join("rules");
        fs::write(&rules, NONE).expect("the rules");
        let proxy = FaultProxy::with_rules_in(&rules, address);
        let agent = Agent::new("");
        agent.secret("pw", password);
        agent.write_config(&config(&proxy.url));
        let running = agent.start();
        wait_until("the first cycle", Duration::from_secs(20), || !agent.history().is_empty());
        Self { agent, rules, _running: running, _proxy: proxy, _folder: folder }
    }

    /// A cycle behind these rules of `tests/lab/fault.py`.
    pub fn cycle(&self, rules: &str, full: bool) -> (i32, Value) {
        fs::write(&self.rules, rules).expect("the rules");
        if full { self.agent.sync_full() } else { self.agent.sync() }
    }

    /// One that must have followed what changed. Gives how it read the directory.
    #[track_caller]
    pub fn delta(&self, rules: &str) -> Value {
        let (code, report) = self.cycle(rules, false);
        assert_eq!((code, report["directories"][0]["mode"].as_str()), (0, Some("delta")), "{rules}: {report}");
        report["directories"][0].clone()
    }
}

/// Whatever is told of a fault says what we were doing, and in words.
#[track_caller]
pub fn says_why(fault: &str, (code, report): &(i32, Value)) {
    let read = &report["directories"][0];
    match read["problem"].as_str() {
        None => assert!(read["complete"] == true && *code == 0, "{fault}: {report}"),
        Some(problem) => {
            assert_eq!((read["complete"].as_bool(), *code), (Some(false), 1), "{fault}: {report}");
            assert!(problem.contains("Could not ") || problem.contains("left out entries"), "{fault}: {problem}");
        }
    }
}
