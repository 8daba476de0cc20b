//! Rules 10 and 12: holders keep their seats until a better one is theirs.

use super::scene::*;
use crate::model::SeatState;
use crate::model::WaitReason::NoSeat;
use crate::model::change::Promotion;
use crate::plan::effects::Verb;

#[test]
fn newcomers_never_displace_a_holder_whatever_their_rank() {
    let mut scene = Scene::staffed(&[("standard", 2)], 2);
    scene.hire([3]);
    scene.entry(3).created = Some(at(-9999));
    scene.prefers("standard", [3]);
    scene.cycle();
    assert_eq!(scene.holders("standard"), [1, 2]);
    assert_eq!(scene.queue("standard"), [(3, NoSeat)]);
}

#[test]
fn a_mover_takes_the_new_seat_and_gives_up_the_old_one_in_the_same_plan() {
    let mut scene = two_pools(1, 2, &[], 2);
    scene.pool_takes("advanced", [2]);
    let plan = scene.cycle();
    assert_eq!(story(&plan), [(Verb::Move, 2, "advanced")]);
    assert_eq!(plan.changes[0].effect.from_pool.as_deref(), Some("standard"));
    assert_eq!((scene.holders("advanced"), scene.holders("standard")), (vec![2], vec![1]));
    assert_eq!(scene.account(2).seat("standard").unwrap().state, SeatState::Past(None));
}

#[test]
fn a_mover_keeps_the_old_seat_and_waits_in_the_new_pool_with_everyone_else() {
    let mut scene = two_pools(1, 2, &[1], 3);
    scene.pool_takes("advanced", [1, 2]);
    scene.cycle();
    assert_eq!(scene.holders("standard"), [2, 3]);
    assert_eq!(scene.queue("advanced"), [(2, NoSeat)]);
    assert!(scene.plan().is_empty());
    scene.settings.seats.promotion = Promotion::Automatic;
    scene.disable([1]);
    let plan = scene.cycle();
    assert_eq!(story(&plan), [(Verb::Suspend, 1, ""), (Verb::Promote, 2, "advanced")]);
    assert_eq!(scene.holders("standard"), [3]);
}

#[test]
fn the_seat_a_mover_frees_goes_to_the_next_in_the_same_plan() {
    let mut scene = two_pools(1, 1, &[], 2);
    scene.settings.seats.promotion = Promotion::Automatic;
    scene.pool_takes("advanced", [1]);
    scene.cycle();
    assert_eq!((scene.holders("advanced"), scene.holders("standard")), (vec![1], vec![2]));
}

#[test]
fn a_ring_of_movers_between_full_pools_waits() {
    let mut scene = two_pools(1, 1, &[1], 2);
    scene.settings.seats.promotion = Promotion::Automatic;
    scene.pool_takes("advanced", [2]);
    scene.cycle();
    assert_eq!((scene.holders("advanced"), scene.holders("standard")), (vec![1], vec![2]));
    assert_eq!((scene.queue("advanced"), scene.queue("standard")), (vec![(2, NoSeat)], vec![(1, NoSeat)]));
    assert!(scene.plan().is_empty());
    scene.pool("advanced").seats = Some(2);
    scene.cycle();
    assert_eq!((scene.holders("advanced"), scene.holders("standard")), (vec![2], vec![1]));
}

#[test]
fn who_moves_back_leaves_the_queue_and_keeps_the_seat_and_its_since() {
    let mut scene = two_pools(1, 2, &[1], 2);
    scene.pool_takes("advanced", [1, 2]);
    scene.cycle();
    scene.pool_takes("advanced", [1]);
    scene.cycle();
    assert_eq!((scene.holders("standard"), scene.queue("advanced")), (vec![2], vec![]));
    scene.pool_takes("advanced", [1, 2]);
    scene.cycle();
    let since = scene.account(2).seat("advanced").unwrap().since;
    assert_eq!(since, at(60), "asked first in the second cycle");
}
