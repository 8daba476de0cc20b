//! What is kept between cycles: of people, of directories, of accounts, and what other verbs ask of the agent.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::account::Account;
use super::anchor::{Anchor, Name, PersonId};
use super::change::{Batch, Confirmation, Decision, HeldChange};
use super::digest::Digest;
use super::dn::Dn;
use super::report::{Awaited, Failing, ReadMode, ReadingRow};
use super::snapshot::{Kind, ListedAs, Members, Nested, Pin, ScopeKey, Watermark};
use super::user::{LeaveCause, Quarantine, Standing, Unidentified};

/// What a cycle needs of somebody who was seen before: narrow, for there may be a million of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    pub anchor: Anchor,
    /// Of the `Facts` that are kept.
    pub digest: Digest,
    pub first_seen: Timestamp,
    /// None: in the last read that could tell.
    pub absence: Option<Absence>,
}

/// How somebody's entry looked when it was last taken in: narrower still, for a read tells by it who is as before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownEntry {
    pub anchor: Anchor,
    /// As in `Sighting`; None: not known.
    pub entry: Option<Digest>,
    /// A leaver, and not there when everything was read last.
    pub is_gone: bool,
}

/// What is known of somebody who is not in the snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absence {
    /// Nothing by that anchor though the parent can be read, said once, at this time: not yet a leaver (rule 2).
    Missing { since: Timestamp },
    /// A leaver, and why.
    Gone(LeaveCause),
}

/// All that is kept of a person, for comparing and for answering without the directory. Borrowed from a snapshot when
/// written, owned when read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Facts<'a> {
    pub dn: Cow<'a, str>,
    pub user_name: Cow<'a, str>,
    pub email: Cow<'a, str>,
    pub display_name: Option<Cow<'a, str>>,
    /// As in `Sighting`.
    pub entry: Digest,
    /// As in `Sighting::naming`.
    pub naming: Digest,
    /// None: the config names no groups.
    pub listing: Option<Listing>,
    pub judgement: Judgement<'a>,
}

/// By what groups list a person.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Listing {
    /// Of the DN, however it is spelt.
    pub place: Digest,
    /// Each `uid`, folded.
    pub uids: BTreeSet<String>,
    /// `primaryGroupID`.
    pub primary_group: Option<u32>,
}

impl Listing {
    /// Two DNs of one place have one; to be sure of the opposite, compare the DNs.
    #[must_use]
    pub fn place(dn: &Dn) -> Digest {
        Digest::of(dn.key())
    }
}

impl Facts<'_> {
    /// Changes whenever something changes that is kept.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(self)
    }
}

/// Lines of `Judgement::because` that `explain` says with the names of the config.
pub const IN_NO_GROUP: &str = "in none of the directory's groups";
pub const MATCHED_BY_NO_POOL: &str = "no pool matches";
pub const EXCLUDED: &str = "member of one of exclude_groups:";

/// What the entry and the rules say of a person.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Judgement<'a> {
    pub standing: Standing,
    /// As in `Sighting`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quarantine: Option<Cow<'a, Quarantine>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// When an expiry of the entry comes due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    pub in_scope: bool,
    /// Why in scope or not: base, filter, group chain; a line each.
    pub because: Vec<Cow<'a, str>>,
    /// Pools this person should have a seat of, in the order of the config.
    pub pools: Vec<WantedPool<'a>>,
    /// As in `Sighting`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logon: Option<Cow<'a, str>>,
    /// Groups list this person by user id.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_uid: bool,
    /// And by which, folded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<Cow<'a, str>>,
}

/// A pool a person should have a seat of, and why.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct WantedPool<'a> {
    pub pool: Name,
    /// As in `Assignment`.
    pub rank: u32,
    pub because: Vec<Cow<'a, str>>,
}

/// A person to be written: new, or with another digest than before.
#[derive(Clone, Debug)]
pub struct PersonRow<'a> {
    pub anchor: Anchor,
    /// Counts only where the person is new.
    pub first_seen: Timestamp,
    pub facts: Facts<'a>,
}

/// The last read of a directory, in numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadRecord {
    pub kind: Kind,
    pub server: String,
    pub read_at: Timestamp,
    pub mode: ReadMode,
    /// None: complete.
    pub problem: Option<String>,
    pub entries: u64,
    pub users: u64,
    pub quarantined: u64,
    pub foreign: u64,
    pub dangling: u64,
}

/// What one read changes in the mirror; stored whole or not at all.
#[derive(Clone, Debug)]
pub struct MirrorUpdate<'a> {
    pub read: ReadRecord,
    pub people: Vec<PersonRow<'a>>,
    /// Seen again after an absence, with nothing else to be written.
    pub seen_again: Vec<Anchor>,
    /// All there are now. None: those known before stay.
    pub unidentified: Option<&'a [Unidentified]>,
    /// Everyone in each group of the config. None, and of a group left out: who was known before stays.
    pub members: Option<&'a BTreeMap<ScopeKey, Members>>,
    /// All that hold from now on.
    pub pins: Vec<Pin>,
    /// All that were walked through, or are missed. None: those known before stay.
    pub nested: Option<&'a [Nested]>,
    /// Names that groups list though somebody has another one now, and who. None: those known before stay.
    pub former: Option<Vec<(Anchor, &'a ListedAs)>>,
    /// What only a complete read can tell.
    pub whole: Option<Whole>,
}

/// What follows from a complete read alone (rules 1 to 3).
#[derive(Clone, Debug, Default)]
pub struct Whole {
    pub watermark: Option<Watermark>,
    /// Replaces what was known of their absence.
    pub absent: Vec<(Anchor, Absence)>,
    /// Known, and not there: in which groups they are nobody read.
    pub unseen: Vec<Anchor>,
    /// People nothing needs to be known of any more.
    pub forgotten: Vec<Anchor>,
}

