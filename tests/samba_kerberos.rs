//! `bind = "kerberos"` at a real Samba domain controller: who logs on with which keytab, that tickets never run out, and what each
//! refusal is called. Built with the feature `kerberos` alone.

#![cfg(feature = "kerberos")]
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on ends here")]

mod support;

use std::net::{TcpListener, UdpSocket};
use std::time::Duration;

use serde_json::Value;
use support::process::{now, wait_until};
use support::{Agent, Samba, ldif};

const SOON: Duration = Duration::from_secs(30);

/// An account of one's own, and a keytab of it as the administrator exports it.
fn account(samba: &Samba, agent: &Agent, name: &str) -> String {
    let user = format!("k{}{name}", std::process::id());
    samba.administer(&format!("samba-tool user create {user} Passw0rd.{user}"));
    export(samba, agent, &user, name);
    user
}

/// `NAME.keytab` in the agent's folder.
fn export(samba: &Samba, agent: &Agent, user: &str, name: &str) {
    let file = agent.folder().join(format!("{name}.keytab"));
    let _ = std::fs::remove_file(&file);
    samba.administer(&format!("samba-tool domain exportkeytab '{}' --principal={user}@LAB.TEST", file.display()));
    samba.administer(&format!("chmod 600 '{}'", file.display()));
}

/// A machine of the domain: it knows the controller by name, and where Kerberos is.
fn machine(samba: &Samba) -> Agent {
    let mut agent = Agent::new("");
    agent.finds("/etc/hosts", &format!("127.0.0.1 localhost\n{} {}\n", samba.ip, samba.host));
    kerberos_at(&mut agent, &samba.ip, "");
    agent.set_environment("KRB5CCNAME", "FILE:/nowhere/at/all");
    agent
}

fn kerberos_at(agent: &mut Agent, kdc: &str, more: &str) {
    let file = agent.folder().join("krb5.conf");
    let text = format!(
        "[libdefaults]\ndefault_realm = LAB.TEST\ndns_lookup_realm = false\ndns_lookup_kdc = false\nrdns = false\n{more}\n\
         [realms]\nLAB.TEST = {{\nkdc = {kdc}\n}}\n[domain_realm]\n.lab.test = LAB.TEST\nlocalhost = LAB.TEST\n"
    );
    std::fs::write(&file, text).expect("writing krb5.conf");
    agent.set_environment("KRB5_CONFIG", &file.display().to_string());
}

fn directory(name: &str, url: &str, samba: &Samba, base: &str, keys: &str) -> String {
    format!(
        "[[directory]]\nname = \"{name}\"\nurl = [\"{url}\"]\nca_file = \"{}\"\nbind = \"kerberos\"\nbase = [\"{base}\"]\ntimeout = \
         \"10s\"\n{keys}\n",
        samba.ca.display()
    )
}

fn configure(agent: &Agent, directories: &str) {
    agent.write_config(&format!("{directories}\n[[pool]]\nname = \"standard\"\nseats = 10\n"));
}

/// An agent that logs on as the account of its keytab.
fn logged_on(samba: &Samba, name: &str) -> (Agent, String) {
    let agent = machine(samba);
    let user = account(samba, &agent, name);
    let base = samba.ou("kerberos");
    samba.add(&ldif::ad_person(&base, &format!("{user}-ada")));
    configure(&agent, &directory("corp", &samba.named_url(), samba, &base, &format!("keytab = \"{name}.keytab\"")));
    (agent, user)
}

/// What is said of a cycle that could not log on.
fn problem(agent: &Agent) -> String {
    let (code, report) = agent.sync();
    assert_eq!(code, 1, "{report:#}");
    report["directories"][0]["problem"].as_str().unwrap_or_default().to_owned()
}

fn says(agent: &Agent, words: &[&str]) {
    let told = problem(agent);
    for words in words {
        assert!(told.contains(words), "no {words:?} in: {told}");
    }
}

fn message<'a>(report: &'a Value, what: &str) -> &'a str {
    let probes = report["probes"].as_array().expect("probes");
    let probe = probes.iter().find(|probe| probe["what"] == what);
    probe.unwrap_or_else(|| panic!("no probe {what}: {report:#}"))["message"].as_str().unwrap_or_default()
}

#[test]
fn two_directories_are_read_each_as_the_account_of_its_own_keytab_over_ldaps_and_start_tls() {
    let samba = Samba::shared();
    let agent = machine(&samba);
    let users = ["one", "two"].map(|name| account(&samba, &agent, name));
    let base = samba.ou("kerberos");
    samba.add(&ldif::ad_person(&base, &format!("{}-ada", users[0])));
    let plain = format!("ldap://{}", samba.host);
    let one = directory("one", &samba.named_url(), &samba, &base, "keytab = \"one.keytab\"");
    let two = format!("keytab = \"two.keytab\"\nprincipal = \"{}@LAB.TEST\"\nstart_tls = true", users[1]);
    configure(&agent, &(one + &directory("two", &plain, &samba, "CN=Builtin,DC=lab,DC=test", &two)));
    let (_, report) = agent.check(true);
    for (directory, user) in ["one", "two"].into_iter().zip(&users) {
        let told = message(&report, &format!("{directory}: account"));
        assert!(told.contains(&format!("CN={user},")) && told.ends_with("in no group of administrators"), "{told}");
    }
    let (code, report) = agent.sync();
    assert_eq!((code, &report["directories"][0]["users"]), (0, &1.into()), "{report:#}");
}

