//! One full read of one directory, and where the people are who were not in it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::anchor::{Anchor, Name};
use super::dn::Dn;
use super::user::{Sighting, Unidentified};

/// What kind of server a directory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    #[serde(rename = "active-directory")]
    ActiveDirectory,
    #[serde(rename = "openldap")]
    OpenLdap,
    #[serde(rename = "389ds")]
    Ds389,
    #[serde(rename = "ldif")]
    Ldif,
}

impl Kind {
    /// As the config file spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ActiveDirectory => "active-directory",
            Self::OpenLdap => "openldap",
            Self::Ds389 => "389ds",
            Self::Ldif => "ldif",
        }
    }
}

/// What a scope object is for: a search base or a group (scope, excluded, of a pool, or priority).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Base,
    Group,
}

/// The DN of a base or group as the config names it: the key of everything that is found out about it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ScopeKey {
    pub role: Role,
    pub dn: Arc<str>,
}

/// A scope object found once, followed by its anchor ever after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    pub key: ScopeKey,
    /// None: a person confirmed that the object is gone and that the directory is read without it, until there is one
    /// again.
    pub anchor: Option<Anchor>,
    /// Where it was last.
    pub dn: String,
}

/// A group that the config does not name, reached through one that it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nested {
    /// As the group above lists it.
    pub dn: Dn,
    /// None: an earlier version of the program read it last.
    pub anchor: Option<Anchor>,
    /// The first read that found nothing there, whole in all else, and the place above readable. None: it was read, or
    /// nobody can say yet that it is gone.
    pub missed: Option<Timestamp>,
}

/// What this read found of one scope object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// As pinned, or for the first time. `dn` tells of a rename.
    Here { anchor: Anchor, dn: Dn },
    /// The pinned object is gone (`new: None`), or another one lies at its place.
    Replaced { old: Anchor, new: Option<Anchor> },
    /// Never found: no such object, or no right to read it.
    Nowhere,
    /// Confirmed gone, and nothing lies at its place.
    DoneWithout,
}

/// Who is in one group, directly or through others, and by which way.
///
/// The way is the chain of group DNs from the configured group down to the one that lists the person.
pub type Members = HashMap<Anchor, Arc<[String]>>;

/// A group member that is not there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dangling {
    /// The groups that list it themselves.
    pub listed_by: BTreeSet<Dn>,
    /// The groups of the config to which it belongs, directly or not.
    pub of: BTreeSet<ScopeKey>,
}

/// A name that somebody had before, and nobody has now, though groups list it still.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormerName {
    pub name: ListedAs,
    pub dangling: Dangling,
}

/// How a group names a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListedAs {
    Dn(Dn),
    /// A `memberUid`, folded.
    Uid(String),
}

impl ListedAs {
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Dn(dn) => dn.as_str(),
            Self::Uid(uid) => uid,
        }
    }
}

/// Of people who were renamed or moved, the names by which groups list them still: a server that does not mend its groups
/// leaves it open whether they are members.
pub type FormerNames = BTreeMap<Anchor, Vec<FormerName>>;

/// Where a server stood when a read began. Lower than before: it went back in time, or it is a replica that lags.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watermark {
    /// invocationId in Active Directory, the server's URL elsewhere, the path of an LDIF file.
    pub server: String,
    /// highestCommittedUSN; the contextCSN values by server id, each with its time; a file's digest.
    pub position: BTreeMap<String, String>,
    /// When the read began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// What a server tells of the time since a watermark.
#[derive(Clone, Debug)]
pub enum Followed {
    /// Nothing else that decides anything changed than these people, perhaps.
    Changes(Changes),
    /// It cannot be told, or is more than that: everything must be read. A sentence says why.
    Untold(String),
}

/// People who are to be looked at again: what an entry is now is read of the entry itself, so one too many costs a look.
#[derive(Clone, Debug)]
pub struct Changes {
    pub kind: Kind,
    pub server: String,
    /// Added, changed, moved or deleted.
    pub people: BTreeSet<Anchor>,
    /// Of these the ones whose deletion the server itself reports.
    pub deleted: BTreeSet<Anchor>,
    /// Everything that is there, where the server told that and not what is gone: whoever is known and not among these is to
    /// be looked at, too.
    pub there: Option<BTreeSet<Anchor>>,
    /// A group of the config changed, or one within it.
    pub groups: bool,
    /// Entries received.
    pub entries: u64,
    /// Taken before.
    pub watermark: Option<Watermark>,
}

