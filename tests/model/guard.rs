//! The guard by rule 16: which changes are counted, and how many are too many.

use std::collections::{BTreeMap, BTreeSet};

use super::company::{Company, DAY, Pool, Time, Who};
use super::seats::{Account, Accounts, State};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Leaving,
    Renaming,
}

/// A change that the guard counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    Suspend(Who),
    Remove(Who),
    /// Of a seat, without getting another in its place.
    Lose(Who, Pool),
    /// To this mail address.
    Rename(Who, (u8, bool)),
}

impl Change {
    pub const fn who(self) -> Who {
        match self {
            Self::Suspend(who) | Self::Remove(who) | Self::Lose(who, _) | Self::Rename(who, _) => who,
        }
    }

    pub const fn kind(self) -> Kind {
        if let Self::Rename(..) = self { Kind::Renaming } else { Kind::Leaving }
    }
}

/// A counted change that was applied.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    pub change: Change,
    pub confirmed: bool,
    pub at: Time,
}

/// What is held back for one directory, and by which numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    pub changes: BTreeSet<Change>,
    pub recent: usize,
    pub of: usize,
    pub limit: usize,
}

/// All that is held back, by directory and kind.
pub type HeldBack = BTreeMap<(usize, Kind), Held>;

/// What the guard counts of the way from one state of the accounts to another.
pub fn changes(before: &Accounts, after: &Accounts) -> BTreeSet<Change> {
    let mut changes = BTreeSet::new();
    for (&who, was) in before {
        let Some(is) = after.get(&who) else {
            changes.insert(Change::Remove(who));
            continue;
        };
        if was.suspended.is_none() && is.suspended.is_some() {
            changes.insert(Change::Suspend(who));
            continue;
        }
        if was.address != is.address {
            changes.insert(Change::Rename(who, is.address));
        }
        let held_only = |a: &Account, b: &Account| -> Vec<Pool> {
            a.seats.keys().copied().filter(|pool| a.is(*pool, State::Held) && !b.is(*pool, State::Held)).collect()
        };
        let (lost, gained) = (held_only(was, is), held_only(is, was));
        if lost.len() > gained.len() {
            changes.extend(lost.into_iter().map(|pool| Change::Lose(who, pool)));
        }
    }
    changes
}

/// The directory's count of one kind, where it is too high: unconfirmed changes of this plan, and those of the last day,
/// less people who came back; each person once.
pub fn too_many(
    company: &Company,
    (before, after): (&Accounts, &Accounts),
    marks: &[Mark],
    unconfirmed: &BTreeSet<Change>,
    (directory, kind): (usize, Kind),
    now: Time,
) -> Option<Held> {
    let here = |who: Who| company.directory_of(who) == directory;
    let applied = |kind: Kind, confirmed_too: bool| -> BTreeSet<Who> {
        let counts = |mark: &&Mark| mark.change.kind() == kind && now - mark.at < DAY;
        let counted = marks.iter().filter(counts).filter(|mark| confirmed_too || !mark.confirmed);
        let gone = counted.map(|mark| mark.change).filter(|change| !came_back((before, after), *change));
        gone.map(Change::who).filter(|who| here(*who)).collect()
    };
    let changes: BTreeSet<Change> =
        unconfirmed.iter().copied().filter(|change| change.kind() == kind && here(change.who())).collect();
    let planned: BTreeSet<Who> = changes.iter().map(|change| change.who()).collect();
    let recent: BTreeSet<Who> = applied(kind, false).difference(&planned).copied().collect();
    let active = |accounts: &Accounts, who: Who| accounts.get(&who).is_some_and(|account| account.suspended.is_none());
    let mut all: BTreeSet<Who> = (0..company.people.len()).filter(|who| here(*who)).collect();
    all.retain(|who| active(before, *who) || active(after, *who) || applied(Kind::Leaving, true).contains(who));
    let (count, of) = (planned.len() + recent.len(), all.len());
    let limit = company.floor.max(company.percent * of / 100);
    let refused = !planned.is_empty() && (count > limit || count >= of);
    refused.then_some(Held { changes, recent: recent.len(), of, limit })
}

/// Is active again, or comes back in this plan; of a seat: asks for it again.
fn came_back((before, after): (&Accounts, &Accounts), change: Change) -> bool {
    let account =
        |accounts: &'_ Accounts| accounts.get(&change.who()).filter(|account| account.suspended.is_none()).cloned();
    let asks = |pool| account(before).is_none_or(|was| was.is(pool, State::Held) || was.is(pool, State::Waiting));
    match change {
        Change::Suspend(_) | Change::Remove(_) => account(before).or(account(after)).is_some(),
        Change::Lose(_, pool) => account(after).is_some() && asks(pool),
        Change::Rename(..) => false,
    }
}
