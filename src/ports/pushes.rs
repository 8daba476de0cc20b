//! What servers push: that something changed, and no more. What it was, a pass asks.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// A pass follows so long after the last change: whoever imports people changes many at once;
const QUIET: Duration = Duration::from_millis(150);
/// and so long after the first one at the latest, however many go on coming.
const LONGEST: Duration = Duration::from_secs(1);

/// What was pushed since the last pass began. Who keeps watch has one, and the agent has the same.
#[derive(Clone, Debug, Default)]
pub struct Pushes(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    told: Mutex<Option<Told>>,
    wake: Notify,
}

#[derive(Clone, Copy, Debug)]
struct Told {
    first: Instant,
    last: Instant,
}

impl Pushes {
    /// Something changed, or may have while nobody watched.
    pub fn changed(&self) {
        let now = Instant::now();
        let mut told = self.told();
        let first = told.map_or(now, |told| told.first);
        *told = Some(Told { first, last: now });
        drop(told);
        self.0.wake.notify_one();
    }

    /// When a pass may follow what was told. None: nothing was.
    #[must_use]
    pub fn settled(&self) -> Option<Instant> {
        self.told().map(|told| (told.last + QUIET).min(told.first + LONGEST))
    }

    /// A pass begins, and will see all that was told until now. Says whether anything was.
    #[must_use]
    pub fn take(&self) -> bool {
        self.told().take().is_some()
    }

    /// Ready once something was told that may be followed from now on, but not before `from`. To be asked again where it was
    /// given up.
    pub async fn due(&self, from: Instant) {
        loop {
            match self.settled().map(|settled| settled.max(from)) {
                None => self.0.wake.notified().await,
                Some(at) if at <= Instant::now() => return,
                Some(at) => tokio::time::sleep_until(at.into()).await,
            }
        }
    }

    fn told(&self) -> MutexGuard<'_, Option<Told>> {
        self.0.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How long something takes to be due.
    async fn due_after(pushes: &Pushes, from: Instant) -> Duration {
        let begun = Instant::now();
        tokio::time::timeout(Duration::from_secs(20), pushes.due(from)).await.unwrap();
        begun.elapsed()
    }

    #[tokio::test]
    async fn one_change_is_followed_after_a_moment_and_once() {
        let pushes = Pushes::default();
        assert!(pushes.settled().is_none() && !pushes.take());
        pushes.changed();
        assert!(due_after(&pushes, Instant::now()).await >= QUIET / 2);
        assert!(pushes.take() && !pushes.take());
        let waited = tokio::time::timeout(QUIET * 2, pushes.due(Instant::now())).await;
        assert!(waited.is_err(), "nothing is told any more");
    }

    #[tokio::test]
    async fn many_changes_are_followed_once_they_end_or_take_too_long() {
        let pushes = Pushes::default();
        let changes = async {
            loop {
                pushes.changed();
                tokio::time::sleep(QUIET / 10).await;
            }
        };
        let due = tokio::select! {
            due = due_after(&pushes, Instant::now()) => due,
            () = changes => unreachable!("they have no end"),
        };
        assert!(due >= LONGEST / 2, "{due:?}");
    }

    #[tokio::test]
    async fn nothing_is_followed_before_the_rest_is_over() {
        let pushes = Pushes::default();
        pushes.changed();
        let rest = QUIET * 3;
        assert!(due_after(&pushes, Instant::now() + rest).await >= QUIET * 2);
    }

    #[tokio::test]
    async fn who_waits_is_woken_by_the_change() {
        let pushes = Pushes::default();
        let other = pushes.clone();
        let (due, ()) = tokio::join!(due_after(&pushes, Instant::now()), async move {
            tokio::time::sleep(QUIET).await;
            other.changed();
        });
        assert!(due >= QUIET && due < Duration::from_secs(10), "{due:?}");
    }
}
