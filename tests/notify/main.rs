//! Messages about the agent, from the real program to a real mail server and a real receiver of webhooks.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on ends here")]

#[cfg(feature = "fault-points")]
mod crash;
mod harness;
mod login;
mod receiver;
mod running;
#[path = "../support/mod.rs"]
mod support;

use std::time::Duration;

use serde_json::json;

use self::harness::House;
use self::support::process::wait_until;

#[test]
fn a_sync_sends_what_changed_by_mail_and_signed_to_a_webhook_and_nothing_twice() {
    let house = House::new();
    house.people(4);
    house.sync(0);
    house.expect(0, 0);
    house.people(8);
    house.sync(0);
    house.expect(1, 1);
    let mail = &house.mails()[0];
    for said in [
        "Subject: Seatsync acme/dc01: 3 people wait for a seat of standard",
        "To: it@corp.example",
        "Auto-Submitted: auto-generated",
        "3 people wait for a seat of the pool \"standard\".",
        "First in line: u6, u7, u8.",
        "    seatsync pending",
    ] {
        assert!(mail.contains(said), "{said} in {mail}");
    }
    let hook = &house.hooks()[0];
    assert_eq!(hook.body["type"], "pool.waiting");
    assert_eq!(hook.body["data"]["waiting"], 3);
    let id = hook.id.strip_prefix("msg_").unwrap();
    assert!(mail.contains(&format!("Message-ID: <{id}@corp.example>")), "{mail}");
    for _ in 0..3 {
        house.sync(0);
    }
    house.expect(1, 1);
}

#[test]
fn the_command_in_a_message_about_what_is_held_back_lets_it_through() {
    let house = House::new();
    house.people(4);
    house.sync(0);
    house.people(0);
    // That somebody is gone must be read twice.
    house.agent.run(&["sync", "--full"]);
    house.sync(4);
    house.expect(1, 1);
    let commands = house.hooks()[0].body["data"]["commands"].clone();
    let confirm = commands[1].as_str().unwrap().strip_prefix("seatsync ").unwrap().to_owned();
    assert!(house.mails()[0].contains(&format!("    seatsync {confirm}\n")), "{}", house.mails()[0]);
    let confirmed = house.agent.run(&confirm.split(' ').collect::<Vec<_>>());
    assert_eq!(confirmed.code, 0, "{confirmed:?}");
    house.sync(0);
    house.expect(1, 1);
    // Told once some cycles, and as long as they take, say the same.
    wait_until("it is told as over", Duration::from_secs(30), || {
        house.sync(0);
        house.mails().len() == 2
    });
    house.expect(2, 2);
    assert_eq!(house.hooks()[1].body["type"], "changes.free");
}

#[test]
fn a_mail_server_that_is_away_keeps_nobody_from_anything_and_gets_the_message_once_it_is_back() {
    let house = House::new();
    house.people(4);
    house.sync(0);
    house.mail_stops();
    house.people(8);
    let ended = house.sync(0);
    assert!(ended.stderr.contains("Not all messages about this cycle were taken"), "{}", ended.stderr);
    house.expect(0, 1);
    house.mail_starts();
    house.sync(0);
    house.expect(0, 1);
    house.make_due();
    let ended = house.sync(0);
    house.expect(1, 1);
    assert!(!ended.stderr.contains("messages"), "{}", ended.stderr);
    house.make_due();
    house.sync(0);
    house.expect(1, 1);
}

#[test]
fn one_receiver_who_is_refused_keeps_no_other_from_the_message() {
    let house = House::with("to = [\"boss@corp.example\", \"it@corp.example\"]\n");
    house.people(4);
    house.sync(0);
    house.sink.refusals.lock().unwrap().push("550 nobody here");
    house.people(8);
    house.sync(0);
    house.expect(1, 1);
    assert!(house.mails()[0].contains("To: it@corp.example"));
    house.make_due();
    house.sync(0);
    house.expect(2, 1);
    assert!(house.mails()[1].contains("To: boss@corp.example"));
}

#[test]
fn what_nobody_took_for_three_days_is_given_up_with_a_line_in_the_log() {
    let house = House::new();
    house.people(4);
    house.sync(0);
    house.receiver.answer(500);
    house.people(8);
    house.sync(0);
    house.make_old();
    let ended = house.sync(0);
    assert!(ended.stderr.contains("nobody took it for three days"), "{}", ended.stderr);
    assert_eq!(house.waiting(), 0);
    house.receiver.answer(204);
    house.make_due();
    house.sync(0);
    house.expect(1, 0);
}

#[test]
fn a_webhook_that_redirects_gets_no_second_request_and_its_url_is_in_no_log() {
    let house = House::new();
    house.people(8);
    house.receiver.answer(307);
    let ended = house.sync(0);
    assert_eq!(house.receiver.asked(), 1, "the redirect was followed, or tried again");
    assert!(ended.stderr.contains("the webhook answered 307"), "{}", ended.stderr);
    assert!(!ended.stderr.contains(harness::HOOK_PATH), "{}", ended.stderr);
    assert_eq!(house.waiting(), 1);
}

#[test]
fn check_asks_both_and_sends_nothing() {
    let house = House::new();
    house.people(4);
    let (code, report) = house.agent.check(true);
    assert_eq!(code, 0, "{report}");
    let probes: Vec<_> = report["probes"].as_array().unwrap().iter().collect();
    let of = |what: &str| probes.iter().find(|probe| probe["what"] == what).unwrap_or_else(|| panic!("{report}"));
    assert_eq!(of("notify: log in to the mail server")["ok"], json!(true));
    let webhook = of("notify: reach the webhook");
    assert!(webhook["message"].as_str().unwrap().contains("no message was sent"), "{webhook}");
    house.expect(0, 0);
    assert!(house.sink.said.lock().unwrap().iter().all(|line| !line.starts_with("MAIL")));
    house.mail_stops();
    let (code, report) = house.agent.check(true);
    assert_eq!((code, &report["ok"]), (1, &json!(false)), "{report}");
}

#[test]
fn who_is_told_no_more_gets_nothing_of_what_was_left() {
    let house = House::new();
    house.people(8);
    house.receiver.answer(500);
    house.sync(0);
    assert_eq!(house.waiting(), 1);
    house.quiet();
    house.sync(0);
    assert_eq!(house.waiting(), 0);
}
