//! What one cycle can know of each person (rules 1, 2 and 4), and in what order of evidence.

use std::collections::{BTreeMap, BTreeSet};

use seatsync::model::LeaveCause;

use super::company::{Company, Fault, Place, REMOVE_AFTER, Time, Who};
use super::reference::Reference;
use super::seats::Account;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// In scope, enabled, and the entry can be used.
    Here,
    Left(LeaveCause),
    /// The entry cannot be used.
    Spoiled,
    /// Not there, and not yet proven to be gone.
    Missing,
}

/// What a cycle knows. Of somebody who is not listed it knows nothing new.
#[derive(Clone, Debug, Default)]
pub struct Sights {
    pub of: BTreeMap<Who, Sight>,
    /// Directories that were not read whole: nothing but updates follows for their people.
    pub frozen: BTreeSet<usize>,
    /// Those among them of which nothing at all was read.
    pub unread: BTreeSet<usize>,
    /// People whose entry was shown, by whatever read.
    pub shown: BTreeSet<Who>,
    /// Those among them who are in scope, enabled, and whose entry can be used: attributes follow from any read.
    pub updated: BTreeSet<Who>,
    /// Nobody is there by that anchor, though the parent can be read, or a tombstone.
    pub missed: BTreeSet<Who>,
    /// Looked up by anchor.
    pub sought: BTreeSet<Who>,
}

/// Reads every directory.
pub fn look(company: &Company, faults: &[Fault], known: &Reference, now: Time) -> Sights {
    let mut sights = Sights::default();
    for (directory, &fault) in faults.iter().enumerate().take(company.directories) {
        let people = || (0..company.people.len()).filter(|who| company.directory_of(*who) == directory);
        let shown =
            |who: &Who| matches!(company.people[*who].place, Place::Enabled | Place::Disabled) && fault.reaches(*who);
        sights.shown.extend(people().filter(shown));
        sights.updated.extend(people().filter(shown).filter(|who| entry(company, known, *who) == Some(Sight::Here)));
        let sought: Vec<Who> = people().filter(|who| !shown(who) && is_sought(known, *who, now)).collect();
        let overlooked = |who: &Who| company.people[*who].place == Place::Enabled;
        let partial = match fault {
            Fault::Fails | Fault::Partial(_) => true,
            Fault::LookupFails(_) => !sought.is_empty(),
            Fault::Loses(_) => sought.iter().any(overlooked),
            Fault::None | Fault::ParentGone => false,
        };
        if fault == Fault::Fails {
            sights.unread.insert(directory);
        }
        if partial {
            sights.frozen.insert(directory);
            continue;
        }
        let seen = people().filter(shown).filter_map(|who| Some((who, entry(company, known, who)?)));
        sights.of.extend(seen);
        let missed = |who: &Who| match company.people[*who].place {
            Place::Nowhere => fault != Fault::ParentGone,
            place => place == Place::Tombstone,
        };
        sights.missed.extend(sought.iter().copied().filter(missed));
        sights.sought.extend(&sought);
        sights.of.extend(sought.into_iter().map(|who| (who, absence(company, known, fault, who))));
    }
    sights
}

/// Whoever has an account and was not shown is looked up by anchor; of those who left, only who might be removed now.
fn is_sought(known: &Reference, who: Who, now: Time) -> bool {
    let may_leave = |account: &Account| account.suspended.is_none_or(|(_, at)| at + REMOVE_AFTER <= now);
    known.accounts.get(&who).is_some_and(may_leave)
}

/// What an entry says: evidence of leaving first, then whether it can be used.
fn entry(company: &Company, known: &Reference, who: Who) -> Option<Sight> {
    let person = &company.people[who];
    let leaves = |cause| known.accounts.contains_key(&who).then_some(Sight::Left(cause));
    match person.place {
        Place::Disabled => leaves(LeaveCause::Disabled),
        _ if company.wanted(who).is_empty() => leaves(LeaveCause::OutOfScope),
        _ if person.spoiled => Some(Sight::Spoiled),
        _ => Some(Sight::Here),
    }
}

/// What it means that somebody was not shown, once looked up.
fn absence(company: &Company, known: &Reference, fault: Fault, who: Who) -> Sight {
    match company.people[who].place {
        Place::Enabled => unreachable!("then the read is partial"),
        Place::Disabled => Sight::Left(LeaveCause::Disabled),
        Place::Outside => Sight::Left(LeaveCause::OutOfScope),
        Place::Tombstone => Sight::Left(LeaveCause::Deleted),
        Place::Nowhere if fault != Fault::ParentGone && known.missed.contains(&who) => Sight::Left(LeaveCause::Deleted),
        Place::Nowhere => Sight::Missing,
    }
}
