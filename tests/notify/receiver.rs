//! A receiver of webhooks, which believes only what is signed as the Standard Webhooks specification says.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use serde_json::Value;
use sha2::Sha256;
use tokio::runtime::Runtime;

#[derive(Clone, Debug)]
pub struct Hook {
    pub id: String,
    pub body: Value,
}

#[derive(Debug, Default)]
struct Seen {
    taken: Vec<Hook>,
    asked: usize,
    answer: u16,
    delay: Duration,
}

type Shared = Arc<(Vec<u8>, Mutex<Seen>)>;

/// It ends on drop.
pub struct Receiver {
    pub port: u16,
    shared: Shared,
    _runtime: Runtime,
}

impl Receiver {
    /// `secret`: as the config has it, with its prefix.
    pub fn start(secret: &str) -> Self {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let shared: Shared = Arc::new((key, Mutex::new(Seen { answer: 204, ..Seen::default() })));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let port = listener.local_addr().unwrap().port();
        let router = Router::new().fallback(receive).with_state(Arc::clone(&shared));
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self { port, shared, _runtime: runtime }
    }

    /// What the next messages are answered.
    pub fn answer(&self, status: u16) {
        self.shared.1.lock().unwrap().answer = status;
    }

    /// How long each answer takes.
    pub fn delay(&self, delay: Duration) {
        self.shared.1.lock().unwrap().delay = delay;
    }

    /// Messages that came, whatever they were answered.
    pub fn asked(&self) -> usize {
        self.shared.1.lock().unwrap().asked
    }

    /// Messages that were answered with success.
    pub fn taken(&self) -> Vec<Hook> {
        self.shared.1.lock().unwrap().taken.clone()
    }
}

async fn receive(State(shared): State<Shared>, method: Method, headers: HeaderMap, body: Bytes) -> Response {
    if method == Method::HEAD {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let delay = shared.1.lock().unwrap().delay;
    tokio::time::sleep(delay).await;
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    let (id, time) = (header("webhook-id"), header("webhook-timestamp"));
    let mut seen = shared.1.lock().unwrap();
    seen.asked += 1;
    let is_now = time.parse::<i64>().unwrap().abs_diff(jiff_now()) < 300;
    if !is_now || header("webhook-signature") != signed(&shared.0, &id, &time, &body) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let status = StatusCode::from_u16(seen.answer).unwrap();
    if status.is_success() {
        seen.taken.push(Hook { id, body: serde_json::from_slice(&body).unwrap() });
    }
    (status, [(header::LOCATION, "/elsewhere")]).into_response()
}

/// Step by step as it is published: the parts joined by dots, HMAC-SHA256, base64, the version before it.
fn signed(key: &[u8], id: &str, time: &str, body: &[u8]) -> String {
    let content = [id.as_bytes(), b".", time.as_bytes(), b".", body].concat();
    let mac = Hmac::<Sha256>::new_from_slice(key).unwrap().chain_update(content).finalize();
    format!("v1,{}", STANDARD.encode(mac.into_bytes()))
}

fn jiff_now() -> i64 {
    seatsync::clock::now().as_second()
}
