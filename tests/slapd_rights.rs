//! `check --connect` at a real OpenLDAP: each right the account lacks, and that the command it names grants just that.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on ends here")]

mod support;

use seatsync::model::settings::{Bind, LdapSettings};
use support::rights::{lack, lacking, names, remedy};
use support::{Agent, Slapd, ldif};

/// An agent that binds as `cn=WHO`.
fn agent(slapd: &Slapd, who: &str, rest: &str) -> Agent {
    let base = &slapd.base;
    let agent = Agent::new(&format!(
        "[[directory]]\nname = \"corp\"\nkind = \"openldap\"\nurl = [\"{}\"]\nbind_dn = \"cn={who},{base}\"\n\
         bind_password = {{ file = \"password\" }}\nbase = [\"ou=people,{base}\"]\n{rest}\n[[pool]]\nname = \
         \"standard\"\nseats = 500\n",
        slapd.url
    ));
    agent.secret("password", &slapd.password);
    agent
}

/// Puts an access rule before all others, while the server runs: one that is stopped may lose its ports to another test.
fn restrict(slapd: &Slapd, rule: &str) {
    slapd.administer(&format!(
        "ldapmodify -Q -Y EXTERNAL -H ldapi:/// <<END\ndn: olcDatabase={{1}}mdb,cn=config\nchangetype: modify\nadd: \
         olcAccess\nolcAccess: {{0}}{rule}\nEND"
    ));
}

#[test]
fn an_account_that_reads_nothing_is_told_command_by_command_until_it_reads_all_it_needs() {
    let people = ldif::people("dc=lab,dc=test", 3);
    let crew = ldif::group("dc=lab,dc=test", "crew", &["uid=u0000001,ou=people,dc=lab,dc=test".to_owned()]);
    let slapd = Slapd::start_configurable(&(people + &crew), &[]);
    let group = format!("cn=crew,ou=groups,{}", slapd.base);
    let agent = agent(&slapd, "nobody", &format!("groups = [\"{group}\"]\nfilter = \"(employeeType=*)\""));
    slapd.modify(&ldif::replace(&slapd.dn("u0000001"), "employeeType", &["staff"]));
    let before = lacking(&agent);
    let said = lack(&before, &format!("group {group}"))["message"].to_string();
    let look = format!("`ldapsearch -x -H {} -D ADMINISTRATOR -W -b '{group}' -s base`", slapd.url);
    assert!(said.contains("may be misspelt, or the object gone") && said.contains(&look), "{said}");
    for what in [
        format!("base ou=people,{}", slapd.base),
        format!("group {group}"),
        "watermark".to_owned(),
        "changes".to_owned(),
    ] {
        let probe = lack(&before, &what);
        assert!(!remedy(probe).contains("userPassword"), "{probe}");
        slapd.administer(&remedy(probe));
    }
    let after = lacking(&agent);
    assert!(after.is_empty(), "{after:#?}");
    let (code, report) = agent.plan();
    assert_eq!((code, report["changes"].as_array().map(Vec::len)), (0, Some(1)), "{report}");
}

#[test]
fn an_attribute_that_tells_who_left_and_may_not_be_read_is_named_and_one_that_nobody_has_is_not() {
    let slapd = Slapd::start_configurable(&ldif::people("dc=lab,dc=test", 3), &[]);
    let agent = agent(&slapd, "sync", "");
    assert!(lacking(&agent).is_empty(), "pwdEndTime and shadowExpire are nobody's here");
    restrict(&slapd, "to attrs=pwdAccountLockedTime,mail by dn.exact=\"cn=sync,dc=lab,dc=test\" none by * break");
    let before = lacking(&agent);
    for attribute in ["pwdAccountLockedTime", "mail"] {
        let probe = lack(&before, &format!("{attribute} of people under ou=people,dc=lab,dc=test"));
        assert!(probe["message"].as_str().is_some_and(|told| told.ends_with("the account may not read it")), "{probe}");
        assert_eq!(probe["ok"], attribute != "mail", "nobody gets a seat without a mail address: {probe}");
        slapd.administer(&remedy(probe));
    }
    assert_eq!(names(&before).len(), 2, "{before:#?}");
    let after = lacking(&agent);
    assert!(after.is_empty(), "{after:#?}");
}

