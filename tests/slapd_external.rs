//! `bind = "external"`: a real OpenLDAP knows us by the certificate we show, and one that it does not take is told with what to do.

#![allow(clippy::expect_used, reason = "a test that cannot go on ends here")]

mod support;

use std::time::Duration;

use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};
use support::process::wait_until;
use support::rights::{lack, lacking, remedy};
use support::{Agent, Slapd, ldif};

const SOON: Duration = Duration::from_secs(30);

/// An agent that shows `client.crt`.
fn agent(slapd: &Slapd, url: &str, rest: &str) -> Agent {
    Agent::new(&format!(
        "[[directory]]\nname = \"corp\"\nkind = \"openldap\"\nurl = [\"{url}\"]\nca_file = \"{}\"\nbind = \"external\"\n\
         client_cert = \"client.crt\"\nclient_key = \"client.key\"\nbase = [\"ou=people,{}\"]\ntimeout = \"5s\"\n{rest}\n\
         [[pool]]\nname = \"standard\"\nseats = 5\n",
        slapd.ca.display(),
        slapd.base
    ))
}

/// Puts a certificate of nobody's authority there, which ends with that year.
fn self_signed(agent: &Agent, year: i32) {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::OrganizationName, "lab");
    params.distinguished_name.push(DnType::CommonName, "sync");
    params.not_after = date_time_ymd(year, 12, 31);
    let certificate = params.self_signed(&key).expect("a certificate");
    agent.secret("client.crt", &certificate.pem());
    agent.secret("client.key", &key.serialize_pem());
}

fn problem(agent: &Agent) -> String {
    let (code, report) = agent.sync();
    assert_eq!(code, 1, "{report:#}");
    report["directories"][0]["problem"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_certificate_says_who_we_are_over_ldaps_and_start_tls() {
    let slapd = Slapd::start_with(&ldif::people("dc=lab,dc=test", 2));
    for (url, start_tls) in [(&slapd.ldaps_url, ""), (&slapd.url, "start_tls = true")] {
        let agent = agent(&slapd, url, start_tls);
        slapd.client_certificate("sync", &agent.folder().join("client"));
        let (code, report) = agent.sync();
        assert_eq!((code, &report["directories"][0]["users"]), (0, &2.into()), "{report:#}");
    }
}

#[test]
fn who_the_certificate_is_for_is_asked_of_the_server_and_granted_what_it_lacks() {
    let slapd = Slapd::start_configurable(&ldif::people("dc=lab,dc=test", 2), &[]);
    let agent = agent(&slapd, &slapd.ldaps_url, "");
    slapd.client_certificate("nobody", &agent.folder().join("client"));
    let before = lacking(&agent);
    let command = remedy(lack(&before, "base ou=people,dc=lab,dc=test"));
    assert!(command.contains("cn=nobody,dc=lab,dc=test"), "{command}");
    slapd.administer(&command);
    let after = lacking(&agent);
    assert!(after.len() < before.len(), "{after:#?}");
}

#[test]
fn a_certificate_that_has_expired_is_not_shown_at_all() {
    let slapd = Slapd::start();
    let agent = agent(&slapd, &slapd.ldaps_url, "");
    self_signed(&agent, 2001);
    let told = problem(&agent);
    assert!(told.contains("client.crt (`client_cert`): it expired on 2001-12-31"), "{told}");
}

#[test]
fn a_certificate_of_an_authority_the_server_does_not_know_is_told_with_what_to_do() {
    let slapd = Slapd::start();
    for (url, start_tls) in [(&slapd.ldaps_url, ""), (&slapd.url, "start_tls = true")] {
        let agent = agent(&slapd, url, start_tls);
        self_signed(&agent, 2999);
        let told = problem(&agent);
        assert!(told.contains("`client_cert`"), "{told}");
        assert!(told.contains("does not take"), "{told}");
    }
}

#[test]
fn a_server_that_asks_for_no_certificate_is_told_to() {
    let mut slapd = Slapd::start();
    slapd.reconfigure("TLSVerifyClient try", "TLSVerifyClient never");
    let agent = agent(&slapd, &slapd.ldaps_url, "");
    slapd.client_certificate("sync", &agent.folder().join("client"));
    let told = problem(&agent);
    assert!(told.contains("did not ask for a certificate") && told.contains("olcTLSVerifyClient"), "{told}");
}

#[test]
fn a_renewed_certificate_is_shown_without_a_restart() {
    let slapd = Slapd::start_with(&ldif::people("dc=lab,dc=test", 1));
    let agent = agent(&slapd, &slapd.ldaps_url, "[agent]\nname = \"test\"\nstate_dir = \"state\"\npoll = \"1s\"");
    self_signed(&agent, 2001);
    let _running = agent.start();
    let ended = |outcome: &str| agent.history().last().is_some_and(|cycle| cycle["outcome"] == outcome);
    wait_until("a cycle fails", SOON, || ended("failed"));
    slapd.client_certificate("sync", &agent.folder().join("client"));
    wait_until("a cycle works", SOON, || ended("ok"));
}
