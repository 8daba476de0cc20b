//! Rules 1 and 12: from a directory that was not read whole only updates follow.

use super::scene::*;
use crate::model::WaitReason::NoSeat;
use crate::model::change::Promotion;
use crate::model::settings::GroupRef;
use crate::model::snapshot::Whereabouts;
use crate::plan::effects::Verb;

/// Three of `corp`, one of whom waits; then a partial read with a free seat.
fn partial() -> Scene {
    let mut scene = Scene::staffed(&[("standard", 2)], 3);
    scene.settings.seats.promotion = Promotion::Automatic;
    scene.pool("standard").seats = Some(3);
    scene.source("corp").partial = true;
    scene
}

#[test]
fn nobody_leaves_by_a_partial_read_whatever_the_sign() {
    let mut scene = partial();
    scene.disable([1]);
    scene.vanish(2, Whereabouts::Tombstone);
    assert_eq!(story(&scene.cycle()), []);
    assert_eq!(scene.holders("standard"), [1, 2]);
}

#[test]
fn nobody_is_created_granted_promoted_or_resumed_by_a_partial_read() {
    let mut scene = Scene::staffed(&[("standard", 5)], 5);
    scene.disable([1]);
    scene.cycle();
    scene.hire([6]);
    scene.pool("standard").seats = Some(1);
    scene.cycle();
    scene.pool("standard").seats = Some(9);
    scene.settings.seats.promotion = Promotion::Automatic;
    scene.source("corp").partial = true;
    scene.enable(1);
    scene.hire([7]);
    scene.cycle();
    assert!(scene.is_suspended(1) && !scene.has_account(7));
    assert_eq!(scene.queue("standard"), [(6, NoSeat)]);
    scene.source("corp").partial = false;
    scene.cycle();
    assert_eq!(scene.holders("standard"), [1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn updates_follow_all_the_same() {
    let mut scene = partial();
    scene.rename(1, "new");
    assert_eq!(story(&scene.cycle()), [(Verb::Update, 1, "")]);
}

#[test]
fn nobody_moves_and_nobody_leaves_a_queue_by_a_partial_read() {
    let mut scene = Scene::staffed(&[("advanced", 1), ("standard", 3)], 3);
    assert_eq!(scene.queue("advanced"), [(2, NoSeat), (3, NoSeat)]);
    scene.source("corp").partial = true;
    scene.pool_takes("advanced", []);
    assert!(scene.plan().is_empty());
    assert_eq!(scene.queue("advanced"), [(2, NoSeat), (3, NoSeat)]);
}

#[test]
fn the_other_directory_goes_on_but_its_joiners_pass_nobody_who_is_frozen() {
    let mut scene = partial();
    scene.add_directory("lab");
    for n in [8, 9] {
        scene.source("lab").people.push(sighting(n));
    }
    let plan = scene.cycle();
    assert_eq!(story(&plan), [(Verb::Wait, 8, "standard"), (Verb::Wait, 9, "standard")]);
    let queue: Vec<u32> = plan.waiting.iter().map(|row| number(row.person.anchor)).collect();
    assert_eq!(queue, [3, 8, 9]);
    scene.source("lab").people[0].profile = profile("renamed");
    assert_eq!(story(&scene.cycle()), [(Verb::Update, 8, "")], "nor pass them one cycle later, as people who wait");
    scene.source("corp").partial = false;
    assert_eq!(story(&scene.cycle()), [(Verb::Promote, 3, "standard")]);
}

/// Rule 12 by the letter: a joiner waits behind people who wait for `no_seat`, even if they may not be promoted, and who waits
/// is served in the order of rule 11. A rank passes no turn in the cycle in which somebody joins, and from then on it does, as it
/// would had the read been whole and no seat been free. Nobody is overtaken by who comes later in that order.
#[test]
fn a_turn_that_is_kept_yields_to_a_higher_rank_once_that_one_waits_and_never_to_the_same_rank() {
    let mut scene = Scene::new(&[("standard", 2)]);
    scene.add_directory("lab");
    let first: std::sync::Arc<str> = "CN=first".into();
    scene.source("lab").groups.insert(first.clone(), [8].into());
    scene.pool("standard").priority.push(GroupRef { directory: "lab".into(), dn: first });
    scene.settings.seats.promotion = Promotion::Automatic;
    scene.hire(1..=3);
    scene.cycle();
    scene.pool("standard").seats = Some(3);
    scene.source("corp").partial = true;
    scene.source("lab").people = vec![sighting(8), sighting(9)];
    assert_eq!(story(&scene.cycle()), [(Verb::Wait, 8, "standard"), (Verb::Wait, 9, "standard")]);
    assert_eq!(story(&scene.cycle()), [(Verb::Promote, 8, "standard")]);
    scene.pool("standard").seats = Some(4);
    assert_eq!(story(&scene.cycle()), [], "9 comes after 3, whose turn is kept");
    scene.source("corp").partial = false;
    assert_eq!(story(&scene.cycle()), [(Verb::Promote, 3, "standard")]);
}

#[test]
fn an_unread_directory_changes_nothing_at_all() {
    let mut scene = partial();
    scene.source("corp").unread = true;
    scene.rename(1, "new");
    scene.disable([2]);
    scene.pool("standard").seats = Some(2);
    assert!(scene.plan().is_empty());
    assert_eq!(scene.queue("standard"), [(3, NoSeat)]);
}
