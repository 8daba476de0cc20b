//! Real processes on both sides: a ledger that is served, agents and clients that ask it, and what kills them.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on ends here")]
#![cfg(unix)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

use support::company::{Company, names};
use support::ledger_process::{Place, Serving};
use support::process::{now, wait_until};

const LONG: Duration = Duration::from_mins(1);

fn company_of(people: usize, serving: &Serving, token: &str, more: &str) -> Company {
    let names = names(people);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let config = format!(
        "[[pool]]\nname = \"standard\"\n{more}\n[backend]\nkind = \"ledger\"\ncompany = \"acme\"\nurl = \"{}\"\n\
         token = {{ file = \"token\" }}\ntimeout = \"5s\"\n",
        serving.url
    );
    let company = Company::new(&names, &config);
    company.agent.secret("token", token);
    company.write();
    company
}

/// A company with a pool and a connector: its token.
fn furnish(place: &Place, seats: usize) -> String {
    place.json(&["ledger", "company", "add", "acme"]);
    place.json(&["ledger", "pool", "set", "standard", "--seats", &seats.to_string()]);
    place.json(&["ledger", "connector", "add", "main"])["token"].as_str().unwrap().to_owned()
}

#[test]
fn seats_bought_by_a_verb_reach_who_waits_and_the_running_agent_within_two_seconds() {
    let place = Place::new("");
    let token = furnish(&place, 2);
    let serving = place.serve();
    let company = company_of(5, &serving, &token, "[seats]\npromotion = \"automatic\"\n");
    let running = company.agent.start();
    wait_until("two seats are given", LONG, || company.agent.names("active").len() == 2);
    std::thread::sleep(Duration::from_secs(2));
    for seats in [3, 4] {
        let clock = now();
        place.json(&["ledger", "pool", "set", "standard", "--seats", &seats.to_string()]);
        wait_until("the agent knows", LONG, || company.agent.names("active").len() == seats);
        // Two, and what starting three processes costs where everything is busy.
        assert!(clock.elapsed() < Duration::from_secs(4), "{:?}", clock.elapsed());
    }
    assert_eq!(running.terminate().code, 0);
}

#[test]
fn an_agent_that_was_frozen_finds_another_at_work_and_writes_nothing() {
    let place = Place::new("");
    let token = furnish(&place, 5);
    let serving = place.serve();
    let agent = |name: &str| format!("[agent]\nname = \"{name}\"\nstate_dir = \"state\"\npoll = \"1s\"\n");
    let mut first = company_of(5, &serving, &token, &agent("one"));
    let second = company_of(5, &serving, &token, &agent("two"));
    let one = first.agent.start();
    wait_until("the first works", LONG, || first.agent.names("active").len() == 5);
    let two = second.agent.start();
    wait_until("the second stands by", LONG, || !second.agent.status()["standby"].is_null());

    one.signal("STOP");
    let clock = now();
    wait_until("the second takes over", LONG, || second.agent.status()["standby"].is_null());
    assert!(clock.elapsed() < Duration::from_secs(30), "{:?}", clock.elapsed());
    // What the first sees when it wakes would make it suspend somebody; the second sees everybody.
    first.disable("p001");
    first.write();
    one.signal("CONT");
    wait_until("the first knows that it stands by", LONG, || {
        first.agent.status()["standby"]["holder"].as_str().is_some_and(|holder| holder.starts_with("two/"))
    });
    assert_eq!(second.agent.names("active").len(), 5, "nothing was written beside the agent at work");
    assert_eq!((one.terminate().code, two.terminate().code), (0, 0));
}

const CLIENTS: usize = 16;
const CLAIMS: usize = 10_000;
const SEATS: usize = 1_000;
const KILLS: usize = 3;

/// The rank that a claim is sent with: the higher the number, the sooner.
const fn rank(number: usize) -> usize {
    (CLAIMS - number) % 7
}

