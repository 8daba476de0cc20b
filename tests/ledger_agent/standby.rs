//! Several agents of one company: one works, the others stand by, and one of them takes over by itself.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::ledger::{LONG, Served, company, twin};
use crate::support::process::{now, wait_until};
use crate::support::{Agent, Fault, HttpProxy};

fn agent(name: &str, poll: &str) -> String {
    format!("[agent]\nname = \"{name}\"\nstate_dir = \"state\"\npoll = \"{poll}\"\n")
}

#[test]
fn the_second_agent_stands_by_says_so_and_takes_over_when_the_first_is_killed() {
    let ledger = Served::start();
    ledger.buy("standard", 3);
    let mut company = company(5, &agent("one", "1s"), &ledger.url(), &ledger.connector, "");
    let other = twin(&company, &agent("two", "1s"), &ledger.url(), &ledger.connector, "");
    let first = company.agent.start();
    wait_until("the first works", LONG, || ledger.holders().len() == 3);
    let second = other.start();
    wait_until("the second stands by", LONG, || !other.status()["standby"].is_null());
    let status = other.status();
    assert!(status["standby"]["holder"].as_str().unwrap().starts_with("one/"), "{status}");
    assert!(other.run(&["status"]).stdout.contains("standby"), "and in words");

    // A typed sync says so, too, and is no failure; what is known is fresh all the same.
    let (code, report) = other.sync();
    assert_eq!((code, &report["outcome"]), (0, &"standby".into()), "{report}");
    assert_eq!(report["pools"][0]["held"], 3, "{report}");
    assert_eq!(other.names("active").len(), 3);
    let (code, explained) = other.explain(&ledger.holders()[0]);
    assert_eq!((code, &explained["scope"]["in"]), (0, &true.into()), "it has a seat: {explained}");
    let said = explained["decision"].as_str().unwrap();
    assert!(said.starts_with("holds a seat of standard; this agent stands by and did not read corp yet"), "{said}");
    assert!(said.contains("`explain` where one/"), "{said}");
    assert!(other.history().is_empty(), "standing by is no cycle and no failure: {:?}", other.history());

    first.kill();
    let clock = now();
    company.disable("p001");
    company.write();
    wait_until("the second takes over", LONG, || ledger.holder().is_some_and(|holder| holder.starts_with("two/")));
    assert!(clock.elapsed() < Duration::from_secs(30), "{:?}", clock.elapsed());
    wait_until("it works", LONG, || other.names("suspended") == ["p001"]);
    wait_until("it says that it works", LONG, || other.status()["standby"].is_null());
    assert_eq!(ledger.accounts().len(), 5);

    // Who comes back stands by.
    let first = company.agent.start();
    wait_until("the first stands by", LONG, || !company.agent.status()["standby"].is_null());
    // Whoever ends in peace hands over at once.
    let clock = now();
    assert_eq!(second.terminate().code, 0);
    wait_until("the first is back", LONG, || ledger.holder().is_some_and(|holder| holder.starts_with("one/")));
    assert!(clock.elapsed() < Duration::from_secs(10), "{:?}", clock.elapsed());
    wait_until("it says that it works", LONG, || company.agent.status()["standby"].is_null());
    // What the other did meanwhile is no other hand's work.
    let (code, report) = company.agent.sync();
    assert_eq!((code, &report["problems"]), (0, &Value::Array(vec![])), "{report}");
    assert_eq!(first.terminate().code, 0);
}

