//! What a message says, and what it never does.

use super::scene::{Scene, directory, pool, waits};
use crate::model::notice::NoticeKind;
use crate::model::report::SyncReport;
use crate::model::text::is_harmful;

#[test]
fn a_message_says_what_happened_what_goes_on_and_what_to_run() {
    let mut scene = Scene::new();
    let report = scene.report(&[pool("standard", 50, 50, 12)]);
    let notice = scene.notices(&report).remove(0);
    assert_eq!(notice.subject, "Seatsync acme/dc01: 12 people wait for a seat of standard");
    let wanted = "12 people wait for a seat of the pool \"standard\".\n\
        50 of 50 seats are held: none is free.\n\
        Because no seat was free: 12.\n\
        First in line: user1, user2, user3, user4, user5, user6, user7, user8, user9, user10 and 2 more.\n\
        Nobody lost a seat. Who waits keeps the place, and gets a seat that is free once somebody approves.\n\
        This is told once, and you hear when nobody waits any more.\n\
        \n\
        To see who waits, and to decide, run:\n\
        \n    seatsync pending\n\
        \n-- \n\
        Agent dc01, company acme, cycle 1, 2026-11-26 07:35 UTC\n";
    assert_eq!(notice.text, wanted);
}

#[test]
fn every_command_means_the_config_it_was_told_for() {
    let mut scene = Scene::new();
    scene.options = " --config /srv/seats.toml".to_owned();
    let notice = scene.notices(&scene.report(&[pool("standard", 50, 50, 12)])).remove(0);
    assert!(notice.text.contains("\n    seatsync pending --config /srv/seats.toml\n"), "{}", notice.text);
    let body: serde_json::Value = serde_json::from_str(&notice.body).unwrap();
    assert_eq!(body["data"]["commands"][0], "seatsync pending --config /srv/seats.toml");
}

#[test]
fn how_many_wait_for_a_seat_that_is_free_again_is_said_in_good_english() {
    let said = |waiting| {
        let mut scene = Scene::new();
        scene.play(&scene.report(&[pool("standard", 5, 5, waiting)]));
        (0..20).find_map(|_| {
            let free = scene.report(&[pool("standard", 6, 5, waiting)]);
            let notices = scene.notices(&free);
            notices.into_iter().map(|notice| notice.text).find(|text| text.contains("has seats again"))
        })
    };
    let one = said(1).unwrap();
    assert!(one.contains("1 person waits for one, and gets it once somebody approves."), "{one}");
    let three = said(3).unwrap();
    assert!(three.contains("3 people wait for one, and get it once somebody approves."), "{three}");
}

#[test]
fn a_webhook_is_told_counts_and_nobodys_name() {
    let mut scene = Scene::new();
    let report = scene.report(&[pool("standard", 50, 50, 12)]);
    let notice = scene.notices(&report).remove(0);
    let body: serde_json::Value = serde_json::from_str(&notice.body).unwrap();
    assert_eq!(body["type"], "pool.waiting");
    assert_eq!(body["timestamp"], "2026-11-26T07:35:00Z");
    let data = &body["data"];
    assert_eq!((&data["agent"], &data["company"], &data["pool"]), (&"dc01".into(), &"acme".into(), &"standard".into()));
    assert_eq!((&data["held"], &data["free"], &data["waiting"]), (&50.into(), &0.into(), &12.into()));
    assert_eq!(data["reasons"]["no_seat"], 12);
    assert_eq!(data["commands"][0], "seatsync pending");
    assert!(!notice.body.contains("user1"), "{}", notice.body);
}

#[test]
fn nothing_from_a_directory_writes_a_line_a_header_or_an_escape_of_its_own() {
    let mut scene = Scene::new();
    scene.notify.after_failures = 1;
    let evil = "x\r\nBcc: all@corp.example\u{1b}[2J\u{202e}";
    let standard = pool("standard\r\nTo: x@corp.example", 5, 5, 1);
    let mut waiting = waits(&standard, 1);
    waiting.user_name = evil.to_owned();
    let mut corp = directory("corp", false);
    corp.problem = Some(evil.repeat(100));
    let report = SyncReport { waiting: vec![waiting], pools: vec![standard], ..scene.report_of(vec![corp]) };
    let notices = scene.notices(&report);
    assert_eq!(notices.len(), 2);
    for notice in notices {
        assert!(!notice.subject.contains(is_harmful), "{:?}", notice.subject);
        assert!(!notice.text.contains(|c| c != '\n' && is_harmful(c)), "{:?}", notice.text);
        assert!(
            notice.text.lines().all(|line| !line.starts_with("Bcc:") && !line.starts_with("To:")),
            "{}",
            notice.text
        );
        assert!(notice.text.lines().all(|line| line.chars().count() <= 603), "{}", notice.text);
        assert!(!notice.body.contains(['\r', '\n', '\u{1b}']), "{:?}", notice.body);
    }
}

#[test]
fn a_failing_cycle_says_what_goes_on_and_why_it_fails() {
    let mut scene = Scene::new();
    let report = scene.failure("no_pool");
    let notice = scene.notices(&report).remove(0);
    assert_eq!(notice.kind, NoticeKind::CycleFailing);
    for said in
        ["since 2026-11-26 07:35 UTC", "It is so.", "Everybody keeps what they have", "seatsync check --connect"]
    {
        assert!(notice.text.contains(said), "{said} in {}", notice.text);
    }
}
