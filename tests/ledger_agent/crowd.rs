//! Many at once: sixteen agents on ten thousand people and a thousand seats, killed while they work.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use super::ledger::{Served, twin};
use crate::support::company::company_of;
use crate::support::process::{now, wait_until};
use crate::support::{Agent, HttpProxy};

const AGENTS: usize = 16;
const PEOPLE: usize = 10_000;
const SEATS: u32 = 1_000;

/// Debug builds on a busy machine are slow; what is asked for is order, not speed.
const PATIENCE: Duration = Duration::from_mins(5);

#[test]
fn sixteen_agents_hold_exactly_the_thousand_seats_by_the_order_whoever_of_them_is_killed() {
    let ledger = Served::start();
    ledger.buy("standard", SEATS);
    let proxy = HttpProxy::start(&ledger.address());
    let company = company_of(PEOPLE, "");
    company.write();
    let agents: Vec<Agent> = (0..AGENTS)
        .map(|number| {
            let named = format!("[agent]\nname = \"a{number:02}\"\nstate_dir = \"state\"\npoll = \"30s\"\n");
            let agent = twin(&company, &named, &proxy.url(), &ledger.connector, "");
            let config = std::fs::read_to_string(agent.config_file()).expect("the config");
            agent.write_config(&config.replace("timeout = \"2s\"", "timeout = \"1m\""));
            agent
        })
        .collect();
    let mut running: Vec<_> = agents.iter().map(|agent| Some(agent.start())).collect();
    let worker = || ledger.holder().map(|holder| holder[1..3].parse::<usize>().expect("a number"));

    // Three times the one who works is killed while its claims are on their way.
    let mut killed = BTreeSet::new();
    while killed.len() < 3 {
        let before = proxy.count("POST /v1/companies/acme/batches");
        let done = || ledger.pool("standard").1 > 0;
        wait_until("claims are on their way", PATIENCE, || {
            done() || proxy.count("POST /v1/companies/acme/batches") > before
        });
        let Some(at_work) = worker().filter(|number| killed.insert(*number)) else { break };
        drop(running[at_work].take().expect("a running agent").kill());
        let clock = now();
        wait_until("another one takes over", PATIENCE, || worker().is_some_and(|number| !killed.contains(&number)));
        assert!(clock.elapsed() < Duration::from_secs(30), "{:?}", clock.elapsed());
    }
    assert!(!killed.is_empty());

    let rest = PEOPLE as u64 - u64::from(SEATS);
    wait_until("everybody is served or waits", PATIENCE, || {
        ledger.pool("standard") == (SEATS.into(), SEATS.into(), rest)
    });
    let mut order: Vec<(Timestamp, Timestamp, String)> = Vec::new();
    let mut holders: BTreeSet<String> = BTreeSet::new();
    for account in ledger.accounts() {
        let text = |value: &serde_json::Value| value.as_str().expect("text").to_owned();
        let (seat, anchor) = (&account["seats"][0], text(&account["owner"]["anchor"]));
        if seat["state"] == "held" {
            holders.insert(anchor.clone());
        }
        let time = |value: &serde_json::Value| text(value).parse().expect("a time");
        order.push((time(&seat["since"]), time(&seat["created"]), anchor));
    }
    order.sort();
    assert_eq!(order.len(), PEOPLE, "nobody is lost, nobody doubled");
    let first: BTreeSet<String> = order.into_iter().take(SEATS as usize).map(|(_, _, anchor)| anchor).collect();
    assert_eq!(holders, first);
    for agent in running.into_iter().flatten() {
        assert_eq!(agent.terminate().code, 0);
    }
}
