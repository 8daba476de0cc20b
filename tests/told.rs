//! What a person is told on the real binary: who lost what, whose entry is unusable, what to do next, by which name.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on ends here")]

mod support;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use support::agent::Ended;
use support::company::{BASE, Company, company_of, pool};

fn run(company: &Company, arguments: &[&str]) -> Ended {
    company.write();
    company.agent.run(arguments)
}

#[test]
fn a_plan_lists_the_quarantined_with_the_reason_before_any_cycle_was_made() {
    let mut company = company_of(3, &pool(3));
    company.set("p002", "");
    let planned = run(&company, &["plan"]);
    assert_eq!(planned.code, 0, "{planned:?}");
    let line = planned.stdout.lines().find(|line| line.contains("p002")).expect("a line on p002");
    assert!(
        line.starts_with("  - mail of uid=p002,ou=people,dc=lab,dc=test (") && line.contains("has no value"),
        "{line}"
    );
    assert!(!planned.stdout.contains("--state quarantined"), "{}", planned.stdout);
    let listed = company.agent.plan().1["quarantined"].clone();
    assert_eq!((&listed[0]["attribute"], listed.as_array().map(Vec::len)), (&"mail".into(), Some(1)), "{listed}");
}

#[test]
fn a_cycle_says_who_lost_a_seat_and_why_and_not_who_only_moved() {
    let pools = "[[pool]]\nname = \"blue\"\nseats = 5\ngroups = [\"cn=blue,dc=lab,dc=test\"]\n[[pool]]\nname = \"red\"\n\
                 seats = 5\ngroups = [\"cn=red,dc=lab,dc=test\"]\n";
    let mut company = Company::new(&["ada", "bob", "cleo"], pools);
    company.group("blue", &["ada", "bob", "cleo"]);
    company.group("red", &[]);
    assert_eq!(company.sync().0, 0);
    company.disable("ada");
    company.groups.clear();
    company.group("blue", &["ada"]);
    company.group("red", &["bob"]);
    let cycle = run(&company, &["sync"]);
    assert_eq!(cycle.code, 0, "{cycle:?}");
    let table = "\
Lost a seat
POOL  WHO   USER NAME  WHY
";
    let shown = cycle
        .stdout
        .split_once(table)
        .unwrap_or_else(|| panic!("{}", cycle.stdout))
        .1
        .split_once("\n\n")
        .expect("its end")
        .0;
    let mut rows: Vec<&str> = shown.lines().collect();
    rows.sort_unstable();
    let expected = ["blue  ada   ada        disabled in the directory", "blue  cleo  cleo       no longer in scope"];
    assert_eq!(rows, expected, "{}", cycle.stdout);
    let lost = company.agent.status()["last_cycle"]["lost"].as_array().map(Vec::len);
    assert_eq!(lost, Some(2));
}

#[test]
fn the_first_who_wait_are_approved_by_number_and_get_the_seats_that_are_free() {
    let company = company_of(5, &pool(1));
    company.sync();
    let config = std::fs::read_to_string(company.agent.config_file()).expect("the config");
    company.agent.write_config(&config.replacen("seats = 1", "seats = 3", 1));
    company.sync();
    let queue = run(&company, &["pending"]).stdout;
    assert_eq!(queue.matches("seat free, awaits approval").count(), 2, "{queue}");
    let listed = run(&company, &["users"]).stdout;
    assert_eq!(listed.matches("seat free, awaits approval").count(), 2, "one truth in every verb: {listed}");
    assert!(queue.contains("standard: 2 seats are free and given to nobody before a person approves it."), "{queue}");
    assert!(queue.contains("seatsync pending approve --next 2 --pool standard --config "), "{queue}");
    let first: Vec<String> = company
        .agent
        .pending()
        .iter()
        .take(2)
        .map(|row| row["user_name"].as_str().unwrap_or_default().to_owned())
        .collect();
    let explained = run(&company, &["explain", &first[0]]).stdout;
    assert!(explained.contains("standard: place 1, seat free, awaits approval"), "{explained}");
    let approved = run(&company, &["--json", "pending", "approve", "--next", "2"]);
    assert_eq!(approved.code, 0, "{approved:?}");
    assert_eq!(approved.json_lines().iter().map(|row| row["user_name"].clone()).collect::<Vec<_>>(), first);
    company.sync();
    let holders = company.agent.names("active");
    assert!(holders.len() == 3 && first.iter().all(|name| holders.contains(name)), "{holders:?}");
}

