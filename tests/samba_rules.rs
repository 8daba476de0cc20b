//! A real Samba domain controller and the real binary: what Active Directory does differently.

#![allow(clippy::expect_used, reason = "a test that cannot go on ends here")]

mod support;

use std::fmt::Write as _;

use support::{Agent, FaultProxy, Samba, ldif};

/// An agent that reads one OU of this domain; `directory` goes into the directory's section.
fn agent(samba: &Samba, url: &str, ou: &str, directory: &str) -> Agent {
    let agent = Agent::new("");
    agent.secret("pw", &samba.password);
    let plain = if url.starts_with("ldaps") { String::new() } else { "allow_plaintext = true\n".to_owned() };
    let ca = if plain.is_empty() { format!("ca_file = \"{}\"\n", samba.ca.display()) } else { String::new() };
    agent.write_config(&format!(
        "[[directory]]\nname = \"corp\"\nurl = [\"{url}\"]\n{ca}{plain}bind_dn = \"{}\"\nbind_password = {{ file = \"pw\" }}\n\
         base = [\"{ou}\"]\ntimeout = \"10s\"\n{directory}\n[[pool]]\nname = \"standard\"\nseats = 5000\n\
         [guard]\nfloor = 10\npercent = 50\n",
        samba.admin_dn,
    ));
    agent
}

fn people(ou: &str, prefix: &str, count: usize) -> (String, Vec<String>) {
    let names: Vec<String> = (1..=count).map(|number| format!("{prefix}{number:04}")).collect();
    (names.iter().map(|name| ldif::ad_person(ou, name)).collect(), names)
}

#[test]
fn who_is_disabled_expired_moved_renamed_or_deleted() {
    let samba = Samba::shared();
    let ou = samba.ou("signs");
    let other = samba.ou("elsewhere");
    let (entries, names) = people(&ou, "sign", 8);
    samba.load(&entries);
    let agent = agent(&samba, &samba.ldaps_url, &ou, "");
    let (code, report) = agent.sync();
    assert_eq!((code, &report["changes"]["provisioned"]), (0, &8.into()), "{report}");
    let dn = |number: usize| format!("CN={},{ou}", names[number]);
    samba.modify(&ldif::replace(&dn(0), "userAccountControl", &["546"]));
    samba.modify(&ldif::replace(&dn(1), "accountExpires", &["133800000000000000"]));
    samba.modify(&ldif::replace(&dn(2), "accountExpires", &["9223372036854775807"]));
    samba.modify(&ldif::rename(&dn(3), &format!("CN={}", names[3]), Some(&other)));
    samba.modify(&ldif::rename(&dn(4), "CN=Doe\\, Jane", None));
    samba.delete(&dn(5));
    let (code, report) = agent.sync();
    assert_eq!((code, &report["changes"]["suspended"]), (0, &4.into()), "{report}");
    let suspended: Vec<String> = [0, 1, 3, 5].map(|number| format!("{}@lab.test", names[number])).into();
    assert_eq!(agent.names("suspended"), suspended);
    let moved = agent.user(&format!("{}@lab.test", names[4]));
    assert!(moved["dn"].as_str().is_some_and(|dn| dn.contains("Jane")), "{moved}");
    samba.modify(&ldif::replace(&dn(0), "userAccountControl", &["544"]));
    assert_eq!(agent.sync().1["changes"]["resumed"], 1);
}

