//! A client that means harm, or is broken in the worst way, beside an agent at work.

use reqwest::Method;
use serde_json::{Value, json};

use super::ledger::{LONG, Served, company};
use crate::support::process::wait_until;

fn create(number: u8) -> Value {
    let person = json!({"directory": "corp", "anchor": format!("{number:02x}000000-0000-4000-8000-000000000000")});
    let name = format!("intruder{number}");
    json!({"do": "create", "person": person, "created": "2020-01-01T00:00:00Z",
           "profile": {"user_name": name, "email": format!("{name}@x.example")}})
}

fn claim(number: u8) -> Value {
    let person = create(number)["person"].clone();
    json!({"do": "claim", "person": person, "pool": "standard", "rank": 0, "since": "2000-01-01T00:00:00Z",
           "created": "2000-01-01T00:00:00Z"})
}

fn batch(steps: &[Value]) -> Value {
    json!({"at": seatsync::clock::now(), "steps": steps, "allocation": {"promotion": "automatic"}})
}

#[test]
fn old_epochs_used_keys_and_other_companies_tokens_change_nothing() {
    let ledger = Served::start();
    ledger.buy("standard", 2);
    let company = company(4, "", &ledger.url(), &ledger.connector, "");
    let running = company.agent.start();
    wait_until("two seats are given", LONG, || company.agent.names("active").len() == 2);
    let (holders, version) = (ledger.holders(), ledger.get("state")["version"].clone());
    let epoch = ledger.get("lease")["epoch"].as_u64().unwrap();
    let send = |token: &str, epoch: Option<u64>, key: &str, body: &Value| {
        let epoch = epoch.map(|epoch| epoch.to_string());
        let mut headers = vec![("Idempotency-Key", key)];
        headers.extend(epoch.as_deref().map(|epoch| ("Connector-Epoch", epoch)));
        let (status, answer) = ledger.ask(Method::POST, token, "batches", &headers, body);
        (status.as_u16(), answer["type"].as_str().unwrap_or_default().replace("urn:seatsync:problem:", ""))
    };
    let greedy = batch(&[create(1), claim(1)]);
    let other = ledger.other_company("globex");
    for (token, epoch, expected) in [
        (&ledger.connector, Some(epoch - 1), (409, "stale-epoch")),
        (&ledger.connector, Some(epoch + 1), (409, "stale-epoch")),
        (&ledger.connector, Some(u64::MAX), (409, "stale-epoch")),
        (&ledger.connector, None, (400, "epoch-required")),
        (&ledger.admin, Some(epoch), (403, "forbidden")),
        (&other, Some(epoch), (403, "forbidden")),
        (&"seatsync_0123456789abcdef_guess".to_owned(), Some(epoch), (401, "unauthorized")),
    ] {
        let (status, name) = send(token, epoch, "k", &greedy);
        assert_eq!((status, name.as_str()), expected, "{epoch:?}");
    }
    for path in ["state", "accounts", "events", "pools"] {
        let (status, answer) = ledger.ask(Method::GET, &other, path, &[], &Value::Null);
        assert_eq!((status.as_u16(), answer.get("items")), (403, None), "{path}");
    }
    assert_eq!(ledger.get("state")["version"], version, "none of it happened");

    // With the right epoch it is the connector itself; even so a key does one thing, once.
    assert_eq!(send(&ledger.connector, Some(epoch), "k", &greedy), (200, String::new()));
    assert_eq!(send(&ledger.connector, Some(epoch), "k", &greedy), (200, String::new()));
    let another = batch(&[create(2), claim(2)]);
    assert_eq!(send(&ledger.connector, Some(epoch), "k", &another), (422, "idempotency-key-reused".to_owned()));
    assert_eq!((ledger.accounts().len(), ledger.holders()), (5, holders), "one account more, and not one seat");
    let (code, report) = company.agent.sync();
    assert_eq!(code, 0, "{report}");
    assert_eq!(running.terminate().code, 0);
}

#[test]
fn connections_that_send_nothing_hold_an_agent_up_for_some_seconds_at_most() {
    let ledger = Served::start();
    ledger.buy("standard", 9);
    let mut company = company(
        2,
        "[agent]\nname = \"a\"\nstate_dir = \"state\"\npoll = \"1s\"\n",
        &ledger.url(),
        &ledger.connector,
        "",
    );
    let running = company.agent.start();
    wait_until("two seats are given", LONG, || company.agent.names("active").len() == 2);
    // More than it takes.
    let silent: Vec<std::net::TcpStream> =
        (0..400).map(|_| std::net::TcpStream::connect(ledger.address()).unwrap()).collect();
    company.join("p003");
    company.write();
    wait_until("who joined gets a seat", LONG, || company.agent.names("active").len() == 3);
    assert_eq!(silent.len(), 400);
    assert_eq!(running.terminate().code, 0);
}
