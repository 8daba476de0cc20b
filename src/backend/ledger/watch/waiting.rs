//! Somebody with our own name has the lease: an earlier run of ours, until that one's lease ran out, or a copy of us.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::LEASE;
use crate::model::lease::Standby;

/// What an earlier run sent before it ended may be on its way for so long. Whoever renews the lease later is alive,
const ON_THE_WAY: Duration = Duration::from_secs(LEASE as u64);
/// and so is whoever has it when that run's must have run out.
const RUN_OUT: Duration = Duration::from_secs(2 * LEASE as u64 + 1);
/// Who waits for longer is told for whom.
const TOLD: Duration = Duration::from_secs(1);

/// How long it was waited for, and what was seen meanwhile.
#[derive(Debug)]
pub(super) struct Waiting {
    begun: Instant,
    expires: Option<Timestamp>,
    told: bool,
}

impl Waiting {
    pub(super) fn begin() -> Self {
        Self { begun: Instant::now(), expires: None, told: false }
    }

    /// Whether whoever has the lease lives, and so is a copy of us. An earlier run that died renews nothing, once all that it sent
    /// has arrived; its lease ends by itself.
    pub(super) fn is_for_a_copy(&mut self, standby: &Standby) -> bool {
        let waited = self.begun.elapsed();
        if waited < ON_THE_WAY {
            self.expires = Some(standby.expires);
        }
        if waited >= TOLD && !std::mem::replace(&mut self.told, true) {
            let Standby { holder, expires, .. } = standby;
            tracing::warn!(holder, until = %expires, "Waiting for the lease: an earlier run of this name has it, and it runs out by itself.");
        }
        self.expires.is_some_and(|expires| standby.expires > expires) || waited > RUN_OUT
    }
}
