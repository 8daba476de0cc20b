//! `--json` of every verb on the real binary, key by key. Other programs are written against these: none may go or be
//! renamed; a new one is added here, too.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on ends here")]

mod support;

use serde_json::Value;
use support::company::{Company, company_of, pool};

const SYNC: &str = "changes cycle directories elsewhere fingerprint granted held lost outcome pools problems seconds standby started waiting would";
const DIRECTORY: &str = "complete dangling entries foreign mode name problem quarantined seconds users";
const CHANGES: &str =
    "adopted failed held moved promoted provisioned released removed resumed suspended updated waiting";
const POOL: &str = "free held name seats waiting";
const HELD: &str = "count directory dn kind limit new of old recent";
const WAITING: &str = "anchor approved display_name email passed_over pool position reason since stopped user_name";
const USER: &str = "anchor directory display_name dn email managed quarantine seats state user_name";
const SEAT: &str = "approved pool position reason since state why";

/// The keys of an object, sorted.
fn keys(value: &Value) -> String {
    let object = value.as_object().unwrap_or_else(|| panic!("no object: {value}"));
    let mut keys: Vec<&str> = object.keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys.join(" ")
}

/// Every element of a list, of which there must be one, has these keys.
fn each(list: &Value, wanted: &str) {
    let list = list.as_array().unwrap_or_else(|| panic!("no list: {list}"));
    assert!(!list.is_empty(), "an empty list shows no keys: {wanted}");
    for one in list {
        assert_eq!(keys(one), wanted);
    }
}

/// Twelve people for ten seats, of whom five were disabled since the last cycle; one has no mail address.
fn company() -> (Company, Value) {
    let mut company = company_of(12, &pool(10));
    company.set("p012", "");
    company.sync();
    for number in 1..=5 {
        company.disable(&format!("p{number:03}"));
    }
    company.join("p013");
    company.write();
    let (code, plan) = company.agent.plan();
    assert_eq!(code, 4, "{plan}");
    (company, plan)
}

#[test]
fn sync_status_and_history_have_the_keys_of_the_contract() {
    let (company, _) = company();
    let before = company.agent.status();
    let (code, report) = company.agent.sync();
    assert_eq!((code, keys(&report).as_str()), (4, SYNC));
    each(&report["directories"], DIRECTORY);
    assert_eq!(keys(&report["changes"]), CHANGES);
    each(&report["pools"], POOL);
    each(&report["held"], HELD);
    each(&report["waiting"], WAITING);
    each(&before["last_cycle"]["granted"], "anchor display_name email pool user_name");

    let status = company.agent.status();
    let wanted = "agent awaited backend cannot_start config_problem confirmations directories dry_run failing fingerprint full_disks held last_cycle next_cycle other_state page_problem pools reading running silent_since standby version";
    assert_eq!(keys(&status), wanted);
    assert_eq!(keys(&status["last_cycle"]), SYNC);
    each(&status["held"], HELD);
    assert_eq!(
        (keys(&status["backend"]).as_str(), &status["fingerprint"]),
        ("kind problem reachable", &report["fingerprint"])
    );
    each(&status["directories"], "kind name problem reachable server watermark");

    each(&company.agent.history().into(), "changes cycle elsewhere outcome seconds started");
    assert_eq!(company.agent.history()[1]["cycle"], report["cycle"], "the latest is the last");
}

#[test]
fn plan_and_confirm_have_the_keys_of_the_contract() {
    let (company, plan) = company();
    assert_eq!(keys(&plan), "changes directories fingerprint held outcome pools problems quarantined seconds waiting");
    let change = "anchor change directory display_name email fields from_pool held pool position reason user_name";
    each(&plan["changes"], change);
    each(&plan["waiting"], WAITING);
    each(&plan["pools"], POOL);
    each(&plan["held"], HELD);
    each(&plan["quarantined"], "anchor attribute directory dn message reason");
    let (code, confirmed) = company.agent.confirm(plan["fingerprint"].as_str().expect("a fingerprint"));
    assert_eq!((code, keys(&confirmed).as_str()), (0, "count expires fingerprint running"));
}

