//! The immutable id of a directory user, and the identity built from it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::dn::Dn;

/// The directory's own immutable id of an entry: objectGUID, entryUUID or nsUniqueId; 16 bytes.
///
/// Printed as a lower-case UUID string; the order of the bytes is the order of that string.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Anchor(Uuid);

impl Anchor {
    /// From 16 bytes in the order in which they are printed.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// From an objectGUID as Active Directory stores it: mixed-endian (MS-DTYP 2.3.4.2).
    #[must_use]
    pub const fn from_guid_le(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes_le(bytes))
    }

    /// Made of a DN, for entries of files that carry none: one for all spellings.
    #[must_use]
    pub fn of_dn(dn: &Dn) -> Self {
        Self(Uuid::new_v5(&Uuid::NAMESPACE_X500, dn.key().as_bytes()))
    }

    /// The 16 bytes in the order in which they are printed.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The bytes as Active Directory stores them (MS-DTYP 2.3.4.2).
    #[must_use]
    pub const fn to_guid_le(&self) -> [u8; 16] {
        self.0.to_bytes_le()
    }
}

impl From<Uuid> for Anchor {
    fn from(uuid: Uuid) -> Self {
        Self(uuid)
    }
}

/// Reads a UUID in any of its usual spellings.
impl FromStr for Anchor {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::parse_str(text).map(Self)
    }
}

impl fmt::Display for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl fmt::Debug for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The configured name of a directory, pool or company: cheap to clone, ordered as text.
pub type Name = Arc<str>;

/// Who somebody is: the directory and the anchor there. Never a DN, a user name or a mail address.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PersonId {
    /// The configured name of the directory.
    pub directory: Name,
    /// The id there.
    pub anchor: Anchor,
}

impl PersonId {
    /// Puts the two halves together.
    #[must_use]
    pub const fn new(directory: Name, anchor: Anchor) -> Self {
        Self { directory, anchor }
    }
}

impl fmt::Display for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.directory, self.anchor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_guid_prints_as_windows_prints_it() {
        let stored = [0x53, 0xf3, 0xad, 0x92, 0xf9, 0x9f, 0x9d, 0x45, 0xb9, 0x7f, 0xc4, 0x8e, 0x21, 0xda, 0xdb, 0xf8];
        let anchor = Anchor::from_guid_le(stored);
        assert_eq!(anchor.to_string(), "92adf353-9ff9-459d-b97f-c48e21dadbf8");
        assert_eq!(anchor.to_guid_le(), stored);
    }

    #[test]
    fn bytes_and_text_have_one_order() {
        let small: Anchor = "0fffffff-ffff-ffff-ffff-ffffffffffff".parse().unwrap();
        let large: Anchor = "10000000-0000-0000-0000-000000000000".parse().unwrap();
        assert!(small < large);
        assert!(small.to_string() < large.to_string());
    }
}