#[test]
fn a_group_whose_members_are_closed_is_not_taken_for_an_empty_one() {
    let people = ldif::people("dc=lab,dc=test", 1);
    let crew = ldif::group("dc=lab,dc=test", "crew", &["uid=u0000001,ou=people,dc=lab,dc=test".to_owned()]);
    let slapd = Slapd::start_configurable(&(people + &crew), &[]);
    restrict(&slapd, "to attrs=member by dn.exact=\"cn=sync,dc=lab,dc=test\" none by * break");
    let agent = agent(&slapd, "sync", "groups = [\"cn=crew,ou=groups,dc=lab,dc=test\"]");
    let before = lacking(&agent);
    let probe = lack(&before, "group cn=crew,ou=groups,dc=lab,dc=test");
    assert!(probe["message"].as_str().is_some_and(|told| told.ends_with("may not read member")), "{probe}");
    slapd.administer(&remedy(probe));
    let after = lacking(&agent);
    assert!(after.is_empty(), "{after:#?}");
}

#[test]
fn a_base_or_group_that_was_renamed_is_followed_as_a_cycle_follows_it_and_told_by_its_new_name() {
    let people = ldif::people("dc=lab,dc=test", 1);
    let crew = ldif::group("dc=lab,dc=test", "crew", &["uid=u0000001,ou=people,dc=lab,dc=test".to_owned()]);
    let slapd = Slapd::start_configurable(&(people + &crew), &[]);
    let agent = agent(&slapd, "sync", "groups = [\"cn=crew,ou=groups,dc=lab,dc=test\"]");
    assert_eq!(agent.sync().0, 0);
    slapd.modify(&ldif::rename("cn=crew,ou=groups,dc=lab,dc=test", "cn=team", None));
    assert_eq!(agent.sync().0, 0, "a cycle follows the group");
    let told = lacking(&agent);
    let probe = lack(&told, "group cn=crew,ou=groups,dc=lab,dc=test");
    assert_eq!((probe["ok"].as_bool(), names(&told).len()), (Some(true), 1), "{told:#?}");
    assert!(remedy(probe).contains("Write \"cn=team,ou=groups,dc=lab,dc=test\" in the config"), "{probe}");

    let config = std::fs::read_to_string(agent.config_file()).expect("the config");
    agent.write_config(&config.replace("cn=crew", "cn=team"));
    assert!(lacking(&agent).is_empty());
    assert_eq!(agent.sync().0, 0);
    slapd.modify("dn: cn=team,ou=groups,dc=lab,dc=test\nchangetype: delete\n\n");
    assert_eq!(agent.sync().0, 1);
    let told = lacking(&agent);
    let probe = lack(&told, "group cn=team,ou=groups,dc=lab,dc=test");
    assert!(remedy(probe).contains("confirm"), "what is gone is no name to mend: {probe}");
}

