//! Who should have what, worked out a second time by `tests/lab/oracle.py`, over the odd people of
//! `tests/lab/population.py`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::Agent;
use super::process::{lab, tool};

/// A directory of odd people, as files of LDIF.
#[derive(Debug)]
pub struct Population {
    folder: TempDir,
}

impl Population {
    /// `kind` is `openldap` or `ad`.
    pub fn new(kind: &str, count: u32) -> Self {
        let folder = tempfile::tempdir().expect("a folder for a population");
        tool(python("population.py").arg(kind).arg(folder.path()).arg(count.to_string()), "");
        Self { folder }
    }

    /// One of its files: `entries`, `then`, `primary`, `changes`.
    pub fn ldif(&self, name: &str) -> String {
        self.file(&format!("{name}.ldif"))
    }

    /// Base, groups and pools for the config, after the `[[directory]]` they belong to.
    pub fn scope(&self, standard_seats: u32) -> String {
        self.file("scope.toml").replace("@STANDARD@", &standard_seats.to_string())
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).expect("a file of the population")
    }
}

/// Compares everybody in `seatsync users` with what the oracle expects; panics with the differences.
///
/// `cycle` names the expectation; `before` is the name of the one before it, of people who have accounts already.
pub fn assert_agreement(agent: &Agent, cycle: &str, before: Option<&str>) {
    let users = agent.run(&["--json", "users"]);
    assert_eq!(users.code, 0, "{users:?}");
    let path = agent.folder().join(format!("{cycle}.users.jsonl"));
    fs::write(&path, users.stdout).expect("writing what users printed");
    let mut oracle = python("oracle.py");
    oracle.arg("check").arg(agent.config_file()).arg(&path).arg("--write").arg(expectation(agent.folder(), cycle));
    if let Some(before) = before {
        oracle.arg("--before").arg(expectation(agent.folder(), before));
    }
    tool(&mut oracle, "");
}

fn expectation(folder: &Path, cycle: &str) -> PathBuf {
    folder.join(format!("{cycle}.expected.jsonl"))
}

fn python(script: &str) -> Command {
    let mut command = Command::new("/usr/bin/python3");
    command.arg("-B").arg(lab(script));
    command
}
