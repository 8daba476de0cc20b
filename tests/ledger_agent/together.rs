//! What others do in the ledger while the agent runs.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::ledger::{LONG, Served, company};
use crate::support::company::Company;
use crate::support::process::{now, wait_until};
use crate::support::{Fault, HttpProxy};

const AUTOMATIC: &str = "[seats]\npromotion = \"automatic\"\n";

#[test]
fn a_raised_pool_promotes_within_two_seconds_and_the_agent_knows() {
    let ledger = Served::start();
    ledger.buy("standard", 2);
    let company = company(5, "", &ledger.url(), &ledger.connector, AUTOMATIC);
    let running = company.agent.start();
    wait_until("two seats are given", LONG, || company.agent.names("active").len() == 2);
    std::thread::sleep(Duration::from_secs(3));
    let cycles = company.agent.history().len();
    assert!(cycles <= 2, "its own work is no news: {cycles} cycles");
    let clock = now();
    ledger.buy("standard", 4);
    assert_eq!(ledger.holders().len(), 4, "the ledger settles at once");
    wait_until("the agent knows", LONG, || company.agent.names("active").len() == 4);
    assert!(clock.elapsed() < Duration::from_secs(2), "{:?}", clock.elapsed());
    assert_eq!(running.terminate().code, 0);
}

#[test]
fn an_approval_in_the_portal_and_one_typed_here_come_to_the_same() {
    let ledger = Served::start();
    ledger.buy("standard", 2);
    let company = company(4, "", &ledger.url(), &ledger.connector, "");
    let running = company.agent.start();
    wait_until("two seats are given", LONG, || company.agent.pending().len() == 2);
    let waiting: Vec<String> =
        company.agent.pending().iter().map(|row| row["user_name"].as_str().unwrap().to_owned()).collect();
    ledger.buy("standard", 4);
    let decision = json!({"decisions": [{"account": ledger.id(&waiting[0]), "pool": null, "verdict": "approve"}]});
    assert!(ledger.post("decisions", &decision).0.is_success());
    wait_until("the agent knows", LONG, || company.agent.names("active").contains(&waiting[0]));
    let decided = company.agent.decide("approve", &[&waiting[1]]);
    assert_eq!(decided.code, 0, "{decided:?}");
    wait_until("the agent knows", LONG, || company.agent.names("active").contains(&waiting[1]));
    let decided = company.agent.decide("deny", &[&waiting[1]]);
    assert_eq!(decided.code, 1, "a holder cannot be denied: {decided:?}");
    let said = decided.json()["error"]["message"].to_string();
    assert!(said.contains("the ledger says: there is nothing to deny"), "{said}");
    assert_eq!(running.terminate().code, 0);
}

#[test]
fn seats_lowered_and_an_account_deleted_by_hand_are_seen_and_never_undone() {
    let ledger = Served::start();
    ledger.buy("standard", 6);
    let mut company = company(6, "", &ledger.url(), &ledger.connector, AUTOMATIC);
    let running = company.agent.start();
    wait_until("everybody has a seat", LONG, || company.agent.names("active").len() == 6);
    let id = ledger.id("p001");
    let release = json!({"decisions": [{"account": id, "pool": null, "verdict": "release"}]});
    assert!(ledger.post("decisions", &release).0.is_success());
    let deleted =
        ledger.ask(Method::DELETE, &ledger.admin, &format!("accounts/{id}"), &[("If-Match", "*")], &Value::Null);
    assert!(deleted.0.is_success(), "{deleted:?}");
    ledger.buy("standard", 5);
    wait_until("the agent knows", LONG, || company.agent.names("active").len() == 5);
    company.join("p007");
    let (code, report) = company.sync();
    assert_eq!(code, 0, "{report}");
    let problems: Vec<&str> =
        report["problems"].as_array().unwrap().iter().filter_map(|p| p["code"].as_str()).collect();
    assert_eq!(problems, ["removed_elsewhere"], "{report}");
    assert_eq!((ledger.pool("standard"), ledger.accounts().len()), ((5, 5, 1), 6), "p007 waits, p001 stays gone");
    let approved = company.agent.decide("approve", &["p001"]);
    assert_eq!(approved.code, 0, "{approved:?}");
    wait_until("the account is made again", LONG, || ledger.accounts().len() == 7);
    assert_eq!(ledger.pool("standard"), (5, 5, 2));
    assert_eq!(running.terminate().code, 0);
}

