//! A company read whole while others write: between any two answers, and as fast as they can.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use reqwest::{Method, StatusCode};
use seatsync::backend::ledger::Ledger as Client;
use seatsync::ledger::Ledger;
use seatsync::model::change::{BackendState, Decision, Verdict};
use seatsync::model::settings::LedgerAccess;
use seatsync::model::{Anchor, PersonId};
use seatsync::ports::Backend as _;
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Mutex;

use crate::harness::{Served, claim, create, key, person, profile};

const POOL: &str = "a";

fn client(url: &str, token: &str) -> Client {
    let access = LedgerAccess {
        url: url.to_owned(),
        token: SecretString::from(token),
        ca_file: None,
        timeout: Duration::from_mins(1),
    };
    Client::new(&access, "acme", "dc01", "dc01/1".to_owned()).unwrap()
}

/// Numbers that look random and are the same for the same seed (Knuth's).
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// Others who change a company: its portal, its approvers, another agent.
struct Others {
    ledger: Arc<Served>,
    dice: Dice,
    epoch: u64,
    /// Numbers of people and portal accounts ever made.
    made: u64,
}

impl Others {
    async fn new(ledger: Arc<Served>, seed: u64) -> Self {
        let epoch = ledger.lease("dc02").await;
        Self { ledger, dice: Dice(seed), epoch, made: 0 }
    }

    async fn people(&mut self, count: u64) {
        let people = self.made + 1..=self.made + count;
        let steps: Vec<Value> = people.flat_map(|n| [create(n.into()), claim(n.into(), POOL)]).collect();
        self.made += count;
        self.batch(&steps).await;
    }

    async fn batch(&self, steps: &[Value]) {
        let answer = self.ledger.batch(self.epoch, &key(), steps).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    }

    /// Changes something, or finds nothing to change.
    async fn act(&mut self) {
        let n = 1 + self.dice.below(self.made);
        let who = u128::from(n);
        match self.dice.below(9) {
            0 => self.people(1).await,
            1 => self.batch(&[json!({ "do": "remove", "person": person(who) })]).await,
            2 => self.batch(&[json!({ "do": "release", "person": person(who), "pool": POOL })]).await,
            3 => self.batch(&[claim(who, POOL)]).await,
            4 => self.rank(who).await,
            5 => self.portal(&format!("portal{}", n % 5)).await,
            6 => {
                let body = json!({ "seats": 10 + self.dice.below(20) });
                self.ledger.change(Method::PATCH, "pools/a", &body).await;
            }
            _ => self.decide(who).await,
        }
    }

    /// A place in the queue changes, and nothing else.
    async fn rank(&mut self, who: u128) {
        let mut step = claim(who, POOL);
        step["rank"] = self.dice.below(9).into();
        self.batch(&[step]).await;
    }

    async fn decide(&mut self, who: u128) {
        let verdict = ["approve", "deny", "release"][usize::try_from(self.dice.below(3)).unwrap()];
        let decision = json!({ "person": person(who), "pool": POOL, "verdict": verdict });
        self.ledger.post(&self.ledger.admin, "decisions", &json!({ "decisions": [decision] })).await;
    }

    /// An account of the portal's own comes, asks for a seat, or goes.
    async fn portal(&mut self, external: &str) {
        let path = format!("accounts/by-external-id/{external}");
        let answer = self.ledger.get(&self.ledger.admin, &path).await;
        let Some(id) = answer.body["id"].as_str().filter(|_| answer.status == StatusCode::OK) else {
            self.ledger.make(&path, &profile(external)).await.good();
            return;
        };
        let seat = format!("accounts/{id}/seats/{POOL}");
        if self.dice.below(2) == 0 {
            self.ledger.put(&self.ledger.admin, &seat, &json!({})).await.good();
        } else {
            self.ledger.delete(&self.ledger.admin, &seat).await;
            self.ledger.change(Method::DELETE, &format!("accounts/{id}"), &Value::Null).await;
        }
    }
}

/// Stands between client and ledger, and before each answer lets others act. Pages and answers are short.
struct Between {
    others: Mutex<Others>,
    to: String,
    http: reqwest::Client,
    asked: Mutex<Vec<String>>,
    /// The company when the latest answer to `changes` was made, read by the ledger itself in one transaction.
    then: Mutex<Option<BackendState>>,
}

impl Between {
    async fn start(others: Others) -> (Arc<Self>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let to = others.ledger.url.clone();
        let (asked, then) = Default::default();
        let between = Arc::new(Self { others: Mutex::new(others), to, http: reqwest::Client::new(), asked, then });
        let router = Router::new().fallback(forward).with_state(Arc::clone(&between));
        tokio::spawn(async move { axum::serve(listener, router).await });
        (between, url)
    }
}

