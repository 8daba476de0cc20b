//! Named points at which a test can kill the process, to prove that a crash loses and doubles nothing.
//!
//! Compiled to nothing unless the feature `fault-points` is on, which no released binary has.

/// Kills the process here, as a power cut would, when `SEATSYNC_FAULT=NAME:N` names this point and it is passed for the
/// N-th time. With `SEATSYNC_FAULT_LOG=FILE` every point passed is written there, one name a line.
#[cfg(feature = "fault-points")]
pub fn point(name: &str) {
    use std::collections::HashMap;
    use std::io::Write as _;
    use std::sync::{LazyLock, Mutex, PoisonError};
    static PASSED: LazyLock<Mutex<HashMap<String, u32>>> = LazyLock::new(Mutex::default);

    let mut passed = PASSED.lock().unwrap_or_else(PoisonError::into_inner);
    let times = passed.entry(name.to_owned()).or_insert(0);
    *times += 1;
    if let Some(file) = std::env::var_os("SEATSYNC_FAULT_LOG")
        && let Ok(mut log) = std::fs::OpenOptions::new().create(true).append(true).open(file)
    {
        let _ = writeln!(log, "{name}");
    }
    if std::env::var("SEATSYNC_FAULT").is_ok_and(|wanted| wanted == format!("{name}:{times}")) {
        std::process::abort();
    }
}

/// Nothing: this build has no fault points.
#[cfg(not(feature = "fault-points"))]
#[inline]
pub const fn point(_name: &str) {}
