//! How this system's service manager is talked to. Thin: what is said, `agent` decides.

mod standing;
#[cfg(unix)]
pub mod systemctl;
#[cfg(unix)]
pub mod systemd;
#[cfg(windows)]
pub mod windows;

use std::sync::Arc;

use crate::agent::{Calls, ServiceManager, Unwatched};

pub use standing::{Install, Standing, State};
#[cfg(unix)]
pub use systemctl as manage;
#[cfg(windows)]
pub use windows::manage;

/// As the service manager, the log of the system and the packages know it.
pub const NAME: &str = "seatsync";

/// Whoever started this process: what it is told, and what it asks.
pub struct Host {
    pub manager: Box<dyn ServiceManager>,
    pub calls: Arc<Calls>,
    /// Nobody reads what is written to stderr.
    pub is_mute: bool,
}

/// What a process does for its host, to its exit code.
pub type Work = Box<dyn FnOnce(&Host) -> u8 + Send>;

impl Host {
    /// systemd, or nobody.
    #[must_use]
    pub fn of_this_process() -> Self {
        Self { manager: manager(), calls: Arc::new(Calls::default()), is_mute: false }
    }
}

/// Does the work for whoever started this process, and gives its exit code.
#[cfg(unix)]
#[must_use]
pub fn host(work: Work) -> u8 {
    work(&Host::of_this_process())
}

/// Does the work for whoever started this process, and gives its exit code.
#[cfg(windows)]
#[must_use]
pub fn host(work: Work) -> u8 {
    windows::host(work)
}

fn manager() -> Box<dyn ServiceManager> {
    #[cfg(unix)]
    if let Some(systemd) = systemd::Systemd::of_this_process() {
        return Box::new(systemd);
    }
    Box::new(Unwatched)
}
