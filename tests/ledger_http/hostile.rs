//! Requests that are too many, too large, too slow, or never end: whoever sends them is told, and nobody else notices.

use std::io::Write as _;
use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use seatsync::ledger::http::{Limit, Limits};
use seatsync::listen::Connections;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::{Answer, Served, batch, create, send};
use crate::support::ledger_service::furnish;

const MIB: usize = 1024 * 1024;

/// A request of which no more than this comes; the answer as it is written, once the server closed or said enough.
async fn raw(ledger: &Served, text: &str) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(ledger.url.strip_prefix("http://").unwrap()).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = vec![0; 4096];
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut answer)).await;
    answer.truncate(read.expect("an answer").unwrap());
    (stream, String::from_utf8(answer).unwrap())
}

/// The head of a batch whose body is announced, and does not come.
fn unfinished(token: &str, company: &str) -> String {
    format!(
        "POST /v1/companies/{company}/batches HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nIdempotency-Key: k\r\n\
         Connector-Epoch: 1\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{{{}",
        " ".repeat(50_000)
    )
}

fn too_much(answer: &Answer, limited: &str) {
    assert_eq!(answer.problem(), "429 rate-limited");
    assert_eq!(answer.body["limited"], limited, "{answer:?}");
    assert!(answer.body["limit"].is_u64() && answer.header("retry-after").is_some(), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_long_polls_of_one_company_leave_room_for_those_of_another() {
    let limits = Limits { polls: Limit::new("long polls", 2, 3), ..Limits::default() };
    let ledger = Served::start_within(false, limits).await;
    let [globex, ..] = furnish(&ledger.path(), "globex");
    let last = ledger.last().await;
    let path = format!("events?after={last}&wait=20");
    let polls = [(); 2].map(|()| tokio::spawn(send(ledger.request(Method::GET, &ledger.connector, &path))));
    tokio::time::sleep(Duration::from_millis(500)).await;
    too_much(&ledger.get(&ledger.admin, &path).await, "long polls");
    let other = ledger.get(&globex, "/v1/companies/globex/events?wait=1").await;
    assert_eq!(other.status, StatusCode::OK);
    ledger.pool("a", 1).await;
    for poll in polls {
        assert!(!poll.await.unwrap().good()["events"].as_array().unwrap().is_empty());
    }
    let after = ledger.last().await;
    ledger.get(&ledger.admin, &format!("events?after={after}&wait=1")).await.good();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_large_requests_of_one_company_leave_room_for_those_of_another() {
    let limits = Limits { large: Limit::new("large requests in hand", 1, 2), ..Limits::default() };
    let ledger = Served::start_within(false, limits).await;
    let [_, _, globex] = furnish(&ledger.path(), "globex");
    let epoch = ledger.lease("dc01").await;
    let mut stream = TcpStream::connect(ledger.url.strip_prefix("http://").unwrap()).await.unwrap();
    stream.write_all(unfinished(&ledger.connector, "acme").as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let steps: Vec<Value> = (1..=200).map(create).collect();
    too_much(&ledger.batch(epoch, "k1", &steps).await, "large requests in hand");
    ledger.batch(epoch, "k2", &[]).await.good();
    let request = ledger.request(Method::POST, &globex, "/v1/companies/globex/batches").header("Connector-Epoch", 1);
    assert_eq!(send(request.header("Idempotency-Key", "k").json(&batch(&steps))).await.problem(), "409 stale-epoch");
    drop(stream);
    tokio::time::sleep(Duration::from_millis(500)).await;
    ledger.batch(epoch, "k1", &steps).await.good();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_larger_than_the_room_there_is_comes_back_later() {
    let limits = Limits { bytes: Limit::new("bytes in hand", 2 * MIB, 4 * MIB), ..Limits::default() };
    let ledger = Served::start_within(false, limits).await;
    let epoch = ledger.lease("dc01").await;
    let steps: Vec<Value> = (1..=20_000).map(create).collect();
    too_much(&ledger.batch(epoch, "k", &steps).await, "bytes in hand");
    ledger.batch(epoch, "k", &steps[..1000]).await.good();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_unpacks_to_more_than_a_request_may_have_is_refused_while_it_is_unpacked() {
    let ledger = Served::start().await;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..512 {
        packed.write_all(&vec![b' '; MIB]).unwrap();
    }
    let bomb = packed.finish().unwrap();
    assert!(bomb.len() < MIB, "half a GiB in less than one MiB");
    let clock = Instant::now();
    let request = ledger.request(Method::PUT, &ledger.admin, "pools/a").header("If-None-Match", "*");
    let request = request.header("Content-Encoding", "gzip").header("Content-Type", "application/json");
    let answer = send(request.body(bomb)).await;
    assert_eq!((answer.problem().as_str(), &answer.body["limit"]), ("413 too-large", &MIB.into()));
    assert!(clock.elapsed() < Duration::from_secs(5), "{:?}", clock.elapsed());
    let request = ledger.request(Method::PUT, &ledger.admin, "pools/a").header("If-None-Match", "*");
    let request = request.header("Content-Encoding", "br").header("Content-Type", "application/json");
    assert_eq!(send(request.body("{}")).await.problem(), "415 unsupported-media-type");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_come_is_waited_for_a_while_and_no_longer() {
    let limits = Limits { patience: Duration::from_millis(500), ..Limits::default() };
    let ledger = Served::start_within(false, limits).await;
    let (_stream, answer) = raw(&ledger, &unfinished(&ledger.connector, "acme")).await;
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("urn:seatsync:problem:too-slow"), "{answer}");
    assert!(answer.to_lowercase().contains("connection: close"), "{answer}");
    assert_eq!(ledger.get(&ledger.admin, "pools").await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_before_the_body_came_ends_the_connection_and_one_after_it_does_not() {
    let ledger = Served::start().await;
    let post = |length: usize, body: &str| {
        format!(
            "POST /v1/companies/acme/batches HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        )
    };
    let (mut stream, answer) = raw(&ledger, &post(100 * MIB, "{")).await;
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    assert!(answer.to_lowercase().contains("connection: close"), "{answer}");
    // It ends, whatever else is sent.
    let _ = stream.write_all(b"more").await;
    let mut rest = [0; 16];
    let ended = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut rest)).await.expect("an end");
    assert!(matches!(ended, Ok(0) | Err(_)), "{ended:?}");
    let (mut stream, answer) = raw(&ledger, &post(2, "{}")).await;
    assert!(answer.starts_with("HTTP/1.1 401 ") && !answer.to_lowercase().contains("connection: close"), "{answer}");
    stream.write_all(post(2, "{}").as_bytes()).await.unwrap();
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut rest)).await.unwrap().unwrap();
    assert!(rest[..read].starts_with(b"HTTP/1.1 401"), "the same connection is good for the next request");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_sends_all_before_it_reads_gets_the_refusal_whole() {
    let ledger = Served::start().await;
    let body = json!({ "steps": "x".repeat(900 * 1024) });
    for _ in 0..5 {
        let request = ledger.request(Method::POST, "nobody", "batches").header("Idempotency-Key", "k");
        assert_eq!(send(request.json(&body)).await.problem(), "401 unauthorized");
    }
}

/// Names of every script stay as they are; marks that turn text around, too: whoever shows them makes them harmless.
#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_can_be_nobodys_refuses_its_own_account_and_no_other() {
    let ledger = Served::start().await;
    let epoch = ledger.lease("dc01").await;
    let odd = |n: u128, user_name: &str, email: &str| {
        let mut step = create(n);
        step["profile"] =
            json!({ "user_name": user_name, "email": email, "display_name": "שרה \u{202e}כהן 👩\u{200d}💻" });
        step
    };
    let (good, address) = ("sa\u{202e}ra", "sara@corp.example");
    let steps = [
        odd(1, " ", address),
        odd(2, "a\0", address),
        odd(3, "a", "a@x@y"),
        odd(4, good, address),
        odd(5, "\u{9b}2J", address),
    ];
    let answer = ledger.batch(epoch, "k", &steps).await.good();
    let refused: Vec<_> =
        answer["refused"].as_array().unwrap().iter().map(|one| (&one["index"], &one["code"])).collect();
    let invalid = Value::from("invalid_profile");
    assert_eq!(refused, [0, 1, 2, 4].map(Value::from).iter().map(|index| (index, &invalid)).collect::<Vec<_>>());
    assert!(!answer["refused"].to_string().contains("a@x@y"), "a refusal names anchors alone: {answer}");
    assert_eq!(answer["accounts"][0]["profile"]["user_name"], good);
    for profile in [json!({ "user_name": "\t", "email": address }), json!({ "user_name": "b", "email": "b@x@y" })] {
        let answer = ledger.make("accounts/by-external-id/b", &profile).await;
        assert_eq!(answer.problem(), "422 invalid-request", "{profile}");
    }
}

/// Whether the other side ends this connection soon.
async fn ends(stream: &mut TcpStream) -> bool {
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut [0; 16])).await;
    matches!(read, Ok(Ok(0) | Err(_)))
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_connects_and_says_nothing_is_sent_away_and_keeps_nobody_out_for_long() {
    let limits = Limits { connections: Connections::new(20, Duration::from_secs(5)), ..Limits::default() };
    let ledger = Served::start_within(false, limits).await;
    let address = ledger.url.strip_prefix("http://").unwrap();
    let mut silent = Vec::new();
    for n in 0..60 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        if n % 2 == 1 {
            // Or not enough.
            let _ = stream.write_all(b"GET /v1/companies/acme/pools HTTP/1.1\r\nHost:").await;
        }
        silent.push(stream);
    }
    let clock = Instant::now();
    // Those who came last may be looked at first: once forty were turned away, twenty have a place.
    let is_away = |stream: &&TcpStream| match stream.try_read(&mut [0; 64]) {
        Ok(read) => read == 0,
        Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
    };
    while silent.iter().filter(is_away).count() < 40 {
        assert!(clock.elapsed() < Duration::from_secs(20), "it takes in everybody");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let asked = || ledger.request(Method::GET, &ledger.connector, "pools").send();
    assert!(asked().await.is_err(), "there is no place");
    while asked().await.is_err() {
        assert!(clock.elapsed() < Duration::from_secs(20), "it locks everybody out");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    for stream in &mut silent {
        assert!(ends(stream).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_was_used_is_kept_a_while_and_no_longer() {
    let limits = Limits { connections: Connections::new(20, Duration::from_millis(500)), ..Limits::default() };
    let ledger = Served::start_within(false, limits).await;
    let (mut stream, answer) = raw(&ledger, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    tokio::time::sleep(Duration::from_secs(1)).await;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut answer = [0; 4096];
    let read = stream.read(&mut answer).await.unwrap();
    assert!(answer[..read].starts_with(b"HTTP/1.1 200 "));
    assert!(ends(&mut stream).await);
    // Who waits for news is no idler.
    let after = ledger.last().await;
    ledger.get(&ledger.admin, &format!("events?after={after}&wait=4")).await.good();
}
