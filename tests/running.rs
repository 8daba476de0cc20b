//! The agent itself, `run`: its signals, the verbs beside it, and a second one.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on ends here")]

mod support;

use std::time::Duration;

use serde_json::Value;
use support::agent::Running;
use support::company::{Company, company_of, pool};
use support::process::{now, wait_until};

/// What is done "at once", on a machine that has other work too.
const SOON: Duration = Duration::from_secs(10);

/// A running agent that has made its first cycle. Unless the config says otherwise it makes the next in five minutes.
fn started(company: &Company) -> Running {
    company.write();
    let before = company.agent.history().len();
    let running = company.agent.start();
    wait_until("the first cycle", Duration::from_mins(1), || company.agent.history().len() > before);
    running
}

fn config(company: &Company) -> String {
    std::fs::read_to_string(company.agent.config_file()).expect("the config")
}

#[test]
fn a_hangup_makes_the_agent_take_the_config_at_once_and_a_bad_one_leaves_the_old_in_force() {
    let company = company_of(5, &pool(2));
    let running = started(&company);
    assert_eq!(company.agent.names("active").len(), 2);
    let good = config(&company);
    company.agent.write_config(&good.replace("seats = 2", "seats = 3\n[seats]\npromotion = \"automatic\""));
    running.signal("HUP");
    wait_until("the third seat is given", SOON, || company.agent.names("active").len() == 3);

    company.agent.write_config(&good.replace("seats = 2", "seats = \"many\""));
    running.signal("HUP");
    // No verb can look meanwhile: to all of them the config is wrong.
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(company.agent.run(&["status"]).code, 2);

    company.agent.write_config(&good.replace("seats = 2", "seats = 4\n[seats]\npromotion = \"automatic\""));
    running.signal("HUP");
    wait_until("the fourth seat is given", SOON, || company.agent.names("active").len() == 4);
    let ended = running.terminate();
    assert_eq!(ended.code, 0, "{ended:?}");
    let complaint = ended.stderr.lines().find(|line| line.contains("goes on with the one it has"));
    assert!(complaint.is_some_and(|line| line.contains("pool.standard.seats")), "{}", ended.stderr);
}

#[test]
fn another_poll_takes_effect_without_a_restart() {
    let company = company_of(2, &pool(2));
    let running = started(&company);
    let cycles = company.agent.history().len();
    company.agent.write_config(&config(&company).replace("[agent]\n", "[agent]\npoll = \"1s\"\n"));
    running.signal("HUP");
    wait_until("three cycles more", SOON, || company.agent.history().len() >= cycles + 3);
    assert_eq!(running.terminate().code, 0);
}

#[test]
fn a_second_agent_ends_with_5_and_the_first_goes_on() {
    let company = company_of(2, &pool(2));
    let running = started(&company);
    let second = company.agent.run(&["--json", "run"]);
    assert_eq!((second.code, &second.json()["error"]["code"]), (5, &"busy".into()), "{second:?}");
    assert_eq!(company.agent.status()["running"], true);
    assert_eq!(company.agent.sync().0, 0);
    assert_eq!(running.terminate().code, 0);
}

#[test]
fn an_agent_that_died_is_not_running_and_has_no_next_cycle() {
    let company = company_of(2, &pool(2));
    let running = started(&company);
    wait_until("the next cycle is known", SOON, || !company.agent.status()["next_cycle"].is_null());
    running.kill();
    let status = company.agent.status();
    assert_eq!((&status["running"], &status["next_cycle"]), (&false.into(), &Value::Null), "{status}");
    let running = started(&company);
    assert_eq!(company.agent.status()["running"], true);
    running.terminate();
}

#[test]
fn every_verb_works_beside_the_agent_and_what_is_decided_is_carried_out_at_once() {
    let company = company_of(6, &pool(4));
    let running = started(&company);
    let agent = &company.agent;
    let waiting = agent.names("pending");
    assert_eq!((agent.users().len(), agent.pending().len(), waiting.len()), (6, 2, 2));
    assert_eq!(agent.explain(&waiting[0]).1["user"]["state"], "pending");
    assert_eq!(agent.plan().0, 0);
    assert_eq!(agent.check(true).0, 0);

    let holder = agent.names("active").remove(0);
    let first = agent.pending()[0]["user_name"].as_str().expect("a name").to_owned();
    assert_eq!(agent.decide("release", &[&holder]).code, 0);
    let approved = agent.decide("approve", &[&first]);
    assert_eq!(approved.code, 0, "{approved:?}");
    let clock = now();
    wait_until("the approved one has the seat", SOON, || agent.names("active").contains(&first));
    assert!(clock.elapsed() < Duration::from_secs(5), "{:?}", clock.elapsed());

    let (code, report) = agent.sync();
    assert_eq!((code, &report["outcome"]), (0, &"ok".into()));
    assert_eq!(agent.sync_full().1["directories"][0]["mode"], "full");
    assert_eq!(running.terminate().code, 0);
}

