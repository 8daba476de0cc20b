//! Facts of a company that never was, served at an address of their own.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::{Client, Response};
use seatsync::listen::{self, Connections};
use seatsync::model::AccountState;
use seatsync::model::change::Verdict;
use seatsync::model::lease::Standby;
use seatsync::model::report::ExplainReport;
use seatsync::model::report::{ChangeCounts, CycleOutcome, ReadingRow, StatusReport, SyncReport};
use seatsync::status::{Desk, Facts, Guard, Refusal, Sessions, Tally, Window, router};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::sync::watch;

pub fn now() -> Timestamp {
    seatsync::clock::now()
}

pub fn minutes_ago(minutes: i64) -> Timestamp {
    now().checked_sub(SignedDuration::from_mins(minutes)).unwrap()
}

/// A report as `sync` prints it: 2 of 3 seats held, something held back, somebody refused.
pub fn report() -> Value {
    json!({
        "cycle": 7, "outcome": "held", "seconds": 1.5, "started": minutes_ago(2),
        "directories": [{"name": "corp", "mode": "full", "complete": true, "entries": 9, "users": 5, "quarantined": 1,
            "foreign": 0, "dangling": 0, "seconds": 0.5, "problem": null}],
        "changes": {"provisioned": 2, "waiting": 1, "promoted": 0, "moved": 0, "released": 0, "updated": 0, "suspended": 0,
            "resumed": 0, "removed": 0, "adopted": 0, "failed": 1, "held": 4},
        "pools": [{"name": "standard", "seats": 3, "held": 2, "waiting": 1, "free": 1}],
        "held": held(), "fingerprint": "f00d",
        "problems": [{"anchor": null, "pool": "standard", "code": "refused", "message": "no"}],
    })
}

fn held() -> Value {
    json!([{"directory": "corp", "kind": "leaving", "count": 4, "recent": 0, "of": 5, "limit": 3, "old": null, "new": null}])
}

pub fn facts() -> Facts {
    let last: SyncReport = serde_json::from_value(report()).unwrap();
    let status: StatusReport = serde_json::from_value(json!({
        "agent": "dc01", "version": "1", "running": true, "last_cycle": report(), "next_cycle": now(),
        "pools": report()["pools"], "held": held(), "fingerprint": "f00d", "confirmations": [],
        "backend": {"kind": "embedded", "reachable": true},
        "directories": [{"name": "corp", "kind": null, "server": null, "watermark": null, "reachable": true}],
    }))
    .unwrap();
    let mut tally = Tally::new(minutes_ago(60), None);
    tally.cycle(None, Duration::from_millis(20), minutes_ago(3));
    tally.cycle(Some(&last), Duration::from_millis(1500), minutes_ago(2));
    let accounts = BTreeMap::from([(AccountState::Active, 2), (AccountState::Pending, 1)]);
    Facts {
        status,
        tally,
        accounts,
        waiting: Vec::new(),
        more_waiting: 0,
        quarantined: Vec::new(),
        history: Vec::new(),
        earlier: None,
        held: Vec::new(),
        more_held: 0,
        decides: true,
        poll: Duration::from_mins(5),
        dry_run: false,
        options: String::new(),
    }
}

/// A cycle that came to nothing for this.
pub fn failed(problem: &str) -> SyncReport {
    SyncReport::of_failure(8, minutes_ago(1), "backend_failed", problem)
}

/// The last cycle did not read the one directory whole.
pub fn partial(facts: &mut Facts, problem: &str) {
    let last = facts.status.last_cycle.as_mut().unwrap();
    last.outcome = CycleOutcome::Partial;
    last.changes = ChangeCounts::default();
    (last.directories[0].complete, last.directories[0].problem) = (false, Some(problem.to_owned()));
    (facts.status.held, facts.status.fingerprint) = (None, None);
}

/// A read that began so long ago, and of which nothing came.
pub fn reading(minutes: i64) -> ReadingRow {
    let since = minutes_ago(minutes);
    ReadingRow { name: "corp".into(), since, entries: 0, heard: since }
}

/// Another agent works.
pub fn standby() -> Standby {
    let expires = now().checked_add(SignedDuration::from_mins(1)).unwrap();
    Standby { holder: "dc02/1f3a".to_owned(), since: None, expires, copy: false }
}

/// Knows nobody.
struct Nobody;

impl Desk for Nobody {
    fn explain(&self, user: &str) -> Result<ExplainReport, Refusal> {
        Err(Refusal { message: format!("nobody is known by {user:?}"), details: Vec::new() })
    }

    fn decide(&self, _verdict: Verdict, user: &str, _pool: &str) -> Result<(), Refusal> {
        Err(Refusal { message: format!("{user} does not wait"), details: Vec::new() })
    }
}

/// A server of facts; it ends when this is dropped.
pub struct Served {
    pub url: String,
    _facts: watch::Sender<Option<Arc<Facts>>>,
    _stop: watch::Sender<bool>,
}

impl Served {
    pub fn new(facts: Option<Facts>, token: Option<&str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (publish, facts) = watch::channel(facts.map(Arc::new));
        let (stop, stopping) = watch::channel(false);
        let guard = Guard::new(token.map(SecretString::from).as_ref(), true, Sessions::new(false).unwrap());
        let page = router(Window { facts, guard, desk: Arc::new(Nobody) });
        tokio::spawn(async move { listen::serve(listener, None, page, &Connections::default(), stopping).await });
        Self { url, _facts: publish, _stop: stop }
    }

    pub async fn get(&self, path: &str) -> Response {
        self.get_with(path, &[]).await
    }

    pub async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        let request = client().get(format!("{}{path}", self.url));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        request.send().await.unwrap()
    }
}

pub fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().timeout(Duration::from_mins(1)).build().unwrap()
}
