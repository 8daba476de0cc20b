//! The rules on the real binary, with a directory in a file: what happens to seats when the directory changes.

#![allow(clippy::expect_used, reason = "a test that cannot go on ends here")]

mod support;

use support::company::{Company, company_of, names, pool};

#[test]
fn seats_go_to_as_many_as_there_are_and_the_next_cycle_does_nothing() {
    let company = company_of(5, &pool(3));
    let (code, report) = company.sync();
    assert_eq!(code, 0);
    assert_eq!((&report["changes"]["provisioned"], &report["changes"]["waiting"]), (&3.into(), &2.into()));
    let (_, again) = company.sync();
    let changes = again["changes"].as_object().expect("changes");
    assert!(changes.values().all(|count| count == 0), "{changes:?}");
}

#[test]
fn somebody_missing_is_a_leaver_only_when_a_second_read_says_so_again() {
    let mut company = company_of(5, &pool(5));
    company.sync();
    company.leave("p001");
    assert_eq!(company.sync().1["changes"]["suspended"], 0);
    assert_eq!(company.sync().1["changes"]["suspended"], 1);
    assert_eq!(company.agent.names("suspended"), ["p001"]);
}

#[test]
fn who_is_lost_together_with_the_place_where_they_were_keeps_the_seat_and_is_reported() {
    let mut company = company_of(4, &pool(5));
    company.groups = "dn: ou=north,ou=people,dc=lab,dc=test\nobjectClass: organizationalUnit\nou: north\n\n\
        dn: uid=n1,ou=north,ou=people,dc=lab,dc=test\nobjectClass: inetOrgPerson\nuid: n1\ncn: n1\nsn: n1\nmail: n1@lab.test\n\n"
        .to_owned();
    company.sync();
    let anchor = company.agent.user("n1")["anchor"].as_str().expect("an anchor").to_owned();
    company.groups.clear();
    for _ in 0..3 {
        let (code, report) = company.sync();
        assert_eq!((code, &report["changes"]["suspended"]), (0, &0.into()));
        let problem = report["directories"][0]["problem"].as_str().unwrap_or_default();
        assert!(problem.contains(&anchor) && problem.contains("neither found nor proven gone"), "{report}");
    }
    assert_eq!(company.agent.user("n1")["state"], "active");
}

#[test]
fn who_is_disabled_and_lost_the_mail_address_leaves_and_who_only_lost_it_stays() {
    let mut company = company_of(5, &pool(5));
    company.sync();
    company.set("p001", "pwdAccountLockedTime: 000001010000Z\n");
    company.set("p002", "");
    let (code, report) = company.sync();
    assert_eq!(code, 0);
    assert_eq!(report["changes"]["suspended"], 1);
    assert_eq!(company.agent.names("suspended"), ["p001"]);
    assert_eq!(company.agent.user("p002")["state"], "active");
    assert_eq!(company.agent.user("p002")["quarantine"]["reason"], "missing");
}

#[test]
fn who_comes_back_is_resumed_with_the_old_since() {
    let mut company = company_of(3, &pool(3));
    company.sync();
    let since = company.agent.user("p001")["seats"][0]["since"].clone();
    company.disable("p001");
    company.sync();
    assert_eq!(company.agent.names("suspended"), ["p001"]);
    company.join("p001");
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert_eq!(company.sync().1["changes"]["resumed"], 1);
    assert_eq!(company.agent.user("p001")["state"], "active");
    assert_eq!(company.agent.user("p001")["seats"][0]["since"], since);
}

#[test]
fn a_freed_seat_is_given_by_hand_or_by_itself_as_the_config_says() {
    for (promotion, by_itself) in [("manual", false), ("automatic", true)] {
        let mut company = company_of(4, &format!("{}[seats]\npromotion = \"{promotion}\"\n", pool(3)));
        company.sync();
        let waiting = company.agent.names("pending");
        company.disable(&company.agent.names("active")[0].clone());
        company.sync();
        assert_eq!(company.agent.names("active").len(), if by_itself { 3 } else { 2 }, "{promotion}");
        if !by_itself {
            let name = &waiting[0];
            assert_eq!(company.agent.decide("approve", &[name.as_str()]).code, 0);
            assert_eq!(company.sync().1["changes"]["promoted"], 1);
        }
        assert_eq!(company.agent.user(&waiting[0])["state"], "active");
    }
}

