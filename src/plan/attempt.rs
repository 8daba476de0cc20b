//! One way a plan may come out: with certain kinds of change held back, conflicts left alone and the pools settled.

use std::collections::{BTreeMap, BTreeSet};

use super::departed::let_go;
use super::diff::{Action, Draft, Intent};
use super::seats::{Book, Seats, Settlement, settle};
use super::values::{self, Values};
use super::wants::{self, Standstill};
use super::world::World;
use crate::model::change::{GuardKind, HeldChange};
use crate::model::user::Quarantine;
use crate::model::{Account, Assignment, Name, PersonId};

/// One kind of change of one directory.
pub type Key = (Name, GuardKind);

/// A change that the guard counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guarded {
    pub held: HeldChange,
    pub kind: GuardKind,
    /// Whose seat is lost, where the account stays.
    pub pool: Option<Name>,
    pub confirmed: bool,
}

impl Guarded {
    /// Of this directory and kind.
    #[must_use]
    pub fn is_of(&self, directory: &Name, kind: GuardKind) -> bool {
        self.kind == kind && self.held.person.directory == *directory
    }
}

/// The intents that remain, and what becomes of the seats.
#[derive(Debug)]
pub struct Attempt<'a> {
    pub intents: Vec<Intent<'a>>,
    pub values: Values<'a>,
    pub conflicts: BTreeMap<PersonId, Quarantine>,
    pub book: Book,
    pub settlement: Settlement,
    /// Every counted change that would be applied.
    pub guarded: Vec<Guarded>,
}

impl<'a> Attempt<'a> {
    /// Tries with these kinds held back, what was confirmed excepted.
    #[must_use]
    pub fn new(world: &World<'a>, draft: &Draft<'a>, held: &BTreeSet<&Key>, confirmed: &BTreeSet<HeldChange>) -> Self {
        let mut intents: Vec<Intent<'a>> = draft.intents.iter().map(|intent| hold(intent, held, confirmed)).collect();
        let stays: BTreeSet<&PersonId> = draft
            .intents
            .iter()
            .zip(&intents)
            .filter_map(|(intent, kept)| (intent.action != kept.action).then_some(&intent.person))
            .collect();
        let_go(world, draft, &mut intents);
        let values = Values::of(&draft.others, &intents);
        let conflicts = values.conflicts(world, &intents, &stays);
        for intent in intents.iter_mut().filter(|intent| conflicts.contains_key(&intent.person)) {
            stand_still(intent);
        }
        let mut book = book(world, &intents);
        let mut settlement = settle(&book, world.settings.seats.promotion);
        // A seat that is not given up is one that nobody else gets in place of theirs: so look again.
        while keep_unreplaced(&mut intents, &settlement, held, confirmed) {
            book = self::book(world, &intents);
            settlement = settle(&book, world.settings.seats.promotion);
        }
        let guarded = guarded(&intents, &gains(&settlement), confirmed);
        Self { intents, values, conflicts, book, settlement, guarded }
    }
}

/// An intent without the kinds that are held back for its directory.
fn hold<'a>(intent: &Intent<'a>, held: &BTreeSet<&Key>, confirmed: &BTreeSet<HeldChange>) -> Intent<'a> {
    let mut kept = intent.clone();
    let stops = |kind, change: Option<HeldChange>| {
        let key = (intent.person.directory.clone(), kind);
        change.is_some_and(|change| held.contains(&key) && !confirmed.contains(&change))
    };
    if stops(GuardKind::Leaving, leaving(intent)) {
        kept.action = Action::Keep;
        kept.places = intent.account.map(|account| wants::kept(account, Standstill::PassedOver)).unwrap_or_default();
    }
    if stops(GuardKind::Renaming, renaming(intent)) {
        let current = intent.account.map(|account| &account.profile);
        let rest = kept.update.take().zip(current).map(|(update, current)| values::keep_names(update, current));
        kept.update = rest.filter(|rest| Some(rest) != current);
    }
    kept
}

/// Nothing of a person whose value another account has: seat and place are kept.
fn stand_still(intent: &mut Intent<'_>) {
    intent.action = Action::Keep;
    intent.update = None;
    intent.releases.clear();
    intent.losses.clear();
    intent.places = intent.account.map(|account| wants::kept(account, Standstill::PassedOver)).unwrap_or_default();
}

