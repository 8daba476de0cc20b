//! Names and addresses on the real binary, with a directory in a file: whose they are when they change hands.

#![allow(clippy::expect_used, reason = "a test that cannot go on ends here")]

mod support;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use support::company::{Company, company_of, names, pool};

#[test]
fn two_people_swap_their_mail_addresses() {
    let mut company = company_of(12, &pool(12));
    company.sync();
    company.set("p001", "mail: p002@lab.test\n");
    company.set("p002", "mail: p001@lab.test\n");
    let (code, report) = company.sync();
    assert_eq!((code, &report["changes"]["updated"]), (0, &2.into()), "{report}");
    assert_eq!(company.agent.user("p001")["email"], "p002@lab.test");
    assert_eq!(company.agent.user("p002")["email"], "p001@lab.test");
    assert_eq!(company.sync().1["changes"]["updated"], 0);
}

#[test]
fn the_old_address_of_somebody_disabled_passes_to_a_colleague() {
    let mut company = company_of(12, &pool(12));
    company.sync();
    company.disable("p001");
    company.set("p001", "mail: old1@lab.test\npwdAccountLockedTime: 000001010000Z\n");
    company.set("p002", "mail: p001@lab.test\n");
    assert_eq!(company.sync().1["changes"]["updated"], 2);
    assert_eq!(company.agent.user("p002")["email"], "p001@lab.test");
    assert_eq!(company.sync().1["changes"]["updated"], 0);
}

#[test]
fn the_old_address_of_somebody_moved_out_of_the_base_long_ago_passes_to_a_colleague() {
    const ID: &str = "entryUUID: 11111111-2222-4333-8444-555555555555\n";
    let elsewhere = |mail: &str| {
        format!(
            "dn: uid=p001,ou=leavers,dc=lab,dc=test\nobjectClass: inetOrgPerson\nuid: p001\ncn: p001\nsn: p001\n\
             mail: {mail}\npwdAccountLockedTime: 000001010000Z\n{ID}\n"
        )
    };
    let mut company = company_of(12, &pool(12));
    company.set("p001", &format!("mail: p001@lab.test\n{ID}"));
    company.sync();
    company.leave("p001");
    company.groups = elsewhere("p001@lab.test");
    assert_eq!(company.sync().1["changes"]["suspended"], 1);
    company.sync();
    company.groups = elsewhere("old1@lab.test");
    company.set("p002", "mail: p001@lab.test\n");
    company.sync();
    assert_eq!(company.agent.user("p002")["email"], "p001@lab.test");
    assert_eq!(company.agent.user("p001")["email"], "old1@lab.test");
    assert_eq!(company.sync().1["changes"]["updated"], 0);
}

#[test]
fn an_entry_that_became_a_contact_changes_nothing_in_the_account_but_its_state() {
    let mut company = company_of(12, &pool(12));
    company.sync();
    company.set("p001", "mail: p001@lab.test\nobjectClass: contact\n");
    company.join("p013");
    company.set("p013", "mail: p001@lab.test\n");
    let (code, report) = company.sync();
    let changes = &report["changes"];
    assert_eq!((code, &changes["suspended"], &changes["updated"]), (0, &1.into(), &0.into()), "{report}");
    assert_eq!(company.agent.user("p001")["email"], "p001@lab.test");
}

#[test]
fn renaming_everybodys_mail_is_held_while_other_fields_follow() {
    let mut company = company_of(20, &pool(20));
    company.sync();
    for name in names(20) {
        company.set(&name, &format!("mail: {name}@new.test\ngivenName: New\n"));
    }
    let (code, report) = company.sync();
    assert_eq!(code, 4);
    assert_eq!(report["held"][0]["kind"], "renaming");
    assert_eq!(company.agent.user("p001")["email"], "p001@lab.test");
    assert_eq!(report["changes"]["updated"], 20);
}