#[test]
fn a_group_emptied_by_mistake_costs_nobody_the_seat_and_the_message_has_the_numbers_and_the_way_out() {
    let members = names(20);
    let members: Vec<&str> = members.iter().map(String::as_str).collect();
    let scope = "groups = [\"cn=vault,dc=lab,dc=test\"]\n";
    let mut company = company_of(20, &format!("{scope}{}", pool(20)));
    company.group("vault", &members);
    company.sync();
    assert_eq!(company.agent.names("active").len(), 20);
    company.groups.clear();
    company.group("vault", &members[..1]);
    let (code, held) = company.sync();
    assert_eq!((code, &held["changes"]["suspended"]), (4, &0.into()));
    let numbers = (&held["held"][0]["kind"], &held["held"][0]["count"], &held["held"][0]["limit"]);
    assert_eq!(numbers, (&"leaving".into(), &19.into(), &3.into()));
    assert_eq!(company.agent.names("active").len(), 20, "nobody loses a seat");
    company.groups.clear();
    company.group("vault", &members);
    let (code, mended) = company.sync();
    assert_eq!((code, &mended["held"]), (0, &serde_json::Value::Null));
}

#[test]
fn everybody_disabled_at_once_is_held_back_and_only_the_fingerprint_lets_them_go() {
    let mut company = company_of(20, &pool(20));
    company.sync();
    for name in names(20) {
        company.disable(&name);
    }
    let (code, held) = company.sync();
    assert_eq!(code, 4);
    assert_eq!(held["held"][0]["kind"], "leaving");
    assert_eq!(
        (&held["held"][0]["count"], &held["held"][0]["of"], &held["held"][0]["limit"]),
        (&20.into(), &20.into(), &3.into())
    );
    assert_eq!(company.agent.names("active").len(), 20);
    assert_eq!(company.agent.confirm("0123456789abcdef").0, 2);
    let fingerprint = held["fingerprint"].as_str().expect("a fingerprint").to_owned();
    let (code, confirmed) = company.agent.confirm(&fingerprint);
    assert_eq!((code, &confirmed["count"]), (0, &20.into()));
    let (code, report) = company.sync();
    assert_eq!((code, &report["changes"]["suspended"]), (0, &20.into()));
    assert_eq!(company.agent.confirm(&fingerprint).0, 2);
}

#[test]
fn the_guard_stops_a_drain_of_nine_percent_a_cycle() {
    let mut company = company_of(100, &pool(100));
    company.sync();
    let mut codes = Vec::new();
    for batch in names(100).chunks(9).take(4) {
        for name in batch {
            company.disable(name);
        }
        codes.push(company.sync().0);
    }
    assert_eq!(codes, [0, 4, 4, 4]);
    assert_eq!(company.agent.names("suspended").len(), 9);
}

#[test]
fn the_limit_itself_passes_and_one_more_is_held() {
    for (leavers, code) in [(10, 0), (11, 4)] {
        let mut company = company_of(100, &pool(100));
        company.sync();
        for name in names(100).iter().take(leavers) {
            company.disable(name);
        }
        assert_eq!(company.sync().0, code, "{leavers} leavers");
    }
}

#[test]
fn a_state_that_is_lost_loses_no_account_and_does_not_open_the_guard() {
    let mut company = company_of(100, &pool(90));
    company.sync();
    for name in names(100).iter().take(9) {
        company.disable(name);
    }
    company.sync();
    std::fs::remove_dir_all(company.agent.folder().join("state")).expect("losing the state");
    for name in names(100).iter().skip(9).take(9) {
        company.disable(name);
    }
    let (code, report) = company.sync();
    assert_eq!(code, 4, "{report}");
    assert_eq!(report["changes"]["provisioned"], 0);
    assert_eq!(report["held"][0]["recent"], 9);
}

#[test]
fn a_ledger_that_is_lost_is_an_error_and_never_made_anew() {
    let company = company_of(3, &pool(3));
    company.sync();
    for file in ["ledger.db", "ledger.db-wal", "ledger.db-shm"] {
        let _ = std::fs::remove_file(company.agent.folder().join(file));
    }
    assert_eq!(company.agent.run(&["sync"]).code, 1);
    assert!(!company.agent.folder().join("ledger.db").exists());
}

