//! Rule 12 with `seats.match = "all"`: every matching pool, and seats lost where no pool matches any more.

use super::scene::*;
use crate::model::WaitReason::NoSeat;
use crate::model::change::GuardKind;
use crate::model::settings::Match;
use crate::plan::effects::Verb;

fn all(pools: &[(&str, u32)], people: u32) -> Scene {
    let mut scene = Scene::new(pools);
    scene.settings.seats.match_ = Match::All;
    for &(pool, _) in pools {
        scene.pool_takes(pool, 1..=people);
    }
    scene.hire(1..=people);
    scene.cycle();
    scene
}

#[test]
fn everyone_asks_for_every_pool_that_matches() {
    let mut scene = all(&[("chat", 5), ("mail", 1)], 2);
    assert_eq!((scene.holders("chat"), scene.holders("mail")), (vec![1, 2], vec![1]));
    assert_eq!(scene.queue("mail"), [(2, NoSeat)]);
    scene.pool_takes("mail", [1]);
    scene.cycle();
    assert_eq!(scene.queue("mail"), [], "and leaves the queue of a pool that no longer does");
}

#[test]
fn who_no_longer_matches_a_pool_loses_that_seat_and_keeps_the_others() {
    let mut scene = all(&[("chat", 5), ("mail", 5)], 5);
    scene.pool_takes("mail", 1..=4);
    let plan = scene.cycle();
    assert_eq!(story(&plan), [(Verb::Release, 5, "mail")]);
    assert_eq!((scene.holders("chat").len(), scene.holders("mail").len()), (5, 4));
    assert_eq!(scene.marks.len(), 1, "the guard counts it");
}

#[test]
fn three_who_lose_a_seat_pass_and_four_are_held_back_while_joiners_go_on() {
    let mut scene = all(&[("chat", 9), ("mail", 9)], 9);
    scene.pool_takes("mail", 4..=9);
    assert!(scene.plan().held.is_empty());
    scene.pool_takes("mail", 5..=10);
    scene.hire([10]);
    let plan = scene.cycle();
    assert_eq!((plan.held[0].kind, plan.held[0].count, plan.held[0].limit), (GuardKind::Leaving, 4, 3));
    assert_eq!(scene.holders("mail").len(), 9, "nobody lost a seat, so none is free for the joiner");
    assert_eq!(scene.queue("mail"), [(10, NoSeat)]);
    scene.confirm();
    scene.settings.seats.promotion = crate::model::change::Promotion::Automatic;
    scene.cycle();
    assert_eq!(scene.holders("mail"), [5, 6, 7, 8, 9, 10]);
}

#[test]
fn who_gets_another_seat_in_place_of_the_lost_one_is_no_leaver() {
    let mut scene = all(&[("chat", 9), ("mail", 9)], 0);
    scene.hire(1..=6);
    scene.pool_takes("mail", 1..=6);
    scene.cycle();
    scene.pool_takes("mail", []);
    scene.pool_takes("chat", 1..=6);
    let plan = scene.cycle();
    assert!(plan.held.is_empty());
    assert_eq!((scene.holders("chat").len(), scene.holders("mail").len()), (6, 0));
    assert!(scene.marks.is_empty());
}

#[test]
fn holding_back_a_loss_can_take_away_the_seat_that_made_another_one_harmless() {
    // Five lose `mail`; it is what `mail`'s own newcomers 6 to 9 were to have in place of `chat`, which they lose too.
    let mut scene = all(&[("chat", 9), ("mail", 5)], 0);
    scene.pool_takes("mail", 1..=5);
    scene.pool_takes("chat", 1..=9);
    scene.hire(1..=9);
    scene.cycle();
    scene.pool_takes("mail", 6..=9);
    scene.pool_takes("chat", 1..=5);
    let plan = scene.cycle();
    assert_eq!(plan.held.len(), 1);
    assert_eq!((scene.holders("chat").len(), scene.holders("mail").len()), (9, 5), "so nobody loses anything");
}

#[test]
fn a_seat_lost_and_regained_within_the_window_counts_no_more() {
    let mut scene = all(&[("chat", 9), ("mail", 9)], 9);
    scene.pool_takes("mail", 4..=9);
    scene.cycle();
    scene.pool_takes("mail", 1..=9);
    scene.cycle();
    scene.pool_takes("mail", 1..=6);
    assert!(scene.plan().held.is_empty(), "three came back, three leave");
}

#[test]
fn a_config_that_goes_from_all_to_first_takes_seats_away_for_nothing_so_the_guard_counts_them() {
    for people in [3, 9] {
        let mut scene = all(&[("chat", 9), ("mail", 9)], people);
        scene.hire(10..=14);
        scene.pool_takes("chat", 1..=14);
        scene.cycle();
        scene.settings.seats.match_ = Match::First;
        let plan = scene.cycle();
        let held: Vec<_> = plan.held.iter().map(|held| (held.kind, held.count, held.limit)).collect();
        if people == 3 {
            assert_eq!((held, scene.holders("mail")), (vec![], vec![]));
            continue;
        }
        assert_eq!((held, scene.holders("mail").len()), (vec![(GuardKind::Leaving, 9, 3)], 9));
        scene.confirm();
        scene.cycle();
        assert_eq!((scene.holders("mail"), scene.holders("chat").len()), (vec![], 9));
        assert!(scene.cycle().is_empty());
    }
}

#[test]
fn who_matches_no_pool_at_all_is_out_of_scope() {
    let mut scene = all(&[("chat", 9), ("mail", 9)], 5);
    scene.pool_takes("chat", 1..=4);
    scene.pool_takes("mail", 1..=4);
    let plan = scene.cycle();
    assert_eq!(story(&plan), [(Verb::Suspend, 5, "")]);
}

#[test]
fn who_waits_to_move_keeps_the_old_seat_once_every_matching_pool_counts() {
    let mut scene = Scene::new(&[("chat", 1), ("mail", 5)]);
    scene.hire([1, 2]);
    scene.falls_back("chat", "mail");
    scene.cycle();
    assert_eq!((scene.queue("chat"), scene.holders("mail")), (vec![(2, NoSeat)], vec![2]));
    scene.settings.seats.match_ = Match::All;
    scene.pool("chat").fallback = None;
    scene.cycle();
    scene.settings.seats.promotion = crate::model::change::Promotion::Automatic;
    scene.pool("chat").seats = Some(2);
    scene.cycle();
    assert_eq!((scene.holders("chat"), scene.holders("mail")), (vec![1, 2], vec![1, 2]));
}
