//! What holds in every cycle of every history.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::history::*;
use super::memory::Memory;
use super::scene::*;
use super::touched::plan_of_the_touched;
use crate::model::change::{Operation, Promotion};
use crate::model::settings::{Adopt, LeaverRule, Match};
use crate::model::{Account, AccountId, Assignment, Name, SeatState, WaitReason};
use crate::plan::Plan;
use crate::plan::effects::Verb;

type Check = Result<(), TestCaseError>;

/// One cycle: what was, the plan, what is.
struct Pass<'a> {
    before: BTreeMap<AccountId, Account>,
    plan: &'a Plan,
    scene: &'a Scene,
}

const NO_SEAT: SeatState = SeatState::Waiting(WaitReason::NoSeat);

fn by_id(backend: &Memory) -> BTreeMap<AccountId, Account> {
    backend.accounts.iter().map(|account| (account.id.clone(), account.clone())).collect()
}

fn held(account: &Account) -> Vec<&Name> {
    account.seats.iter().filter(|seat| seat.is_held()).map(|seat| &seat.pool).collect()
}

/// The order for scarce seats, written down a second time.
fn key(account: &Account, seat: &Assignment) -> impl Ord {
    (
        seat.rank,
        !seat.approved,
        seat.since,
        seat.created,
        account.owner.clone().map(|owner| (owner.anchor, owner.directory)),
    )
}

