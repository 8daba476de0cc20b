//! Wiring: `engine` names the adapters of an agent, `ledger` those of a served ledger. What each verb does with them is in the
//! files beside.

mod access;
mod answers;
mod bereft;
mod bundle;
mod check;
mod decisions;
pub mod engine;
pub mod error;
mod explain;
pub mod init;
mod interrupt;
pub mod ledger;
mod listening;
pub mod moved;
mod own;
mod pace;
mod pass;
mod people;
mod pushing;
pub mod requests;
mod ring;
mod room;
mod secret;
mod sending;
mod service;
mod showing;
mod stopped;
mod telling;
mod unnamed;
mod verbs;
mod who;

use std::path::{Path, PathBuf};

use crate::model::AccountState;
use crate::model::change::Promotion;
use crate::model::settings::{LogSettings, Settings};
use crate::settings::{self, Loaded, Problem};

pub use crate::settings::{config_option, default_config};
pub use bundle::{BundleOptions, BundleReport};
pub use error::{AppError, Code};
pub use secret::{KeptSecret, keep_secret};

/// What `plan` is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanOptions {
    /// Read everything, not only what changed.
    pub full: bool,
    /// What if these pools had so many seats more, or fewer.
    pub seats: Vec<(String, i64)>,
}

/// Which users to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserFilter {
    pub state: Option<StateFilter>,
    pub pool: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateFilter {
    Account(AccountState),
    /// Quarantined, with or without an account.
    Quarantined,
}

/// The application on one config.
#[derive(Debug)]
pub struct App {
    config: PathBuf,
    settings: Settings,
    /// What of the config is allowed and yet hardly meant.
    warnings: Vec<Problem>,
    /// Secrets that this process cannot have. An empty one stands in for each: `needs` comes before any use.
    absent: Vec<Problem>,
}

impl App {
    /// Reads and checks the config. A secret that cannot be had here is missed by the verbs alone that use it.
    ///
    /// # Errors
    /// Every problem of it, at once.
    pub fn open(config: &Path) -> Result<Self, AppError> {
        match settings::load_sparing(config, &settings::process_variables()) {
            Ok(loaded) => Ok(Self::of(config, loaded)),
            Err(problems) => Err(AppError::of_config(config, &problems)),
        }
    }

    /// The application on a config that is wrong, good for `status` alone; None where it does not even tell where the
    /// state lies.
    #[must_use]
    pub fn glimpse(config: &Path) -> Option<Self> {
        let settings = settings::glimpse(config, &settings::process_variables())?;
        Some(Self::in_force(config, settings))
    }

    /// What editors need to know of a config.
    #[must_use]
    pub fn config_schema() -> serde_json::Value {
        settings::schema()
    }

    fn of(config: &Path, loaded: Loaded) -> Self {
        let Loaded { settings, warnings, absent, files: _ } = loaded;
        Self { config: config.to_owned(), settings, warnings, absent }
    }

    /// The application by settings that were loaded before, secrets included.
    fn in_force(config: &Path, settings: Settings) -> Self {
        Self { config: config.to_owned(), settings, warnings: Vec::new(), absent: Vec::new() }
    }

    /// Before anything of these tables of the config is connected to.
    ///
    /// # Errors
    /// Where a secret of theirs cannot be had here.
    fn needs(&self, tables: &[&str]) -> Result<(), AppError> {
        needs(&self.config, &self.absent, tables)
    }

    /// How to log.
    #[must_use]
    pub const fn log(&self) -> &LogSettings {
        &self.settings.log
    }

    /// Whether who waits gets a freed seat by itself.
    #[must_use]
    pub const fn promotion(&self) -> Promotion {
        self.settings.seats.promotion
    }

    /// Logs what of the config is hardly meant: to be called once it is known how to log.
    pub fn warn(&self) {
        warn(&self.warnings);
    }
}

fn needs(config: &Path, absent: &[Problem], tables: &[&str]) -> Result<(), AppError> {
    let missed: Vec<&Problem> = tables.iter().flat_map(|table| below(absent, table)).collect();
    if missed.is_empty() { Ok(()) } else { Err(AppError::of_secrets(config, &missed)) }
}

/// What of these stands in a table of the config: `directory`, `directory.corp`.
fn below<'a>(problems: &'a [Problem], table: &str) -> impl Iterator<Item = &'a Problem> {
    let start = format!("{table}.");
    problems.iter().filter(move |problem| problem.key.starts_with(&start))
}

fn warn(warnings: &[Problem]) {
    for warning in warnings {
        tracing::warn!(name: "config.odd", key = %warning.key, "The config, {}: {}", warning.key, warning.message);
    }
}