#[test]
fn a_running_agent_gets_new_tickets_with_each_connection() {
    let samba = Samba::shared();
    let (mut agent, _) = logged_on(&samba, "long");
    let trace = agent.folder().join("trace");
    agent.set_environment("KRB5_TRACE", &trace.display().to_string());
    let text = std::fs::read_to_string(agent.config_file()).expect("the config");
    agent.write_config(&text.replace("[agent]", "[agent]\npoll = \"1s\""));
    let _running = agent.start();
    wait_until("some cycles", SOON * 2, || agent.history().len() >= 5);
    let outcomes: Vec<Value> = agent.history().iter().map(|cycle| cycle["outcome"].clone()).collect();
    assert!(outcomes.iter().all(|outcome| outcome == "ok"), "{outcomes:?}");
    let traced = std::fs::read_to_string(&trace).expect("what the library traced");
    let got = traced.matches("Getting initial credentials for").count();
    assert!(got >= outcomes.len(), "{got} tickets for {} cycles", outcomes.len());
}

#[test]
fn a_changed_key_is_told_and_a_new_keytab_mends_it() {
    let samba = Samba::shared();
    let (agent, user) = logged_on(&samba, "changed");
    assert_eq!(agent.sync().0, 0);
    samba.administer(&format!("samba-tool user setpassword {user} --newpassword=Passw0rd.other"));
    says(&agent, &["the key is not the account's any more", "Export a new keytab"]);
    export(&samba, &agent, &user, "changed");
    assert_eq!(agent.sync().0, 0);
}

#[test]
fn accounts_that_are_not_there_disabled_or_not_in_the_keytab_are_told_apart() {
    let samba = Samba::shared();
    let (agent, user) = logged_on(&samba, "who");
    let text = std::fs::read_to_string(agent.config_file()).expect("the config");
    agent.write_config(&text.replace("keytab =", "principal = \"somebody@LAB.TEST\"\nkeytab ="));
    says(&agent, &["as somebody@LAB.TEST", "the keytab has no key of this account", "klist -k"]);
    agent.write_config(&text);
    samba.administer(&format!("samba-tool user disable {user}"));
    says(&agent, &["the account is disabled or locked"]);
    samba.administer(&format!("samba-tool user delete {user}"));
    says(&agent, &["the domain knows no such account", "Mend `principal`"]);
}

#[test]
fn without_a_keytab_the_account_it_runs_as_needs_a_ticket() {
    let samba = Samba::shared();
    let agent = machine(&samba);
    configure(&agent, &directory("corp", &samba.named_url(), &samba, "DC=lab,DC=test", ""));
    says(&agent, &["as the account this runs as", "has no ticket", "Set `keytab`"]);
}

#[test]
fn a_server_by_a_name_that_the_domain_does_not_know_is_told() {
    let samba = Samba::shared();
    let (mut agent, _) = logged_on(&samba, "spn");
    // Its certificate is for this name, too.
    agent.finds("/etc/hosts", &format!("{} localhost\n", samba.ip));
    let text = std::fs::read_to_string(agent.config_file()).expect("the config");
    agent.write_config(&text.replace(&samba.host, "localhost"));
    says(&agent, &["the domain knows no LDAP server of this name", "Write the host name of the domain controller"]);
}

#[test]
fn a_clock_that_is_off_is_told() {
    let mut samba = Samba::own();
    samba.restart(|folder| std::fs::write(folder.join("faketime"), "+2h").expect("setting its clock"));
    let (mut agent, _) = logged_on(&samba, "clock");
    // What the library would else make good by itself.
    kerberos_at(&mut agent, &samba.ip, "kdc_timesync = 0");
    says(&agent, &["this machine's clock and that of the domain differ too much", "Set the clock"]);
}

#[test]
fn a_kerberos_server_that_is_silent_holds_nobody_up_for_longer_than_the_timeout() {
    let samba = Samba::shared();
    let (mut agent, _) = logged_on(&samba, "silent");
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = silent.local_addr().expect("its address").port();
    let _too = UdpSocket::bind(("127.0.0.1", port));
    kerberos_at(&mut agent, &format!("127.0.0.1:{port}"), "");
    let text = std::fs::read_to_string(agent.config_file()).expect("the config");
    agent.write_config(&text.replace("timeout = \"10s\"", "timeout = \"2s\""));
    let began = now();
    says(&agent, &["no answer within 2s, from it or a Kerberos server", "port 88"]);
    assert!(began.elapsed() < Duration::from_mins(1), "{:?}", began.elapsed());
}

#[test]
fn a_controller_that_wants_kerberos_to_sign_is_told_with_its_own_setting() {
    let mut samba = Samba::own();
    samba.restart(|folder| {
        let file = folder.join("etc/smb.conf");
        let text = std::fs::read_to_string(&file).expect("smb.conf");
        std::fs::write(&file, text.replace("strong auth = no", "strong auth = yes")).expect("writing smb.conf");
    });
    let (agent, _) = logged_on(&samba, "sign");
    says(&agent, &["although TLS encrypts already", "ldap server require strong auth = allow_sasl_over_tls"]);
    samba.restart(|folder| {
        let file = folder.join("etc/smb.conf");
        let text = std::fs::read_to_string(&file).expect("smb.conf");
        std::fs::write(&file, text.replace("auth = yes", "auth = allow_sasl_over_tls")).expect("writing smb.conf");
    });
    assert_eq!(agent.sync().0, 0);
}
