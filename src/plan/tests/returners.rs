//! Rules 12 and 15: who comes back.

use super::scene::*;
use crate::model::WaitReason::{ApprovalRequired, NoSeat, RemovedElsewhere};
use crate::model::change::{Operation, Promotion, Verdict};
use crate::model::{Assignment, SeatState, Suspension};
use crate::plan::effects::Verb;

fn seat(scene: &Scene, n: u32) -> &Assignment {
    scene.account(n).seat("standard").unwrap()
}

#[test]
fn who_comes_back_is_resumed_and_takes_a_free_seat_with_the_old_since() {
    let mut scene = Scene::staffed(&[("standard", 5)], 5);
    scene.disable([1]);
    scene.cycle();
    assert!(scene.is_suspended(1));
    assert!(scene.plan().is_empty(), "suspended is suspended");
    scene.enable(1);
    let plan = scene.cycle();
    assert_eq!(story(&plan), [(Verb::Grant, 1, "standard"), (Verb::Resume, 1, "")]);
    assert_eq!((seat(&scene, 1).state, seat(&scene, 1).since), (SeatState::Held, at(0)));
}

#[test]
fn who_comes_back_to_a_full_pool_waits_with_the_old_since_but_joins_behind_nobody_twice() {
    let mut scene = Scene::staffed(&[("standard", 2)], 2);
    scene.disable([1]);
    scene.hire([3, 4]);
    scene.cycle();
    assert_eq!(scene.holders("standard"), [2, 3]);
    scene.enable(1);
    scene.cycle();
    assert!(!scene.is_suspended(1));
    assert_eq!(scene.queue("standard"), [(1, NoSeat), (4, NoSeat)], "asked first of all");
    scene.settings.seats.promotion = Promotion::Automatic;
    scene.pool("standard").seats = Some(3);
    scene.cycle();
    assert_eq!(scene.holders("standard"), [1, 2, 3]);
}

#[test]
fn a_returner_is_a_joiner_and_waits_behind_those_who_wait() {
    let mut scene = Scene::staffed(&[("standard", 2)], 3);
    scene.disable([1]);
    scene.cycle();
    assert_eq!(scene.queue("standard"), [(3, NoSeat)], "manual: nobody is promoted");
    scene.enable(1);
    scene.cycle();
    assert_eq!(scene.holders("standard"), [2]);
    assert_eq!(scene.queue("standard"), [(1, NoSeat), (3, NoSeat)]);
}

#[test]
fn an_approved_returner_counts_as_waiting() {
    let mut scene = Scene::staffed(&[("standard", 1)], 3);
    scene.decide(2, Verdict::Approve);
    scene.disable([1]);
    scene.cycle();
    assert_eq!(scene.holders("standard"), [2]);
    scene.disable([2]);
    scene.cycle();
    scene.enable(2);
    scene.cycle();
    assert!(seat(&scene, 2).approved, "an approval survives suspension");
    assert_eq!(scene.holders("standard"), [2], "before number 3, who waits and may not be promoted");
}

#[test]
fn approval_for_newcomers_is_not_asked_of_returners_but_stays_missing_where_it_was() {
    let mut scene = Scene::staffed(&[("standard", 9)], 4);
    scene.settings.seats.approve_joiners = true;
    scene.hire([5]);
    scene.cycle();
    scene.disable([1, 5]);
    scene.cycle();
    scene.enable(1);
    scene.enable(5);
    scene.cycle();
    assert!(scene.holders("standard").contains(&1));
    assert_eq!(scene.queue("standard"), [(5, ApprovalRequired)]);
}

#[test]
fn a_seat_taken_away_by_another_hand_stays_away_through_suspension() {
    let mut scene = Scene::staffed(&[("standard", 5)], 5);
    scene.decide(1, Verdict::Release);
    scene.cycle();
    scene.disable([1]);
    scene.cycle();
    assert_eq!(seat(&scene, 1).state, SeatState::Past(Some(RemovedElsewhere)));
    scene.enable(1);
    scene.cycle();
    assert_eq!(scene.queue("standard"), [(1, RemovedElsewhere)]);
    scene.decide(1, Verdict::Approve);
    scene.cycle();
    assert!(scene.holders("standard").contains(&1));
}

#[test]
fn a_denial_stays_through_suspension() {
    let mut scene = Scene::staffed(&[("standard", 4)], 5);
    scene.decide(5, Verdict::Deny);
    scene.disable([5, 1]);
    scene.cycle();
    scene.enable(5);
    scene.cycle();
    assert_eq!(seat(&scene, 5).state, SeatState::Denied);
    assert_eq!(scene.holders("standard"), [2, 3, 4]);
}

#[test]
fn whom_another_hand_suspended_the_agent_does_not_resume() {
    let mut scene = Scene::staffed(&[("standard", 5)], 5);
    scene.backend.of_mut(&who(1)).suspension = Some(Suspension { by_agent: false, at: at(1), cause: None });
    let plan = scene.cycle();
    assert!(plan.is_empty());
    assert_eq!(told(&plan, "suspended_elsewhere"), [1]);
    scene.decide(1, Verdict::Approve);
    assert_eq!(story(&scene.cycle()), [(Verb::Resume, 1, "")]);
}

#[test]
fn a_returner_who_kept_the_seat_simply_has_it() {
    let mut scene = Scene::staffed(&[("standard", 5)], 5);
    scene.settings.leavers.suspended_keeps_seat = true;
    scene.disable([1]);
    scene.cycle();
    scene.enable(1);
    assert_eq!(story(&scene.cycle()), [(Verb::Resume, 1, "")]);
    assert!(scene.holders("standard").contains(&1));
}

#[test]
fn a_returner_whose_rule_is_keep_was_never_away() {
    let mut scene = Scene::staffed(&[("standard", 5)], 5);
    scene.settings.leavers.disabled = crate::model::settings::LeaverRule::Keep;
    scene.disable([1]);
    scene.cycle();
    scene.enable(1);
    assert!(scene.plan().is_empty());
}

#[test]
fn who_comes_back_with_another_name_is_resumed_under_it() {
    let mut scene = Scene::staffed(&[("standard", 5)], 5);
    scene.disable([1]);
    scene.cycle();
    scene.enable(1);
    scene.rename(1, "married");
    let plan = scene.cycle();
    let operations: Vec<_> = plan.waves().iter().flatten().map(|step| &step.operation).collect();
    assert!(matches!(operations[..], [Operation::Update { .. }, Operation::Resume, Operation::Claim(_)]));
    assert_eq!(scene.account(1).profile.email, "married@acme.example");
}
