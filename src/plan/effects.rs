//! What a plan comes to, in the words people use: the difference between accounts before and after.
//!
//! The same comparison tells what was planned and what the backend's answer made of it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::attempt::{Attempt, Guarded};
use super::diff::{Action, Intent};
use super::seats::positions;
use super::steps::is_asleep;
use super::world::World;
use crate::model::{
    Account, AccountId, Assignment, LeaveCause, Name, PersonId, PoolCount, Profile, SeatState, Suspension, WaitReason,
};

/// One thing that happens to one person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    Provision,
    Wait,
    Promote,
    Move,
    Release,
    Grant,
    Update,
    Suspend,
    Resume,
    Remove,
    Adopt,
}

/// A verb with what it is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Effect {
    pub verb: Verb,
    pub pool: Option<Name>,
    pub from_pool: Option<Name>,
    pub reason: Option<WaitReason>,
    /// Why somebody leaves.
    pub cause: Option<LeaveCause>,
    /// Field, old value, new value.
    pub fields: BTreeMap<String, (String, String)>,
}

/// An effect on a person, as a plan shows it. Sorted by directory, anchor, verb and pool.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    pub person: PersonId,
    pub effect: Effect,
    pub user_name: String,
    pub email: String,
    pub position: Option<u32>,
    pub held: bool,
}

/// Somebody in a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub person: PersonId,
    pub user_name: String,
    pub email: String,
    pub pool: Name,
    pub position: u32,
    pub reason: WaitReason,
    pub since: jiff::Timestamp,
    pub approved: bool,
    pub passed_over: bool,
}

impl Effect {
    fn new(verb: Verb) -> Self {
        Self { verb, pool: None, from_pool: None, reason: None, cause: None, fields: BTreeMap::new() }
    }

    fn of_pool(verb: Verb, pool: &Name) -> Self {
        Self { pool: Some(pool.clone()), ..Self::new(verb) }
    }
}

/// What happened between two looks at one account.
///
/// | seats | before | after | verb |
/// |---|---|---|---|
/// | one more | no account | held | provision |
/// | one more | waiting | held | promote |
/// | one more, one less | held elsewhere | held | move |
/// | one more | anything else | held | grant |
/// | one less | held | not held | release |
/// | place | not in the queue | waiting | wait |
#[must_use]
pub fn compare(before: Option<&Account>, after: Option<&Account>) -> Vec<Effect> {
    match (before, after) {
        (None, None) => Vec::new(),
        (Some(_), None) => vec![Effect::new(Verb::Remove)],
        (None, Some(after)) => {
            let held = after.seats.iter().filter(|seat| seat.is_held());
            let mut effects: Vec<Effect> = held.map(|seat| Effect::of_pool(Verb::Provision, &seat.pool)).collect();
            effects.extend(begins_to_wait(None, after));
            effects
        }
        (Some(before), Some(after)) if !before.is_managed() && after.is_managed() => vec![Effect::new(Verb::Adopt)],
        (Some(before), Some(after)) => between(before, after),
    }
}

fn between(before: &Account, after: &Account) -> Vec<Effect> {
    let mut effects = Vec::new();
    let fields = changed_fields(&before.profile, &after.profile);
    if !fields.is_empty() {
        effects.push(Effect { fields, ..Effect::new(Verb::Update) });
    }
    match (&before.suspension, &after.suspension) {
        (None, Some(suspension)) => {
            effects.push(Effect { cause: suspension.cause, ..Effect::new(Verb::Suspend) });
            return effects;
        }
        (Some(_), None) => effects.push(Effect::new(Verb::Resume)),
        _ => {}
    }
    effects.extend(seats_between(before, after));
    effects.extend(begins_to_wait(Some(before), after));
    effects.extend(after.seats.iter().filter_map(|seat| place_changed(before.seat(&seat.pool)?, seat)));
    effects
}

fn seats_between(before: &Account, after: &Account) -> Vec<Effect> {
    let held = |account: &Account, pool: &str| account.seat(pool).is_some_and(Assignment::is_held);
    let only = |a: &Account, b: &Account| {
        let seats = a.seats.iter().filter(|seat| seat.is_held() && !held(b, &seat.pool));
        seats.map(|seat| seat.pool.clone()).collect::<Vec<Name>>()
    };
    let mut lost = only(before, after).into_iter();
    let mut effects = Vec::new();
    for pool in only(after, before) {
        let from_pool = lost.next();
        let waited = before.seat(&pool).is_some_and(Assignment::is_waiting);
        let verb = match &from_pool {
            _ if waited => Verb::Promote,
            Some(_) => Verb::Move,
            None => Verb::Grant,
        };
        effects.push(Effect { from_pool, ..Effect::of_pool(verb, &pool) });
    }
    effects.extend(lost.map(|pool| Effect::of_pool(Verb::Release, &pool)));
    effects
}

