//! Rule 13: what another hand did in the backend.

use super::memory::give_up;
use super::scene::*;
use crate::model::WaitReason::{ApprovalRequired, NoSeat, RemovedElsewhere};
use crate::model::change::Verdict;
use crate::model::memory::Approval;
use crate::model::settings::{Drift, Match};
use crate::plan::effects::Verb;

fn staff(people: u32) -> Scene {
    Scene::staffed(&[("standard", people)], people)
}

/// Another hand takes somebody's seat and leaves no word.
fn take_seat(scene: &mut Scene, n: u32) {
    scene.backend.of_mut(&who(n)).seats.iter_mut().for_each(give_up);
    scene.backend.count();
}

/// Another hand deletes somebody's account.
fn delete(scene: &mut Scene, n: u32) {
    scene.backend.accounts.retain(|account| account.owner != Some(who(n)));
    scene.backend.count();
}

#[test]
fn a_seat_taken_by_another_hand_is_not_asked_for_again_until_approved() {
    let mut scene = staff(5);
    take_seat(&mut scene, 1);
    let plan = scene.cycle();
    assert_eq!(told(&plan, "removed_elsewhere"), [1]);
    assert_eq!(scene.queue("standard"), [(1, RemovedElsewhere)]);
    assert!(scene.cycle().is_empty());
    scene.decide(1, Verdict::Approve);
    scene.cycle();
    assert_eq!(scene.holders("standard").len(), 5);
}

#[test]
fn an_approval_from_before_does_not_give_a_taken_seat_back() {
    let mut scene = Scene::staffed(&[("standard", 1)], 3);
    scene.decide(2, Verdict::Approve);
    scene.pool("standard").seats = Some(2);
    scene.cycle();
    take_seat(&mut scene, 2);
    scene.cycle();
    assert_eq!(scene.holders("standard"), [1]);
    assert!(scene.queue("standard").contains(&(2, RemovedElsewhere)));
}

#[test]
fn a_fallback_taken_by_another_hand_is_not_taken_again() {
    let mut scene = Scene::new(&[("advanced", 0), ("standard", 5)]);
    scene.falls_back("advanced", "standard");
    scene.hire([1, 2, 3]);
    scene.cycle();
    scene.backend.of_mut(&who(1)).seats.iter_mut().filter(|seat| seat.is_held()).for_each(give_up);
    scene.backend.count();
    scene.cycle();
    assert_eq!(scene.holders("standard"), [2, 3]);
    assert_eq!(scene.queue("standard"), [(1, RemovedElsewhere)]);
    assert!(scene.plan().is_empty());
}

#[test]
fn an_account_deleted_by_another_hand_is_not_made_again() {
    let mut scene = staff(5);
    delete(&mut scene, 1);
    let plan = scene.cycle();
    assert!(plan.is_empty());
    assert_eq!(told(&plan, "removed_elsewhere"), [1]);
    assert_eq!(plan.taken, [who(1)]);
    let plan = scene.cycle();
    assert_eq!(told(&plan, "removed_elsewhere"), [1], "it is said again, and never counted as a loss again");
    assert!(plan.backend_lost.is_none());
    scene.memories.0.get_mut(&who(1)).unwrap().approval = Some(Approval::EveryPool);
    assert_eq!(story(&scene.cycle()), [(Verb::Provision, 1, "standard")], "once a person approved");
}

/// Rules 11 and 12: the approval comes with the account, before who waits and is not approved.
#[test]
fn an_account_made_again_is_approved_for_what_a_person_named_and_waits_for_that_first() {
    let mut scene = Scene::new(&[("advanced", 2), ("standard", 2)]);
    scene.settings.seats.match_ = Match::All;
    scene.settings.seats.approve_joiners = true;
    scene.hire(1..=3);
    scene.cycle();
    (1..=2).for_each(|n| scene.decide(n, Verdict::Approve));
    scene.cycle();
    delete(&mut scene, 1);
    scene.pool("advanced").seats = Some(1);
    scene.cycle();
    let only_advanced = Approval::and(None, Some("advanced".into()));
    scene.memories.0.get_mut(&who(1)).unwrap().approval = Some(only_advanced);
    scene.cycle();
    assert_eq!(scene.queue("advanced"), [(1, NoSeat), (3, ApprovalRequired)]);
    assert_eq!(
        scene.queue("standard"),
        [(3, ApprovalRequired), (1, RemovedElsewhere)],
        "the seat is free, and was not approved"
    );
    scene.pool("advanced").seats = Some(2);
    assert_eq!(story(&scene.cycle()), [(Verb::Promote, 1, "advanced")]);
}

