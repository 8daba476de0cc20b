//! `service ...`: the service of this system.

use clap::Subcommand;

use super::console::Console;
use super::exit::Exit;
use super::global::Global;
use super::page::{Page, Tone};
use super::{config_path, wait_for};
use crate::app::{App, AppError, Code};
use crate::ports::Silent;
use crate::service::manage::{self, ManageError};
use crate::service::{Install, Standing, State};

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Make the service, or make it what is asked, and set it up; it starts with the system
    Install {
        /// Whom it runs as: an account without a password of its own, such as CORP\seatsync$ (Windows)
        #[arg(long, value_name = "ACCOUNT")]
        account: Option<String>,
    },
    /// Stop and remove it; config, state and ledger stay
    Uninstall,
    /// Set up what an installer cannot: restarts, time to stop, and whom its folders let in
    Configure,
    /// Start it, and wait until it runs
    Start {
        /// Only where the config is right; where it is not, say so and end well
        #[arg(long)]
        if_configured: bool,
    },
    /// Stop it, and wait until it has
    Stop,
    /// Show how it stands
    Status,
}

/// Does what the verb says.
pub fn perform(verb: Verb, global: &Global, console: &Console) -> Result<Exit, AppError> {
    match verb {
        Verb::Install { account } => {
            let asked = Install { config: global.config.clone(), account };
            let left = manage::install(&asked).map_err(told)?;
            done(console, "the service is installed; `seatsync service start` starts it", &left)
        }
        Verb::Configure => {
            let left = manage::configure().map_err(told)?;
            done(console, "the service is set up", &left)
        }
        Verb::Uninstall => {
            manage::uninstall().map_err(told)?;
            done(console, "there is no service any more; config, state and ledger stay", &[])
        }
        Verb::Start { if_configured } => start(if_configured, global, console),
        Verb::Stop => {
            manage::stop().map_err(told)?;
            done(console, "the service is stopped", &[])
        }
        Verb::Status => status(console),
    }
}

fn start(if_configured: bool, global: &Global, console: &Console) -> Result<Exit, AppError> {
    if if_configured {
        let config = config_path(global);
        let report = wait_for(async { App::check(&config, false, &Silent).await })?;
        if !report.ok {
            return done(console, "the service was not started: its config is not written yet, or wrong", &[]);
        }
    }
    manage::start().map_err(told)?;
    done(console, "the service runs", &[])
}

fn status(console: &Console) -> Result<Exit, AppError> {
    let standing = manage::status().map_err(told)?;
    console.answer(&standing, |standing, page| {
        let (tone, sentence) = sentence(standing);
        page.verdict(tone, word(standing), &sentence);
    })?;
    Ok(Exit::Done)
}

const fn word(standing: &Standing) -> &'static str {
    match (standing.installed, standing.state) {
        (false, _) => "missing",
        (true, State::Starting) => "starting",
        (true, State::Running) => "running",
        (true, State::Stopping) => "stopping",
        (true, State::Stopped) => "stopped",
        (true, State::Failed) => "failed",
    }
}

fn sentence(standing: &Standing) -> (Tone, String) {
    if !standing.installed {
        return (Tone::Warn, "there is no service; `seatsync service install` makes it".to_owned());
    }
    match (standing.state, standing.pid, standing.exit_code) {
        (State::Failed, _, Some(code)) if code == u32::from(Exit::Wrong.code()) => (
            Tone::Bad,
            format!(
                "it ended with exit code {code}: its config is wrong; `seatsync check` and {} say where",
                manage::LOG
            ),
        ),
        (State::Failed, _, Some(code)) => {
            (Tone::Bad, format!("it ended with exit code {code}; {} says why", manage::LOG))
        }
        (State::Failed, _, None) => (Tone::Bad, format!("it was ended; {} says why", manage::LOG)),
        (_, Some(pid), _) => (Tone::Good, format!("process {pid}; `seatsync status` says what it does")),
        (State::Stopped, None, _) => (Tone::Warn, "it was stopped, or not started yet".to_owned()),
        (_, None, _) => (Tone::Warn, "no process yet".to_owned()),
    }
}

/// Says that it was done, and what of it this system does not know.
fn done(console: &Console, sentence: &str, left: &[String]) -> Result<Exit, AppError> {
    if !console.spares(left.is_empty()) {
        console.answer(&serde_json::json!({ "ok": true, "left": left }), |_, page: &mut Page| {
            for one in left {
                page.bullet(one);
            }
            page.verdict(Tone::Good, "ok", sentence);
        })?;
    }
    Ok(Exit::Done)
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn told(error: ManageError) -> AppError {
    let mut told = AppError::new(Code::Failed, error.to_string());
    if let Some(cause) = std::error::Error::source(&error) {
        told = told.caused_by(cause);
    }
    match error.next() {
        Some(next) => told.with_next(next),
        None => told,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(installed: bool, state: State, pid: Option<u32>, exit_code: Option<u32>) -> Standing {
        Standing { service: "seatsync", installed, state, pid, exit_code }
    }

    #[test]
    fn a_service_that_failed_is_told_from_one_that_was_stopped_and_from_none() {
        let failed = |exit_code| {
            let failed = standing(true, State::Failed, None, exit_code);
            assert_eq!((word(&failed), sentence(&failed).0), ("failed", Tone::Bad));
            sentence(&failed).1
        };
        assert!(failed(Some(2)).contains("exit code 2: its config is wrong; `seatsync check`"), "{}", failed(Some(2)));
        assert!(failed(Some(1)).contains("exit code 1;"), "{}", failed(Some(1)));
        for code in [None, Some(1), Some(2)] {
            assert!(failed(code).contains(manage::LOG), "{}", failed(code));
        }
        assert_eq!(sentence(&standing(true, State::Stopped, None, Some(0))).0, Tone::Warn);
        assert_eq!(word(&Standing::missing()), "missing");
        assert_eq!(sentence(&standing(true, State::Running, Some(7), None)).0, Tone::Good);
    }

    #[test]
    fn a_standing_as_json_has_the_words_of_the_documentation() {
        let text = serde_json::to_string(&standing(true, State::Running, Some(7), None)).unwrap();
        assert_eq!(text, r#"{"service":"seatsync","installed":true,"state":"running","pid":7,"exit_code":null}"#);
    }
}