#[test]
fn a_group_of_1600_comes_in_ranges_nested_in_a_circle_and_is_never_empty() {
    let samba = Samba::shared();
    let ou = samba.ou("large");
    let (entries, names) = people(&ou, "large", 1600);
    let members: Vec<String> = names.iter().take(1590).map(|name| format!("CN={name},{ou}")).collect();
    let mut groups = ldif::ad_group(&ou, &format!("{}-in", names[0]), &members);
    write!(groups, "{}", ldif::ad_group(&ou, &format!("{}-out", names[0]), &[format!("CN={}-in,{ou}", names[0])]))
        .expect("LDIF");
    samba.load(&entries);
    samba.load(&groups);
    samba.modify(&format!(
        "dn: CN={0}-in,{ou}\nchangetype: modify\nadd: member\nmember: CN={0}-out,{ou}\n-\n\n",
        names[0]
    ));
    let proxy = FaultProxy::start(&samba.address(), "range=1500");
    let scope = format!("groups = [\"CN={}-out,{ou}\"]", names[0]);
    let agent = agent(&samba, &proxy.url, &ou, &scope);
    let (code, report) = agent.sync();
    assert_eq!((code, &report["changes"]["provisioned"]), (0, &1590.into()), "{}", report["directories"]);
    assert_eq!(report["directories"][0]["entries"], 1600);
}

#[test]
fn members_by_primary_group_are_members() {
    let samba = Samba::shared();
    let ou = samba.ou("primary");
    let (entries, _) = people(&ou, "prim", 3);
    samba.load(&entries);
    let agent = agent(&samba, &samba.ldaps_url, &ou, "groups = [\"CN=Domain Users,CN=Users,DC=lab,DC=test\"]");
    let (code, report) = agent.sync();
    assert_eq!((code, &report["changes"]["provisioned"]), (0, &3.into()), "{report}");
}

#[test]
fn a_read_cut_before_a_controller_takes_nobodys_seat() {
    let samba = Samba::shared();
    let ou = samba.ou("cut");
    let (entries, _) = people(&ou, "cut", 40);
    samba.load(&entries);
    let agent = agent(&samba, &samba.ldaps_url, &ou, "page_size = 10");
    assert_eq!(agent.sync().0, 0);
    for rules in ["cut=15", "rc=51@2", "rck=51@2", "nocookie=2"] {
        let proxy = FaultProxy::start(&samba.address(), rules);
        let config = std::fs::read_to_string(agent.config_file()).expect("the config");
        let through =
            config.replace(&samba.ldaps_url, &proxy.url).replace("page_size", "allow_plaintext = true\npage_size");
        let through = through.lines().filter(|line| !line.starts_with("ca_file")).collect::<Vec<_>>().join("\n");
        agent.write_config(&through);
        for _ in 0..2 {
            assert_eq!(agent.sync().0, 1, "{rules}");
            assert_eq!(agent.names("active").len(), 40, "{rules}");
        }
        agent.write_config(&config);
        let (code, report) = agent.sync();
        assert_eq!((code, &report["changes"]["suspended"]), (0, &0.into()), "{rules}: {report}");
    }
}

/// Lets nobody but the system read an attribute (its schema GUID) of an entry.
fn hide(samba: &Samba, dn: &str, attribute: &str) {
    samba.administer(&format!("samba-tool dsacl set --objectdn='{dn}' --sddl='(OD;;RP;{attribute};;AU)'"));
}

#[test]
fn a_group_whose_members_are_hidden_is_not_empty_and_one_that_is_emptied_is() {
    let samba = Samba::shared();
    let ou = samba.ou("veiled");
    let (entries, names) = people(&ou, "veil", 6);
    let dn = |number: usize| format!("CN={},{ou}", names[number]);
    let group = |what: &str| format!("CN={}-{what},{ou}", names[0]);
    let add = |what: &str, members: &[String]| ldif::ad_group(&ou, &format!("{}-{what}", names[0]), members);
    samba.load(&entries);
    samba.load(&add("in", &[dn(0), dn(1)]));
    samba.load(&add("spare", &[dn(2)]));
    samba.load(&add("all", &[group("in"), group("spare"), dn(3), dn(4), dn(5)]));
    samba.load(&add("out", &[dn(5)]));
    let scope = format!("groups = [\"{}\"]\nexclude_groups = [\"{}\"]", group("all"), group("out"));
    let agent = agent(&samba, &samba.ldaps_url, &ou, &scope);
    let (code, report) = agent.sync();
    assert_eq!((code, &report["changes"]["provisioned"]), (0, &5.into()), "{report}");
    samba.modify(&format!("dn: {}\nchangetype: modify\ndelete: member\n-\n\n", group("spare")));
    let (code, report) = agent.sync();
    assert_eq!((code, &report["changes"]["suspended"]), (0, &1.into()), "this one is empty: {report}");
    for hidden in ["out", "in"] {
        hide(&samba, &group(hidden), "bf9679c0-0de6-11d0-a285-00aa003049e2");
        let (code, report) = agent.sync();
        let problem = report["directories"][0]["problem"].as_str().unwrap_or_default();
        assert!(code == 1 && problem.contains("right to read member"), "{hidden}: {report}");
        assert_eq!(agent.names("active").len(), 4, "{hidden}: {report}");
    }
}

