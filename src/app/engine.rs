//! The adapters of one config, made and held together.

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::app::own::{AGENT, is_spoilt, ledger_problem, put_back};
use crate::app::{AppError, Code, access, room};
use crate::backend::embedded::Embedded;
use crate::backend::ledger::Ledger;
use crate::cycle::baseline::Baseline;
use crate::cycle::{Asked, Parts, Source};
use crate::directory::ldap::LdapDirectory;
use crate::directory::ldif::LdifDirectory;
use crate::model::Digest;
use crate::model::settings::{BackendKind, Bind, DirectorySettings, LdapSettings, Settings, Source as From};
use crate::model::snapshot::{Role, ScopeKey};
use crate::ports::{Awaiting, Backend, Progress, StateError};
use crate::state::State;
use secrecy::ExposeSecret as _;
use tokio::sync::watch;
use uuid::Uuid;

/// What a ledger calls an agent is 128 characters long at most, the state's id included.
const LONGEST_NAME: usize = 100;

/// Who says when a pass is to end early. Nobody, by default.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    /// To give up reading: a stop, or something more urgent.
    pub reading: Option<watch::Receiver<bool>>,
    /// To send no further wave: a stop.
    pub applying: Option<watch::Receiver<bool>>,
}

/// Everything a pass works with, owned.
pub struct Engine {
    pub settings: Settings,
    pub directories: Vec<Source>,
    pub backend: Box<dyn Backend>,
    /// The backend again, where it may keep somebody waiting.
    pub awaiting: Option<Awaiting>,
    pub state: State,
    /// As the last pass left things.
    pub baseline: Option<Baseline>,
    /// Of this run: the ledger tells it from a copy of ours, and lets it keep the lease under another token.
    pub run: String,
}

impl Engine {
    /// Makes the adapters. Nothing is connected to yet.
    ///
    /// # Errors
    /// Where the ledger cannot be opened, or is gone though accounts of it are known.
    pub fn new(settings: &Settings, state: State) -> Result<Self, AppError> {
        let run = Uuid::new_v4().simple().to_string();
        let (backend, awaiting) = backend(settings, &state, &run)?;
        let directories = settings.directories.iter().map(|directory| source(settings, directory));
        let directories = directories.collect::<Result<Vec<Source>, AppError>>()?;
        Ok(Self { settings: settings.clone(), directories, backend, awaiting, state, baseline: None, run })
    }

    /// Takes another config from here on. State and ledger stay as they were opened.
    ///
    /// # Errors
    /// Where the config names another place for them, or a directory cannot be read as it says.
    pub fn reconfigure(&mut self, settings: Settings) -> Result<(), AppError> {
        let (ours, theirs) = (&self.settings.backend, &settings.backend);
        self.stays(&settings)?;
        let directories = settings.directories.iter().map(|directory| source(&settings, directory));
        let directories = directories.collect::<Result<Vec<Source>, AppError>>()?;
        if !is_same_way(&ours.kind, &theirs.kind) {
            (self.backend, self.awaiting) = backend(&settings, &self.state, &self.run)?;
        }
        // Directories that stay keep their place in what they read.
        if !is_same_reading(&self.settings.directories, &settings.directories, &self.directories, &directories) {
            self.directories = directories;
            self.baseline = None;
        }
        self.settings = settings;
        Ok(())
    }

    /// What a start alone takes is as it was.
    fn stays(&self, settings: &Settings) -> Result<(), AppError> {
        let moved = moved(&self.settings, settings);
        if moved.is_empty() {
            return Ok(());
        }
        if self.settings.agent.state_dir == settings.agent.state_dir {
            let glance = self.state.says_of_the_ledger().map_err(|error| state_error(&error))?;
            // The restart would fail.
            if let Some((_, problem)) = ledger_problem(&settings.backend, &glance) {
                return Err(problem);
            }
        }
        let told = format!("no reload takes {}", moved.join(", and "));
        Err(AppError::new(Code::Config, told).with_next("restart the agent: it keeps the config it has until then"))
    }

    /// Lends everything to a pass.
    pub fn parts<'a>(&'a mut self, progress: &'a dyn Progress, asked: Asked, stop: Stop) -> Parts<'a> {
        Parts {
            settings: &self.settings,
            directories: &mut self.directories,
            backend: &mut *self.backend,
            memory: &mut self.state,
            progress,
            asked,
            baseline: &mut self.baseline,
            stop: stop.reading,
            halt: stop.applying,
        }
    }
}

/// Whether the same is read, in the same way, by the same credentials. (No secret shows in the settings.)
fn is_same_reading(
    ours: &[DirectorySettings],
    theirs: &[DirectorySettings],
    before: &[Source],
    after: &[Source],
) -> bool {
    let credentials = |sources: &[Source]| sources.iter().map(|source| source.credentials).collect::<Vec<_>>();
    format!("{ours:?}") == format!("{theirs:?}") && credentials(before) == credentials(after)
}

