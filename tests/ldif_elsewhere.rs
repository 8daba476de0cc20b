//! People whose whole account another hand deleted in the embedded ledger: who they are is seen everywhere, and one word gives the
//! account back.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on ends here")]

mod support;

use serde_json::{Value, json};
use support::company::{Company, company_of, pool};

/// Deletes accounts as somebody with the sqlite3 shell would.
fn delete(company: &Company, names: &[&str]) {
    let shell = rusqlite::Connection::open(company.agent.folder().join("ledger.db")).unwrap();
    for name in names {
        let sql = "PRAGMA foreign_keys = ON; DELETE FROM assignment WHERE account = (SELECT id FROM account WHERE user_name = 'NAME');
                   DELETE FROM account WHERE user_name = 'NAME'";
        shell.execute_batch(&sql.replace("NAME", name)).unwrap();
    }
}

/// Who waits, by place, and for what.
fn places(company: &Company) -> Vec<(String, u64, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let pending = company.agent.pending();
    let row = |row: &Value| (text(&row["user_name"]), row["position"].as_u64().unwrap(), text(&row["reason"]));
    pending.iter().map(row).collect()
}

#[test]
fn who_lost_the_account_to_another_hand_is_listed_behind_the_others_and_comes_back_before_them_once_approved() {
    let company = company_of(8, &pool(6));
    company.sync();
    let (holders, waiting) = (company.agent.names("active"), places(&company));
    let gone = [holders[0].as_str(), holders[1].as_str()];
    delete(&company, &gone);
    let (code, report) = company.sync();
    assert_eq!(code, 0, "{report}");
    let user = company.agent.user(gone[0]);
    assert_eq!((&user["state"], &user["managed"]), (&Value::Null, &json!(false)), "{user}");
    assert_eq!(user["seats"][0]["reason"], "removed_elsewhere", "{user}");
    let listed = places(&company);
    assert_eq!(listed[..2], waiting[..], "as before");
    let mut behind: Vec<&str> = listed[2..].iter().map(|(name, ..)| name.as_str()).collect();
    behind.sort_unstable();
    assert_eq!(behind, gone);
    let numbers: Vec<(u64, &str)> = listed[2..].iter().map(|(_, place, reason)| (*place, reason.as_str())).collect();
    assert_eq!(numbers, [(3, "removed_elsewhere"), (4, "removed_elsewhere")]);
    assert_eq!(company.agent.status()["pools"][0]["waiting"], 4);
    let in_pool = company.agent.run(&["--json", "users", "--pool", "standard"]);
    assert_eq!(in_pool.json_lines().len(), 8);
    assert!(company.agent.run(&["users"]).stdout.contains("no account, deleted by hand"));
    let explained = company.agent.explain(gone[0]).1;
    assert!(explained["decision"].as_str().unwrap().contains("deleted in the backend"), "{explained}");
    assert_eq!(explained["would_change"], json!([format!("`seatsync pending approve {}`", gone[0])]), "{explained}");
    assert_eq!(company.agent.decide("approve", &[gone[0]]).code, 0);
    company.sync();
    let listed = places(&company);
    assert!(company.agent.names("active").contains(&holders[0]), "approved, and before who waits and is not");
    assert_eq!(listed[..2], waiting[..], "promotion is manual");
    assert_eq!(listed[2..], [(gone[1].to_owned(), 3, "removed_elsewhere".to_owned())]);
}

/// Rules 11 to 13: whoever is approved where no seat is free keeps the word, and has the first seat that comes free.
#[test]
fn who_lost_the_account_and_was_approved_without_a_free_seat_is_the_first_to_get_one() {
    let mut company = company_of(5, &pool(2));
    company.sync();
    let holders = company.agent.names("active");
    delete(&company, &[&holders[0]]);
    company.join("p006");
    company.sync();
    company.agent.decide("approve", &[places(&company)[0].0.as_str()]);
    company.sync();
    assert_eq!(company.agent.names("active").len(), 2, "no seat is free");
    assert_eq!(company.agent.decide("approve", &[&holders[0]]).code, 0);
    let approved = |company: &Company| {
        let row = company.agent.pending().into_iter().find(|row| row["user_name"] == holders[0].as_str()).unwrap();
        (row["position"].clone(), row["reason"].clone(), row["approved"].clone())
    };
    for _ in 0..2 {
        company.sync();
        assert_eq!(approved(&company), (json!(1), json!("no_seat"), json!(true)));
    }
    let config = std::fs::read_to_string(company.agent.config_file()).unwrap();
    company.agent.write_config(&config.replace("seats = 2", "seats = 3"));
    company.sync();
    assert!(company.agent.names("active").contains(&holders[0]));
}