#[test]
fn a_pool_that_the_ledger_has_not_stops_the_cycle_with_its_name() {
    let ledger = Served::start();
    ledger.buy("premium", 2);
    let company = company(2, "", &ledger.url(), &ledger.connector, "");
    let (code, failure) = company.sync();
    assert_eq!(code, 1, "{failure}");
    let message = failure["error"]["message"].as_str().unwrap();
    assert!(message.contains("no pool \"standard\"") && message.contains("it has \"premium\""), "{message}");
    assert!(ledger.accounts().is_empty());
}

#[test]
fn a_new_token_is_taken_without_a_restart() {
    let ledger = Served::start();
    ledger.buy("standard", 2);
    let company =
        company(2, "[agent]\nname = \"a\"\nstate_dir = \"state\"\npoll = \"1s\"\n", &ledger.url(), "not-a-token", "");
    let running = company.agent.start();
    wait_until("a cycle fails", LONG, || !company.agent.history().is_empty());
    let failed = company.agent.history().len();
    std::thread::sleep(Duration::from_secs(3));
    assert!(ledger.accounts().is_empty() && failed >= 1);
    company.agent.secret("token", &ledger.connector);
    wait_until("the seats are given", LONG, || ledger.holders().len() == 2);
    assert_eq!(running.terminate().code, 0);
}

#[test]
fn a_token_exchanged_at_work_costs_no_lease_and_no_time() {
    let ledger = Served::start();
    ledger.buy("standard", 3);
    let poll = "[agent]\nname = \"a\"\nstate_dir = \"state\"\npoll = \"1s\"\n";
    let mut company = company(2, poll, &ledger.url(), &ledger.connector, "");
    let running = company.agent.start();
    wait_until("the seats are given", LONG, || ledger.holders().len() == 2);
    let body = json!({"role": "connector", "label": "new", "connector": "main", "expires": null});
    let (status, made) = ledger.ask(Method::POST, &ledger.admin, "tokens", &[], &body);
    assert!(status.is_success(), "{made}");
    company.agent.secret("token", made["token"].as_str().unwrap());
    company.join("p003");
    company.write();
    let clock = now();
    wait_until("who joined gets a seat", LONG, || ledger.holders().len() == 3);
    assert!(clock.elapsed() < Duration::from_secs(8), "the lease before is waited for: {:?}", clock.elapsed());
    let old = ledger.get("tokens")["items"].as_array().unwrap().clone();
    let old = old.iter().find(|token| token["role"] == "connector" && token["label"] == "test").unwrap();
    let path = format!("tokens/{}", old["id"].as_str().unwrap());
    let taken_back = ledger.ask(Method::DELETE, &ledger.admin, &path, &[], &Value::Null);
    assert!(taken_back.0.is_success(), "{taken_back:?}");
    company.disable("p003");
    company.write();
    wait_until("it works with the new one", LONG, || ledger.holders().len() == 2);
    assert_eq!(running.terminate().code, 0);
}

