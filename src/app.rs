//! Wiring: the only file that names concrete adapters. What each verb does with them is in the files beside.

mod answers;
mod check;
mod engine;
pub mod error;
mod explain;
mod requests;
mod service;
mod verbs;

use std::path::{Path, PathBuf};

use crate::model::AccountState;
use crate::model::settings::{LogSettings, Settings};
use crate::settings;

pub use error::{AppError, Code};

/// What `plan` is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanOptions {
    /// Read everything again.
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
}

impl App {
    /// Reads and checks the config.
    ///
    /// # Errors
    /// Every problem of it, at once.
    pub fn open(config: &Path) -> Result<Self, AppError> {
        match settings::load(config, &settings::process_variables()) {
            Ok(loaded) => {
                for warning in &loaded.warnings {
                    tracing::warn!(key = %warning.key, "{}", warning.message);
                }
                Ok(Self { config: config.to_owned(), settings: loaded.settings })
            }
            Err(problems) => Err(check::as_error(config, &problems)),
        }
    }

    /// How to log.
    #[must_use]
    pub const fn log(&self) -> &LogSettings {
        &self.settings.log
    }
}
