//! A real OpenLDAP server and the real binary: who is in scope, who leaves, and what a failed read must not do.

#![allow(clippy::expect_used, reason = "a test that cannot go on ends here")]

mod support;

use std::collections::BTreeSet;

use support::{Agent, Slapd, ldif};

const EVERYONE: &str = "[[pool]]\nname = \"standard\"\nseats = 5000\n";

/// An agent that reads this server over LDAPS; `directory` goes into the directory's section, `rest` follows it.
fn agent(slapd: &Slapd, directory: &str, rest: &str) -> Agent {
    let agent = Agent::new("");
    agent.secret("pw", &slapd.password);
    agent.write_config(&format!(
        "[[directory]]\nname = \"corp\"\nurl = [\"{}\"]\nca_file = \"{}\"\nbind_dn = \"{}\"\nbind_password = {{ file = \"pw\" }}\n\
         base = [\"ou=people,{}\"]\ntimeout = \"5s\"\n{directory}\n{rest}",
        slapd.ldaps_url,
        slapd.ca.display(),
        slapd.sync_dn,
        slapd.base,
    ));
    agent
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn active(agent: &Agent) -> BTreeSet<String> {
    agent.names("active").into_iter().collect()
}

#[test]
fn people_under_the_base_get_seats_over_ldaps_and_start_tls_and_the_next_cycle_does_nothing() {
    let slapd = Slapd::start_with(&ldif::people("dc=lab,dc=test", 1234));
    let agent = agent(&slapd, "page_size = 100", "[[pool]]\nname = \"standard\"\nseats = 1000\n");
    let (code, report) = agent.sync();
    assert_eq!(
        (code, &report["changes"]["provisioned"], &report["changes"]["waiting"]),
        (0, &1000.into(), &234.into()),
        "{report}"
    );
    let config = std::fs::read_to_string(agent.config_file()).expect("the config");
    agent.write_config(
        &config.replace(&slapd.ldaps_url, &slapd.url).replace("timeout =", "start_tls = true\ntimeout ="),
    );
    let (code, report) = agent.sync();
    assert_eq!(code, 0, "{report}");
    assert!(report["changes"].as_object().expect("changes").values().all(|count| count == 0), "{report}");
}

#[test]
fn every_sign_of_leaving_counts_and_a_lockout_does_not() {
    let slapd = Slapd::start();
    slapd.seed(8);
    let agent = agent(&slapd, "", &format!("{EVERYONE}[guard]\nfloor = 10\npercent = 100\n"));
    assert_eq!(agent.sync().0, 0);
    let ppolicy = |uid: &str, value: &str| ldif::replace(&slapd.dn(uid), "pwdAccountLockedTime", &[value]);
    slapd.modify(&ppolicy("u0000001", "000001010000Z"));
    slapd.modify(&ppolicy("u0000002", "20240101000000Z"));
    slapd.modify(&format!(
        "dn: {0}\nchangetype: modify\nadd: objectClass\nobjectClass: shadowAccount\n-\nadd: shadowExpire\nshadowExpire: 19000\n-\n\n",
        slapd.dn("u0000003")
    ));
    slapd.modify(&format!(
        "dn: {0}\nchangetype: modify\nadd: objectClass\nobjectClass: shadowAccount\n-\nadd: shadowExpire\nshadowExpire: -1\n-\n\n",
        slapd.dn("u0000004")
    ));
    let (code, report) = agent.sync();
    assert_eq!((code, &report["changes"]["suspended"]), (0, &2.into()), "{report}");
    assert_eq!(agent.names("suspended"), ["u0000001", "u0000003"]);
}

#[test]
fn groups_of_every_kind_are_walked_nested_and_in_circles_and_odd_members_are_counted() {
    let slapd = Slapd::start();
    slapd.seed(6);
    let (base, dn) = (&slapd.base, |uid: &str| slapd.dn(uid));
    slapd.add(&ldif::group(
        base,
        "inner",
        &[dn("u0000001"), format!("cn=outer,ou=groups,{base}"), format!("uid=gone,ou=people,{base}")],
    ));
    slapd.add(&ldif::group(base, "outer", &[format!("cn=inner,ou=groups,{base}"), "cn=x,dc=elsewhere".to_owned()]));
    slapd.add(&format!(
        "dn: cn=unique,ou=groups,{base}\nobjectClass: groupOfUniqueNames\ncn: unique\nuniqueMember: {}\n\n\
         dn: cn=posix,ou=groups,{base}\nobjectClass: posixGroup\ncn: posix\ngidNumber: 7\nmemberUid: u0000003\n\n",
        dn("u0000002")
    ));
    let groups = format!(
        "groups = [\"cn=outer,ou=groups,{base}\", \"cn=unique,ou=groups,{base}\", \"cn=posix,ou=groups,{base}\"]\n"
    );
    let agent = agent(&slapd, &groups, EVERYONE);
    let (code, report) = agent.sync();
    assert_eq!(code, 0, "{report}");
    assert_eq!(active(&agent), set(&["u0000001", "u0000002", "u0000003"]));
    assert_eq!((&report["directories"][0]["foreign"], &report["directories"][0]["dangling"]), (&1.into(), &1.into()));
}

#[test]
fn names_of_every_kind_survive_unchanged() {
    let slapd = Slapd::start();
    let names =
        ["Doe, John", "a+b", "#hash", "say \"hi\"", "star*(x)\\y", "🦀 crab", "عائشة", "e\u{301}tude", "semi;colon<>="];
    for (number, name) in names.iter().enumerate() {
        let value = |text: &str| support::process::tool(std::process::Command::new("base64").arg("-w0"), text);
        let rdn = ldap_rdn(name);
        slapd.add(&format!(
            "dn:: {}\nobjectClass: inetOrgPerson\nuid: odd{number}\ncn:: {}\nsn: x\ndisplayName:: {}\nmail: odd{number}@lab.test\n\n",
            value(&format!("cn={rdn},ou=people,{}", slapd.base)),
            value(name),
            value(name),
        ));
    }
    let members: Vec<String> =
        names.iter().map(|name| format!("cn={},ou=people,{}", ldap_rdn(name), slapd.base)).collect();
    let encoded: String = members
        .iter()
        .map(|dn| format!("member:: {}\n", support::process::tool(std::process::Command::new("base64").arg("-w0"), dn)))
        .collect();
    slapd.add(&format!("dn: cn=odd,ou=groups,{}\nobjectClass: groupOfNames\ncn: odd\n{encoded}\n", slapd.base));
    let agent = agent(&slapd, &format!("groups = [\"cn=odd,ou=groups,{}\"]", slapd.base), EVERYONE);
    let (code, report) = agent.sync();
    assert_eq!(code, 0, "{report}");
    for (number, name) in names.iter().enumerate() {
        let user = agent.user(&format!("odd{number}"));
        assert_eq!((&user["display_name"], &user["state"]), (&(*name).into(), &"active".into()));
    }
}

/// A value as RFC 4514 writes it in a DN.
fn ldap_rdn(name: &str) -> String {
    let mut escaped = String::new();
    for (at, c) in name.char_indices() {
        if ",+\"\\<>;=".contains(c) || (at == 0 && c == '#') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

#[test]
fn a_base_that_is_renamed_is_followed_and_one_that_is_gone_takes_nobodys_seat() {
    let slapd = Slapd::start();
    slapd.seed(6);
    let agent = agent(&slapd, "", EVERYONE);
    agent.sync();
    slapd.modify(&ldif::rename(&format!("ou=people,{}", slapd.base), "ou=staff", None));
    let (code, report) = agent.sync();
    assert_eq!((code, active(&agent).len()), (0, 6), "{report}");
    assert!(
        report["directories"][0]["problem"].as_str().is_some_and(|problem| problem.contains("ou=staff")),
        "{report}"
    );
}

#[test]
fn a_scope_group_made_anew_is_held_until_confirmed() {
    let slapd = Slapd::start();
    slapd.seed(6);
    let base = &slapd.base;
    let members: Vec<String> = (1..=6).map(|n| slapd.dn(&format!("u{n:07}"))).collect();
    slapd.add(&ldif::group(base, "vault", &members));
    let agent = agent(&slapd, &format!("groups = [\"cn=vault,ou=groups,{base}\"]"), EVERYONE);
    assert_eq!(agent.sync().0, 0);
    slapd.delete(&format!("cn=vault,ou=groups,{base}"));
    slapd.add(&ldif::group(base, "vault", &members[..5]));
    let (code, report) = agent.sync();
    assert_eq!((code, active(&agent).len()), (1, 6), "{report}");
    assert_eq!(report["held"][0]["kind"], "scope");
    let fingerprint = report["fingerprint"].as_str().expect("a fingerprint").to_owned();
    assert_eq!(agent.confirm(&fingerprint).0, 0);
    let (code, report) = agent.sync();
    assert_eq!((code, active(&agent).len()), (0, 5), "{report}");
}

#[test]
fn deleted_people_leave_after_the_second_look_and_moved_ones_by_their_id() {
    let slapd = Slapd::start();
    slapd.seed(8);
    let agent = agent(&slapd, "", EVERYONE);
    agent.sync();
    slapd.delete(&slapd.dn("u0000001"));
    slapd.modify(&ldif::rename(&slapd.dn("u0000002"), "uid=u0000002", Some(&format!("ou=groups,{}", slapd.base))));
    slapd.modify(&ldif::rename(&slapd.dn("u0000003"), "uid=renamed", None));
    let (_, report) = agent.sync();
    assert_eq!(report["changes"]["suspended"], 1, "{report}");
    assert_eq!(agent.names("suspended"), ["u0000002"]);
    assert_eq!(report["changes"]["updated"], 1);
    assert_eq!(agent.user("renamed")["state"], "active");
    assert_eq!(agent.sync().1["changes"]["suspended"], 1);
    assert_eq!(agent.names("suspended"), ["u0000001", "u0000002"]);
}

#[test]
fn a_reader_who_may_see_less_than_before_takes_nobodys_seat() {
    let slapd = Slapd::start_with(&ldif::people("dc=lab,dc=test", 300));
    let agent = agent(&slapd, "", EVERYONE);
    agent.sync();
    let config = std::fs::read_to_string(agent.config_file()).expect("the config");
    agent.write_config(&config.replace("cn=sync,", "cn=limited,"));
    for _ in 0..2 {
        let (code, report) = agent.sync();
        assert_eq!(code, 1, "{report}");
        assert_eq!(active(&agent).len(), 300);
    }
    agent.write_config(
        &config.replace("bind_dn", "#bind_dn").replace("bind_password", "bind = \"anonymous\"\n#bind_password"),
    );
    assert_eq!(agent.sync().0, 1);
    assert_eq!(active(&agent).len(), 300);
}

#[test]
fn a_wrong_password_is_told_plainly_and_a_stopped_server_is_waited_for() {
    let mut slapd = Slapd::start();
    slapd.seed(3);
    let agent = agent(&slapd, "", EVERYONE);
    agent.sync();
    agent.secret("pw", "wrong");
    let (code, report) = agent.sync();
    assert_eq!((code, &report["outcome"]), (1, &"failed".into()));
    agent.secret("pw", &slapd.password);
    slapd.down();
    assert_eq!(agent.sync().0, 1);
    assert_eq!(active(&agent).len(), 3);
    slapd.up();
    assert_eq!(agent.sync().0, 0);
}

#[test]
fn verbs_work_beside_the_running_agent_and_it_stops_when_asked() {
    let slapd = Slapd::start();
    slapd.seed(4);
    let agent = agent(&slapd, "", "[[pool]]\nname = \"standard\"\nseats = 3\n");
    let running = agent.start();
    support::process::wait_until("the first cycle", std::time::Duration::from_secs(20), || !agent.history().is_empty());
    assert_eq!(agent.status()["running"], true);
    assert_eq!(agent.run(&["run"]).code, 5);
    slapd.add(&ldif::person(&slapd.base, "late"));
    let (code, report) = agent.sync();
    // Perhaps the agent was told of it, and followed it before this was asked.
    assert_eq!((code, &report["pools"][0]["waiting"]), (0, &2.into()), "{report}");
    let first = agent.pending()[0]["user_name"].as_str().expect("a name").to_owned();
    let holder = agent.names("active")[0].clone();
    assert_eq!(agent.decide("release", &[&holder]).code, 0);
    assert_eq!(agent.decide("approve", &[&first]).code, 0);
    support::process::wait_until("the approval is carried out", std::time::Duration::from_secs(10), || {
        agent.names("active").contains(&first)
    });
    let ended = running.terminate();
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(agent.status()["running"], false);
}

#[test]
fn who_was_never_in_scope_is_looked_up_and_told_why_and_a_server_that_is_away_is_said_to_be() {
    let mut slapd = Slapd::start();
    slapd.seed(3);
    slapd.modify(&ldif::replace(&slapd.dn("u0000001"), "employeeType", &["guest"]));
    slapd.modify(
        "dn: ou=else,dc=lab,dc=test\nchangetype: add\nobjectClass: organizationalUnit\nou: else\n\ndn: uid=far,ou=else,dc=lab,dc=test\n\
         changetype: add\nobjectClass: inetOrgPerson\nuid: far\ncn: Far Away\nsn: Far\nmail: far@lab.test\n\n",
    );
    let agent = agent(&slapd, "filter = \"(!(employeeType=guest))\"", EVERYONE);
    assert_eq!(agent.sync().0, 0);
    let because = |who: &str| {
        let (code, explained) = agent.explain(who);
        assert_eq!((code, &explained["user"]["state"]), (0, &serde_json::Value::Null), "{explained}");
        explained["scope"]["because"].to_string()
    };
    let (yes, no) = ("(ou=people,dc=lab,dc=test): yes", "(ou=people,dc=lab,dc=test): no");
    let guest = because("u0000001");
    assert!(guest.contains(yes) && guest.contains("fits filter ((!(employeeType=guest))): no"), "{guest}");
    for name in ["far@lab.test", "UID=far, ou=else,dc=lab,dc=test", "Far Away", "far a"] {
        let far = because(name);
        assert!(far.contains(no) && far.contains("(employeeType=guest))): yes"), "{far}");
    }
    assert!(because("ou=else,dc=lab,dc=test").contains("a person: no"));
    assert_eq!(agent.run(&["explain", "nobody*"]).code, 2);
    slapd.down();
    let unasked = agent.run(&["explain", "far"]);
    assert!(unasked.code == 2 && unasked.stderr.contains("corp could not be asked: "), "{unasked:?}");
}