#[test]
fn as_many_as_the_guard_lets_leave_may_vanish_and_one_more_means_the_backend_lost_them() {
    let mut scene = staff(20);
    (1..=3).for_each(|n| delete(&mut scene, n));
    assert_eq!(scene.plan().backend_lost, None);
    delete(&mut scene, 4);
    let lost = scene.plan().backend_lost.unwrap();
    assert_eq!((&*lost.directory, lost.count, lost.limit), ("corp", 4, 3));
}

#[test]
fn accounts_lost_by_the_backend_count_whatever_is_wished_for_their_owners() {
    let lost = |change: fn(&mut Scene)| {
        let mut scene = staff(20);
        change(&mut scene);
        (1..=20).for_each(|n| delete(&mut scene, n));
        let plan = scene.plan();
        plan.backend_lost.map(|lost| lost.count)
    };
    assert_eq!(lost(|scene| scene.source("corp").partial = true), Some(20));
    assert_eq!(lost(|scene| scene.source("corp").unread = true), Some(20));
    assert_eq!(lost(|scene| (1..=20).for_each(|n| scene.quarantine(n))), Some(20));
    assert_eq!(lost(|scene| scene.disable(1..=20)), Some(20));
    assert_eq!(lost(|scene| scene.settings.directories.clear()), Some(20), "a directory that is no longer configured");
}

#[test]
fn vanished_seats_count_among_the_accounts_that_are_still_there() {
    let mut scene = staff(39);
    (1..=4).for_each(|n| take_seat(&mut scene, n));
    let lost = scene.plan().backend_lost.expect("ten per cent of thirty-nine are three");
    assert_eq!((lost.count, lost.limit), (4, 3));
    let mut scene = staff(40);
    (1..=2).for_each(|n| take_seat(&mut scene, n));
    (3..=4).for_each(|n| delete(&mut scene, n));
    assert_eq!(scene.plan().backend_lost, None, "four of forty, two of them gone altogether");
}

#[test]
fn a_seat_that_another_hand_gave_is_kept_and_reported() {
    let mut scene = Scene::staffed(&[("advanced", 2), ("standard", 2)], 0);
    scene.pool_takes("advanced", []);
    scene.hire([1]);
    scene.cycle();
    let mut gift = scene.account(1).seats[0].clone();
    (gift.pool, gift.ours) = ("advanced".into(), false);
    scene.backend.of_mut(&who(1)).seats.insert(0, gift);
    scene.backend.count();
    let plan = scene.cycle();
    assert!(plan.is_empty());
    assert_eq!(told(&plan, "seat_given_elsewhere"), [1]);
    assert_eq!((scene.holders("advanced"), scene.holders("standard")), (vec![1], vec![1]));
}

#[test]
fn attributes_changed_by_another_hand_are_repaired_or_reported_as_the_config_says() {
    let mut scene = staff(5);
    scene.settings.backend.drift = Drift::Report;
    scene.backend.of_mut(&who(1)).profile.display_name = Some("by hand".into());
    for _ in 0..2 {
        let plan = scene.cycle();
        assert!(plan.is_empty());
        assert_eq!(told(&plan, "drift"), [1]);
    }
    scene.settings.backend.drift = Drift::Repair;
    let plan = scene.cycle();
    assert_eq!(story(&plan), [(Verb::Update, 1, "")]);
    assert!(told(&plan, "drift").is_empty());
    assert_eq!(scene.account(1).profile.display_name, None);
}

#[test]
fn what_the_directory_changed_is_sent_even_where_drift_is_only_reported() {
    let mut scene = staff(5);
    scene.settings.backend.drift = Drift::Report;
    scene.entry(1).profile.given_name = Some("Ada".into());
    assert_eq!(story(&scene.cycle()), [(Verb::Update, 1, "")]);
}

#[test]
fn what_vanished_in_a_pool_nobody_asks_for_any_more_is_nothing() {
    let mut scene = Scene::staffed(&[("advanced", 5), ("standard", 5)], 3);
    scene.pool_takes("advanced", [2, 3]);
    take_seat(&mut scene, 1);
    scene.cycle();
    assert_eq!(scene.holders("standard"), [1]);
}

#[test]
fn who_was_released_by_hand_keeps_the_place_and_is_passed() {
    let mut scene = Scene::staffed(&[("standard", 2)], 2);
    scene.decide(1, Verdict::Release);
    scene.hire([3, 4]);
    scene.cycle();
    assert_eq!(scene.holders("standard"), [2, 3]);
    assert_eq!(scene.queue("standard"), [(1, RemovedElsewhere), (4, NoSeat)]);
}
