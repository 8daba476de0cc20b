//! One run of another program: how long it took, what it cost, and how large it grew.

use std::fs;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How often a running child is asked how large it is.
const LOOK: Duration = Duration::from_millis(5);

/// What `/proc` counts in (`USER_HZ`, the same on every Linux).
const TICKS_A_SECOND: f64 = 100.0;

#[derive(Clone, Copy, Debug)]
pub struct Run {
    pub wall: Duration,
    /// Seconds of processor time, its own and the system's for it.
    pub cpu: f64,
    /// The most memory it had at any time, in bytes; 0 where the system does not tell.
    pub peak: u64,
}

/// Runs a program to its end, its output thrown away; it must succeed.
pub fn run(command: &mut Command) -> Run {
    let before = cpu_of_children();
    let start = Instant::now();
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit()).spawn();
    let mut child = child.unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
    let status = format!("/proc/{}/status", child.id());
    let ended = AtomicBool::new(false);
    let (wall, code, peak) = thread::scope(|scope| {
        let watcher = scope.spawn(|| watch(&status, &ended));
        let code = child.wait().expect("waiting for a child");
        let wall = start.elapsed();
        ended.store(true, Ordering::Relaxed);
        (wall, code, watcher.join().expect("the watcher ends"))
    });
    assert!(code.success(), "{command:?} ended with {code}");
    Run { wall, cpu: cpu_of_children() - before, peak }
}

/// The high-water mark of a process until it ends. It only rises, so the last look before the end is near the truth.
fn watch(status: &str, ended: &AtomicBool) -> u64 {
    let mut peak = 0;
    while !ended.load(Ordering::Relaxed) {
        peak = high_water(status).unwrap_or(0).max(peak);
        thread::sleep(LOOK);
    }
    peak
}

fn high_water(status: &str) -> Option<u64> {
    let text = fs::read_to_string(status).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// Of all children that have ended and were waited for.
fn cpu_of_children() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name may hold anything; behind its bracket comes the third field. cutime and cstime are the 16th and 17th.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
    fields.skip(13).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / TICKS_A_SECOND
}

/// Seconds of processor time that a process has used so far.
pub fn cpu_of(process: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // utime and stime are the 14th and the 15th.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / TICKS_A_SECOND
}

/// The memory a process has now, in bytes.
pub fn size_of(process: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()).unwrap_or(0) * 1024
}