#[test]
fn a_decision_that_does_not_fit_names_the_person_and_what_fits_and_nobody_is_decided_on() {
    let company = company_of(3, &pool(2));
    company.sync();
    let (holder, waiting) = (company.agent.names("active").remove(0), company.agent.names("pending").remove(0));
    let refused = run(&company, &["pending", "approve", &waiting, &holder]);
    assert_eq!(refused.code, 1, "{refused:?}");
    let expected = format!("error: there is nothing to approve for {holder}, who holds a seat (pool standard)\n");
    assert!(refused.stderr.starts_with(&expected), "{}", refused.stderr);
    assert!(refused.stderr.contains(&format!("next: nothing: {holder} has a seat already")), "{}", refused.stderr);
    assert!(refused.stderr.contains("nothing was decided of the others either"), "{}", refused.stderr);
    assert_eq!(company.agent.pending()[0]["approved"], false);
    let refused = run(&company, &["pending", "deny", &holder]);
    assert!(refused.stderr.contains(&format!("`seatsync pending release {holder} --config ")), "{}", refused.stderr);
}

#[test]
fn an_empty_list_is_a_sentence_once_there_was_a_cycle_and_stays_empty_in_json() {
    let company = company_of(2, &pool(2));
    company.sync();
    for (arguments, sentence) in
        [(&["pending"][..], "ok: nobody waits for a seat\n"), (&["users", "--state", "denied"], "ok: nobody\n")]
    {
        let ended = run(&company, arguments);
        assert_eq!((ended.code, ended.stdout.as_str()), (0, sentence), "{ended:?}");
        let json = company.agent.run(&[&["--json"], arguments].concat());
        assert_eq!((json.code, json.stdout.as_str()), (0, ""), "{json:?}");
    }
    let nobody = run(&company, &["pending", "approve", "--next", "3"]);
    let expected = "ok: nobody waits for approval, so nothing was approved\n";
    assert_eq!((nobody.code, nobody.stdout.as_str()), (0, expected), "{nobody:?}");
}

#[test]
fn a_scope_group_that_is_gone_is_named_as_the_config_names_it() {
    let groups = "groups = [\"cn=blue,dc=lab,dc=test\"]\n";
    let mut company = Company::new(&["ada"], &format!("{groups}{}", pool(1)));
    company.group("blue", &["ada"]);
    company.sync();
    company.groups.clear();
    let cycle = run(&company, &["sync"]);
    assert_eq!(cycle.code, 1, "{cycle:?}");
    assert!(cycle.stdout.contains("corp: the base or group cn=blue,dc=lab,dc=test ("), "{}", cycle.stdout);
}

#[test]
fn status_shows_the_last_state_though_the_config_is_wrong_and_says_what_is_wrong() {
    let company = company_of(3, &pool(2));
    company.sync();
    let config = std::fs::read_to_string(company.agent.config_file()).expect("the config");
    company.agent.write_config(&config.replace("seats = 2", "seats = \"ten\""));
    let told = run(&company, &["status"]);
    assert_eq!(told.code, 2, "{told:?}");
    assert!(
        told.stdout.contains("last cycle   1, ") && told.stdout.contains("standard      2     2        1"),
        "{told:?}"
    );
    assert!(told.stderr.contains("pool.standard.seats = \"ten\": must be a whole number from 0 to"), "{told:?}");
    let json = run(&company, &["--json", "status"]).json();
    assert_eq!((&json["error"]["code"], &json["last_cycle"]["cycle"]), (&"config".into(), &1.into()), "{json}");
    company.agent.write_config(&config.replace("state_dir = \"state\"", "state_dir = 7"));
    let told = run(&company, &["status"]);
    assert_eq!((told.code, told.stdout.as_str()), (2, ""), "{told:?}");
}

#[test]
fn status_shows_a_confirmation_until_what_it_lets_through_is_done() {
    let mut company = company_of(10, &pool(10));
    company.sync();
    for number in 1..=5 {
        company.disable(&format!("p{number:03}"));
    }
    let report = company.sync().1;
    let fingerprint = report["fingerprint"].as_str().expect("a fingerprint").to_owned();
    assert_eq!(company.agent.confirm(&fingerprint).0, 0);
    let confirmed = company.agent.status()["confirmations"].clone();
    assert_eq!(
        (&confirmed[0]["fingerprint"], &confirmed[0]["leaving"]),
        (&fingerprint.into(), &5.into()),
        "{confirmed}"
    );
    assert_eq!(company.sync().0, 0);
    assert_eq!(company.agent.names("suspended").len(), 5);
    assert_eq!(company.agent.status()["confirmations"], serde_json::json!([]));
}

