//! A running agent that makes a cycle once a day by itself follows what a real OpenLDAP server tells it as it happens.

#![allow(
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test that cannot go on ends here; it shows how long things took"
)]

mod support;

use std::time::{Duration, Instant};

use serde_json::Value;
use support::counting_proxy::CountingProxy;
use support::process::{now, wait_until};
use support::{Agent, Slapd, ldif};

/// Within this a joiner is to hold a seat.
const AT_ONCE: Duration = Duration::from_secs(2);
const SOON: Duration = Duration::from_secs(20);
const BASE: &str = "dc=lab,dc=test";

/// An agent that makes a cycle of its own accord once a day.
fn agent(url: &str, slapd: &Slapd, more: &str) -> Agent {
    let agent = Agent::new("");
    agent.secret("pw", &slapd.password);
    agent.write_config(&format!(
        "[agent]\nname = \"test\"\nstate_dir = \"state\"\npoll = \"24h\"\n{more}\
         [[directory]]\nname = \"corp\"\nkind = \"openldap\"\nurl = [\"{url}\"]\nbind_dn = \"{}\"\n\
         bind_password = {{ file = \"pw\" }}\nbase = [\"ou=people,{BASE}\"]\ntimeout = \"2s\"\n\
         [[pool]]\nname = \"standard\"\nseats = 5000\n[guard]\npercent = 100\nfloor = 5000\n",
        slapd.sync_dn,
    ));
    agent
}

/// As the ledger has it, which asks the agent nothing.
fn holds(agent: &Agent, uid: &str) -> bool {
    let ledger = rusqlite::Connection::open(agent.folder().join("ledger.db")).expect("the ledger");
    ledger.busy_timeout(SOON).expect("waiting for the agent");
    let sql = "SELECT COUNT(*) FROM assignment JOIN account ON account.id = assignment.account \
               WHERE account.user_name = ?1 AND assignment.state = 'held'";
    ledger.query_row(sql, [uid], |row| row.get::<_, i64>(0)).expect("the seats") == 1
}

/// Runs the agent until its watch is there: then the proxy has one connection that stays.
fn start(agent: &Agent, proxy: &CountingProxy) -> support::agent::Running {
    let running = agent.start();
    wait_until("the first cycle", SOON, || !agent.history().is_empty());
    // The first cycle on a new ledger leaves nothing to follow from.
    assert_eq!(agent.sync().0, 0);
    wait_until("the watch", SOON, || proxy.open() == 1);
    std::thread::sleep(Duration::from_millis(500));
    running
}

fn join(slapd: &Slapd, uid: &str) -> Instant {
    slapd.add(&ldif::person(BASE, uid));
    now()
}

/// Waits for the seat of somebody who was just added.
fn is_seated(agent: &Agent, uid: &str, added: Instant, within: Duration) {
    wait_until(&format!("{uid} holds a seat"), within, || holds(agent, uid));
    eprintln!("{uid} held a seat {} ms after the entry was there", added.elapsed().as_millis());
}

fn mode(agent: &Agent) -> Value {
    agent.status()["last_cycle"]["directories"][0]["mode"].clone()
}

#[test]
fn who_joins_moves_or_leaves_is_served_at_once() {
    let slapd = Slapd::start_with(&ldif::people(BASE, 20));
    let proxy = CountingProxy::start(&slapd.address());
    let agent = agent(&proxy.url, &slapd, "");
    let running = start(&agent, &proxy);
    for uid in ["one", "two", "three"] {
        is_seated(&agent, uid, join(&slapd, uid), AT_ONCE);
        wait_until("that cycle ends", AT_ONCE, || mode(&agent) == "delta");
    }
    slapd.modify(&ldif::replace(&slapd.dn("one"), "pwdAccountLockedTime", &["000001010000Z"]));
    wait_until("the leaver loses the seat", AT_ONCE, || !holds(&agent, "one"));
    slapd.modify(&ldif::rename(&slapd.dn("two"), "uid=second", None));
    wait_until("the new name", AT_ONCE, || holds(&agent, "second"));
    wait_until("the cycles end their connections, and the watch keeps its one", SOON, || proxy.open() == 1);
    assert_eq!(running.terminate().code, 0);
    wait_until("the watch ends with the agent", SOON, || proxy.open() == 0);
}

#[test]
fn a_thousand_changes_at_once_make_a_few_cycles() {
    let slapd = Slapd::start_with(&ldif::people(BASE, 1_000));
    let proxy = CountingProxy::start(&slapd.address());
    let agent = agent(&proxy.url, &slapd, "");
    let _running = start(&agent, &proxy);
    let before = agent.history().len();
    let clock = now();
    for batch in 0..20 {
        let people = (1..=50).map(|number| slapd.dn(&format!("u{:07}", batch * 50 + number)));
        slapd.modify(&people.map(|dn| ldif::replace(&dn, "displayName", &["New"])).collect::<String>());
        std::thread::sleep(Duration::from_millis(80));
    }
    eprintln!("1,000 changes made in {} ms", clock.elapsed().as_millis());
    let ledger = || rusqlite::Connection::open(agent.folder().join("ledger.db")).expect("the ledger");
    let renamed = || {
        let sql = "SELECT COUNT(*) FROM account WHERE display_name = 'New'";
        ledger().query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap_or_default()
    };
    wait_until("all of them are applied", SOON, || renamed() == 1_000);
    eprintln!("applied {} ms after the first was made", clock.elapsed().as_millis());
    std::thread::sleep(AT_ONCE);
    let cycles = agent.history().len() - before;
    eprintln!("by {cycles} cycles");
    assert!(cycles <= 10, "{cycles} cycles");
}