#[test]
fn users_pending_and_explain_have_the_keys_of_the_contract() {
    let (company, _) = company();
    let users = company.agent.users();
    each(&users.clone().into(), USER);
    users.iter().filter(|user| user["seats"] != Value::Array(vec![])).for_each(|user| each(&user["seats"], SEAT));
    let quarantined: Vec<&Value> = users.iter().filter(|user| !user["quarantine"].is_null()).collect();
    assert_eq!(quarantined.len(), 1, "{users:?}");
    assert_eq!(keys(&quarantined[0]["quarantine"]), "attribute message reason");
    let pending = company.agent.pending();
    each(
        &pending.clone().into(),
        "anchor approved display_name email passed_over pool position reason since stopped user_name why",
    );

    let name = pending[0]["user_name"].as_str().expect("a name");
    let (code, explained) = company.agent.explain(name);
    assert_eq!((code, keys(&explained).as_str()), (0, "decision entry leaving pool rank scope user would_change"));
    assert_eq!(keys(&explained["user"]), USER);
    assert_eq!(keys(&explained["entry"]), "directory dn read_at server");
    assert_eq!(keys(&explained["scope"]), "because in");
    assert_eq!(keys(&explained["pool"]), "because name");

    let decided = company.agent.decide("approve", &[name]);
    each(&decided.json_lines().into(), "anchor carried_out known pool user_name verdict");
}

#[test]
fn check_and_failures_have_the_keys_of_the_contract() {
    let (company, _) = company();
    let (code, checked) = company.agent.check(true);
    assert_eq!((code, keys(&checked).as_str()), (0, "ok probes problems warnings"));
    each(&checked["probes"], "lost message ok remedy what");

    let unknown = company.agent.run(&["--json", "explain", "nobody"]);
    assert_eq!((unknown.code, keys(&unknown.json()).as_str()), (2, "error"));
    assert_eq!(keys(&unknown.json()["error"]), "causes code details message next");

    company.agent.write_config("[[pool]]\nname = \"a\"\nseats = \"x\"\n[[pool]]\nname = \"a\"\nseats = 1\n");
    let (code, checked) = company.agent.check(false);
    assert_eq!(code, 2, "{checked}");
    each(&checked["problems"], "file key line message value");
    let broken = company.agent.run(&["--json", "sync"]);
    assert_eq!((broken.code, &broken.json()["error"]["code"]), (2, &"config".into()), "{broken:?}");
    let causes = broken.json()["error"]["causes"].as_array().expect("causes").clone();
    assert_eq!(causes.len(), checked["problems"].as_array().expect("problems").len());
    let said = |what: &str| causes.iter().any(|cause| cause.as_str().is_some_and(|cause| cause.contains(what)));
    assert!(said("seatsync.toml:") && said("seats = \"x\": must be a whole number"), "{causes:?}");
}

#[test]
fn before_any_state_lists_are_empty_and_status_is_null() {
    let company = company_of(2, &pool(2));
    for verb in ["users", "pending", "history"] {
        for arguments in [&[verb][..], &["--json", verb]] {
            let ended = company.agent.run(arguments);
            assert_eq!((ended.code, ended.stdout.as_str()), (0, ""), "{arguments:?}");
            let why = if arguments.len() == 1 { "no cycle yet" } else { "" };
            assert!(ended.stderr.starts_with(why) && ended.stderr.is_empty() == why.is_empty(), "{ended:?}");
        }
    }
    let status = company.agent.status();
    for key in ["last_cycle", "next_cycle", "held", "fingerprint"] {
        assert_eq!(status[key], Value::Null, "{status}");
    }
    assert_eq!((&status["running"], &status["backend"]["reachable"]), (&false.into(), &Value::Null));
    assert!(!company.agent.folder().join("state").exists(), "looking must leave nothing behind");
}

#[test]
fn what_is_reported_of_somebody_has_the_keys_of_the_contract() {
    let backend = "[backend]\nkind = \"embedded\"\ncompany = \"acme\"\npath = \"ledger.db\"\ndrift = \"report\"\n";
    let company = company_of(2, &format!("{}{backend}", pool(2)));
    company.sync();
    let ledger = rusqlite::Connection::open(company.agent.folder().join("ledger.db")).expect("the ledger");
    let by_hand = "UPDATE account SET email = 'other@lab.test' WHERE user_name = 'p001'";
    assert_eq!(ledger.execute(by_hand, []).expect("a change by hand"), 1);
    each(&company.sync().1["problems"], "anchor code message pool user_name");
}
