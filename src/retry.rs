//! How long to wait before trying again: a value, not a clock.

use std::time::{Duration, Instant};

use backoff::Clock;
use backoff::backoff::Backoff as _;
use backoff::exponential::ExponentialBackoff;
use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};

/// How often to try, and how the waits between grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Tries in all, the first one included; at least one is made.
    pub attempts: u32,
    /// About the first wait.
    pub first: Duration,
    /// No wait is longer.
    pub cap: Duration,
}

impl Policy {
    /// For a server that is given `timeout` to answer: three tries, the first wait a quarter of it.
    #[must_use]
    pub fn for_timeout(timeout: Duration) -> Self {
        let first = (timeout / 4).clamp(Duration::from_millis(50), Duration::from_secs(2));
        Self { attempts: 3, first, cap: timeout.clamp(first, Duration::from_secs(30)) }
    }

    /// The waits between the tries: exponential, each with jitter of a half, one fewer than `attempts`.
    pub fn waits(&self) -> std::iter::Take<Waits> {
        let between = usize::try_from(self.attempts.saturating_sub(1)).unwrap_or(usize::MAX);
        Waits::new(self.first, self.cap).take(between)
    }
}

/// Waits that double with jitter up to a cap, without end.
#[derive(Clone, Debug)]
pub struct Waits {
    inner: ExponentialBackoff<Stopped>,
    cap: Duration,
}

impl Waits {
    /// From about `first`, never over `cap`.
    #[must_use]
    pub fn new(first: Duration, cap: Duration) -> Self {
        let clock = Stopped(Instant::now());
        let inner = ExponentialBackoff {
            current_interval: first.min(cap),
            initial_interval: first.min(cap),
            randomization_factor: 0.5,
            multiplier: 2.0,
            max_interval: cap,
            start_time: clock.0,
            max_elapsed_time: None,
            clock,
        };
        Self { inner, cap }
    }
}

impl Iterator for Waits {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        // The crate adds the jitter after its cap; without a limit of elapsed time it always has a next one.
        self.inner.next_backoff().map(|wait| wait.min(self.cap))
    }
}

/// When to try what is kept across restarts again: after 1, 2, 4, ... minutes, and at last every four hours. `attempts`: tries
/// that failed before the last.
#[must_use]
pub fn next_try(now: Timestamp, attempts: u32) -> Timestamp {
    const LONGEST: SignedDuration = SignedDuration::from_hours(4);
    let wait = SignedDuration::from_mins(1 << attempts.min(8)).min(LONGEST);
    now.checked_add(wait).unwrap_or(now)
}

/// A clock that stands still: the waits depend on how many there were, not on the time.
#[derive(Clone, Copy, Debug)]
struct Stopped(Instant);

impl Clock for Stopped {
    fn now(&self) -> Instant {
        self.0
    }
}

/// Does `operation` until it succeeds, fails for good (`again` says no), the tries are used up, or the next wait would
/// end past `deadline`. The operation gets the number of the try, from 0.
///
/// # Errors
/// The last error.
pub async fn with_retries<C, T, E>(
    policy: &Policy,
    deadline: Option<tokio::time::Instant>,
    context: &mut C,
    again: impl Fn(&E) -> bool + Send,
    operation: impl for<'a> FnMut(&'a mut C, u32) -> BoxFuture<'a, Result<T, E>> + Send,
) -> Result<T, E>
where
    C: Send,
    T: Send,
    E: Send,
{
    with_waits(policy, deadline, context, move |error, wait| again(error).then_some(wait), operation).await
}

