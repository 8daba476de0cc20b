//! What is wrong with a config, in words for the person who wrote it.

use std::fmt;

use serde::Serialize;

/// One thing that is wrong: where, with which value, and what is allowed instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The config file, or the environment variable that gave the value.
    pub file: String,
    /// Counted from 1; none for a variable and for what is wrong with the whole file.
    pub line: Option<usize>,
    /// `directory.corp.page_size`; empty where it is the whole file.
    pub key: String,
    /// As TOML would spell it. Never a secret's, nor that of a key we do not know.
    pub value: Option<String>,
    /// A sentence: what is wrong, what is allowed, what to do.
    pub message: String,
}

/// `FILE:LINE: KEY = VALUE: MESSAGE`, without what is not known.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        if let Some(value) = &self.value {
            write!(f, " = {value}")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Everything that is wrong with a config; printed one a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let end = if index == 0 { "" } else { "\n" };
            write!(f, "{end}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
