//! Which seats and places somebody should have, given those they have.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::seats::Queued;
use super::unnamed;
use super::world::World;
use crate::desired::Ask;
use crate::model::change::Claim;
use crate::model::memory::Approval;
use crate::model::settings::{Match, PoolSettings, Settings};
use crate::model::{Account, Assignment, Name, PersonId, Profile, SeatState, WaitReason, mail_domain};

/// A place in a queue: one that stands, one asked for, or a fallback that is asked for only if it comes to that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub queued: Queued,
    /// What the claim waits for besides a seat.
    pub gate: Option<WaitReason>,
    /// A person approved it before there was an account to keep that.
    pub brings_approval: bool,
    /// Stands in the backend already, just so: nothing need be said to keep it.
    pub stands: bool,
}

impl Place {
    /// What is said to the backend to take or refresh this place.
    #[must_use]
    pub fn claim(&self) -> Claim {
        let Queued { pool, rank, since, created, fallback_for, instead_of, .. } = self.queued.clone();
        Claim { pool, rank, since, created, gate: self.gate, fallback_for, instead_of, approved: self.brings_approval }
    }
}

/// What an account's owner wants of the pools.
#[derive(Clone, Debug, Default)]
pub struct Wants {
    pub places: Vec<Place>,
    pub releases: Vec<Name>,
    /// Seats given up for nothing.
    pub losses: Vec<Name>,
    /// Seats another hand took away since the last cycle.
    pub vanished: Vec<Name>,
    /// Seats that are kept though nothing asks for them: pool, code, message.
    pub kept: Vec<(Name, &'static str, String)>,
}

/// The places somebody without an account asks for. `again`: another hand deleted the account, and a person approved these
/// seats of it.
#[must_use]
pub fn of_newcomer(
    world: &World<'_>,
    (person, profile): (&PersonId, &Profile),
    created: Timestamp,
    asks: &[Ask],
    again: Option<Approval>,
) -> Vec<Place> {
    // Approval comes before the mail domain: approving somebody opens both doors.
    let approval = (world.settings.seats.approve_joiners && again.is_none()).then_some(WaitReason::ApprovalRequired);
    let gate = approval.or_else(|| domain_gate(world, profile));
    let asker = Asker { world, person, account: None, created, gate, vanished: Vec::new(), again };
    let mut wants = Wants::default();
    for ask in asks {
        asker.ask(ask, &[], &mut wants);
    }
    wants.places
}

/// The places, and the seats to give up, of somebody with an account.
///
/// | `match` | asks for | gives up at once | gives up when granted |
/// |---|---|---|---|
/// | first | the first pool, and its fallback | places elsewhere; seats elsewhere once the first is held (for nothing, where it was held beside them before) | seats elsewhere |
/// | first, and holds a seat that the agent gave of a pool that is not in the config | nothing more than before | places elsewhere | that seat |
/// | all | every matching pool | seats and places elsewhere | nothing |
///
/// So a seat of a pool that is not in the config is kept, and nobody gets a second one because a pool was named anew. Seats
/// given by another hand are given up never.
#[must_use]
pub fn of_account(
    world: &World<'_>,
    account: &Account,
    (person, profile): (&PersonId, &Profile),
    created: Timestamp,
    asks: &[Ask],
) -> Wants {
    let gate = approval_missing(world, account).or_else(|| domain_gate(world, profile));
    let vanished = vanished(world, account, person, asks);
    let asker = Asker { world, person, account: Some(account), created, gate, vanished: vanished.clone(), again: None };
    let mut wants = Wants { vanished, ..Wants::default() };
    match world.settings.seats.match_ {
        Match::First => asker.first(asks, &mut wants),
        Match::All => asker.all(asks, &mut wants),
    }
    asker.report(asks, &mut wants);
    wants
}

/// Has just the seats that are asked for, and the profile: nearly everybody, and nothing more need be looked at. Not
/// where a pool has a fallback: a seat of that may have been taken away.
#[must_use]
pub fn is_served(world: &World<'_>, account: &Account, profile: &Profile, asks: &[Ask]) -> bool {
    asks.iter().all(|ask| ask.fallback.is_none()) && has_just(world.settings, account, profile, asks)
}

/// The same where nothing was taken away since: the seat of a fallback, too, is then none that somebody lost.
#[must_use]
pub fn has_just(settings: &Settings, account: &Account, profile: &Profile, asks: &[Ask]) -> bool {
    let holds = |(seat, ask): (&Assignment, &Ask)| seat.is_held() && seat.pool == settings.pools[ask.pool].name;
    let has_all = account.seats.len() == asks.len() && account.seats.iter().zip(asks).all(holds);
    has_all && account.suspension.is_none() && account.profile == *profile
}

/// A newcomer whom nobody approved yet still needs it, whichever pool is asked for next; whoever was denied, the more so.
fn approval_missing(world: &World<'_>, account: &Account) -> Option<WaitReason> {
    let missing = |seat: &Assignment| match seat.state {
        SeatState::Waiting(reason) | SeatState::Past(Some(reason)) => reason == WaitReason::ApprovalRequired,
        SeatState::Denied => world.settings.seats.approve_joiners,
        SeatState::Held | SeatState::Past(None) => false,
    };
    let waits = account.seats.iter().any(missing);
    let let_in = account.seats.iter().any(|seat| seat.approved || seat.is_held());
    (waits && !let_in).then_some(WaitReason::ApprovalRequired)
}

fn domain_gate(world: &World<'_>, profile: &Profile) -> Option<WaitReason> {
    let approved = world.settings.seats.approved_domains.as_ref()?;
    (!mail_domain::is_one_of(approved, &profile.email)).then_some(WaitReason::DomainNotApproved)
}

/// Pools asked for in which the agent had given a seat that is no longer there.
fn vanished(world: &World<'_>, account: &Account, person: &PersonId, asks: &[Ask]) -> Vec<Name> {
    let name = |index: usize| &world.settings.pools[index].name;
    let asked = asks.iter().flat_map(|ask| [Some(ask.pool), ask.fallback.map(|(fallback, _)| fallback)]).flatten();
    let gone = |pool: &&Name| account.seat(pool).is_none_or(|seat| matches!(seat.state, SeatState::Past(_)));
    let mut gone = asked.map(name).filter(gone).peekable();
    // Nearly everybody has all that is asked for: then nothing need be remembered.
    if gone.peek().is_none() {
        return Vec::new();
    }
    let gone: Vec<&Name> = gone.collect();
    let Some(last) = world.remembered.of(person) else { return Vec::new() };
    last.held.iter().filter(|pool| gone.contains(pool)).cloned().collect()
}

/// Why somebody's place is kept and gets no grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standstill {
    /// The directory was not read whole: the turn is kept.
    Frozen,
    /// Only this person cannot be served: nobody is stopped.
    PassedOver,
}

