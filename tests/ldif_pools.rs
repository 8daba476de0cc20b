//! Pools that change in the config, on the real binary with a directory in a file: no seat is given twice.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on ends here")]

mod support;

use serde_json::Value;
use support::company::{Company, company_of};

const STANDARD: &str = "[[pool]]\nname = \"standard\"\nseats = 3\n";
const VAULT: &str = "[[pool]]\nname = \"vault\"\nseats = 3\n";

/// The config with these pools instead.
fn reconfigure(company: &Company, before: &str, after: &str) {
    let file = company.agent.config_file();
    let config = std::fs::read_to_string(&file).unwrap();
    assert!(config.contains(before), "{config}");
    std::fs::write(&file, config.replace(before, after)).unwrap();
}

fn numbers(report: &Value, pool: &str) -> (u64, u64, u64) {
    let rows = report["pools"].as_array().unwrap();
    let row = rows.iter().find(|row| row["name"] == pool).unwrap_or_else(|| panic!("no {pool} in {report}"));
    let number = |key: &str| row[key].as_u64().unwrap();
    (number("held"), number("waiting"), number("free"))
}

#[test]
fn a_pool_named_anew_in_the_config_gives_no_seat_twice_and_says_what_to_do() {
    let company = company_of(5, STANDARD);
    assert_eq!(numbers(&company.sync().1, "standard"), (3, 2, 0));
    reconfigure(&company, STANDARD, VAULT);
    let (code, report) = company.sync();
    assert_eq!(code, 0, "{report}");
    assert_eq!((numbers(&report, "standard"), numbers(&report, "vault")), ((3, 0, 0), (0, 2, 0)));
    let waiting: Vec<Value> = company.agent.pending();
    assert!(waiting.iter().all(|row| row["pool"] == "vault"), "{waiting:?}");
    let said = |text: &str| {
        for part in ["standard", "3 people hold a seat", "pending release USER --pool standard"] {
            assert!(text.contains(part), "{part} in {text}");
        }
    };
    said(&company.agent.run(&["plan"]).stdout);
    said(&company.agent.run(&["status"]).stdout);
    said(&company.agent.run(&["check"]).stdout);
    let holder = company.agent.names("active")[0].clone();
    let explained = company.agent.explain(&holder).1;
    assert!(explained["decision"].as_str().unwrap().contains("does not name standard"), "{explained}");
    assert_eq!(company.sync().1["changes"]["waiting"], 0, "and again changes nothing");
    reconfigure(&company, VAULT, STANDARD);
    assert_eq!(numbers(&company.sync().1, "standard"), (3, 2, 0));
}

#[test]
fn the_seats_of_a_pool_that_the_config_does_not_name_can_be_looked_at_and_taken_back() {
    let company = company_of(3, STANDARD);
    company.sync();
    reconfigure(&company, STANDARD, VAULT);
    company.sync();
    let listed = company.agent.run(&["--json", "users", "--pool", "standard"]);
    assert_eq!((listed.code, listed.json_lines().len()), (0, 3), "{}", listed.stderr);
    let released = company.agent.run(&["pending", "release", "p001", "p002", "--pool", "standard"]);
    assert_eq!(released.code, 0, "{}", released.stderr);
    let report = company.sync().1;
    assert_eq!((numbers(&report, "standard"), numbers(&report, "vault")), ((1, 0, 2), (2, 0, 0)), "{report}");
    assert_eq!(company.agent.run(&["users", "--pool", "nowhere"]).code, 2);
}
