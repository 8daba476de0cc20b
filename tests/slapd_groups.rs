//! A real OpenLDAP server and the real binary: groups whose members cannot be told for a while take nobody's seat.

#![allow(clippy::expect_used, reason = "a test that cannot go on ends here")]

mod support;

use support::{Agent, Slapd, ldif};

const PEOPLE: usize = 12;

/// An agent for everyone in the group `vault`, whose guard lets anybody leave but all of them.
fn agent(slapd: &Slapd, directory: &str) -> Agent {
    let agent = Agent::new("");
    agent.secret("pw", &slapd.password);
    agent.write_config(&format!(
        "[[directory]]\nname = \"corp\"\nurl = [\"{}\"]\nca_file = \"{}\"\nbind_dn = \"{}\"\nbind_password = {{ file = \"pw\" }}\n\
         base = [\"ou=people,{base}\"]\ngroups = [\"cn=vault,ou=groups,{base}\"]\ntimeout = \"5s\"\n{directory}\n\
         [[pool]]\nname = \"standard\"\nseats = 50\n[guard]\nfloor = 11\n",
        slapd.ldaps_url,
        slapd.ca.display(),
        slapd.sync_dn,
        base = slapd.base,
    ));
    agent
}

/// Two people directly in the group `vault`, the others in the group `inner` within it. `vault` is of a kind that no
/// overlay of the server takes deleted members out of.
fn seeded() -> Slapd {
    let slapd = Slapd::start();
    slapd.seed(PEOPLE);
    let base = &slapd.base;
    slapd.add(&inner(&slapd));
    slapd.add(&format!(
        "dn: cn=vault,ou=groups,{base}\nobjectClass: groupOfUniqueNames\ncn: vault\nuniqueMember: {}\nuniqueMember: {}\n\
         uniqueMember: cn=inner,ou=groups,{base}\n\n",
        slapd.dn("u0000001"),
        slapd.dn("u0000002"),
    ));
    slapd
}

fn inner(slapd: &Slapd) -> String {
    let members: Vec<String> = (3..=PEOPLE).map(|n| slapd.dn(&format!("u{n:07}"))).collect();
    ldif::group(&slapd.base, "inner", &members)
}

/// Exit code, people with a seat, and what is wrong with the directory.
fn sync(agent: &Agent) -> (i32, usize, String) {
    let (code, report) = agent.sync();
    let problem = report["directories"][0]["problem"].as_str().unwrap_or_default().to_owned();
    (code, agent.names("active").len(), problem)
}

#[test]
fn a_nested_group_deleted_for_one_cycle_costs_nobody_the_seat_and_for_good_it_does() {
    let slapd = seeded();
    let agent = agent(&slapd, "");
    assert_eq!(sync(&agent), (0, PEOPLE, String::new()));
    let dn = format!("cn=inner,ou=groups,{}", slapd.base);
    slapd.delete(&dn);
    let (code, active, problem) = sync(&agent);
    assert_eq!((code, active), (1, PEOPLE), "{problem}");
    assert!(problem.contains(&dn) && problem.contains("is not found"), "{problem}");
    slapd.add(&inner(&slapd));
    assert_eq!(sync(&agent), (0, PEOPLE, String::new()));
    slapd.delete(&dn);
    assert_eq!(sync(&agent).0, 1);
    assert_eq!(sync(&agent), (0, 2, String::new()), "two reads say so");
    assert_eq!(sync(&agent), (0, 2, String::new()), "a name that dangles for ever is no matter");
}