/// A directory as it was last read, or not reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryStatus {
    pub name: Name,
    /// None: never read.
    pub read: Option<ReadRecord>,
    /// Of the last complete read.
    pub watermark: Option<Watermark>,
    /// Why the last try reached no server, and when that was.
    pub unreachable: Option<(String, Timestamp)>,
}

impl DirectoryStatus {
    /// Why the last read does not count as complete.
    #[must_use]
    pub fn unread(&self) -> Option<&str> {
        let unreachable = self.unreachable.as_ref().map(|(problem, _)| problem.as_str());
        unreachable.or_else(|| self.read.as_ref()?.problem.as_deref())
    }
}

/// What a cycle needs of a managed account as it was after the last one, to see what another hand did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// Of the `Profile`.
    pub profile: Digest,
    /// Pools of the seats held that the agent asked for.
    pub held: Arc<[Name]>,
    pub suspended: bool,
}

impl Remembered {
    /// Of an account as the backend shows it.
    #[must_use]
    pub fn of(account: &Account) -> Self {
        let held = account.seats.iter().filter(|seat| seat.is_given()).map(|seat| seat.pool.clone());
        Self { profile: account.profile.digest(), held: held.collect(), suspended: account.suspension.is_some() }
    }
}

/// A batch whose outcome is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenBatch {
    pub batch: Batch,
    /// It may have reached the backend: ask for the answer by its key. Else nothing of it happened.
    pub sent: bool,
}

/// What another verb asks of the agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// A cycle now.
    Sync {
        full: bool,
    },
    /// Let through exactly what was held back when this was asked.
    Confirm(Confirmation),
    Decide(Vec<Decision>),
    /// Make the account of one person that of another.
    Relink {
        old: PersonId,
        new: PersonId,
    },
}

/// Names a request until it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RequestId(pub i64);

/// The running agent's sign of life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    pub name: String,
    pub pid: u32,
    pub version: String,
    pub started: Timestamp,
    pub beat: Timestamp,
    pub next_cycle: Option<Timestamp>,
    /// As in `StatusReport`.
    #[serde(default)]
    pub reading: Vec<ReadingRow>,
    #[serde(default)]
    pub awaited: Option<Awaited>,
    #[serde(default)]
    pub failing: Option<Failing>,
    #[serde(default)]
    pub page_problem: Option<String>,
    #[serde(default)]
    pub config_problem: Option<String>,
}

/// What is held back now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    pub fingerprint: String,
    pub changes: BTreeSet<HeldChange>,
    /// As `sync` and `status` show it: JSON.
    pub report: String,
}

/// A cycle that came to its end.
#[derive(Clone, Debug, PartialEq)]
pub struct CycleRecord {
    pub number: u64,
    pub started: Timestamp,
    pub seconds: f64,
    pub outcome: String,
    /// As `sync` prints it: JSON.
    pub report: String,
}

/// A person, an account or both, as last known.
#[derive(Clone, Debug, PartialEq)]
pub struct LastKnown {
    /// None: an unmanaged account.
    pub directory: Option<Name>,
    /// None: an unmanaged account, or an entry that cannot be told from others.
    pub anchor: Option<Anchor>,
    /// The entry, where the mirror has it.
    pub facts: Option<Facts<'static>>,
    pub absence: Option<Absence>,
    pub account: Option<Account>,
    /// Another hand deleted the whole account.
    pub taken: Option<Taken>,
}

/// An account that another hand deleted: not made again until approved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// When a cycle saw it.
    pub at: Timestamp,
    pub approval: Option<Approval>,
}

/// What a person approved while there was no account to keep that: kept here until there is one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Approval {
    EveryPool,
    Pools(BTreeSet<Name>),
}

impl Approval {
    /// With what was approved before; `pool`: None of a word for every pool.
    #[must_use]
    pub fn and(before: Option<Self>, pool: Option<Name>) -> Self {
        match (before, pool) {
            (Some(Self::EveryPool), _) | (_, None) => Self::EveryPool,
            (before, Some(pool)) => {
                let mut pools = if let Some(Self::Pools(pools)) = before { pools } else { BTreeSet::new() };
                pools.insert(pool);
                Self::Pools(pools)
            }
        }
    }

    /// Whether it is for this pool.
    #[must_use]
    pub fn covers(&self, pool: &str) -> bool {
        match self {
            Self::EveryPool => true,
            Self::Pools(pools) => pools.contains(pool),
        }
    }
}

impl LastKnown {
    /// Who it is; None of an unmanaged account, and of an entry that cannot be told from others.
    #[must_use]
    pub fn person(&self) -> Option<PersonId> {
        Some(PersonId::new(self.directory.clone()?, self.anchor?))
    }

    /// Pools of which somebody would have a seat if another hand had not deleted the account, and since when. None of anybody
    /// who would get none all the same.
    #[must_use]
    pub fn bereft(&self) -> Option<(Timestamp, &[WantedPool<'static>])> {
        let since = self.taken.as_ref().filter(|_| self.account.is_none() && self.absence.is_none())?.at;
        let judgement = &self.facts.as_ref()?.judgement;
        let wanted = judgement.in_scope && judgement.standing == Standing::Enabled && judgement.quarantine.is_none();
        wanted.then_some((since, judgement.pools.as_slice()))
    }
}

/// A credential that a server refused (LDAP 49): not tried again until it changes, or some time has passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedBind {
    /// Of address, name and secret, so that it tells nothing of them.
    pub credentials: Digest,
    pub at: Timestamp,
    /// What it said then, and what to do; None where an earlier version noted it.
    pub said: Option<String>,
}