async fn forward(State(between): State<Arc<Between>>, request: Request) -> Response {
    let mut others = between.others.lock().await;
    for _ in 0..others.dice.below(6) {
        others.act().await;
    }
    let path = request.uri().to_string().replace("limit=10000", "limit=7");
    let path = if path.contains("/changes?") { format!("{path}&limit=6") } else { path };
    let token = request.headers()["authorization"].clone();
    let asked = between.http.get(format!("{}{path}", between.to)).header("authorization", token);
    let answer = asked.send().await.unwrap();
    let (status, kind) = (answer.status(), answer.headers()["content-type"].clone());
    let bytes = answer.bytes().await.unwrap();
    if path.contains("/changes?") {
        *between.then.lock().await = Some(Ledger::open(&others.ledger.path(), true).unwrap().read("acme").unwrap());
    }
    between.asked.lock().await.push(path);
    Response::builder().status(status).header("content-type", kind).body(Body::from(bytes)).unwrap()
}

fn by_id(state: &BackendState) -> BTreeMap<String, String> {
    state.accounts.iter().map(|account| (account.id.to_string(), format!("{account:?}"))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_company_read_while_others_write_is_what_the_ledger_itself_lists_at_that_moment() {
    let (mut pages, mut answers) = (0, 0);
    for seed in 0..4 {
        let ledger = Arc::new(Served::start().await);
        ledger.pool(POOL, 15).await;
        let mut others = Others::new(Arc::clone(&ledger), seed).await;
        others.people(40).await;
        let (between, url) = Between::start(others).await;
        for _ in 0..4 {
            let read = client(&url, &ledger.connector).read().await.unwrap();
            let then = between.then.lock().await.take().unwrap();
            assert_eq!(by_id(&read), by_id(&then), "seed {seed}");
            assert_eq!(read.pools, then.pools, "seed {seed}");
            let asked = std::mem::take(&mut *between.asked.lock().await);
            pages += asked.iter().filter(|path| path.contains("cursor=")).count();
            answers += asked.iter().filter(|path| path.contains("/changes?")).count();
        }
    }
    assert!(pages > 30 && answers > 30, "long enough to change in between: {pages} pages, {answers} answers");
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_accounts_are_read_while_somebody_writes_without_a_pause() {
    const PEOPLE: u64 = 12_000;
    let ledger = Arc::new(Served::start().await);
    ledger.pool(POOL, 100).await;
    let mut others = Others::new(Arc::clone(&ledger), 7).await;
    others.people(PEOPLE).await;
    let (stop, from) = (Arc::new(AtomicBool::new(false)), ledger.last().await);
    let (stopped, reader) = (Arc::clone(&stop), client(&ledger.url, &ledger.connector));
    let writing = tokio::spawn(async move {
        while !stopped.load(Ordering::Relaxed) {
            others.decide(1).await;
            others.portal("portal").await;
        }
    });
    let mut reader = reader;
    for _ in 0..5 {
        let read = reader.read().await.unwrap();
        let people = read.accounts.iter().filter(|account| account.is_managed()).count();
        assert_eq!(people as u64, PEOPLE);
    }
    stop.store(true, Ordering::Relaxed);
    writing.await.unwrap();
    assert!(ledger.last().await > from + 20, "somebody wrote all the time");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changed_names_accounts_once_as_they_are_and_those_that_are_gone() {
    let ledger = Served::start().await;
    ledger.pool(POOL, 1).await;
    let (kept, gone) = (ledger.account("kept").await, ledger.account("gone").await);
    let since = ledger.last().await;
    ledger.ask(&kept, POOL).await;
    ledger.delete(&ledger.admin, &format!("accounts/{kept}/seats/{POOL}")).await.good();
    ledger.change(Method::DELETE, &format!("accounts/{gone}"), &Value::Null).await;
    let changes = ledger.get(&ledger.connector, &format!("changes?since={since}")).await.good();
    let names: Vec<&Value> = changes["accounts"].as_array().unwrap().iter().map(|account| &account["id"]).collect();
    assert_eq!((names, &changes["removed"]), (vec![&json!(kept)], &json!([gone])));
    assert_eq!(changes["until"], changes["state"]["version"]);
    let first = ledger.get(&ledger.connector, &format!("changes?since={since}&limit=1")).await.good();
    assert_eq!(first["until"], since + 1);
    assert_eq!(first["accounts"][0]["seats"][0]["state"], "past", "as it is now");
    let refused = async |query: &str| ledger.get(&ledger.connector, query).await.problem();
    assert_eq!(refused(&format!("changes?since={}", ledger.last().await + 1)).await, "410 events-expired");
    assert_eq!(refused("changes").await, "400 invalid-request");
    assert_eq!(refused("changes?since=0&limit=0").await, "400 invalid-request");
    // The config's own agent changed the database beside the service, and does not say what.
    let epoch = ledger.lease("dc02").await;
    ledger.batch(epoch, &key(), &[create(1), claim(1, POOL)]).await.good();
    let person = PersonId::new("corp".into(), Anchor::from(uuid::Uuid::from_u128(1)));
    let decision = Decision { person, pool: None, verdict: Verdict::Release };
    Ledger::open(&ledger.path(), true).unwrap().decide("acme", &[decision]).unwrap();
    assert_eq!(refused(&format!("changes?since={since}")).await, "409 list-changed");
}