/// Where leaving is held back, nobody gives up a seat without getting another. Says whether that changed anything.
fn keep_unreplaced(
    intents: &mut [Intent<'_>],
    settlement: &Settlement,
    held: &BTreeSet<&Key>,
    confirmed: &BTreeSet<HeldChange>,
) -> bool {
    let gains = gains(settlement);
    let mut changed = false;
    for intent in intents {
        let key = (intent.person.directory.clone(), GuardKind::Leaving);
        if intent.losses.is_empty() || !held.contains(&key) || is_replaced(intent, &gains) {
            continue;
        }
        let before = intent.losses.len();
        let person = intent.person.clone();
        intent.losses.retain(|pool| confirmed.contains(&HeldChange::releasing(&person, pool)));
        changed |= intent.losses.len() != before;
    }
    changed
}

/// Seats granted by person.
fn gains(settlement: &Settlement) -> BTreeMap<PersonId, usize> {
    let mut gains = BTreeMap::new();
    for (person, _) in settlement.rounds.iter().flat_map(|round| &round.granted) {
        *gains.entry(person.clone()).or_insert(0) += 1;
    }
    gains
}

/// As many seats are granted as are lost.
fn is_replaced(intent: &Intent<'_>, gains: &BTreeMap<PersonId, usize>) -> bool {
    gains.get(&intent.person).copied().unwrap_or(0) >= intent.losses.len()
}

fn guarded(
    intents: &[Intent<'_>],
    gains: &BTreeMap<PersonId, usize>,
    confirmed: &BTreeSet<HeldChange>,
) -> Vec<Guarded> {
    let guarded = |held: HeldChange, kind, pool| Guarded { confirmed: confirmed.contains(&held), held, kind, pool };
    let mut all = Vec::new();
    for intent in intents {
        all.extend(leaving(intent).map(|change| guarded(change, GuardKind::Leaving, None)));
        all.extend(renaming(intent).map(|change| guarded(change, GuardKind::Renaming, None)));
        if !is_replaced(intent, gains) {
            let losses = intent.losses.iter();
            all.extend(losses.map(|pool| {
                guarded(HeldChange::releasing(&intent.person, pool), GuardKind::Leaving, Some(pool.clone()))
            }));
        }
    }
    all
}

/// Everything that the guard may count of an intent, whatever comes of it.
#[must_use]
pub fn counted(intent: &Intent<'_>) -> Vec<HeldChange> {
    let losses = intent.losses.iter().map(|pool| HeldChange::releasing(&intent.person, pool));
    leaving(intent).into_iter().chain(renaming(intent)).chain(losses).collect()
}

fn leaving(intent: &Intent<'_>) -> Option<HeldChange> {
    match intent.action {
        Action::Suspend { .. } => Some(HeldChange::suspending(&intent.person)),
        Action::Remove => Some(HeldChange::removing(&intent.person)),
        _ => None,
    }
}

/// Who left lets go of a name for somebody else, who is counted.
fn renaming(intent: &Intent<'_>) -> Option<HeldChange> {
    intent.profile?;
    let (account, update) = intent.account.zip(intent.update.as_ref())?;
    values::renames(&account.profile, update).then(|| HeldChange::renaming(&intent.person, update))
}

/// The pools after what is freed for certain, and everyone in the queues.
fn book(world: &World<'_>, intents: &[Intent<'_>]) -> Book {
    let mut pools: BTreeMap<Name, Seats> =
        world.pools.values().map(|pool| (pool.name.clone(), counts(pool.seats, pool.held))).collect();
    for pool in &world.settings.pools {
        if let Some(seats) = pool.seats {
            pools.entry(pool.name.clone()).or_default().seats = seats;
        }
    }
    for (account, pool) in intents.iter().flat_map(|intent| freed(world, intent)) {
        if let Some(seats) = pools.get_mut(pool).filter(|_| account.seat(pool).is_some_and(Assignment::is_held)) {
            seats.held = seats.held.saturating_sub(1);
        }
    }
    let queue = intents.iter().flat_map(|intent| &intent.places).map(|place| place.queued.clone()).collect();
    Book { pools, queue }
}

const fn counts(seats: u32, held: u32) -> Seats {
    Seats { seats, held }
}

/// Seats that an intent gives up, whoever is granted what.
fn freed<'a>(world: &World<'_>, intent: &'a Intent<'_>) -> Vec<(&'a Account, &'a Name)> {
    let Some(account) = intent.account else { return Vec::new() };
    let keeps = world.settings.leavers.suspended_keeps_seat;
    let everything = match intent.action {
        Action::Suspend { .. } => !keeps,
        Action::Remove => true,
        _ => false,
    };
    if everything {
        return account.seats.iter().map(|seat| (account, &seat.pool)).collect();
    }
    intent.releases.iter().chain(&intent.losses).map(|pool| (account, pool)).collect()
}
