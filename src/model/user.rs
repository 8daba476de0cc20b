//! People as a directory shows them.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::anchor::Anchor;
use super::digest::Digest;
use super::dn::Dn;

/// What the backend is told of a person. Values keep the directory's spelling; they are compared case-folded where they
/// must be unique (`user_name`, `email`) and exactly elsewhere.
#[derive(Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Profile {
    /// Unique in the backend.
    pub user_name: String,
    /// Unique in the backend.
    pub email: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
}

/// Names nobody: logs know people by anchor alone.
impl std::fmt::Debug for Profile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Profile([redacted])")
    }
}

impl Profile {
    /// Of all fields, to compare with what was last applied.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(self)
    }
}

/// Folds case as Unicode does (not as one locale does), for values that must be unique.
#[must_use]
pub fn fold(value: &str) -> String {
    folded(value).into_owned()
}

/// The same, without a copy where nothing is to be folded.
#[must_use]
pub fn folded(value: &str) -> Cow<'_, str> {
    if !value.is_ascii() {
        return Cow::Owned(caseless::default_case_fold_str(value));
    }
    // Looks at every byte, many at a time: quicker than to stop at the first.
    if value.bytes().fold(false, |found, byte| found | byte.is_ascii_uppercase()) {
        return Cow::Owned(value.to_ascii_lowercase());
    }
    Cow::Borrowed(value)
}

/// Why somebody counts as a leaver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeaveCause {
    /// The directory says so (`userAccountControl`, `pwdAccountLockedTime`, `nsAccountLock`).
    Disabled,
    /// An expiry has passed; judged like disabled.
    Expired,
    /// A tombstone, or truly gone as rule 2 of the design says it.
    Deleted,
    /// Found, but not under a base, not matching the filter, not in a group, or matched by no pool.
    OutOfScope,
}

impl LeaveCause {
    /// As the JSON spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Expired => "expired",
            Self::Deleted => "deleted",
            Self::OutOfScope => "out_of_scope",
        }
    }
}

/// What the entry says of its owner's standing, judged at the time of the read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    Enabled,
    Disabled,
    Expired,
}

/// What is wrong with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Defect {
    /// A required attribute has no value, or a deciding one cannot be read.
    Missing,
    /// The value cannot be used.
    Malformed,
    /// Two people in scope share it.
    Duplicate,
    /// An account that is not theirs has it.
    Conflict,
}

impl Defect {
    /// As the JSON spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Malformed => "malformed",
            Self::Duplicate => "duplicate",
            Self::Conflict => "conflict",
        }
    }
}

/// Why an entry could not be used. The message is for people and may name others by DN and anchor.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Quarantine {
    /// The directory's name of the attribute at fault.
    pub attribute: String,
    pub reason: Defect,
    pub message: String,
}

/// One person of a snapshot: what the entry says, before scope and rules.
#[derive(Clone, Debug)]
pub struct Sighting {
    pub anchor: Anchor,
    pub dn: Dn,
    pub standing: Standing,
    /// Of who is not enabled: attribute and value that say so, as a sentence for people.
    pub sign: Option<Box<str>>,
    /// What can be used of the entry; a quarantined entry keeps whatever names it had for the people who mend it.
    pub profile: Profile,
    /// Set where the entry cannot be used. Leaving is judged first: `standing` counts even so.
    pub quarantine: Option<Quarantine>,
    /// whenCreated or createTimestamp, where readable.
    pub created: Option<Timestamp>,
    /// When an expiry of this entry will come due, if it lies ahead.
    pub due: Option<Timestamp>,
    /// Every `uid`, in order, for groups that list user ids (RFC 2307 memberUid).
    pub uids: Vec<String>,
    /// `sAMAccountName`: what people of a domain log on as. It names nobody for certain: two domains may have the same.
    pub logon: Option<Box<str>>,
    /// `primaryGroupID` (MS-ADTS 3.1.1.4.5.10), for groups nobody is listed in.
    pub primary_group: Option<u32>,
    /// `memberOf`, used for groups that have no member attribute of their own.
    pub member_of: Vec<Dn>,
    /// Of everything above as the entry shows it, whatever the time.
    pub entry: Digest,
}

impl Sighting {
    /// Of everything by which groups name somebody: as long as it stays, and they do, so do the memberships. `member_of` is
    /// not of it: groups that go by it are never told of.
    #[must_use]
    pub fn naming(&self) -> Digest {
        Digest::of(&(self.dn.key(), &self.uids, self.primary_group))
    }
}

/// An entry without a usable anchor: nobody can be told from it, so nobody is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unidentified {
    pub dn: String,
    pub quarantine: Quarantine,
}
