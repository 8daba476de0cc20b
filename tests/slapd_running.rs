//! The agent itself, `run`, on a real OpenLDAP server: a refused password, and a stop while it reads.

#![allow(clippy::expect_used, reason = "a test that cannot go on ends here")]

mod support;

use std::time::Duration;

use support::counting_proxy::CountingProxy;
use support::process::{now, wait_until};
use support::{Agent, FaultProxy, Slapd, ldif};

const SOON: Duration = Duration::from_secs(20);

/// An agent that makes a cycle every second.
fn agent(url: &str, slapd: &Slapd, password: &str) -> Agent {
    let agent = Agent::new("");
    agent.secret("pw", password);
    agent.write_config(&format!(
        "[agent]\nname = \"test\"\nstate_dir = \"state\"\npoll = \"1s\"\n\
         [[directory]]\nname = \"corp\"\nkind = \"openldap\"\nurl = [\"{url}\"]\nbind_dn = \"{}\"\n\
         bind_password = {{ file = \"pw\" }}\nbase = [\"ou=people,{}\"]\ntimeout = \"10s\"\npage_size = 50\n\
         [[pool]]\nname = \"standard\"\nseats = 5000\n",
        slapd.sync_dn, slapd.base,
    ));
    agent
}

fn wait_for_cycles(agent: &Agent, more: usize) {
    let cycles = agent.history().len();
    wait_until("more cycles", SOON, || agent.history().len() >= cycles + more);
}

#[test]
fn a_refused_password_is_sent_once_until_it_changes_a_person_asks_or_an_hour_has_passed() {
    let slapd = Slapd::start();
    slapd.seed(3);
    let proxy = CountingProxy::start(&slapd.address());
    let agent = agent(&proxy.url, &slapd, "wrong");
    let running = agent.start();
    wait_for_cycles(&agent, 4);
    assert_eq!(proxy.binds(), 1);

    for asked in 1..=2 {
        let (code, report) = agent.sync();
        assert_eq!((code, &report["outcome"]), (1, &"failed".into()), "{report}");
        assert_eq!(proxy.binds(), 1 + asked);
    }
    wait_for_cycles(&agent, 3);
    assert_eq!(proxy.binds(), 3);

    let config = std::fs::read_to_string(agent.config_file()).expect("the config");
    agent.write_config(&config.replace("cn=sync,", "cn=admin,"));
    wait_until("the other name is tried", SOON, || proxy.binds() == 4);
    wait_for_cycles(&agent, 3);
    assert_eq!(proxy.binds(), 4);

    an_hour_passes(&agent);
    wait_until("it is tried after an hour", SOON, || proxy.binds() == 5);
    wait_for_cycles(&agent, 3);
    assert_eq!(proxy.binds(), 5);

    assert!(agent.names("active").is_empty());
    agent.secret("pw", &slapd.password);
    wait_until("the agent recovers by itself", SOON, || agent.names("active").len() == 3);
    assert_eq!(running.terminate().code, 0);
}

/// As far as the agent can tell: what it remembers of the refusal is an hour older.
fn an_hour_passes(agent: &Agent) {
    let state = rusqlite::Connection::open(agent.folder().join("state/state.db")).expect("the state");
    state.busy_timeout(SOON).expect("waiting for the agent");
    let changed = state.execute("UPDATE directory SET refused_at = refused_at - 3600", []).expect("an older refusal");
    assert_eq!(changed, 1);
}

#[test]
fn told_to_stop_during_a_long_read_the_agent_ends_at_once_with_its_state_as_it_was() {
    let slapd = Slapd::start_with(&ldif::people("dc=lab,dc=test", 300));
    let slow = FaultProxy::start(&slapd.address(), "delay=200,after=1");
    let agent = agent(&slow.url, &slapd, &slapd.password);
    assert_eq!(agent.sync().0, 0);
    let running = agent.start();
    wait_until("the agent runs", SOON, || agent.status()["running"] == true);
    std::thread::sleep(Duration::from_secs(2));
    let clock = now();
    let ended = running.terminate();
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(clock.elapsed() < Duration::from_secs(5), "{:?}", clock.elapsed());
    assert!(ended.stderr.contains("given up while reading"), "{}", ended.stderr);
    let status = agent.status();
    assert_eq!((&status["running"], &status["last_cycle"]["outcome"]), (&false.into(), &"ok".into()), "{status}");
    assert_eq!(agent.names("active").len(), 300);
}

