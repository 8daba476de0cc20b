//! Rules 4 and 15: what becomes of leavers, by cause and by rule.

use jiff::SignedDuration;

use super::scene::*;
use crate::model::LeaveCause::{self, Deleted, Disabled, Expired, OutOfScope};
use crate::model::WaitReason::NoSeat;
use crate::model::change::{Operation, Promotion};
use crate::model::settings::LeaverRule;
use crate::model::snapshot::Whereabouts;
use crate::model::{SeatState, Standing, Suspension};
use crate::plan::effects::Verb;

/// Makes number 1 a leaver for this cause.
fn leave(scene: &mut Scene, cause: LeaveCause) {
    match cause {
        Disabled => scene.disable([1]),
        Expired => scene.entry(1).standing = Standing::Expired,
        Deleted => scene.vanish(1, Whereabouts::Tombstone),
        OutOfScope => {
            let found = Box::new(scene.entry(1).clone());
            scene.vanish(1, Whereabouts::OutOfScope(found));
        }
    }
}

fn rule(scene: &mut Scene, cause: LeaveCause, rule: LeaverRule) {
    let leavers = &mut scene.settings.leavers;
    match cause {
        Disabled | Expired => leavers.disabled = rule,
        Deleted => leavers.deleted = rule,
        OutOfScope => leavers.out_of_scope = rule,
    }
}

const CAUSES: [LeaveCause; 4] = [Disabled, Expired, Deleted, OutOfScope];

#[test]
fn leavers_of_every_cause_are_suspended_and_the_seat_goes_to_the_next_in_the_same_plan() {
    for cause in CAUSES {
        let mut scene = Scene::staffed(&[("standard", 4)], 5);
        scene.settings.seats.promotion = Promotion::Automatic;
        leave(&mut scene, cause);
        let plan = scene.cycle();
        assert_eq!(story(&plan), [(Verb::Suspend, 1, ""), (Verb::Promote, 5, "standard")], "{cause:?}");
        let suspension = scene.account(1).suspension.clone().unwrap();
        assert_eq!((suspension.by_agent, suspension.cause, suspension.at), (true, Some(cause), at(60)));
        assert_eq!(scene.holders("standard"), [2, 3, 4, 5]);
    }
}

#[test]
fn the_rule_of_one_cause_does_not_reach_the_others() {
    for cause in CAUSES {
        for kept in [Disabled, Deleted, OutOfScope] {
            let mut scene = Scene::staffed(&[("standard", 5)], 5);
            rule(&mut scene, kept, LeaverRule::Keep);
            leave(&mut scene, cause);
            let same = kept == cause || (kept, cause) == (Disabled, Expired);
            assert_eq!(scene.plan().is_empty(), same, "{cause:?} where {kept:?} is kept");
        }
    }
}

#[test]
fn with_keep_a_leaver_holds_on_to_the_seat_and_gets_no_update() {
    for cause in CAUSES {
        let mut scene = Scene::staffed(&[("standard", 5)], 5);
        rule(&mut scene, cause, LeaverRule::Keep);
        scene.rename(1, "other");
        leave(&mut scene, cause);
        assert!(scene.cycle().is_empty());
        assert!(scene.holders("standard").contains(&1));
    }
}

#[test]
fn with_keep_a_leaver_keeps_the_place_gets_no_grant_and_stops_nobody() {
    let mut scene = Scene::staffed(&[("standard", 1)], 2);
    rule(&mut scene, Disabled, LeaverRule::Keep);
    scene.disable([2]);
    scene.pool("standard").seats = Some(2);
    scene.settings.seats.promotion = Promotion::Automatic;
    scene.hire([3]);
    scene.cycle();
    assert_eq!(scene.holders("standard"), [1, 3]);
    assert_eq!(scene.queue("standard"), [(2, NoSeat)]);
}

#[test]
fn a_leaver_who_waits_leaves_the_queue() {
    let mut scene = Scene::staffed(&[("standard", 1)], 3);
    scene.disable([2]);
    let plan = scene.cycle();
    assert_eq!(plan.waiting.iter().map(|row| (number(row.person.anchor), row.position)).collect::<Vec<_>>(), [(3, 1)]);
    assert_eq!(scene.queue("standard"), [(3, NoSeat)]);
}

#[test]
fn a_leaver_whom_another_hand_suspended_gives_up_the_seat() {
    for cause in CAUSES {
        let mut scene = Scene::staffed(&[("standard", 4)], 5);
        scene.settings.seats.promotion = Promotion::Automatic;
        scene.backend.of_mut(&who(1)).suspension = Some(Suspension { by_agent: false, at: at(0), cause: None });
        assert!(scene.cycle().is_empty());
        assert_eq!(scene.holders("standard"), [1, 2, 3, 4], "still here");
        leave(&mut scene, cause);
        let plan = scene.cycle();
        assert_eq!(story(&plan), [(Verb::Release, 1, "standard"), (Verb::Promote, 5, "standard")], "{cause:?}");
        assert_eq!(scene.holders("standard"), [2, 3, 4, 5]);
        assert!(scene.cycle().is_empty());
    }
}