/// As where a machine is cloned with the agent on it.
fn clone_state(from: &Agent, to: &Agent) {
    let (from, to) = (from.folder().join("state"), to.folder().join("state"));
    std::fs::create_dir_all(&to).unwrap();
    for file in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

#[test]
fn of_two_agents_with_one_state_directory_copied_one_works_and_the_other_says_what_to_do() {
    let ledger = Served::start();
    ledger.buy("standard", 3);
    let mut company = company(5, &agent("one", "1s"), &ledger.url(), &ledger.connector, "");
    let copy = twin(&company, &agent("one", "1s"), &ledger.url(), &ledger.connector, "");
    assert_eq!(company.sync().0, 0);
    clone_state(&company.agent, &copy);
    let first = company.agent.start();
    wait_until("the first has the lease", LONG, || ledger.holder().is_some());
    let second = copy.start();
    wait_until("the second stands by", LONG, || copy.status()["standby"]["copy"] == true);
    let epoch = ledger.get("lease")["epoch"].clone();
    let status = copy.status();
    assert_eq!(status["standby"]["holder"], ledger.get("lease")["holder"], "{status}");
    assert!(status["standby"]["since"].is_string(), "{status}");
    let said = copy.run(&["status"]).stdout;
    assert!(said.contains("copy") && said.contains("state.db"), "{said}");
    std::thread::sleep(Duration::from_secs(8));
    assert_eq!(ledger.get("lease")["epoch"], epoch, "the lease does not go to and fro");
    assert!(company.agent.status()["standby"].is_null());

    // What the first did is nobody else's hand, though both have one name.
    company.disable("p001");
    company.write();
    wait_until("the first works", LONG, || company.agent.names("suspended") == ["p001"]);
    first.kill();
    wait_until("the second takes over", LONG, || copy.status()["standby"].is_null());
    company.join("p001");
    company.write();
    let (code, report) = copy.sync();
    assert_eq!((code, &report["problems"]), (0, &Value::Array(vec![])), "{report}");
    assert_eq!(second.terminate().code, 0);
}

#[test]
fn an_agent_that_was_killed_works_again_once_its_own_lease_ran_out_and_one_that_ended_in_peace_at_once() {
    let ledger = Served::start();
    ledger.buy("standard", 3);
    let mut company = company(3, &agent("one", "1s"), &ledger.url(), &ledger.connector, "");
    let running = company.agent.start();
    wait_until("it works", LONG, || ledger.holders().len() == 3);
    running.kill();
    company.disable("p001");
    company.write();
    let clock = now();
    let running = company.agent.start();
    wait_until("it works again", LONG, || company.agent.names("suspended") == ["p001"]);
    assert!(clock.elapsed() < Duration::from_secs(25), "{:?}", clock.elapsed());
    let ended = running.terminate();
    assert_eq!((ended.code, ended.stderr.matches("Waiting for the lease").count()), (0, 1), "{ended:?}");
    company.disable("p002");
    company.write();
    let clock = now();
    let (code, report) = company.sync();
    assert_eq!((code, &report["outcome"]), (0, &"ok".into()), "{report}");
    assert!(clock.elapsed() < Duration::from_secs(5), "{:?}", clock.elapsed());
}

#[test]
fn an_agent_that_lost_the_lease_while_it_planned_changes_nothing_and_stands_by() {
    let ledger = Served::start();
    ledger.buy("standard", 3);
    let company = company(5, "", &ledger.url(), &ledger.connector, "");
    // Another agent takes the lease over at the moment the plan is made: the proxy between holds the batch back.
    let proxy = HttpProxy::start(&ledger.address());
    let config = std::fs::read_to_string(company.agent.config_file()).unwrap();
    company.agent.write_config(&config.replace(&ledger.url(), &proxy.url()));
    proxy.fault("PUT /v1/companies/acme/lease", Fault::LoseAnswer, usize::MAX);
    proxy.fault("POST /v1/companies/acme/batches", Fault::Problem(503, "unavailable", Some(20)), 1);
    let running = company.agent.spawn(&["--json", "sync"], &[]);
    wait_until("the batch is on its way", LONG, || proxy.count("POST /v1/companies/acme/batches") > 0);
    // The first one's lease is renewed in vain, so that it runs out.
    let body = json!({ "holder": "another", "seconds": 60 });
    wait_until("another agent has the lease", LONG, || {
        ledger.ask(Method::POST, &ledger.connector, "lease", &[], &body).0.is_success()
    });
    let ended = running.wait();
    let report = ended.json();
    assert_eq!((ended.code, &report["outcome"]), (0, &"standby".into()), "{ended:?}");
    assert_eq!(report["standby"]["holder"], "another", "{report}");
    assert!(ledger.accounts().is_empty(), "an old epoch writes nothing");
}

#[test]
fn a_seat_that_the_other_agent_took_back_is_given_again_by_whoever_works_then() {
    let ledger = Served::start();
    ledger.buy("standard", 5);
    let mut company = company(5, &agent("one", "1s"), &ledger.url(), &ledger.connector, "");
    let other = twin(&company, &agent("two", "1s"), &ledger.url(), &ledger.connector, "");
    // Both have seen everybody with a seat.
    assert_eq!((company.agent.sync().0, other.sync().0), (0, 0));
    company.disable("p001");
    assert_eq!(company.sync().0, 0);
    assert_eq!(ledger.holders().len(), 4);
    company.join("p001");
    company.write();
    for agent in [&other, &company.agent] {
        let (code, report) = agent.sync();
        assert_eq!((code, &report["problems"]), (0, &Value::Array(vec![])), "{report}");
        assert_eq!(ledger.holders().len(), 5, "{report}");
    }
}

#[test]
fn what_another_hand_took_while_nobody_worked_is_not_given_again_after_a_takeover() {
    let ledger = Served::start();
    ledger.buy("standard", 5);
    let company = company(5, &agent("one", "1s"), &ledger.url(), &ledger.connector, "");
    let other = twin(&company, &agent("two", "1s"), &ledger.url(), &ledger.connector, "");
    assert_eq!(company.agent.sync().0, 0);
    assert_eq!(other.sync().0, 0);
    // The second has taken over from the first, and takes what that one did for no other hand's.
    let decide = |name: &str, verdict: &str| {
        let decision = json!({"decisions": [{"account": ledger.id(name), "pool": null, "verdict": verdict}]});
        let (status, answer) = ledger.post("decisions", &decision);
        assert!(status.is_success(), "{answer}");
    };
    decide("p001", "release");
    decide("p002", "release");
    let path = format!("accounts/{}", ledger.id("p002"));
    assert!(ledger.ask(Method::DELETE, &ledger.admin, &path, &[("If-Match", "*")], &Value::Null).0.is_success());
    for agent in [&company.agent, &other] {
        let (code, report) = agent.sync();
        assert_eq!(code, 0, "{report}");
        assert_eq!(ledger.holders(), ["p003", "p004", "p005"], "{report}");
    }
    // And a third, which never saw them, cannot know of the account; of the seat the ledger tells it.
    assert_eq!(ledger.accounts().len(), 4);
}

#[test]
fn a_lease_whose_answer_was_lost_hides_nothing_that_another_hand_did() {
    let ledger = Served::start();
    ledger.buy("standard", 3);
    let proxy = HttpProxy::start(&ledger.address());
    let company = company(3, "", &proxy.url(), &ledger.connector, "");
    assert_eq!(company.sync().0, 0);
    let id = ledger.id("p001");
    let release = json!({"decisions": [{"account": id, "pool": null, "verdict": "release"}]});
    assert!(ledger.post("decisions", &release).0.is_success());
    let path = format!("accounts/{id}");
    assert!(ledger.ask(Method::DELETE, &ledger.admin, &path, &[("If-Match", "*")], &Value::Null).0.is_success());
    // Two epochs more, and nobody else had them.
    proxy.fault("POST /v1/companies/acme/lease", Fault::LoseAnswer, 2);
    let (code, report) = company.sync();
    assert_eq!((code, proxy.faults_left()), (0, 0), "{report}");
    assert_eq!(report["problems"][0]["code"], "removed_elsewhere", "{report}");
    assert_eq!(ledger.accounts().len(), 2, "p001 is not made again");
}

#[test]
fn what_a_run_that_ended_sent_late_makes_the_next_one_no_copy() {
    let ledger = Served::start();
    ledger.buy("standard", 3);
    let proxy = HttpProxy::start(&ledger.address());
    let mut company = company(3, &agent("one", "1s"), &proxy.url(), &ledger.connector, "");
    let running = company.agent.start();
    wait_until("it works", LONG, || ledger.holders().len() == 3);
    // Each answer of the lease comes late, and what was sent before the end arrives after it.
    proxy.fault("PUT /v1/companies/acme/lease", Fault::Late(Duration::from_secs(6)), 1);
    wait_until("it is on its way", LONG, || proxy.faults_left() == 0);
    running.kill();
    company.disable("p001");
    company.write();
    let (code, report) = company.sync();
    assert_eq!((code, &report["outcome"]), (0, &"ok".into()), "{report}");
    assert_eq!(report["standby"], Value::Null, "{report}");
    assert_eq!(company.agent.names("suspended"), ["p001"]);
}
