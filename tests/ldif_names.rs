//! Names and addresses on the real binary, with a directory in a file: whose they are when they change hands.

#![allow(clippy::expect_used, reason = "a test that cannot go on ends here")]

mod support;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use support::company::{company_of, names, pool};

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
