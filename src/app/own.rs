//! The agent's own files, looked at without touching them: a state or an embedded ledger that is damaged, newer, or gone though
//! accounts of it are known. The next start, or cycle, would end by it.

use std::io::ErrorKind;
use std::path::Path;

use super::engine::{lost_ledger, state_error};
use super::ledger::lost;
use super::{App, AppError, Code, room};
use crate::ledger::{Ledger, LedgerError};
use crate::model::settings::{BackendKind, BackendSettings, LedgerSettings};
use crate::ports::StateError;
use crate::settings::Problem;
use crate::state::{Glance, State, look_at};

impl App {
    /// For `check`. Who may not read a file is told by `access`, and what is busy passes.
    pub(super) fn own_problems(&self) -> Vec<Problem> {
        let folder = &self.settings.agent.state_dir;
        let found = match State::glance(folder) {
            Ok(glance) => {
                let problem = ledger_problem(&self.settings.backend, &glance.unwrap_or_default());
                problem.or_else(|| self.spoilt_ledger().map(|error| ("backend.path", error)))
            }
            Err(error @ (StateError::Unreadable { .. } | StateError::Newer { .. })) => {
                Some(("agent.state_dir", unreadable(folder, &error)))
            }
            Err(_) => None,
        };
        found.iter().map(|(key, error)| problem(&self.config, key, error)).collect()
    }

    /// Why the embedded ledger cannot be relied on though it opens.
    pub(super) fn spoilt_ledger(&self) -> Option<AppError> {
        let BackendKind::Embedded { path } = &self.settings.backend.kind else { return None };
        spoilt(path, AGENT)
    }
}

/// Why a ledger cannot be relied on though it opens: all of the file is read.
fn spoilt(path: &Path, who: &str) -> Option<AppError> {
    if path.metadata().ok()?.len() > LOOKED_THROUGH {
        return None;
    }
    let found: Result<String, _> = look_at(path).ok()?.query_row("PRAGMA quick_check(1)", [], |row| row.get(0));
    let told = AppError::new(Code::Backend, format!("the licence ledger {} is spoilt", path.display()));
    let told = match found {
        Ok(found) if found == "ok" => return None,
        // After the first line, which says that there is more than one.
        Ok(found) => told.with_causes(found.lines().last().map(str::to_owned)),
        Err(error) if is_spoilt(&error) => told.caused_by(&error),
        Err(_) => return None,
    };
    Some(told.with_next(put_back(path, who)))
}

fn problem(config: &Path, key: &str, error: &AppError) -> Problem {
    let file = std::path::absolute(config).unwrap_or_else(|_| config.to_owned()).display().to_string();
    Problem { file, line: None, key: key.to_owned(), value: None, message: error.in_one_line() }
}

fn unopened(path: &Path, error: &LedgerError) -> AppError {
    AppError::new(Code::Backend, format!("could not open the licence ledger {}", path.display())).caused_by(error)
}

/// The same of a ledger that is served: nothing knows whether there should be one yet, but `[ledger.first]`.
pub(super) fn of_served(config: &Path, ledger: &LedgerSettings) -> Option<Problem> {
    let path = &ledger.database;
    if let Some(first) = &ledger.first
        && !path.exists()
    {
        let lost = first.token_file.exists().then(|| lost(path, &first.token_file));
        return lost.map(|error| problem(config, "ledger.database", &error));
    }
    let connection = look_at(path).ok().filter(|_| path.exists())?;
    let told = |error: &LedgerError| unopened(path, error);
    let found = match Ledger::glance(&connection, path, None) {
        Err(error) if is_spoilt(&error) => Some(told(&error).with_next(put_back(path, SERVICE))),
        Err(error) if is_lasting(&error) => Some(told(&error)),
        _ => spoilt(path, SERVICE),
    };
    found.map(|error| problem(config, "ledger.database", &error))
}

/// Why the embedded ledger cannot be opened, and the key that says so; None where it can, and where nobody may look.
pub(super) fn ledger_problem(backend: &BackendSettings, glance: &Glance) -> Option<(&'static str, AppError)> {
    let BackendKind::Embedded { path } = &backend.kind else { return None };
    let told = |error: &LedgerError| unopened(path, error);
    match path.metadata() {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound && glance.knows_accounts => {
            let before = glance.ledger_place.clone().filter(|before| Path::new(before) != path);
            let missing = told(&LedgerError::Missing { path: path.clone() });
            return Some(("backend.path", missing.with_next(lost_ledger(path, before))));
        }
        Err(_) => return None,
    }
    let connection = look_at(path).ok()?;
    match Ledger::glance(&connection, path, glance.knows_accounts.then_some(&*backend.company)) {
        Err(error) if is_spoilt(&error) => Some(("backend.path", told(&error).with_next(put_back(path, AGENT)))),
        Err(error @ LedgerError::NoCompany { .. }) => Some(("backend.company", told(&error))),
        Err(error) if is_lasting(&error) => Some(("backend.path", told(&error))),
        _ => None,
    }
}

/// What the state is worth, and how the agent does without it.
fn unreadable(folder: &Path, error: &StateError) -> AppError {
    let told = state_error(error);
    let StateError::Unreadable { .. } = error else { return told };
    let folder = folder.display();
    told.with_next(format!(
        "stop the agent, run: mkdir {folder}/damaged && mv {folder}/state.db* {folder}/damaged/, and start it: it reads everything \
         anew, and nobody loses anything, for accounts, places and what is held back are in the ledger"
    ))
}

/// What `SQLite` reads in about a second from a disk that is not slow, in bytes.
const LOOKED_THROUGH: u64 = 512 << 20;

/// The cause is a database that is damaged.
pub(super) fn is_spoilt(error: &(dyn std::error::Error + 'static)) -> bool {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
    room::causes(error).any(|error| {
        let of_sqlite = error.downcast_ref::<rusqlite::Error>().and_then(rusqlite::Error::sqlite_error_code);
        matches!(of_sqlite, Some(DatabaseCorrupt | NotADatabase))
    })
}

/// What to do about a ledger that is damaged, wherever it lies.
pub(super) const PUT_BACK: &str = "stop the agent, put a backup of the ledger back (docs/operate.md), and start it; `seatsync check` \
                                   looks through the file";

/// What to do about a ledger that is damaged: nothing makes up for it.
pub(super) fn put_back(path: &Path, who: &str) -> String {
    format!(
        "stop {who}, put a backup back as {0} (without the files {0}-wal and {0}-shm; docs/operate.md), and start it",
        path.display()
    )
}

/// Who writes to an embedded ledger, and who to one that is served.
pub(super) const AGENT: &str = "the agent";
const SERVICE: &str = "the service that serves it";

/// Another try would end as this one did.
const fn is_lasting(error: &LedgerError) -> bool {
    matches!(error, LedgerError::Missing { .. } | LedgerError::Foreign { .. } | LedgerError::Newer { .. })
}
