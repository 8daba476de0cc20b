//! Whether the user of the service may read what the config names, and write where it says. Whoever tries a config out is
//! often root, and then may do everything; the service may not.

#[cfg(unix)]
mod service;
#[cfg(unix)]
mod unit;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::path::Path;

#[cfg(unix)]
use self::unix as system;
#[cfg(windows)]
use self::windows as system;
use crate::model::report::Probe;
use crate::model::settings::{BackendKind, LedgerSettings, Settings};
use crate::settings::{Loaded, Problem};

/// A place of the config where the service could not write.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Closed {
    key: &'static str,
    message: String,
    remedy: String,
}

/// What the service could not read or write.
#[derive(Clone, Debug, Default)]
pub struct Access {
    unreadable: Vec<Problem>,
    unwritable: Vec<Closed>,
}

impl Access {
    pub fn of(config: &Path, loaded: &Loaded) -> Self {
        let settings = &loaded.settings;
        let unreadable = system::unreadable(config, &settings.agent.state_dir, &loaded.files);
        let state_dir = Some(settings.agent.state_dir.as_path());
        Self { unreadable, unwritable: system::unwritable(config, state_dir, &places(settings)) }
    }

    /// The same of a ledger's config. Its files are checked by whoever loads it.
    pub fn of_ledger(config: &Path, ledger: &LedgerSettings) -> Self {
        let unwritable = system::unwritable(config, None, &[("ledger.database", &ledger.database)]);
        Self { unreadable: Vec::new(), unwritable }
    }

    /// For `check`.
    pub fn warnings(&self, config: &Path) -> Vec<Problem> {
        let file = std::path::absolute(config).unwrap_or_else(|_| config.to_owned()).display().to_string();
        let told = |closed: &Closed| Problem {
            file: file.clone(),
            line: None,
            key: closed.key.to_owned(),
            value: None,
            message: format!("{}: {}", closed.message, closed.remedy),
        };
        self.unreadable.iter().cloned().chain(self.unwritable.iter().map(told)).collect()
    }

    /// For `check --connect`: what cannot be written ends the first cycle.
    pub fn probes(&self) -> Vec<Probe> {
        let failed = |closed: &Closed| Probe {
            what: format!("{}: write as the service", closed.key),
            ok: false,
            message: closed.message.clone(),
            lost: Some("the service does not start".to_owned()),
            remedy: Some(closed.remedy.clone()),
        };
        self.unwritable.iter().map(failed).collect()
    }
}

/// What the agent writes, by the key that names it.
fn places(settings: &Settings) -> Vec<(&'static str, &Path)> {
    let mut places = vec![("agent.state_dir", settings.agent.state_dir.as_path())];
    if let BackendKind::Embedded { path } = &settings.backend.kind {
        places.push(("backend.path", path.as_path()));
    }
    places
}
