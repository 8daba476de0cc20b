//! Rule 2: a group that lists somebody by a name of before does not say that the person left.

use super::scene::*;
use crate::model::WaitReason::NoSeat;
use crate::model::settings::Match;
use crate::plan::Plan;
use crate::plan::effects::Verb;

/// What is said of the one person who is quarantined.
fn said(plan: &Plan) -> &str {
    let mut messages = plan.quarantined.values().map(|quarantine| quarantine.message.as_str());
    let message = messages.next().expect("somebody is quarantined");
    assert_eq!(messages.next(), None);
    message
}

/// Three of `corp`, members of the scope group.
fn grouped() -> Scene {
    let mut scene = Scene::new(&[("standard", 5)]);
    scene.only_members("CN=staff", 1..=3);
    scene.hire(1..=3);
    scene.cycle();
    assert_eq!(scene.holders("standard"), [1, 2, 3]);
    scene
}

#[test]
fn whom_a_group_lists_by_a_former_name_keeps_the_seat_and_is_told_of() {
    let mut scene = grouped();
    scene.lists_by_former_name("CN=staff", 2);
    scene.rename(2, "new");
    let plan = scene.cycle();
    assert_eq!(story(&plan), []);
    assert!(said(&plan).contains("CN=old2") && said(&plan).contains("CN=staff"), "{}", said(&plan));
}

#[test]
fn evidence_of_leaving_counts_all_the_same() {
    let mut scene = grouped();
    scene.lists_by_former_name("CN=staff", 2);
    scene.disable([2]);
    assert_eq!(story(&scene.cycle()), [(Verb::Suspend, 2, "")]);
}

#[test]
fn who_is_listed_by_the_new_name_too_is_a_member() {
    let mut scene = grouped();
    scene.lists_by_former_name("CN=staff", 2);
    scene.only_members("CN=staff", 1..=3);
    scene.rename(2, "new");
    assert_eq!(story(&scene.cycle()), [(Verb::Update, 2, "")]);
}

#[test]
fn nobody_gets_a_seat_by_leaving_an_excluded_group_by_a_change_of_name() {
    let mut scene = Scene::new(&[("standard", 5)]);
    scene.exclude("CN=out", [2]);
    scene.hire(1..=2);
    scene.cycle();
    scene.lists_by_former_name("CN=out", 2);
    let plan = scene.cycle();
    assert_eq!((story(&plan), scene.has_account(2)), (vec![], false));
    assert!(said(&plan).contains("CN=out"));
}

#[test]
fn a_pool_that_may_take_somebody_stops_what_comes_after_it_and_no_other() {
    for (group, kept) in [("CN=advanced", true), ("CN=basic", false)] {
        let mut scene = Scene::new(&[("advanced", 5), ("standard", 5), ("basic", 5)]);
        scene.pool_takes("advanced", [1]);
        scene.pool_takes("standard", [1, 2]);
        scene.pool_takes("basic", [1, 2]);
        scene.hire(1..=2);
        scene.cycle();
        assert_eq!((scene.holders("advanced"), scene.holders("standard")), (vec![1], vec![2]));
        let who = if kept { 1 } else { 2 };
        scene.lists_by_former_name(group, who);
        let plan = scene.cycle();
        assert_eq!(story(&plan), [], "{group}");
        assert_eq!(plan.quarantined.contains_key(&super::source::who(who)), kept, "{group}");
    }
}

#[test]
fn with_all_pools_no_seat_is_lost_by_a_change_of_name() {
    let mut scene = Scene::new(&[("chat", 5), ("mail", 5)]);
    scene.settings.seats.match_ = Match::All;
    scene.pool_takes("chat", [1]);
    scene.pool_takes("mail", [1]);
    scene.hire([1]);
    scene.cycle();
    scene.lists_by_former_name("CN=mail", 1);
    let plan = scene.cycle();
    assert_eq!((story(&plan), plan.quarantined.len()), (vec![], 1));
}

#[test]
fn the_rank_is_kept() {
    let mut scene = Scene::new(&[("standard", 1)]);
    scene.prefers("standard", [3]);
    scene.hire([1]);
    scene.cycle();
    scene.hire([2, 3]);
    scene.cycle();
    assert_eq!(scene.queue("standard"), [(3, NoSeat), (2, NoSeat)]);
    scene.lists_by_former_name("CN=standard-first-0", 3);
    assert_eq!(story(&scene.cycle()), []);
    assert_eq!(scene.queue("standard"), [(3, NoSeat), (2, NoSeat)]);
}
