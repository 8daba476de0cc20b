//! One ledger with the company `acme`, served, and asked.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder, StatusCode};
use seatsync::clock;
use seatsync::ledger::http::{Limits, server};
use seatsync::ledger::records::Store;
use seatsync::ledger::service::Service;
use seatsync::ledger::{Ledger, LedgerError};
use seatsync::listen::Connections;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::support::ledger_service::furnish;

/// A served ledger; it stops on drop.
pub struct Served {
    folder: TempDir,
    pub url: String,
    pub service: Service,
    pub admin: String,
    pub approver: String,
    /// Of the connector `main`.
    pub connector: String,
    stop: watch::Sender<bool>,
    task: Option<JoinHandle<()>>,
    client: Client,
}

/// An answer: status, JSON body (null where there is none), headers.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub body: Value,
    pub headers: reqwest::header::HeaderMap,
}

impl Answer {
    /// The body of an answer that must be a success.
    pub fn good(self) -> Value {
        assert!(self.status.is_success(), "{} {}", self.status, self.body);
        self.body
    }

    /// Status and name of a problem, as one text: `409 no-seat`.
    pub fn problem(&self) -> String {
        let kind = self.body["type"].as_str().unwrap_or_default();
        let name = kind.strip_prefix("urn:seatsync:problem:").unwrap_or_else(|| panic!("no problem: {self:?}"));
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert_eq!(self.body["status"], self.status.as_u16());
        for key in ["title", "detail"] {
            assert!(self.body[key].as_str().is_some_and(|text| !text.is_empty()), "{self:?}");
        }
        format!("{} {name}", self.status.as_u16())
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

impl Served {
    pub async fn start() -> Self {
        Self::start_with(false).await
    }

    /// With `mails`, who gets a seat gets one.
    pub async fn start_with(mails: bool) -> Self {
        // As many connections as the real server takes: some tests open hundreds.
        let limits = Limits { connections: Connections::of_this_process(), ..Limits::default() };
        Self::start_within(mails, limits).await
    }

    /// With limits of its own.
    pub async fn start_within(mails: bool, limits: Limits) -> Self {
        Self::start_on(mails, limits, |path| Ledger::open(path, true)).await
    }

    /// On a store of another kind.
    #[expect(clippy::unused_async, reason = "it needs a runtime, as async code has one")]
    pub async fn start_on<S: Store + 'static>(
        mails: bool,
        limits: Limits,
        open: impl Fn(&Path) -> Result<S, LedgerError> + Send + Sync + 'static,
    ) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        let [admin, approver, connector] = furnish(&path, "acme");
        let opened = path.clone();
        let service = Service::start(move || open(&opened), mails).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopping) = watch::channel(false);
        let serving = service.clone();
        let task = tokio::spawn(async move { server::serve(listener, None, serving, limits, stopping).await.unwrap() });
        let client = Client::builder().timeout(Duration::from_secs(100)).build().unwrap();
        Self { folder, url, service, admin, approver, connector, stop, task: Some(task), client }
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("ledger.db")
    }

    /// Stops as SIGTERM does, and waits for the end.
    pub async fn stop(&mut self) {
        self.stop.send_replace(true);
        if let Some(task) = self.task.take() {
            task.await.unwrap();
        }
    }

    /// A request to a path of the company; one that begins with `/` is taken as it is.
    pub fn request(&self, method: Method, token: &str, path: &str) -> RequestBuilder {
        let url = if path.starts_with('/') {
            format!("{}{path}", self.url)
        } else if path.is_empty() {
            format!("{}/v1/companies/acme", self.url)
        } else {
            format!("{}/v1/companies/acme/{path}", self.url)
        };
        self.client.request(method, url).bearer_auth(token)
    }

    pub async fn get(&self, token: &str, path: &str) -> Answer {
        send(self.request(Method::GET, token, path)).await
    }

    /// A POST with a key of its own.
    pub async fn post(&self, token: &str, path: &str, body: &Value) -> Answer {
        self.post_keyed(token, path, &key(), body).await
    }

    pub async fn post_keyed(&self, token: &str, path: &str, key: &str, body: &Value) -> Answer {
        send(self.request(Method::POST, token, path).header("Idempotency-Key", key).json(body)).await
    }

    /// A PUT without a precondition.
    pub async fn put(&self, token: &str, path: &str, body: &Value) -> Answer {
        send(self.request(Method::PUT, token, path).json(body)).await
    }

    /// A PUT of something that must be new.
    pub async fn make(&self, path: &str, body: &Value) -> Answer {
        send(self.request(Method::PUT, &self.admin, path).header("If-None-Match", "*").json(body)).await
    }

    /// A change of whatever is there, as an admin.
    pub async fn change(&self, method: Method, path: &str, body: &Value) -> Answer {
        let request = self.request(method, &self.admin, path).header("If-Match", "*");
        send(if body.is_null() { request } else { request.json(body) }).await
    }

    pub async fn delete(&self, token: &str, path: &str) -> Answer {
        send(self.request(Method::DELETE, token, path)).await
    }

    /// A pool of the ledger's own.
    pub async fn pool(&self, name: &str, seats: u32) -> Value {
        self.make(&format!("pools/{name}"), &json!({ "seats": seats })).await.good()
    }

    /// Seats bought, held and waited for.
    pub async fn counts(&self, pool: &str) -> (u64, u64, u64) {
        let pool = self.get(&self.admin, &format!("pools/{pool}")).await.good();
        let number = |key: &str| pool[key].as_u64().unwrap();
        (number("seats"), number("held"), number("waiting"))
    }

    /// An account that no connector manages; its id.
    pub async fn account(&self, external: &str) -> String {
        let made = self.make(&format!("accounts/by-external-id/{external}"), &profile(external)).await.good();
        made["id"].as_str().unwrap().to_owned()
    }

    /// Asks for a seat; the state it comes to.
    pub async fn ask(&self, id: &str, pool: &str) -> String {
        let account = self.put(&self.admin, &format!("accounts/{id}/seats/{pool}"), &json!({})).await.good();
        state(&account, pool)
    }

    /// The state of an account's seat.
    pub async fn state(&self, id: &str, pool: &str) -> String {
        state(&self.get(&self.admin, &format!("accounts/{id}")).await.good(), pool)
    }

    /// Takes the lease; its epoch.
    pub async fn lease(&self, holder: &str) -> u64 {
        let body = json!({ "holder": holder, "seconds": 60 });
        let lease = send(self.request(Method::POST, &self.connector, "lease").json(&body)).await.good();
        lease["epoch"].as_u64().unwrap()
    }

    /// A batch of steps, settled automatically.
    pub async fn batch(&self, epoch: u64, key: &str, steps: &[Value]) -> Answer {
        let body = batch(steps);
        let request = self.request(Method::POST, &self.connector, "batches").header("Connector-Epoch", epoch);
        send(request.header("Idempotency-Key", key).json(&body)).await
    }

    /// Everything that happened after an event, as `type account pool`.
    pub async fn told(&self, after: u64) -> Vec<String> {
        let events = self.get(&self.admin, &format!("events?after={after}&limit=10000")).await.good();
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        let told =
            |event: &Value| format!("{} {} {}", text(&event["type"]), text(&event["account"]), text(&event["pool"]));
        events["events"].as_array().unwrap().iter().map(told).collect()
    }

    /// Number of the last event.
    pub async fn last(&self) -> u64 {
        self.get(&self.admin, "state").await.good()["version"].as_u64().unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

pub async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.expect("an answer");
    let (status, headers) = (response.status(), response.headers().clone());
    let text = response.text().await.expect("a whole answer");
    let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap_or(Value::String(text)) };
    Answer { status, body, headers }
}

