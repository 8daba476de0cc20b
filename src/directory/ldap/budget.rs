//! How long a server may be silent, and how slow it may be over a whole read.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// What each message heard adds to the time allowed: fifty a second is the least a server may do for long.
const PER_MESSAGE: Duration = Duration::from_millis(20);

/// One read's allowance, all its tries together. A large directory may take long; a server that drips, or answers
/// nothing, may not.
#[derive(Debug)]
pub(super) struct Budget {
    began: Instant,
    silence: Duration,
    base: Duration,
    heard: AtomicU64,
}

/// Why waiting ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overrun {
    /// Nothing came for the whole timeout.
    Silent(Duration),
    /// Something came, but too little for the time it took.
    Slow(Duration),
}

impl Budget {
    /// `timeout` of silence at most, and `times` of it in all, besides what each message adds.
    pub(super) fn new(timeout: Duration, times: u32) -> Self {
        let silence = timeout.max(Duration::from_millis(1));
        Self { began: Instant::now(), silence, base: silence.saturating_mul(times), heard: AtomicU64::new(0) }
    }

    /// A message came.
    pub(super) fn hear(&self) {
        self.heard.fetch_add(1, Ordering::Relaxed);
    }

    /// How long a server may be silent.
    pub(super) fn silence(&self) -> Duration {
        self.silence
    }

    /// When the whole read must be done, as things stand.
    pub(super) fn deadline(&self) -> Instant {
        let heard = u32::try_from(self.heard.load(Ordering::Relaxed)).unwrap_or(u32::MAX);
        self.began + self.base + PER_MESSAGE.saturating_mul(heard)
    }

    /// Waits for `work` as long as messages keep coming fast enough. One timer a wait, none a message.
    pub(super) async fn watch<T>(&self, work: impl Future<Output = T>) -> Result<T, Overrun> {
        tokio::pin!(work);
        let tick = (self.silence / 8).clamp(Duration::from_millis(1), Duration::from_secs(1));
        let mut last = (self.heard.load(Ordering::Relaxed), Instant::now());
        loop {
            tokio::select! {
                biased;
                done = &mut work => return Ok(done),
                () = tokio::time::sleep(tick) => {}
            }
            let (heard, now) = (self.heard.load(Ordering::Relaxed), Instant::now());
            if heard != last.0 {
                last = (heard, now);
            } else if now - last.1 >= self.silence {
                return Err(Overrun::Silent(self.silence));
            }
            if now >= self.deadline() {
                return Err(Overrun::Slow(now - self.began));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_millis(80);

    async fn messages(budget: &Budget, count: u32, apart: Duration) {
        for _ in 0..count {
            tokio::time::sleep(apart).await;
            budget.hear();
        }
    }

    #[tokio::test]
    async fn silence_ends_a_wait_after_the_timeout() {
        let budget = Budget::new(TIMEOUT, 10);
        let end = budget.watch(std::future::pending::<()>()).await;
        assert_eq!(end, Err(Overrun::Silent(TIMEOUT)));
        assert!(budget.began.elapsed() < TIMEOUT * 3);
    }

    #[tokio::test]
    async fn messages_that_keep_coming_may_take_longer_than_the_timeout() {
        let budget = Budget::new(TIMEOUT, 20);
        assert_eq!(budget.watch(messages(&budget, 10, TIMEOUT / 4)).await, Ok(()));
        assert!(budget.began.elapsed() > TIMEOUT * 2);
    }

    #[tokio::test]
    async fn a_drip_does_not_go_on_for_ever() {
        let budget = Budget::new(TIMEOUT, 3);
        let end = budget.watch(messages(&budget, 1_000, TIMEOUT / 2)).await;
        assert!(matches!(end, Err(Overrun::Slow(_))), "{end:?}");
        assert!(budget.began.elapsed() < TIMEOUT * 20);
    }

    #[test]
    fn each_message_adds_to_the_time_allowed() {
        let budget = Budget::new(TIMEOUT, 10);
        let before = budget.deadline();
        (0..50).for_each(|_| budget.hear());
        assert_eq!(budget.deadline() - before, Duration::from_secs(1));
    }
}
