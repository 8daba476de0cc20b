//! When to make a pass, what others ask meanwhile, and how to stop.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::watch;

use crate::clock;

/// How often requests of other verbs are looked for: they are acted on within a second.
const LOOK: Duration = Duration::from_millis(250);

/// What the agent does; when, is decided here.
#[async_trait]
pub trait Work: Send {
    /// One pass. It reports its own failures: the next one follows at its time all the same.
    async fn cycle(&mut self);

    /// Carries out what other verbs asked for. True where a pass is to follow at once.
    async fn requests(&mut self) -> bool;

    /// Tells others when the next pass is due.
    fn announce(&mut self, next: Timestamp);
}

/// Runs until `shutdown` is ready. A pass in hand is told through `stop`: it gives up reading, but ends what it applies.
pub async fn run(
    work: &mut dyn Work,
    poll: Duration,
    stop: &watch::Sender<bool>,
    shutdown: impl Future<Output = ()> + Send,
) {
    let mut shutdown = pin!(shutdown);
    let mut next = clock::now();
    loop {
        let due = next <= clock::now();
        let (passed, over) = {
            let mut turn = pin!(turn(work, due));
            tokio::select! {
                passed = &mut turn => (passed, false),
                () = &mut shutdown => {
                    stop.send_replace(true);
                    (turn.await, true)
                }
            }
        };
        if over {
            return;
        }
        if passed {
            // A pass longer than `poll` is followed by the next, never overlapped.
            next = after(poll);
            work.announce(next);
        }
    }
}

/// Does what is due, or rests a little. Says whether a pass was made.
async fn turn(work: &mut dyn Work, due: bool) -> bool {
    if work.requests().await || due {
        work.cycle().await;
        return true;
    }
    tokio::time::sleep(LOOK).await;
    false
}

fn after(poll: Duration) -> Timestamp {
    let now = clock::now();
    now.saturating_add(poll).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Diary {
        cycles: u32,
        asked: bool,
        announced: Option<Timestamp>,
    }

    #[async_trait]
    impl Work for Diary {
        async fn cycle(&mut self) {
            tokio::time::sleep(Duration::from_millis(50)).await;
            self.cycles += 1;
        }

        async fn requests(&mut self) -> bool {
            std::mem::take(&mut self.asked)
        }

        fn announce(&mut self, next: Timestamp) {
            self.announced = Some(next);
        }
    }

    #[tokio::test]
    async fn the_first_pass_is_made_at_once_and_the_next_after_poll() {
        let mut diary = Diary::default();
        let (stop, _) = watch::channel(false);
        let before = clock::now();
        run(&mut diary, Duration::from_mins(5), &stop, tokio::time::sleep(Duration::from_millis(400))).await;
        assert_eq!(diary.cycles, 1);
        assert!(diary.announced.unwrap() >= before + jiff::SignedDuration::from_mins(5));
    }

    #[tokio::test]
    async fn a_pass_in_hand_is_ended_before_the_agent_stops() {
        let mut diary = Diary::default();
        let (stop, receiver) = watch::channel(false);
        run(&mut diary, Duration::from_mins(5), &stop, std::future::ready(())).await;
        assert_eq!(diary.cycles, 1);
        assert!(*receiver.borrow());
    }
}