/// Rule 5: the group above meant this one, whatever it is called now; nothing says that anybody left it.
#[test]
fn a_nested_group_that_was_renamed_is_followed_by_its_id_as_a_group_of_the_config_is() {
    let slapd = seeded();
    let agent = agent(&slapd, "");
    assert_eq!(sync(&agent), (0, PEOPLE, String::new()));
    let (old, new) = (format!("cn=inner,ou=groups,{}", slapd.base), format!("cn=core,{}", slapd.base));
    slapd.modify(&ldif::rename(&old, "cn=core", Some(&slapd.base)));
    slapd.add(&ldif::person(&slapd.base, "u0000099"));
    let members = |change: &str, uid: &str| {
        slapd.modify(&format!("dn: {new}\nchangetype: modify\n{change}: member\nmember: {}\n-\n\n", slapd.dn(uid)));
    };
    members("add", "u0000099");
    for _ in 0..3 {
        let (code, active, problem) = sync(&agent);
        assert_eq!((code, active), (0, PEOPLE + 1), "who joins it is served: {problem}");
        assert!(problem.contains(&old) && problem.contains(&new) && problem.contains("followed"), "{problem}");
    }
    members("delete", "u0000099");
    assert_eq!(sync(&agent).1, PEOPLE, "who is taken out of it leaves");
    assert_eq!(agent.explain("u0000003").1["scope"]["in"], true);
    replace_member(&slapd, "vault", &[slapd.dn("u0000001"), slapd.dn("u0000002"), new.clone()]);
    assert_eq!(sync(&agent), (0, PEOPLE, String::new()));
    slapd.delete(&new);
    assert_eq!((sync(&agent).0, sync(&agent).1), (1, 2), "deleted, it is gone with the second read");
}

#[test]
fn a_nested_group_that_is_hidden_with_its_container_costs_nobody_the_seat_however_long() {
    let mut slapd = seeded();
    slapd.modify(&format!(
        "dn: ou=north,{0}\nchangetype: add\nobjectClass: organizationalUnit\nou: north\n\n\
         dn: cn=vault,ou=groups,{0}\nchangetype: modify\nreplace: uniqueMember\nuniqueMember: cn=inner,ou=north,{0}\n-\n\n{1}",
        slapd.base,
        ldif::rename(&format!("cn=inner,ou=groups,{}", slapd.base), "cn=inner", Some(&format!("ou=north,{}", slapd.base))),
    ));
    let agent = agent(&slapd, "");
    assert_eq!(sync(&agent), (0, PEOPLE - 2, String::new()));
    slapd.restrict(&format!("to dn.subtree=\"ou=north,{}\" by * none", slapd.base));
    for _ in 0..3 {
        let (code, active, problem) = sync(&agent);
        assert_eq!((code, active), (1, PEOPLE - 2), "{problem}");
        assert!(problem.contains("grant the account the right"), "{problem}");
    }
}

#[test]
fn people_whom_a_group_lists_by_user_id_keep_the_seat_where_the_id_cannot_be_read() {
    let mut slapd = Slapd::start();
    slapd.seed(PEOPLE);
    let uids: String = (1..=PEOPLE).map(|n| format!("memberUid: u{n:07}\n")).collect();
    slapd.add(&format!(
        "dn: cn=vault,ou=groups,{}\nobjectClass: posixGroup\ncn: vault\ngidNumber: 7\n{uids}\n",
        slapd.base
    ));
    let agent = agent(&slapd, "[directory.attributes]\nuser_name = \"mail\"\n");
    assert_eq!(sync(&agent).1, PEOPLE);
    slapd.restrict("to attrs=uid by * none");
    for _ in 0..3 {
        let (code, active, problem) = sync(&agent);
        assert_eq!((code, active), (0, PEOPLE), "{problem}");
    }
    let user = agent.user("u0000001@lab.test");
    assert_eq!((&user["quarantine"]["attribute"], &user["quarantine"]["reason"]), (&"uid".into(), &"missing".into()));
    slapd.unrestrict();
    slapd.modify(&format!(
        "dn: cn=vault,ou=groups,{}\nchangetype: modify\ndelete: memberUid\nmemberUid: u0000001\n-\n\n",
        slapd.base
    ));
    assert_eq!(sync(&agent), (0, PEOPLE - 1, String::new()), "what can be read again counts again");
    assert_eq!(agent.user("u0000002@lab.test")["quarantine"], serde_json::Value::Null);
}

