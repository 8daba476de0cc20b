//! Child processes that end when their test does, however it ends.

use std::fs::File;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU16, Ordering};
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

/// A port of 127.0.0.1 on which nobody listens, and which no other test of this machine gets while this process lives. It lies
/// below those that the system gives to whoever connects.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    static TAKEN: Mutex<Vec<File>> = Mutex::new(Vec::new());
    const PORTS: std::ops::Range<u16> = 12_000..32_000;
    let locks = std::env::temp_dir().join("seatsync-test-ports");
    std::fs::create_dir_all(&locks).expect("a folder for locks");
    let begin = std::process::id() % u32::from(PORTS.end - PORTS.start);
    for _ in PORTS {
        let nth = begin + u32::from(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = PORTS.start + u16::try_from(nth % u32::from(PORTS.end - PORTS.start)).expect("below the last port");
        let lock = File::create(locks.join(port.to_string())).expect("a lock");
        if lock.try_lock().is_ok() && TcpListener::bind(("127.0.0.1", port)).is_ok() {
            TAKEN.lock().expect("no test panics here").push(lock);
            return port;
        }
    }
    panic!("all ports are taken: {PORTS:?}");
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