#[test]
fn two_people_with_one_mail_address_are_duplicates_unless_one_has_the_account() {
    let mut company = company_of(5, &pool(9));
    company.sync();
    company.set("x1", "mail: p001@lab.test\n");
    company.set("y1", "mail: Same@lab.test\n");
    company.set("y2", "mail: same@LAB.test\n");
    company.sync();
    assert_eq!(company.agent.user("p001")["quarantine"], serde_json::Value::Null);
    for name in ["x1", "y1", "y2"] {
        assert_eq!(company.agent.user(name)["quarantine"]["reason"], "duplicate", "{name}");
        assert_eq!(company.agent.user(name)["state"], serde_json::Value::Null);
    }
}

#[test]
fn a_name_arrives_as_it_is_written_with_the_spaces_around_it_and_whatever_is_in_it() {
    let names = [
        "  two lead and one follows ",
        "O'Neil, Jr. #1 + \\ (*) \"q\"",
        "e\u{301} and \u{e9}",
        "\u{5e9}\u{5e8}\u{5d4} 👩\u{200d}💻",
    ];
    let mut company = company_of(names.len(), &pool(9));
    for (number, name) in names.iter().enumerate() {
        let user = format!("p{:03}", number + 1);
        company.set(&user, &format!("mail: {user}@lab.test\ndisplayName:: {}\n", STANDARD.encode(name)));
    }
    company.sync();
    for (number, name) in names.iter().enumerate() {
        assert_eq!(company.agent.user(&format!("p{:03}", number + 1))["display_name"], *name);
    }
    assert_eq!(company.sync().1["changes"]["updated"], 0);
}

/// Ids as an export writes them, for some of the people; who has none is known by the DN.
fn with_ids(company: &mut Company, names: &[&str]) {
    for name in company.people.keys().cloned().collect::<Vec<_>>() {
        let id = format!("entryUUID: 00000000-0000-4000-8000-0000000000{}\n", &name[2..]);
        let id = if names.contains(&name.as_str()) { id } else { String::new() };
        company.set(&name, &format!("mail: {name}@lab.test\n{id}"));
    }
}

/// Whose entry cannot be used: anchor, reason, and what is said of it.
fn unclear(company: &Company) -> Vec<(String, String, String)> {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let users = company.agent.users().into_iter().filter(|user| !user["quarantine"].is_null());
    let row = |user: serde_json::Value| {
        let quarantine = &user["quarantine"];
        assert_eq!(
            (&user["state"], &quarantine["attribute"]),
            (&serde_json::Value::Null, &"entryUUID".into()),
            "{user}"
        );
        (text(&user["anchor"]), text(&quarantine["reason"]), text(&quarantine["message"]))
    };
    users.map(row).collect()
}

#[test]
fn who_lost_the_id_in_the_file_keeps_the_seat_until_it_is_there_again_or_is_said_to_be_the_same() {
    let mut company = company_of(4, &pool(9));
    with_ids(&mut company, &["p001", "p002", "p003", "p004"]);
    assert_eq!(company.sync().0, 0);
    with_ids(&mut company, &["p001", "p002"]);
    company.leave("p001");
    company.join("p005");
    for cycle in 1..=3 {
        let (code, report) = company.sync();
        assert_eq!(code, 0, "{report}");
        let gone = usize::from(cycle > 1);
        assert_eq!(company.agent.names("active").len(), 5 - gone, "p001 leaves, p005 joins, no more: {report}");
        let unclear = unclear(&company);
        assert_eq!(unclear.len(), 2, "{unclear:?}");
        assert!(
            unclear.iter().all(|(_, reason, message)| reason == "missing" && message.contains("uid=p00")),
            "{unclear:?}"
        );
    }
    with_ids(&mut company, &["p002", "p003", "p005"]);
    company.set("p005", "mail: p005@lab.test\n");
    company.sync();
    let left = unclear(&company);
    assert_eq!((left.len(), company.agent.names("active").len()), (1, 4), "the one that has its id back is served");
    let relinked = company.agent.run(&["relink", "00000000-0000-4000-8000-000000000004", &left[0].0]);
    assert_eq!(relinked.code, 0, "{relinked:?}");
    for _ in 0..2 {
        assert_eq!(company.sync().0, 0);
        assert_eq!((unclear(&company), company.agent.names("active").len()), (vec![], 4));
    }
    company.leave("p004");
    company.sync();
    company.sync();
    assert_eq!(company.agent.names("active").len(), 3, "known by the DN from then on");
}

