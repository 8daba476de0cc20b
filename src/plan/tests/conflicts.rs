//! Rule 14 and "who is who": values that belong to another account, and values that two people share.

use super::scene::*;
use crate::model::change::Promotion;
use crate::model::settings::LeaverRule;
use crate::model::snapshot::Whereabouts;
use crate::model::{Defect, WaitReason};
use crate::plan::effects::Verb;

#[test]
fn a_new_anchor_with_the_address_of_a_suspended_account_names_the_relink_command() {
    let mut scene = Scene::staffed(&[("standard", 5)], 5);
    scene.vanish(1, Whereabouts::Tombstone);
    scene.cycle();
    scene.hire([11]);
    scene.rename(11, "p1");
    let plan = scene.plan();
    assert!(plan.is_empty());
    let message = &plan.problems.iter().find(|problem| problem.code == "conflict").unwrap().message;
    assert!(message.contains(&format!("seatsync relink {} {}", anchor(1), anchor(11))), "{message}");
}

#[test]
fn the_command_is_named_in_the_very_cycle_that_suspends_the_old_account() {
    let mut scene = Scene::staffed(&[("standard", 5)], 5);
    scene.vanish(1, Whereabouts::Tombstone);
    scene.hire([11]);
    scene.rename(11, "p1");
    let plan = scene.plan();
    assert_eq!(story(&plan), [(Verb::Suspend, 1, "")]);
    let message = &plan.problems.iter().find(|problem| problem.code == "conflict").unwrap().message;
    assert!(message.contains("seatsync relink"), "{message}");
}

#[test]
fn a_removed_account_leaves_its_address_to_a_newcomer_of_the_same_plan() {
    let mut scene = Scene::staffed(&[("standard", 5)], 5);
    scene.settings.leavers.deleted = LeaverRule::Remove;
    scene.settings.leavers.remove_after = Some(HOUR);
    scene.vanish(1, Whereabouts::Tombstone);
    scene.cycle();
    scene.wait(HOUR);
    scene.hire([11]);
    scene.rename(11, "p1");
    assert_eq!(story(&scene.cycle()), [(Verb::Remove, 1, ""), (Verb::Provision, 11, "standard")]);
}

#[test]
fn who_has_the_account_keeps_a_shared_address_and_the_other_is_a_duplicate_naming_both() {
    let mut scene = Scene::staffed(&[("standard", 5)], 2);
    scene.hire([0]);
    scene.entry(0).profile.email = "P2@acme.EXAMPLE".into();
    let plan = scene.plan();
    assert!(plan.is_empty());
    assert_eq!(plan.quarantined.keys().collect::<Vec<_>>(), [&who(0)]);
    let message = &plan.quarantined[&who(0)].message;
    assert!(message.contains("CN=p2,DC=acme") && message.contains(&anchor(2).to_string()), "{message}");
}

#[test]
fn where_none_has_the_account_all_are_duplicates() {
    let mut scene = Scene::staffed(&[("standard", 5)], 1);
    scene.hire([2, 3, 4]);
    for n in [2, 3] {
        scene.entry(n).profile.user_name = "same".into();
    }
    scene.add_directory("lab");
    let mut other = sighting(9);
    other.profile.user_name = "SAME".into();
    scene.source("lab").people.push(other);
    let plan = scene.plan();
    assert_eq!(story(&plan), [(Verb::Provision, 4, "standard")]);
    assert_eq!(plan.quarantined.len(), 3, "over all directories");
}

#[test]
fn who_is_quarantined_for_something_else_keeps_others_from_a_shared_address() {
    let mut scene = Scene::staffed(&[("standard", 5)], 1);
    scene.hire([2, 3]);
    scene.rename(3, "p2");
    scene.quarantine(3);
    let plan = scene.plan();
    assert!(plan.is_empty(), "else the other loses it as soon as the entry is mended: {}", bytes(&plan));
    assert_eq!(plan.quarantined.len(), 2);
    assert_eq!(plan.quarantined[&who(2)].reason, Defect::Duplicate);
    scene.cycle();
    scene.disable([3]);
    assert_eq!(story(&scene.plan()), [(Verb::Provision, 2, "standard")]);
}

#[test]
fn who_has_the_account_keeps_the_address_though_the_entry_cannot_be_used() {
    let mut scene = Scene::staffed(&[("standard", 5)], 2);
    scene.quarantine(2);
    scene.hire([3]);
    scene.rename(3, "p2");
    let plan = scene.plan();
    assert!(plan.is_empty(), "{}", bytes(&plan));
    assert_eq!(plan.quarantined[&who(3)].reason, Defect::Duplicate);
    assert_eq!(plan.quarantined[&who(2)].reason, Defect::Missing, "for its own defect alone");
}

#[test]
fn a_leaver_or_somebody_out_of_scope_is_nobodys_duplicate() {
    let mut scene = Scene::staffed(&[("standard", 5)], 1);
    scene.hire([2, 3]);
    scene.rename(3, "p2");
    scene.disable([3]);
    assert_eq!(story(&scene.plan()), [(Verb::Provision, 2, "standard")]);
    scene.enable(3);
    assert_eq!(scene.plan().quarantined.len(), 2);
}

#[test]
fn a_duplicate_with_an_account_of_its_own_keeps_seat_and_place_and_nothing_more() {
    let mut scene = Scene::staffed(&[("standard", 1)], 2);
    scene.entry(2).profile.email = "p1@acme.example".into();
    scene.settings.seats.promotion = Promotion::Automatic;
    scene.pool("standard").seats = Some(2);
    scene.cycle();
    assert_eq!(scene.holders("standard"), [1]);
    assert_eq!(scene.queue("standard"), [(2, WaitReason::NoSeat)]);
    assert_eq!(scene.account(2).profile.email, "p2@acme.example");
}

#[test]
fn a_conflict_keeps_seat_and_place_and_stops_nobody_else() {
    let mut scene = Scene::staffed(&[("standard", 2)], 3);
    scene.settings.seats.promotion = Promotion::Automatic;
    scene.backend.add_unmanaged("theirs", profile("taken"));
    scene.rename(1, "taken");
    scene.rename(3, "taken2");
    scene.entry(3).profile.email = "taken@acme.example".into();
    scene.entry(1).profile.email = "p1@acme.example".into();
    scene.pool("standard").seats = Some(4);
    scene.hire([4]);
    let plan = scene.cycle();
    assert_eq!(told(&plan, "conflict"), [1, 3]);
    assert_eq!(scene.holders("standard"), [1, 2, 4]);
    assert_eq!(scene.queue("standard"), [(3, WaitReason::NoSeat)]);
}

#[test]
fn a_value_freed_by_another_person_is_taken_by_who_waited_for_it() {
    let mut scene = Scene::staffed(&[("standard", 5)], 2);
    scene.hire([3]);
    scene.entry(3).profile.email = "p2@acme.example".into();
    assert_eq!(scene.plan().quarantined.len(), 1);
    scene.rename(2, "new2");
    let plan = scene.cycle();
    assert_eq!(story(&plan), [(Verb::Update, 2, ""), (Verb::Provision, 3, "standard")]);
}
