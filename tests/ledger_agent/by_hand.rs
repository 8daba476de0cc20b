//! What somebody does to the served ledger with the sqlite3 shell while an agent works: nothing is lost, no seat is given
//! twice, and all is well again by itself.

use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::ledger::{LONG, Served, company};
use crate::support::company::Company;
use crate::support::process::wait_until;

const AUTOMATIC: &str = "[seats]\npromotion = \"automatic\"\n";

/// Four people, three seats.
fn set_up() -> (Served, Company) {
    let ledger = Served::start();
    ledger.buy("standard", 3);
    let company = company(4, "", &ledger.url(), &ledger.connector, AUTOMATIC);
    (ledger, company)
}

fn good(company: &Company) -> Value {
    let (code, report) = company.sync();
    assert_eq!(code, 0, "{report}");
    report
}

#[test]
fn counts_and_names_changed_by_hand_stop_no_cycle() {
    let (ledger, mut company) = set_up();
    let running = company.agent.start();
    wait_until("three have a seat", LONG, || company.agent.names("active").len() == 3);
    let before = ledger.holders();
    for (round, sql) in [
        "UPDATE pool SET held = 0, waiting = 0",
        "UPDATE pool SET held = 9, waiting = 9",
        "UPDATE account SET user_name_folded = NULL, email_folded = 'x' || id",
        "UPDATE pool SET held = -1",
    ]
    .into_iter()
    .enumerate()
    {
        ledger.by_hand(sql);
        company.join(&format!("q{round}"));
        good(&company);
        assert_eq!(ledger.pool("standard"), (3, 3, 2 + round as u64), "{sql}");
    }
    assert_eq!(ledger.holders(), before);
    assert_eq!(running.terminate().code, 0);
}

#[test]
fn a_pool_deleted_by_hand_takes_nobodys_seat_and_gives_none_until_its_seats_are_said_again() {
    let (ledger, mut company) = set_up();
    let running = company.agent.start();
    wait_until("three have a seat", LONG, || company.agent.names("active").len() == 3);
    let before = ledger.holders();
    ledger.by_hand("DELETE FROM pool");
    company.join("q0");
    good(&company);
    assert_eq!((ledger.pool("standard"), ledger.holders()), ((0, 3, 2), before.clone()));
    assert_eq!(company.agent.names("active").len(), 3);
    ledger.buy("standard", 4);
    wait_until("the fourth has a seat", LONG, || company.agent.names("active").len() == 4);
    assert!(before.iter().all(|name| ledger.holders().contains(name)));
    good(&company);
    assert_eq!(running.terminate().code, 0);
}

#[test]
fn an_account_deleted_by_hand_frees_one_seat_once_and_is_not_made_again() {
    let (ledger, company) = set_up();
    let running = company.agent.start();
    wait_until("three have a seat", LONG, || company.agent.names("active").len() == 3);
    let gone = ledger.holders()[0].clone();
    ledger.by_hand(&format!("DELETE FROM account WHERE user_name = '{gone}'"));
    let report = good(&company);
    let codes: Vec<&str> = report["problems"].as_array().unwrap().iter().filter_map(|p| p["code"].as_str()).collect();
    assert_eq!(codes, ["removed_elsewhere"], "{report}");
    assert_eq!((ledger.pool("standard"), ledger.accounts().len()), ((3, 3, 0), 3), "whoever waited has it");
    good(&company);
    assert_eq!((ledger.pool("standard"), ledger.accounts().len()), ((3, 3, 0), 3));
    assert_eq!(running.terminate().code, 0);
}

#[test]
fn who_lost_the_account_by_hand_waits_visibly_until_approved() {
    let (ledger, company) = set_up();
    good(&company);
    let gone = ledger.holders()[0].clone();
    ledger.by_hand(&format!("DELETE FROM account WHERE user_name = '{gone}'"));
    good(&company);
    ledger.buy("standard", 4);
    let user = company.agent.user(&gone);
    assert_eq!((&user["state"], &user["seats"][0]["reason"]), (&Value::Null, &"removed_elsewhere".into()), "{user}");
    assert_eq!(company.agent.pending()[0]["user_name"], gone.as_str());
    let approved = company.agent.run(&["pending", "approve", &gone]);
    assert!(approved.code == 0 && approved.stdout.contains("with the next cycle"), "{approved:?}");
    good(&company);
    assert_eq!((ledger.holders().len(), company.agent.user(&gone)["state"].as_str()), (4, Some("active")));
    assert_eq!(company.agent.pending(), Vec::<Value>::new());
}

#[test]
fn who_lost_the_account_by_hand_and_was_approved_without_a_free_seat_is_the_first_to_get_one() {
    let ledger = Served::start();
    ledger.buy("standard", 3);
    let company = company(6, "", &ledger.url(), &ledger.connector, "");
    good(&company);
    let gone = ledger.holders()[0].clone();
    ledger.by_hand(&format!("DELETE FROM account WHERE user_name = '{gone}'"));
    ledger.buy("standard", 2);
    good(&company);
    assert_eq!(company.agent.run(&["pending", "approve", &gone]).code, 0);
    good(&company);
    let first = &company.agent.pending()[0];
    assert_eq!((first["user_name"].as_str(), &first["approved"]), (Some(gone.as_str()), &true.into()), "{first}");
    ledger.buy("standard", 3);
    assert!(ledger.holders().contains(&gone), "at once, by the ledger itself");
}

