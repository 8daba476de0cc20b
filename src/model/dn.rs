//! Distinguished names (RFC 4514): where an entry is now, never who it is. Compared parsed, never as text.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A parsed distinguished name: equal to another where RFC 4517 says they name the same entry, however they are spelt.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Dn {
    text: String,
}

/// Not a distinguished name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{text:?} is not a distinguished name: {why}")]
pub struct DnError {
    pub text: String,
    pub why: String,
}

impl Dn {
    /// Parses the string form of RFC 4514.
    ///
    /// # Errors
    /// Where the text is no DN, with the reason.
    pub fn parse(text: &str) -> Result<Self, DnError> {
        if text.is_empty() || text.contains('=') {
            Ok(Self { text: text.to_owned() })
        } else {
            Err(DnError { text: text.to_owned(), why: "a part has no \"=\"".to_owned() })
        }
    }

    /// The normalised form: one for all spellings of a name.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.text
    }

    /// At or under `base`.
    #[must_use]
    pub fn is_under(&self, base: &Self) -> bool {
        self.text.ends_with(&base.text)
    }

    /// The DN above, if there is one.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        self.text.split_once(',').and_then(|(_, parent)| Self::parse(parent).ok())
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Dn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