#[test]
fn a_damaged_state_is_kept_and_stops_everything() {
    let company = company_of(3, &pool(3));
    company.sync();
    let state = company.agent.folder().join("state/state.db");
    for file in ["state.db-wal", "state.db-shm"] {
        let _ = std::fs::remove_file(company.agent.folder().join("state").join(file));
    }
    std::fs::write(&state, b"no database at all, but long enough to look like something".repeat(40))
        .expect("damaging the state");
    let before = std::fs::read(&state).expect("reading it");
    assert_eq!(company.agent.run(&["sync"]).code, 1);
    assert_eq!(std::fs::read(&state).expect("reading it again"), before);
}

#[test]
fn fewer_seats_than_holders_evict_nobody_and_grant_nothing() {
    let mut company = company_of(6, &pool(5));
    company.sync();
    let config = std::fs::read_to_string(company.agent.config_file()).expect("the config");
    company.agent.write_config(&config.replace("seats = 5", "seats = 3"));
    company.join("p007");
    let (code, report) = company.sync();
    assert_eq!(code, 0);
    assert_eq!(
        (&report["pools"][0]["held"], &report["pools"][0]["seats"], &report["pools"][0]["free"]),
        (&5.into(), &3.into(), &0.into())
    );
    assert_eq!(report["changes"]["provisioned"], 0);
}

#[test]
fn priority_comes_first_and_a_full_pool_falls_back() {
    let rest = "[[pool]]\nname = \"advanced\"\nseats = 2\nfallback = \"basic\"\npriority = [\"cn=chiefs,dc=lab,dc=test\"]\n\
                [[pool]]\nname = \"basic\"\nseats = 2\n[seats]\npromotion = \"automatic\"\n";
    let mut company = company_of(5, rest);
    company.group("chiefs", &["p004", "p005"]);
    let (code, report) = company.sync();
    assert_eq!(code, 0, "{report}");
    for chief in ["p004", "p005"] {
        assert_eq!(company.agent.user(chief)["seats"][0]["pool"], "advanced");
    }
    let in_both =
        company.agent.users().into_iter().filter(|user| user["seats"].as_array().is_some_and(|seats| seats.len() == 2));
    assert_eq!(in_both.count(), 3);
    company.disable("p004");
    let (_, report) = company.sync();
    assert_eq!(
        report["changes"]["promoted"], 2,
        "one to advanced, and who waited takes the seat of basic that it frees"
    );
    assert!(company.agent.names("pending").is_empty());
}

#[test]
fn a_file_that_is_broken_or_empty_takes_nobodys_seat() {
    let company = company_of(5, &pool(5));
    company.sync();
    let file = company.agent.folder().join("corp.ldif");
    for broken in ["", "dn: uid=x\nno colon here\n", "version: 1\n"] {
        std::fs::write(&file, broken).expect("breaking the file");
        for _ in 0..3 {
            assert_eq!(company.agent.run(&["sync"]).code, 1);
        }
        assert_eq!(company.agent.names("active").len(), 5);
    }
}

#[test]
fn what_another_hand_took_in_the_ledger_is_not_asked_for_again_until_approved() {
    let company = company_of(5, &pool(5));
    company.sync();
    support::process::tool(
        std::process::Command::new("sqlite3").arg(company.agent.folder().join("ledger.db")),
        "PRAGMA foreign_keys=ON; DELETE FROM assignment WHERE account=(SELECT id FROM account WHERE user_name='p001'); \
         DELETE FROM account WHERE user_name='p002';",
    );
    for _ in 0..2 {
        let (code, _) = company.sync();
        assert_eq!(code, 0);
        assert_eq!(company.agent.names("active").len(), 3);
    }
    assert_eq!(company.agent.user("p001")["seats"][0]["reason"], "removed_elsewhere");
    assert_eq!(company.agent.decide("approve", &["p001"]).code, 0);
    company.sync();
    assert_eq!(company.agent.user("p001")["state"], "active");
}

