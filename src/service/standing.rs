//! How a service is to be, and how it stands, in the words of every system.

use std::path::PathBuf;

use serde::Serialize;

/// How the service is to be installed.
#[derive(Debug, Default)]
pub struct Install {
    /// The config, where it is not the usual one.
    pub config: Option<PathBuf>,
    /// Whom it runs as, where it is not the usual account: one without a password of its own.
    pub account: Option<String>,
}

/// What the service manager says of the service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Standing {
    pub service: &'static str,
    pub installed: bool,
    pub state: State,
    pub pid: Option<u32>,
    /// How the last process, or the look at the config before it, ended, where none runs.
    pub exit_code: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Starting,
    Running,
    Stopping,
    Stopped,
    /// It ended by itself, or its start was refused; the service manager may try again.
    Failed,
}

impl Standing {
    /// There is no such service.
    #[must_use]
    pub const fn missing() -> Self {
        Self { service: super::NAME, installed: false, state: State::Stopped, pid: None, exit_code: None }
    }
}