#[test]
fn groups_whose_members_are_hidden_are_not_empty_whatever_they_are_for() {
    let mut slapd = seeded();
    let uids: String = (1..=PEOPLE).map(|n| format!("memberUid: u{n:07}\n")).collect();
    slapd.add(&format!(
        "dn: cn=blue,ou=groups,{0}\nobjectClass: posixGroup\ncn: blue\ngidNumber: 7\n{uids}\n{1}",
        slapd.base,
        ldif::group(&slapd.base, "out", &[slapd.dn("u0000012")]),
    ));
    let scope = format!(
        "exclude_groups = [\"cn=out,ou=groups,{0}\"]\n[[pool]]\nname = \"blue\"\nseats = 50\ngroups = [\"cn=blue,ou=groups,{0}\"]",
        slapd.base
    );
    let agent = agent(&slapd, &scope);
    assert_eq!(sync(&agent), (0, PEOPLE - 1, String::new()));
    for (group, attribute) in [("inner", "member"), ("vault", "uniqueMember"), ("blue", "memberUid"), ("out", "member")]
    {
        let dn = format!("cn={group},ou=groups,{}", slapd.base);
        slapd.restrict(&format!("to dn.base=\"{dn}\" attrs={attribute} by * none"));
        for _ in 0..2 {
            let (code, active, problem) = sync(&agent);
            assert_eq!((code, active), (1, PEOPLE - 1), "{group}: {problem}");
            assert!(problem.contains(&dn) && problem.contains(&format!("right to read {attribute}")), "{problem}");
            let moved = agent.history().last().map(|cycle| cycle["changes"].clone()).unwrap_or_default();
            assert_eq!((&moved["moved"], &moved["released"]), (&0.into(), &0.into()), "{group}: {moved}");
        }
        slapd.unrestrict();
        assert_eq!(sync(&agent), (0, PEOPLE - 1, String::new()), "{group} can be seen again");
    }
}

/// Gives somebody another `uid`, and so another DN. The overlay refint of the server here minds `member` alone.
fn rename(slapd: &Slapd, uid: &str, to: &str) {
    slapd.modify(&ldif::rename(&slapd.dn(uid), &format!("uid={to}"), None));
}

fn replace_member(slapd: &Slapd, group: &str, values: &[String]) {
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    slapd.modify(&ldif::replace(&format!("cn={group},ou=groups,{}", slapd.base), "uniqueMember", &values));
}

fn unique_group(slapd: &Slapd, name: &str, people: &[&str]) {
    let members: String = people.iter().map(|uid| format!("uniqueMember: {}\n", slapd.dn(uid))).collect();
    slapd.add(&format!(
        "dn: cn={name},ou=groups,{}\nobjectClass: groupOfUniqueNames\ncn: {name}\n{members}\n",
        slapd.base
    ));
}

/// Whose entry cannot be used: attribute and message.
fn quarantined(agent: &Agent) -> Vec<(String, String)> {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let rows = agent.users().into_iter().filter(|user| !user["quarantine"].is_null());
    rows.map(|user| (text(&user["quarantine"]["attribute"]), text(&user["quarantine"]["message"]))).collect()
}

#[test]
fn who_is_renamed_keeps_the_seat_while_the_group_lists_the_old_name() {
    let slapd = seeded();
    let agent = agent(&slapd, "");
    assert_eq!(sync(&agent), (0, PEOPLE, String::new()));
    rename(&slapd, "u0000001", "married");
    slapd.add(&ldif::person(&slapd.base, "u0000099"));
    let vault = |first: &[&str]| {
        let rest = ["u0000002", "u0000099"];
        let mut members: Vec<String> = first.iter().chain(&rest).map(|uid| slapd.dn(uid)).collect();
        members.push(format!("cn=inner,ou=groups,{}", slapd.base));
        members
    };
    replace_member(&slapd, "vault", &vault(&["u0000001"]));
    for _ in 0..3 {
        let (code, active, problem) = sync(&agent);
        assert_eq!((code, active), (0, PEOPLE + 1), "who joins meanwhile is served: {problem}");
        assert!(problem.contains("renamed") && problem.contains("cn=vault"), "{problem}");
        let kept = quarantined(&agent);
        assert_eq!((kept.len(), kept[0].0.as_str()), (1, "member"), "{kept:?}");
        assert!(kept[0].1.contains(&slapd.dn("u0000001")) && kept[0].1.contains("cn=vault"), "{kept:?}");
    }
    let (_, explained) = agent.explain("married");
    assert_eq!(explained["scope"]["in"], true, "{explained}");
    replace_member(&slapd, "vault", &vault(&["married"]));
    assert_eq!(sync(&agent), (0, PEOPLE + 1, String::new()));
    assert!(agent.names("active").contains(&"married".to_owned()), "the new name arrives with the membership");
    replace_member(&slapd, "vault", &vault(&[]));
    assert_eq!(sync(&agent), (0, PEOPLE, String::new()), "out of the group is out");
}

