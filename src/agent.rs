//! When to make a pass, what others ask meanwhile, and how to stop.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::{Notify, watch};

use crate::clock;

/// How often requests of other verbs are looked for: they are acted on within a second.
const LOOK: Duration = Duration::from_millis(250);

/// A pass that was asked to stop may take so long to end. Less than the service manager waits (`TimeoutStopSec`), so that
/// it is we who say so; what was being sent is in the journal, and the next start asks how it went.
pub const GRACE: Duration = Duration::from_secs(45);

/// What the agent does; when, is decided here.
#[async_trait]
pub trait Work: Send {
    /// One pass. It reports its own failures: the next one follows at its time all the same.
    async fn cycle(&mut self);

    /// Carries out what other verbs asked for. True where a pass is to follow at once.
    async fn requests(&mut self) -> bool;

    /// The config is to be taken anew; a pass follows.
    fn reload(&mut self);

    /// From the end of one pass to the beginning of the next.
    fn every(&self) -> Duration;

    /// Tells others when the next pass is due.
    fn announce(&mut self, next: Timestamp);
}

/// What is asked of the running agent from outside, by signals for instance.
#[derive(Debug, Default)]
pub struct Calls {
    stop: watch::Sender<bool>,
    reload: Notify,
}

impl Calls {
    /// To stop: a pass in hand gives up reading, but ends what it applies.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// To take the config anew, at once or after the pass in hand.
    pub fn reload(&self) {
        self.reload.notify_one();
    }

    /// Says when to stop.
    #[must_use]
    pub fn stopping(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }
}

/// Works until told to stop, and then for `grace` at most.
pub async fn run(work: &mut dyn Work, calls: &Calls, grace: Duration) {
    let mut stopping = calls.stopping();
    let mut next = clock::now();
    while !*stopping.borrow() {
        let due = next <= clock::now();
        let passed = {
            let turn = turn(work, due, calls);
            tokio::pin!(turn);
            tokio::select! {
                passed = &mut turn => passed,
                _ = stopping.wait_for(|stop| *stop) => {
                    if tokio::time::timeout(grace, turn).await.is_err() {
                        tracing::warn!("The cycle did not end in time; the next start makes good what is open of it.");
                    }
                    return;
                }
            }
        };
        if passed {
            // A pass longer than this is followed by the next, never overlapped.
            next = after(work.every());
            work.announce(next);
        }
    }
}

/// Does what is due, or rests a little. Says whether a pass was made.
async fn turn(work: &mut dyn Work, due: bool, calls: &Calls) -> bool {
    if !(work.requests().await || due) {
        tokio::select! {
            () = tokio::time::sleep(LOOK) => return false,
            () = calls.reload.notified() => work.reload(),
        }
    }
    work.cycle().await;
    true
}

fn after(every: Duration) -> Timestamp {
    let now = clock::now();
    now.saturating_add(every).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Diary {
        cycles: u32,
        reloads: u32,
        announced: Option<Timestamp>,
        /// How long a pass takes.
        takes: Duration,
    }

    #[async_trait]
    impl Work for Diary {
        async fn cycle(&mut self) {
            tokio::time::sleep(self.takes).await;
            self.cycles += 1;
        }

        async fn requests(&mut self) -> bool {
            false
        }

        fn reload(&mut self) {
            self.reloads += 1;
        }

        fn every(&self) -> Duration {
            Duration::from_mins(5)
        }

        fn announce(&mut self, next: Timestamp) {
            self.announced = Some(next);
        }
    }

    /// Runs the agent, does `meanwhile` after a moment, and stops it.
    async fn run_while(takes: Duration, grace: Duration, meanwhile: impl FnOnce(&Calls)) -> Diary {
        let mut diary = Diary { takes, ..Diary::default() };
        let calls = Calls::default();
        let others = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            meanwhile(&calls);
            tokio::time::sleep(Duration::from_millis(100)).await;
            calls.stop();
        };
        tokio::join!(run(&mut diary, &calls, grace), others);
        diary
    }

    #[tokio::test]
    async fn the_first_pass_is_made_at_once_and_the_next_in_its_time() {
        let before = clock::now();
        let diary = run_while(Duration::ZERO, GRACE, |_| ()).await;
        assert_eq!(diary.cycles, 1);
        assert!(diary.announced.unwrap() >= before + jiff::SignedDuration::from_mins(5));
    }

    #[tokio::test]
    async fn a_pass_in_hand_is_ended_before_the_agent_stops() {
        let diary = run_while(Duration::from_millis(400), GRACE, |_| ()).await;
        assert_eq!(diary.cycles, 1);
    }

    #[tokio::test]
    async fn a_pass_that_does_not_end_is_left_after_the_grace() {
        let clock = std::time::Instant::now();
        let diary = run_while(Duration::from_mins(5), Duration::from_millis(100), |_| ()).await;
        assert_eq!(diary.cycles, 0);
        assert!(clock.elapsed() < Duration::from_mins(1));
    }

    #[tokio::test]
    async fn a_call_for_the_config_makes_a_pass_at_once_or_after_the_one_in_hand() {
        for takes in [Duration::ZERO, Duration::from_millis(150)] {
            let diary = run_while(takes, GRACE, Calls::reload).await;
            assert_eq!((diary.reloads, diary.cycles), (1, 2), "{takes:?}");
        }
    }

    #[tokio::test]
    async fn who_is_told_to_stop_before_the_start_does_nothing() {
        let (mut diary, calls) = (Diary::default(), Calls::default());
        calls.stop();
        run(&mut diary, &calls, GRACE).await;
        assert_eq!(diary.cycles, 0);
    }
}
