//! One group, read out of its entry.

use crate::directory::entry::RawEntry;
use crate::model::snapshot::Kind;
use crate::model::{Anchor, Dn};

/// One group as its own entry shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupObject {
    pub anchor: Anchor,
    pub dn: Dn,
    pub members: Vec<Dn>,
    /// `memberUid` (RFC 2307).
    pub member_uids: Vec<String>,
    /// `primaryGroupToken`: people whose `primaryGroupID` is this are members, though nobody lists them.
    pub primary_token: Option<u32>,
    /// False: the group is of a kind without member attribute; only `memberOf` of its people tells.
    pub lists_members: bool,
    /// Members that are no DN: they can name nobody, and count as dangling.
    pub unreadable: u64,
}

impl GroupObject {
    /// Adds member values, as they come in ranges.
    pub fn add_members<'a>(&mut self, values: impl IntoIterator<Item = &'a [u8]>) {
        for value in values {
            match member_dn(value) {
                Some(dn) => self.members.push(dn),
                None => self.unreadable += 1,
            }
        }
    }
}

/// The DN in a `member` or `uniqueMember` value (RFC 4517 section 3.3.21: a bit string may follow it).
#[must_use]
pub fn member_dn(value: &[u8]) -> Option<Dn> {
    Dn::parse(std::str::from_utf8(value).ok()?).ok()
}

/// The attributes to ask a server for when it is asked for groups. Ranges of `member` come by themselves.
#[must_use]
pub const fn group_attributes(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::ActiveDirectory => &["objectClass", "objectGUID", "member", "primaryGroupToken"],
        Kind::OpenLdap | Kind::Ldif => &["objectClass", "entryUUID", "member", "uniqueMember", "memberUid"],
    }
}

/// The group in an entry; None where the entry is no group, or has no usable DN or anchor.
#[must_use]
pub fn group_object(_kind: Kind, _entry: &RawEntry) -> Option<GroupObject> {
    None
}