/// A key that was never used.
pub fn key() -> String {
    uuid::Uuid::new_v4().to_string()
}

pub fn profile(name: &str) -> Value {
    json!({ "user_name": name, "email": format!("{name}@corp.example") })
}

pub fn person(n: u128) -> Value {
    json!({ "directory": "corp", "anchor": uuid::Uuid::from_u128(n) })
}

pub fn create(n: u128) -> Value {
    json!({ "do": "create", "person": person(n), "profile": profile(&format!("user{n}")), "created": "2020-01-01T00:00:00Z" })
}

pub fn claim(n: u128, pool: &str) -> Value {
    json!({ "do": "claim", "person": person(n), "pool": pool, "rank": 0, "since": "2026-01-01T00:00:00Z",
            "created": "2020-01-01T00:00:00Z" })
}

/// The start of the cycle that all batches are of: the same batch is the same request.
static CYCLE: LazyLock<jiff::Timestamp> = LazyLock::new(clock::now);

pub fn batch(steps: &[Value]) -> Value {
    json!({ "at": *CYCLE, "steps": steps, "allocation": { "promotion": "automatic" } })
}

/// The state of an account's seat, with the reason where it has one: `waiting no_seat`.
pub fn state(account: &Value, pool: &str) -> String {
    let seat = account["seats"].as_array().unwrap().iter().find(|seat| seat["pool"] == pool);
    let Some(seat) = seat else { return "none".to_owned() };
    let reason = seat["reason"].as_str().map(|reason| format!(" {reason}")).unwrap_or_default();
    format!("{}{reason}", seat["state"].as_str().unwrap())
}
