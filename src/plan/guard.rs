//! The check that a plan is safe: how many leave, how many change their name, and who let that through.
//!
//! Only this module makes a `Plan`, and only a `Plan` can be applied.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use super::attempt::{self, Attempt, Guarded, Key};
use super::diff::{Action, Draft, Intent, Problem};
use super::effects::{self, Change, Waiting};
use super::fingerprint::fingerprint;
use super::steps;
use super::world::World;
use crate::model::change::{Allocation, GuardKind, GuardMark, HeldChange, Step};
use crate::model::settings::GuardSettings;
use crate::model::user::Quarantine;
use crate::model::{Account, Name, PersonId, PoolCount, Profile};

/// A checked plan: what `apply` may do, and what people are told.
#[derive(Clone, Debug)]
pub struct Plan {
    waves: Vec<Vec<Step>>,
    allocation: Allocation,
    /// What it comes to, held changes included.
    pub changes: Vec<Change>,
    /// Everyone who will wait, by pool and place.
    pub waiting: Vec<Waiting>,
    /// The pools as they will be.
    pub pools: Vec<PoolCount>,
    pub held: Vec<Held>,
    pub held_changes: BTreeSet<HeldChange>,
    /// What was confirmed and is wanted no more: an old word must not let another accident through.
    pub moot: BTreeSet<HeldChange>,
    /// None where nothing is held back.
    pub fingerprint: Option<String>,
    pub problems: Vec<Problem>,
    /// People in scope who cannot be served, with the reason.
    pub quarantined: BTreeMap<PersonId, Quarantine>,
    /// People whose account another hand deleted.
    pub taken: Vec<PersonId>,
    /// Profiles as applied, of accounts that another hand changed and that are left so.
    pub drifted: Vec<(PersonId, Profile)>,
    /// More accounts or seats vanished from the backend at once than the guard lets pass: nothing may be recorded.
    pub backend_lost: Option<Lost>,
}

impl Plan {
    /// The steps, in waves: each is decided as a whole before the next.
    #[must_use]
    pub fn waves(&self) -> &[Vec<Step>] {
        &self.waves
    }

    /// How pools are settled at the end of each wave.
    #[must_use]
    pub fn allocation(&self) -> &Allocation {
        &self.allocation
    }

    /// Nothing to apply.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waves.iter().all(Vec::is_empty)
    }
}

/// A kind of change that is held back for a directory, with the numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    pub directory: Name,
    pub kind: GuardKind,
    /// People held back now.
    pub count: u32,
    /// People whose like was applied unconfirmed within the window.
    pub recent: u32,
    /// Of how many accounts.
    pub of: u32,
    /// How many would have passed.
    pub limit: u32,
}

/// What another hand took out of the backend at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    pub directory: Name,
    pub count: u32,
    pub limit: u32,
}

/// Guards a draft. Holding one kind back frees fewer seats, so that somebody else may come to lose one without getting
/// another: hence settle and count again until nothing more is held.
#[must_use]
pub fn check(world: &World<'_>, draft: Draft<'_>) -> Plan {
    let confirmed = confirmed(world);
    let mut held: BTreeMap<Key, (Held, Vec<Guarded>)> = BTreeMap::new();
    loop {
        let keys: BTreeSet<&Key> = held.keys().collect();
        let attempt = Attempt::new(world, &draft, &keys, &confirmed);
        let mut tallies = tally(world, &attempt);
        tallies.retain(|key, tally| !held.contains_key(key) && tally.is_over());
        if tallies.is_empty() {
            return finish(world, draft, &attempt, held, confirmed);
        }
        for ((directory, kind), tally) in tallies {
            let stopped = attempt.guarded.iter().filter(|change| change.is_of(&directory, kind) && !change.confirmed);
            let stopped = stopped.cloned().collect();
            held.insert((directory.clone(), kind), (tally.held(directory, kind), stopped));
        }
    }
}

