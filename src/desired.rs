//! Who should have what: a snapshot, the scope and the rules make a wish for every person. Pure.

mod rules;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use xxhash_rust::xxh3::xxh3_64;

pub use rules::{Rules, Scope};

use crate::model::settings::{DirectorySettings, Settings};
use crate::model::snapshot::{FormerNames, Snapshot, Whereabouts};
use crate::model::text::some_of;
use crate::model::user::{Defect, LeaveCause, Quarantine, Sighting, Standing};
use crate::model::{Account, Anchor, Name, PersonId, Profile, folded};

/// A seat somebody should have, by the pool's place in the config.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    pub pool: usize,
    pub rank: u32,
    /// The pool to take instead where this one has no seat, and the rank there.
    pub fallback: Option<(usize, u32)>,
}

/// What should become of one person.
#[derive(Clone, Debug)]
pub enum Wish<'a> {
    /// In scope, enabled and valid.
    Seats { sighting: &'a Sighting, created: Timestamp, asks: Vec<Ask> },
    /// In scope, but the entry cannot be used: keeps seat and place, gets nothing.
    /// `shows`: what the entry says all the same, and nobody else may take meanwhile.
    Quarantined { quarantine: Quarantine, shows: &'a Profile },
    /// Evidence that the person left, and the entry, where it can be used: a value that it let go is free for others.
    Leaves { cause: LeaveCause, sighting: Option<&'a Sighting> },
    /// Not seen, and not yet proven to be gone: keeps everything.
    Unproven,
}

/// One directory of this cycle, as far as it could be read.
#[derive(Debug)]
pub struct Reading<'a> {
    pub settings: &'a DirectorySettings,
    pub snapshot: &'a Snapshot,
    /// Where those are who have an account and were not seen.
    pub located: &'a BTreeMap<Anchor, Whereabouts>,
    /// What the mirror knew before this cycle.
    pub known: &'a dyn Known,
    /// The names by which groups list people who are elsewhere now.
    pub former: &'a FormerNames,
}

/// What earlier cycles knew of people.
pub trait Known: std::fmt::Debug + Sync {
    /// When the person was first seen, for entries that do not tell when they were created.
    fn first_seen(&self, anchor: &Anchor) -> Option<Timestamp>;
    /// An earlier read found nobody by this anchor, though the parent could be read.
    fn missed_before(&self, anchor: &Anchor) -> bool;
    /// Groups listed the person by a user id that the entry does not show any more.
    fn is_unplaced(&self, anchor: &Anchor) -> bool;
}

/// The wishes of all directories, in the order of (directory, anchor).
#[derive(Debug, Default)]
pub struct Desired<'a> {
    pub wishes: Vec<(PersonId, Wish<'a>)>,
    /// Directories that were not read whole: only updates follow for their people.
    pub frozen: BTreeSet<Name>,
}

impl<'a> Desired<'a> {
    /// What should become of one person.
    #[must_use]
    pub fn wish_of(&self, person: &PersonId) -> Option<&Wish<'a>> {
        let found = self.wishes.binary_search_by(|(known, _)| known.cmp(person)).ok()?;
        Some(&self.wishes[found].1)
    }
}

/// Makes the wishes. `accounts` are the managed ones, in the order of their owners.
#[must_use]
pub fn desire<'a>(
    settings: &Settings,
    readings: &[Reading<'a>],
    unread: &BTreeSet<Name>,
    accounts: &[Account],
    now: Timestamp,
) -> Desired<'a> {
    let mut desired = Desired { wishes: Vec::new(), frozen: unread.clone() };
    for reading in readings {
        if reading.snapshot.partial.is_some() {
            desired.frozen.insert(reading.snapshot.directory.clone());
        }
        let owned = accounts_of(accounts, &reading.snapshot.directory);
        wishes_of(settings, reading, owned, now, &mut desired.wishes);
    }
    desired.wishes.sort_by(|a, b| a.0.cmp(&b.0));
    quarantine_duplicates(&mut desired.wishes, accounts);
    desired
}

/// The part of the accounts that one directory's people own. Sorted by owner, so unmanaged ones come first.
#[must_use]
pub fn accounts_of<'a>(accounts: &'a [Account], directory: &Name) -> &'a [Account] {
    let before = |account: &Account, past: bool| {
        account.owner.as_ref().is_none_or(|o| o.directory < *directory || (past && o.directory == *directory))
    };
    let start = accounts.partition_point(|account| before(account, false));
    let end = accounts.partition_point(|account| before(account, true));
    &accounts[start..end]
}

fn wishes_of<'a>(
    settings: &Settings,
    reading: &Reading<'a>,
    owned: &[Account],
    now: Timestamp,
    wishes: &mut Vec<(PersonId, Wish<'a>)>,
) {
    let directory = &reading.snapshot.directory;
    let rules = Rules::new(settings, reading.settings, &reading.snapshot.members, reading.former);
    let mut people: Vec<&Sighting> = reading.snapshot.people.iter().collect();
    people.sort_by_key(|sighting| sighting.anchor);
    // Both come in the order of their anchors, so one walk over both suffices.
    let mut owners = owned.iter().filter_map(|account| account.owner.as_ref()).peekable();
    let absent = |owner: &PersonId| absence(reading, &owner.anchor).map(|wish| (owner.clone(), wish));
    for sighting in people {
        while let Some(owner) = owners.next_if(|owner| owner.anchor < sighting.anchor) {
            wishes.extend(absent(owner));
        }
        let has_account = owners.next_if(|owner| owner.anchor == sighting.anchor).is_some();
        let wish = rules.wish(sighting, has_account, reading.known, now);
        wishes.extend(wish.map(|wish| (PersonId::new(directory.clone(), sighting.anchor), wish)));
    }
    wishes.extend(owners.filter_map(absent));
}