#[test]
fn a_server_that_was_away_is_watched_again_and_what_changed_meanwhile_is_found() {
    let mut slapd = Slapd::start_with(&ldif::people(BASE, 5));
    let proxy = CountingProxy::start(&slapd.address());
    let agent = agent(&proxy.url, &slapd, "");
    let _running = start(&agent, &proxy);
    slapd.down();
    wait_until("the watch is lost", SOON, || proxy.open() == 0);
    assert_eq!(agent.history().len(), 2, "no cycle fails for it");
    slapd.up();
    // Perhaps before the watch is back.
    is_seated(&agent, "meanwhile", join(&slapd, "meanwhile"), SOON);
    wait_until("the watch is back", SOON, || proxy.open() == 1);
    std::thread::sleep(AT_ONCE);
    is_seated(&agent, "after", join(&slapd, "after"), AT_ONCE);
}

#[test]
fn a_connection_that_is_dead_without_a_word_is_noticed() {
    let slapd = Slapd::start_with(&ldif::people(BASE, 5));
    let proxy = CountingProxy::start(&slapd.address());
    let agent = agent(&proxy.url, &slapd, "");
    let _running = start(&agent, &proxy);
    proxy.mute();
    is_seated(&agent, "unheard", join(&slapd, "unheard"), SOON);
    std::thread::sleep(AT_ONCE);
    is_seated(&agent, "heard", join(&slapd, "heard"), AT_ONCE);
}

#[test]
fn a_watch_whose_credentials_are_refused_tries_them_once_and_so_does_the_next_cycle_not_at_all() {
    let slapd = Slapd::start_with(&ldif::people(BASE, 3));
    let proxy = CountingProxy::start(&slapd.address());
    let agent = agent(&proxy.url, &slapd, "");
    let running = start(&agent, &proxy);
    let (before, cycles) = (proxy.binds(), agent.history().len());
    // So that no cycle hears of it and is refused first.
    proxy.mute();
    slapd.modify(&ldif::replace(&slapd.sync_dn, "userPassword", &["another"]));
    wait_until("the watch tries again", SOON, || proxy.binds() > before);
    std::thread::sleep(Duration::from_secs(5));
    assert_eq!((proxy.binds(), agent.history().len()), (before + 1, cycles));
    running.signal("HUP");
    wait_until("a cycle that nobody typed", SOON, || agent.history().len() > cycles);
    assert_eq!((proxy.binds(), proxy.open()), (before + 1, 0), "what was refused to the watch, a cycle does not try");
    assert_eq!(agent.history().last().expect("a cycle")["outcome"], "failed");
    agent.secret("pw", "another");
    running.signal("HUP");
    wait_until("the watch is back", SOON, || proxy.open() == 1);
    std::thread::sleep(AT_ONCE);
    is_seated(&agent, "after", join(&slapd, "after"), AT_ONCE);
}

#[test]
fn without_push_nobody_watches_and_a_config_of_later_can_change_that() {
    let slapd = Slapd::start_with(&ldif::people(BASE, 3));
    let proxy = CountingProxy::start(&slapd.address());
    let agent = agent(&proxy.url, &slapd, "push = false\n");
    let running = agent.start();
    wait_until("the first cycle", SOON, || !agent.history().is_empty());
    join(&slapd, "unseen");
    std::thread::sleep(Duration::from_secs(3));
    assert!(!holds(&agent, "unseen") && proxy.open() == 0);
    let config = std::fs::read_to_string(agent.config_file()).expect("the config");
    agent.write_config(&config.replace("push = false\n", ""));
    running.signal("HUP");
    wait_until("the watch", SOON, || proxy.open() == 1);
    std::thread::sleep(AT_ONCE);
    is_seated(&agent, "seen", join(&slapd, "seen"), AT_ONCE);
    agent.write_config(&config);
    running.signal("HUP");
    wait_until("no watch", SOON, || proxy.open() == 0);
}

#[test]
fn a_server_that_cannot_push_is_less_and_no_failure_and_polled() {
    let slapd = Slapd::start_without_syncprov(&ldif::people(BASE, 3));
    let agent = agent(&slapd.url, &slapd, "");
    let config = std::fs::read_to_string(agent.config_file()).expect("the config");
    agent.write_config(&config.replace("poll = \"24h\"", "poll = \"1s\""));
    let (code, checked) = agent.check(true);
    let push = probe(&checked);
    assert!(code == 0 && push["ok"] == true && push["message"].to_string().contains("does not push"), "{checked}");
    assert!(push["lost"].is_string() && push["remedy"].to_string().contains("syncprov"), "{push}");
    let running = agent.spawn(&["-v", "run"], &[]);
    wait_until("the first cycle", SOON, || !agent.history().is_empty());
    is_seated(&agent, "late", join(&slapd, "late"), SOON);
    wait_until("more cycles", SOON, || agent.history().len() >= 5);
    let log = running.terminate().stderr;
    assert_eq!(log.matches("does not push changes").count(), 1, "said once: {log}");
}

#[test]
fn a_server_that_pushes_is_found_to() {
    let slapd = Slapd::start_with(&ldif::people(BASE, 3));
    let (code, checked) = agent(&slapd.url, &slapd, "").check(true);
    let push = probe(&checked);
    assert_eq!((code, &push["ok"], &push["lost"]), (0, &true.into(), &Value::Null), "{checked}");
}

fn probe(checked: &Value) -> Value {
    let probes = checked["probes"].as_array().expect("probes");
    probes.iter().find(|probe| probe["what"] == "corp: push").expect("the probe").clone()
}
