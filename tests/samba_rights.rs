//! `check --connect` at a real Samba domain controller: each right the account lacks, and that the command it names grants
//! just that.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on ends here")]

mod support;

use support::rights::{lack, lacking, names, remedy};
use support::{Agent, Samba, ldif};

const PASSWORD: &str = "Passw0rd.few";

/// Makes an account with the rights of any user, and an agent that binds as it by its principal name.
fn agent(samba: &Samba, ou: &str, name: &str) -> Agent {
    samba.administer(&format!("samba-tool user create {name} {PASSWORD}"));
    let agent = Agent::new(&format!(
        "[[directory]]\nname = \"corp\"\nurl = [\"{}\"]\nca_file = \"{}\"\nbind_dn = \"{name}@lab.test\"\n\
         bind_password = {{ file = \"password\" }}\nbase = [\"{ou}\"]\n[[pool]]\nname = \"standard\"\nseats = 500\n",
        samba.ldaps_url,
        samba.ca.display()
    ));
    agent.secret("password", PASSWORD);
    agent
}

/// A name and an OU that no other run has.
fn scene(samba: &Samba, name: &str) -> (String, String) {
    let ou = samba.ou(name);
    let user = format!("few{name}{}", std::process::id());
    samba.add(&ldif::ad_person(&ou, &format!("{user}-ada")));
    (ou, user)
}

#[test]
fn any_user_reads_all_but_the_deleted_and_the_command_shows_them_too() {
    let samba = Samba::own();
    let (ou, user) = scene(&samba, "deleted");
    samba.add(&ldif::ad_person(&ou, "gone"));
    samba.delete(&format!("CN=gone,{ou}"));
    let agent = agent(&samba, &ou, &user);
    let before = lacking(&agent);
    assert_eq!(names(&before), ["corp: changes", "corp: deleted objects"], "{before:#?}");
    assert!(before.iter().all(|probe| probe["ok"] == true), "a cycle works without it");
    assert_eq!(before[0]["lost"], "Each cycle reads everything");
    samba.administer(&remedy(&before[1]));
    let after = lacking(&agent);
    assert!(after.is_empty(), "{after:#?}");
}

#[test]
fn a_base_and_an_attribute_that_are_closed_are_opened_by_the_commands() {
    let samba = Samba::shared();
    let (ou, user) = scene(&samba, "closed");
    let agent = agent(&samba, &ou, &user);
    let close = |aces: &str| samba.administer(&format!("samba-tool dsacl set --objectdn='{ou}' --sddl='{aces}'"));
    // For every authenticated user (AU): the OU and all in it, then userAccountControl and accountExpires alone.
    close("(D;CI;RPLC;;;AU)");
    let told = lacking(&agent);
    let probe = lack(&told, &format!("base {ou}"));
    assert!(probe["message"].as_str().is_some_and(|said| said.contains(" right under ")), "{probe}");
    let remedy_of_base = remedy(probe);
    let (first, command) = remedy_of_base.split_once('\n').expect("what to do first, then the command");
    assert!(first.starts_with("Correct the name of the base; or, if it is right"), "{first}");
    samba.administer(command);
    close("(OD;CIIO;RP;bf967a68-0de6-11d0-a285-00aa003049e2;;AU)(OD;CIIO;RP;bf967915-0de6-11d0-a285-00aa003049e2;;AU)");
    let told = lacking(&agent);
    for attribute in ["userAccountControl", "accountExpires"] {
        let probe = lack(&told, &format!("{attribute} of people under {ou}"));
        assert_eq!(probe["ok"], false, "nobody knows who left by it: {probe}");
        samba.administer(&remedy(probe));
    }
    let after = lacking(&agent);
    let of_deleted = ["corp: deleted objects", "corp: changes"];
    let of_rights: Vec<&str> = names(&after).into_iter().filter(|what| !of_deleted.contains(what)).collect();
    assert_eq!(of_rights, Vec::<&str>::new(), "{after:#?}");
}

#[test]
fn a_group_whose_members_are_closed_from_both_ends_is_not_taken_for_an_empty_one() {
    let samba = Samba::shared();
    let (ou, user) = scene(&samba, "hidden");
    let (person, vault) = (format!("CN={user}-ada,{ou}"), format!("CN={user}-vault,{ou}"));
    samba.add(&ldif::ad_group(&ou, &format!("{user}-vault"), std::slice::from_ref(&person)));
    samba.add(&ldif::ad_group(&ou, &format!("{user}-none"), &[]));
    let agent = agent(&samba, &ou, &user);
    let config = std::fs::read_to_string(agent.config_file()).expect("the config");
    let groups = format!("groups = [\"{vault}\"]\nexclude_groups = [\"CN={user}-none,{ou}\"]\n[[pool]]");
    agent.write_config(&config.replacen("[[pool]]", &groups, 1));
    let sync = || {
        let (code, report) = agent.sync();
        let problem = report["directories"][0]["problem"].as_str().unwrap_or_default().to_owned();
        (code, agent.names("active").len(), problem)
    };
    assert_eq!(sync(), (0, 1, String::new()), "a group that is open and empty is empty");
    let close = |dn: &str, attribute: &str| {
        samba.administer(&format!("samba-tool dsacl set --objectdn='{dn}' --sddl='(OD;;RP;{attribute};;AU)'"));
    };
    close(&vault, "bf9679c0-0de6-11d0-a285-00aa003049e2");
    close(&person, "bf967991-0de6-11d0-a285-00aa003049e2");
    for _ in 0..2 {
        let (code, active, problem) = sync();
        assert_eq!((code, active), (1, 1), "{problem}");
        assert!(problem.contains(&vault) && problem.contains("right to read member"), "{problem}");
    }
    let told = lacking(&agent);
    let probe = lack(&told, &format!("group {vault}"));
    assert!(probe["message"].as_str().is_some_and(|told| told.ends_with("may not read member")), "{probe}");
}

#[test]
fn an_account_that_is_an_administrator_by_a_nested_group_is_told_and_the_command_takes_it_out() {
    let samba = Samba::own();
    let (ou, user) = scene(&samba, "mighty");
    let agent = agent(&samba, &ou, &user);
    samba.administer(&format!(
        "samba-tool group add {user}-desk && samba-tool group addmembers {user}-desk {user} && samba-tool group \
         addmembers 'Domain Admins' {user}-desk"
    ));
    let before = lacking(&agent);
    let probe = lack(&before, "account");
    let message = probe["message"].as_str().expect("a message");
    assert!(message.contains(&format!("Domain Admins (through {user}-desk)")), "{message}");
    assert!(message.contains(&format!("Administrators (through {user}-desk)")), "{message}");
    assert_eq!(remedy(probe).lines().count(), 1, "one command suffices: {probe}");
    samba.administer(&remedy(probe));
    let after = lacking(&agent);
    assert_eq!(names(&after).into_iter().filter(|what| what.ends_with("account")).count(), 0, "{after:#?}");
}
