//! The daily digest: when it is due, and what it sums up.

use jiff::civil::time;
use jiff::tz::TimeZone;

use super::scene::{Scene, directory, held, pool};
use crate::model::notice::NoticeKind::{Digest, PoolFull};
use crate::model::report::{ChangeCounts, CycleOutcome, HeldKind, SyncReport};

fn daily() -> Scene {
    let mut scene = Scene::new();
    scene.notify.digest = Some(time(8, 0, 0, 0));
    scene
}

#[test]
fn a_digest_comes_once_a_day_at_its_time_and_not_with_the_first_cycle() {
    let mut scene = daily();
    scene.now = "2026-11-26T08:20:00Z".parse().unwrap();
    let report = scene.report(&[pool("standard", 50, 40, 0)]);
    let day = 24 * 12;
    assert_eq!(scene.play_times(&report, day - 5), []);
    assert_eq!(scene.play(&report), [Digest], "{}", scene.now);
    assert_eq!(scene.now.to_string(), "2026-11-27T08:00:00Z");
    assert_eq!(scene.play_times(&report, day), [Digest]);
    assert_eq!(scene.play_times(&report, 10 * day), [Digest; 10]);
}

#[test]
fn after_a_rest_of_some_days_one_digest_makes_up_for_all() {
    let mut scene = daily();
    scene.now = "2026-11-26T08:20:00Z".parse().unwrap();
    let report = scene.report(&[]);
    scene.play(&report);
    scene.every = 5 * 24 * 3600;
    assert_eq!(scene.play(&report), [Digest]);
    scene.every = 300;
    assert_eq!(scene.play_times(&report, 200), []);
}

#[test]
fn a_digest_follows_the_clock_on_the_wall_also_when_that_changes() {
    let mut scene = daily();
    scene.zone = TimeZone::get("Europe/Zurich").unwrap();
    scene.now = "2026-10-24T07:00:00Z".parse().unwrap();
    let report = scene.report(&[]);
    let mut due = Vec::new();
    for _ in 0..(2 * 24 * 12) {
        if scene.play(&report) == [Digest] {
            due.push(scene.now.to_string());
        }
    }
    // Summer time ends on the 25th at 03:00.
    assert_eq!(due, ["2026-10-25T07:00:00Z", "2026-10-26T07:00:00Z"]);
}

#[test]
fn without_a_digest_nothing_is_summed_up() {
    let mut scene = Scene::new();
    let report = scene.report(&[]);
    assert_eq!(scene.play_times(&report, 1000), []);
    assert!(scene.told.contains("\"digest\":null") && scene.told.contains("\"cycles\":0"), "{}", scene.told);
}

#[test]
fn a_digest_has_the_seats_what_was_done_and_what_is_open() {
    let mut scene = daily();
    scene.now = "2026-11-26T08:20:00Z".parse().unwrap();
    let changes = ChangeCounts { provisioned: 2, suspended: 1, failed: 0, ..ChangeCounts::default() };
    let busy = SyncReport { changes, ..scene.report(&[pool("standard", 50, 50, 0)]) };
    assert_eq!(scene.play_times(&busy, 2), [PoolFull]);
    let mut report = scene.held("f7", vec![held("corp", HeldKind::Leaving, 200)]);
    report.pools = vec![pool("standard", 50, 50, 2)];
    report.waiting = scene.report(&report.pools.clone()).waiting;
    report.directories[0].quarantined = 4;
    scene.play(&report);
    scene.now = "2026-11-27T07:55:00Z".parse().unwrap();
    let notice = scene.notices(&report).remove(0);
    assert_eq!(notice.subject, "Seatsync acme/dc01: daily digest, 3 things are open");
    for said in [
        "4 cycles, none failed",
        "standard: 50 of 50 seats are held: none is free. 2 people wait.",
        "Waiting: user1, user2.",
        "4 provisioned, 2 suspended",
        "changes are held back since 2026-11-26 08:35 UTC",
        "4 entries cannot be used",
        "somebody waits for a seat of standard since 2026-11-26 08:35 UTC",
        "seatsync confirm f7",
    ] {
        assert!(notice.text.contains(said), "{said} in {}", notice.text);
    }
    let body: serde_json::Value = serde_json::from_str(&notice.body).unwrap();
    assert_eq!((&body["data"]["changes"]["provisioned"], &body["data"]["cycles"]), (&4.into(), &4.into()));
    assert!(!notice.body.contains("user1"));
}

#[test]
fn failed_cycles_and_those_that_read_not_everything_are_counted_apart() {
    let mut scene = daily();
    scene.now = "2026-11-26T08:20:00Z".parse().unwrap();
    let well = scene.report(&[]);
    let partial = SyncReport {
        outcome: CycleOutcome::Partial,
        ..scene.report_of(vec![directory("a", true), directory("b", false)])
    };
    // No directory could be read.
    let unread = SyncReport { outcome: CycleOutcome::Failed, ..scene.report_of(vec![directory("a", false)]) };
    let backend = scene.failure("backend_failed");
    for report in [&well, &partial, &unread, &backend, &unread, &partial, &partial] {
        scene.notices(report);
    }
    scene.now = "2026-11-27T07:55:00Z".parse().unwrap();
    let notices = scene.notices(&well);
    let digest = notices.iter().find(|notice| notice.kind == Digest).unwrap();
    assert!(digest.text.contains(": 8 cycles, 3 failed, 3 did not read everything."), "{}", digest.text);
    let body: serde_json::Value = serde_json::from_str(&digest.body).unwrap();
    let counts = ["cycles", "failed_cycles", "partial_cycles"].map(|key| body["data"][key].as_u64());
    assert_eq!(counts, [Some(8), Some(3), Some(3)]);
}

/// However soon after its start the time of the digest is.
#[test]
fn the_first_digest_comes_the_day_after_the_first_cycle_and_counts_from_there() {
    let mut scene = daily();
    scene.now = "2026-11-26T07:50:00Z".parse().unwrap();
    let report = scene.report(&[]);
    let day = 24 * 12;
    assert_eq!(scene.play_times(&report, day), []);
    let notices = scene.notices(&report);
    assert_eq!(scene.now.to_string(), "2026-11-27T07:55:00Z");
    assert!(notices.is_empty());
    let notices = scene.notices(&report);
    assert_eq!(notices.iter().map(|notice| notice.kind).collect::<Vec<_>>(), [Digest]);
    assert!(notices[0].text.contains("Since 2026-11-26 07:55 UTC: 290 cycles, none failed."), "{}", notices[0].text);
}