/// What the absence of somebody with an account means.
///
/// | looked up by anchor | means |
/// |---|---|
/// | disabled or expired | left |
/// | outside base or filter | out of scope |
/// | a tombstone | deleted |
/// | nothing, parent readable, and so once before | deleted |
/// | nothing, for the first time, or parent unreadable | nothing yet |
/// | in scope after all | the read was partial; nothing |
/// | not looked up: suspended already | nothing |
fn absence<'a>(reading: &Reading<'a>, anchor: &Anchor) -> Option<Wish<'a>> {
    let gone = Wish::Leaves { cause: LeaveCause::Deleted, sighting: None };
    let leaves = |cause, sighting: &'a Sighting| Wish::Leaves { cause, sighting: usable(sighting, reading.known) };
    Some(match reading.located.get(anchor)? {
        Whereabouts::Left(sighting) => {
            leaves(standing_cause(sighting.standing).unwrap_or(LeaveCause::Disabled), sighting)
        }
        Whereabouts::OutOfScope(sighting) => leaves(LeaveCause::OutOfScope, sighting),
        Whereabouts::Tombstone => gone,
        Whereabouts::Nowhere { parent_readable: true } if reading.known.missed_before(anchor) => gone,
        Whereabouts::Nowhere { .. } | Whereabouts::Overlooked(_) => Wish::Unproven,
    })
}

/// An entry whose values count though the person left.
fn usable<'s>(sighting: &'s Sighting, known: &dyn Known) -> Option<&'s Sighting> {
    let is_named = !sighting.profile.user_name.is_empty() && !sighting.profile.email.is_empty();
    (is_named && sighting.quarantine.is_none() && !known.is_unplaced(&sighting.anchor)).then_some(sighting)
}

const fn standing_cause(standing: Standing) -> Option<LeaveCause> {
    match standing {
        Standing::Enabled => None,
        Standing::Disabled => Some(LeaveCause::Disabled),
        Standing::Expired => Some(LeaveCause::Expired),
    }
}

/// Of people who share a mail address or user name, who has the account with it keeps it; the others are duplicates.
fn quarantine_duplicates(wishes: &mut [(PersonId, Wish<'_>)], accounts: &[Account]) {
    let mut verdicts: BTreeMap<usize, Quarantine> = BTreeMap::new();
    for (attribute, value) in VALUES {
        for sharers in shared(wishes, value) {
            let owns = |&&index: &&usize| {
                let Some(shown) = shown(&wishes[index].1) else { return false };
                let account = accounts.binary_search_by(|account| account.owner.as_ref().cmp(&Some(&wishes[index].0)));
                account.is_ok_and(|at| folded(value(&accounts[at].profile)) == folded(value(shown)))
            };
            let keeper = sharers.iter().find(owns).copied();
            for &index in sharers.iter().filter(|&&index| Some(index) != keeper) {
                let quarantine = duplicate(attribute, value, wishes, &sharers, index);
                verdicts.entry(index).or_insert(quarantine);
            }
        }
    }
    for (index, quarantine) in verdicts {
        if let Wish::Seats { sighting, .. } = wishes[index].1 {
            wishes[index].1 = Wish::Quarantined { quarantine, shows: &sighting.profile };
        }
    }
}

type Value = fn(&Profile) -> &str;

/// The values that must be unique, and what people call them.
const VALUES: [(&str, Value); 2] = [("email", |profile| &profile.email), ("user_name", |profile| &profile.user_name)];

/// What somebody in scope shows who does not leave.
fn shown<'a>(wish: &Wish<'a>) -> Option<&'a Profile> {
    match wish {
        Wish::Seats { sighting, .. } => Some(&sighting.profile),
        Wish::Quarantined { shows, .. } => Some(shows),
        Wish::Leaves { .. } | Wish::Unproven => None,
    }
}

/// Groups of two and more who show the same value, by index, in order. Who is quarantined for something else counts, too: that
/// may be over with the next cycle, and nobody gets the value meanwhile.
///
/// Hashes first: nearly everyone is alone with theirs, and a million strings need not be kept for that.
fn shared(wishes: &[(PersonId, Wish<'_>)], value: Value) -> Vec<Vec<usize>> {
    let folded = |index: usize| shown(&wishes[index].1).map(value).filter(|value| !value.is_empty()).map(folded);
    let hash = |index| folded(index).map(|value| (xxh3_64(value.as_bytes()), index));
    let mut hashes: Vec<(u64, usize)> = (0..wishes.len()).filter_map(hash).collect();
    hashes.sort_unstable();
    let mut by_value: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for alike in hashes.chunk_by(|a, b| a.0 == b.0).filter(|alike| alike.len() > 1) {
        for &(_, index) in alike {
            by_value.entry(folded(index)).or_default().push(index);
        }
    }
    by_value.into_values().filter(|group| group.len() > 1).collect()
}

fn duplicate(
    attribute: &str,
    value: Value,
    wishes: &[(PersonId, Wish<'_>)],
    sharers: &[usize],
    me: usize,
) -> Quarantine {
    let name = |index: &usize| match &wishes[*index] {
        (person, Wish::Seats { sighting, .. }) => format!("{} ({})", sighting.dn, person.anchor),
        (person, _) => person.anchor.to_string(),
    };
    let others = some_of(sharers.iter().filter(|&&index| index != me).map(name)).unwrap_or_default();
    let shown = shown(&wishes[me].1).map_or("", value);
    Quarantine {
        attribute: attribute.to_owned(),
        reason: Defect::Duplicate,
        message: format!("{attribute} \"{shown}\" is also that of {others}"),
    }
}
