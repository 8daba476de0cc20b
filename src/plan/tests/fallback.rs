//! Rule 12: the seat taken while the preferred pool has none.

use super::scene::*;
use crate::model::WaitReason::{ApprovalRequired, NoSeat};
use crate::model::change::{Promotion, Verdict};
use crate::plan::effects::Verb;

/// Everyone prefers `advanced` and falls back to `standard`.
fn falling(advanced: u32, standard: u32, people: u32) -> Scene {
    let mut scene = Scene::new(&[("advanced", advanced), ("standard", standard)]);
    scene.falls_back("advanced", "standard");
    scene.hire(1..=people);
    scene.cycle();
    scene
}

#[test]
fn who_finds_no_preferred_seat_takes_the_fallback_and_stays_in_the_queue() {
    let scene = falling(1, 1, 2);
    assert_eq!((scene.holders("advanced"), scene.holders("standard")), (vec![1], vec![2]));
    assert_eq!((scene.queue("advanced"), scene.queue("standard")), (vec![(2, NoSeat)], vec![]));
    assert!(scene.plan().is_empty());
}

#[test]
fn where_both_are_full_people_wait_in_both_queues() {
    let mut scene = falling(1, 1, 3);
    assert_eq!((scene.queue("advanced"), scene.queue("standard")), (vec![(2, NoSeat), (3, NoSeat)], vec![(3, NoSeat)]));
    scene.settings.seats.promotion = Promotion::Automatic;
    assert!(scene.plan().is_empty());
    scene.pool("standard").seats = Some(2);
    scene.cycle();
    assert_eq!(scene.holders("standard"), [2, 3]);
    assert_eq!(scene.queue("advanced"), [(2, NoSeat), (3, NoSeat)]);
}

#[test]
fn who_is_promoted_from_both_queues_leaves_the_fallbacks() {
    let mut scene = falling(1, 0, 2);
    scene.settings.seats.promotion = Promotion::Automatic;
    scene.pool("advanced").seats = Some(2);
    scene.pool("standard").seats = Some(1);
    scene.cycle();
    assert_eq!((scene.holders("advanced"), scene.holders("standard")), (vec![1, 2], vec![]));
    assert_eq!(scene.queue("standard"), []);
}

#[test]
fn the_seat_freed_by_a_promotion_from_the_fallback_goes_to_the_next_in_the_same_plan() {
    let mut scene = falling(1, 1, 3);
    scene.settings.seats.promotion = Promotion::Automatic;
    scene.pool("advanced").seats = Some(2);
    let plan = scene.cycle();
    assert_eq!((scene.holders("advanced"), scene.holders("standard")), (vec![1, 2], vec![3]));
    let promoted = [(Verb::Promote, 2, "advanced"), (Verb::Promote, 3, "standard")];
    assert_eq!(story(&plan), promoted);
    assert_eq!(plan.changes[0].effect.from_pool.as_deref(), Some("standard"));
}

#[test]
fn in_the_fallback_its_own_order_counts() {
    let mut scene = Scene::new(&[("advanced", 0), ("standard", 1)]);
    scene.falls_back("advanced", "standard");
    scene.pool_takes("advanced", [1]);
    scene.prefers("standard", [2]);
    scene.hire([1, 2]);
    scene.cycle();
    assert_eq!(scene.holders("standard"), [2]);
    assert_eq!(scene.queue("standard"), [(1, NoSeat)]);
}

#[test]
fn who_waits_for_approval_does_not_fall_back() {
    let mut scene = Scene::new(&[("advanced", 0), ("standard", 1)]);
    scene.falls_back("advanced", "standard");
    scene.settings.seats.approve_joiners = true;
    scene.hire([1]);
    scene.cycle();
    assert_eq!((scene.holders("standard"), scene.queue("standard")), (vec![], vec![]));
    assert_eq!(scene.queue("advanced"), [(1, ApprovalRequired)]);
    scene.decide(1, Verdict::Approve);
    scene.cycle();
    assert_eq!(scene.holders("standard"), [1]);
    assert_eq!(scene.queue("advanced"), [(1, NoSeat)]);
}

#[test]
fn the_fallback_is_one_step_and_no_chain() {
    let mut scene = Scene::new(&[("gold", 0), ("silver", 0), ("bronze", 5)]);
    scene.falls_back("gold", "silver");
    scene.falls_back("silver", "bronze");
    scene.hire([1]);
    scene.cycle();
    assert_eq!((scene.queue("gold"), scene.queue("silver")), (vec![(1, NoSeat)], vec![(1, NoSeat)]));
    assert!(scene.holders("bronze").is_empty());
}

#[test]
fn a_mover_without_a_seat_in_either_keeps_the_old_one() {
    let mut scene = Scene::new(&[("gold", 0), ("silver", 1), ("bronze", 5)]);
    scene.pool_takes("gold", []);
    scene.pool_takes("silver", [9]);
    scene.falls_back("gold", "silver");
    scene.hire([1, 9]);
    scene.cycle();
    scene.pool_takes("gold", [1]);
    scene.cycle();
    assert_eq!(scene.holders("bronze"), [1]);
    assert_eq!((scene.queue("gold"), scene.queue("silver")), (vec![(1, NoSeat)], vec![(1, NoSeat)]));
    scene.settings.seats.promotion = Promotion::Automatic;
    scene.pool("silver").seats = Some(2);
    scene.cycle();
    assert_eq!((scene.holders("silver"), scene.holders("bronze")), (vec![1, 9], vec![]));
    scene.pool("gold").seats = Some(1);
    scene.cycle();
    assert_eq!((scene.holders("gold"), scene.holders("silver")), (vec![1], vec![9]));
}

#[test]
fn who_holds_the_fallback_as_the_first_choice_of_old_keeps_it_until_promoted() {
    let mut scene = Scene::staffed(&[("advanced", 0), ("standard", 2)], 0);
    scene.pool_takes("advanced", []);
    scene.hire([1]);
    scene.cycle();
    scene.falls_back("advanced", "standard");
    scene.pool_takes("advanced", [1]);
    scene.cycle();
    assert_eq!((scene.holders("standard"), scene.queue("advanced")), (vec![1], vec![(1, NoSeat)]));
    assert!(scene.plan().is_empty());
}