#[test]
fn who_is_missed_for_the_first_time_is_counted_and_it_is_said_what_comes_of_it() {
    let mut company = company_of(9, &pool(9));
    company.set("p001", "mail: p001@lab.test\nentryUUID: 11111111-1111-4111-8111-111111111111\n");
    company.sync();
    company.leave("p001");
    let cycle = run(&company, &["sync"]);
    assert_eq!(cycle.code, 0, "{cycle:?}");
    let expected = "corp: 1 person is not found any more, and nothing is taken from them yet: who is not found by the next whole \
                    read either counts as deleted";
    assert!(cycle.stdout.contains(expected), "{}", cycle.stdout);
    let cycle = run(&company, &["sync"]);
    assert!(
        cycle.stdout.contains("deleted from the directory") && !cycle.stdout.contains("not found any more"),
        "{cycle:?}"
    );
}

#[test]
fn advice_on_approval_passes_over_whom_no_seat_reaches_now() {
    let mut company = company_of(4, &pool(2));
    assert_eq!(company.sync().0, 0);
    let names: Vec<String> =
        company.agent.pending().iter().map(|row| row["user_name"].as_str().expect("a name").to_owned()).collect();
    // The first in the queue has no mail address any more: the place is kept, and nothing is given.
    company.set(&names[0], "");
    assert_eq!(company.sync().0, 0);
    let tried = run(&company, &["plan", "--seats", "standard=+2"]).stdout;
    assert!(
        tried.contains("standard: with these seats, approval would reach the first 1 person marked above."),
        "{tried}"
    );
    let row =
        |name: &str| tried.lines().find(|line| line.starts_with("standard") && line.contains(name)).expect("a row");
    assert!(row(&names[1]).ends_with("seat free, awaits approval"), "{tried}");
    assert!(row(&names[0]).ends_with("gets nothing now: quarantined"), "{tried}");
    let approved = run(&company, &["--json", "pending", "approve", "--next", "2"]).json_lines();
    let whom: Vec<&str> = approved.iter().filter_map(|row| row["user_name"].as_str()).collect();
    assert_eq!(whom, [&*names[1]]);
}

/// What stands in `pending`, `users`, `explain` and a cycle's report of somebody who waits.
fn said_of(company: &Company, report: &serde_json::Value, name: &str) -> [String; 4] {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let of =
        |rows: &[serde_json::Value]| rows.iter().find(|row| row["user_name"] == *name).cloned().unwrap_or_default();
    let waiting = report["waiting"].as_array().cloned().unwrap_or_default();
    [
        text(&of(&company.agent.pending())["why"]),
        text(&company.agent.user(name)["seats"][0]["why"]),
        text(&company.agent.explain(name).1["decision"]),
        text(&of(&waiting)["stopped"]),
    ]
}

fn assert_stopped(company: &Company, report: &serde_json::Value, name: &str, word: &str, code: &str) {
    let [pending, users, explain, stopped] = said_of(company, report, name);
    let word = format!("gets nothing now: {word}");
    assert_eq!((&*pending, &*users, &*stopped), (&*word, &*word, code), "{report}");
    assert!(explain.contains(&word), "{explain}");
}

#[test]
fn whoever_gets_nothing_now_is_told_so_by_one_reason_everywhere_and_skipped_by_next() {
    let mut company = company_of(12, &pool(6));
    assert_eq!(company.sync().0, 0);
    let name = |row: &serde_json::Value| row["user_name"].as_str().expect("a name").to_owned();
    let waiting: Vec<String> = company.agent.pending().iter().map(name).collect();
    for name in company.agent.names("active").iter().take(4).chain([&waiting[0]]) {
        company.disable(name);
    }
    let (code, held) = company.sync();
    assert_eq!(code, 4, "{held}");
    assert_stopped(&company, &held, &waiting[0], "is to leave, which the guard holds back", "held_back");
    let config = std::fs::read_to_string(company.agent.config_file()).expect("the config");
    company.agent.write_config(&config.replace("seats = 6", "seats = 9"));
    assert_eq!(company.sync().0, 4);
    assert_stopped(&company, &company.sync().1, &waiting[0], "is to leave, which the guard holds back", "held_back");
    let approved = run(&company, &["pending", "approve", "--next", "6"]);
    assert!(approved.stdout.contains("ok: 5 approved") && !approved.stdout.contains(&waiting[0]), "{approved:?}");
    let told = approved.stderr.lines().find(|line| line.starts_with(&format!("skipped {}, place ", waiting[0])));
    assert!(
        told.is_some_and(|line| line.ends_with("gets nothing now: is to leave, which the guard holds back")),
        "{approved:?}"
    );
}

