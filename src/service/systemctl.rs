//! The service under systemd: the packages bring the unit, and `systemctl` does what is asked.

use std::io;
use std::process::Command;

use thiserror::Error;

use super::{Install, NAME, Standing, State};

/// systemd did not do what was asked.
#[derive(Debug, Error)]
pub enum ManageError {
    #[error("there is no service {NAME}")]
    Missing,
    #[error("systemd cannot be asked")]
    NoSystemd(#[source] io::Error),
    #[error("systemctl {verb} failed: {said}")]
    Failed { verb: &'static str, said: String },
    #[error("a unit says itself which config it reads and whom it runs as")]
    OfTheUnit,
}

impl ManageError {
    /// What to do about it.
    #[must_use]
    pub const fn next(&self) -> Option<&'static str> {
        match self {
            Self::Missing => Some("install the package, or the unit of docs/install.md"),
            Self::OfTheUnit => Some("systemctl edit seatsync"),
            Self::Failed { .. } => Some("journalctl -u seatsync"),
            Self::NoSystemd(_) => None,
        }
    }
}

/// Lets it start with the system.
pub fn install(asked: &Install) -> Result<Vec<String>, ManageError> {
    if asked.config.is_some() || asked.account.is_some() {
        return Err(ManageError::OfTheUnit);
    }
    there("enable").map(|()| Vec::new())
}

/// Takes what changed in the unit.
pub fn configure() -> Result<Vec<String>, ManageError> {
    there("daemon-reload").map(|()| Vec::new())
}

/// Stops it, and lets it start no more; the package stays.
pub fn uninstall() -> Result<(), ManageError> {
    if !status()?.installed {
        return Ok(());
    }
    stop()?;
    there("disable")
}

/// Starts it, and waits until it runs.
pub fn start() -> Result<(), ManageError> {
    there("start")
}

/// Stops it, and waits until it has.
pub fn stop() -> Result<(), ManageError> {
    there("stop")
}

/// How it stands.
pub fn status() -> Result<Standing, ManageError> {
    systemctl("show", &["--property=LoadState,ActiveState,MainPID,ExecMainStatus"]).map(|told| standing(&told))
}

fn standing(told: &str) -> Standing {
    let of = |name: &str| told.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    if of("LoadState") != Some("loaded") {
        return Standing::missing();
    }
    let state = match of("ActiveState") {
        Some("active" | "reloading") => State::Running,
        Some("activating") => State::Starting,
        Some("deactivating") => State::Stopping,
        _ => State::Stopped,
    };
    let number = |name| of(name).and_then(|value| value.parse().ok());
    Standing {
        service: NAME,
        installed: true,
        state,
        pid: number("MainPID").filter(|pid| *pid != 0),
        exit_code: number("ExecMainStatus").filter(|_| state == State::Stopped),
    }
}

/// Does something to a unit that must be there.
fn there(verb: &'static str) -> Result<(), ManageError> {
    if !status()?.installed {
        return Err(ManageError::Missing);
    }
    systemctl(verb, &[]).map(drop)
}

fn systemctl(verb: &'static str, options: &[&str]) -> Result<String, ManageError> {
    let mut command = Command::new("systemctl");
    command.arg(verb).args(options);
    if verb != "daemon-reload" {
        command.arg(NAME);
    }
    let output = command.output().map_err(ManageError::NoSystemd)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(ManageError::Failed { verb, said });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_systemd_shows_is_told_in_the_words_of_every_system() {
        let told = "LoadState=loaded\nActiveState=active\nMainPID=7\nExecMainStatus=0\n";
        let running = Standing { service: NAME, installed: true, state: State::Running, pid: Some(7), exit_code: None };
        assert_eq!(standing(told), running);
        let failed = standing("LoadState=loaded\nActiveState=failed\nMainPID=0\nExecMainStatus=2\n");
        assert_eq!((failed.state, failed.pid, failed.exit_code), (State::Stopped, None, Some(2)));
    }

    #[test]
    fn a_unit_that_is_not_there_is_missing_and_no_service_that_stopped() {
        let told = "LoadState=not-found\nActiveState=inactive\nMainPID=0\nExecMainStatus=0\n";
        assert_eq!(standing(told), Standing::missing());
    }

    #[test]
    fn systemd_is_not_asked_for_what_a_unit_says() {
        let asked = Install { config: None, account: Some("ada".to_owned()) };
        assert!(matches!(install(&asked), Err(ManageError::OfTheUnit)));
    }
}