#[test]
fn a_token_that_ran_out_is_named_and_a_new_one_makes_all_of_it_good() {
    let ledger = Served::start();
    ledger.buy("standard", 2);
    let expires = jiff::Timestamp::from_second(seatsync::clock::now().as_second() + 3).unwrap();
    let token = |expires: Option<String>| {
        let body = json!({"role": "connector", "label": "short", "connector": "main", "expires": expires});
        let (status, answer) = ledger.ask(Method::POST, &ledger.admin, "tokens", &[], &body);
        assert!(status.is_success(), "{answer}");
        answer["token"].as_str().unwrap().to_owned()
    };
    let mut company = company(2, "", &ledger.url(), &token(Some(expires.to_string())), "");
    assert_eq!(company.sync().0, 0);
    wait_until("the token runs out", LONG, || seatsync::clock::now() > expires);
    company.disable("p001");
    let (code, failure) = company.sync();
    let told = failure["error"]["causes"].to_string();
    assert!(code == 1 && told.contains("The token ran out") && told.contains("backend.token"), "{failure}");
    assert_eq!(ledger.holders().len(), 2);
    company.agent.secret("token", &token(None));
    assert_eq!(company.agent.sync().0, 0);
    assert_eq!(ledger.holders(), ["p002"]);
}

#[test]
fn plan_asks_what_more_seats_would_do_and_changes_nothing() {
    let ledger = Served::start();
    ledger.buy("standard", 2);
    let company = company(5, "", &ledger.url(), &ledger.connector, AUTOMATIC);
    let plan = company.agent.run(&["--json", "plan", "--seats", "standard=+2"]);
    let report = plan.json();
    assert_eq!(
        (plan.code, &report["pools"][0]["seats"], &report["pools"][0]["held"]),
        (0, &4.into(), &4.into()),
        "{report}"
    );
    assert!(ledger.accounts().is_empty() && ledger.holder().is_none());
}

#[test]
fn check_says_what_a_token_may_not() {
    let ledger = Served::start();
    ledger.buy("standard", 2);
    let company = company(2, "", &ledger.url(), &ledger.connector, "");
    let (code, checked) = company.agent.check(true);
    assert_eq!((code, &checked["ok"]), (0, &true.into()), "{checked}");
    company.agent.secret("token", &ledger.admin);
    let (code, checked) = company.agent.check(true);
    assert_eq!((code, &checked["ok"]), (1, &false.into()), "{checked}");
    let wrong: Vec<&Value> =
        checked["probes"].as_array().unwrap().iter().filter(|probe| probe["ok"] == false).collect();
    assert_eq!(wrong.len(), 1, "an admin may read: {checked}");
    assert_eq!(wrong[0]["what"], "backend: write as a connector");
    assert!(wrong[0]["message"].as_str().unwrap().contains("backend.token must be a connector's"), "{checked}");
    assert!(ledger.get("lease")["epoch"] == 0 && ledger.accounts().is_empty());
}

#[test]
fn an_empty_ledger_in_the_place_of_a_full_one_is_a_loss_and_never_filled_anew() {
    let (lost, empty) = (Served::start(), Served::start());
    let proxy = HttpProxy::start(&lost.address());
    for ledger in [&lost, &empty] {
        ledger.buy("standard", 10);
    }
    let company = company(12, "", &proxy.url(), &lost.connector, "");
    assert_eq!(company.sync().0, 0);
    proxy.lead_to(&empty.address());
    company.agent.secret("token", &empty.connector);
    for _ in 0..2 {
        let (code, failure) = company.agent.sync();
        let message = failure["error"]["message"].as_str().unwrap_or_default();
        assert!(code == 1 && message.contains("gone from the backend at once"), "{failure}");
    }
    assert!(empty.accounts().is_empty());
    // The right one is back.
    proxy.lead_to(&lost.address());
    company.agent.secret("token", &lost.connector);
    let (code, report) = company.agent.sync();
    assert_eq!((code, &report["problems"]), (0, &Value::Array(vec![])), "{report}");
    assert_eq!(lost.accounts().len(), 12);
}

/// People's states, and the reasons why they wait, as `users` has them.
fn known(company: &Company, name: &str) -> (Value, Value, Value) {
    let users = company.agent.users();
    let user = users.iter().find(|user| user["user_name"] == name).expect("known");
    (user["state"].clone(), user["seats"][0]["state"].clone(), user["seats"][0]["reason"].clone())
}

