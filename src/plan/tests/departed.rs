//! The account of somebody who left follows the entry, so that what it let go is free for others; and never takes from them.

use super::scene::*;
use crate::model::snapshot::Whereabouts;
use crate::plan::Plan;
use crate::plan::effects::Verb;

fn email(scene: &Scene, n: u32) -> String {
    scene.account(n).profile.email.clone()
}

fn staffed() -> Scene {
    Scene::staffed(&[("standard", 9)], 9)
}

/// Number 1 left in an earlier cycle.
fn departed() -> Scene {
    let mut scene = staffed();
    scene.disable([1]);
    scene.cycle();
    scene
}

/// What the one conflict says.
fn conflict(plan: &Plan) -> &str {
    &plan.problems.iter().find(|problem| problem.code == "conflict").unwrap().message
}

#[test]
fn the_address_of_somebody_suspended_goes_to_a_colleague_once_the_directory_gives_it_so() {
    let mut scene = departed();
    scene.rename(1, "old1");
    scene.rename(2, "p1");
    let plan = scene.cycle();
    assert_eq!(story(&plan), [(Verb::Update, 1, ""), (Verb::Update, 2, "")]);
    assert_eq!((email(&scene, 1), email(&scene, 2)), ("old1@acme.example".into(), "p1@acme.example".into()));
    assert!(scene.account(1).suspension.is_some());
    assert!(scene.plan().is_empty());
}

#[test]
fn it_goes_in_the_very_cycle_in_which_the_owner_leaves() {
    let mut scene = staffed();
    scene.disable([1]);
    scene.rename(1, "old1");
    scene.hire([11]);
    scene.rename(11, "p1");
    scene.cycle();
    assert_eq!((email(&scene, 1), email(&scene, 11)), ("old1@acme.example".into(), "p1@acme.example".into()));
    assert!(scene.plan().is_empty());
}

#[test]
fn somebody_found_out_of_scope_lets_the_address_go_too() {
    let mut scene = staffed();
    scene.rename(1, "old1");
    let found = Box::new(scene.entry(1).clone());
    scene.vanish(1, Whereabouts::OutOfScope(found));
    scene.rename(2, "p1");
    scene.cycle();
    assert_eq!(email(&scene, 2), "p1@acme.example");
}

#[test]
fn a_leaver_and_a_colleague_swap_their_addresses() {
    let mut scene = departed();
    scene.rename(1, "p2");
    scene.rename(2, "p1");
    scene.cycle();
    assert_eq!((email(&scene, 1), email(&scene, 2)), ("p2@acme.example".into(), "p1@acme.example".into()));
    assert!(scene.plan().is_empty());
}

#[test]
fn an_entry_that_cannot_be_used_or_a_partial_read_changes_no_leavers_account() {
    let mut scene = departed();
    scene.rename(1, "old1");
    scene.quarantine(1);
    assert!(scene.plan().is_empty());
    scene.entry(1).quarantine = None;
    scene.source("corp").partial = true;
    assert!(scene.plan().is_empty());
}

#[test]
fn a_leaver_whose_entry_shows_the_address_of_a_colleague_goes_without_it_and_is_suspended_all_the_same() {
    let mut scene = staffed();
    scene.disable([1]);
    scene.rename(1, "p2");
    scene.entry(1).profile.display_name = Some("gone".into());
    let plan = scene.cycle();
    assert_eq!(story(&plan), [(Verb::Update, 1, ""), (Verb::Suspend, 1, "")]);
    assert!(told(&plan, "conflict").is_empty() && plan.quarantined.is_empty());
    let profile = &scene.account(1).profile;
    assert_eq!((&*profile.email, profile.display_name.as_deref()), ("p1@acme.example", Some("gone")));
    assert!(scene.plan().is_empty());
}

#[test]
fn of_one_free_address_a_newcomer_comes_before_leavers_and_one_leaver_before_another() {
    let mut scene = staffed();
    scene.disable([1, 2, 3]);
    scene.cycle();
    for n in [1, 2] {
        scene.entry(n).profile.email = "same@acme.example".into();
    }
    scene.entry(3).profile.email = "p11@acme.example".into();
    scene.hire([11]);
    scene.cycle();
    assert_eq!(
        [1, 2, 3, 11].map(|n| email(&scene, n)),
        ["same", "p2", "p3", "p11"].map(|n| format!("{n}@acme.example"))
    );
    assert!(scene.plan().is_empty());
}

#[test]
fn renames_of_leavers_are_counted_with_all_the_others() {
    let mut scene = departed();
    for n in 1..=4 {
        scene.rename(n, &format!("new{n}"));
    }
    let plan = scene.cycle();
    assert_eq!((plan.held.len(), plan.held[0].count), (1, 4));
    assert_eq!(email(&scene, 1), "p1@acme.example");
}

#[test]
fn somebody_suspended_by_another_hand_is_renamed_and_stays_suspended() {
    let mut scene = departed();
    scene.backend.of_mut(&who(1)).suspension.as_mut().unwrap().by_agent = false;
    scene.enable(1);
    scene.rename(1, "new1");
    scene.cycle();
    assert_eq!(email(&scene, 1), "new1@acme.example");
    assert!(scene.account(1).suspension.is_some());
}

#[test]
fn what_is_said_of_an_address_that_is_not_let_go_is_what_would_free_it() {
    let mut scene = departed();
    scene.entry(2).profile.email = "p1@acme.example".into();
    let said = conflict(&scene.plan()).to_owned();
    assert!(said.ends_with("its owner left; give one of the two another email in the directory"), "{said}");
    scene.vanish(1, Whereabouts::Tombstone);
    let said = conflict(&scene.plan()).to_owned();
    let remedy = format!("give {} another email, or let the account be removed", anchor(2));
    assert!(said.contains(&remedy) && !said.contains("relink"), "{said}");
}