#[test]
fn groups_are_listed_with_as_many_members_as_check_counts_and_closed_ones_as_closed() {
    let member = |uid: &str| format!("uid={uid},ou=people,dc=lab,dc=test");
    let closed = ldif::group("dc=lab,dc=test", "closed", &[member("u0000001")]);
    let odd = "dn: cn=odd,ou=groups,dc=lab,dc=test\nobjectClass: posixGroup\ncn: odd\ngidNumber: 7\nmemberUid: u0000001\n\n\
               dn: cn=none,ou=groups,dc=lab,dc=test\nobjectClass: posixGroup\ncn: none\ngidNumber: 8\n\n";
    let slapd = Slapd::start_configurable(&(ldif::people("dc=lab,dc=test", 1) + &closed + odd), &[]);
    restrict(
        &slapd,
        "to dn.base=\"cn=closed,ou=groups,dc=lab,dc=test\" attrs=member by dn.exact=\"cn=sync,dc=lab,dc=test\" none by * break",
    );
    let settings = LdapSettings {
        urls: vec![slapd.url.clone()],
        ca_file: None,
        start_tls: false,
        allow_plaintext: false,
        bind: Bind::Simple { dn: slapd.sync_dn.clone(), password: slapd.password.clone().into() },
        page_size: 1000,
        timeout: std::time::Duration::from_secs(10),
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let catalogue = runtime.block_on(seatsync::directory::ldap::survey(&settings)).expect("a survey");
    let found: Vec<_> = catalogue.groups.iter().map(|group| (group.dn.as_str(), group.members)).collect();
    let dn = |name: &str| format!("cn={name},ou=groups,dc=lab,dc=test");
    assert_eq!(found, [(&*dn("odd"), Some(1)), (&*dn("closed"), None), (&*dn("none"), Some(0))]);
}

#[test]
fn a_server_that_cuts_says_after_how_many_and_the_command_takes_the_limit_away() {
    let slapd = Slapd::start_configurable(&ldif::people("dc=lab,dc=test", 130), &[]);
    let agent = agent(&slapd, "limited", "page_size = 50");
    let before = lacking(&agent);
    let probe = lack(&before, "limits under ou=people,dc=lab,dc=test");
    assert!(probe["message"].as_str().is_some_and(|told| told.contains("100 entries")), "{probe}");
    slapd.administer(&remedy(probe));
    let after = lacking(&agent);
    assert!(after.is_empty(), "{after:#?}");
}

#[test]
fn who_reads_password_hashes_is_told_so_and_the_command_closes_them() {
    let seed = ldif::person("dc=lab,dc=test", "ada").trim_end().to_owned() + "\nuserPassword: secret\n\n";
    let slapd = Slapd::start_configurable(&seed, &[]);
    restrict(&slapd, "to attrs=userPassword by dn.exact=\"cn=sync,dc=lab,dc=test\" read by * break");
    let agent = agent(&slapd, "sync", "");
    let before = lacking(&agent);
    slapd.administer(&remedy(lack(&before, "account")));
    let after = lacking(&agent);
    assert!(after.is_empty(), "{after:#?}");
}

#[test]
fn a_server_that_does_not_say_where_it_stands_says_it_once_the_command_loaded_the_overlay() {
    let slapd = Slapd::start_configurable(&ldif::people("dc=lab,dc=test", 1), &["no-syncprov"]);
    let agent = agent(&slapd, "sync", "");
    let before = lacking(&agent);
    slapd.administer(&remedy(lack(&before, "watermark")));
    let after = lacking(&agent);
    assert!(after.is_empty(), "{after:#?}");
}

#[test]
fn nobody_leaves_whose_id_or_class_the_account_may_read_no_more() {
    for attribute in ["entryUUID", "objectClass"] {
        let slapd = Slapd::start_configurable(&ldif::people("dc=lab,dc=test", 4), &[]);
        let agent = agent(&slapd, "sync", "");
        assert_eq!(agent.sync().0, 0);
        let rule = format!(
            "to dn.regex=\"^uid=u000000[12],\" attrs={attribute} by dn.exact=\"cn=sync,dc=lab,dc=test\" none by * break"
        );
        restrict(&slapd, &rule);
        for _ in 0..3 {
            let (_, report) = agent.sync();
            assert_eq!(report["changes"]["suspended"], 0, "{attribute}: {report}");
            assert!(
                report["directories"][0]["problem"].as_str().is_some_and(|said| said.contains("they keep what they")),
                "{report}"
            );
        }
        assert_eq!(agent.names("active").len(), 4, "{attribute}");
    }
}

/// What one probe of a directory says with this config, and its remedy.
fn told(slapd: &Slapd, base: &str, rest: &str, what: &str) -> (String, String) {
    let agent = agent(slapd, "sync", rest);
    let config = std::fs::read_to_string(agent.config_file()).expect("the config");
    agent.write_config(&config.replace("base = [\"ou=people,dc=lab,dc=test\"]", &format!("base = [\"{base}\"]")));
    let found = lacking(&agent);
    let probe = lack(&found, what);
    (probe["message"].as_str().unwrap_or_default().to_owned(), remedy(probe))
}

#[test]
fn a_mistake_of_the_config_is_told_as_one_and_no_right_is_to_be_granted_for_it() {
    let people = ldif::people("dc=lab,dc=test", 2);
    let crew = ldif::group("dc=lab,dc=test", "crew", &["uid=u0000001,ou=people,dc=lab,dc=test".to_owned()]);
    let slapd = Slapd::start_configurable(&(people + &crew), &[]);
    slapd.modify(&ldif::replace(&slapd.dn("u0000001"), "employeeType", &["staff"]));
    let (base, group) = ("ou=people,dc=lab,dc=test", "cn=crew,ou=groups,dc=lab,dc=test");
    let under = |base: &str| format!("people under {base}");
    let mistakes = [
        (base, "filter = \"(employeeType=stuff)\"", under(base), "nobody matches `filter`", "Correct `filter`"),
        (base, "filter = \"(emploeeType=*)\"", under(base), "knows no attribute", "Correct emploeeType"),
        (group, "", under(group), "it is a group", "under `groups`"),
        (
            "ou=peple,dc=lab,dc=test",
            "",
            "base ou=peple,dc=lab,dc=test".to_owned(),
            "there is no base",
            "ou=people,dc=lab,dc=test",
        ),
        (
            "ou=people,dc=lab,dc=tets",
            "",
            "base ou=people,dc=lab,dc=tets".to_owned(),
            "there is no base",
            "the server holds \"dc=lab,dc=test\"",
        ),
        (
            base,
            "groups = [\"ou=groups,dc=lab,dc=test\"]",
            "group ou=groups,dc=lab,dc=test".to_owned(),
            "is no group",
            "under `base`",
        ),
        (
            base,
            "groups = [\"cn=crw,ou=groups,dc=lab,dc=test\"]",
            "group cn=crw,ou=groups,dc=lab,dc=test".to_owned(),
            "there is no group",
            group,
        ),
        (
            base,
            "[directory.attributes]\nemail = \"mial\"",
            format!("mial of people under {base}"),
            "knows no attribute",
            "Correct mial",
        ),
    ];
    for (base, rest, what, message, next) in mistakes {
        let (said, remedy) = told(&slapd, base, rest, &what);
        assert!(said.contains(message) && remedy.contains(next), "{what}: {said}: {remedy}");
        assert!(!remedy.contains("olcAccess") && !remedy.contains("ldapmodify"), "{what}: {remedy}");
    }
    let config = agent(&slapd, "sync", "");
    let text = std::fs::read_to_string(config.config_file()).expect("the config");
    config.write_config(&text.replace("kind = \"openldap\"", "kind = \"active-directory\""));
    let (code, checked) = config.check(true);
    assert_eq!(code, 1, "{checked}");
    let probe = checked["probes"].as_array().and_then(|all| all.iter().find(|probe| probe["what"] == "corp: kind"));
    assert!(probe.is_some_and(|probe| probe.to_string().contains("Write kind = \\\"openldap\\\"")), "{checked}");
}

#[test]
fn an_address_that_nobody_shows_is_told_with_the_attributes_that_people_have() {
    let slapd = Slapd::start_configurable(&ldif::people("dc=lab,dc=test", 1), &[]);
    let base = "ou=people,dc=lab,dc=test";
    let wrong = "[directory.attributes]\nemail = \"title\"";
    let (said, next) = told(&slapd, base, wrong, &format!("title of people under {base}"));
    assert!(said.contains("people here show mail; `email` under [directory.attributes]"), "{said}");
    assert!(next.contains("or name another attribute"), "{next}");
}

#[test]
fn of_a_name_that_is_like_none_it_is_told_what_is_there_and_of_an_empty_base_to_correct_it() {
    let slapd = Slapd::start_configurable(&ldif::people("dc=lab,dc=test", 1), &[]);
    let base = "ou=machines,dc=lab,dc=test";
    let (said, remedy) = told(&slapd, base, "", &format!("base {base}"));
    let there = "There are ou=groups, ou=people right under \"dc=lab,dc=test\", the nearest place above";
    assert!(
        said.contains(there) && said.contains(&format!("-H {} -D ADMINISTRATOR -W -b '{base}'", slapd.url)),
        "{said}"
    );
    assert!(
        remedy.starts_with("Correct the name of the base; or, if it is right and the account may only"),
        "{remedy}"
    );
    let base = "ou=groups,dc=lab,dc=test";
    let (_, remedy) = told(&slapd, base, "", &format!("people under {base}"));
    assert!(remedy.starts_with("Correct `base`; or, if it is right and the account may only not read"), "{remedy}");

    let agent = agent(&slapd, "sync", "");
    let config = std::fs::read_to_string(agent.config_file()).expect("the config");
    agent.write_config(&config.replace("ou=people,dc=lab,dc=test", "ou=people,dc=lab,dc=tets"));
    let (_, checked) = agent.check(true);
    let probes = checked["probes"].as_array().expect("probes");
    let failed: Vec<_> = probes.iter().filter(|probe| probe["ok"] == false).map(|probe| &probe["what"]).collect();
    assert_eq!(failed, ["corp: base ou=people,dc=lab,dc=tets"], "one mistake is told once: {checked:#}");
}
