//! Who left lets go of a name that the directory gives to somebody else, and never takes one from anybody.

use jiff::SignedDuration;

use super::scene::*;
use crate::model::Profile;
use crate::model::settings::LeaverRule;
use crate::model::snapshot::Whereabouts;
use crate::plan::Plan;
use crate::plan::effects::Verb;

fn email(scene: &Scene, n: u32) -> String {
    scene.account(n).profile.email.clone()
}

fn at_acme(name: &str) -> String {
    format!("{name}@acme.example")
}

/// A value that nobody else has.
fn aside(n: u32) -> String {
    format!("seatsync-swap-{}@swap.invalid", anchor(n))
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
fn a_leaver_whose_entry_shows_what_a_colleague_has_lets_go_all_the_same() {
    let mut scene = departed();
    scene.rename(1, "p2");
    scene.rename(2, "p1");
    scene.cycle();
    assert_eq!((email(&scene, 1), email(&scene, 2)), (aside(1), "p1@acme.example".into()));
    assert!(scene.plan().is_empty());
}

#[test]
fn a_newcomer_gets_the_address_though_the_leavers_entry_shows_the_managers_now() {
    let mut scene = departed();
    scene.rename(1, "p2");
    scene.hire([11]);
    scene.rename(11, "p1");
    scene.cycle();
    assert_eq!([1, 2, 11].map(|n| email(&scene, n)), [aside(1), "p2@acme.example".into(), "p1@acme.example".into()]);
    assert!(scene.plan().is_empty());
}

#[test]
fn a_leaver_at_the_end_of_a_chain_stops_nobody_of_it() {
    let mut scene = departed();
    // 3 gets what 2 has, 2 what the leaver had; the leaver's entry shows what 3 gets, and a newcomer what 3 had.
    scene.rename(3, "p2");
    scene.rename(2, "p1");
    scene.rename(1, "p2");
    scene.hire([11]);
    scene.rename(11, "p3");
    let plan = scene.cycle();
    assert!(told(&plan, "conflict").is_empty());
    assert_eq!([1, 2, 3, 11].map(|n| email(&scene, n)), [aside(1), at_acme("p1"), at_acme("p2"), at_acme("p3")]);
    assert!(scene.plan().is_empty());
}

#[test]
fn leavers_who_get_one_placeholder_in_the_directory_let_go_both() {
    let mut scene = staffed();
    scene.disable([1, 2]);
    scene.cycle();
    scene.rename(1, "gone");
    scene.rename(2, "gone");
    scene.hire([11, 12]);
    scene.rename(11, "p1");
    scene.rename(12, "p2");
    scene.cycle();
    assert_eq!([1, 2, 11, 12].map(|n| email(&scene, n)), [at_acme("gone"), aside(2), at_acme("p1"), at_acme("p2")]);
    assert!(scene.plan().is_empty());
}

#[test]
fn an_entry_that_cannot_be_used_or_a_partial_read_lets_nothing_go() {
    let mut scene = departed();
    scene.rename(1, "old1");
    scene.quarantine(1);
    scene.rename(2, "p1");
    assert_eq!(told(&scene.plan(), "conflict"), [2]);
    scene.entry(1).quarantine = None;
    scene.source("corp").partial = true;
    assert_eq!(told(&scene.plan(), "conflict"), [2]);
}

#[test]
fn an_entry_that_is_no_person_any_more_changes_nothing_in_the_account() {
    let mut scene = staffed();
    scene.rename(2, "p1");
    let mut blank = scene.entry(1).clone();
    blank.profile = Profile::default();
    scene.vanish(1, Whereabouts::OutOfScope(Box::new(blank)));
    let plan = scene.cycle();
    assert_eq!(story(&plan), [(Verb::Suspend, 1, "")]);
    assert_eq!(email(&scene, 1), at_acme("p1"), "nothing says that it was let go");
}

#[test]
fn a_leaver_takes_no_address_that_somebody_unusable_or_unread_may_have() {
    let mut scene = departed();
    scene.rename(1, "info");
    scene.hire([11, 12, 13]);
    // Two share it, so neither can be served; a third gets what the leaver had.
    scene.rename(11, "info");
    scene.rename(12, "info");
    scene.rename(13, "p1");
    scene.cycle();
    assert_eq!((email(&scene, 1), email(&scene, 13)), (aside(1), at_acme("p1")));
    scene.rename(12, "single");
    scene.cycle();
    assert_eq!((email(&scene, 11), email(&scene, 12)), (at_acme("info"), at_acme("single")));

    let mut scene = departed();
    scene.add_directory("lab");
    scene.source("lab").partial = true;
    scene.rename(1, "old1");
    scene.rename(2, "p1");
    scene.cycle();
    assert_eq!((email(&scene, 1), email(&scene, 2)), (aside(1), at_acme("p1")), "the lab was not read");
}

#[test]
fn nothing_of_a_leaver_is_updated_that_nobody_needs() {
    let mut scene = departed();
    scene.rename(1, "old1");
    scene.entry(1).profile.display_name = Some("gone".into());
    assert!(scene.plan().is_empty());
}

#[test]
fn a_removal_that_is_held_back_keeps_no_address_from_anybody() {
    let mut scene = staffed();
    scene.settings.leavers.disabled = LeaverRule::Remove;
    scene.settings.leavers.remove_after = Some(SignedDuration::from_hours(1));
    scene.disable(1..=3);
    scene.cycle();
    scene.wait(SignedDuration::from_hours(30));
    scene.disable([4]);
    scene.rename(1, "old1");
    scene.hire([11]);
    scene.rename(11, "p1");
    let plan = scene.cycle();
    assert!(!plan.held.is_empty() && scene.has_account(1), "four are too many");
    assert_eq!((email(&scene, 1), email(&scene, 11)), (at_acme("old1"), at_acme("p1")));
}

#[test]
fn names_let_go_are_not_counted_with_the_renames() {
    let mut scene = staffed();
    scene.disable([1, 2, 3]);
    scene.cycle();
    for n in 1..=3 {
        scene.rename(n, &format!("old{n}"));
        scene.hire([10 + n]);
        scene.rename(10 + n, &format!("p{n}"));
    }
    scene.rename(4, "new4");
    let plan = scene.cycle();
    assert!(plan.held.is_empty(), "{:?}", plan.held);
    assert_eq!([4, 11].map(|n| email(&scene, n)), [at_acme("new4"), at_acme("p1")]);
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

#[test]
fn while_the_guard_holds_back_that_the_owner_leaves_that_is_said_of_an_address_first() {
    let mut scene = staffed();
    scene.disable([1, 2, 3, 4]);
    scene.hire([11]);
    scene.entry(11).profile.email = at_acme("p1");
    let plan = scene.plan();
    assert!(!plan.held.is_empty(), "four are too many");
    let said = conflict(&plan);
    assert!(said.contains("its owner leaves, and the guard holds that back (`seatsync status` has"), "{said}");
    assert!(said.contains("then, if this is the same person: `seatsync relink"), "{said}");
}