/// A group `vault` that lists everyone by user id.
fn by_uid() -> Slapd {
    let slapd = Slapd::start();
    slapd.seed(PEOPLE);
    let uids: String = (1..=PEOPLE).map(|n| format!("memberUid: U{n:07}\n")).collect();
    slapd.add(&format!(
        "dn: cn=vault,ou=groups,{}\nobjectClass: posixGroup\ncn: vault\ngidNumber: 7\n{uids}memberUid: system\n\n",
        slapd.base
    ));
    slapd
}

/// `change` is `delete` or `add`.
fn member_uid(slapd: &Slapd, change: &str, uid: &str) {
    slapd.modify(&format!(
        "dn: cn=vault,ou=groups,{}\nchangetype: modify\n{change}: memberUid\nmemberUid: {uid}\n-\n\n",
        slapd.base
    ));
}

#[test]
fn who_has_several_user_ids_is_a_member_by_each_of_them() {
    let slapd = by_uid();
    let more = |number: usize, uid: &str| {
        let dn = slapd.dn(&format!("u{number:07}"));
        slapd.modify(&format!("dn: {dn}\nchangetype: modify\nadd: uid\nuid: {uid}\n-\n\n"));
    };
    more(1, "zz1");
    member_uid(&slapd, "delete", "U0000001");
    member_uid(&slapd, "add", "ZZ1");
    let agent = agent(&slapd, "[directory.attributes]\nuser_name = \"mail\"\n");
    assert_eq!(sync(&agent), (0, PEOPLE, String::new()), "listed by the second");
    more(2, "aa2");
    assert_eq!(sync(&agent), (0, PEOPLE, String::new()), "one that comes before the listed one");
    assert!(quarantined(&agent).is_empty());
    std::fs::remove_dir_all(agent.folder().join("state")).expect("losing the state");
    assert_eq!(sync(&agent), (0, PEOPLE, String::new()), "and an agent that begins anew sees it so");
    slapd.modify(&format!("dn: {}\nchangetype: modify\ndelete: uid\nuid: zz1\n-\n\n", slapd.dn("u0000001")));
    let (code, active, problem) = sync(&agent);
    assert_eq!((code, active), (0, PEOPLE), "{problem}");
    assert!(problem.contains("user id of before"), "{problem}");
}

#[test]
fn whose_user_id_changed_keeps_the_seat_while_the_group_lists_the_old_one() {
    let mut slapd = by_uid();
    let agent = agent(&slapd, "");
    assert_eq!(sync(&agent), (0, PEOPLE, String::new()));
    rename(&slapd, "u0000001", "married");
    for _ in 0..3 {
        let (code, active, problem) = sync(&agent);
        assert_eq!((code, active), (0, PEOPLE), "{problem}");
        assert!(problem.contains("user id of before") && problem.contains("cn=vault"), "{problem}");
        let kept = quarantined(&agent);
        assert_eq!((kept.len(), kept[0].0.as_str()), (1, "memberUid"), "{kept:?}");
        assert!(kept[0].1.contains("\"u0000001\"") && kept[0].1.contains("cn=vault"), "{kept:?}");
    }
    // Not to be read for a while: which id it was is not forgotten by that.
    slapd.restrict("to attrs=uid by * none");
    assert_eq!(sync(&agent).1, PEOPLE);
    slapd.unrestrict();
    assert_eq!(sync(&agent).1, PEOPLE);
    assert_eq!(quarantined(&agent).len(), 1, "the others are known again");
    member_uid(&slapd, "add", "married");
    assert_eq!(sync(&agent).1, PEOPLE);
    assert!(agent.names("active").contains(&"married".to_owned()), "the new id arrives with the membership");
    member_uid(&slapd, "delete", "married");
    assert_eq!(sync(&agent).1, PEOPLE, "the old one is listed yet");
    member_uid(&slapd, "delete", "U0000001");
    assert_eq!(sync(&agent), (0, PEOPLE - 1, String::new()), "out of the group is out");
}