/// What says where state and ledger lie, and is another one now: a sentence each.
fn moved(ours: &Settings, theirs: &Settings) -> Vec<String> {
    let both = |settings: &Settings| {
        let (key, place) = match &settings.backend.kind {
            BackendKind::Embedded { path } => ("backend.path", path.display().to_string()),
            BackendKind::Ledger(ledger) => ("backend.url", ledger.url.clone()),
        };
        let state_dir = settings.agent.state_dir.display().to_string();
        [("agent.state_dir", state_dir), (key, place), ("backend.company", settings.backend.company.to_string())]
    };
    let pairs = both(ours).into_iter().zip(both(theirs)).filter(|(ours, theirs)| ours != theirs);
    pairs.map(|((_, was), (key, is))| format!("{key} = {is:?}, which was {was:?}")).collect()
}

/// Whether the same place is reached as before: by the same token, authority and patience.
fn is_same_way(ours: &BackendKind, theirs: &BackendKind) -> bool {
    let (BackendKind::Ledger(ours), BackendKind::Ledger(theirs)) = (ours, theirs) else { return true };
    ours.token.expose_secret() == theirs.token.expose_secret()
        && (&ours.ca_file, ours.timeout) == (&theirs.ca_file, theirs.timeout)
}

fn backend(settings: &Settings, state: &State, run: &str) -> Result<(Box<dyn Backend>, Option<Awaiting>), AppError> {
    match &settings.backend.kind {
        BackendKind::Embedded { path } => Ok((embedded(settings, path, state)?, None)),
        BackendKind::Ledger(ledger) => {
            let agent: String = settings.agent.name.chars().take(LONGEST_NAME).collect();
            // Another agent of this name has another state.
            let instance = state.instance().map_err(|error| state_error(&error))?.unwrap_or_default();
            let made = Ledger::new(ledger, &settings.backend.company, &agent, format!("{agent}/{instance}"));
            let made = made.map_err(|error| {
                AppError::new(Code::Backend, format!("could not use the licence ledger {}", ledger.url))
                    .caused_by(&error)
            })?;
            let awaiting = made.awaiting();
            Ok((Box::new(made.with_instance(run)), Some(awaiting)))
        }
    }
}

fn embedded(settings: &Settings, path: &Path, state: &State) -> Result<Box<dyn Backend>, AppError> {
    let must_exist = state.knows_accounts().map_err(|error| state_error(&error))?;
    let opened = Embedded::open(path, &settings.backend.company, must_exist);
    let error = match opened {
        Ok(embedded) => return Ok(Box::new(embedded)),
        Err(error) => error,
    };
    let told =
        AppError::new(Code::Backend, format!("could not open the licence ledger {}", path.display())).caused_by(&error);
    if room::is_full(&error) {
        return Err(told.with_next(room::NEXT));
    }
    if let Some(said) = room::read_only("the licence ledger", path) {
        return Err(AppError::new(Code::Backend, said).with_next(room::GOES_ON));
    }
    if is_spoilt(&error) {
        return Err(told.with_next(put_back(path, AGENT)));
    }
    if is_denied(&error) {
        return Err(told.with_next(access::given_back(&settings.agent.state_dir, path)));
    }
    if must_exist && path.symlink_metadata().is_err() {
        let before = state.ledger_place().map_err(|error| state_error(&error))?;
        return Err(told.with_next(lost_ledger(path, before.filter(|before| Path::new(before) != path))));
    }
    Err(told)
}

/// What helps where the system forbids it.
#[cfg(unix)]
const AS_THE_OWNER: &str = "run this as root or as the service's user (`runuser -u seatsync -- seatsync ...`); what became root's by mistake \
                            is given back to it with `chown -R` (where a package made it: `chown -R seatsync: /var/lib/seatsync`)";
#[cfg(not(unix))]
const AS_THE_OWNER: &str = "run this as an administrator";