#[test]
fn a_group_within_the_group_that_was_never_read_and_is_closed_takes_nobody_s_seat() {
    let samba = Samba::shared();
    let ou = samba.ou("closed");
    let (entries, names) = people(&ou, "closed", 4);
    let dn = |number: usize| format!("CN={},{ou}", names[number]);
    let group = |what: &str| format!("CN={}-{what},{ou}", names[0]);
    let add = |what: &str, members: &[String]| ldif::ad_group(&ou, &format!("{}-{what}", names[0]), members);
    samba.load(&entries);
    samba.load(&add("all", &[dn(0), dn(1), dn(2)]));
    let agent = agent(&samba, &samba.ldaps_url, &ou, &format!("groups = [\"{}\"]", group("all")));
    let (code, report) = agent.sync();
    assert_eq!((code, &report["changes"]["provisioned"]), (0, &3.into()), "{report}");
    samba.load(&add("inner", &[dn(0), dn(3)]));
    samba.administer(&format!("samba-tool dsacl set --objectdn='{}' --sddl='(D;;RP;;;AU)'", group("inner")));
    let all = group("all");
    samba.modify(&format!("dn: {all}\nchangetype: modify\nadd: member\nmember: {}\n-\n\n", group("inner")));
    samba.modify(&format!("dn: {all}\nchangetype: modify\ndelete: member\nmember: {}\n-\n\n", dn(0)));
    let (code, report) = agent.sync();
    let problem = report["directories"][0]["problem"].as_str().unwrap_or_default();
    assert!(
        code == 1 && problem.contains("inner") && problem.contains("cannot be read, and people are members of it"),
        "{report}"
    );
    assert_eq!(agent.names("active").len(), 3, "{report}");
}

#[test]
fn whose_expiry_is_hidden_is_neither_resumed_nor_given_a_seat() {
    let samba = Samba::shared();
    let ou = samba.ou("expiry");
    let (entries, names) = people(&ou, "expiry", 5);
    samba.load(&entries);
    let dn = |number: usize| format!("CN={},{ou}", names[number]);
    samba.modify(&ldif::replace(&dn(1), "accountExpires", &["133800000000000000"]));
    let agent = agent(&samba, &samba.ldaps_url, &ou, "");
    assert_eq!(agent.sync().1["changes"]["provisioned"], 4);
    samba.modify(&ldif::replace(&dn(0), "accountExpires", &["133800000000000000"]));
    assert_eq!(agent.sync().1["changes"]["suspended"], 1);
    for number in [0, 1, 2] {
        hide(&samba, &dn(number), "bf967915-0de6-11d0-a285-00aa003049e2");
    }
    let (code, report) = agent.sync();
    assert_eq!((code, &report["directories"][0]["quarantined"]), (0, &3.into()), "{report}");
    assert_eq!(agent.names("active").len(), 3, "who had a seat keeps it: {report}");
    assert_eq!(agent.names("suspended"), [format!("{}@lab.test", names[0])]);
    assert_eq!(agent.user(&format!("{}@lab.test", names[1]))["state"], serde_json::Value::Null);
}
