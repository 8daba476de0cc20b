//! When a pass may be made before its time: news come as fast as somebody makes them, and passes take theirs.

use std::time::{Duration, Instant};

use crate::cycle::CycleError;
use crate::model::report::{ReadMode, SyncReport};
use crate::ports::{News, Persistence};
use crate::retry::Waits;

/// At least so long from the end of one pass to the beginning of the next.
const REST: Duration = Duration::from_secs(1);
/// At least so long from the end of one pass to the beginning of one that follows what a directory's server pushed,
const REST_OF_PUSHED: Duration = Duration::from_millis(250);
/// or so long, where what it pushed came to nothing: others change a directory for reasons of their own. Whoever joins
/// meanwhile is still seen within two seconds.
const REST_OF_IDLE: Duration = Duration::from_millis(1500);
/// The rest is so many times as long as the pass, too: half of the time may go into what is of use, a fifth into the rest.
const TIMES_USED: u32 = 1;
const TIMES_IDLE: u32 = 4;
/// The same of the first, the second and each further one in a row that had to read everything. A single one happens; where
/// each of them does, `poll` is good enough.
const TIMES_READ: [u32; 3] = [1, 9, 29];
/// About so long after a first failure that may pass by itself.
const FIRST: Duration = Duration::from_secs(2);

/// What the last passes say about the next.
#[derive(Debug)]
pub struct Pace {
    /// No pass out of turn before.
    not_before: Instant,
    /// No pass that follows what was pushed before.
    pushed_not_before: Instant,
    /// So many of those in a row had to read everything.
    read: usize,
    /// The last one failed, and what made it fail may be over by itself.
    try_again: bool,
    waits: Waits,
    poll: Duration,
}

impl Pace {
    /// For an agent that makes a pass every `poll` anyway.
    pub fn new(poll: Duration) -> Self {
        let now = Instant::now();
        let waits = Waits::new(FIRST, poll);
        Self { not_before: now, pushed_not_before: now, read: 0, try_again: false, waits, poll }
    }

    /// A pass ended, which followed what was `pushed` or did not. One that took long is not followed at once; after failures
    /// the rests grow up to `poll`.
    pub fn ended(&mut self, result: &Result<SyncReport, CycleError>, took: Duration, pushed: bool) {
        let failure = result.as_ref().err().and_then(CycleError::persistence);
        self.try_again = failure == Some(Persistence::Transient);
        let rest = if result.is_ok() {
            self.waits = Waits::new(FIRST, self.poll);
            REST.max(took)
        } else {
            self.waits.next().unwrap_or(self.poll)
        };
        let of_pushed = match result {
            Ok(report) if pushed => self.rest_of_pushed(report, took).min(self.poll),
            Ok(_) => REST_OF_PUSHED.min(self.poll),
            Err(_) => rest,
        };
        let now = Instant::now();
        (self.not_before, self.pushed_not_before) = (now + rest, now + of_pushed);
    }

    /// From the end of a pass that followed what was pushed to the next of them.
    fn rest_of_pushed(&mut self, report: &SyncReport, took: Duration) -> Duration {
        let (least, times) = if is_idle(report) { (REST_OF_IDLE, TIMES_IDLE) } else { (REST_OF_PUSHED, TIMES_USED) };
        let times = if report.directories.iter().any(|directory| directory.mode == ReadMode::Full) {
            self.read += 1;
            times.max(TIMES_READ[self.read.min(TIMES_READ.len()) - 1])
        } else {
            self.read = 0;
            times
        };
        took.saturating_mul(times).max(least)
    }

    /// When what was pushed may be followed.
    pub const fn pushed_not_before(&self) -> Instant {
        self.pushed_not_before
    }

    /// The agent makes a pass every `poll` from now on: no rest is longer.
    pub fn follow(&mut self, poll: Duration) {
        if poll != self.poll {
            self.poll = poll;
            self.waits = Waits::new(FIRST, poll);
            let latest = Instant::now() + poll;
            self.not_before = self.not_before.min(latest);
            self.pushed_not_before = self.pushed_not_before.min(latest);
        }
    }

    /// When the next pass is made, where the one in turn is due after `turn` and there are no news: sooner after a failure
    /// that may be over by itself.
    pub fn until_next(&self, turn: Duration) -> Duration {
        let again = self.not_before.saturating_duration_since(Instant::now());
        if self.try_again { turn.min(again) } else { turn }
    }

    /// Whether to make a pass now, given what news there are.
    pub fn is_due(&mut self, news: News) -> bool {
        if news == News::Back {
            self.waits = Waits::new(FIRST, self.poll);
            self.not_before = Instant::now();
            self.pushed_not_before = self.not_before;
        }
        (news != News::None || self.try_again) && self.not_before <= Instant::now()
    }
}