fn begins_to_wait(before: Option<&Account>, after: &Account) -> Vec<Effect> {
    let begins = |seat: &&Assignment| {
        let waited = before.and_then(|before| before.seat(&seat.pool)).is_some_and(Assignment::is_waiting);
        after.suspension.is_none() && !waited
    };
    let wait = |seat: &Assignment| match seat.state {
        SeatState::Waiting(reason) => Some(Effect { reason: Some(reason), ..Effect::of_pool(Verb::Wait, &seat.pool) }),
        _ => None,
    };
    after.seats.iter().filter(begins).filter_map(wait).collect()
}

/// A place that is kept and changed its rank or reason, or that was given up.
fn place_changed(before: &Assignment, after: &Assignment) -> Option<Effect> {
    let SeatState::Waiting(old) = before.state else { return None };
    let SeatState::Waiting(new) = after.state else {
        let left = matches!(after.state, SeatState::Past(_));
        let fields = BTreeMap::from([("place".to_owned(), ("waiting".to_owned(), String::new()))]);
        return left.then(|| Effect { fields, ..Effect::of_pool(Verb::Update, &after.pool) });
    };
    let mut fields = BTreeMap::new();
    if before.rank != after.rank {
        fields.insert("rank".to_owned(), (before.rank.to_string(), after.rank.to_string()));
    }
    if old != new {
        fields.insert("reason".to_owned(), (old.as_str().to_owned(), new.as_str().to_owned()));
    }
    (!fields.is_empty()).then(|| Effect { fields, ..Effect::of_pool(Verb::Update, &after.pool) })
}

/// The fields in which two profiles differ, with both values.
#[must_use]
pub fn changed_fields(before: &Profile, after: &Profile) -> BTreeMap<String, (String, String)> {
    let optional = |value: &Option<String>| value.clone().unwrap_or_default();
    let values = |profile: &Profile| {
        [
            profile.user_name.clone(),
            profile.email.clone(),
            optional(&profile.given_name),
            optional(&profile.family_name),
            optional(&profile.display_name),
        ]
    };
    let names = ["user_name", "email", "given_name", "family_name", "display_name"];
    let pairs = names.into_iter().zip(values(before).into_iter().zip(values(after)));
    pairs.filter(|(_, (old, new))| old != new).map(|(name, both)| (name.to_owned(), both)).collect()
}

/// What an attempt would come to.
#[must_use]
pub fn forecast(world: &World<'_>, attempt: &Attempt<'_>) -> Vec<Change> {
    let queue = queue_after(attempt);
    let places = positions(&queue);
    let settled = Settled::of(attempt);
    let mut changes = Vec::new();
    for intent in &attempt.intents {
        let after = after(world, attempt, &settled, intent);
        for effect in compare(intent.account, after.as_ref()) {
            let place = effect.pool.as_ref().and_then(|pool| places.get(&(&intent.person, pool)).copied());
            let position = place.filter(|_| effect.verb == Verb::Wait);
            changes.push(change(intent, effect, position, false));
        }
    }
    changes
}

fn change(intent: &Intent<'_>, effect: Effect, position: Option<u32>, held: bool) -> Change {
    let profile = intent.profile.or_else(|| intent.account.map(|account| &account.profile));
    let (user_name, email) = profile.map(|p| (p.user_name.clone(), p.email.clone())).unwrap_or_default();
    Change { person: intent.person.clone(), effect, user_name, email, position, held }
}

/// A held-back change, as a plan shows it. `drafted` is by person.
#[must_use]
pub fn stopped(guarded: &Guarded, drafted: &[Intent<'_>]) -> Option<Change> {
    let found = drafted.binary_search_by(|intent| intent.person.cmp(&guarded.held.person)).ok()?;
    let intent = &drafted[found];
    let effect = match (&*guarded.held.change, &guarded.pool, intent.account.zip(intent.update.as_ref())) {
        ("remove", _, _) => Effect::new(Verb::Remove),
        ("release", Some(pool), _) => Effect::of_pool(Verb::Release, pool),
        ("update", _, Some((account, update))) => {
            Effect { fields: changed_fields(&account.profile, update), ..Effect::new(Verb::Update) }
        }
        _ => Effect { cause: leaves_for(&intent.action), ..Effect::new(Verb::Suspend) },
    };
    Some(change(intent, effect, None, true))
}

const fn leaves_for(action: &Action) -> Option<LeaveCause> {
    match action {
        Action::Suspend { cause } => Some(*cause),
        _ => None,
    }
}

/// The settlement, ready to be asked by person and pool.
struct Settled<'a> {
    granted: BTreeSet<&'a (PersonId, Name)>,
    given_up: BTreeSet<&'a (PersonId, Name)>,
}

impl<'a> Settled<'a> {
    fn of(attempt: &'a Attempt<'_>) -> Self {
        let rounds = &attempt.settlement.rounds;
        let released = rounds.iter().flat_map(|round| &round.released);
        Self {
            granted: rounds.iter().flat_map(|round| &round.granted).collect(),
            given_up: released.chain(&attempt.settlement.left).collect(),
        }
    }
}