#[test]
fn what_is_decided_during_a_long_read_is_carried_out_at_once_and_the_read_is_made_again() {
    let slapd = Slapd::start_with(&ldif::people("dc=lab,dc=test", 40));
    let slow = FaultProxy::start(&slapd.address(), "delay=200,after=1");
    let agent = agent(&slow.url, &slapd, &slapd.password);
    let config = std::fs::read_to_string(agent.config_file()).expect("the config");
    agent.write_config(&config.replace("seats = 5000", "seats = 39").replace("poll = \"1s\"", "poll = \"5m\""));
    assert_eq!(agent.sync().0, 0);
    let waiting = agent.names("pending").remove(0);
    let running = agent.start();
    wait_until("the agent runs", SOON, || agent.status()["running"] == true);
    std::thread::sleep(Duration::from_secs(2));
    let clock = now();
    let denied = agent.decide("deny", &[&waiting]);
    assert_eq!(denied.code, 0, "{denied:?}");
    assert!(clock.elapsed() < Duration::from_secs(4), "{:?}", clock.elapsed());
    wait_until("the read is made again", SOON, || agent.names("denied") == [waiting.clone()]);
    let ended = running.terminate();
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stderr.contains("given up for what somebody asks"), "{}", ended.stderr);
}

#[test]
fn a_second_sync_waits_for_the_first_and_looking_does_not() {
    let slapd = Slapd::start_with(&ldif::people("dc=lab,dc=test", 30));
    let slow = FaultProxy::start(&slapd.address(), "delay=150");
    let agent = agent(&slow.url, &slapd, &slapd.password);
    let first = agent.spawn(&["--json", "sync"], &[]);
    wait_until("the first one works", SOON, || agent.folder().join("state/agent.holder").exists());
    let second = agent.spawn(&["--json", "sync"], &[]);
    let clock = now();
    assert_eq!((agent.status()["running"].clone(), agent.users().len()), (false.into(), 0));
    assert!(clock.elapsed() < Duration::from_secs(3), "{:?}", clock.elapsed());
    let (first, second) = (first.wait(), second.wait());
    assert_eq!((first.code, second.code), (0, 0), "{first:?} {second:?}");
    assert_eq!((&first.json()["cycle"], &second.json()["cycle"]), (&1.into(), &2.into()));
    assert_eq!(agent.names("active").len(), 30);
}

#[test]
fn a_server_that_does_not_say_where_it_stands_is_less_and_no_failure_and_everyone_is_counted() {
    let slapd = Slapd::start_without_syncprov(&ldif::people("dc=lab,dc=test", 120));
    let agent = agent(&slapd.url, &slapd, &slapd.password);
    let (code, checked) = agent.check(true);
    assert_eq!(code, 0, "{checked}");
    let probes = checked["probes"].as_array().expect("probes");
    let probe = |what: &str| probes.iter().find(|probe| probe["what"] == what).expect("the probe");
    let watermark = probe("corp: watermark");
    assert_eq!(watermark["ok"], true, "{watermark}");
    assert!(watermark["lost"].is_string() && watermark["remedy"].to_string().contains("syncprov"), "{watermark}");
    let people = probe("corp: people")["message"].to_string();
    assert!(people.contains("read to the end: ") && people.contains("120 people in scope"), "{people}");
    let told = agent.run(&["check", "--connect"]).stdout;
    assert!(told.contains("  less   corp: watermark") && told.ends_with("3 things could be better\n"), "{told}");
}