#[test]
fn who_leaves_by_another_rule_now_gives_up_a_seat_kept_while_suspended_in_the_same_plan() {
    let mut scene = Scene::staffed(&[("standard", 5)], 5);
    scene.settings.leavers.suspended_keeps_seat = true;
    leave(&mut scene, Disabled);
    scene.cycle();
    scene.settings.leavers.suspended_keeps_seat = false;
    scene.settings.leavers.remove_after = Some(SignedDuration::from_hours(24));
    rule(&mut scene, Deleted, LeaverRule::Remove);
    leave(&mut scene, Deleted);
    assert_eq!(story(&scene.cycle()), [(Verb::Release, 1, "standard")]);
    assert_eq!(scene.holders("standard"), [2, 3, 4, 5]);
    assert!(scene.cycle().is_empty());
}

#[test]
fn seats_kept_by_the_suspended_are_freed_once_the_config_says_so_no_more() {
    let mut scene = Scene::staffed(&[("standard", 20)], 20);
    scene.settings.leavers.suspended_keeps_seat = true;
    scene.disable(1..=3);
    scene.cycle();
    scene.wait(HOUR * 25);
    scene.disable(4..=6);
    scene.cycle();
    scene.wait(HOUR * 25);
    scene.settings.leavers.suspended_keeps_seat = false;
    assert!(!scene.cycle().held.is_empty(), "six at once");
    assert_eq!(scene.holders("standard").len(), 20);
    scene.confirm();
    scene.cycle();
    assert_eq!(scene.holders("standard"), (7..=20).collect::<Vec<_>>());
    assert!(scene.cycle().is_empty());
}

#[test]
fn suspended_accounts_keep_their_seats_where_the_config_says_so_but_never_a_place() {
    let mut scene = Scene::staffed(&[("standard", 4)], 5);
    scene.settings.leavers.suspended_keeps_seat = true;
    scene.settings.seats.promotion = Promotion::Automatic;
    scene.disable([1]);
    scene.cycle();
    assert!(scene.is_suspended(1));
    assert_eq!(scene.holders("standard"), [1, 2, 3, 4]);
    scene.disable([5]);
    scene.cycle();
    assert_eq!(scene.queue("standard"), []);
    assert_eq!(scene.account(5).seat("standard").unwrap().state, SeatState::Past(None));
}

#[test]
fn leaving_is_judged_before_quarantine() {
    let mut scene = Scene::staffed(&[("standard", 5)], 5);
    scene.quarantine(1);
    assert!(scene.plan().is_empty(), "a bad entry alone is no leaver");
    scene.disable([1]);
    assert_eq!(story(&scene.plan()), [(Verb::Suspend, 1, "")]);
}

#[test]
fn leavers_without_an_account_are_nobody() {
    let mut scene = Scene::staffed(&[("standard", 5)], 2);
    scene.hire([3]);
    scene.disable([3]);
    let plan = scene.plan();
    assert!(plan.is_empty() && plan.changes.is_empty() && plan.quarantined.is_empty());
}

#[test]
fn nobody_is_gone_before_a_second_look_with_the_parent_readable() {
    let mut scene = Scene::staffed(&[("standard", 5)], 5);
    scene.vanish(1, Whereabouts::Nowhere { parent_readable: true });
    assert!(scene.plan().is_empty(), "the first look");
    scene.source("corp").mirror.missed.insert(anchor(1));
    assert_eq!(story(&scene.plan()), [(Verb::Suspend, 1, "")]);
    scene.vanish(1, Whereabouts::Nowhere { parent_readable: false });
    assert!(scene.plan().is_empty(), "the parent cannot be read");
}

#[test]
fn who_was_only_overlooked_or_never_looked_up_keeps_everything() {
    let mut scene = Scene::staffed(&[("standard", 5)], 5);
    let found = Box::new(scene.entry(1).clone());
    scene.vanish(1, Whereabouts::Overlooked(found));
    assert!(scene.plan().is_empty());
    scene.source("corp").elsewhere.clear();
    assert!(scene.plan().is_empty());
}

/// Number 1 left a second ago by a rule that says remove.
fn removing(cause: LeaveCause) -> Scene {
    let mut scene = Scene::staffed(&[("standard", 5)], 5);
    scene.settings.leavers.remove_after = Some(SignedDuration::from_hours(30 * 24));
    rule(&mut scene, cause, LeaverRule::Remove);
    leave(&mut scene, cause);
    assert_eq!(story(&scene.cycle()), [(Verb::Suspend, 1, "")], "suspended at once");
    scene.now = at(60);
    scene
}

