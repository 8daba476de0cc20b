//! Child processes that end when their test does, however it ends.

use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A server that runs until its standard input ends: the system closes that even where the test is killed.
#[derive(Debug)]
pub struct Server {
    child: Child,
}

impl Server {
    /// Starts it; `command` must end when its standard input does.
    pub fn start(command: &mut Command) -> Self {
        let child = command.stdin(Stdio::piped()).spawn();
        Self { child: child.unwrap_or_else(|error| panic!("cannot start {command:?}: {error}")) }
    }

    /// What it prints, where `command` asked for a pipe.
    pub fn stdout(&mut self) -> std::process::ChildStdout {
        self.child.stdout.take().expect("standard output is a pipe, read once")
    }

    /// Its exit code, should it have ended by itself.
    pub fn ended(&mut self) -> Option<i32> {
        self.child.try_wait().expect("asking for a child").map(|status| status.code().unwrap_or(-1))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// A file of `tests/lab`.
pub fn lab(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab").join(file)
}

/// A port of 127.0.0.1 that nobody listened on a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}

/// Waits until `ready` says yes; panics with `what` after `limit`.
pub fn wait_until(what: &str, limit: Duration, mut ready: impl FnMut() -> bool) {
    let deadline = now() + limit;
    while !ready() {
        assert!(now() < deadline, "{what}: not within {limit:?}");
        sleep(Duration::from_millis(10));
    }
}

/// Runs a tool with this input; panics with what it printed where it fails.
pub fn tool(command: &mut Command, input: &str) -> String {
    let output = feed(command, input);
    assert!(
        output.status.success(),
        "{command:?} failed with {}:\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("a tool prints UTF-8")
}

/// The same where failing is no failure.
pub fn try_tool(command: &mut Command, input: &str) {
    feed(command, input);
}

fn feed(command: &mut Command, input: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}; tests/run installs it"));
    let mut pipe = child.stdin.take().expect("standard input is a pipe");
    std::thread::scope(|scope| {
        scope.spawn(move || {
            // A tool that ends early has said why on standard error.
            let _ = pipe.write_all(input.as_bytes());
        });
        child.wait_with_output().expect("waiting for a tool")
    })
}

/// For deadlines of tests.
pub fn now() -> Instant {
    Instant::now()
}
