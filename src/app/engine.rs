//! The adapters of one config, made and held together.

use std::sync::Arc;

use crate::app::{AppError, Code};
use crate::backend::embedded::Embedded;
use crate::cycle::{Asked, Parts, Source};
use crate::directory::ldap::LdapDirectory;
use crate::directory::ldif::LdifDirectory;
use crate::model::Digest;
use crate::model::settings::{BackendKind, Bind, DirectorySettings, LdapSettings, Settings, Source as From};
use crate::model::snapshot::{Role, ScopeKey};
use crate::ports::{Backend, Progress, StateError};
use crate::state::State;
use secrecy::ExposeSecret as _;
use tokio::sync::watch;

/// Everything a pass works with, owned.
pub struct Engine {
    pub settings: Settings,
    pub directories: Vec<Source>,
    pub backend: Box<dyn Backend>,
    pub state: State,
}

impl Engine {
    /// Makes the adapters. Nothing is connected to yet.
    ///
    /// # Errors
    /// Where the ledger cannot be opened, or is gone though accounts of it are known.
    pub fn new(settings: &Settings, state: State) -> Result<Self, AppError> {
        let backend = backend(settings, &state)?;
        let directories = settings.directories.iter().map(|directory| source(settings, directory));
        let directories = directories.collect::<Result<Vec<Source>, AppError>>()?;
        Ok(Self { settings: settings.clone(), directories, backend, state })
    }

    /// Takes another config from here on. State and ledger stay as they were opened.
    ///
    /// # Errors
    /// Where the config names another place for them, or a directory cannot be read as it says.
    pub fn reconfigure(&mut self, settings: Settings) -> Result<(), AppError> {
        let BackendKind::Embedded { path: ours } = &self.settings.backend.kind;
        let BackendKind::Embedded { path: theirs } = &settings.backend.kind;
        let same_place = ours == theirs && self.settings.agent.state_dir == settings.agent.state_dir;
        if !same_place || self.settings.backend.company != settings.backend.company {
            return Err(AppError::new(Code::Config, "state_dir, backend.path or backend.company is another one")
                .with_next("restart the agent: it keeps the config it has until then"));
        }
        let directories = settings.directories.iter().map(|directory| source(&settings, directory));
        self.directories = directories.collect::<Result<Vec<Source>, AppError>>()?;
        self.settings = settings;
        Ok(())
    }

    /// Lends everything to a pass.
    pub fn parts<'a>(
        &'a mut self,
        progress: &'a dyn Progress,
        asked: Asked,
        stop: Option<watch::Receiver<bool>>,
    ) -> Parts<'a> {
        Parts {
            settings: &self.settings,
            directories: &mut self.directories,
            backend: &mut *self.backend,
            memory: &mut self.state,
            progress,
            asked,
            stop,
        }
    }
}

fn backend(settings: &Settings, state: &State) -> Result<Box<dyn Backend>, AppError> {
    let BackendKind::Embedded { path } = &settings.backend.kind;
    let must_exist = state.knows_accounts().map_err(|error| state_error(&error))?;
    let opened = Embedded::open(path, &settings.backend.company, must_exist);
    opened.map(|embedded| Box::new(embedded) as Box<dyn Backend>).map_err(|error| {
        AppError::new(Code::Backend, format!("could not open the licence ledger {}", path.display())).caused_by(&error)
    })
}

/// A directory of the settings, and a digest by which another credential is told from the one refused.
fn source(settings: &Settings, directory: &DirectorySettings) -> Result<Source, AppError> {
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
    }
}

/// A failure of the state, as people are told.
#[must_use]
pub fn state_error(error: &StateError) -> AppError {
    AppError::new(Code::State, error.to_string()).caused_by(error)
}
