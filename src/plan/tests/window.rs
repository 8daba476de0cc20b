//! Rule 16 over time: what was applied unconfirmed within the window counts with what is planned now.

use jiff::SignedDuration;
use proptest::prelude::*;

use super::scene::*;
use crate::model::change::GuardKind;
use crate::model::snapshot::Whereabouts;

const WINDOW: SignedDuration = SignedDuration::from_hours(24);

fn staff(people: u32) -> Scene {
    Scene::staffed(&[("standard", people)], people)
}

/// Cycles until one holds something back; how many had passed by then.
fn drain(scene: &mut Scene, batch: u32, pause: SignedDuration) -> u32 {
    for cycle in 0..40 {
        scene.disable(cycle * batch + 1..=(cycle + 1) * batch);
        let plan = scene.cycle();
        if let Some(held) = plan.held.first() {
            assert_eq!(held.recent, cycle * batch);
            return cycle * batch;
        }
        scene.wait(pause);
    }
    panic!("nothing was ever held back");
}

#[test]
fn draining_nine_percent_a_cycle_is_stopped_at_the_second() {
    assert_eq!(drain(&mut staff(200), 18, SignedDuration::ZERO), 18);
}

#[test]
fn draining_one_by_one_is_stopped_at_the_limit() {
    assert_eq!(drain(&mut staff(60), 1, HOUR), 6);
}

#[test]
fn what_was_applied_a_window_ago_counts_no_more_to_the_second() {
    let mut scene = staff(20);
    scene.disable(1..=3);
    scene.cycle();
    scene.disable([4]);
    scene.now = at(60);
    scene.wait(WINDOW - SignedDuration::from_secs(1));
    assert_eq!(scene.plan().held[0].recent, 3);
    scene.wait(SignedDuration::from_secs(1));
    assert!(scene.plan().held.is_empty());
}

#[test]
fn those_who_left_in_the_window_still_count_among_all() {
    let mut scene = staff(40);
    scene.disable([1, 2]);
    scene.cycle();
    scene.disable([3, 4]);
    assert!(scene.plan().held.is_empty(), "four of forty, though thirty-eight are left");
    scene.disable([5]);
    let held = scene.plan().held[0].clone();
    assert_eq!((held.count, held.recent, held.of, held.limit), (3, 2, 40, 4));
}

#[test]
fn who_came_back_counts_no_more() {
    let mut scene = staff(20);
    scene.disable(1..=3);
    scene.cycle();
    (1..=3).for_each(|n| scene.enable(n));
    scene.cycle();
    scene.disable(4..=6);
    assert!(scene.plan().held.is_empty());
    scene.disable([7]);
    assert_eq!(scene.plan().held[0].recent, 0);
}

#[test]
fn who_comes_back_in_this_very_plan_is_counted_once_and_as_back() {
    let mut scene = staff(20);
    scene.disable(1..=3);
    scene.cycle();
    (1..=3).for_each(|n| scene.enable(n));
    scene.disable(4..=6);
    assert!(scene.plan().held.is_empty());
    scene.disable([7]);
    let held = scene.plan().held[0].clone();
    assert_eq!((held.count, held.recent, held.of), (4, 0, 20));
}

#[test]
fn one_person_counts_once_however_often_the_plan_is_about_them() {
    let mut scene = staff(20);
    scene.settings.leavers.deleted = crate::model::settings::LeaverRule::Remove;
    scene.settings.leavers.remove_after = Some(HOUR);
    (1..=3).for_each(|n| scene.vanish(n, Whereabouts::Tombstone));
    scene.cycle();
    scene.wait(HOUR);
    let plan = scene.cycle();
    assert!(plan.held.is_empty(), "the same three, removed within the window that saw them suspended");
    assert!((1..=3).all(|n| !scene.has_account(n)));
}

#[test]
fn renamings_add_up_over_the_window_too() {
    let mut scene = staff(20);
    (1..=3).for_each(|n| scene.rename(n, &format!("new{n}")));
    scene.cycle();
    scene.rename(4, "new4");
    let held = scene.plan().held[0].clone();
    assert_eq!((held.kind, held.count, held.recent), (GuardKind::Renaming, 1, 3));
    scene.rename(4, "p4");
    scene.rename(3, "newer3");
    assert!(scene.plan().held.is_empty(), "the same person again");
}

#[test]
fn all_of_them_bit_by_bit_is_all_of_them() {
    let mut scene = staff(3);
    for n in [1, 2] {
        scene.disable([n]);
        assert!(scene.cycle().held.is_empty());
    }
    scene.disable([3]);
    let held = scene.plan().held[0].clone();
    assert_eq!((held.count, held.recent, held.of, held.limit), (1, 2, 3, 3));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_guard_is_never_passed_by_splitting(
        batches in prop::collection::vec((prop::collection::vec(1..60u32, 0..6), 0..20i64, prop::bool::weighted(0.3)), 1..14),
    ) {
        let mut scene = staff(60);
        let mut confirmed = std::collections::BTreeSet::new();
        for (people, hours, returns) in batches {
            if returns {
                for n in people {
                    scene.enable(n);
                }
            } else {
                scene.disable(people);
            }
            if hours % 5 == 4 && scene.plan().fingerprint.is_some() {
                scene.confirm();
                confirmed.extend(scene.plan().changes.iter().map(|change| change.person.clone()));
            }
            scene.cycle();
            let since = scene.now.checked_sub(WINDOW).unwrap();
            let recent = scene.marks.iter().filter(|mark| mark.at > since && !mark.confirmed);
            let away = |person: &&crate::model::PersonId| scene.backend.of(person).is_some_and(|a| a.suspension.is_some());
            let gone: std::collections::BTreeSet<_> = recent.map(|mark| &mark.person).filter(away).collect();
            prop_assert!(gone.len() <= 6, "{} of sixty left unconfirmed within a day", gone.len());
            scene.wait(HOUR * i32::try_from(hours).unwrap());
        }
    }
}