/// Changes that a person let through, and whose time has not run out.
fn confirmed(world: &World<'_>) -> BTreeSet<HeldChange> {
    let live = world.confirmations.iter().filter(|confirmation| confirmation.expires > world.now);
    live.flat_map(|confirmation| confirmation.changes.iter().cloned()).collect()
}

/// Confirmed changes that a complete read wants no more: their cause was mended. A complete read finds, or does without,
/// every base and group, so that of these nothing is left to be let through.
fn moot(world: &World<'_>, intents: &[Intent<'_>], confirmed: BTreeSet<HeldChange>) -> BTreeSet<HeldChange> {
    if confirmed.is_empty() {
        return confirmed;
    }
    let wanted: BTreeSet<HeldChange> = intents.iter().flat_map(attempt::counted).collect();
    let was_read = |directory: &Name| {
        let configured = world.settings.directories.iter().any(|known| known.name == *directory);
        configured && !world.desired.frozen.contains(directory)
    };
    confirmed.into_iter().filter(|change| was_read(&change.person.directory) && !wanted.contains(change)).collect()
}

/// The numbers of one kind in one directory: people, each once.
#[derive(Debug, Default)]
struct Tally {
    now: BTreeSet<PersonId>,
    recent: BTreeSet<PersonId>,
    of: u32,
    limit: u32,
}

impl Tally {
    /// More than the limit, or everyone there is.
    fn is_over(&self) -> bool {
        let total = count(self.now.union(&self.recent).count());
        !self.now.is_empty() && (total > self.limit || total >= self.of)
    }

    fn held(&self, directory: Name, kind: GuardKind) -> Held {
        let (count, recent) = (count(self.now.len()), count(self.recent.difference(&self.now).count()));
        Held { directory, kind, count, recent, of: self.of, limit: self.limit }
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Counts the unconfirmed changes of this plan together with those applied unconfirmed within the window.
fn tally(world: &World<'_>, attempt: &Attempt<'_>) -> BTreeMap<Key, Tally> {
    let mut tallies: BTreeMap<Key, Tally> = BTreeMap::new();
    for change in attempt.guarded.iter().filter(|change| !change.confirmed) {
        let person = &change.held.person;
        tallies.entry((person.directory.clone(), change.kind)).or_default().now.insert(person.clone());
    }
    let mut left: BTreeMap<&Name, BTreeSet<&PersonId>> = BTreeMap::new();
    let joining = joining(attempt);
    let is_back =
        |mark: &GuardMark| came_back(world, mark) || mark.kind == GuardKind::Leaving && joining.contains(&mark.person);
    for mark in world.marks.iter().filter(|mark| in_window(world, mark) && !is_back(mark)) {
        if mark.kind == GuardKind::Leaving {
            left.entry(&mark.person.directory).or_default().insert(&mark.person);
        }
        if let Some(tally) = tallies.get_mut(&(mark.person.directory.clone(), mark.kind)).filter(|_| !mark.confirmed) {
            tally.recent.insert(mark.person.clone());
        }
    }
    for ((directory, _), tally) in &mut tallies {
        let managed = world.managed.get(directory).copied().unwrap_or(0);
        let gone =
            left.get(directory).map_or(0, |people| count(people.iter().filter(|p| !is_active(world, p)).count()));
        tally.of = managed + count(joining.iter().filter(|person| person.directory == *directory).count()) + gone;
        tally.limit = limit(&world.settings.guard, tally.of);
    }
    tallies
}

/// How many of so many people may leave, or be renamed, unconfirmed.
#[must_use]
pub fn limit(guard: &GuardSettings, of: u32) -> u32 {
    let share = u64::from(of) * u64::from(guard.percent) / 100;
    guard.floor.max(u32::try_from(share).unwrap_or(u32::MAX))
}

/// Who joins or comes back in this plan.
fn joining<'a>(attempt: &'a Attempt<'_>) -> BTreeSet<&'a PersonId> {
    let joins = |intent: &&Intent<'_>| matches!(intent.action, Action::Create { .. } | Action::Resume);
    attempt.intents.iter().filter(joins).map(|intent| &intent.person).collect()
}

fn in_window(world: &World<'_>, mark: &GuardMark) -> bool {
    mark.at.checked_add(world.settings.guard.window).is_ok_and(|end| end > world.now)
}

fn account<'a>(world: &World<'a>, person: &PersonId) -> Option<&'a Account> {
    let found = world.accounts.binary_search_by(|account| account.owner.as_ref().cmp(&Some(person)));
    found.ok().map(|index| &world.accounts[index])
}