#[test]
fn what_is_confirmed_beside_the_agent_is_carried_out_at_once_and_a_wrong_fingerprint_is_2() {
    let mut company = company_of(10, &pool(10));
    let running = started(&company);
    for number in 1..=5 {
        company.disable(&format!("p{number:03}"));
    }
    let (code, report) = company.sync();
    assert_eq!((code, &report["changes"]["held"]), (4, &5.into()), "{report}");
    let fingerprint = report["fingerprint"].as_str().expect("a fingerprint");
    assert_eq!(company.agent.confirm("0123456789abcdef").0, 2);
    assert!(company.agent.names("suspended").is_empty());
    let (code, confirmed) = company.agent.confirm(fingerprint);
    assert_eq!((code, &confirmed["running"]), (0, &true.into()), "{confirmed}");
    wait_until("the five are suspended", SOON, || company.agent.names("suspended").len() == 5);
    assert_eq!(running.terminate().code, 0);
}

#[test]
fn an_account_is_relinked_beside_the_agent() {
    let mut company = company_of(3, &pool(3));
    let identified = |anchor: &str| format!("mail: p001@lab.test\nentryUUID: {anchor}\n");
    let (old, new) = ("11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222");
    company.set("p001", &identified(old));
    let running = started(&company);
    company.set("p001", &identified(new));
    for _ in 0..2 {
        company.sync();
    }
    let relinked = company.agent.run(&["--json", "relink", old, new]);
    assert_eq!(relinked.code, 0, "{relinked:?}");
    wait_until("the account is resumed", SOON, || {
        let user = company.agent.user("p001");
        user["anchor"] == new && user["state"] == "active"
    });
    assert_eq!(running.terminate().code, 0);
}

#[test]
fn told_to_stop_while_it_applies_it_ends_what_it_began_and_in_time() {
    let company = company_of(3000, &pool(3000));
    company.write();
    let running = company.agent.start();
    wait_until("the first change", Duration::from_mins(1), || company.agent.folder().join("ledger.db").exists());
    let clock = now();
    let ended = running.terminate();
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(clock.elapsed() < Duration::from_secs(50), "{:?}", clock.elapsed());
    assert_eq!(company.agent.status()["running"], false);
    assert_eq!(company.agent.names("active").len(), 3000);
    let (code, report) = company.agent.sync();
    assert_eq!(code, 0, "{report}");
    assert!(report["changes"].as_object().expect("changes").values().all(|count| count == 0), "{report}");
}

#[test]
fn an_agent_that_does_not_answer_is_5_and_nothing_is_carried_out_behind_the_callers_back() {
    let company = company_of(3, &pool(2));
    let running = started(&company);
    let waiting = company.agent.names("pending").remove(0);
    running.signal("STOP");
    let denied = company.agent.decide("deny", &[&waiting]);
    assert_eq!((denied.code, &denied.json()["error"]["code"]), (5, &"busy".into()), "{denied:?}");
    assert!(denied.stdout.contains("nothing was changed"), "{denied:?}");
    running.signal("CONT");
    assert_eq!(company.agent.sync().0, 0);
    assert_eq!(company.agent.names("pending"), [waiting]);
    assert_eq!(running.terminate().code, 0);
}