/// A power cut in the midst of ten thousand claims: whatever was answered is there, nothing is doubled, never a seat too
/// many, and clients that ask again get all of it.
#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_claims_of_sixteen_clients_and_three_kills_end_with_every_seat_held_once_and_the_queue_in_order() {
    let place = Place::new("");
    furnish(&place, SEATS);
    let token = place.json(&["ledger", "token", "add", "admin"])["token"].as_str().unwrap().to_owned();
    let serving = place.serve();
    let address = serving.url.trim_start_matches("http://").to_owned();
    let crowd = Arc::new(Crowd::new(&serving.url, token));
    crowd.make_accounts().await;

    let tasks: Vec<_> = (0..CLIENTS).map(|_| tokio::spawn(Arc::clone(&crowd).claim_all())).collect();
    let mut serving = Some(serving);
    for kill in 1..=KILLS {
        while crowd.answered.load(Ordering::Relaxed) < kill * CLAIMS / (KILLS + 2) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        serving = Some(restarted(&place, serving.take().unwrap(), &address));
    }
    let mut told = BTreeMap::new();
    for task in tasks {
        told.extend(task.await.unwrap());
    }

    let accounts = crowd.accounts().await;
    assert_eq!((told.len(), accounts.len()), (CLAIMS, CLAIMS), "nobody is lost, nobody doubled");
    let mut held = BTreeSet::new();
    let mut queue = BTreeMap::new();
    for account in &accounts {
        let [seat] = account["seats"].as_array().unwrap().as_slice() else { panic!("one seat each: {account}") };
        let name = account["profile"]["user_name"].as_str().unwrap();
        match seat["state"].as_str().unwrap() {
            "held" => drop(held.insert(name.to_owned())),
            "waiting" => {
                let since: jiff::Timestamp = seat["since"].as_str().unwrap().parse().unwrap();
                let place = (
                    seat["rank"].as_u64().unwrap(),
                    since,
                    account["id"].as_str().unwrap().len(),
                    account["id"].clone().to_string(),
                );
                queue.insert(place, name.to_owned());
            }
            other => panic!("{other}: {account}"),
        }
        // What was answered is so: a seat once held stays held, and who was told to wait may have been promoted since.
        assert!(told[name] != "held" || seat["state"] == "held", "{name} was told held: {account}");
    }
    assert_eq!((held.len(), queue.len()), (SEATS, CLAIMS - SEATS), "every seat is held, and none twice");

    // Seats bought later go to the first of the queue, by rank, since, created and id.
    place.json(&["ledger", "company", "set", "--promotion", "automatic"]);
    place.json(&["ledger", "pool", "set", "standard", "--seats", &(SEATS + 100).to_string()]);
    let after: BTreeSet<String> = crowd
        .accounts()
        .await
        .iter()
        .filter(|account| account["seats"][0]["state"] == "held")
        .map(|account| account["profile"]["user_name"].as_str().unwrap().to_owned())
        .collect();
    let first: BTreeSet<String> = queue.into_values().take(100).collect();
    assert_eq!(after.difference(&held).cloned().collect::<BTreeSet<_>>(), first);
    assert!(held.is_subset(&after));
}

/// A power cut, and another start on the same port.
fn restarted(place: &Place, mut serving: Serving, address: &str) -> Serving {
    serving.signal("KILL");
    serving.ended();
    drop(serving);
    Serving::start(place.command(&["--json", "ledger", "serve"]).env("SEATSYNC__LEDGER__LISTEN", address))
}

/// Clients of one company, each with a connection of its own.
struct Crowd {
    base: String,
    token: String,
    next: AtomicUsize,
    answered: AtomicUsize,
}

impl Crowd {
    fn new(url: &str, token: String) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let base = format!("{url}/v1/companies/acme");
        Self { base, token, next: AtomicUsize::new(1), answered: AtomicUsize::new(0) }
    }

    fn client() -> Client {
        Client::builder().timeout(Duration::from_secs(20)).build().unwrap()
    }

    async fn make_accounts(&self) {
        let client = Self::client();
        for start in (1..=CLAIMS).step_by(1000) {
            let item = |number: usize| {
                let name = format!("u{number:05}");
                let profile = json!({ "user_name": name, "email": format!("{name}@corp.example") });
                json!({ "key": name, "do": "put", "external_id": name, "profile": profile, "if_match": null })
            };
            let items: Vec<Value> = (start..start + 1000).map(item).collect();
            let post = client.post(format!("{}/bulk", self.base)).bearer_auth(&self.token);
            let answer = post.header("Idempotency-Key", format!("b{start}")).json(&json!({ "items": items }));
            let answer: Value = answer.send().await.unwrap().json().await.unwrap();
            let made = answer["results"].as_array().unwrap_or_else(|| panic!("{answer}"));
            assert!(made.iter().all(|one| one["status"] == 201), "{answer}");
        }
    }

    /// Claims for one after the other, again and again until it is answered: what each was told.
    async fn claim_all(self: Arc<Self>) -> Vec<(String, String)> {
        let (client, mut told) = (Self::client(), Vec::new());
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number > CLAIMS {
                return told;
            }
            let name = format!("u{number:05}");
            let state = loop {
                match self.claim(&client, number).await {
                    Some(state) => break state,
                    None => tokio::time::sleep(Duration::from_millis(20)).await,
                }
            };
            self.answered.fetch_add(1, Ordering::Relaxed);
            told.push((name, state));
        }
    }

    /// None: no answer. Numbers of accounts are those of the names, as they were made in order.
    async fn claim(&self, client: &Client, number: usize) -> Option<String> {
        let url = format!("{}/accounts/{number}/seats/standard", self.base);
        let put = client.request(Method::PUT, url).bearer_auth(&self.token).json(&json!({ "rank": rank(number) }));
        let response = put.send().await.ok()?;
        let status = response.status();
        let account: Value = response.json().await.ok()?;
        assert_eq!(status, StatusCode::OK, "{account}");
        assert_eq!(account["profile"]["user_name"], format!("u{number:05}"));
        Some(account["seats"][0]["state"].as_str().unwrap().to_owned())
    }

    async fn accounts(&self) -> Vec<Value> {
        let get = Self::client().get(format!("{}/accounts?limit=10000", self.base)).bearer_auth(&self.token);
        let page: Value = get.send().await.unwrap().json().await.unwrap();
        assert!(page["next_cursor"].is_null());
        page["items"].as_array().unwrap().clone()
    }
}