#[test]
fn who_lost_the_account_by_hand_and_is_approved_before_any_cycle_saw_it_is_told_what_to_do_first() {
    let (ledger, company) = set_up();
    good(&company);
    let gone = ledger.holders()[0].clone();
    ledger.by_hand(&format!("DELETE FROM account WHERE user_name = '{gone}'"));
    for verdict in ["approve", "release"] {
        let refused = company.agent.decide(verdict, &[&gone]);
        let error = refused.json()["error"].clone();
        let (said, next) = (error["message"].as_str().unwrap(), error["next"].as_str().unwrap());
        assert_eq!((refused.code, &error["code"]), (1, &"no_account".into()), "{error}");
        assert!(
            said.contains(&format!("the ledger has no account of {gone}")) && !said.contains("company, and"),
            "{error}"
        );
        assert!(next.contains("deleted the account") && next.contains("`seatsync sync"), "{error}");
        assert_eq!(next.contains(&format!("pending approve {gone}")), verdict == "approve", "{error}");
    }
    good(&company);
    ledger.buy("standard", 4);
    assert_eq!(company.agent.decide("approve", &[&gone]).code, 0);
    good(&company);
    assert_eq!(company.agent.user(&gone)["state"], "active");
}

/// Where a person approves every joiner, one approval is enough.
#[test]
fn who_lost_the_account_by_hand_where_joiners_need_approval_has_it_again_when_approved() {
    let ledger = Served::start();
    ledger.buy("standard", 3);
    let company = company(3, "", &ledger.url(), &ledger.connector, "[seats]\njoiners = \"approve\"\n");
    good(&company);
    assert_eq!(company.agent.decide("approve", &["p001", "p002", "p003"]).code, 0);
    good(&company);
    assert_eq!(ledger.holders(), ["p001", "p002", "p003"]);
    ledger.by_hand("DELETE FROM account WHERE user_name = 'p001'");
    good(&company);
    assert_eq!(company.agent.decide("approve", &["p001"]).code, 0);
    good(&company);
    assert_eq!(ledger.holders(), ["p001", "p002", "p003"]);
}

#[test]
fn what_a_hand_changes_reaches_the_agent_long_before_its_next_cycle() {
    let (ledger, company) = set_up();
    let running = company.agent.start();
    wait_until("three have a seat", LONG, || company.agent.names("active").len() == 3);
    ledger.buy("standard", 3);
    // The next cycle is in five minutes.
    let soon = Duration::from_secs(20);
    ledger.by_hand("UPDATE pool SET seats = 4");
    wait_until("the fourth has a seat", soon, || company.agent.names("active").len() == 4);
    let gone = ledger.holders()[0].clone();
    ledger.by_hand(&format!("DELETE FROM account WHERE user_name = '{gone}'"));
    wait_until("the agent knows who is gone", soon, || company.agent.names("active").len() == 3);
    assert_eq!(running.terminate().code, 0);
}

#[test]
fn a_seat_given_by_hand_is_kept_and_while_there_are_too_many_nobody_gets_another() {
    let (ledger, mut company) = set_up();
    let running = company.agent.start();
    wait_until("three have a seat", LONG, || company.agent.names("active").len() == 3);
    ledger.by_hand("UPDATE assignment SET state = 'held', reason = NULL WHERE state = 'waiting'");
    company.join("q0");
    good(&company);
    assert_eq!(ledger.pool("standard"), (3, 4, 1), "kept, and q0 waits");
    let leaver = ledger.holders()[0].clone();
    company.disable(&leaver);
    good(&company);
    assert_eq!(ledger.pool("standard"), (3, 3, 1), "what came free was one too many");
    assert_eq!(running.terminate().code, 0);
}

#[test]
fn seats_lowered_by_hand_take_none_away_and_give_none_until_they_fit() {
    let (ledger, mut company) = set_up();
    let running = company.agent.start();
    wait_until("three have a seat", LONG, || company.agent.names("active").len() == 3);
    let before = ledger.holders();
    ledger.by_hand("UPDATE pool SET seats = 2");
    company.disable(&before[0]);
    good(&company);
    assert_eq!(ledger.pool("standard"), (2, 2, 1));
    company.disable(&before[1]);
    good(&company);
    assert_eq!(ledger.pool("standard"), (2, 2, 0), "the next one that came free was given");
    assert_eq!(running.terminate().code, 0);
}

#[test]
fn a_hand_that_meddles_all_the_time_stops_no_agent_for_long_and_no_seat_is_given_twice() {
    let (ledger, mut company) = set_up();
    let running = company.agent.start();
    wait_until("three have a seat", LONG, || company.agent.names("active").len() == 3);
    thread::scope(|scope| {
        let meddling = scope.spawn(|| {
            for round in 0..60 {
                ledger.by_hand(&format!("UPDATE pool SET held = {}, waiting = {}", round % 3, round % 5));
                thread::sleep(Duration::from_millis(50));
            }
        });
        while !meddling.is_finished() {
            // One of these may fail with a sentence; none takes or gives a seat.
            company.sync();
            let held = ledger.holders().len();
            assert_eq!(held, 3);
        }
    });
    company.join("q0");
    good(&company);
    assert_eq!(ledger.pool("standard"), (3, 3, 2));
    assert_eq!(running.terminate().code, 0);
}