#[test]
fn who_got_an_id_in_the_file_keeps_the_seat_until_it_is_said_to_be_the_same() {
    let mut company = company_of(4, &pool(9));
    assert_eq!(company.sync().0, 0);
    let known = company.agent.user("p004")["anchor"].as_str().expect("an anchor").to_owned();
    with_ids(&mut company, &["p004"]);
    for _ in 0..3 {
        assert_eq!(company.sync().0, 0);
        assert_eq!(company.agent.names("active").len(), 4);
        let unclear = unclear(&company);
        assert_eq!((unclear.len(), unclear[0].1.as_str()), (1, "conflict"), "{unclear:?}");
        let command = format!("seatsync relink {known} 00000000-0000-4000-8000-000000000004");
        assert!(unclear[0].2.contains(&command), "{unclear:?}");
    }
    let relinked = company.agent.run(&["relink", &known, "00000000-0000-4000-8000-000000000004"]);
    assert_eq!(relinked.code, 0, "{relinked:?}");
    company.sync();
    assert_eq!((unclear(&company), company.agent.names("active").len()), (vec![], 4));
}

/// With an id each, two entries are two people, wherever they lie.
#[test]
fn another_entry_with_another_id_at_the_same_place_is_somebody_else() {
    let mut company = company_of(4, &pool(9));
    with_ids(&mut company, &["p001", "p002", "p003", "p004"]);
    company.sync();
    company.set("p004", "mail: new@lab.test\nentryUUID: 00000000-0000-4000-8000-000000000044\n");
    company.sync();
    company.sync();
    assert_eq!(company.agent.names("suspended").len(), 1, "the one before left");
    let newcomer = company.agent.explain("00000000-0000-4000-8000-000000000044").1;
    assert_eq!(newcomer["user"]["quarantine"]["attribute"], "user_name", "which that one has: {newcomer}");
}

#[test]
fn a_directory_that_had_another_name_for_one_cycle_leaves_nobody_twice() {
    let company = company_of(3, &pool(3));
    company.sync();
    let config = company.agent.config_file();
    let call = |old: &str, new: &str| {
        let text = std::fs::read_to_string(&config).expect("reading the config");
        let name = |name: &str| format!("name = \"{name}\"");
        std::fs::write(&config, text.replace(&name(old), &name(new))).expect("writing the config");
    };
    call("corp", "lab");
    let checked = company.agent.run(&["check"]);
    let said = "directory corp: the config does not name it, and 3 accounts belong to it";
    assert!(checked.code == 0 && checked.stdout.contains(said), "{checked:?}");
    company.sync();
    let (planned, explained) = (company.agent.run(&["plan"]), company.agent.run(&["explain", "p001"]));
    assert!(planned.stdout.contains("in corp, a directory that the config does not name: "), "{planned:?}");
    assert!(explained.stderr.contains("write corp again"), "{explained:?}");
    call("lab", "corp");
    assert!(!company.agent.run(&["check"]).stdout.contains("directory lab"));
    assert_eq!(company.sync().0, 0);
    assert_eq!(company.agent.users().len(), 3);
    assert_eq!(company.agent.run(&["explain", "p001@lab.test"]).code, 0);
    let released = company.agent.run(&["pending", "release", "p001"]);
    assert_eq!(released.code, 0, "{released:?}");
}