/// The system forbids it to whoever runs this.
fn is_denied(error: &(dyn std::error::Error + 'static)) -> bool {
    use rusqlite::ErrorCode::{CannotOpen, PermissionDenied, ReadOnly};
    room::causes(error).any(|error| {
        let of_system = error.downcast_ref::<io::Error>().map(io::Error::kind);
        let of_sqlite = error.downcast_ref::<rusqlite::Error>().and_then(rusqlite::Error::sqlite_error_code);
        of_system == Some(io::ErrorKind::PermissionDenied)
            || matches!(of_sqlite, Some(CannotOpen | PermissionDenied | ReadOnly))
    })
}

/// Where a ledger that is gone may be.
pub(super) fn lost_ledger(path: &Path, before: Option<String>) -> String {
    match before {
        Some(before) => format!(
            "backend.path was changed: the ledger was {before}. Write that path again, or stop the agent and move the file (with \
             those that begin with its name) to {}",
            path.display()
        ),
        None => format!("put the file back from a backup at {}, or correct backend.path", path.display()),
    }
}

/// A directory behind LDAP servers, as such; None: it is another one.
pub(super) fn ldap_directory(settings: &Settings, directory: &DirectorySettings) -> Option<LdapDirectory> {
    match &directory.source {
        From::Ldap(ldap) => Some(LdapDirectory::new(directory.clone(), ldap.clone(), groups(settings, directory))),
        From::Ldif { .. } => None,
    }
}

/// A directory of the settings, and a digest by which another credential is told from the one refused.
pub fn source(settings: &Settings, directory: &DirectorySettings) -> Result<Source, AppError> {
    let groups = groups(settings, directory);
    match &directory.source {
        From::Ldap(ldap) => Ok(Source {
            directory: Box::new(LdapDirectory::new(directory.clone(), ldap.clone(), groups)),
            credentials: credentials(ldap),
        }),
        From::Ldif { path } => {
            let keys: Vec<ScopeKey> = groups.into_iter().map(|dn| ScopeKey { role: Role::Group, dn }).collect();
            let opened = LdifDirectory::new(directory, path, &keys);
            let ldif = opened.map_err(|error| {
                AppError::new(Code::Config, format!("the directory {} cannot be read so", directory.name))
                    .caused_by(&error)
            })?;
            Ok(Source { directory: Box::new(ldif), credentials: Digest::of(&()) })
        }
    }
}

/// Every group of this directory that anything in the config names.
fn groups(settings: &Settings, directory: &DirectorySettings) -> Vec<Arc<str>> {
    let of_pools = settings.pools.iter().flat_map(|pool| pool.groups.iter().flatten().chain(&pool.priority));
    let here = of_pools.filter(|group| group.directory == directory.name).map(|group| &group.dn);
    let mut groups: Vec<Arc<str>> =
        directory.groups.iter().chain(&directory.exclude_groups).chain(here).cloned().collect();
    groups.sort();
    groups.dedup();
    groups
}

fn credentials(ldap: &LdapSettings) -> Digest {
    match &ldap.bind {
        Bind::Anonymous => Digest::of(&ldap.urls),
        Bind::Simple { dn, password } => Digest::of(&(&ldap.urls, dn, password.expose_secret())),
        Bind::Kerberos { keytab, principal } => {
            Digest::of(&(&ldap.urls, principal, keytab.as_ref().map(|keytab| std::fs::read(keytab).ok())))
        }
        Bind::External(files) => Digest::of(&(&ldap.urls, std::fs::read(&files.cert).ok())),
    }
}

/// A failure of the state, as people are told.
#[must_use]
pub fn state_error(error: &StateError) -> AppError {
    let told = AppError::new(Code::State, error.to_string()).caused_by(error);
    if room::is_full(error) {
        told.with_next(room::NEXT)
    } else if room::is_read_only(error) {
        told.with_next(room::MOUNT)
    } else if is_denied(error) {
        told.with_next(AS_THE_OWNER)
    } else {
        told
    }
}

/// The same, of an error that came from this folder: its disk, or whose it is, may be the cause.
#[must_use]
pub fn state_error_in(folder: &Path, error: &StateError) -> AppError {
    match room::read_only("the state", folder).filter(|_| is_denied(error)) {
        Some(said) => AppError::new(Code::State, said).with_next(room::GOES_ON),
        None => match access::own_folder(folder).filter(|_| is_denied(error)) {
            Some(next) => state_error(error).with_next(next),
            None => state_error(error),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_forbids_has_a_next_step() {
        let denied = io::Error::from(io::ErrorKind::PermissionDenied);
        let failed =
            |source: io::Error| StateError::Failed { doing: "opening".to_owned(), source: Some(Box::new(source)) };
        assert_eq!(state_error(&failed(denied)).next.as_deref(), Some(AS_THE_OWNER));
        assert_eq!(state_error(&failed(io::ErrorKind::StorageFull.into())).next.as_deref(), Some(room::NEXT));
        assert_eq!(state_error(&failed(io::ErrorKind::InvalidData.into())).next, None);
    }

    #[cfg(unix)]
    #[test]
    fn of_a_folder_of_the_system_nothing_is_given_back() {
        let denied = || Some(Box::new(io::Error::from(io::ErrorKind::PermissionDenied)) as _);
        let failed = |folder: &str| {
            let error = StateError::Failed { doing: "locking".to_owned(), source: denied() };
            state_error_in(Path::new(folder), &error).next.unwrap_or_default()
        };
        let next = failed("/opt");
        assert!(next.contains("agent.state_dir = \"/opt/seatsync\"") && !next.contains("chown"), "{next}");
        assert_eq!(failed("/opt/seatsync"), AS_THE_OWNER);
    }
}
