//! When a pass may be made before its time: news come as fast as somebody makes them, and passes take theirs.

use std::time::{Duration, Instant};

use crate::cycle::CycleError;
use crate::model::report::SyncReport;
use crate::ports::{News, Persistence};
use crate::retry::Waits;

/// At least so long from the end of one pass to the beginning of the next.
const REST: Duration = Duration::from_secs(1);
/// About so long after a first failure that may pass by itself.
const FIRST: Duration = Duration::from_secs(2);

/// What the last passes say about the next.
#[derive(Debug)]
pub struct Pace {
    /// No pass out of turn before.
    not_before: Instant,
    /// The last one failed, and what made it fail may be over by itself.
    try_again: bool,
    waits: Waits,
    poll: Duration,
}

impl Pace {
    /// For an agent that makes a pass every `poll` anyway.
    pub fn new(poll: Duration) -> Self {
        Self { not_before: Instant::now(), try_again: false, waits: Waits::new(FIRST, poll), poll }
    }

    /// A pass ended. One that took long is not followed at once; after failures the rests grow up to `poll`.
    pub fn ended(&mut self, result: &Result<SyncReport, CycleError>, took: Duration) {
        let failure = result.as_ref().err().and_then(CycleError::persistence);
        self.try_again = failure == Some(Persistence::Transient);
        let rest = if result.is_ok() {
            self.waits = Waits::new(FIRST, self.poll);
            REST.max(took)
        } else {
            self.waits.next().unwrap_or(self.poll)
        };
        self.not_before = Instant::now() + rest;
    }

    /// The agent makes a pass every `poll` from now on: no rest is longer.
    pub fn follow(&mut self, poll: Duration) {
        if poll != self.poll {
            self.poll = poll;
            self.waits = Waits::new(FIRST, poll);
            self.not_before = self.not_before.min(Instant::now() + poll);
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
        }
        (news != News::None || self.try_again) && self.not_before <= Instant::now()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::BackendError;

    const HOUR: Duration = Duration::from_hours(1);

    fn failed(persistence: Persistence) -> Result<SyncReport, CycleError> {
        Err(CycleError::Backend(BackendError { doing: "x".to_owned(), persistence, source: None }))
    }

    #[test]
    fn news_are_followed_at_once_but_not_on_the_heels_of_a_pass() {
        let mut pace = Pace::new(HOUR);
        assert!(pace.is_due(News::Some) && !pace.is_due(News::None));
        pace.ended(&Err(CycleError::Stopped), Duration::ZERO);
        assert!(!pace.is_due(News::Some) && !pace.is_due(News::None));
    }

    #[test]
    fn after_a_failure_that_may_pass_the_next_pass_is_the_one_that_tries_again() {
        let mut pace = Pace::new(HOUR);
        assert_eq!(pace.until_next(HOUR), HOUR);
        pace.ended(&failed(Persistence::Transient), Duration::ZERO);
        let next = pace.until_next(HOUR);
        assert!(next > Duration::ZERO && next <= FIRST * 2, "{next:?}");
        pace.ended(&failed(Persistence::Permanent), Duration::ZERO);
        assert_eq!(pace.until_next(HOUR), HOUR);
    }

    #[test]
    fn another_poll_of_a_new_config_bounds_the_rests_from_then_on() {
        let (long, short) = (HOUR, Duration::from_secs(3));
        let mut pace = Pace::new(long);
        for _ in 0..12 {
            pace.ended(&failed(Persistence::Transient), Duration::ZERO);
        }
        assert!(pace.until_next(HOUR) > Duration::from_mins(10), "grown");
        pace.follow(short);
        assert!(pace.until_next(HOUR) <= short, "the rest that was begun, too");
        for _ in 0..12 {
            pace.ended(&failed(Persistence::Transient), Duration::ZERO);
            assert!(pace.until_next(HOUR) <= short);
        }
        let mut pace = Pace::new(short);
        pace.follow(long);
        let rests = (0..12).map(|_| {
            pace.ended(&failed(Persistence::Transient), Duration::ZERO);
            pace.until_next(HOUR)
        });
        assert!(rests.max() > Some(Duration::from_mins(10)));
    }

    #[test]
    fn a_backend_that_is_back_ends_the_rest_that_its_failures_began() {
        let mut pace = Pace::new(HOUR);
        for _ in 0..12 {
            pace.ended(&failed(Persistence::Transient), Duration::ZERO);
        }
        assert!(!pace.is_due(News::Some) && pace.is_due(News::Back));
        pace.ended(&failed(Persistence::Transient), Duration::ZERO);
        assert!(pace.until_next(HOUR) <= FIRST * 2, "they grow from the beginning again");
    }

    #[test]
    fn only_what_may_pass_by_itself_is_tried_again_out_of_turn() {
        for (persistence, again) in
            [(Persistence::Transient, true), (Persistence::Permanent, false), (Persistence::Credentials, false)]
        {
            let mut pace = Pace::new(HOUR);
            pace.ended(&failed(persistence), Duration::ZERO);
            assert!(!pace.is_due(News::None), "not at once");
            pace.not_before = Instant::now();
            assert_eq!(pace.is_due(News::None), again, "{persistence:?}");
        }
    }
}
