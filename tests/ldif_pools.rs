//! Pools that change in the config, on the real binary with a directory in a file: no seat is given twice.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on ends here")]

mod support;

use serde_json::Value;
use support::company::{Company, company_of, pool};

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
fn a_pool_named_anew_in_the_config_changes_nothing_and_says_what_to_do() {
    let company = company_of(5, STANDARD);
    assert_eq!(numbers(&company.sync().1, "standard"), (3, 2, 0));
    reconfigure(&company, STANDARD, VAULT);
    for _ in 0..2 {
        let told = company.agent.run(&["sync"]);
        assert_eq!(told.code, 1, "{}", told.stdout);
        for part in ["no pool \"vault\" yet", "3 people hold a seat of \"standard\"", "Write the old name again"] {
            assert!(told.stderr.contains(part), "{part} in {}", told.stderr);
        }
    }
    assert_eq!(company.agent.run(&["plan"]).code, 1);
    let checked = company.agent.run(&["check"]);
    assert!(checked.code == 1 && checked.stdout.contains("write the name standard again"), "{}", checked.stdout);
    assert_eq!((company.agent.names("active").len(), company.agent.pending().len()), (3, 2));
    reconfigure(&company, VAULT, STANDARD);
    let (code, report) = company.sync();
    assert_eq!((code, numbers(&report, "standard")), (0, (3, 2, 0)));
    assert_eq!(report["changes"]["provisioned"], 0);
}

#[test]
fn a_pool_given_up_for_another_is_named_last_without_seats_and_its_people_move() {
    let company = company_of(3, STANDARD);
    company.sync();
    let ended = STANDARD.replace("seats = 3", "seats = 0");
    reconfigure(&company, STANDARD, &format!("{VAULT}{ended}"));
    let (code, report) = company.sync();
    assert_eq!((code, &report["changes"]["moved"]), (0, &3.into()), "{report}");
    assert_eq!((numbers(&report, "standard"), numbers(&report, "vault")), ((0, 0, 0), (3, 0, 0)));
    reconfigure(&company, &ended, "");
    let (code, report) = company.sync();
    assert_eq!((code, numbers(&report, "vault")), (0, (3, 0, 0)), "{report}");
}

#[test]
fn the_seats_of_a_pool_taken_out_of_the_config_can_be_looked_at_and_taken_back() {
    let company = company_of(3, &format!("{STANDARD}{VAULT}"));
    company.sync();
    reconfigure(&company, STANDARD, "");
    let (code, report) = company.sync();
    assert_eq!((code, numbers(&report, "standard"), numbers(&report, "vault")), (0, (3, 0, 0), (0, 0, 3)), "{report}");
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
    let listed = company.agent.run(&["--json", "users", "--pool", "standard"]);
    assert_eq!((listed.code, listed.json_lines().len()), (0, 3), "{}", listed.stderr);
    let released = company.agent.run(&["pending", "release", "p001", "p002", "--pool", "standard"]);
    assert_eq!(released.code, 0, "{}", released.stderr);
    let report = company.sync().1;
    assert_eq!((numbers(&report, "standard"), numbers(&report, "vault")), ((1, 0, 2), (2, 0, 1)), "{report}");
    assert_eq!(company.agent.run(&["users", "--pool", "nowhere"]).code, 2);
}

#[test]
fn an_emptied_pool_that_the_config_does_not_name_is_taken_out_of_an_embedded_ledger_while_the_agent_runs() {
    let company = company_of(2, &format!("{}[[pool]]\nname = \"former\"\nseats = 3\n", pool(2)));
    company.sync();
    let remove = |pool: &str| company.agent.run(&["--json", "ledger", "pool", "remove", pool]);
    let named = remove("former");
    assert!(named.code == 2 && named.stdout.contains("the config names the pool former"), "{named:?}");
    reconfigure(&company, "[[pool]]\nname = \"former\"\nseats = 3\n", "");
    assert_eq!(company.sync().0, 0);
    let _running = company.agent.start();
    let needed = remove("standard");
    assert_eq!(needed.code, 2, "{needed:?}");
    let ended = remove("former");
    assert_eq!(ended.code, 0, "{ended:?}");
    let (code, report) = company.sync();
    assert_eq!((code, report["pools"].as_array().map(Vec::len)), (0, Some(1)), "{report}");
    let other = company.agent.run(&["ledger", "token", "add", "admin"]);
    assert_eq!(other.code, 2, "nothing else is set in it by hand: {other:?}");
}

