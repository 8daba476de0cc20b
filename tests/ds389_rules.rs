//! A real 389 Directory Server and the real binary: who is in scope, who leaves, and what a rename or a lockout must not do.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on ends here")]

mod support;

use support::rights::{lack, lacking, remedy};
use support::{Agent, Ds389, ldif};

const BASE: &str = "dc=lab,dc=test";
const EVERYONE: &str = "[[pool]]\nname = \"standard\"\nseats = 500\n[guard]\nfloor = 10\npercent = 100\n";

/// An agent that asks the server what it is; `directory` goes into the directory's section, `rest` follows it.
fn agent(ds: &Ds389, directory: &str, rest: &str) -> Agent {
    let agent = Agent::new("");
    agent.secret("pw", &ds.password);
    agent.write_config(&format!(
        "[[directory]]\nname = \"corp\"\nurl = [\"{}\"]\nbind_dn = \"{}\"\nbind_password = {{ file = \"pw\" }}\n\
         base = [\"ou=people,{BASE}\"]\ntimeout = \"5s\"\n{directory}\n{rest}",
        ds.url, ds.sync_dn,
    ));
    agent
}

fn dn(number: usize) -> String {
    format!("uid=u{number:07},ou=people,{BASE}")
}

/// A role whose people are locked through a class of service, as the server's own tools make one.
fn locking_role() -> String {
    format!(
        "dn: cn=gone,{BASE}\nobjectClass: LDAPsubentry\nobjectClass: nsRoleDefinition\nobjectClass: nsSimpleRoleDefinition\n\
         objectClass: nsManagedRoleDefinition\ncn: gone\n\n\
         dn: cn=templates,{BASE}\nobjectClass: nsContainer\ncn: templates\n\n\
         dn: cn=\"cn=gone,{BASE}\",cn=templates,{BASE}\nobjectClass: extensibleObject\nobjectClass: costemplate\n\
         objectClass: ldapsubentry\ncosPriority: 1\nnsAccountLock: true\n\n\
         dn: cn=inactivation,{BASE}\nobjectClass: LDAPsubentry\nobjectClass: cosSuperDefinition\n\
         objectClass: cosClassicDefinition\ncn: inactivation\ncosTemplateDn: cn=templates,{BASE}\ncosSpecifier: nsRole\n\
         cosAttribute: nsAccountLock operational\n\n"
    )
}

#[test]
fn people_get_seats_by_their_own_ids_and_the_next_cycle_does_nothing() {
    let ds = Ds389::start(&ldif::people(BASE, 12), &[]);
    let agent = agent(&ds, "page_size = 5", "[[pool]]\nname = \"standard\"\nseats = 10\n");
    let (code, report) = agent.sync();
    assert_eq!((code, &report["changes"]["provisioned"], &report["changes"]["waiting"]), (0, &10.into(), &2.into()));
    let shown = ds.search("(uid=u0000001)", &["nsUniqueId"]);
    let digits: String = shown.split("nsUniqueId: ").nth(1).expect("an id").trim().replace('-', "");
    let anchor = agent.user("u0000001")["anchor"].as_str().expect("an anchor").replace('-', "");
    assert_eq!(anchor, digits);
    let (code, report) = agent.sync();
    assert_eq!(code, 0, "{report}");
    assert!(report["changes"].as_object().expect("changes").values().all(|count| count == 0), "{report}");
    assert_eq!(agent.status()["directories"][0]["kind"], "389ds");
}

#[test]
fn who_is_locked_leaves_directly_or_by_a_role_and_a_lockout_does_not() {
    let ds = Ds389::start(&ldif::people(BASE, 6), &[]);
    let agent = agent(&ds, "", EVERYONE);
    assert_eq!(agent.sync().0, 0);
    ds.modify(&ldif::replace(&dn(1), "nsAccountLock", &["true"]));
    ds.add(&locking_role());
    ds.modify(&ldif::replace(&dn(2), "nsRoleDN", &[&format!("cn=gone,{BASE}")]));
    ds.modify("dn: cn=config\nchangetype: modify\nreplace: passwordLockout\npasswordLockout: on\n-\nreplace: passwordMaxFailure\npasswordMaxFailure: 1\n-\n\n");
    ds.modify(&ldif::replace(&dn(3), "userPassword", &["right"]));
    ds.fail_to_log_on(&dn(3));
    assert!(ds.search("(uid=u0000003)", &["accountUnlockTime"]).contains("accountUnlockTime"), "locked out");
    ds.modify(&ldif::replace(&dn(4), "nsAccountLock", &["false"]));
    let (code, report) = agent.sync();
    assert_eq!((code, &report["changes"]["suspended"]), (0, &2.into()), "{report}");
    assert_eq!(agent.names("suspended"), ["u0000001", "u0000002"]);
    ds.modify(&ldif::replace(&dn(1), "nsAccountLock", &[]));
    ds.modify(&ldif::replace(&dn(2), "nsRoleDN", &[]));
    let (code, report) = agent.sync();
    assert_eq!((code, &report["changes"]["resumed"]), (0, &2.into()), "{report}");
}

