//! `srv:DOMAIN`: the servers are those that a real name server names at this moment, and no others are believed.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on ends here")]

mod support;

use serde_json::Value;
use support::{Agent, Dns, Slapd, ldif};

const DOMAIN: &str = "corp.test";

/// `SERVICE.corp.test` at HOST:PORT.
fn service(name: &str, host: &str, port: &str, priority: u16) -> String {
    format!("srv-host={name}.{DOMAIN},{host},{port},{priority},100")
}

fn port(url: &str) -> &str {
    url.rsplit_once(':').expect("a URL with a port").1
}

/// An agent that asks this name server for its directory.
fn agent(slapd: &Slapd, dns: &Dns, rest: &str) -> Agent {
    let mut agent = Agent::new(&format!(
        "[[directory]]\nname = \"corp\"\nkind = \"openldap\"\nurl = [\"srv:{DOMAIN}\"]\nca_file = \"{}\"\nbind_dn = \
         \"{}\"\nbind_password = {{ file = \"password\" }}\nbase = [\"ou=people,{}\"]\ntimeout = \"3s\"\n{rest}\n[[pool]]\nname \
         = \"standard\"\nseats = 5\n",
        slapd.ca.display(),
        slapd.sync_dn,
        slapd.base
    ));
    agent.secret("password", &slapd.password);
    agent.asks(&dns.ip);
    agent
}

fn probe<'a>(report: &'a Value, what: &str) -> &'a Value {
    let probes = report["probes"].as_array().expect("probes");
    probes.iter().find(|probe| probe["what"] == what).unwrap_or_else(|| panic!("no probe {what}: {report:#}"))
}

/// What is said of a cycle that could not read.
fn problem(agent: &Agent) -> String {
    let (code, report) = agent.sync();
    assert_eq!(code, 1, "{report:#}");
    report["directories"][0]["problem"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn ldaps_servers_are_those_dns_names_and_check_tells_them() {
    let slapd = Slapd::start_with(&ldif::people("dc=lab,dc=test", 2));
    let dns = Dns::start(&[service("_ldaps._tcp", "localhost", port(&slapd.ldaps_url), 0)]);
    let agent = agent(&slapd, &dns, "");
    let (code, report) = agent.check(true);
    assert_eq!(code, 0, "{report:#}");
    let url = format!("ldaps://localhost:{}", port(&slapd.ldaps_url));
    assert_eq!(probe(&report, "corp: srv:corp.test")["message"], format!("DNS names {url}"));
    assert_eq!(probe(&report, &format!("corp: server {url}"))["ok"], true);
    let (code, report) = agent.sync();
    assert_eq!((code, &report["directories"][0]["users"]), (0, &2.into()), "{report:#}");
    assert_eq!(agent.status()["directories"][0]["server"], url);
}

#[test]
fn a_server_that_is_down_is_followed_by_one_of_the_next_priority_and_a_changed_answer_is_followed_at_once() {
    let slapd = Slapd::start_with(&ldif::people("dc=lab,dc=test", 2));
    let plain = port(&slapd.url);
    let dead = || service("_ldap._tcp", "localhost", "1", 0);
    let mut dns = Dns::start(&[dead(), service("_ldap._tcp", "localhost", plain, 10)]);
    let agent = agent(&slapd, &dns, "start_tls = true");
    assert_eq!(agent.sync().0, 0);
    assert_eq!(agent.status()["directories"][0]["server"], format!("ldap://localhost:{plain}"));
    let (code, report) = agent.check(true);
    assert_eq!(code, 1, "a server that is named and down is told: {report:#}");
    let told = probe(&report, "corp: srv:corp.test")["message"].as_str().unwrap_or_default().to_owned();
    assert_eq!(told, format!("DNS names ldap://localhost:1, ldap://localhost:{plain}"));
    dns.know(&[dead()]);
    let told = problem(&agent);
    assert!(told.contains("ldap://localhost:1: nothing listens there"), "{told}");
}

#[test]
fn a_certificate_must_be_that_of_the_host_dns_names() {
    let slapd = Slapd::start_with(&ldif::people("dc=lab,dc=test", 1));
    let records = [
        service("_ldaps._tcp", "forged.corp.test", port(&slapd.ldaps_url), 0),
        "host-record=forged.corp.test,127.0.0.1".to_owned(),
    ];
    let dns = Dns::start(&records);
    let agent = agent(&slapd, &dns, "");
    let told = problem(&agent);
    assert!(told.contains("forged.corp.test") && told.contains("its certificate is for another host name"), "{told}");
}

#[test]
fn a_host_outside_the_domain_needs_an_authority_of_the_config() {
    let slapd = Slapd::start_with("");
    let dns = Dns::start(&[service("_ldaps._tcp", "ldap.evilcorp.test", "636", 0)]);
    let agent = agent(&slapd, &dns, "");
    let text = std::fs::read_to_string(agent.config_file()).expect("the config");
    agent.write_config(&text.replace("ca_file", "#ca_file"));
    let told = problem(&agent);
    assert!(told.contains("DNS names ldap.evilcorp.test, which lies outside the domain"), "{told}");
    assert!(told.contains("Set `ca_file`"), "{told}");
}

#[test]
fn what_dns_does_not_know_and_dns_that_does_not_answer_are_told_apart() {
    let slapd = Slapd::start_with("");
    let mut dns = Dns::start(&[]);
    let agent = agent(&slapd, &dns, "");
    let told = problem(&agent);
    let wanted =
        "srv:corp.test: DNS has no SRV record _ldaps._tcp.corp.test and no _ldap._tcp.corp.test. Check the domain";
    assert!(told.contains(wanted), "{told}");
    dns.stop();
    let told = problem(&agent);
    assert!(told.contains("DNS does not answer the question for the SRV record _ldaps._tcp.corp.test"), "{told}");
    let (code, report) = agent.check(true);
    assert_eq!((code, &probe(&report, "corp: srv:corp.test")["ok"]), (1, &false.into()), "{report:#}");
}