#[test]
fn removal_waits_for_its_grace_period_to_the_second() {
    for cause in CAUSES {
        let mut scene = removing(cause);
        scene.wait(SignedDuration::from_hours(30 * 24) - SignedDuration::from_secs(1));
        assert!(scene.plan().is_empty(), "{cause:?}");
        scene.wait(SignedDuration::from_secs(1));
        let plan = scene.cycle();
        assert_eq!(story(&plan), [(Verb::Remove, 1, "")], "{cause:?}");
        assert!(!scene.has_account(1));
        assert!(scene.plan().is_empty());
    }
}

#[test]
fn who_was_suspended_long_ago_and_now_leaves_by_a_rule_that_says_remove_gets_the_whole_grace_period() {
    let mut scene = Scene::staffed(&[("standard", 5)], 5);
    scene.settings.leavers.remove_after = Some(SignedDuration::from_hours(30 * 24));
    rule(&mut scene, Deleted, LeaverRule::Remove);
    leave(&mut scene, Disabled);
    scene.cycle();
    scene.wait(SignedDuration::from_hours(40 * 24));
    leave(&mut scene, Deleted);
    let plan = scene.cycle();
    assert_eq!((story(&plan), scene.marks.len()), (vec![], 1), "nothing people see, and the guard counts nobody twice");
    assert!(scene.plan().is_empty());
    scene.wait(SignedDuration::from_hours(29 * 24));
    assert!(scene.plan().is_empty());
    scene.wait(SignedDuration::from_hours(24));
    assert_eq!(story(&scene.cycle()), [(Verb::Remove, 1, "")]);
}

#[test]
fn removal_is_off_by_default() {
    let mut scene = removing(Deleted);
    scene.settings.leavers.remove_after = None;
    scene.wait(SignedDuration::from_hours(10_000));
    assert!(scene.plan().is_empty());
}

#[test]
fn removal_needs_a_complete_read_of_this_cycle_that_still_shows_the_person_gone() {
    let mut scene = removing(Deleted);
    scene.wait(SignedDuration::from_hours(31 * 24));
    scene.source("corp").partial = true;
    assert!(scene.plan().is_empty(), "partial");
    scene.source("corp").partial = false;
    scene.source("corp").unread = true;
    assert!(scene.plan().is_empty(), "unread");
    scene.source("corp").unread = false;
    let elsewhere = std::mem::take(&mut scene.source("corp").elsewhere);
    assert!(scene.plan().is_empty(), "not looked up");
    scene.source("corp").elsewhere = elsewhere;
    assert!(!scene.plan().is_empty());
}

#[test]
fn an_adopted_account_is_never_removed() {
    let mut scene = removing(Deleted);
    scene.backend.of_mut(&who(1)).adopted = true;
    scene.wait(SignedDuration::from_hours(31 * 24));
    assert!(scene.plan().is_empty());
}

#[test]
fn an_account_that_another_hand_suspended_is_never_removed() {
    let mut scene = removing(Deleted);
    scene.backend.of_mut(&who(1)).suspension.as_mut().unwrap().by_agent = false;
    scene.wait(SignedDuration::from_hours(31 * 24));
    assert!(scene.plan().is_empty());
}

#[test]
fn removals_pass_the_guard_and_a_confirmed_one_is_carried_out() {
    let mut scene = Scene::staffed(&[("standard", 9)], 9);
    scene.settings.leavers.remove_after = Some(HOUR);
    scene.settings.leavers.disabled = LeaverRule::Remove;
    scene.disable([1, 2]);
    scene.cycle();
    scene.wait(HOUR * 25);
    scene.disable([3, 4]);
    let plan = scene.cycle();
    assert_eq!((plan.held[0].count, plan.held[0].limit), (4, 3), "two to remove and two to suspend");
    assert!(plan.is_empty());
    scene.confirm();
    let plan = scene.cycle();
    assert_eq!(story(&plan).len(), 4);
    assert!(!scene.has_account(1) && scene.is_suspended(3));
}

#[test]
fn suspension_names_its_cause_and_whether_seats_are_kept() {
    let mut scene = Scene::staffed(&[("standard", 5)], 5);
    scene.entry(1).standing = Standing::Expired;
    let operation = scene.plan().waves()[0][0].operation.clone();
    assert_eq!(operation, Operation::Suspend { cause: Expired, keep_seats: false });
    scene.settings.leavers.suspended_keeps_seat = true;
    let operation = scene.plan().waves()[0][0].operation.clone();
    assert_eq!(operation, Operation::Suspend { cause: Expired, keep_seats: true });
}
