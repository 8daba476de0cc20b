//! What is told of a row of cycles, and what is not.

mod days;
mod never_twice;
mod scene;
mod texts;

use self::scene::{Scene, directory, held, pool};
use crate::model::notice::NoticeKind::*;
use crate::model::report::{CycleOutcome, HeldKind, SyncReport};

#[test]
fn the_first_person_who_waits_is_told_once_and_that_nobody_does_any_more_too() {
    let mut scene = Scene::new();
    let calm = scene.report(&[pool("standard", 50, 40, 0)]);
    let waiting = scene.report(&[pool("standard", 50, 50, 3)]);
    assert_eq!(scene.play(&calm), []);
    assert_eq!(scene.play(&waiting), [PoolWaiting], "and not that it is full as well");
    let more = scene.report(&[pool("standard", 50, 50, 30)]);
    assert_eq!(scene.play_times(&more, 100), [], "the digest has the number");
    assert_eq!(scene.play_times(&calm, 2), []);
    assert_eq!(scene.play(&calm), [PoolNobodyWaits]);
    assert_eq!(scene.play_times(&calm, 100), []);
}

#[test]
fn a_full_pool_is_told_once_though_seats_come_and_go() {
    let mut scene = Scene::new();
    let full = scene.report(&[pool("standard", 50, 50, 0)]);
    let almost = scene.report(&[pool("standard", 50, 49, 0)]);
    assert_eq!(scene.play(&full), [PoolFull]);
    for _ in 0..20 {
        assert_eq!(scene.play(&almost), []);
        assert_eq!(scene.play(&full), []);
    }
    assert_eq!(scene.play_times(&almost, 3), [PoolFree]);
}

#[test]
fn a_pool_that_was_not_bought_is_not_full_and_one_that_left_the_config_is_forgotten() {
    let mut scene = Scene::new();
    let none = scene.report(&[pool("none", 0, 0, 0)]);
    assert_eq!(scene.play(&none), []);
    let full = scene.report(&[pool("standard", 5, 5, 0)]);
    assert_eq!(scene.play(&full), [PoolFull]);
    assert_eq!(scene.play_times(&none, 10), []);
    assert_eq!(scene.play(&full), [PoolFull], "it is there anew");
}

#[test]
fn what_is_held_back_is_told_at_once_with_the_numbers_and_the_command() {
    let mut scene = Scene::new();
    let report = scene.held("f1", vec![held("corp", HeldKind::Leaving, 212)]);
    let notices = scene.notices(&report);
    assert_eq!(notices.len(), 1);
    for said in ["212 of 1,000 people", "the limit is 100", "seatsync confirm f1", "seatsync plan"] {
        assert!(notices[0].text.contains(said), "{said} in {}", notices[0].text);
    }
    assert_eq!(scene.play_times(&report, 300), []);
}

#[test]
fn a_few_more_of_the_same_are_no_news_and_twice_as_many_are() {
    let mut scene = Scene::new();
    let of = |scene: &Scene, fingerprint, count| scene.held(fingerprint, vec![held("corp", HeldKind::Leaving, count)]);
    let first = of(&scene, "f1", 20);
    assert_eq!(scene.play(&first), [ChangesHeld]);
    let (fewer, more, twice) = (of(&scene, "f2", 15), of(&scene, "f3", 39), of(&scene, "f4", 40));
    assert_eq!(scene.play(&fewer), []);
    assert_eq!(scene.play(&more), []);
    assert_eq!(scene.play(&twice), [ChangesHeld]);
    assert_eq!(scene.play(&more), []);
    let another = scene.held("f5", vec![held("corp", HeldKind::Leaving, 40), held("corp", HeldKind::Renaming, 5)]);
    assert_eq!(scene.play(&another), [ChangesHeld], "another kind");
}

#[test]
fn what_was_confirmed_is_told_as_over_and_the_next_time_is_news_at_once() {
    let mut scene = Scene::new();
    let calm = scene.report(&[]);
    let (first, second) = (
        scene.held("f1", vec![held("corp", HeldKind::Leaving, 20)]),
        scene.held("f2", vec![held("corp", HeldKind::Leaving, 20)]),
    );
    assert_eq!(scene.play(&first), [ChangesHeld]);
    assert_eq!(scene.play(&calm), []);
    assert_eq!(scene.play(&second), [ChangesHeld], "others leave now, and nobody was told of them");
    assert_eq!(scene.play_times(&calm, 2), []);
    assert_eq!(scene.play(&calm), [ChangesFree]);
}

