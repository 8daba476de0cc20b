//! Rules 9, 11 and 12: who gets a seat, who waits, and in which order.

use super::scene::*;
use crate::model::WaitReason::{ApprovalRequired, DomainNotApproved, NoSeat};
use crate::model::change::{Promotion, Verdict};
use crate::model::{Assignment, SeatState};
use crate::plan::effects::Verb;

fn seat<'a>(scene: &'a Scene, n: u32, pool: &str) -> &'a Assignment {
    scene.account(n).seat(pool).unwrap()
}

#[test]
fn joiners_take_free_seats_and_exactly_the_first_k_of_n_get_one() {
    let mut scene = Scene::new(&[("standard", 2)]);
    scene.hire([3, 1, 2, 4]);
    scene.entry(4).created = Some(at(-2000));
    let plan = scene.cycle();
    assert_eq!(scene.holders("standard"), [1, 4], "created first, then the smallest anchor");
    assert_eq!(scene.queue("standard"), [(2, NoSeat), (3, NoSeat)]);
    let positions: Vec<_> = plan.changes.iter().filter_map(|change| change.position).collect();
    assert_eq!(positions, [1, 2], "places count from 1 without gaps");
}

#[test]
fn since_is_the_start_of_the_cycle_for_all_of_it() {
    let scene = Scene::staffed(&[("standard", 1)], 3);
    assert!((1..=3).all(|n| seat(&scene, n, "standard").since == at(0)));
}

#[test]
fn a_joiner_waits_behind_people_who_may_not_be_promoted() {
    let mut scene = Scene::staffed(&[("standard", 1)], 2);
    scene.pool("standard").seats = Some(3);
    scene.hire([3]);
    scene.cycle();
    assert_eq!(scene.holders("standard"), [1]);
    assert_eq!(scene.queue("standard"), [(2, NoSeat), (3, NoSeat)]);
}

#[test]
fn manual_promotion_gives_raised_seats_to_the_approved_alone_and_then_to_joiners() {
    let mut scene = Scene::staffed(&[("standard", 1)], 3);
    scene.pool("standard").seats = Some(9);
    scene.decide(3, Verdict::Approve);
    let plan = scene.cycle();
    assert_eq!(story(&plan), [(Verb::Promote, 3, "standard")]);
    scene.decide(2, Verdict::Approve);
    scene.hire([4]);
    let plan = scene.cycle();
    assert_eq!(story(&plan), [(Verb::Promote, 2, "standard"), (Verb::Provision, 4, "standard")]);
}

#[test]
fn automatic_promotion_gives_raised_seats_to_the_first_who_wait_before_any_joiner() {
    let mut scene = Scene::staffed(&[("standard", 1)], 4);
    scene.settings.seats.promotion = Promotion::Automatic;
    scene.pool("standard").seats = Some(3);
    scene.hire([0]);
    scene.entry(0).created = Some(at(-9999));
    scene.cycle();
    assert_eq!(scene.holders("standard"), [1, 2, 3]);
    assert_eq!(scene.queue("standard"), [(4, NoSeat), (0, NoSeat)]);
}

#[test]
fn an_approval_without_a_free_seat_is_kept_and_comes_before_those_not_approved() {
    let mut scene = Scene::staffed(&[("standard", 1)], 3);
    scene.decide(3, Verdict::Approve);
    assert!(scene.cycle().is_empty());
    assert_eq!(scene.queue("standard"), [(3, NoSeat), (2, NoSeat)]);
    scene.pool("standard").seats = Some(2);
    scene.cycle();
    assert_eq!(scene.holders("standard"), [1, 3]);
}

#[test]
fn rank_comes_before_approval_and_since() {
    let mut scene = Scene::staffed(&[("standard", 1)], 3);
    scene.settings.seats.promotion = Promotion::Automatic;
    scene.decide(2, Verdict::Approve);
    scene.prefers("standard", [9]);
    scene.prefers("standard", [3]);
    let plan = scene.cycle();
    assert!(plan.waves().iter().flatten().count() == 2, "both places are told their new rank");
    assert_eq!(scene.queue("standard"), [(3, NoSeat), (2, NoSeat)]);
    scene.pool("standard").seats = Some(2);
    scene.cycle();
    assert_eq!(scene.holders("standard"), [1, 3]);
}

#[test]
fn who_has_no_date_of_creation_counts_from_when_first_seen() {
    let mut scene = Scene::new(&[("standard", 0)]);
    scene.hire([1]);
    scene.entry(1).created = None;
    scene.cycle();
    scene.hire([2]);
    scene.entry(2).created = Some(at(-5));
    scene.cycle();
    assert_eq!(seat(&scene, 1, "standard").created, at(0));
    assert!(scene.plan().is_empty(), "and does not change with every cycle");
}

#[test]
fn seats_lowered_below_the_seats_held_evict_nobody_and_grant_nothing() {
    let mut scene = Scene::staffed(&[("standard", 3)], 3);
    scene.pool("standard").seats = Some(1);
    scene.hire([4]);
    scene.cycle();
    assert_eq!(scene.holders("standard"), [1, 2, 3]);
    assert_eq!(scene.queue("standard"), [(4, NoSeat)]);
    scene.settings.seats.promotion = Promotion::Automatic;
    scene.disable([1, 2]);
    scene.cycle();
    assert_eq!(scene.holders("standard"), [3], "one seat, one holder: still none free");
    scene.disable([3]);
    scene.cycle();
    assert_eq!(scene.holders("standard"), [4]);
}