/// Where a person approves every joiner, one approval is enough.
#[test]
fn who_lost_the_account_where_joiners_need_approval_has_it_again_when_approved() {
    let company = company_of(3, &format!("{}[seats]\njoiners = \"approve\"\n", pool(3)));
    company.sync();
    assert_eq!(company.agent.decide("approve", &["p001", "p002", "p003"]).code, 0);
    company.sync();
    assert_eq!(company.agent.names("active").len(), 3);
    delete(&company, &["p001"]);
    company.sync();
    assert_eq!(company.agent.names("active").len(), 2);
    assert_eq!(company.agent.decide("approve", &["p001"]).code, 0);
    company.sync();
    assert_eq!(company.agent.names("active").len(), 3);
}

/// Of several pools the one that was named, and no other.
#[test]
fn an_approval_for_one_pool_gives_back_no_seat_of_another() {
    let company =
        company_of(2, &format!("{}[[pool]]\nname = \"more\"\nseats = 9\n[seats]\nmatch = \"all\"\n", pool(9)));
    company.sync();
    delete(&company, &["p001"]);
    company.sync();
    let stranger = company.agent.run(&["pending", "approve", "p001", "--pool", "none"]);
    assert_eq!(stranger.code, 2, "{stranger:?}");
    assert_eq!(company.agent.run(&["pending", "approve", "p001", "--pool", "more"]).code, 0);
    company.sync();
    let user = company.agent.user("p001");
    let seat = |seat: &Value| (seat["pool"].clone(), seat["state"].clone(), seat["reason"].clone());
    let seats: Vec<_> = user["seats"].as_array().unwrap().iter().map(seat).collect();
    let taken = (json!("standard"), json!("waiting"), json!("removed_elsewhere"));
    assert_eq!(seats, [(json!("more"), json!("held"), Value::Null), taken], "{user}");
}

/// Read in part only, a directory makes nobody's account; what was said of somebody is not forgotten for that.
#[test]
fn an_approval_outlives_cycles_that_can_make_no_account() {
    let company = company_of(4, &pool(2));
    company.sync();
    let gone = company.agent.names("active").remove(0);
    delete(&company, &[&gone]);
    company.sync();
    company.agent.decide("approve", &[&gone]);
    std::fs::write(company.agent.folder().join("corp.ldif"), "no LDIF").unwrap();
    assert_eq!(company.agent.sync().0, 1);
    let row = company.agent.pending().into_iter().find(|row| row["user_name"] == gone.as_str()).unwrap();
    assert_eq!((&row["approved"], &row["reason"]), (&json!(true), &json!("no_seat")), "{row}");
    let explained = company.agent.explain(&gone).1;
    assert!(explained["decision"].as_str().unwrap().contains("approved"), "{explained}");
    company.sync();
    assert!(company.agent.names("active").contains(&gone), "before those who are not approved");
}

#[test]
fn who_lost_the_account_and_left_waits_for_nothing() {
    let mut company = company_of(5, &pool(5));
    company.sync();
    delete(&company, &["p001", "p002"]);
    company.sync();
    assert_eq!(company.agent.pending().len(), 2);
    company.disable("p001");
    company.leave("p002");
    company.sync();
    assert_eq!((company.agent.pending().len(), company.agent.users().len()), (0, 3));
    company.join("p001");
    company.sync();
    assert_eq!(company.agent.pending().len(), 1, "and is not made again by coming back");
}

#[test]
fn whose_attributes_another_hand_changed_is_named_where_the_config_says_to_report_it() {
    let backend = "[backend]\nkind = \"embedded\"\ncompany = \"acme\"\npath = \"ledger.db\"\ndrift = \"report\"\n";
    let company = company_of(2, &format!("{}{backend}", pool(2)));
    company.sync();
    let ledger = rusqlite::Connection::open(company.agent.folder().join("ledger.db")).unwrap();
    let by_hand = "UPDATE account SET email = 'other@lab.test' WHERE user_name = 'p001'";
    assert_eq!(ledger.execute(by_hand, []).unwrap(), 1);
    let (code, report) = company.sync();
    let problem = &report["problems"][0];
    assert_eq!((code, &problem["code"], &problem["user_name"]), (0, &json!("drift"), &json!("p001")), "{report}");
    let anchor = problem["anchor"].as_str().unwrap();
    let shown = company.agent.run(&["sync"]).stdout;
    assert!(shown.contains(&format!("p001 ({anchor}): the account's attributes were changed")), "{shown}");
}