impl Standstill {
    /// By whether the directory was read whole.
    #[must_use]
    pub fn of(world: &World<'_>, person: &PersonId) -> Self {
        if world.desired.frozen.contains(&person.directory) { Self::Frozen } else { Self::PassedOver }
    }
}

/// Places that are kept as they are and get no grant.
#[must_use]
pub fn kept(account: &Account, standstill: Standstill) -> Vec<Place> {
    let Some(owner) = account.owner.as_ref().filter(|_| account.suspension.is_none()) else { return Vec::new() };
    let place = |seat: &Assignment| {
        let SeatState::Waiting(reason) = seat.state else { return None };
        let queued = Queued {
            person: owner.clone(),
            pool: seat.pool.clone(),
            rank: seat.rank,
            approved: seat.approved,
            since: seat.since,
            created: seat.created,
            reason,
            joiner: false,
            passed_over: standstill == Standstill::PassedOver,
            frozen: standstill == Standstill::Frozen,
            fallback_for: seat.fallback_for.clone(),
            instead_of: Vec::new(),
        };
        Some(Place { queued, gate: besides_a_seat(reason), brings_approval: false, stands: true })
    };
    account.seats.iter().filter_map(place).collect()
}

/// What a reason asks for beyond a free seat.
const fn besides_a_seat(reason: WaitReason) -> Option<WaitReason> {
    match reason {
        WaitReason::NoSeat => None,
        other => Some(other),
    }
}

