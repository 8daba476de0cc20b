//! An agent that was started on this config when it named another `state_dir`, and keeps that one until it is started again:
//! nothing that looks at the new one alone would know of it.

use std::path::Path;
#[cfg(target_os = "linux")]
use std::path::PathBuf;

use super::{App, AppError, Code};
use crate::model::report::{OtherState, Probe};
#[cfg(target_os = "linux")]
use crate::settings;
use crate::state::{Lock, Ownership, State};

/// What sets the folder for one process alone: agents that share a config are then no mistake.
const VARIABLE: &str = "SEATSYNC__AGENT__STATE_DIR";

impl App {
    /// Where that agent has its state. None where there is none, or where it cannot be found out.
    pub(super) fn other_state(&self) -> Option<OtherState> {
        let here = &self.settings.agent.state_dir;
        if std::env::var_os(VARIABLE).is_some() || !matches!(Lock::ownership(here), Ok(Ownership::Nobody)) {
            return None;
        }
        let config = std::path::absolute(&self.config).ok()?;
        agents(&config).find(|other| other.state_dir != *here)
    }

    /// For verbs that would begin with an empty state beside that agent.
    ///
    /// # Errors
    /// Where there is one.
    pub(super) fn refuse_beside_other_state(&self) -> Result<(), AppError> {
        let Some(other) = self.other_state() else { return Ok(()) };
        Err(AppError::new(Code::Busy, sentence(&other)).with_next(next(&other, &self.settings.agent.state_dir)))
    }

    /// The state for verbs whose answer by an empty one would be wrong beside that agent.
    ///
    /// # Errors
    /// Where there is one, or the state cannot be read.
    pub(super) fn state_that_counts(&self) -> Result<State, AppError> {
        self.refuse_beside_other_state()?;
        self.state_beside()
    }

    /// What `check` says of it; nothing where all is well.
    pub(super) fn state_probe(&self) -> Option<Probe> {
        let other = self.other_state()?;
        Some(Probe {
            what: "agent: state_dir".to_owned(),
            ok: false,
            message: sentence(&other),
            lost: Some("the agent goes on with the config it has, and other verbs do not find it".to_owned()),
            remedy: Some(next(&other, &self.settings.agent.state_dir)),
        })
    }
}

/// "the agent that runs on this config (process 7) has its state in /old, where the config said so when it was started".
#[must_use]
pub fn sentence(other: &OtherState) -> String {
    format!(
        "the agent that runs on this config (process {}) has its state in {}, which the config named when it was started",
        other.pid,
        other.state_dir.display()
    )
}

/// The two ways out.
#[must_use]
pub fn next(other: &OtherState, here: &Path) -> String {
    let (old, new) = (other.state_dir.display(), here.display());
    // What else lies there, such as a ledger, stays where the config says.
    format!("write agent.state_dir = \"{old}\" again; or stop the agent, move {old}/state.db* to {new}, and start it")
}

/// Processes that run on a config, each with the folder whose lock it holds open.
#[cfg(target_os = "linux")]
fn agents(config: &Path) -> impl Iterator<Item = OtherState> {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let config = config.to_owned();
    processes.filter_map(move |process| {
        let pid: u32 = process.file_name().to_str()?.parse().ok()?;
        let folder = process.path();
        let arguments = words(&std::fs::read(folder.join("cmdline")).ok()?);
        let runs = arguments.first().is_some_and(|program| Path::new(program).file_name() == Some("seatsync".as_ref()))
            && arguments.iter().any(|word| word == "run");
        // Nobody else's can be looked into, but by root.
        let variables = words(&runs.then(|| std::fs::read(folder.join("environ")).ok()).flatten()?);
        if variable(&variables, VARIABLE).is_some() {
            return None;
        }
        let named = named(&arguments).or_else(|| variable(&variables, "SEATSYNC_CONFIG"));
        let named = named.map_or_else(settings::default_config, PathBuf::from);
        let at = std::fs::read_link(folder.join("cwd")).ok()?.join(named);
        (std::path::absolute(at).ok()? == config).then(|| Some(OtherState { pid, state_dir: state_dir(&folder)? }))?
    })
}

#[cfg(not(target_os = "linux"))]
fn agents(_config: &Path) -> impl Iterator<Item = OtherState> {
    std::iter::empty()
}

#[cfg(target_os = "linux")]
fn words(bytes: &[u8]) -> Vec<String> {
    bytes.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect()
}

#[cfg(target_os = "linux")]
fn variable<'v>(variables: &'v [String], name: &str) -> Option<&'v str> {
    variables.iter().find_map(|variable| variable.strip_prefix(name)?.strip_prefix('='))
}

#[cfg(target_os = "linux")]
fn named(arguments: &[String]) -> Option<&str> {
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match word.strip_prefix("--config") {
            Some("") => return words.next().map(String::as_str),
            Some(value) if value.starts_with('=') => return Some(&value[1..]),
            _ => {}
        }
    }
    None
}

/// By the lock that it holds open.
#[cfg(target_os = "linux")]
fn state_dir(process: &Path) -> Option<PathBuf> {
    let files = std::fs::read_dir(process.join("fd")).ok()?.flatten();
    let mut opened = files.filter_map(|file| std::fs::read_link(file.path()).ok());
    opened.find(|file| file.file_name() == Some("agent.lock".as_ref()))?.parent().map(Path::to_owned)
}