#[test]
fn groups_are_walked_nested_and_of_every_kind() {
    let inner = ldif::group(BASE, "inner", &[dn(1), format!("cn=outer,ou=groups,{BASE}")]);
    let outer =
        ldif::group(BASE, "outer", &[format!("cn=inner,ou=groups,{BASE}"), format!("uid=gone,ou=people,{BASE}")]);
    let others = format!(
        "dn: cn=unique,ou=groups,{BASE}\nobjectClass: groupOfUniqueNames\ncn: unique\nuniqueMember: {}\n\n\
         dn: cn=posix,ou=groups,{BASE}\nobjectClass: posixGroup\ncn: posix\ngidNumber: 7\nmemberUid: u0000003\n\n",
        dn(2)
    );
    let ds = Ds389::start(&(ldif::people(BASE, 5) + &inner + &outer + &others), &[]);
    let groups = ["outer", "unique", "posix"].map(|name| format!("\"cn={name},ou=groups,{BASE}\"")).join(", ");
    let agent = agent(&ds, &format!("kind = \"389ds\"\ngroups = [{groups}]"), EVERYONE);
    let (code, report) = agent.sync();
    assert_eq!((code, &report["directories"][0]["dangling"]), (0, &1.into()), "{report}");
    assert_eq!(agent.names("active"), ["u0000001", "u0000002", "u0000003"]);
}

#[test]
fn a_rename_keeps_the_account_and_who_is_deleted_or_moved_away_leaves() {
    let ds = Ds389::start(&ldif::people(BASE, 6), &[]);
    let agent = agent(&ds, "", EVERYONE);
    agent.sync();
    let before = agent.user("u0000003")["anchor"].clone();
    ds.delete(&dn(1));
    ds.modify(&ldif::rename(&dn(2), "uid=u0000002", Some(&format!("ou=groups,{BASE}"))));
    ds.modify(&ldif::rename(&dn(3), "uid=renamed", None));
    let (_, report) = agent.sync();
    assert_eq!((&report["changes"]["suspended"], &report["changes"]["updated"]), (&1.into(), &1.into()), "{report}");
    assert_eq!(agent.names("suspended"), ["u0000002"]);
    let renamed = agent.user("renamed");
    assert_eq!((&renamed["state"], &renamed["anchor"]), (&"active".into(), &before));
    assert_eq!(agent.sync().1["changes"]["suspended"], 1, "missed twice");
    ds.modify(&ldif::rename(&format!("ou=people,{BASE}"), "ou=staff", None));
    let (code, report) = agent.sync();
    assert_eq!((code, agent.names("active").len()), (0, 4), "{report}");
}

#[test]
fn a_read_that_is_cut_takes_nobodys_seat() {
    let ds = Ds389::start(&ldif::people(BASE, 130), &[]);
    let agent = agent(&ds, "", EVERYONE);
    agent.sync();
    let config = std::fs::read_to_string(agent.config_file()).expect("the config");
    agent.write_config(&config.replace("cn=sync,", "cn=limited,"));
    for _ in 0..2 {
        assert_eq!((agent.sync().0, agent.names("active").len()), (1, 130));
    }
}

#[test]
fn an_account_that_reads_nothing_is_told_command_by_command_until_it_reads_all_it_needs() {
    let crew = ldif::group(BASE, "crew", &[dn(1)]);
    let ds = Ds389::start(&(ldif::people(BASE, 3) + &crew), &["content-sync"]);
    let group = format!("cn=crew,ou=groups,{BASE}");
    let agent = agent(&ds, &format!("groups = [\"{group}\"]"), EVERYONE);
    let config = std::fs::read_to_string(agent.config_file()).expect("the config");
    agent.write_config(&config.replace("cn=sync,", "cn=nobody,"));
    let before = lacking(&agent);
    for what in [format!("base ou=people,{BASE}"), format!("group {group}")] {
        let probe = lack(&before, &what);
        assert!(!remedy(probe).contains("userPassword"), "{probe}");
        ds.administer(&remedy(probe));
    }
    let (code, report) = agent.plan();
    assert_eq!((code, report["changes"].as_array().map(Vec::len)), (0, Some(1)), "{report}");
}
