//! What others gave or took in the ledger is told by the next cycle, once, and never as the agent's own work.

use serde_json::{Value, json};

use super::ledger::{Served, company};
use crate::support::company::Company;

const AUTOMATIC: &str = "[seats]\npromotion = \"automatic\"\n";

/// What a cycle told of others: `promoted p003 standard`, sorted.
fn told(report: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let row = |row: &Value| format!("{} {} {}", text(&row["change"]), text(&row["user_name"]), text(&row["pool"]));
    let mut rows: Vec<String> = report["elsewhere"].as_array().expect("a list").iter().map(row).collect();
    rows.sort();
    rows
}

fn sync(company: &Company) -> Value {
    let (code, report) = company.sync();
    assert_eq!(code, 0, "{report}");
    report
}

fn did_nothing(report: &Value) {
    let changes = report["changes"].as_object().expect("counts");
    assert!(changes.values().all(|count| count == 0), "the agent did none of it: {report}");
    assert!(report["granted"].as_array().expect("a list").is_empty(), "{report}");
}

fn decide(ledger: &Served, user_name: &str, verdict: &str) {
    let decision = json!({ "account": ledger.id(user_name), "pool": null, "verdict": verdict });
    let (status, answer) = ledger.post("decisions", &json!({ "decisions": [decision] }));
    assert!(status.is_success(), "{answer}");
}

#[test]
fn whom_a_raised_pool_promoted_is_told_by_the_next_cycle_and_by_no_other() {
    let ledger = Served::start();
    ledger.buy("standard", 2);
    let mut company = company(5, "", &ledger.url(), &ledger.connector, AUTOMATIC);
    let first = sync(&company);
    assert_eq!((told(&first).len(), &first["changes"]["provisioned"]), (0, &json!(2)), "its own work: {first}");
    let before = ledger.holders();
    ledger.buy("standard", 4);
    let promoted: Vec<String> = ledger.holders().into_iter().filter(|name| !before.contains(name)).collect();
    let report = sync(&company);
    let expected: Vec<String> = promoted.iter().map(|name| format!("promoted {name} standard")).collect();
    assert_eq!(told(&report), expected, "{report}");
    did_nothing(&report);
    let history = company.agent.history();
    assert_eq!(history.last().expect("a cycle")["elsewhere"], json!({ "promoted": 2 }));
    assert_eq!(history[0]["elsewhere"], json!({}));
    let shown = company.agent.run(&["history"]).stdout;
    assert!(shown.contains("by hand or others: 2 promoted"), "{shown}");
    let again = sync(&company);
    assert!(told(&again).is_empty(), "{again}");
    // In one cycle with work of the agent's own, on the same person too.
    ledger.buy("standard", 5);
    company.join("p006");
    let last: Vec<String> = company.agent.pending().iter().map(|row| row["user_name"].to_string()).collect();
    company.set(last[0].trim_matches('"'), "mail: renamed@lab.test\n");
    let both = sync(&company);
    assert_eq!(told(&both).len(), 1, "{both}");
    assert_eq!((&both["changes"]["promoted"], &both["changes"]["waiting"]), (&json!(0), &json!(1)), "{both}");
    assert!(told(&sync(&company)).is_empty());
}

#[test]
fn what_people_decide_in_the_ledger_is_told_and_shown_under_a_heading_of_its_own() {
    let ledger = Served::start();
    ledger.buy("standard", 2);
    let company = company(5, "", &ledger.url(), &ledger.connector, "");
    sync(&company);
    let waiting: Vec<String> =
        company.agent.pending().iter().map(|row| row["user_name"].as_str().expect("a name").to_owned()).collect();
    let holder = ledger.holders().remove(0);
    decide(&ledger, &waiting[0], "approve");
    decide(&ledger, &waiting[1], "deny");
    decide(&ledger, &holder, "release");
    // The seat that was taken went to whoever was approved, at once.
    assert!(ledger.holders().contains(&waiting[0]));
    let shown = company.agent.run(&["-v", "sync"]);
    assert_eq!(shown.code, 0, "{shown:?}");
    let heading = "Done by hand, or by others, since the last cycle";
    let (_, rows) = shown.stdout.split_once(heading).unwrap_or_else(|| panic!("{shown:?}"));
    for (name, what) in [(&waiting[0], "waited, and got the seat"), (&waiting[1], "denied"), (&holder, "lost the seat")]
    {
        assert!(rows.lines().any(|line| line.contains(name.as_str()) && line.contains(what)), "{name} {what}: {rows}");
    }
    assert!(shown.stdout.contains("Changes: none"), "{shown:?}");
    assert!(shown.stderr.contains("1 promoted, 1 released, 1 denied"), "one line in the log: {shown:?}");
    assert!(told(&sync(&company)).is_empty());
}

#[test]
fn a_decision_typed_here_says_that_the_ledger_carried_it_out() {
    let ledger = Served::start();
    ledger.buy("standard", 2);
    let company = company(4, "", &ledger.url(), &ledger.connector, "");
    sync(&company);
    let name = company.agent.pending()[0]["user_name"].as_str().expect("a name").to_owned();
    ledger.buy("standard", 3);
    let decided = company.agent.run(&["pending", "approve", &name]);
    assert_eq!(decided.code, 0, "{decided:?}");
    assert!(ledger.holders().contains(&name), "at once");
    assert!(decided.stdout.contains("ok: 1 approved in the ledger, which gives free seats at once"), "{decided:?}");
    assert!(!decided.stdout.contains("next cycle"), "{decided:?}");
    assert!(told(&sync(&company)).is_empty(), "what was typed here was done by nobody else");
}