#[test]
fn what_was_decided_without_an_agent_is_known_at_once() {
    let ledger = Served::start();
    ledger.buy("standard", 2);
    let company = company(3, "", &ledger.url(), &ledger.connector, AUTOMATIC);
    assert_eq!(company.sync().0, 0);
    let holders = company.agent.names("active");
    let waiting = company.agent.pending()[0]["user_name"].as_str().unwrap().to_owned();
    assert_eq!(company.agent.decide("release", &[&holders[0]]).code, 0);
    assert_eq!(known(&company, &holders[0]), (json!("pending"), json!("waiting"), json!("removed_elsewhere")));
    assert_eq!(known(&company, &waiting).0, "active", "the freed seat is theirs");
    ledger.buy("standard", 1 + 2);
    assert_eq!(company.agent.decide("approve", &[&holders[0]]).code, 0);
    assert_eq!(company.agent.status()["pools"][0]["held"], 3, "{}", company.agent.status());
    assert!(company.agent.pending().is_empty());
    let (code, report) = company.sync();
    assert_eq!((code, &report["elsewhere"]), (0, &json!([])), "nothing of it was another's: {report}");
}

#[test]
fn a_decision_whose_answer_was_lost_may_have_happened_and_is_looked_up_by_the_next_cycle() {
    let ledger = Served::start();
    ledger.buy("standard", 2);
    let company = company(3, "", &ledger.url(), &ledger.connector, "");
    assert_eq!(company.sync().0, 0);
    let proxy = HttpProxy::start(&ledger.address());
    let config = std::fs::read_to_string(company.agent.config_file()).unwrap();
    company.agent.write_config(&config.replace(&ledger.url(), &proxy.url()));
    let holders = company.agent.names("active");
    proxy.fault("POST /v1/companies/acme/decisions", Fault::LoseAnswer, usize::MAX);
    let lost = company.agent.decide("release", &[&holders[0]]);
    let said = lost.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(lost.code == 1 && said.contains("It may have been carried out all the same"), "{said}");
    assert!(said.contains("`seatsync explain USER"), "{said}");
    assert_eq!(ledger.pool("standard").1, 1, "it was");
    proxy.heal();
    let refused = company.agent.decide("deny", &[&holders[1]]);
    let said = refused.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(said.contains("Could not carry out the decision") && !said.contains("Could not send"), "{said}");
    let (code, report) = company.sync();
    assert_eq!((code, &report["elsewhere"]), (0, &json!([])), "no other hand did it: {report}");
    assert_eq!(known(&company, &holders[0]).2, "removed_elsewhere");
}

#[test]
fn a_decision_whose_answer_says_nothing_may_have_happened_and_is_looked_up_by_the_next_cycle() {
    for fault in [Fault::CutClosed, Fault::Body(""), Fault::Body("{}")] {
        let ledger = Served::start();
        ledger.buy("standard", 2);
        let proxy = HttpProxy::start(&ledger.address());
        let company = company(2, "", &proxy.url(), &ledger.connector, "");
        assert_eq!(company.sync().0, 0);
        let holders = company.agent.names("active");
        proxy.fault("POST /v1/companies/acme/decisions", fault.clone(), usize::MAX);
        let lost = company.agent.decide("release", &[&holders[0]]);
        let said = lost.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(lost.code == 1 && said.contains("It may have been carried out all the same"), "{fault:?}: {said}");
        assert_eq!(ledger.pool("standard").1, 1, "it was");
        proxy.heal();
        let (code, report) = company.sync();
        assert_eq!((code, &report["elsewhere"]), (0, &json!([])), "{fault:?}, no other hand did it: {report}");
        assert_eq!(known(&company, &holders[0]).2, "removed_elsewhere");
    }
}
