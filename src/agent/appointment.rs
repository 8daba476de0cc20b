//! When the next pass is due, whatever is done to the clock meanwhile.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

/// A clock that is off by less was not set.
const SET: SignedDuration = SignedDuration::from_mins(1);

/// Kept by the time that passes, and by the clock: a clock that was ahead and is set right puts nothing off, and a machine that
/// slept through the time makes no second one of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Appointment {
    made: Instant,
    after: Duration,
    /// When that is by the clock.
    pub(super) at: Timestamp,
}

impl Appointment {
    pub(super) fn after(after: Duration, now: Timestamp) -> Self {
        Self { made: Instant::now(), after, at: later(now, after) }
    }

    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        self.left().is_zero() || self.at <= now
    }

    /// Goes by the clock of now where that was set back. Says whether it did.
    pub(super) fn follow(&mut self, now: Timestamp) -> bool {
        let at = later(now, self.left());
        let was_set = self.at.duration_since(at) > SET;
        if was_set {
            self.at = at;
        }
        was_set
    }

    fn left(&self) -> Duration {
        self.after.saturating_sub(self.made.elapsed())
    }
}

fn later(now: Timestamp, after: Duration) -> Timestamp {
    now.saturating_add(after).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: Duration = Duration::from_mins(5);

    fn hours(hours: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hours)
    }

    #[test]
    fn it_is_due_when_its_time_has_passed() {
        assert!(Appointment::after(Duration::ZERO, hours(1)).is_due(hours(1)));
        assert!(!Appointment::after(EVERY, hours(1)).is_due(hours(1)));
    }

    #[test]
    fn a_clock_that_was_ahead_and_is_set_right_puts_nothing_off() {
        let mut next = Appointment::after(EVERY, hours(24 * 30));
        assert!(next.follow(hours(1)), "others are told another time");
        assert!(next.at <= hours(1) + EVERY, "{next:?}");
        assert!(!next.follow(hours(1)));
        let soon = Appointment::after(Duration::from_millis(20), hours(24 * 30));
        std::thread::sleep(Duration::from_millis(30));
        assert!(soon.is_due(hours(1)));
    }

    #[test]
    fn a_clock_that_goes_on_at_once_makes_it_due() {
        let mut next = Appointment::after(EVERY, hours(1));
        assert!(!next.follow(hours(9)));
        assert!(next.is_due(hours(9)), "the machine slept");
    }
}
