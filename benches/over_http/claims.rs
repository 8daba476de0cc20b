//! Sixteen clients who claim seats of one pool, a request a seat, until long after there is none left.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::service::{Service, client};

pub const CLIENTS: usize = 16;
/// Accounts made by one request.
const BULK: usize = 1_000;

/// What one run came to.
pub struct Claimed {
    pub wall: Duration,
    /// The slowest hundredth took longer than this.
    pub slowest: Duration,
}

/// So many claims on a tenth as many seats, each answered when it is durable.
pub fn measure(runtime: &Runtime, claims: usize) -> Claimed {
    let seats = claims / 10;
    let service = Arc::new(Service::start(seats));
    runtime.block_on(async {
        let ids = Arc::new(accounts(&service, claims).await);
        let next = Arc::new(AtomicUsize::new(0));
        let start = Instant::now();
        let tasks: Vec<_> = (0..CLIENTS)
            .map(|_| tokio::spawn(claim_all(Arc::clone(&service), Arc::clone(&ids), Arc::clone(&next))))
            .collect();
        let (mut held, mut took) = (0, Vec::new());
        for task in tasks {
            let one = task.await.expect("a client");
            held += one.0;
            took.extend(one.1);
        }
        let wall = start.elapsed();
        assert_eq!((held, took.len()), (seats, claims), "as many seats as there are, and an answer to everybody");
        assert_eq!(service.pool(&client()).await, (seats as u64, (claims - seats) as u64), "never one too many");
        took.sort_unstable();
        Claimed { wall, slowest: took[took.len() - 1 - took.len() / 100] }
    })
}

/// New accounts, none of which has a seat.
async fn accounts(service: &Service, number: usize) -> Vec<String> {
    let (client, mut ids) = (client(), Vec::with_capacity(number));
    while ids.len() < number {
        let item = |number: usize| {
            let name = format!("u{number:07}");
            let profile = json!({ "user_name": name, "email": format!("{name}@corp.example") });
            json!({ "key": name, "do": "put", "external_id": name, "profile": profile, "if_match": null })
        };
        let items: Vec<Value> = (ids.len()..number.min(ids.len() + BULK)).map(item).collect();
        let request = service.ask(&client, Method::POST, "bulk").header("Idempotency-Key", format!("b{}", ids.len()));
        let answer: Value =
            request.json(&json!({ "items": items })).send().await.expect("an answer").json().await.expect("JSON");
        let made = answer["results"].as_array().unwrap_or_else(|| panic!("no accounts: {answer}"));
        ids.extend(made.iter().map(|one| one["account"]["id"].as_str().expect("an id").to_owned()));
    }
    ids
}

/// One client: how many seats it got, and how long each answer took.
async fn claim_all(service: Arc<Service>, ids: Arc<Vec<String>>, next: Arc<AtomicUsize>) -> (usize, Vec<Duration>) {
    let (client, mut held, mut took) = (client(), 0, Vec::new());
    while let Some(id) = ids.get(next.fetch_add(1, Ordering::Relaxed)) {
        let start = Instant::now();
        held += usize::from(claim(&service, &client, id).await == "held");
        took.push(start.elapsed());
    }
    (held, took)
}

async fn claim(service: &Service, client: &Client, id: &str) -> String {
    let request = service.ask(client, Method::PUT, &format!("accounts/{id}/seats/standard")).json(&json!({}));
    let account: Value = request.send().await.expect("an answer").json().await.expect("an account");
    account["seats"][0]["state"].as_str().unwrap_or_else(|| panic!("no seat: {account}")).to_owned()
}
