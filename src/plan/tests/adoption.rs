//! Rule 14: which accounts are taken over, and that all others are never touched.

use super::scene::*;
use crate::model::settings::Adopt;
use crate::model::{Suspension, WaitReason};
use crate::plan::effects::Verb;

/// Number 1 in the directory, and an account `theirs` of the same anchor and mail that another hand made.
fn met(adopt: Adopt) -> Scene {
    let mut scene = Scene::staffed(&[("standard", 9)], 0);
    scene.settings.backend.adopt = adopt;
    scene.hire([1]);
    let account = scene.backend.add_unmanaged("theirs", profile("P1"));
    account.external = Some(anchor(1));
    scene
}

#[test]
fn with_none_nothing_is_adopted_and_the_clash_is_a_conflict_naming_both() {
    let scene = met(Adopt::None);
    let plan = scene.plan();
    assert!(plan.is_empty());
    assert_eq!(told(&plan, "conflict"), [1]);
    let message = &plan.problems[0].message;
    assert!(message.contains("theirs") && message.contains(&anchor(1).to_string()), "{message}");
    assert_eq!(plan.quarantined.len(), 1);
}

#[test]
fn with_anchor_the_account_that_carries_the_anchor_is_adopted_and_nothing_else_of_it_changes() {
    let mut scene = met(Adopt::Anchor);
    let before = scene.backend.accounts[0].clone();
    assert_eq!(story(&scene.cycle()), [(Verb::Adopt, 1, "")]);
    let after = scene.account(1);
    assert_eq!((&after.profile, &after.seats, after.adopted), (&before.profile, &before.seats, true));
    assert_eq!(story(&scene.cycle()), [(Verb::Grant, 1, "standard"), (Verb::Update, 1, "")]);
    assert!(scene.plan().is_empty());
}

#[test]
fn with_anchor_a_shared_mail_address_is_not_enough() {
    let mut scene = met(Adopt::Anchor);
    scene.backend.accounts[0].external = None;
    let plan = scene.plan();
    assert!(plan.is_empty());
    assert_eq!(told(&plan, "conflict"), [1]);
}

#[test]
fn with_email_the_address_decides_case_folded() {
    let mut scene = met(Adopt::Email);
    scene.backend.accounts[0].external = None;
    assert_eq!(story(&scene.cycle()), [(Verb::Adopt, 1, "")]);
}

#[test]
fn an_address_that_two_accounts_share_adopts_neither() {
    let mut scene = met(Adopt::Email);
    scene.backend.accounts[0].external = None;
    scene.backend.add_unmanaged("twin", profile("p1"));
    let plan = scene.plan();
    assert!(plan.is_empty());
    assert_eq!(told(&plan, "conflict"), [1]);
}

#[test]
fn an_address_that_two_people_share_adopts_nothing() {
    let mut scene = met(Adopt::Email);
    scene.backend.accounts[0].external = None;
    scene.hire([2]);
    scene.entry(2).profile.email = "p1@ACME.example".into();
    let plan = scene.plan();
    assert!(plan.is_empty());
    assert_eq!(plan.quarantined.len(), 2);
}

#[test]
fn an_anchor_that_two_accounts_or_two_directories_share_adopts_nothing() {
    let mut scene = met(Adopt::Anchor);
    let mut twin = scene.clone();
    twin.backend.add_unmanaged("twin", profile("twin")).external = Some(anchor(1));
    assert_eq!(told(&twin.plan(), "conflict"), [1]);

    scene.add_directory("lab");
    let mut other = sighting(1);
    other.profile = profile("lab1");
    scene.source("lab").people.push(other);
    let plan = scene.plan();
    assert_eq!(told(&plan, "conflict"), [1, 1], "nobody knows whose it is");
    assert!(!story(&plan).iter().any(|(verb, ..)| *verb == Verb::Adopt));
}

#[test]
fn an_account_that_carries_somebody_elses_anchor_is_not_adopted_by_its_address() {
    let mut scene = met(Adopt::Email);
    scene.rename(1, "moved-on");
    scene.hire([2]);
    scene.entry(2).profile.email = "p1@acme.example".into();
    let plan = scene.cycle();
    assert_eq!(story(&plan), [(Verb::Adopt, 1, "")], "the anchor is the better proof");
    assert_eq!(told(&plan, "conflict"), [2]);
    scene.cycle();
    assert!(scene.has_account(2), "once number 1 has given up the address");
}

#[test]
fn whose_anchor_an_unmanaged_account_carries_gets_no_second_account_whatever_the_names() {
    let mut scene = met(Adopt::None);
    scene.rename(1, "somebody-new");
    let plan = scene.plan();
    assert!(plan.is_empty());
    assert_eq!(told(&plan, "conflict"), [1]);
    assert!(plan.problems[0].message.contains("theirs"), "{}", plan.problems[0].message);
}

#[test]
fn adopting_resumes_nobody() {
    let mut scene = met(Adopt::Anchor);
    scene.backend.accounts[0].suspension = Some(Suspension { by_agent: false, at: at(-9), cause: None });
    assert_eq!(story(&scene.cycle()), [(Verb::Adopt, 1, "")]);
    let plan = scene.cycle();
    assert_eq!(story(&plan), [(Verb::Update, 1, "")], "only the names follow");
    assert!(scene.is_suspended(1));
    assert_eq!(told(&plan, "suspended_elsewhere"), [1]);
}

#[test]
fn seats_of_unmanaged_accounts_are_held_seats_and_never_taken() {
    let mut scene = Scene::staffed(&[("standard", 2)], 1);
    let seat = scene.account(1).seats[0].clone();
    scene.backend.add_unmanaged("theirs", profile("visitor")).seats.push(seat);
    scene.backend.count();
    scene.hire([2]);
    scene.cycle();
    assert_eq!(scene.queue("standard"), [(2, WaitReason::NoSeat)], "two seats, two holders");
    assert!(scene.backend.accounts.iter().any(|account| account.owner.is_none() && account.seats[0].is_held()));
}

#[test]
fn people_of_a_directory_no_longer_configured_are_frozen_and_reported() {
    let mut scene = Scene::staffed(&[("standard", 2)], 3);
    scene.add_directory("lab");
    scene.settings.directories.remove(0);
    scene.sources.remove("corp");
    scene.settings.seats.promotion = crate::model::change::Promotion::Automatic;
    scene.pool("standard").seats = Some(9);
    let mut newcomer = sighting(7);
    newcomer.profile = profile("lab7");
    scene.source("lab").people.push(newcomer);
    let plan = scene.cycle();
    assert_eq!(story(&plan), [(Verb::Provision, 7, "standard")], "and a directory gone for good stops nobody");
    assert_eq!(scene.queue("standard"), [(3, WaitReason::NoSeat)]);
    let problem = plan.problems.iter().find(|problem| problem.code == "directory_not_configured").unwrap();
    assert!(problem.message.contains("corp") && problem.message.contains('3'), "{}", problem.message);
}