/// What a full read shows that was told whose entry looked how.
#[derive(Clone, Debug)]
pub enum Compared {
    /// It was complete, in the sense of rule 1.
    Whole(Comparison),
    /// It cannot be told so, or too much is otherwise: everyone must be read. A sentence says why.
    Untold(String),
}

/// One full read, with only those people whose entry is not as it was known.
#[derive(Clone, Debug)]
pub struct Comparison {
    pub kind: Kind,
    pub server: String,
    /// New, or with another entry than known; in the order of their anchors.
    pub changed: Vec<Sighting>,
    /// Known, no leavers, and not in this read.
    pub unseen: Vec<Anchor>,
    /// Entries received.
    pub entries: u64,
    /// Taken before.
    pub watermark: Option<Watermark>,
}

/// What the groups of the config say of people who are known.
#[derive(Clone, Debug)]
pub enum Listed {
    Groups(Groups),
    /// It cannot be told without everyone's entries: everything must be read. A sentence says why.
    Untold(String),
}

/// Who is in the groups of the config; each as in `Snapshot`.
#[derive(Clone, Debug, Default)]
pub struct Groups {
    pub members: BTreeMap<ScopeKey, Members>,
    pub by_uid: Vec<Anchor>,
    /// User ids that none of the people has, folded.
    pub gone_uids: Vec<String>,
    pub nested: Option<Vec<Nested>>,
    pub foreign: u64,
    pub dangling: u64,
}

/// An entry that a person asked for by name, and how it stands to the base and the filter of its directory.
#[derive(Clone, Debug)]
pub struct Sought {
    pub sighting: Sighting,
    /// The server that showed it, as in `Snapshot`.
    pub server: String,
    /// What the kind's own filter for people takes.
    pub is_person: bool,
    pub is_under_base: bool,
    /// True also where the config has no filter.
    pub fits_filter: bool,
}

/// Why a read cannot vouch for who is not in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partial {
    /// A sentence: what was read, what went wrong, what to do.
    pub message: String,
}

/// One full read of one directory.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub directory: Name,
    pub kind: Kind,
    /// The server that answered, as a person would name it (URL or path).
    pub server: String,
    pub read_at: Timestamp,
    /// Everyone under a base who matches the filter, whatever their standing; each anchor once.
    pub people: Vec<Sighting>,
    pub unidentified: Vec<Unidentified>,
    /// Who is in each group of the config. A group is left out where it, or a group within it, could not be read.
    pub members: BTreeMap<ScopeKey, Members>,
    /// People whom one of these groups, or a group within it, lists by their user id (`memberUid`), in order.
    pub by_uid: Vec<Anchor>,
    /// Members that are not there, of groups of the config or within one.
    pub gone: BTreeMap<Dn, Dangling>,
    /// User ids (`memberUid`) that nobody of this read has, folded.
    pub gone_uids: BTreeMap<String, Dangling>,
    /// The server works out who is in one of these groups, and no change tells of that.
    pub computed: bool,
    /// Groups within those of the config, as the next read is told of them. None: nobody walked them in this read.
    pub nested: Option<Vec<Nested>>,
    /// Of those the ones that are listed by a DN of before, and where they are.
    pub followed: BTreeMap<Dn, Dn>,
    pub scope: BTreeMap<ScopeKey, Found>,
    /// Entries received for the people's search.
    pub entries: u64,
    /// Group members of another domain.
    pub foreign: u64,
    /// Group members that are not there.
    pub dangling: u64,
    /// None: complete, in the sense of rule 1.
    pub partial: Option<Partial>,
    /// Taken before the read.
    pub watermark: Option<Watermark>,
}

impl Snapshot {
    /// Who is in which group of the config is known, so that scope and pools can be told of the people. Not so in a read
    /// that broke off before the groups, or that found one of them gone.
    #[must_use]
    pub fn tells_members(&self) -> bool {
        self.partial.is_none()
            || self.scope.iter().all(|(key, found)| {
                key.role == Role::Base || *found == Found::DoneWithout || self.members.contains_key(key)
            })
    }
}

/// Where somebody is who was known and is not in the snapshot.
#[derive(Clone, Debug)]
pub enum Whereabouts {
    /// Found outside the bases or not matching the filter.
    OutOfScope(Box<Sighting>),
    /// Found disabled or expired, wherever.
    Left(Box<Sighting>),
    /// Found, enabled, under a base and matching the filter: the read lost the entry.
    Overlooked(Box<Sighting>),
    /// The directory's own marker of a deletion.
    Tombstone,
    /// Nothing by that anchor; and whether the last known parent can still be read.
    Nowhere { parent_readable: bool },
}
