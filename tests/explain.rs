//! `explain` on the real binary, offline: why somebody has what they have, and what would change it.

#![allow(clippy::expect_used, reason = "a test that cannot go on ends here")]

mod support;

use serde_json::Value;
use support::company::{Company, company_of, pool};

/// All that is said of somebody, as one text.
fn said(explained: &Value) -> String {
    format!("{} {}", explained["decision"], explained["would_change"])
}

fn explain(company: &Company, user: &str) -> Value {
    let (code, explained) = company.agent.explain(user);
    assert_eq!(code, 0, "{explained}");
    explained
}

/// A pool of two seats for the members of a group of its name.
fn pools(seats_of_first: u32) -> String {
    let pool = |name: &str, seats: u32| {
        format!("[[pool]]\nname = \"{name}\"\nseats = {seats}\ngroups = [\"cn={name},dc=lab,dc=test\"]\n")
    };
    format!("{}{}[seats]\npromotion = \"automatic\"\n", pool("blue", seats_of_first), pool("red", 1))
}

#[test]
fn who_waits_in_a_ring_of_movers_between_full_pools_is_told_so_and_one_more_seat_opens_it() {
    let mut company = Company::new(&["ada", "bob"], &pools(1));
    company.group("blue", &["ada"]);
    company.group("red", &["bob"]);
    company.sync();
    company.groups.clear();
    company.group("blue", &["bob"]);
    company.group("red", &["ada"]);
    assert_eq!(company.sync().0, 0);
    // Later than the two: `since` counts seconds.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    company.join("cleo");
    company.groups.clear();
    company.group("blue", &["bob"]);
    company.group("red", &["ada", "cleo"]);
    assert_eq!(company.sync().0, 0);
    for name in ["ada", "bob"] {
        let explained = explain(&company, name);
        assert!(said(&explained).contains("ring of movers between full pools"), "{explained}");
    }
    let behind = explain(&company, "cleo");
    assert!(!said(&behind).contains("ring"), "{behind}");

    let config = std::fs::read_to_string(company.agent.config_file()).expect("the config");
    company.agent.write_config(&config.replacen("seats = 1", "seats = 2", 1));
    let report = company.sync().1;
    assert_eq!(report["changes"]["promoted"], 2, "{report}");
    assert_eq!(company.agent.user("ada")["seats"][0]["pool"], "red");
    assert!(!said(&explain(&company, "ada")).contains("ring"));
}

#[test]
fn it_works_without_the_directory_and_says_what_would_change_things() {
    let mut company = company_of(4, &pool(2));
    company.set("p004", "");
    company.sync();
    std::fs::remove_file(company.agent.folder().join("corp.ldif")).expect("the directory is gone");
    let (holder, waiting) = (company.agent.names("active").remove(0), company.agent.names("pending").remove(0));
    assert_eq!(explain(&company, &holder)["decision"], "holds a seat of standard");
    let waits = explain(&company, &waiting);
    assert_eq!(
        (&waits["decision"], &waits["pool"]["name"]),
        (&"waits for a seat of standard, at place 1".into(), &"standard".into())
    );
    assert!(said(&waits).contains(&format!("pending approve {waiting}")), "{waits}");
    let broken = explain(&company, "p004");
    assert!(said(&broken).contains("a usable value of mail"), "{broken}");
}

#[test]
fn who_wants_the_address_of_somebody_who_left_is_told_what_would_truly_free_it() {
    let mut company = company_of(5, &pool(5));
    company.sync();
    company.disable("p001");
    company.set("p002", "mail: p001@lab.test\n");
    company.sync();
    let explained = explain(&company, "p002");
    assert!(said(&explained).contains("give one of the two another email in the directory"), "{explained}");
    assert!(!said(&explained).contains("usable value"), "{explained}");
    company.set("p001", "mail: old1@lab.test\npwdAccountLockedTime: 000001010000Z\n");
    company.sync();
    assert_eq!(company.agent.user("p002")["email"], "p001@lab.test", "the remedy was a true one");
}