#[test]
fn who_waits_in_a_directory_that_was_not_read_is_told_so_and_nobody_of_it_is_approved_by_next() {
    let company = company_of(3, &pool(2));
    assert_eq!(company.sync().0, 0);
    let waiting = company.agent.names("pending").remove(0);
    let config = std::fs::read_to_string(company.agent.config_file()).expect("the config");
    company.agent.write_config(
        &config
            .replace("seats = 2", "seats = 3")
            .replace(&format!("[\"{BASE}\"]"), &format!("[\"{BASE}\", \"ou=none,dc=lab,dc=test\"]")),
    );
    let (code, report) = company.sync();
    assert_eq!(code, 1, "{report}");
    assert_stopped(&company, &report, &waiting, "the directory was not read whole", "unread");
    let approved = run(&company, &["pending", "approve", "--next", "1"]);
    assert_eq!(approved.stdout, "ok: who waits for approval can get no seat now, so nothing was approved\n");
    assert!(
        approved.stderr.contains("place 1 of standard: gets nothing now: the directory was not read whole"),
        "{approved:?}"
    );
}

#[test]
fn a_directory_that_gives_nobody_a_seat_is_told_by_each_verb_though_all_of_it_was_read() {
    let mut company = company_of(2, &format!("filter = \"(employeeType=staff)\"\n{}", pool(2)));
    let nobody = "corp: nobody is in scope, so nobody gets a seat\n  next: look at `base`, `filter`";
    for verb in ["plan", "sync", "status"] {
        let told = run(&company, &[verb]);
        assert!(told.code == 0 && told.stdout.contains(nobody), "{verb}: {told:?}");
    }
    let status = run(&company, &["status"]).stdout;
    assert!(status.contains("look at it: a directory gives nobody a seat"), "{status}");
    let checked = run(&company, &["check", "--connect"]).stdout;
    assert!(checked.contains("nobody is in scope, so nobody gets a seat"), "{checked}");
    company.set("p001", "employeeType: staff\n");
    let told = run(&company, &["sync"]);
    assert!(told.stdout.contains("corp: everybody in scope (1) is quarantined, so nobody gets a seat"), "{told:?}");
    company.set("p001", "employeeType: staff\nmail: p001@lab.test\n");
    assert!(!run(&company, &["sync"]).stdout.contains("so nobody gets a seat"));
}

/// Characters that steer a terminal, or turn the order of what is read.
fn steers(c: char) -> bool {
    (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[test]
fn a_name_that_would_steer_the_terminal_reaches_it_in_no_verb() {
    // ESC ]0;x BEL sets a terminal's title, ESC [2J clears it; U+202E turns what follows around.
    let evil = STANDARD.encode("Eve \u{1b}]0;owned\u{7}\u{1b}[2J\r\u{202e}nimda");
    let mut company = company_of(4, &pool(1));
    for name in ["p001", "p002", "p003"] {
        company.set(name, &format!("mail: {name}@lab.test\ndisplayName:: {evil}\n"));
    }
    company.set("p004", &format!("mail:: {evil}\ndisplayName:: {evil}\n"));
    let mut shown = vec![run(&company, &["plan"]), run(&company, &["-vv", "sync"])];
    company.disable("p001");
    company.set("p001", &format!("mail: p001@lab.test\ndisplayName:: {evil}\npwdAccountLockedTime: 000001010000Z\n"));
    shown.push(run(&company, &["sync"]));
    for verb in ["users", "pending", "history", "status", "explain p002", "explain p004", "explain nobody\u{1b}[2J"] {
        shown.push(company.agent.run(&verb.split(' ').collect::<Vec<_>>()));
    }
    let text: String = shown.iter().flat_map(|ended| [&*ended.stdout, &*ended.stderr]).collect();
    assert!(text.contains(r"Eve ]0;owned [2J \u{202e}nimda"), "shown without, and written out: {text}");
    let raw: Vec<&str> = text.lines().filter(|line| line.contains(steers)).collect();
    assert!(raw.is_empty(), "{raw:?}");
}
