//! A real OpenLDAP server that cannot be read, and the real binary: what is wrong is said once, with what to do about it.

#![allow(clippy::expect_used, reason = "a test that cannot go on ends here")]

mod support;

use std::time::Duration;

use support::process::wait_until;
use support::{Agent, Slapd, ldif};

/// Beside what is wrong, what it comes to and what to do.
const CASES: [(&str, &str, &str); 3] = [
    ("down", "nothing listens there", "Check host and port"),
    ("password", "refused the credentials", "Mend `bind_dn` or `bind_password`"),
    ("ca", "its certificate", "The server's certificate was issued by \"CN="),
];

/// An agent whose directory cannot be read for this cause.
fn agent(slapd: &Slapd, other: &Slapd, cause: &str) -> Agent {
    let agent = Agent::new("");
    agent.secret("pw", if cause == "password" { "wrong" } else { &slapd.password });
    let url = if cause == "down" { "ldaps://127.0.0.1:1" } else { &slapd.ldaps_url };
    let ca = if cause == "ca" { &other.ca } else { &slapd.ca };
    agent.write_config(&format!(
        "[agent]\nname = \"test\"\nstate_dir = \"state\"\npoll = \"1s\"\n\
         [[directory]]\nname = \"corp\"\nurl = [\"{url}\"]\nca_file = \"{}\"\nbind_dn = \"{}\"\n\
         bind_password = {{ file = \"pw\" }}\nbase = [\"ou=people,{}\"]\ntimeout = \"1s\"\n\
         [[pool]]\nname = \"standard\"\nseats = 50\n",
        ca.display(),
        slapd.sync_dn,
        slapd.base,
    ));
    agent
}

#[test]
fn a_directory_that_cannot_be_read_is_told_of_once_and_with_what_to_do() {
    let (slapd, other) = (Slapd::start(), Slapd::start());
    for (cause, said, advice) in CASES {
        let agent = agent(&slapd, &other, cause);
        for verb in ["sync", "plan"] {
            let ended = agent.run(&[verb]);
            assert_eq!((ended.code, ended.stderr.as_str()), (1, ""), "{cause}: {verb}: {ended:?}");
            let told: Vec<&str> = ended.stdout.lines().filter(|line| line.contains(said)).collect();
            assert_eq!(told.len(), 1, "{cause}: {verb}: {}", ended.stdout);
            assert!(told[0].starts_with("corp: Could not ") && told[0].contains(advice), "{}", told[0]);
            assert_eq!(told[0].matches(said).count(), 1, "{}", told[0]);
            assert!(!told[0].contains("os error") && !told[0].contains("rc="), "in words alone: {}", told[0]);
        }
    }
}

#[test]
fn the_agents_log_tells_it_when_it_begins_and_no_other_time() {
    let (slapd, other) = (Slapd::start(), Slapd::start());
    let (cause, said, advice) = CASES[0];
    let agent = agent(&slapd, &other, cause);
    let running = agent.start();
    wait_until("three cycles", Duration::from_mins(1), || agent.history().len() >= 3);
    let log = running.terminate().stderr;
    let told: Vec<&str> = log.lines().filter(|line| line.contains("WARN") && line.contains(said)).collect();
    assert_eq!(told.len(), 1, "{log}");
    assert!(told[0].contains(advice), "{}", told[0]);
    for cycle in 1..=3 {
        let lines = log.lines().filter(|line| line.contains(said) && line.contains(&format!("cycle={cycle} ")));
        assert!(lines.count() <= 1, "{log}");
    }
}

/// From now on the server would let the refused password in: whoever tries it again is found out.
fn take_the_wrong_one(slapd: &Slapd) {
    slapd.modify(&ldif::replace(&slapd.sync_dn, "userPassword", &["wrong"]));
}