#[test]
fn two_servers_that_disagree_make_one_message_not_one_a_cycle() {
    let mut scene = Scene::new();
    let (calm, report) = (scene.report(&[]), scene.held("f1", vec![held("corp", HeldKind::Leaving, 20)]));
    assert_eq!(scene.play(&report), [ChangesHeld]);
    for _ in 0..20 {
        assert_eq!(scene.play(&calm), []);
        assert_eq!(scene.play(&report), []);
    }
}

#[test]
fn a_read_that_failed_does_not_say_that_nothing_is_held_back_any_more() {
    let mut scene = Scene::new();
    let report = scene.held("f1", vec![held("corp", HeldKind::Leaving, 20)]);
    let partial = SyncReport { outcome: CycleOutcome::Partial, ..scene.report_of(vec![directory("corp", false)]) };
    assert_eq!(scene.play(&report), [ChangesHeld]);
    assert_eq!(scene.play_times(&partial, 50), [DirectoryUnreadable]);
    let failed = scene.failure("backend_failed");
    assert_eq!(scene.play_times(&failed, 50), [CycleFailing]);
    let told = scene.play_times(&report, 50);
    assert_eq!(told, [CycleWorking, DirectoryReadable], "and what is held back still is");
}

#[test]
fn a_directory_is_told_after_three_cycles_and_one_that_fails_now_and_then_never() {
    let mut scene = Scene::new();
    let (well, ill) = (scene.report(&[]), scene.report_of(vec![directory("corp", false)]));
    for _ in 0..20 {
        assert_eq!(scene.play_times(&ill, 2), []);
        assert_eq!(scene.play(&well), []);
    }
    assert_eq!(scene.play_times(&ill, 2), []);
    assert_eq!(scene.play(&ill), [DirectoryUnreadable]);
    assert_eq!(scene.play_times(&ill, 100), []);
    assert_eq!(scene.play_times(&well, 3), [DirectoryReadable]);
}

#[test]
fn a_backend_that_restarts_is_not_told_though_many_cycles_fail_within_seconds() {
    let mut scene = Scene::new();
    let failed = scene.failure("backend_failed");
    scene.every = 2;
    assert_eq!(scene.play_times(&failed, 60), []);
    scene.every = 300;
    assert_eq!(scene.play_times(&failed, 2), [CycleFailing], "ten minutes of it are no restart");
}

#[test]
fn what_only_a_person_can_mend_is_told_at_once_also_after_another_failure() {
    let mut scene = Scene::new();
    let (failed, lost) = (scene.failure("backend_failed"), scene.failure("backend_lost"));
    assert_eq!(scene.play(&lost), [CycleFailing]);
    assert_eq!(scene.play_times(&failed, 20), [], "told as failing already");
    let mut scene = Scene::new();
    assert_eq!(scene.play_times(&failed, 3), [CycleFailing]);
    assert_eq!(scene.play(&lost), [CycleFailing]);
    assert_eq!(scene.play_times(&lost, 20), []);
}

#[test]
fn accounts_that_fail_are_told_once_and_again_where_many_more_do() {
    let mut scene = Scene::new();
    let (one, six, none) = (scene.failed(1), scene.failed(6), scene.failed(0));
    assert_eq!(scene.play(&one), [AccountsFailed]);
    assert_eq!(scene.play_times(&one, 50), []);
    assert_eq!(scene.play(&six), [AccountsFailed]);
    assert_eq!(scene.play_times(&one, 50), []);
    assert_eq!(scene.play_times(&none, 3), [AccountsWell]);
}

#[test]
fn an_agent_that_stands_by_tells_nothing() {
    let mut scene = Scene::new();
    let report = SyncReport { outcome: CycleOutcome::Standby, ..scene.report(&[pool("standard", 5, 5, 9)]) };
    assert_eq!(scene.play_times(&report, 10), []);
}