impl Pass<'_> {
    fn was(&self, account: &Account, pool: &str) -> Option<&Assignment> {
        self.before.get(&account.id).filter(|old| old.is_managed() && old.suspension.is_none())?.seat(pool)
    }

    fn is_frozen(&self, account: &Account) -> bool {
        account.owner.as_ref().is_some_and(|owner| self.plan.allocation().frozen.contains(&owner.directory))
    }

    fn is_passed_over(&self, account: &Account) -> bool {
        account.owner.as_ref().is_some_and(|owner| self.plan.allocation().passed_over.contains(owner))
    }

    /// Everyone who waits for nothing but a seat of a pool, and is served at all.
    fn in_queue(&self, pool: &str) -> Vec<(&Account, &Assignment)> {
        let accounts = self.scene.backend.accounts.iter();
        let served = accounts.filter(|a| a.is_managed() && a.suspension.is_none() && !self.is_passed_over(a));
        let waits = |account: &'_ Account| account.seat(pool).is_some_and(|seat| seat.state == NO_SEAT);
        served.filter(|account| waits(account)).map(|account| (account, account.seat(pool).unwrap())).collect()
    }

    fn automatic(&self) -> bool {
        self.scene.settings.seats.promotion == Promotion::Automatic
    }

    fn unmanaged_accounts_are_untouched(&self) -> Check {
        for old in self.before.values().filter(|account| !account.is_managed()) {
            let new = self.scene.backend.accounts.iter().find(|account| account.id == old.id);
            let new = new.ok_or_else(|| TestCaseError::fail("an unmanaged account is gone"))?;
            prop_assert_eq!(&old.seats, &new.seats);
            prop_assert!(old.profile == new.profile && old.suspension == new.suspension);
            let adopts =
                |operation: &Operation| matches!(operation, Operation::Adopt { account } if *account == old.id);
            let adopted = self.plan.waves().iter().flatten().any(|step| adopts(&step.operation));
            prop_assert_eq!(new.is_managed(), adopted);
        }
        Ok(())
    }

    fn incumbents_keep_a_seat(&self) -> Check {
        let leaves = |operation: &Operation| matches!(operation, Operation::Suspend { .. } | Operation::Remove);
        for old in self.before.values().filter(|account| account.is_managed() && account.suspension.is_none()) {
            let steps = self.plan.waves().iter().flatten().filter(|step| step.person == old.owner);
            if steps.clone().any(|step| leaves(&step.operation)) {
                continue;
            }
            let new = self.scene.backend.of(old.owner.as_ref().unwrap()).unwrap();
            if self.is_frozen(old) || self.plan.quarantined.contains_key(old.owner.as_ref().unwrap()) {
                prop_assert_eq!(&old.seats, &new.seats, "who cannot be judged keeps seat and place");
            }
            let lost = held(old).len().saturating_sub(held(new).len());
            let counted =
                steps.filter(|step| step.counted.is_some_and(|c| c.kind == crate::model::change::GuardKind::Leaving));
            prop_assert!(lost == 0 || counted.count() >= lost || held(old).len() > 1, "{old:?} became {new:?}");
            prop_assert!(
                held(old).is_empty() || !held(new).is_empty() || self.scene.settings.seats.match_ == Match::All
            );
        }
        Ok(())
    }

    fn promotion_is_exact(&self) -> Check {
        for pool in &self.scene.settings.pools {
            let count = &self.scene.backend.pools[&pool.name];
            let queue = self.in_queue(&pool.name);
            if count.free() as usize <= self.may_keep_turns(&queue) {
                continue;
            }
            for (account, seat) in queue.iter().filter(|(account, _)| !self.is_frozen(account)) {
                prop_assert!(
                    !seat.approved && !self.automatic() || self.joined(account, &pool.name),
                    "{account:?} may have a seat"
                );
                let in_front = queue.iter().any(|(other, place)| {
                    place.approved || self.was(other, &pool.name).is_some_and(Assignment::is_waiting)
                });
                prop_assert!(in_front, "{account:?} waits and nobody is in front");
            }
        }
        Ok(())
    }

    /// Those of a directory that could not be read whole who would be given a seat: one is kept free for each, as far
    /// as there are any. (Not for a fallback: their preferred pool may keep one.)
    fn kept_turns<'q>(&'q self, queue: &'q [(&'q Account, &'q Assignment)]) -> impl Iterator<Item = &'q Assignment> {
        let keeps = |(account, place): &&(&Account, &Assignment)| {
            self.is_frozen(account) && (self.automatic() || place.approved) && place.fallback_for.is_none()
        };
        queue.iter().filter(keeps).map(|(_, place)| *place)
    }

    /// The most seats that may be kept free, fallbacks included: one whose preferred pool gives nothing keeps its turn here.
    fn may_keep_turns(&self, queue: &[(&Account, &Assignment)]) -> usize {
        let may = |(account, place): &&(&Account, &Assignment)| {
            self.is_frozen(account) && (self.automatic() || place.approved)
        };
        queue.iter().filter(may).count()
    }

    /// First asks in this cycle, and is not approved.
    fn joined(&self, account: &Account, pool: &str) -> bool {
        let waited = self.was(account, pool).is_some_and(Assignment::is_waiting);
        !waited && !account.seat(pool).is_some_and(|seat| seat.approved)
    }

    fn nobody_is_overtaken(&self) -> Check {
        for pool in &self.scene.settings.pools {
            let pool = &pool.name;
            let waited = |account: &Account| self.was(account, pool).is_some_and(|seat| seat.state == NO_SEAT);
            let losers: Vec<_> = self.in_queue(pool).into_iter().filter(|(account, _)| waited(account)).collect();
            for winner in &self.scene.backend.accounts {
                let Some(seat) = winner.seat(pool).filter(|seat| seat.is_held() && winner.is_managed()) else {
                    continue;
                };
                let old = self.before.get(&winner.id);
                if old.is_some_and(|old| old.seat(pool).is_some_and(Assignment::is_held)) {
                    continue;
                }
                let joined = self.joined(winner, pool);
                let behind =
                    |(loser, place): &&(&Account, &Assignment)| joined || key(loser, place) < key(winner, seat);
                let (frozen, passed): (Vec<_>, Vec<_>) =
                    losers.iter().filter(behind).partition(|(loser, _)| self.is_frozen(loser));
                for (loser, place) in passed {
                    let may = self.automatic() || place.approved;
                    prop_assert!(!may && !joined, "{winner:?} passed {loser:?}");
                }
                self.turns_are_kept(pool, &frozen, joined)?;
            }
        }
        Ok(())
    }

    /// Somebody got a seat before these, whose directory could not be read whole.
    fn turns_are_kept(&self, pool: &Name, frozen: &[(&Account, &Assignment)], joined: bool) -> Check {
        let free = self.scene.backend.pools[pool].free() as usize;
        prop_assert!(self.kept_turns(frozen).count() <= free, "no seat is kept for {frozen:?}");
        let first_choice = frozen.iter().filter(|(_, place)| place.fallback_for.is_none());
        let may = |place: &Assignment| self.automatic() || place.approved;
        prop_assert!(!joined || first_choice.clone().all(|(_, place)| may(place)), "a joiner passed {frozen:?}");
        Ok(())
    }
}

