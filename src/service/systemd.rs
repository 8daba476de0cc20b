//! systemd's notification protocol (`sd_notify(3)`, `sd_watchdog_enabled(3)`).

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use libsystemd::daemon::{NotifyState, notify, watchdog_enabled};

use crate::agent::ServiceManager;

/// The systemd that started this process with `Type=notify`.
pub struct Systemd {
    /// The watchdog wants a sign of life this often: a third of `WatchdogSec=`.
    every: Option<Duration>,
    last: Mutex<Option<Instant>>,
}

impl Systemd {
    /// None where nobody listens.
    #[must_use]
    pub fn of_this_process() -> Option<Self> {
        std::env::var_os("NOTIFY_SOCKET")?;
        let every = watchdog_enabled(false).map(|limit| limit / 3);
        Some(Self { every, last: Mutex::new(None) })
    }

    /// A sign of life is due, and counts as given.
    fn is_due(&self, every: Duration) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let due = last.is_none_or(|last| last.elapsed() >= every);
        if due {
            *last = Some(Instant::now());
        }
        due
    }
}

/// What cannot be told is logged: the service manager will act as if it was not said.
fn tell(states: &[NotifyState]) {
    if let Err(error) = notify(false, states) {
        tracing::warn!(%error, "systemd could not be told how things stand.");
    }
}

impl ServiceManager for Systemd {
    fn ready(&self) {
        tell(&[NotifyState::Ready]);
    }

    fn alive(&self) {
        if self.every.is_some_and(|every| self.is_due(every)) {
            tell(&[NotifyState::Watchdog]);
        }
    }

    fn reloading(&self) {
        tell(&[NotifyState::Reloading]);
    }

    fn stopping(&self, grace: Duration) {
        // A moment more than the grace, for what is closed after it.
        let micros = (grace + Duration::from_secs(5)).as_micros();
        tell(&[NotifyState::Stopping, NotifyState::Other(format!("EXTEND_TIMEOUT_USEC={micros}"))]);
    }

    fn says(&self, sentence: &str) {
        tell(&[NotifyState::Status(sentence.to_owned())]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_watchdog_is_fed_as_often_as_it_wants_and_no_more() {
        let systemd = Systemd { every: Some(Duration::from_mins(1)), last: Mutex::new(None) };
        assert!(systemd.is_due(Duration::from_mins(1)));
        assert!(!systemd.is_due(Duration::from_mins(1)));
        assert!(systemd.is_due(Duration::ZERO));
    }
}
