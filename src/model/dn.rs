//! Distinguished names (RFC 4514): where an entry is now, never who it is. Compared parsed, never as text.

mod parse;

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// A parsed distinguished name: equal to another where RFC 4517 says they name the same entry, however they are spelt.
///
/// Keeps the text as it was written, and beside it the key by which it is compared, where the two differ.
#[derive(Clone)]
pub struct Dn {
    text: Box<str>,
    key: Option<Box<str>>,
}

/// Not a distinguished name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{text:?} is not a distinguished name: {why}")]
pub struct DnError {
    pub text: String,
    pub why: String,
}

impl Dn {
    /// Parses the string form of RFC 4514. The empty text is the root.
    ///
    /// # Errors
    /// Where the text is no DN, with the reason.
    pub fn parse(text: &str) -> Result<Self, DnError> {
        let key = parse::key(text).map_err(|why| DnError { text: text.to_owned(), why })?;
        let key = if key == text { None } else { Some(key.into_boxed_str()) };
        Ok(Self { text: text.into(), key })
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The normalised form: one for all spellings of a name. A bare `,` parts it into RDNs and nothing else. It goes
    /// into stored anchors of files that carry none, so its form may never change.
    #[must_use]
    pub fn key(&self) -> &str {
        self.key.as_deref().unwrap_or(&self.text)
    }

    /// At or under `base`.
    #[must_use]
    pub fn is_under(&self, base: &Self) -> bool {
        let Some(above) = self.key().strip_suffix(base.key()) else { return false };
        above.is_empty() || base.key().is_empty() || above.ends_with(',')
    }

    /// The DN above; None for the root and for what lies directly under it.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        Self::parse(self.text[parse::first_comma(&self.text)? + 1..].trim_start_matches(' ')).ok()
    }
}

impl PartialEq for Dn {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Dn {}

impl Hash for Dn {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl PartialOrd for Dn {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Dn {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(other.key())
    }
}

impl fmt::Display for Dn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Dn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dn({})", self.text)
    }
}

impl Serialize for Dn {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Dn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
