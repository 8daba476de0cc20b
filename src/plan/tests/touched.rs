//! The touched part of the world: its plan is the plan of all.
//!
//! Left out is who has just what is asked for, unless somebody else's plan turns on it: who shares a value with somebody
//! touched, who has the anchor that an unmanaged account carries, who left within the guard's window.

use std::collections::{BTreeMap, BTreeSet};

use super::scene::{Memories, Scene};
use crate::desired::{Desired, Wish};
use crate::model::{Account, Anchor, PersonId, Profile};
use crate::plan::values::{Value, of_profile};
use crate::plan::{Plan, World, plan, wants};

/// The plan of a cycle that begins now, of which the planner is shown the touched part alone; and how many were left out.
pub fn plan_of_the_touched(scene: &Scene) -> (Plan, usize) {
    let left_out = std::cell::Cell::new(0);
    let plan = scene.plan_by(|world| {
        let untouched = untouched(world);
        left_out.set(untouched.len());
        without(world, &scene.memories, &untouched)
    });
    (plan, left_out.get())
}

fn without(world: &World<'_>, memories: &Memories, untouched: &BTreeSet<PersonId>) -> Plan {
    let wishes = world.desired.wishes.iter().filter(|(person, _)| !untouched.contains(person)).cloned();
    let desired = Desired { wishes: wishes.collect(), frozen: world.desired.frozen.clone() };
    let is_touched = |account: &&Account| account.owner.as_ref().is_none_or(|owner| !untouched.contains(owner));
    let accounts: Vec<Account> = world.accounts.iter().filter(is_touched).cloned().collect();
    let known = memories.0.iter().filter(|(person, _)| !untouched.contains(*person));
    let memories = Memories(known.map(|(person, last)| (person.clone(), last.clone())).collect());
    plan(&World { desired: &desired, accounts: &accounts, remembered: &memories, ..*world })
}

fn untouched(world: &World<'_>) -> BTreeSet<PersonId> {
    let wishes: BTreeMap<&PersonId, &Wish<'_>> = world.desired.wishes.iter().map(|(who, wish)| (who, wish)).collect();
    let served: BTreeMap<&PersonId, &Account> = world
        .accounts
        .iter()
        .filter_map(|account| Some((account.owner.as_ref()?, account)))
        .filter(|(owner, account)| match wishes.get(owner) {
            Some(Wish::Seats { sighting, asks, .. }) => {
                wants::has_just(world.settings, account, &sighting.profile, asks)
            }
            _ => false,
        })
        .filter(|(owner, account)| {
            world.remembered.of(owner).is_none_or(|last| !last.suspended) && !account.seats.is_empty()
        })
        .collect();
    let in_use: BTreeSet<Value> = values_in_use(world, &served);
    let carried: BTreeSet<Anchor> =
        world.accounts.iter().filter(|a| !a.is_managed()).filter_map(|a| a.external).collect();
    let marked: BTreeSet<&PersonId> = world.marks.iter().map(|mark| &mark.person).collect();
    let alone = served.into_iter().filter(|(owner, account)| {
        let shares = of_profile(&account.profile).any(|value| in_use.contains(&value));
        !shares && !carried.contains(&owner.anchor) && !marked.contains(owner)
    });
    alone.map(|(owner, _)| owner.clone()).collect()
}

/// The values of everybody else: those their entries show, and those their accounts have.
fn values_in_use(world: &World<'_>, served: &BTreeMap<&PersonId, &Account>) -> BTreeSet<Value> {
    let shown = world.desired.wishes.iter().filter(|(person, _)| !served.contains_key(person));
    let shown = shown.filter_map(|(_, wish)| shown_by(wish));
    let others = world.accounts.iter().filter(|account| account.owner.as_ref().is_none_or(|o| !served.contains_key(o)));
    others.map(|account| &account.profile).chain(shown).flat_map(of_profile).collect()
}

fn shown_by<'a>(wish: &'a Wish<'_>) -> Option<&'a Profile> {
    match wish {
        Wish::Seats { sighting, .. } => Some(&sighting.profile),
        Wish::Quarantined { shows, .. } => Some(*shows),
        Wish::Leaves { sighting, .. } => sighting.map(|sighting| &sighting.profile),
        Wish::Unproven => None,
    }
}

#[test]
fn of_a_hundred_people_of_whom_one_joined_the_planner_need_be_shown_one() {
    let mut scene = Scene::staffed(&[("standard", 101)], 100);
    scene.hire([101]);
    let (plan, left_out) = plan_of_the_touched(&scene);
    assert_eq!(left_out, 100);
    assert_eq!(super::scene::bytes(&plan), super::scene::bytes(&scene.plan()));
}

#[test]
fn who_left_within_the_window_and_is_back_belongs_to_the_touched_part() {
    let mut scene = Scene::staffed(&[("standard", 40)], 40);
    scene.disable(1..=3);
    scene.cycle();
    (1..=3).for_each(|n| scene.enable(n));
    scene.cycle();
    scene.disable(4..=7);
    let (plan, left_out) = plan_of_the_touched(&scene);
    assert_eq!((plan.held.len(), left_out), (0, 33), "three came back, so four may leave");
    assert_eq!(super::scene::bytes(&plan), super::scene::bytes(&scene.plan()));
}

#[test]
fn who_shares_a_mail_address_with_somebody_touched_belongs_to_the_touched_part() {
    let mut scene = Scene::staffed(&[("standard", 41)], 40);
    scene.hire([41]);
    scene.entry(41).profile.email = scene.account(1).profile.email.to_uppercase();
    let (plan, left_out) = plan_of_the_touched(&scene);
    assert_eq!((plan.quarantined.len(), left_out), (1, 39), "the one who has the account keeps the address");
    assert_eq!(super::scene::bytes(&plan), super::scene::bytes(&scene.plan()));
}
