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

/// Where it is told why the service failed.
pub const LOG: &str = "`journalctl -u seatsync`";

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
    systemctl("show", &[SHOWN]).map(|told| standing(&told))
}

const SHOWN: &str = "--property=LoadState,ActiveState,SubState,Result,MainPID,ExecMainCode,ExecMainStatus,ExecStartPre";

/// | `ActiveState` | `Result` | means |
/// |---|---|---|
/// | `failed` | any | it failed, and is not tried again |
/// | `activating`, with `SubState=auto-restart` | not `success` | it failed, and is tried again; so is each start that `ExecStartPre` refuses |
/// | any other | any | what the word says |
fn standing(told: &str) -> Standing {
    let of = |name: &str| told.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    if of("LoadState") != Some("loaded") {
        return Standing::missing();
    }
    let rests = of("SubState") == Some("auto-restart") && of("Result") != Some("success");
    let state = match of("ActiveState") {
        Some("failed") => State::Failed,
        Some("activating") if rests => State::Failed,
        Some("active" | "reloading") => State::Running,
        Some("activating") => State::Starting,
        Some("deactivating") => State::Stopping,
        _ => State::Stopped,
    };
    let exit_code = match state {
        State::Stopped => of("ExecMainStatus").and_then(|status| status.parse().ok()),
        State::Failed => of("ExecStartPre").and_then(refused_with).or_else(|| {
            let exited = of("ExecMainCode") == Some(CLD_EXITED);
            of("ExecMainStatus").filter(|_| exited)?.parse().ok()
        }),
        _ => None,
    };
    let pid = of("MainPID").and_then(|pid| pid.parse().ok()).filter(|pid| *pid != 0);
    Standing { service: NAME, installed: true, state, pid, exit_code }
}

/// The process ended by itself, and was not killed by a signal (waitid(2)).
const CLD_EXITED: &str = "1";

/// The exit code of the command that looks at the config before each start, where it refused.
fn refused_with(command: &str) -> Option<u32> {
    let of = |name: &str| {
        let mut parts = command.trim_matches(['{', '}', ' ']).split(" ; ").map(str::trim);
        parts.find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
    };
    of("code").filter(|code| *code == "exited")?;
    of("status")?.parse().ok().filter(|status| *status != 0)
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
        let stopped = standing(
            "LoadState=loaded\nActiveState=inactive\nSubState=dead\nResult=success\nMainPID=0\nExecMainStatus=0\n",
        );
        assert_eq!((stopped.state, stopped.pid, stopped.exit_code), (State::Stopped, None, Some(0)));
    }

    /// As systemd 252 shows it, five seconds before it tries again.
    #[test]
    fn a_start_that_the_check_of_the_config_refused_has_failed() {
        let told = "MainPID=0\nResult=exit-code\nExecMainCode=0\nExecMainStatus=0\n\
            ExecStartPre={ path=/usr/bin/seatsync ; argv[]=/usr/bin/seatsync --config /etc/seatsync/seatsync.toml check ; \
            ignore_errors=no ; start_time=[Fri 2026-11-27 05:29:13 UTC] ; stop_time=[Fri 2026-11-27 05:29:13 UTC] ; pid=55 ; \
            code=exited ; status=2 }\nLoadState=loaded\nActiveState=activating\nSubState=auto-restart\n";
        let refused = standing(told);
        assert_eq!((refused.state, refused.pid, refused.exit_code), (State::Failed, None, Some(2)));
    }

    #[test]
    fn a_process_that_ended_badly_has_failed_and_a_signal_is_no_exit_code() {
        let ended = |code: u8, status: u8| {
            standing(&format!(
                "MainPID=0\nResult=exit-code\nExecMainCode={code}\nExecMainStatus={status}\n\
                 ExecStartPre={{ path=/usr/bin/seatsync ; argv[]=/usr/bin/seatsync check ; ignore_errors=no ; \
                 start_time=[n/a] ; stop_time=[n/a] ; pid=100 ; code=exited ; status=0 }}\n\
                 LoadState=loaded\nActiveState=failed\nSubState=failed\n"
            ))
        };
        assert_eq!((ended(1, 2).state, ended(1, 2).exit_code), (State::Failed, Some(2)));
        assert_eq!((ended(2, 9).state, ended(2, 9).exit_code), (State::Failed, None));
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