#[test]
fn who_was_in_scope_still_is_after_a_read_that_could_not_see_the_groups() {
    let groups = "groups = [\"cn=blue,dc=lab,dc=test\"]\n";
    let mut company = Company::new(&["ada", "bob"], &format!("{groups}{}", pool(2)));
    company.group("blue", &["ada", "bob"]);
    company.set("bob", "");
    company.sync();
    company.groups.clear();
    company.set("ada", "mail: ada.l@lab.test\n");
    assert_eq!(company.sync().0, 1);
    let explained = explain(&company, "ada");
    assert_eq!(explained["scope"]["in"], true, "{explained}");
    assert_eq!(explained["pool"]["name"], "standard", "{explained}");
    assert_eq!(company.agent.user("bob")["quarantine"]["reason"], "missing");
}

/// What somebody does to the ledger by hand.
fn by_hand(company: &Company, sql: &str) {
    let ledger = rusqlite::Connection::open(company.agent.folder().join("ledger.db")).expect("the ledger");
    assert_eq!(ledger.execute(sql, []).expect("a change by hand"), 1);
}

#[test]
fn who_was_deleted_or_suspended_by_another_hand_is_told_so_and_that_approval_mends_it() {
    let company = company_of(9, &pool(9));
    company.sync();
    by_hand(&company, "DELETE FROM account WHERE user_name = 'p001'");
    by_hand(&company, "UPDATE account SET suspended = 1 WHERE user_name = 'p002'");
    assert_eq!(company.sync().0, 0);
    for (name, word) in [("p001", "deleted in the backend by another hand"), ("p002", "suspended in the backend by")] {
        let explained = explain(&company, name);
        assert!(said(&explained).contains(word), "{explained}");
        assert_eq!(explained["would_change"], serde_json::json!([format!("`seatsync pending approve {name}`")]));
        assert_eq!(company.agent.decide("approve", &[name]).code, 0);
    }
    company.sync();
    for name in ["p001", "p002"] {
        assert_eq!(explain(&company, name)["decision"], "holds a seat of standard");
    }
}