/// The same, where the error may ask for another wait than is due: `wait` gets both, and None gives up.
///
/// # Errors
/// The last error.
pub async fn with_waits<C, T, E>(
    policy: &Policy,
    deadline: Option<tokio::time::Instant>,
    context: &mut C,
    wait: impl Fn(&E, Duration) -> Option<Duration> + Send,
    mut operation: impl for<'a> FnMut(&'a mut C, u32) -> BoxFuture<'a, Result<T, E>> + Send,
) -> Result<T, E>
where
    C: Send,
    T: Send,
    E: Send,
{
    let mut waits = policy.waits();
    let mut attempt = 0;
    loop {
        let error = match operation(context, attempt).await {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        let Some(wait) = waits.next().and_then(|due| wait(&error, due)) else { return Err(error) };
        let until = tokio::time::Instant::now() + wait;
        if deadline.is_some_and(|deadline| until >= deadline) {
            return Err(error);
        }
        tokio::time::sleep_until(until).await;
        attempt += 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_wait_lies_within_half_and_one_and_a_half_of_its_step_and_never_over_the_cap(
            first in 1_u64..5_000,
            cap in 1_u64..60_000,
        ) {
            let (first, cap) = (Duration::from_millis(first), Duration::from_millis(cap));
            let mut step = first.min(cap);
            for wait in Waits::new(first, cap).take(20) {
                prop_assert!(wait <= cap);
                prop_assert!(wait + Duration::from_micros(1) >= step.min(cap) / 2, "{wait:?} of {step:?}");
                prop_assert!(wait <= step * 3 / 2 + Duration::from_micros(1), "{wait:?} of {step:?}");
                step = (step * 2).min(cap);
            }
        }

        #[test]
        fn there_is_one_wait_fewer_than_there_are_tries(attempts in 0_u32..10) {
            let policy = Policy { attempts, first: Duration::from_secs(1), cap: Duration::from_secs(2) };
            prop_assert_eq!(policy.waits().count(), usize::try_from(attempts.saturating_sub(1)).unwrap());
        }
    }

    #[test]
    fn tries_grow_apart_and_not_without_end() {
        let minutes = |attempts| {
            let wait = next_try(Timestamp::UNIX_EPOCH, attempts).duration_since(Timestamp::UNIX_EPOCH);
            wait.as_secs() / 60
        };
        assert_eq!([minutes(0), minutes(1), minutes(5), minutes(9), minutes(4_000_000)], [1, 2, 32, 240, 240]);
    }

    async fn tries_until(succeed_at: u32, again: bool, deadline: Option<Duration>) -> (Result<u32, u32>, u32) {
        let policy = Policy { attempts: 3, first: Duration::from_millis(20), cap: Duration::from_millis(40) };
        let deadline = deadline.map(|within| tokio::time::Instant::now() + within);
        let mut tries = 0;
        let result = with_retries(
            &policy,
            deadline,
            &mut tries,
            |_| again,
            |tries: &mut u32, attempt| {
                Box::pin(async move {
                    *tries += 1;
                    if attempt >= succeed_at { Ok(attempt) } else { Err(attempt) }
                })
            },
        )
        .await;
        (result, tries)
    }

    #[tokio::test]
    async fn it_stops_at_the_first_success() {
        assert_eq!(tries_until(1, true, None).await, (Ok(1), 2));
    }

    #[tokio::test]
    async fn it_gives_up_after_the_last_try_with_the_last_error() {
        assert_eq!(tries_until(3, true, None).await, (Err(2), 3));
        assert_eq!(tries_until(2, true, None).await, (Ok(2), 3));
    }

    #[tokio::test]
    async fn what_fails_for_good_is_not_tried_again() {
        assert_eq!(tries_until(1, false, None).await, (Err(0), 1));
    }

    #[tokio::test]
    async fn an_error_may_ask_for_another_wait() {
        let policy = Policy { attempts: 2, first: Duration::from_mins(1), cap: Duration::from_mins(1) };
        let shorter = |wait: &Duration, _: Duration| Some(*wait);
        let mut tries = 0;
        let clock = Instant::now();
        let result: Result<(), Duration> = with_waits(&policy, None, &mut tries, shorter, |tries: &mut u32, _| {
            Box::pin(async move {
                *tries += 1;
                Err(Duration::from_millis(1))
            })
        })
        .await;
        result.unwrap_err();
        assert_eq!(tries, 2);
        assert!(clock.elapsed() < Duration::from_secs(30), "{:?}", clock.elapsed());
    }

    #[tokio::test]
    async fn a_wait_past_the_deadline_is_not_begun() {
        assert_eq!(tries_until(1, true, Some(Duration::from_millis(5))).await, (Err(0), 1));
        assert_eq!(tries_until(1, true, Some(Duration::from_mins(1))).await, (Ok(1), 2));
    }
}
