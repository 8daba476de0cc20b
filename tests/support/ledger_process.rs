//! The real binary as a ledger, in a folder of its own.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// A folder with a config of a ledger in it.
pub struct Place(TempDir);

/// A served ledger; it ends on drop.
pub struct Serving {
    pub child: Child,
    pub url: String,
}

impl Place {
    pub fn new(more: &str) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        let config = format!("[ledger]\ndatabase = \"data/ledger.db\"\nlisten = \"127.0.0.1:0\"\n{more}\n");
        std::fs::write(place.path("ledger.toml"), config).unwrap();
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_seatsync"));
        command.env_remove("SEATSYNC_CONFIG").env("NO_COLOR", "1");
        command.arg("--config").arg(self.path("ledger.toml")).args(arguments);
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// One JSON object, of a verb that must succeed.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[&["--json"], arguments].concat());
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{arguments:?}: {output:?}"))
    }

    /// Exit code and error of a verb that must fail.
    pub fn refused(&self, arguments: &[&str]) -> (i32, Value) {
        let output = self.run(&[&["--json"], arguments].concat());
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
        (output.status.code().unwrap(), answer["error"].clone())
    }

    pub fn serve(&self) -> Serving {
        Serving::start(&mut self.command(&["--json", "ledger", "serve"]))
    }
}

impl Serving {
    pub fn start(command: &mut Command) -> Self {
        Self::start_logging(command, Stdio::null())
    }

    /// With its log somewhere.
    pub fn start_logging(command: &mut Command, log: Stdio) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("not served: {line:?}"));
        Self { child, url: told["listening"].as_str().unwrap().to_owned() }
    }

    pub fn signal(&self, name: &str) {
        let kill = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status().unwrap();
        assert!(kill.success());
    }

    /// Waits for its end: the exit code.
    pub fn ended(&mut self) -> Option<i32> {
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(20) {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("it does not end");
    }

    pub fn company(&self, path: &str) -> String {
        format!("{}/v1/companies/acme/{path}", self.url)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