#[test]
fn a_name_that_fits_nobody_or_several_is_2_and_several_are_listed() {
    let mut company = company_of(2, &pool(2));
    company.set("p002", "mail: p001@lab.test\n");
    company.sync();
    let ended = company.agent.run(&["explain", "nobody"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{ended:?}");
    let ended = company.agent.run(&["explain", "P001@lab.test"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    for name in ["uid=p001,", "uid=p002,"] {
        assert!(ended.stderr.contains(name), "{ended:?}");
    }
    for known in ["p001", "UID=P001, ou=people,dc=lab,dc=test"] {
        assert_eq!(company.agent.explain(known).0, 0, "{known}");
    }
}

/// Why somebody is out of scope, as one text.
fn why_outside(explained: &Value) -> String {
    assert_eq!(explained["scope"]["in"], false, "{explained}");
    explained["scope"]["because"].as_array().expect("reasons").iter().map(|line| format!("{line}\n")).collect()
}

#[test]
fn who_is_out_of_scope_is_told_of_base_filter_groups_and_pools_which_of_them_says_no() {
    let groups = "filter = \"(objectClass=inetOrgPerson)\"\ngroups = [\"cn=blue,dc=lab,dc=test\"]\n";
    let red = "[[pool]]\nname = \"standard\"\nseats = 2\ngroups = [\"cn=red,dc=lab,dc=test\"]\n";
    let mut company = Company::new(&["ada", "bob"], &format!("{groups}{red}"));
    company.group("blue", &["ada"]);
    company.group("red", &[]);
    assert_eq!(company.sync().0, 0);
    let base = "under one of base (ou=people,dc=lab,dc=test): yes";
    let filter = "fits filter ((objectClass=inetOrgPerson)): yes";
    let by_pool = why_outside(&explain(&company, "ada"));
    let pool = "taken by a pool: no; standard takes members of cn=red,dc=lab,dc=test";
    assert!([base, filter, pool].iter().all(|line| by_pool.contains(line)), "{by_pool}");
    let by_group = why_outside(&explain(&company, "bob"));
    let group = "a member of one of directory.groups (cn=blue,dc=lab,dc=test): no";
    assert!([base, filter, group].iter().all(|line| by_group.contains(line)), "{by_group}");
    let advised = |who: &str| explain(&company, who)["would_change"].clone();
    assert_eq!(advised("ada"), serde_json::json!(["being a member of a group of one of the pools"]));
    let groups = "being a member of one of directory.groups (cn=blue,dc=lab,dc=test)";
    assert_eq!(advised("bob"), serde_json::json!([groups]), "what says yes already changes nothing");
}

#[test]
fn who_was_never_in_scope_is_looked_up_in_the_directory_and_told_what_keeps_them_out() {
    let mut company = company_of(2, &format!("filter = \"(!(title=guest))\"\n{}", pool(2)));
    company.set("guest", "mail: guest@lab.test\ntitle: guest\n");
    company.groups.push_str(
        "dn: uid=far,ou=else,dc=lab,dc=test\nobjectClass: inetOrgPerson\nuid: far\ncn: Far Away\nsn: far\nmail: far@lab.test\n\n",
    );
    company.sync();
    let guest = explain(&company, "GUEST@lab.test");
    let why = why_outside(&guest);
    assert!(
        why.contains("(ou=people,dc=lab,dc=test): yes") && why.contains("fits filter ((!(title=guest))): no"),
        "{why}"
    );
    assert_eq!((&guest["user"]["state"], &guest["user"]["user_name"]), (&Value::Null, &"guest".into()));
    for name in ["far", "uid=far, ou=else,dc=lab,dc=test", "far away", "Far A"] {
        let far = explain(&company, name);
        assert!(why_outside(&far).contains("under one of base (ou=people,dc=lab,dc=test): no"), "{far}");
        assert!(said(&far).contains("being moved under one of base"), "{far}");
    }
    let group = explain(&company, "ou=people,dc=lab,dc=test");
    assert!(why_outside(&group).contains("a person: no"), "{group}");
    let nobody = company.agent.run(&["explain", "nobody"]);
    assert!(nobody.code == 2 && nobody.stderr.contains("no directory of the config shows"), "{nobody:?}");
    std::fs::remove_file(company.agent.folder().join("corp.ldif")).expect("the directory is gone");
    let unasked = company.agent.run(&["explain", "guest"]);
    assert!(unasked.code == 2 && unasked.stderr.contains("corp could not be asked: "), "{unasked:?}");
}

#[test]
fn who_left_the_scope_is_told_by_the_entry_of_now_and_offline_that_it_could_not_be_asked() {
    let mut company = company_of(5, &format!("filter = \"(!(title=guest))\"\n{}", pool(5)));
    company.sync();
    company.set("p001", "mail: p001@lab.test\ntitle: guest\n");
    company.sync();
    let now = explain(&company, "p001");
    let why = why_outside(&now);
    assert!(why.contains("out of scope, which a cycle saw at") && why.contains("(title=guest))): no"), "{why}");
    assert!(said(&now).contains("values in the directory that fit (!(title=guest))"), "{now}");
    assert!(!said(&now).contains("under one of base"), "{now}");
    std::fs::remove_file(company.agent.folder().join("corp.ldif")).expect("the directory is gone");
    let unasked = explain(&company, "p001");
    let why = why_outside(&unasked);
    assert!(why.contains("corp could not be asked: "), "{why}");
    assert!(said(&unasked).contains("and fitting filter ((!(title=guest))) again"), "{unasked}");
}

#[test]
fn an_account_that_the_agent_does_not_manage_is_explained_and_never_decided_on() {
    let mut company = company_of(2, &pool(2));
    company.sync();
    let ledger = rusqlite::Connection::open(company.agent.folder().join("ledger.db")).expect("the ledger");
    let forget = "UPDATE account SET directory = NULL, anchor = NULL WHERE user_name = 'p001'";
    assert_eq!(ledger.execute(forget, []).expect("an account of nobody"), 1);
    std::fs::remove_dir_all(company.agent.folder().join("state")).expect("losing the state");
    company.leave("p001");
    assert_eq!(company.sync().0, 0);
    let explained = explain(&company, "p001");
    assert!(said(&explained).contains("does not manage") && explained["entry"].is_null(), "{explained}");
    assert_eq!(company.agent.decide("release", &["p001"]).code, 2);
}

#[test]
fn whose_change_the_guard_holds_back_is_told_what_the_numbers_and_the_command() {
    let mut company = company_of(10, &pool(10));
    company.sync();
    for number in 1..=5 {
        company.disable(&format!("p{number:03}"));
    }
    let (code, report) = company.sync();
    assert_eq!(code, 4, "{report}");
    let explained = explain(&company, "p001");
    let decision = explained["decision"].as_str().expect("a decision");
    let held = "the guard holds back the suspension of the account: 5 of 10 people would lose their seat or account; \
                the limit is 3";
    assert!(decision.starts_with("holds a seat of standard; ") && decision.contains(held), "{decision}");
    let confirm = format!("seatsync confirm {}", report["fingerprint"].as_str().expect("a fingerprint"));
    assert!(said(&explained).contains(&confirm), "{explained}");
    let instead = "being enabled in the directory again: `seatsync confirm ";
    assert!(
        said(&explained).contains(instead) && said(&explained).contains("would suspend the account"),
        "{explained}"
    );
    let calm = explain(&company, "p006");
    assert_eq!(calm["decision"], "holds a seat of standard", "{calm}");
    assert!(!said(&calm).contains("confirm"), "{calm}");
}

#[test]
fn a_leaver_is_told_the_sign_and_what_the_rule_makes_of_it() {
    let rules = "[leavers]\ndisabled = \"remove\"\nremove_after = \"30d\"\n";
    let mut company = company_of(4, &format!("{}{rules}", pool(10)));
    company.set("p003", "mail: p003@lab.test\nshadowExpire: 2\n");
    company.set("p004", "mail: p004@lab.test\nshadowExpire: 200000\n");
    company.sync();
    company.disable("p001");
    company.sync();
    let leaver = explain(&company, "p001");
    let leaving = leaver["leaving"].to_string();
    for word in
        ["pwdAccountLockedTime is 000001010000Z", "an administrator", "`leavers.disabled = ", "is removed after"]
    {
        assert!(leaving.contains(word), "{word}: {leaver}");
    }
    let expired = explain(&company, "p003");
    assert!(expired["leaving"][0].as_str().is_some_and(|said| said.contains("shadowExpire came due at 1970-01-03")));
    assert!(expired["leaving"][1] == "no account is there, and none is made", "{expired}");
    let page = company.agent.run(&["explain", "p003"]).stdout;
    assert!(page.contains("Leaving") && !page.contains("No pool matches"), "{page}");
    let later = explain(&company, "p004");
    assert!(later["leaving"][0].as_str().is_some_and(|said| said.starts_with("not yet: the entry expires at 2517")));
    assert_eq!(later["decision"], "holds a seat of standard");
    assert_eq!(explain(&company, "p002")["leaving"], serde_json::json!([]));
}

#[test]
fn after_a_read_that_was_not_whole_everybody_of_the_directory_is_told_what_follows() {
    let groups = "groups = [\"cn=blue,dc=lab,dc=test\"]\n";
    let mut company = Company::new(&["ada", "bob"], &format!("{groups}{}", pool(1)));
    company.group("blue", &["ada", "bob"]);
    company.sync();
    company.groups.clear();
    assert_eq!(company.sync().0, 1);
    for name in ["ada", "bob"] {
        let explained = explain(&company, name);
        let decision = explained["decision"].as_str().expect("a decision");
        assert!(decision.contains("was not read whole") && decision.contains("nobody of"), "{decision}");
        let advice = explained["would_change"].to_string();
        assert!(advice.contains("the base or group being there again, or `seatsync confirm "), "{advice}");
        assert!(advice.contains("a read of corp that comes to its end"), "{advice}");
    }
}

#[test]
fn a_free_seat_that_awaits_approval_is_not_called_missing() {
    let company = company_of(3, &pool(1));
    company.sync();
    let config = std::fs::read_to_string(company.agent.config_file()).expect("the config");
    company.agent.write_config(&config.replacen("seats = 1", "seats = 2", 1));
    company.sync();
    let waiting = company.agent.pending()[0]["user_name"].as_str().expect("a name").to_owned();
    let explained = explain(&company, &waiting);
    let wanted = "waits for a seat of standard, at place 1; 1 seat is free there, but promotion is manual, and nobody approved it yet";
    assert_eq!(explained["decision"], wanted, "{explained}");
    let advice = format!("`seatsync pending approve {waiting}`: a seat of standard is free, and promotion is manual");
    assert_eq!(explained["would_change"], serde_json::json!([advice]));
}

#[test]
fn somebody_is_found_by_display_name_whole_or_its_only_beginning_and_never_decided_on_by_it() {
    let mut company = Company::new(&[], &pool(9));
    for (name, called) in [("a1", "Ada Lovelace"), ("a2", "Ada Lovelace-King"), ("g1", "Grace Hopper")] {
        company.set(name, &format!("mail: {name}@lab.test\ndisplayName: {called}\n"));
    }
    company.sync();
    assert_eq!(explain(&company, "ada lovelace")["user"]["user_name"], "a1");
    assert_eq!(explain(&company, "Grace")["user"]["user_name"], "g1");
    let several = company.agent.run(&["explain", "Ada"]);
    assert_eq!(several.code, 2, "{several:?}");
    assert!(several.stderr.contains("uid=a1,") && several.stderr.contains("uid=a2,"), "{several:?}");
    let decided = company.agent.run(&["pending", "approve", "Grace Hopper"]);
    assert_eq!(decided.code, 2, "{decided:?}");
    assert!(
        decided.stderr.contains("uid=g1,") && decided.stderr.contains("a decision needs a user name"),
        "{decided:?}"
    );
}

#[test]
fn who_was_deleted_is_told_so_and_when_and_nothing_that_was_true_before() {
    let mut company = company_of(5, &pool(5));
    company.sync();
    company.leave("p001");
    company.sync();
    assert_eq!(company.agent.sync_full().0, 0, "the second look");
    let explained = explain(&company, "p001");
    let because = explained["scope"]["because"].as_array().expect("reasons");
    assert_eq!((explained["scope"]["in"].as_bool(), because.len()), (Some(false), 1), "{explained}");
    let why = because[0].as_str().expect("a sentence");
    assert!(
        why.starts_with("deleted from the directory, which a cycle saw at 20") && why.contains("uid=p001,"),
        "{why}"
    );
    assert!(explained["pool"].is_null() && explained["entry"].is_null(), "{explained}");
    assert!(said(&explained).contains("takes a seat or a place by the day of its first asking"), "{explained}");
}

#[test]
fn who_keeps_the_seat_while_suspended_goes_on_with_it() {
    let mut company = company_of(5, &format!("{}[leavers]\nsuspended_keeps_seat = true\n", pool(5)));
    company.sync();
    company.disable("p001");
    company.sync();
    let explained = explain(&company, "p001");
    assert!(said(&explained).contains("then resumed, and goes on with its seat of standard"), "{explained}");
}

#[test]
fn a_logon_name_finds_who_has_it_and_several_are_listed() {
    let mut company = company_of(3, &pool(3));
    company.set("p001", "mail: p001@lab.test\nsAMAccountName: JDoe\n");
    company.sync();
    for name in ["jdoe", "LAB\\jdoe"] {
        assert_eq!(explain(&company, name)["user"]["user_name"], "p001", "{name}");
    }
    let decided = |name: &str| company.agent.run(&["pending", "approve", name]);
    let ended = decided("jdoe");
    assert!(!ended.stderr.contains("nobody is known by"), "a decision finds the same person: {ended:?}");
    company.set("p002", "mail: p002@lab.test\nsAMAccountName: jdoe\n");
    company.sync();
    let ended = company.agent.run(&["explain", "jdoe"]);
    assert!(ended.code == 2 && ["uid=p001,", "uid=p002,"].iter().all(|who| ended.stderr.contains(who)), "{ended:?}");
    let ended = company.agent.run(&["pending", "approve", "jdoe"]);
    assert!(ended.code == 2 && ended.stderr.contains("fits 2 people"), "nobody is guessed: {ended:?}");
}
