//! The one error that reaches a person, and the exit code that goes with it.

use std::error::Error;
use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::model::text::is_number_of_error;
use crate::settings::{Problem, Problems};

/// What went wrong, as a word that never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    Usage,
    Config,
    UnknownUser,
    /// The name given fits several people; `details` lists them.
    AmbiguousUser,
    UnknownPool,
    /// Wrong, or expired.
    WrongFingerprint,
    State,
    Directory,
    Backend,
    /// The backend has no account of somebody who was decided on.
    NoAccount,
    /// Another instance runs, or runs and does not answer.
    Busy,
    /// The output could not be written.
    Output,
    /// Not to be had here: on this system, or with this backend.
    Unsupported,
    /// Nothing of the above.
    Failed,
}

impl Code {
    /// The exit code of DESIGN §5.
    #[must_use]
    pub const fn exit(self) -> u8 {
        match self {
            Self::Usage
            | Self::Config
            | Self::UnknownUser
            | Self::AmbiguousUser
            | Self::UnknownPool
            | Self::WrongFingerprint => 2,
            Self::Busy => 5,
            Self::State
            | Self::Directory
            | Self::Backend
            | Self::NoAccount
            | Self::Output
            | Self::Unsupported
            | Self::Failed => 1,
        }
    }
}

/// Why a verb did not do what was asked. It can be stored: the agent sends it to the verb that asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppError {
    pub code: Code,
    /// What we were doing, to what.
    pub message: String,
    /// The causes, from the nearest to the first; or, of a config, all there are.
    pub causes: Vec<String>,
    /// One line each: every problem of a config, every person an ambiguous name fits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<String>,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl AppError {
    /// All problems of a config as one.
    #[must_use]
    pub fn of_config(config: &Path, problems: &Problems) -> Self {
        let told: Vec<String> = problems.0.iter().map(ToString::to_string).collect();
        Self::new(Code::Config, format!("the config {} cannot be used", config.display()))
            .with_causes(told.clone())
            .with_details(told)
            .with_next("correct the file; `seatsync check` looks at it again")
    }

    /// Secrets that the config names, and that this process cannot have: the file is as good as it was.
    #[must_use]
    pub fn of_secrets(config: &Path, missed: &[&Problem]) -> Self {
        let told: Vec<String> = missed.iter().map(ToString::to_string).collect();
        Self::new(Code::Config, format!("a secret of the config {} is missing here", config.display()))
            .with_causes(told.clone())
            .with_details(told)
            .with_next(
                "put it where this process finds it, as told above; `seatsync status`, `users`, `explain`, `pending` and `history` \
                 do without",
            )
    }

    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), causes: Vec::new(), details: Vec::new(), next: None }
    }

    /// Appends an error and everything that caused it; a cause that only repeats the one before is left out.
    #[must_use]
    pub fn caused_by(mut self, cause: &dyn Error) -> Self {
        let mut next = Some(cause);
        while let Some(error) = next {
            let text = error.to_string();
            if self.causes.last().unwrap_or(&self.message) != &text && !is_number_of_error(&text) {
                self.causes.push(text);
            }
            next = error.source();
        }
        self
    }

    /// Appends causes that stand side by side, none of them the cause of another.
    #[must_use]
    pub fn with_causes(mut self, causes: impl IntoIterator<Item = String>) -> Self {
        self.causes.extend(causes);
        self
    }

    #[must_use]
    pub fn with_details(mut self, details: impl IntoIterator<Item = String>) -> Self {
        self.details.extend(details);
        self
    }

    /// For a log: what happened, why, and what to do.
    #[must_use]
    pub fn in_one_line(&self) -> String {
        let next = self.next.iter().map(String::as_str);
        let told = std::iter::once(self.message.as_str()).chain(self.causes.iter().map(String::as_str)).chain(next);
        told.collect::<Vec<_>>().join("; ")
    }

    #[must_use]
    pub fn with_next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }
}

impl fmt::Display for AppError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for AppError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_has_the_exit_code_of_the_design() {
        let two = [
            Code::Usage,
            Code::Config,
            Code::UnknownUser,
            Code::AmbiguousUser,
            Code::UnknownPool,
            Code::WrongFingerprint,
        ];
        let one = [
            Code::State,
            Code::Directory,
            Code::Backend,
            Code::NoAccount,
            Code::Output,
            Code::Unsupported,
            Code::Failed,
        ];
        assert!(two.into_iter().all(|code| code.exit() == 2));
        assert!(one.into_iter().all(|code| code.exit() == 1));
        assert_eq!(Code::Busy.exit(), 5);
    }

    #[test]
    fn causes_are_told_from_the_nearest_to_the_first_and_none_twice() {
        #[derive(Debug)]
        struct Outer(std::io::Error);
        impl fmt::Display for Outer {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("could not reach the server")
            }
        }
        impl Error for Outer {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                Some(&self.0)
            }
        }
        let cause = Outer(std::io::Error::other("connection refused"));
        let told = AppError::new(Code::Directory, "could not reach the server").caused_by(&cause);
        assert_eq!(told.causes, ["connection refused"]);
        let told = AppError::new(Code::Directory, "could not read the directory corp").caused_by(&cause);
        assert_eq!(told.causes, ["could not reach the server", "connection refused"]);
    }

    #[test]
    fn what_sqlite_says_is_not_said_again_with_its_number() {
        let said = Some("file is not a database".to_owned());
        let cause = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(26), said);
        let told = AppError::new(Code::State, "could not open it").caused_by(&cause);
        assert_eq!(told.causes, ["file is not a database"]);
        assert_eq!(crate::cycle::reading::with_causes(&cause), "file is not a database");
    }

    #[test]
    fn it_can_be_stored_and_read_back() {
        let error = AppError::new(Code::WrongFingerprint, "nothing is held back").with_next("run `seatsync plan`");
        let text = serde_json::to_string(&error).unwrap();
        assert!(text.contains(r#""code":"wrong_fingerprint""#), "{text}");
        assert_eq!(serde_json::from_str::<AppError>(&text).unwrap(), error);
    }
}