#[test]
fn a_denial_is_sticky_and_an_approval_reopens_it() {
    let company = company_of(3, &format!("{}[seats]\njoiners = \"approve\"\n", pool(3)));
    company.sync();
    assert_eq!(company.agent.names("pending").len(), 3);
    assert_eq!(company.agent.decide("deny", &["p001"]).code, 0);
    company.sync();
    assert_eq!(company.agent.names("denied"), ["p001"]);
    assert_eq!(company.agent.decide("approve", &["p001", "p002"]).code, 0);
    company.sync();
    assert_eq!(company.agent.names("active"), ["p001", "p002"]);
    assert_eq!(company.agent.decide("approve", &["nobody"]).code, 2);
}

#[test]
fn accounts_that_existed_are_adopted_by_their_anchor_and_nothing_else_of_them_changes() {
    let mut company = company_of(2, &pool(5));
    company.sync();
    forget_ownership(&company);
    company.set("p001", "mail: changed@lab.test\n");
    let (code, report) = company.sync();
    assert_eq!(
        (code, &report["changes"]["adopted"], &report["changes"]["updated"]),
        (0, &2.into(), &0.into()),
        "{report}"
    );
    assert_eq!(company.agent.names("active").len(), 2);
    assert_eq!(company.sync().1["changes"]["updated"], 1);
}

#[test]
fn who_was_adopted_without_a_seat_was_denied_by_nobody_and_gets_one_with_the_next_cycle() {
    let company = company_of(3, &pool(2));
    company.sync();
    forget_ownership(&company);
    let ledger = company.agent.folder().join("ledger.db");
    support::process::tool(std::process::Command::new("sqlite3").arg(ledger), "DELETE FROM assignment;");
    company.write();
    let told = company.agent.run(&["sync"]).stdout;
    assert!(told.contains("3 adopted") && told.contains("the next one asks for the seats they lack"), "{told}");
    let explained = company.agent.explain("p001").1;
    let decision = "was adopted with its account, which held no seat; the next cycle gives a seat or a place";
    assert_eq!((&explained["user"]["state"], &explained["decision"]), (&"denied".into(), &decision.into()));
    assert_eq!(explained["would_change"], serde_json::json!(["`seatsync sync`, or the next cycle of the agent"]));
    let (code, report) = company.sync();
    assert_eq!((code, &report["pools"][0]["held"], &report["pools"][0]["waiting"]), (0, &2.into(), &1.into()));
    let active = company.agent.names("active");
    assert_eq!(company.agent.explain(&active[0]).1["decision"], "holds a seat of standard");
    // Whom somebody denied is told so still.
    let waits = company.agent.names("pending").remove(0);
    assert_eq!(company.agent.decide("deny", &[&waits]).code, 0);
    company.sync();
    let denied = company.agent.explain(&waits).1;
    assert_eq!(denied["decision"], "was denied; not asked for again until approved", "{denied}");
}

#[test]
fn a_stranger_with_the_same_mail_is_a_conflict_and_stays_as_it_is() {
    let company = company_of(
        2,
        &format!(
            "{}[backend]\nkind = \"embedded\"\ncompany = \"acme\"\npath = \"ledger.db\"\nadopt = \"none\"\n",
            pool(5)
        ),
    );
    company.sync();
    forget_ownership(&company);
    let (code, report) = company.sync();
    assert_eq!(
        (code, &report["changes"]["adopted"], &report["changes"]["provisioned"]),
        (0, &0.into(), &0.into()),
        "{report}"
    );
    assert_eq!(report["pools"][0]["held"], 2, "seats of unmanaged accounts are held seats");
    let users = company.agent.users();
    assert_eq!(users.iter().filter(|user| user["managed"] == false && user["state"] == "active").count(), 2);
    let conflicts = users.iter().filter(|user| user["quarantine"]["reason"] == "conflict");
    assert_eq!(conflicts.count(), 2);
}

/// The same accounts, as if somebody else had made them before the agent came.
fn forget_ownership(company: &Company) {
    support::process::tool(
        std::process::Command::new("sqlite3").arg(company.agent.folder().join("ledger.db")),
        "UPDATE account SET external=anchor, directory=NULL, anchor=NULL;",
    );
    std::fs::remove_dir_all(company.agent.folder().join("state")).expect("losing the state");
}
