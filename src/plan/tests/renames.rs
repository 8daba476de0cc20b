//! Rule 18: unique values change hands in an order in which each is free, through a temporary one where need be.

use super::scene::*;
use crate::model::PersonId;
use crate::model::change::Operation;
use crate::plan::Plan;

/// Person, old and new address of every update, in the order of the plan.
fn updates(plan: &Plan) -> Vec<(u32, String, String)> {
    let steps = plan.waves().iter().flatten();
    let update = |person: &PersonId, operation: &Operation| match operation {
        Operation::Update { current, desired } => {
            let local = |email: &str| email.split('@').next().unwrap_or_default().to_owned();
            Some((number(person.anchor), local(&current.email), local(&desired.email)))
        }
        _ => None,
    };
    steps.filter_map(|step| update(step.person.as_ref()?, &step.operation)).collect()
}

fn emails(scene: &Scene, people: std::ops::RangeInclusive<u32>) -> Vec<String> {
    people.map(|n| scene.account(n).profile.email.clone()).collect()
}

fn renamed(people: u32, names: &[(u32, &str)]) -> Scene {
    let mut scene = Scene::staffed(&[("standard", 99)], people);
    scene.settings.guard.floor = 99;
    scene.settings.guard.percent = 100;
    scene.hire([people + 1]);
    for &(n, name) in names {
        scene.rename(n, name);
    }
    scene
}

#[test]
fn a_chain_of_renames_begins_at_its_free_end() {
    let mut scene = renamed(3, &[(1, "p2"), (2, "p3"), (3, "new")]);
    let plan = scene.cycle();
    let order: Vec<u32> = updates(&plan).iter().map(|(n, ..)| *n).collect();
    assert_eq!(order, [3, 2, 1]);
    assert_eq!(emails(&scene, 1..=3), ["p2@acme.example", "p3@acme.example", "new@acme.example"]);
}

#[test]
fn a_swap_of_two_addresses_goes_through_a_temporary_one() {
    let mut scene = renamed(2, &[(1, "p2"), (2, "p1")]);
    let plan = scene.cycle();
    let aside = format!("seatsync-swap-{}", anchor(1));
    let expected = [(1, "p1", &*aside), (2, "p2", "p1"), (1, &*aside, "p2")];
    assert_eq!(updates(&plan), expected.map(|(n, old, new)| (n, old.to_owned(), new.to_owned())));
    assert_eq!(emails(&scene, 1..=2), ["p2@acme.example", "p1@acme.example"]);
    assert!(scene.plan().is_empty());
}

#[test]
fn a_ring_of_three_needs_one_temporary_value_only() {
    let mut scene = renamed(3, &[(1, "p2"), (2, "p3"), (3, "p1")]);
    let plan = scene.cycle();
    assert_eq!(updates(&plan).len(), 4);
    assert_eq!(emails(&scene, 1..=3), ["p2@acme.example", "p3@acme.example", "p1@acme.example"]);
}

#[test]
fn two_swaps_at_once_are_opened_one_after_the_other() {
    let mut scene = renamed(4, &[(1, "p2"), (2, "p1"), (3, "p4"), (4, "p3")]);
    assert_eq!(updates(&scene.cycle()).len(), 6);
    assert_eq!(emails(&scene, 3..=4), ["p4@acme.example", "p3@acme.example"]);
}

#[test]
fn who_only_waits_for_a_ring_is_not_sent_aside() {
    // 2 and 3 swap their user names; 1 wants the address that 2 gives up.
    let mut scene = renamed(3, &[]);
    scene.entry(2).profile.user_name = "p3".into();
    scene.entry(2).profile.email = "new@acme.example".into();
    scene.entry(3).profile.user_name = "p2".into();
    scene.entry(1).profile.email = "p2@acme.example".into();
    let plan = scene.cycle();
    assert_eq!(updates(&plan).iter().map(|(n, ..)| *n).collect::<Vec<_>>(), [2, 1, 3, 2]);
    assert_eq!(emails(&scene, 1..=3), ["p2@acme.example", "new@acme.example", "p3@acme.example"]);
}

#[test]
fn a_newcomer_gets_a_value_that_is_freed_in_the_same_plan() {
    let mut scene = renamed(2, &[(1, "new")]);
    scene.rename(3, "p1");
    scene.cycle();
    assert_eq!(emails(&scene, 1..=3), ["new@acme.example", "p2@acme.example", "p1@acme.example"]);
}

#[test]
fn who_waits_for_a_value_that_a_conflict_keeps_is_in_conflict_too() {
    let mut scene = renamed(2, &[(1, "p2"), (2, "taken")]);
    scene.backend.add_unmanaged("theirs", profile("taken"));
    let plan = scene.cycle();
    assert_eq!(told(&plan, "conflict"), [1, 2]);
    assert_eq!(emails(&scene, 1..=2), ["p1@acme.example", "p2@acme.example"]);
}

#[test]
fn another_spelling_of_the_same_address_is_sent_and_is_no_rename() {
    let mut scene = Scene::staffed(&[("standard", 9)], 9);
    for n in 1..=9 {
        scene.entry(n).profile.email = format!("P{n}@Acme.Example");
    }
    let plan = scene.cycle();
    assert!(plan.held.is_empty() && scene.marks.is_empty());
    assert_eq!(scene.account(1).profile.email, "P1@Acme.Example");
}
