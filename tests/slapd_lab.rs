//! The lab itself: OpenLDAP and the faults before it do what the other tests rely on.

#![allow(clippy::expect_used, reason = "a test that cannot go on ends here")]

mod support;

use std::process::{Command, Output};

use support::{FaultProxy, Slapd, ldif};

/// A paged search by OpenLDAP's own client, pages of 10: its exit code is the result code, 124 after three seconds.
fn paged_search(url: &str, slapd: &Slapd) -> Output {
    Command::new("timeout")
        .args(["3", "ldapsearch", "-x", "-H", url, "-D", &slapd.sync_dn, "-w", &slapd.password])
        .args(["-LLL", "-E", "pr=10/noprompt", "-b", &slapd.base, "(uid=*)", "uid"])
        .output()
        .expect("ldapsearch runs")
}

/// How a search ended, in a word; the client has several codes for a lost connection.
fn end(output: &Output) -> String {
    match output.status.code() {
        Some(124) => "silence".to_owned(),
        Some(80 | 254 | 255) => "lost".to_owned(),
        code => code.map(|code| code.to_string()).unwrap_or_default(),
    }
}

fn entries(output: &Output) -> usize {
    String::from_utf8_lossy(&output.stdout).lines().filter(|line| line.starts_with("dn:")).count()
}

fn with_people(count: usize) -> Slapd {
    Slapd::start_with(&ldif::people("dc=lab,dc=test", count))
}

#[test]
fn a_private_slapd_answers_over_ldap_and_ldaps_and_takes_changes() {
    let mut slapd = Slapd::start();
    slapd.seed(3);
    slapd.modify(&ldif::rename(&slapd.dn("u0000002"), "uid=renamed", None));
    slapd.delete(&slapd.dn("u0000003"));
    let uids = slapd.search("(uid=*)", &["uid"]);
    assert!(uids.contains("uid: u0000001") && uids.contains("uid: renamed") && !uids.contains("uid: u0000003"));

    let over_tls = Command::new("ldapsearch")
        .env("LDAPTLS_CACERT", &slapd.ca)
        .args(["-x", "-H", &slapd.ldaps_url, "-s", "base", "-b", "", "namingContexts"])
        .output()
        .expect("ldapsearch runs");
    assert!(over_tls.status.success(), "{over_tls:?}");

    slapd.down();
    assert!(!paged_search(&slapd.url, &slapd).status.success());
    slapd.up();
    assert_eq!(entries(&paged_search(&slapd.url, &slapd)), 2);
}

#[test]
fn memberof_follows_a_group_and_the_group_follows_a_rename() {
    let slapd = with_people(2);
    slapd.add(&ldif::group(&slapd.base, "crew", &[slapd.dn("u0000001")]));
    slapd.modify(&ldif::rename(&slapd.dn("u0000001"), "uid=ada", None));
    assert!(slapd.search("(uid=ada)", &["memberOf"]).contains("memberOf: cn=crew,ou=groups,dc=lab,dc=test"));
    assert!(slapd.search("(cn=crew)", &["member"]).contains("member: uid=ada,ou=people,dc=lab,dc=test"));
}

#[test]
fn the_proxy_passes_everything_without_a_rule_that_hits() {
    let slapd = with_people(35);
    for rules in ["delay=0", "dribble", "cut=35", "drop=36", "rc=51@5"] {
        let proxy = FaultProxy::start(&slapd.address(), rules);
        let output = paged_search(&proxy.url, &slapd);
        assert_eq!((entries(&output), end(&output).as_str()), (35, "0"), "{rules}: {output:?}");
    }
}

#[test]
fn each_fault_hits_where_its_rule_says() {
    let slapd = with_people(35);
    for (rules, count, how) in [
        ("cut=25", 25, "lost"),
        ("notice=25", 25, "52"),
        ("rc=51@2", 20, "51"),
        ("rc=4@4", 35, "4"),
        ("nocookie=2", 20, "0"),
        ("drop=5", 28, "0"),
        ("bindrc=49", 0, "49"),
        ("refuse", 0, "lost"),
        ("blackhole", 0, "silence"),
        ("noreply=bind", 0, "silence"),
    ] {
        let proxy = FaultProxy::start(&slapd.address(), rules);
        let output = paged_search(&proxy.url, &slapd);
        assert_eq!((entries(&output), end(&output).as_str()), (count, how), "{rules}: {output:?}");
    }
}

#[test]
fn a_fault_that_hits_once_spares_the_second_connection() {
    let slapd = with_people(35);
    let proxy = FaultProxy::start(&slapd.address(), "cut=25,once");
    assert_eq!(entries(&paged_search(&proxy.url, &slapd)), 25);
    assert_eq!(entries(&paged_search(&proxy.url, &slapd)), 35);
}

#[test]
fn the_proxy_cuts_values_to_ranges_as_active_directory_does() {
    let people: Vec<String> = (1..=25).map(|number| format!("uid=u{number:07},ou=people,dc=lab,dc=test")).collect();
    let slapd = with_people(25);
    slapd.add(&ldif::group(&slapd.base, "crew", &people));
    let proxy = FaultProxy::start(&slapd.address(), "range=10");
    let output = Command::new("ldapsearch")
        .args(["-x", "-H", &proxy.url, "-D", &slapd.sync_dn, "-w", &slapd.password, "-LLL"])
        .args(["-b", &slapd.base, "(cn=crew)", "member"])
        .output()
        .expect("ldapsearch runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(text.matches("member;range=0-9:").count(), 10, "{text}");
}

#[test]
fn broken_answers_are_broken() {
    let slapd = Slapd::start();
    for (mode, how) in [("garbage", "lost"), ("halfmsg", "lost"), ("referral", "10"), ("slowbind", "silence")] {
        let broken = FaultProxy::serve(mode);
        let output = paged_search(&broken.url, &slapd);
        assert_eq!(end(&output), how, "{mode}: {output:?}");
    }
}