#[test]
fn a_pool_whose_seats_are_held_stays_whatever_the_config_names() {
    let company = company_of(2, &pool(2));
    company.sync();
    reconfigure(&company, "name = \"standard\"", "name = \"standard\"\nseats = 0\n[[pool]]\nname = \"next\"");
    reconfigure(&company, "[[pool]]\nname = \"standard\"\nseats = 0\n", "");
    let ended = company.agent.run(&["--json", "ledger", "pool", "remove", "standard"]);
    assert!(ended.code != 0 && ended.stdout.contains("standard"), "{ended:?}");
    let listed = company.agent.run(&["--json", "ledger", "pool"]);
    assert!(listed.stdout.contains("\"owned_by\":\"config\""), "nothing was changed: {listed:?}");
}

/// The entries have no time of creation: what counts is when each was first seen.
#[test]
fn who_waits_keeps_the_place_with_the_next_cycles() {
    let company = company_of(9, STANDARD);
    let told = |company: &Company| {
        let ledger = rusqlite::Connection::open(company.agent.folder().join("ledger.db")).unwrap();
        ledger.query_row("SELECT max(seq) FROM event", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    assert_eq!(numbers(&company.sync().1, "standard"), (3, 6, 0));
    let (before, pending) = (told(&company), company.agent.pending());
    assert_eq!(company.agent.sync_full().0, 0);
    assert_eq!(company.agent.pending(), pending);
    assert_eq!(told(&company), before, "nobody was asked for again");
}

#[test]
fn a_dry_run_shows_the_pools_as_they_are_and_says_what_it_would_have_done() {
    let mut company = company_of(5, STANDARD);
    company.agent.set_environment("SEATSYNC__AGENT__DRY_RUN", "true");
    let (code, report) = company.sync();
    assert_eq!((code, numbers(&report, "standard")), (0, (0, 0, 3)), "{report}");
    assert_eq!(
        (&report["changes"]["provisioned"], &report["would"]["provisioned"]),
        (&0.into(), &3.into()),
        "{report}"
    );
    assert_eq!(report["would"]["waiting"], 2, "{report}");
    let status = company.agent.status();
    assert_eq!((numbers(&status, "standard"), &status["dry_run"]), ((0, 0, 3), &true.into()), "{status}");
    let told = company.agent.run(&["sync"]).stdout;
    let would = "Without it: 3 provisioned, 2 began to wait\n  who, and why: seatsync plan";
    assert!(told.contains(would) && told.contains("ok: a dry run, 0 got a seat"), "{told}");
    let told = company.agent.run(&["status"]).stdout;
    assert!(told.contains("no cycle changes anything (agent.dry_run)") && told.contains("ok: a dry run;"), "{told}");
    let explained = company.agent.explain("p001").1;
    let decision = "in scope; the next cycle would give an account; but this is a dry run";
    assert!(explained["decision"].as_str().unwrap().starts_with(decision), "{explained}");
    assert!(explained["would_change"][0].as_str().unwrap().contains("dry_run = false"), "{explained}");
    let (_, plan) = company.agent.plan();
    assert_eq!(numbers(&plan, "standard"), (3, 2, 0), "a plan is a forecast: {plan}");

    company.agent.set_environment("SEATSYNC__AGENT__DRY_RUN", "false");
    let real = company.sync().1;
    assert_eq!((&real["changes"], &real["would"]), (&report["would"], &Value::Null), "it does what was foretold");
    assert_eq!(numbers(&real, "standard"), (3, 2, 0), "{real}");
    // A leaver and a joiner of a company that has accounts: nothing of it shows in the pools.
    company.agent.set_environment("SEATSYNC__AGENT__DRY_RUN", "true");
    company.disable("p001");
    let dry = company.sync().1;
    assert_eq!((numbers(&dry, "standard"), &dry["would"]["suspended"]), ((3, 2, 0), &1.into()), "{dry}");
    let waits = company.agent.explain("p005").1;
    assert!(waits["decision"].as_str().unwrap().contains("waits for a seat"), "{waits}");
    assert!(waits["decision"].as_str().unwrap().ends_with("no cycle changes anything"), "{waits}");
}