#[test]
fn a_user_id_that_another_took_or_that_the_group_lists_no_more_keeps_nobodys_seat() {
    let slapd = by_uid();
    let agent = agent(&slapd, "");
    assert_eq!(sync(&agent), (0, PEOPLE, String::new()));
    rename(&slapd, "u0000001", "married");
    slapd.add(&ldif::person(&slapd.base, "u0000001").replace("u0000001@", "namesake@"));
    rename(&slapd, "u0000002", "moved");
    member_uid(&slapd, "delete", "U0000002");
    assert_eq!(sync(&agent), (0, PEOPLE - 1, String::new()), "the new one is the member now");
    assert_eq!((quarantined(&agent), agent.names("suspended").len()), (vec![], 2));
}

#[test]
fn who_was_excluded_by_a_user_id_gets_no_seat_by_another_one() {
    let mut slapd = by_uid();
    let scope = format!("exclude_groups = [\"cn=vault,ou=groups,{0}\"]", slapd.base);
    let agent = agent(&slapd, &scope.replace("vault", "out"));
    slapd.add(&format!(
        "dn: cn=out,ou=groups,{}\nobjectClass: posixGroup\ncn: out\ngidNumber: 8\nmemberUid: u0000003\n\n",
        slapd.base
    ));
    assert_eq!(sync(&agent), (0, PEOPLE - 1, String::new()));
    rename(&slapd, "u0000003", "free");
    member_uid(&slapd, "add", "free");
    for _ in 0..2 {
        assert_eq!(sync(&agent).1, PEOPLE - 1);
        assert_eq!(quarantined(&agent).len(), 1);
    }
    slapd.restrict("to attrs=uid by * none");
    assert_eq!(sync(&agent).1, PEOPLE - 1);
}

#[test]
fn a_name_that_another_took_or_that_nobody_has_keeps_nobodys_seat() {
    let slapd = seeded();
    let agent = agent(&slapd, "");
    assert_eq!(sync(&agent), (0, PEOPLE, String::new()));
    rename(&slapd, "u0000001", "married");
    slapd.add(&ldif::person(&slapd.base, "u0000001").replace("u0000001@", "namesake@"));
    slapd.delete(&slapd.dn("u0000002"));
    let (code, report) = agent.sync();
    assert_eq!((code, &report["changes"]["suspended"]), (0, &1.into()), "{report}");
    assert_eq!(sync(&agent).1, PEOPLE - 1, "the new one is the member now, and the one deleted is gone");
    assert_eq!((quarantined(&agent), agent.names("suspended").len()), (vec![], 2));
}

#[test]
fn who_was_excluded_before_a_change_of_name_gets_no_seat_by_it() {
    let slapd = seeded();
    unique_group(&slapd, "out", &["u0000003", "u0000004"]);
    unique_group(&slapd, "blue", &["u0000005"]);
    let scope = format!(
        "exclude_groups = [\"cn=out,ou=groups,{0}\"]\n[[pool]]\nname = \"blue\"\nseats = 50\ngroups = [\"cn=blue,ou=groups,{0}\"]",
        slapd.base
    );
    let agent = agent(&slapd, &scope);
    assert_eq!(sync(&agent), (0, PEOPLE - 2, String::new()));
    rename(&slapd, "u0000003", "free");
    rename(&slapd, "u0000005", "green");
    for _ in 0..2 {
        let (code, active, problem) = sync(&agent);
        assert_eq!((code, active), (0, PEOPLE - 2), "{problem}");
        assert!(problem.contains("cn=out") && problem.contains("cn=blue"), "{problem}");
        assert_eq!(quarantined(&agent).len(), 2, "the one gets nothing, the other keeps the seat of the pool");
        let moved = agent.history().last().map(|cycle| cycle["changes"].clone()).unwrap_or_default();
        assert_eq!((&moved["moved"], &moved["released"]), (&0.into(), &0.into()), "{moved}");
    }
    replace_member(&slapd, "out", &[slapd.dn("u0000004")]);
    assert_eq!(sync(&agent).1, PEOPLE - 1, "taken out of the group it excludes by");
}
