//! The order in which a plan is carried out.
//!
//! | wave | what | why there |
//! |---|---|---|
//! | 1 | seat numbers, adoptions, whatever frees seats or values, renames, new and resumed accounts, claims | one transaction where the backend allocates: it ends by settling the pools |
//! | 2 | other updates | nobody waits for them |

use std::collections::BTreeSet;

use super::attempt::{Attempt, Guarded};
use super::diff::{Action, Intent};
use super::seats;
use super::values::{self, Rename};
use super::wants::Place;
use super::world::World;
use crate::model::change::{Allocation, Counted, GuardKind, Operation, Step};
use crate::model::{Name, PersonId};

/// All steps of an attempt, in waves; a wave without steps is left out.
#[must_use]
pub fn waves(world: &World<'_>, attempt: &Attempt<'_>) -> Vec<Vec<Step>> {
    let mut first = seat_numbers(world);
    first.extend(adoptions(attempt));
    first.extend(attempt.intents.iter().flat_map(|intent| frees(world, attempt, intent)));
    first.extend(renames(attempt));
    first.extend(attempt.intents.iter().filter_map(arrives));
    first.extend(claims(attempt));
    let second = attempt.intents.iter().filter_map(updates).collect();
    [first, second].into_iter().filter(|wave: &Vec<Step>| !wave.is_empty()).collect()
}

/// Who gets nothing now, and who may be promoted.
#[must_use]
pub fn allocation(world: &World<'_>, attempt: &Attempt<'_>) -> Allocation {
    let passed_over = attempt.book.queue.iter().filter(|queued| queued.passed_over).map(|queued| queued.person.clone());
    Allocation {
        promotion: world.settings.seats.promotion,
        passed_over: passed_over.collect(),
        frozen: world.desired.frozen.clone(),
    }
}

fn step(person: &PersonId, operation: Operation) -> Step {
    Step { person: Some(person.clone()), operation, counted: None }
}

fn seat_numbers(world: &World<'_>) -> Vec<Step> {
    let change = |pool: &crate::model::settings::PoolSettings| {
        let to = pool.seats?;
        let from = world.pools.get(&pool.name).map(|known| known.seats);
        let operation = Operation::SetSeats { pool: pool.name.clone(), from, to };
        (from != Some(to)).then_some(Step { person: None, operation, counted: None })
    };
    world.settings.pools.iter().filter_map(change).collect()
}

fn adoptions(attempt: &Attempt<'_>) -> Vec<Step> {
    let adoption = |intent: &Intent<'_>| match &intent.action {
        Action::Adopt { account } => Some(step(&intent.person, Operation::Adopt { account: account.clone() })),
        _ => None,
    };
    attempt.intents.iter().filter_map(adoption).collect()
}

/// Suspensions, removals, and seats and places given up.
fn frees(world: &World<'_>, attempt: &Attempt<'_>, intent: &Intent<'_>) -> Vec<Step> {
    let keep_seats = world.settings.leavers.suspended_keeps_seat;
    let whole = match intent.action {
        Action::Suspend { cause } => Some(Operation::Suspend { cause, keep_seats }),
        Action::StaySuspended { cause } => Some(Operation::Suspend { cause, keep_seats: true }),
        Action::Remove => Some(Operation::Remove),
        _ => None,
    };
    let whole = whole.map(|operation| {
        let counted = counted(attempt, &intent.person, GuardKind::Leaving, None);
        Step { person: Some(intent.person.clone()), operation, counted }
    });
    let release = |pool: &Name| Step {
        person: Some(intent.person.clone()),
        operation: Operation::Release { pool: pool.clone() },
        counted: counted(attempt, &intent.person, GuardKind::Leaving, Some(pool)),
    };
    whole.into_iter().chain(intent.releases.iter().chain(&intent.losses).map(release)).collect()
}

fn counted(attempt: &Attempt<'_>, person: &PersonId, kind: GuardKind, pool: Option<&Name>) -> Option<Counted> {
    let is_it = |g: &&Guarded| g.held.person == *person && g.kind == kind && g.pool.as_ref() == pool;
    // Guarded changes stand in the order of the people.
    let start = attempt.guarded.partition_point(|g| g.held.person < *person);
    let found = attempt.guarded[start..].iter().take_while(|g| g.held.person == *person).find(is_it);
    found.map(|g| Counted { kind, confirmed: g.confirmed })
}

fn renames(attempt: &Attempt<'_>) -> Vec<Step> {
    let rename = |Rename { person, current, desired }: Rename| Step {
        operation: Operation::Update { current, desired },
        counted: counted(attempt, &person, GuardKind::Renaming, None),
        person: Some(person),
    };
    attempt.values.renames(&attempt.intents).into_iter().map(rename).collect()
}

fn arrives(intent: &Intent<'_>) -> Option<Step> {
    let operation = match (&intent.action, intent.profile) {
        (Action::Create { created }, Some(profile)) => {
            Operation::Create { profile: profile.clone(), created: *created }
        }
        (Action::Resume, _) => Operation::Resume,
        _ => return None,
    };
    Some(step(&intent.person, operation))
}

/// Claims that say something new, or that are granted now; by pool, in seat order.
fn claims(attempt: &Attempt<'_>) -> Vec<Step> {
    let granted: BTreeSet<&(PersonId, Name)> = attempt.settlement.rounds.iter().flat_map(|r| &r.granted).collect();
    let mut places: Vec<&Place> = attempt.intents.iter().flat_map(|intent| &intent.places).collect();
    places.retain(|place| {
        let key = (place.queued.person.clone(), place.queued.pool.clone());
        !is_asleep(attempt, place) && (!place.stands || granted.contains(&key))
    });
    places.sort_by(|a, b| a.queued.pool.cmp(&b.queued.pool).then_with(|| seats::order(&a.queued, &b.queued)));
    places.into_iter().map(|place| step(&place.queued.person, Operation::Claim(place.claim()))).collect()
}

/// A fallback that nobody needed to ask for.
#[must_use]
pub fn is_asleep(attempt: &Attempt<'_>, place: &Place) -> bool {
    let key = (place.queued.person.clone(), place.queued.pool.clone());
    place.queued.fallback_for.is_some() && place.queued.joiner && !attempt.settlement.fell_back.contains(&key)
}

fn updates(intent: &Intent<'_>) -> Option<Step> {
    let (account, desired) = intent.account.zip(intent.update.clone())?;
    if values::renames(&account.profile, &desired) {
        return None;
    }
    Some(step(&intent.person, Operation::Update { current: account.profile.clone(), desired }))
}
