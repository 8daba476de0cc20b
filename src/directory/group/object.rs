//! One group, read out of its entry.

use std::str;

use crate::directory::entry::{Entry as _, RawEntry};
use crate::directory::identity::own_anchor;
use crate::model::snapshot::Kind;
use crate::model::{Anchor, Dn};

/// One group as its own entry shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupObject {
    /// Made of the DN where the entry shows none: enough to walk by, not to pin.
    pub anchor: Anchor,
    pub dn: Dn,
    pub members: Vec<Dn>,
    /// `memberUid` (RFC 2307).
    pub member_uids: Vec<String>,
    /// `primaryGroupToken`: people whose `primaryGroupID` is this are members, though nobody lists them.
    pub primary_token: Option<u32>,
    /// False: the group is of a kind without member attribute; only `memberOf` of its people tells.
    pub lists_members: bool,
    /// Its number in the server's own count of updates, where it has one.
    pub changed: Option<u64>,
    /// Another after each change, as far as the server shows one.
    pub stamp: Option<String>,
    /// Members that are no DN: they can name nobody, and count as dangling.
    pub unreadable: u64,
}

/// Object classes whose entries list their members themselves.
const LISTING: [&str; 6] =
    ["group", "groupOfNames", "groupOfUniqueNames", "groupOfMembers", "groupOfEntries", "posixGroup"];
/// Object classes whose members the server works out; their people show them in `memberOf`.
const COMPUTED: [&str; 2] = ["groupOfURLs", "dynamicGroup"];
const MEMBERS: [&str; 2] = ["member", "uniqueMember"];
const MEMBER_UID: &str = "memberUid";

impl GroupObject {
    /// Lists nobody, though it is of a kind that lists its members.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lists_members && self.listed() == 0
    }

    /// Members it lists itself, those included that can name nobody.
    #[must_use]
    pub fn listed(&self) -> usize {
        self.members.len() + self.member_uids.len() + usize::try_from(self.unreadable).unwrap_or(usize::MAX)
    }

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

/// The DN in a `member` or `uniqueMember` value. A unique identifier may follow it: `cn=a,dc=x#'0101'B` (RFC 4517
/// section 3.3.21).
#[must_use]
pub fn member_dn(value: &[u8]) -> Option<Dn> {
    let text = str::from_utf8(value).ok()?;
    let bare = text.strip_suffix("'B").and_then(|text| text.rsplit_once("#'"));
    match bare {
        Some((dn, bits)) if bits.bytes().all(|bit| matches!(bit, b'0' | b'1')) => Dn::parse(dn).ok(),
        _ => Dn::parse(text).ok(),
    }
}

/// The attributes to ask a server for when it is asked for groups. Ranges of `member` come by themselves.
#[must_use]
pub const fn group_attributes(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::ActiveDirectory => &["objectClass", "objectGUID", "member", "primaryGroupToken", "uSNChanged"],
        Kind::OpenLdap | Kind::Ldif => {
            &["objectClass", "entryUUID", "member", "uniqueMember", "memberUid", "entryCSN", "modifyTimestamp"]
        }
        Kind::Ds389 => {
            &["objectClass", "nsUniqueId", "member", "uniqueMember", "memberUid", "entryusn", "modifyTimestamp"]
        }
    }
}

/// What servers keep to tell that an entry changed, the finest first; the last goes by the second.
pub const STAMPS: [&str; 4] = ["entryCSN", "uSNChanged", "entryusn", "modifyTimestamp"];

/// Another after each change of an entry that was asked for `STAMPS`; None where the server shows none.
#[must_use]
pub fn stamp(entry: &RawEntry) -> Option<String> {
    STAMPS.iter().find_map(|name| entry.text(name)?.ok().map(str::to_owned))
}

/// Whether an entry that shows its classes is a group.
#[must_use]
pub fn is_group(entry: &RawEntry) -> bool {
    LISTING.iter().chain(&COMPUTED).any(|class| entry.says("objectClass", class))
}

/// The group in an entry; None where the entry is no group or has no usable DN.
///
/// Values under a range option (`member;range=0-1499`) are the caller's to add, until the last part has come.
#[must_use]
pub fn group_object(kind: Kind, entry: &RawEntry) -> Option<GroupObject> {
    let class = |names: &[&str]| names.iter().any(|name| entry.says("objectClass", name));
    let lists = class(&LISTING) || MEMBERS.iter().chain([&MEMBER_UID]).any(|name| entry.has(name));
    if !lists && !class(&COMPUTED) {
        return None;
    }
    let dn = Dn::parse(str::from_utf8(&entry.dn).ok()?).ok()?;
    let token = entry.text("primaryGroupToken").and_then(Result::ok);
    let mut group = GroupObject {
        anchor: own_anchor(kind, entry, &dn).unwrap_or_else(|_| Anchor::of_dn(&dn)),
        members: Vec::new(),
        member_uids: Vec::new(),
        primary_token: token.and_then(|text| text.trim().parse().ok()),
        lists_members: lists,
        changed: entry.text("uSNChanged").and_then(Result::ok).and_then(|text| text.parse().ok()),
        stamp: stamp(entry),
        unreadable: 0,
        dn,
    };
    group.add_members(MEMBERS.iter().flat_map(|name| entry.values(name)));
    for value in entry.values(MEMBER_UID) {
        match str::from_utf8(value) {
            Ok(uid) => group.member_uids.push(uid.trim().to_owned()),
            Err(_) => group.unreadable += 1,
        }
    }
    Some(group)
}
