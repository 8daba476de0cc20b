//! Rule 10: a pool that the config does not name any more keeps its seats, and nobody gets a second one beside it.

use super::scene::*;
use crate::model::WaitReason::{NoSeat, RemovedElsewhere};
use crate::model::change::{Promotion, Verdict};
use crate::model::settings::Match;
use crate::plan::Plan;
use crate::plan::effects::Verb;

/// Three seats of `standard` are held, two people wait, and the config calls the pool `vault`.
fn renamed() -> Scene {
    let mut scene = Scene::staffed(&[("standard", 3)], 5);
    scene.pool("standard").name = "vault".into();
    scene
}

/// What is said of pools as a whole.
fn said(plan: &Plan) -> Vec<&str> {
    let of_pools = plan.problems.iter().filter(|problem| problem.person.is_none());
    of_pools.map(|problem| problem.message.as_str()).collect()
}

#[test]
fn a_pool_taken_out_of_the_config_keeps_its_seats_and_is_reported() {
    let mut scene = two_pools(1, 2, &[1], 2);
    scene.settings.pools.remove(0);
    let plan = scene.cycle();
    assert_eq!(told(&plan, "pool_not_configured"), [1]);
    assert_eq!((scene.holders("advanced"), scene.holders("standard")), (vec![1], vec![2]));
    assert!(said(&plan)[0].contains("1 person holds a seat of advanced"), "{:?}", said(&plan));
    assert!(scene.plan().is_empty());
}

#[test]
fn a_pool_taken_out_of_the_config_grants_nothing_more() {
    let mut scene = two_pools(1, 2, &[1, 2], 2);
    assert_eq!(scene.queue("advanced"), [(2, NoSeat)]);
    scene.settings.pools.remove(0);
    scene.settings.seats.promotion = Promotion::Automatic;
    scene.disable([1]);
    scene.cycle();
    assert_eq!((scene.holders("advanced"), scene.holders("standard")), (vec![], vec![2]));
}

#[test]
fn who_holds_a_seat_of_a_pool_that_is_not_named_asks_for_no_other_whatever_becomes_of_them() {
    for promotion in [Promotion::Manual, Promotion::Automatic] {
        let mut scene = renamed();
        scene.settings.seats.promotion = promotion;
        scene.quarantine(2);
        scene.cycle();
        assert_eq!((scene.holders("standard"), scene.holders("vault")), (vec![1, 2, 3], vec![4, 5]));
        assert!(scene.plan().is_empty());
        assert!(said(&scene.plan())[0].contains("3 people hold"), "{:?}", said(&scene.plan()));
    }
}

#[test]
fn whose_unnamed_seat_a_person_takes_back_gets_one_of_the_pool_they_belong_to() {
    let mut scene = Scene::staffed(&[("standard", 3)], 3);
    scene.pool("standard").name = "vault".into();
    scene.cycle();
    scene.decide(2, Verdict::Release);
    let plan = scene.cycle();
    assert_eq!((scene.holders("standard"), scene.holders("vault")), (vec![1, 3], vec![2]));
    assert!(said(&plan)[0].contains("2 people hold a seat of standard"), "{:?}", said(&plan));
}

#[test]
fn an_unnamed_pool_named_last_with_no_seats_moves_its_people() {
    let mut scene = Scene::staffed(&[("standard", 3)], 3);
    scene.pool("standard").name = "vault".into();
    scene.cycle();
    let mut old = scene.pool("vault").clone();
    (old.name, old.seats) = ("standard".into(), Some(0));
    scene.settings.pools.push(old);
    let plan = scene.cycle();
    assert_eq!(story(&plan), [(Verb::Move, 1, "vault"), (Verb::Move, 2, "vault"), (Verb::Move, 3, "vault")]);
    assert_eq!((scene.holders("standard"), scene.holders("vault")), (vec![], vec![1, 2, 3]));
}

#[test]
fn who_waited_for_another_pool_before_gives_the_unnamed_seat_for_it() {
    let mut scene = two_pools(1, 2, &[1], 2);
    scene.pool_takes("advanced", [1, 2]);
    scene.cycle();
    assert_eq!((scene.holders("standard"), scene.queue("advanced")), (vec![2], vec![(2, NoSeat)]));
    scene.settings.pools.remove(1);
    scene.cycle();
    assert!(scene.plan().is_empty());
    scene.settings.seats.promotion = Promotion::Automatic;
    scene.disable([1]);
    scene.cycle();
    assert_eq!((scene.holders("standard"), scene.holders("advanced")), (vec![], vec![2]));
}

#[test]
fn a_seat_of_an_unnamed_pool_that_another_hand_gave_stands_in_for_none() {
    let mut scene = renamed();
    scene.backend.of_mut(&who(1)).seats[0].ours = false;
    scene.cycle();
    assert_eq!((scene.holders("standard"), scene.holders("vault")), (vec![1, 2, 3], vec![1, 4, 5]));
}

#[test]
fn a_seat_taken_by_another_hand_beside_an_unnamed_one_is_not_asked_for_again() {
    let mut scene = Scene::staffed(&[("standard", 3)], 3);
    scene.settings.seats.match_ = Match::All;
    let mut pool = scene.pool("standard").clone();
    pool.name = "vault".into();
    scene.settings.pools.push(pool);
    scene.cycle();
    scene.settings.seats.match_ = Match::First;
    scene.settings.pools.remove(0);
    scene.cycle();
    assert_eq!((scene.holders("standard"), scene.holders("vault")), (vec![1, 2, 3], vec![1, 2, 3]), "both are kept");
    scene.backend.of_mut(&who(1)).seats.retain(|seat| &*seat.pool != "vault");
    scene.backend.count();
    scene.cycle();
    assert_eq!(scene.queue("vault"), [(1, RemovedElsewhere)]);
    assert!(scene.plan().is_empty());
    scene.decide(1, Verdict::Approve);
    scene.cycle();
    assert_eq!((scene.holders("standard"), scene.holders("vault")), (vec![2, 3], vec![1, 2, 3]));
}

#[test]
fn with_every_matching_pool_one_of_another_name_is_another_one() {
    let mut scene = renamed();
    scene.settings.seats.match_ = Match::All;
    scene.cycle();
    assert_eq!((scene.holders("standard"), scene.holders("vault")), (vec![1, 2, 3], vec![1, 2, 3]));
}