#[test]
fn what_was_refused_is_not_tried_again_by_looking_and_always_by_a_cycle_that_somebody_asks_for() {
    let slapd = Slapd::start_with(&ldif::people("dc=lab,dc=test", 2));
    let agent = agent(&slapd, &slapd, "password");
    assert_eq!(agent.sync().0, 1);
    take_the_wrong_one(&slapd);
    for verb in [&["plan"][..], &["check", "--connect"]] {
        let told = agent.run(verb);
        assert!(told.code == 1 && told.stdout.contains("so that the account is not locked"), "{verb:?}: {told:?}");
        assert!(told.stdout.contains("`seatsync sync"), "{verb:?}: {told:?}");
        assert!(told.stdout.contains("it refused the credentials (result code 49"), "as it was said: {told:?}");
    }
    let (code, synced) = agent.sync();
    assert_eq!((code, &synced["pools"][0]["held"]), (0, &2.into()), "{synced}");

    agent.secret("pw", "another");
    assert_eq!(agent.sync().0, 1);
    agent.secret("pw", "wrong");
    assert_eq!(agent.sync().0, 0, "another credential than the one refused is tried at once");
}

#[test]
fn a_check_that_was_refused_is_remembered_too() {
    let slapd = Slapd::start_with(&ldif::people("dc=lab,dc=test", 2));
    let agent = agent(&slapd, &slapd, "none");
    assert_eq!(agent.sync().0, 0);
    agent.secret("pw", "wrong");
    let (code, checked) = agent.check(true);
    assert!(code == 1 && checked.to_string().contains("it refused the credentials"), "{checked}");
    take_the_wrong_one(&slapd);
    let (code, checked) = agent.check(true);
    assert_eq!((code, &checked["probes"][0]["what"]), (1, &"corp: bind".into()), "{checked}");
    assert_eq!(agent.sync().0, 0);
    assert_eq!(agent.check(true).0, 0);
}

#[test]
fn whom_a_server_does_not_find_by_an_index_it_never_made_is_not_gone() {
    let base = "dc=lab,dc=test";
    let mut slapd = Slapd::start_with(&ldif::people(base, 3));
    let agent = agent(&slapd, &slapd, "");
    let (indexed, plain) = ("index objectClass,entryUUID,entryCSN", "index entryCSN");
    slapd.reconfigure(indexed, plain);
    slapd.add(&ldif::person(base, "late"));
    assert_eq!(agent.sync().1["pools"][0]["held"], 4);
    // Now nothing tells the server that `late` has an objectClass, or whose entryUUID it has.
    slapd.reconfigure(plain, indexed);
    for _ in 0..3 {
        let (code, report) = agent.sync_full();
        assert_eq!((code, &report["pools"][0]["held"]), (1, &4.into()), "{report}");
        let said = report["directories"][0]["problem"].as_str().unwrap_or_default();
        assert!(said.contains("the entry is where it was") && said.contains("`slapindex`"), "{said}");
    }
    slapd.reconfigure(indexed, plain);
    let (code, report) = agent.sync_full();
    assert_eq!((code, &report["pools"][0]["held"]), (0, &4.into()), "{report}");
}

#[test]
fn whom_a_group_lists_in_another_unicode_form_is_a_member_as_the_server_has_it() {
    let base = "dc=lab,dc=test";
    let slapd = Slapd::start_with(&ldif::people(base, 2));
    let place = |name: &str| format!("cn={name},ou=people,{base}");
    slapd.add(
        &ldif::person(base, "late")
            .replacen(&format!("uid=late,ou=people,{base}"), &place("Ren\u{e9}"), 1)
            .replace("cn: Given late", "cn: Ren\u{e9}"),
    );
    slapd.add(&ldif::group(base, "team", &[place("Rene\u{301}")]));
    let agent = agent(&slapd, &slapd, "");
    let config = std::fs::read_to_string(agent.config_file()).expect("the config");
    let scope = format!("groups = [\"cn=team,ou=groups,{base}\"]\ntimeout =");
    agent.write_config(&config.replacen("timeout =", &scope, 1));
    let (code, report) = agent.sync_full();
    assert_eq!((code, &report["pools"][0]["held"]), (0, &1.into()), "{report}");
}