/// The account as it would be; None where there would be none.
fn after(world: &World<'_>, attempt: &Attempt<'_>, settled: &Settled<'_>, intent: &Intent<'_>) -> Option<Account> {
    let mut account = intent.account.cloned().or_else(|| created(intent))?;
    account.owner = Some(intent.person.clone());
    match intent.action {
        Action::Remove => return None,
        Action::Suspend { cause } | Action::StaySuspended { cause } => {
            account.suspension = Some(Suspension { by_agent: true, at: world.now, cause: Some(cause) });
        }
        Action::Resume => account.suspension = None,
        Action::Keep | Action::Create { .. } | Action::Adopt { .. } => {}
    }
    if let Some(update) = &intent.update {
        account.profile = update.clone();
    }
    for place in intent.places.iter().filter(|place| !is_asleep(attempt, place)) {
        take_place(&mut account, place);
    }
    for seat in &mut account.seats {
        let key = (intent.person.clone(), seat.pool.clone());
        let dropped = intent.releases.contains(&seat.pool) || intent.losses.contains(&seat.pool);
        if settled.granted.contains(&key) {
            seat.state = SeatState::Held;
        }
        if dropped || settled.given_up.contains(&key) {
            seat.state = SeatState::Past(None);
        }
    }
    Some(account)
}

fn created(intent: &Intent<'_>) -> Option<Account> {
    matches!(intent.action, Action::Create { .. }).then(|| Account {
        id: AccountId("".into()),
        owner: Some(intent.person.clone()),
        external: None,
        adopted: false,
        profile: intent.profile.cloned().unwrap_or_default(),
        suspension: None,
        seats: Vec::new(),
    })
}

fn take_place(account: &mut Account, place: &super::wants::Place) {
    let queued = &place.queued;
    let assignment = Assignment {
        pool: queued.pool.clone(),
        state: SeatState::Waiting(queued.reason),
        since: queued.since,
        approved: queued.approved,
        rank: queued.rank,
        created: queued.created,
        fallback_for: queued.fallback_for.clone(),
        instead_of: queued.instead_of.clone(),
        ours: true,
    };
    match account.seats.iter_mut().find(|seat| seat.pool == queued.pool) {
        Some(seat) => *seat = assignment,
        None => account.seats.push(assignment),
    }
}

/// The queues once the attempt is carried out.
fn queue_after(attempt: &Attempt<'_>) -> Vec<super::seats::Queued> {
    let settled = Settled::of(attempt);
    let places = attempt.intents.iter().flat_map(|intent| &intent.places).filter(|place| !is_asleep(attempt, place));
    let stays = |queued: &&super::seats::Queued| {
        let key = (queued.person.clone(), queued.pool.clone());
        !settled.granted.contains(&key) && !settled.given_up.contains(&key)
    };
    places.map(|place| &place.queued).filter(stays).cloned().collect()
}

/// Everyone who will wait, by pool and place.
#[must_use]
pub fn waiting(attempt: &Attempt<'_>) -> Vec<Waiting> {
    let queue = queue_after(attempt);
    let places = positions(&queue);
    let by_person: BTreeMap<&PersonId, &Intent<'_>> =
        attempt.intents.iter().map(|intent| (&intent.person, intent)).collect();
    let row = |queued: &super::seats::Queued| {
        let intent = by_person.get(&queued.person);
        let profile = intent.and_then(|i| i.profile.or_else(|| i.account.map(|account| &account.profile)));
        Waiting {
            person: queued.person.clone(),
            user_name: profile.map(|p| p.user_name.clone()).unwrap_or_default(),
            email: profile.map(|p| p.email.clone()).unwrap_or_default(),
            pool: queued.pool.clone(),
            position: places.get(&(&queued.person, &queued.pool)).copied().unwrap_or(0),
            reason: queued.reason,
            since: queued.since,
            approved: queued.approved,
            passed_over: queued.passed_over,
        }
    };
    let mut rows: Vec<Waiting> = queue.iter().map(row).collect();
    rows.sort_by(|a, b| (&a.pool, a.position).cmp(&(&b.pool, b.position)));
    rows
}

/// The pools once the attempt is carried out.
#[must_use]
pub fn pools(attempt: &Attempt<'_>) -> Vec<PoolCount> {
    let mut pools = attempt.book.pools.clone();
    for round in &attempt.settlement.rounds {
        for (_, pool) in &round.granted {
            if let Some(seats) = pools.get_mut(pool) {
                seats.held += 1;
            }
        }
        for (_, pool) in &round.released {
            if let Some(seats) = pools.get_mut(pool) {
                seats.held = seats.held.saturating_sub(1);
            }
        }
    }
    let queue = queue_after(attempt);
    let waits = |pool: &Name| u32::try_from(queue.iter().filter(|q| q.pool == *pool).count()).unwrap_or(u32::MAX);
    let count = |(name, seats): (Name, super::seats::Seats)| {
        let waiting = waits(&name);
        PoolCount { seats: seats.seats, held: seats.held, waiting, name }
    };
    pools.into_iter().map(count).collect()
}