/// The same world, its lists in another order.
fn shuffled(scene: &Scene, seed: u64) -> Scene {
    let mut other = scene.clone();
    let turn = |len: usize| usize::try_from(seed % (len.max(1) as u64)).unwrap();
    for source in other.sources.values_mut() {
        let by = turn(source.people.len());
        source.people.rotate_left(by);
        if seed.is_multiple_of(2) {
            source.people.reverse();
        }
    }
    let by = turn(other.backend.accounts.len());
    other.backend.accounts.rotate_left(by);
    other.backend.accounts.sort_by(|a, b| a.owner.cmp(&b.owner));
    other.marks.reverse();
    other
}

fn adopts(plan: &Plan) -> bool {
    plan.waves().iter().flatten().any(|step| matches!(step.operation, Operation::Adopt { .. }))
}

/// A seat that stays free for somebody who was not read goes to who joined in this cycle and comes first from now on.
fn takes_a_kept_turn(scene: &Scene, again: &Plan) -> bool {
    let automatic = scene.settings.seats.promotion == Promotion::Automatic;
    let promotes = again.changes.iter().all(|change| change.effect.verb == Verb::Promote);
    automatic && !again.allocation().frozen.is_empty() && promotes
}

fn live(scene: &mut Scene, seed: u64) -> Check {
    let plan = scene.plan();
    prop_assert_eq!(bytes(&plan), bytes(&scene.plan()), "the same input gives the same plan");
    prop_assert_eq!(bytes(&plan), bytes(&shuffled(scene, seed).plan()), "in any order");
    prop_assert_eq!(bytes(&plan), bytes(&plan_of_the_touched(scene).0), "of the touched part");
    if plan.backend_lost.is_some() {
        scene.memories.0.clear();
        return Err(TestCaseError::reject("the backend lost too much"));
    }
    let before = by_id(&scene.backend);
    scene.apply(&plan);
    let pass = Pass { before, plan: &plan, scene };
    pass.unmanaged_accounts_are_untouched()?;
    pass.incumbents_keep_a_seat()?;
    pass.promotion_is_exact()?;
    pass.nobody_is_overtaken()?;
    let again = scene.plan();
    prop_assert!(
        again.is_empty() || adopts(&plan) || takes_a_kept_turn(scene, &again),
        "planned again: {:?}",
        again.waves()
    );
    scene.wait(jiff::SignedDuration::from_mins(1));
    Ok(())
}

proptest! {
    #[test]
    fn every_cycle_keeps_the_rules(config in any_config(), history in any_history(), seed: u64) {
        let mut scene = found(&config);
        live(&mut scene, seed)?;
        for events in &history {
            for event in events {
                happen(&mut scene, event);
            }
            live(&mut scene, seed)?;
        }
    }
}

#[test]
fn a_seat_kept_for_somebody_not_read_is_not_given_away_by_a_batch_that_only_renames() {
    let mut scene = found(&Config {
        all: true,
        automatic: true,
        approve: false,
        falls_back: false,
        keeps_seat: false,
        rule: LeaverRule::Suspend,
        adopt: Adopt::Email,
        strict: false,
        seats: [0, 0, 0],
    });
    let cycles = [
        vec![],
        vec![Event::Hire(10)],
        vec![Event::Hire(5)],
        // 5 joins and comes first from now on, and an update of the same plan follows in a batch of its own.
        vec![Event::Partial(false, true), Event::Seats(2, 6)],
    ];
    for events in cycles {
        for event in &events {
            happen(&mut scene, event);
        }
        live(&mut scene, 0).unwrap();
    }
    assert_eq!(scene.backend.pools["bronze"].free(), 1, "the seat is kept for 10");
}
