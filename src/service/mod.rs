//! How this system's service manager is talked to. Thin: what is said, `agent` decides.

#[cfg(unix)]
pub mod systemd;

use crate::agent::{ServiceManager, Unwatched};

/// Whoever started this process and wants to hear of it.
#[must_use]
pub fn manager() -> Box<dyn ServiceManager> {
    #[cfg(unix)]
    if let Some(systemd) = systemd::Systemd::of_this_process() {
        return Box::new(systemd);
    }
    Box::new(Unwatched)
}