/// Nothing came of it; what is held back, or refused by the backend, was so before.
pub fn is_idle(report: &SyncReport) -> bool {
    let came = report.changes.named().into_iter().filter(|(what, _)| !["held", "failed"].contains(what));
    came.map(|(_, count)| count).sum::<u64>() == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::report::DirectoryReport;
    use crate::ports::BackendError;

    const HOUR: Duration = Duration::from_hours(1);

    fn failed(persistence: Persistence) -> Result<SyncReport, CycleError> {
        Err(CycleError::Backend(BackendError { doing: "x".to_owned(), persistence, source: None }))
    }

    #[test]
    fn news_are_followed_at_once_but_not_on_the_heels_of_a_pass() {
        let mut pace = Pace::new(HOUR);
        assert!(pace.is_due(News::Some) && !pace.is_due(News::None));
        pace.ended(&Err(CycleError::Stopped), Duration::ZERO, false);
        assert!(!pace.is_due(News::Some) && !pace.is_due(News::None));
    }

    #[test]
    fn after_a_failure_that_may_pass_the_next_pass_is_the_one_that_tries_again() {
        let mut pace = Pace::new(HOUR);
        assert_eq!(pace.until_next(HOUR), HOUR);
        pace.ended(&failed(Persistence::Transient), Duration::ZERO, false);
        let next = pace.until_next(HOUR);
        assert!(next > Duration::ZERO && next <= FIRST * 2, "{next:?}");
        pace.ended(&failed(Persistence::Permanent), Duration::ZERO, false);
        assert_eq!(pace.until_next(HOUR), HOUR);
    }

    #[test]
    fn another_poll_of_a_new_config_bounds_the_rests_from_then_on() {
        let (long, short) = (HOUR, Duration::from_secs(3));
        let mut pace = Pace::new(long);
        for _ in 0..12 {
            pace.ended(&failed(Persistence::Transient), Duration::ZERO, false);
        }
        assert!(pace.until_next(HOUR) > Duration::from_mins(10), "grown");
        pace.follow(short);
        assert!(pace.until_next(HOUR) <= short, "the rest that was begun, too");
        for _ in 0..12 {
            pace.ended(&failed(Persistence::Transient), Duration::ZERO, false);
            assert!(pace.until_next(HOUR) <= short);
        }
        let mut pace = Pace::new(short);
        pace.follow(long);
        let rests = (0..12).map(|_| {
            pace.ended(&failed(Persistence::Transient), Duration::ZERO, false);
            pace.until_next(HOUR)
        });
        assert!(rests.max() > Some(Duration::from_mins(10)));
    }

    #[test]
    fn a_backend_that_is_back_ends_the_rest_that_its_failures_began() {
        let mut pace = Pace::new(HOUR);
        for _ in 0..12 {
            pace.ended(&failed(Persistence::Transient), Duration::ZERO, false);
        }
        assert!(!pace.is_due(News::Some) && pace.is_due(News::Back));
        pace.ended(&failed(Persistence::Transient), Duration::ZERO, false);
        assert!(pace.until_next(HOUR) <= FIRST * 2, "they grow from the beginning again");
    }

    #[test]
    fn only_what_may_pass_by_itself_is_tried_again_out_of_turn() {
        for (persistence, again) in
            [(Persistence::Transient, true), (Persistence::Permanent, false), (Persistence::Credentials, false)]
        {
            let mut pace = Pace::new(HOUR);
            pace.ended(&failed(persistence), Duration::ZERO, false);
            assert!(!pace.is_due(News::None), "not at once");
            pace.not_before = Instant::now();
            assert_eq!(pace.is_due(News::None), again, "{persistence:?}");
        }
    }

    /// What a report says of a pass on one directory, which changed something or nothing.
    fn report(mode: ReadMode, updated: u64) -> SyncReport {
        let mut report = SyncReport::of_failure(1, jiff::Timestamp::UNIX_EPOCH, "none", "none");
        report.directories = vec![DirectoryReport {
            name: "corp".into(),
            mode,
            complete: true,
            entries: 1,
            users: 1,
            quarantined: 0,
            foreign: 0,
            dangling: 0,
            seconds: 0.0,
            problem: None,
        }];
        report.changes.updated = updated;
        report
    }

    #[test]
    fn what_is_pushed_waits_the_longer_the_more_a_pass_costs_and_never_longer_than_poll() {
        let after = |pace: &mut Pace, result: &Result<SyncReport, CycleError>, took: Duration, pushed: bool| {
            pace.ended(result, took, pushed);
            pace.pushed_not_before().saturating_duration_since(Instant::now())
        };
        let rest =
            |result: &Result<SyncReport, CycleError>, took, pushed| after(&mut Pace::new(HOUR), result, took, pushed);
        let second = Duration::from_secs(1);
        let is_about = |rest: Duration, wanted: Duration| rest <= wanted && rest + second / 4 > wanted;
        let changed = Ok(report(ReadMode::Delta, 1));
        assert!(is_about(rest(&changed, Duration::ZERO, true), REST_OF_PUSHED));
        assert!(is_about(rest(&changed, second, true), second * TIMES_USED));
        let idle = Ok(report(ReadMode::Delta, 0));
        assert!(is_about(rest(&idle, Duration::ZERO, true), REST_OF_IDLE), "others' changes");
        assert!(is_about(rest(&idle, second, true), second * TIMES_IDLE));
        let read = Ok(report(ReadMode::Full, 1));
        let mut pace = Pace::new(HOUR);
        for times in [1, 9, 29, 29] {
            assert!(is_about(after(&mut pace, &read, second, true), second * times), "{times}");
        }
        after(&mut pace, &changed, second, true);
        assert!(is_about(after(&mut pace, &read, second, true), second), "they count in a row");
        assert!(is_about(rest(&read, HOUR, false), REST_OF_PUSHED), "that one was due anyway");
        assert!(is_about(rest(&changed, HOUR, true), HOUR));
        assert!(rest(&failed(Persistence::Transient), Duration::ZERO, true) > second / 2, "as after any failure");
    }
}