fn is_active(world: &World<'_>, person: &PersonId) -> bool {
    account(world, person).is_some_and(|account| account.suspension.is_none())
}

/// Who left and is back: not suspended, and where only a seat was lost, holding or awaiting one there again.
fn came_back(world: &World<'_>, mark: &GuardMark) -> bool {
    if mark.kind == GuardKind::Renaming {
        return false;
    }
    let back = |account: &Account| match &mark.pool {
        None => true,
        Some(pool) => account.seat(pool).is_some_and(|seat| seat.is_held() || seat.is_waiting()),
    };
    account(world, &mark.person).is_some_and(|account| account.suspension.is_none() && back(account))
}

/// More accounts or seats gone from the backend than the guard lets leave. Of accounts all count that were there last,
/// whatever is wished for their owners: a backend that was lost says nothing of a directory that cannot be read.
fn backend_lost(world: &World<'_>, vanished: &BTreeSet<PersonId>) -> Option<Lost> {
    let mut by_directory: BTreeMap<&Name, (u32, u32)> = BTreeMap::new();
    let gone: BTreeSet<&PersonId> = accounts_gone(world).chain(vanished).collect();
    for person in gone {
        let (all, accounts) = by_directory.entry(&person.directory).or_default();
        *all += 1;
        *accounts += u32::from(account(world, person).is_none());
    }
    by_directory.into_iter().find_map(|(directory, (count, accounts))| {
        let limit = limit(&world.settings.guard, world.managed.get(directory).copied().unwrap_or(0) + accounts);
        (count > limit).then(|| Lost { directory: directory.clone(), count, limit })
    })
}

/// People whose account was there last, not suspended, and is there no more. Both come in one order.
fn accounts_gone<'a>(world: &World<'a>) -> impl Iterator<Item = &'a PersonId> {
    let mut owners = world.accounts.iter().filter_map(|account| account.owner.as_ref()).peekable();
    world.remembered.active().filter(move |person| {
        while let Some(owner) = owners.peek() {
            match (*owner).cmp(person) {
                Ordering::Less => drop(owners.next()),
                Ordering::Equal => return false,
                Ordering::Greater => return true,
            }
        }
        true
    })
}

fn finish(
    world: &World<'_>,
    draft: Draft<'_>,
    attempt: &Attempt<'_>,
    held: BTreeMap<Key, (Held, Vec<Guarded>)>,
    confirmed: BTreeSet<HeldChange>,
) -> Plan {
    let Draft { mut problems, mut quarantined, taken, vanished, intents, drifted, .. } = draft;
    for (person, quarantine) in &attempt.conflicts {
        let message = quarantine.message.clone();
        problems.push(Problem { person: Some(person.clone()), pool: None, code: "conflict", message });
        quarantined.insert(person.clone(), quarantine.clone());
    }
    problems.sort();
    let (held, stopped): (Vec<Held>, Vec<Vec<Guarded>>) = held.into_values().unzip();
    let held_changes: BTreeSet<HeldChange> = stopped.iter().flatten().map(|change| change.held.clone()).collect();
    let mut changes = effects::forecast(world, attempt);
    changes.extend(stopped.iter().flatten().filter_map(|change| effects::stopped(change, &intents)));
    changes.sort();
    Plan {
        waves: steps::waves(world, attempt),
        allocation: steps::allocation(world, attempt),
        changes,
        waiting: effects::waiting(attempt),
        pools: effects::pools(attempt),
        fingerprint: fingerprint(&held_changes),
        held,
        held_changes,
        moot: moot(world, &intents, confirmed),
        problems,
        quarantined,
        taken,
        drifted,
        backend_lost: backend_lost(world, &vanished),
    }
}