#[test]
fn a_cycle_that_failed_is_history_and_status_keeps_what_it_knew() {
    let mut company = company_of(10, &pool(8));
    company.sync();
    for number in 1..=5 {
        company.disable(&format!("p{number:03}"));
    }
    let (code, held) = company.sync();
    assert_eq!(code, 4, "{held}");
    let ledger = rusqlite::Connection::open(company.agent.folder().join("ledger.db")).expect("the ledger");
    ledger
        .execute_batch("PRAGMA foreign_keys = ON; DELETE FROM assignment; DELETE FROM account;")
        .expect("losing accounts");
    let lost = company.agent.run(&["--json", "sync"]);
    assert_eq!((lost.code, &lost.json()["error"]["code"]), (1, &"backend".into()), "{lost:?}");
    assert_eq!(company.agent.history().pop().expect("a cycle")["outcome"], "failed");
    let status = company.agent.status();
    assert_eq!(status["last_cycle"]["problems"][0]["code"], "backend_lost", "{status}");
    assert_eq!((&status["pools"], &status["held"]), (&held["pools"], &held["held"]), "{status}");
    assert_eq!((&status["fingerprint"], &status["backend"]["reachable"]), (&held["fingerprint"], &true.into()));
}

#[cfg(target_os = "linux")]
#[test]
fn a_saved_config_with_another_state_dir_is_told_by_each_verb_while_the_agent_keeps_the_old() {
    let company = company_of(2, &pool(2));
    let running = started(&company);
    let good = config(&company);
    company.agent.write_config(&good.replace("state_dir = \"state\"", "state_dir = \"other\""));
    let (old, new) = (company.agent.folder().join("state"), company.agent.folder().join("other"));
    let (code, checked) = company.agent.check(false);
    let probe =
        checked["probes"].as_array().and_then(|all| all.iter().find(|probe| probe["what"] == "agent: state_dir"));
    let probe = probe.unwrap_or_else(|| panic!("{checked}"));
    assert_eq!(code, 1, "{checked}");
    for text in [format!("process {}) has its state in {}", running.id(), old.display()), new.display().to_string()] {
        assert!(probe.to_string().contains(&text), "{text}: {probe}");
    }
    let status = company.agent.run(&["status"]).stdout;
    assert!(status.contains(&format!("running, with its state in {}", old.display())), "{status}");
    let cycle = company.agent.run(&["--json", "sync"]);
    assert_eq!((cycle.code, &cycle.json()["error"]["code"]), (5, &"busy".into()), "{cycle:?}");
    let next = cycle.json()["error"]["next"].to_string();
    let files = format!("move {}/state.db* to {}", old.display(), new.display());
    assert!(next.contains(&files), "a folder may hold the ledger, too: {next}");
    for verb in [
        &["pending"][..],
        &["users"],
        &["history"],
        &["explain", "p001"],
        &["plan"],
        &["pending", "approve", "p001"],
        &["pending", "approve", "--next", "1"],
    ] {
        let told = company.agent.run(&[&["--json"], verb].concat());
        assert_eq!(
            (told.code, &told.json()["error"]["next"]),
            (5, &cycle.json()["error"]["next"]),
            "{verb:?}: {told:?}"
        );
    }
    assert!(!new.join("state.db").exists(), "no cycle begins with nothing");
    company.agent.write_config(&good);
    assert_eq!(company.agent.check(false).0, 0);
    assert_eq!(running.terminate().code, 0);
}

#[test]
fn another_company_than_that_of_the_ledger_is_told_by_check_a_reload_and_a_start() {
    let company = company_of(2, &pool(2));
    let running = started(&company);
    let good = config(&company);
    company.agent.write_config(&good.replace("company = \"acme\"", "company = \"globex\""));
    let says_all = |said: &str| {
        let file = company.agent.folder().join("ledger.db").display().to_string();
        let all = [&*file, "has no company", "globex", "it has acme", "Write backend.company as it was"];
        all.iter().all(|part| said.contains(part))
    };
    let (code, checked) = company.agent.check(false);
    let problem = &checked["problems"][0];
    assert_eq!((code, problem["key"].as_str()), (2, Some("backend.company")), "{checked}");
    assert!(problem["message"].as_str().is_some_and(says_all), "{checked}");
    let status = company.agent.status();
    assert!(status["backend"]["problem"].as_str().is_some_and(says_all), "{status}");
    running.signal("HUP");
    assert_eq!(company.agent.sync().0, 0, "it goes on with the config that it has");
    let ended = running.terminate();
    let refused = ended.stderr.lines().find(|line| line.contains("goes on with the one it has"));
    assert!(refused.is_some_and(says_all), "{}", ended.stderr);

    let start = company.agent.run(&["run"]);
    assert!(start.code == 1 && says_all(&start.stderr), "{start:?}");
    company.agent.write_config(&good);
    assert_eq!(company.agent.sync().0, 0);
}
