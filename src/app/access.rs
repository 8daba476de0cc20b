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

use std::path::{Path, PathBuf};

#[cfg(unix)]
use self::unix as system;
#[cfg(windows)]
use self::windows as system;
use crate::model::settings::{BackendKind, Settings};
use crate::settings::{Loaded, LoadedLedger, Problem, default_ledger};

/// A place of the config where the service could not write.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Closed {
    key: &'static str,
    message: String,
    remedy: String,
    /// By the unit, or because it was tried; else by mode bits, and there are access lists.
    sure: bool,
}

/// A file of the config that the service could not read.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Unread {
    problem: Problem,
    /// Nothing that was not looked at can let the service in.
    sure: bool,
}

/// What the service could not read or write.
#[derive(Clone, Debug, Default)]
pub struct Access {
    unreadable: Vec<Unread>,
    unwritable: Vec<Closed>,
}

impl Access {
    pub fn of(config: &Path, loaded: &Loaded) -> Self {
        let state_dir = Some(loaded.settings.agent.state_dir.as_path());
        let unreadable = system::unreadable(config, state_dir, &loaded.files);
        Self { unreadable, ..Self::of_places(config, &loaded.settings) }
    }

    /// What the agent writes alone.
    pub fn of_places(config: &Path, settings: &Settings) -> Self {
        let state_dir = Some(settings.agent.state_dir.as_path());
        let own = own_files(&settings.agent.state_dir);
        let own = own.iter().map(|path| ("agent.state_dir", path.as_path()));
        let places: Vec<(&'static str, &Path)> = places(settings).into_iter().chain(own).collect();
        let mut unwritable = first_of_each(system::unwritable(config, state_dir, &places));
        // A ledger that the config does not name follows the folder to where that is to lie.
        let follows = matches!(&settings.backend.kind, BackendKind::Embedded { path }
            if *path == default_ledger(&settings.agent.state_dir) && unwritable.iter().any(|closed| closed.key == "agent.state_dir"));
        unwritable.retain(|closed| !follows || closed.key != "backend.path" || closed.remedy.starts_with("write "));
        Self { unreadable: Vec::new(), unwritable }
    }

    /// The same of a ledger's config.
    pub fn of_ledger(config: &Path, loaded: &LoadedLedger) -> Self {
        let database = &loaded.ledger.database;
        let own = beside(database);
        let own = std::iter::once(database).chain(&own).map(|path| ("ledger.database", path.as_path()));
        let places: Vec<(&'static str, &Path)> = own.collect();
        let unwritable = first_of_each(system::unwritable(config, None, &places));
        Self { unreadable: system::unreadable(config, None, &loaded.files), unwritable }
    }

    /// For `check`.
    pub fn warnings(&self, config: &Path) -> Vec<Problem> {
        let file = shown(config);
        let unsure = self.unwritable.iter().filter(|closed| !closed.sure);
        let unread = self.unreadable.iter().filter(|unread| !unread.sure).map(|unread| unread.problem.clone());
        unread.chain(unsure.map(|closed| closed.told(&file))).collect()
    }

    /// For `check`: with these the service would not start.
    pub fn problems(&self, config: &Path) -> Vec<Problem> {
        let file = shown(config);
        let unread = self.unreadable.iter().filter(|unread| unread.sure).map(|unread| unread.problem.clone());
        unread.chain(self.unwritable.iter().filter(|closed| closed.sure).map(|closed| closed.told(&file))).collect()
    }

    /// Something that is to be written is closed to the service.
    pub fn is_closed(&self) -> bool {
        self.unwritable.iter().any(|closed| closed.sure)
    }
}

impl Closed {
    fn told(&self, file: &str) -> Problem {
        Problem {
            file: file.to_owned(),
            line: None,
            key: self.key.to_owned(),
            value: None,
            message: format!("{}: {}", self.message, self.remedy),
        }
    }
}

fn shown(config: &Path) -> String {
    std::path::absolute(config).unwrap_or_else(|_| config.to_owned()).display().to_string()
}

/// Whether the service may write an embedded ledger here, as far as anybody can tell.
pub fn may_write(config: &Path, state_dir: &Path, ledger: &Path) -> bool {
    system::unwritable(config, Some(state_dir), &[("backend.path", ledger)]).is_empty()
}

/// Whether the service may listen on a port, as far as anybody can tell: root may on any.
pub fn may_listen(config: &Path, port: u16) -> bool {
    system::may_listen(config, port)
}

/// What helps where the system forbids a file: whose it should be.
pub fn given_back(state_dir: &Path, file: &Path) -> String {
    system::given_back(state_dir, file)
}

/// What to do where the folder of the state is one of the system's; None: it is not.
pub fn own_folder(state_dir: &Path) -> Option<String> {
    system::is_systems(state_dir).then(|| given_back(state_dir, state_dir))
}

/// What lies in the folder of the state already: a verb of root's may have made it.
fn own_files(state_dir: &Path) -> Vec<PathBuf> {
    let names = ["state.db", "state.db-wal", "state.db-shm", "agent.lock"];
    names.iter().map(|name| state_dir.join(name)).filter(|path| path.is_file()).collect()
}

/// What SQLite keeps beside a ledger, and who serves it, as far as it is there.
fn beside(database: &Path) -> Vec<PathBuf> {
    let named = |end: &str| {
        let mut name = database.as_os_str().to_owned();
        name.push(end);
        PathBuf::from(name)
    };
    ["-wal", "-shm", "-serving"].map(named).into_iter().filter(|path| path.is_file()).collect()
}

/// Where the folder itself is closed, nothing is said of what lies in it; one file stands for all.
fn first_of_each(mut closed: Vec<Closed>) -> Vec<Closed> {
    let mut told = std::collections::BTreeSet::new();
    closed.retain(|closed| told.insert(closed.key));
    closed
}

/// What the agent writes, by the key that names it.
fn places(settings: &Settings) -> Vec<(&'static str, &Path)> {
    let mut places = vec![("agent.state_dir", settings.agent.state_dir.as_path())];
    if let BackendKind::Embedded { path } = &settings.backend.kind {
        places.push(("backend.path", path.as_path()));
    }
    places
}
