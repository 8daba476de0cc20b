//! Wiring: the only file that names concrete adapters.

pub mod error;

use std::future::Future;
use std::path::Path;

pub use error::{AppError, Code};

use crate::model::change::Verdict;
use crate::model::report::{
    CheckReport, ConfirmReport, DecisionRow, ExplainReport, HistoryRow, PendingRow, PlanReport, RelinkReport,
    StatusReport, SyncReport, UserRow,
};
use crate::model::settings::LogSettings;
use crate::model::{AccountState, Anchor};
use crate::ports::Progress;

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
pub struct App {
    log: LogSettings,
}

#[expect(clippy::missing_errors_doc, clippy::unused_async, reason = "the shape of what is to come")]
impl App {
    pub fn open(_config: &Path) -> Result<Self, AppError> {
        Err(not_wired())
    }

    #[must_use]
    pub const fn log(&self) -> &LogSettings {
        &self.log
    }

    /// One cycle. Done by the agent where one runs.
    pub async fn sync(&self, _full: bool, _progress: &dyn Progress) -> Result<SyncReport, AppError> {
        Err(not_wired())
    }

    pub async fn plan(&self, _options: &PlanOptions, _progress: &dyn Progress) -> Result<PlanReport, AppError> {
        Err(not_wired())
    }

    /// The agent, until `shutdown` is ready.
    pub async fn run(&self, _shutdown: impl Future<Output = ()> + Send) -> Result<(), AppError> {
        Err(not_wired())
    }

    pub async fn confirm(&self, _fingerprint: &str) -> Result<ConfirmReport, AppError> {
        Err(not_wired())
    }

    /// Looks at a config that may be too broken to open.
    pub async fn check(_config: &Path, _connect: bool) -> CheckReport {
        CheckReport::default()
    }

    pub fn status(&self) -> Result<StatusReport, AppError> {
        Err(not_wired())
    }

    pub fn users(&self, _filter: &UserFilter) -> Result<Vec<UserRow>, AppError> {
        Err(not_wired())
    }

    /// By anchor, DN, user name or mail address.
    pub fn explain(&self, _user: &str) -> Result<ExplainReport, AppError> {
        Err(not_wired())
    }

    pub fn pending(&self, _pool: Option<&str>) -> Result<Vec<PendingRow>, AppError> {
        Err(not_wired())
    }

    pub async fn decide(
        &self,
        _verdict: Verdict,
        _users: &[String],
        _pool: Option<&str>,
    ) -> Result<Vec<DecisionRow>, AppError> {
        Err(not_wired())
    }

    pub async fn relink(&self, _old: Anchor, _new: Anchor) -> Result<RelinkReport, AppError> {
        Err(not_wired())
    }

    pub fn history(&self) -> Result<Vec<HistoryRow>, AppError> {
        Err(not_wired())
    }
}

fn not_wired() -> AppError {
    AppError::new(Code::Failed, "not wired yet")
}