/// One person asking for seats.
struct Asker<'a> {
    world: &'a World<'a>,
    person: &'a PersonId,
    account: Option<&'a Account>,
    created: Timestamp,
    /// What every new claim of this person waits for besides a seat.
    gate: Option<WaitReason>,
    vanished: Vec<Name>,
    /// What was approved while there was no account.
    again: Option<Approval>,
}

impl Asker<'_> {
    fn seats(&self) -> &[Assignment] {
        self.account.map_or(&[], |account| &account.seats)
    }

    fn pool(&self, index: usize) -> &PoolSettings {
        &self.world.settings.pools[index]
    }

    fn is_configured(&self, pool: &Name) -> bool {
        unnamed::is_configured(self.world, pool)
    }

    /// Seats that may be given up: held by the agent's word, in a pool of the config, other than this one.
    fn held_elsewhere(&self, pool: &Name) -> Vec<Name> {
        let may_go = |seat: &&Assignment| seat.is_given() && seat.pool != *pool;
        let seats = self.seats().iter().filter(may_go).map(|seat| seat.pool.clone());
        seats.filter(|pool| self.is_configured(pool)).collect()
    }

    fn first(&self, asks: &[Ask], wants: &mut Wants) {
        let Some(ask) = asks.first() else { return };
        let pool = &self.pool(ask.pool).name;
        let elsewhere = self.held_elsewhere(pool);
        match self.seats().iter().find(|seat| seat.pool == *pool).map(|seat| seat.state) {
            Some(SeatState::Held) if elsewhere.is_empty() => {}
            Some(SeatState::Held) if self.stand_in(pool) => wants.releases.extend(elsewhere),
            Some(SeatState::Held) => wants.losses.extend(elsewhere),
            Some(SeatState::Denied) => {}
            state if elsewhere.is_empty() => self.first_beside_unnamed(ask, state, wants),
            _ => self.ask(ask, &elsewhere, wants),
        }
        self.leave_queues(wants);
    }

    /// Who holds a seat of a pool that the config does not name asks for no other beside it; who waited for one already, or
    /// from whom it was taken, keeps that place, and gives the unnamed seat for it.
    fn first_beside_unnamed(&self, ask: &Ask, state: Option<SeatState>, wants: &mut Wants) {
        let unnamed = self.account.map(|account| unnamed::held(self.world, account)).unwrap_or_default();
        let keeps_place =
            matches!(state, Some(SeatState::Waiting(_))) || self.vanished.contains(&self.pool(ask.pool).name);
        if unnamed.is_empty() {
            self.ask(ask, &[], wants);
        } else if keeps_place {
            self.ask(&Ask { fallback: None, ..*ask }, &unnamed, wants);
        }
    }

    /// Whether seats elsewhere only stood in for one of this pool, which came since the last cycle. Where all were held
    /// together, by a config with `match = "all"`, those elsewhere are lost for nothing.
    fn stand_in(&self, pool: &Name) -> bool {
        self.world.remembered.of(self.person).is_some_and(|last| !last.held.contains(pool))
    }

    fn all(&self, asks: &[Ask], wants: &mut Wants) {
        for ask in asks {
            let state = self.seats().iter().find(|seat| seat.pool == self.pool(ask.pool).name).map(|seat| seat.state);
            if !matches!(state, Some(SeatState::Held | SeatState::Denied)) {
                self.ask(&Ask { fallback: None, ..*ask }, &[], wants);
            }
        }
        let asked = |seat: &Assignment| asks.iter().any(|ask| self.pool(ask.pool).name == seat.pool);
        let lost = self.seats().iter().filter(|seat| seat.is_given() && !asked(seat));
        let lost = lost.map(|seat| seat.pool.clone()).filter(|pool| self.is_configured(pool));
        wants.losses.extend(lost);
        self.leave_queues(wants);
    }

    /// Gives up the places that were not asked for again.
    fn leave_queues(&self, wants: &mut Wants) {
        let kept = |seat: &&Assignment| wants.places.iter().any(|place| place.queued.pool == seat.pool);
        let left: Vec<Name> =
            self.seats().iter().filter(|seat| seat.is_waiting() && !kept(seat)).map(|seat| seat.pool.clone()).collect();
        wants.releases.extend(left);
    }

    /// Asks for a pool and, where only a seat is missing, for its fallback beside it.
    fn ask(&self, ask: &Ask, instead_of: &[Name], wants: &mut Wants) {
        let pool = self.pool(ask.pool).name.clone();
        let place = self.place(&pool, ask.rank, None, instead_of.to_vec());
        let only_a_seat = place.queued.reason == WaitReason::NoSeat;
        wants.places.push(place);
        let Some((fallback, rank)) = ask.fallback.filter(|_| only_a_seat) else { return };
        let fallback = self.pool(fallback).name.clone();
        let state = self.seats().iter().find(|seat| seat.pool == fallback).map(|seat| seat.state);
        if !matches!(state, Some(SeatState::Held | SeatState::Denied)) {
            let instead_of = instead_of.iter().filter(|seat| **seat != fallback).cloned().collect();
            wants.places.push(self.place(&fallback, rank, Some(pool), instead_of));
        }
    }

    fn place(&self, pool: &Name, rank: u32, fallback_for: Option<Name>, instead_of: Vec<Name>) -> Place {
        let seat = self.seats().iter().find(|seat| seat.pool == *pool);
        let brings_approval = self.again.as_ref().is_some_and(|again| again.covers(pool));
        let approved = brings_approval || seat.is_some_and(|seat| seat.approved) && !self.vanished.contains(pool);
        let gate = self.gate(seat, pool, fallback_for.is_some()).filter(|_| !approved);
        let reason = gate.unwrap_or(WaitReason::NoSeat);
        let stands = seat.is_some_and(|seat| {
            let same_place = (seat.rank, seat.created) == (rank, self.created);
            let same_exchange =
                seat.fallback_for == fallback_for && self.exchanges(seat) == instead_of.iter().cloned().collect();
            seat.state == SeatState::Waiting(reason) && same_place && same_exchange
        });
        let queued = Queued {
            person: self.person.clone(),
            pool: pool.clone(),
            rank,
            approved,
            since: seat.map_or(self.world.now, |seat| seat.since),
            created: self.created,
            reason,
            joiner: !seat.is_some_and(Assignment::is_waiting),
            passed_over: false,
            frozen: false,
            fallback_for,
            instead_of,
        };
        Place { queued, gate, brings_approval, stands }
    }

    /// The seats that are given up by now once this place is granted.
    fn exchanges(&self, waiting: &Assignment) -> BTreeSet<Name> {
        self.account.map(|account| account.given_up_for(waiting).into_iter().collect()).unwrap_or_default()
    }

    /// What a claim waits for besides a seat. Approval, and another hand's word, outlive suspension and moves.
    fn gate(&self, seat: Option<&Assignment>, pool: &Name, is_fallback: bool) -> Option<WaitReason> {
        use WaitReason::{ApprovalRequired, RemovedElsewhere};
        // The whole account was taken away, and only some of its seats were approved.
        if self.vanished.contains(pool) || (self.again.is_some() && !is_fallback) {
            return Some(RemovedElsewhere);
        }
        let waited_for = seat.and_then(|seat| match seat.state {
            SeatState::Waiting(reason) => Some(reason),
            SeatState::Past(gate) => gate,
            SeatState::Held | SeatState::Denied => None,
        });
        waited_for.filter(|reason| matches!(reason, ApprovalRequired | RemovedElsewhere)).or(self.gate)
    }

    /// Seats that stay though the config gives no reason for them.
    fn report(&self, asks: &[Ask], wants: &mut Wants) {
        for seat in self.seats().iter().filter(|seat| seat.is_held()) {
            let asked = asks.iter().any(|ask| self.pool(ask.pool).name == seat.pool);
            let pool = &seat.pool;
            if !self.is_configured(pool) {
                let message = self.account.map(|account| unnamed::sentence(self.world, account, seat));
                wants.kept.push((pool.clone(), unnamed::CODE, message.unwrap_or_default()));
            } else if !seat.ours && !asked {
                let message = format!("holds a seat of {pool} that another hand gave in the backend; the seat is kept");
                wants.kept.push((pool.clone(), "seat_given_elsewhere", message));
            }
        }
    }
}