#[test]
fn joiners_that_need_approval_wait_whatever_is_free_and_get_it_when_approved() {
    let mut scene = Scene::new(&[("standard", 5)]);
    scene.settings.seats.approve_joiners = true;
    scene.settings.seats.promotion = Promotion::Automatic;
    scene.hire([1, 2]);
    scene.cycle();
    assert_eq!(scene.queue("standard"), [(1, ApprovalRequired), (2, ApprovalRequired)]);
    assert!(scene.plan().is_empty());
    scene.decide(2, Verdict::Approve);
    scene.cycle();
    assert_eq!(scene.holders("standard"), [2]);
}

#[test]
fn who_waits_for_approval_is_passed_by_joiners_and_keeps_the_place() {
    let mut scene = Scene::new(&[("standard", 1)]);
    scene.settings.seats.approve_joiners = true;
    scene.hire([1]);
    scene.cycle();
    scene.settings.seats.approve_joiners = false;
    scene.hire([2, 3]);
    scene.cycle();
    assert_eq!(scene.holders("standard"), [2]);
    assert_eq!(scene.queue("standard"), [(1, ApprovalRequired), (3, NoSeat)]);
}

#[test]
fn approval_still_missing_follows_a_newcomer_into_another_pool() {
    let mut scene = Scene::new(&[("advanced", 5), ("standard", 5)]);
    scene.settings.seats.approve_joiners = true;
    scene.pool_takes("advanced", []);
    scene.hire([1]);
    scene.cycle();
    scene.pool_takes("advanced", [1]);
    scene.cycle();
    assert_eq!(scene.queue("advanced"), [(1, ApprovalRequired)]);
    assert_eq!(scene.queue("standard"), []);
    scene.decide(1, Verdict::Approve);
    scene.cycle();
    assert_eq!(scene.holders("advanced"), [1]);
}

/// A newcomer who was denied changed groups and was given the other pool's seat, though nobody had let them in.
#[test]
fn who_was_denied_as_a_newcomer_needs_approval_in_another_pool_too() {
    let mut scene = Scene::new(&[("advanced", 5), ("standard", 5)]);
    scene.settings.seats.approve_joiners = true;
    scene.pool_takes("advanced", []);
    scene.hire([1]);
    scene.cycle();
    scene.decide(1, Verdict::Deny);
    scene.pool_takes("advanced", [1]);
    scene.cycle();
    assert!(scene.holders("advanced").is_empty());
    assert_eq!(scene.queue("advanced"), [(1, ApprovalRequired)]);
}

#[test]
fn approval_given_in_one_pool_is_not_asked_again_by_the_next() {
    let mut scene = Scene::new(&[("advanced", 5), ("standard", 5)]);
    scene.settings.seats.approve_joiners = true;
    scene.pool_takes("advanced", []);
    scene.hire([1]);
    scene.cycle();
    scene.decide(1, Verdict::Approve);
    scene.cycle();
    scene.pool_takes("advanced", [1]);
    scene.cycle();
    assert_eq!(scene.holders("advanced"), [1]);
}

#[test]
fn an_unapproved_mail_domain_waits_until_domain_or_approval_changes() {
    let mut scene = Scene::new(&[("standard", 9)]);
    scene.settings.seats.approved_domains = Some(vec!["acme.example".into()]);
    scene.settings.seats.promotion = Promotion::Automatic;
    scene.hire([1, 2, 3]);
    scene.entry(1).profile.email = "P1@ACME.Example".into();
    scene.entry(2).profile.email = "p2@elsewhere.example".into();
    scene.entry(3).profile.email = "p3@elsewhere.example".into();
    scene.cycle();
    assert_eq!(scene.holders("standard"), [1]);
    assert_eq!(scene.queue("standard"), [(2, DomainNotApproved), (3, DomainNotApproved)]);
    assert!(scene.plan().is_empty());
    scene.entry(2).profile.email = "p2@acme.example".into();
    scene.decide(3, Verdict::Approve);
    scene.cycle();
    assert_eq!(scene.holders("standard"), [1, 2, 3]);
}

#[test]
fn what_was_denied_is_not_asked_for_again_until_approved() {
    let mut scene = Scene::staffed(&[("standard", 1)], 2);
    scene.settings.seats.promotion = Promotion::Automatic;
    scene.decide(2, Verdict::Deny);
    scene.pool("standard").seats = Some(5);
    scene.cycle();
    assert!(scene.plan().is_empty());
    assert_eq!(seat(&scene, 2, "standard").state, SeatState::Denied);
    scene.decide(2, Verdict::Approve);
    scene.cycle();
    assert_eq!(scene.holders("standard"), [1, 2]);
}

#[test]
fn one_bad_entry_stops_nobody_else_and_gets_nothing() {
    let mut scene = Scene::staffed(&[("standard", 2)], 3);
    scene.settings.seats.promotion = Promotion::Automatic;
    scene.hire([4]);
    for n in [2, 3, 4] {
        scene.quarantine(n);
    }
    scene.rename(2, "other");
    scene.pool("standard").seats = Some(9);
    scene.hire([5]);
    let plan = scene.cycle();
    assert_eq!(story(&plan), [(Verb::Provision, 5, "standard")], "no creation, no grant, no update, no leaver");
    assert_eq!(scene.queue("standard"), [(3, NoSeat)], "seat and place are kept");
    assert_eq!(plan.quarantined.len(), 3);
    scene.entry(3).quarantine = None;
    scene.cycle();
    assert!(scene.holders("standard").contains(&3));
}
