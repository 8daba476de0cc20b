//! The client against a ledger that says what each test wants, byte by byte.

mod cut;
mod leases;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant as Clock;

use secrecy::SecretString;
use serde_json::{Value, json};

use super::failure::Place;
use super::*;
use crate::model::change::{Allocation, Operation, Outcome, Step};
use crate::model::{Anchor, Name};

/// Answers request after request from a list, on one connection each, and remembers what was asked.
struct Script {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Script {
    fn new(answers: Vec<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        thread::spawn(move || {
            for answer in answers {
                let Ok((stream, _)) = listener.accept() else { return };
                if let Some(request) = request(&stream) {
                    log.lock().unwrap().push(request);
                }
                let _ = (&stream).write_all(&answer);
            }
        });
        Self { url, asked }
    }

    fn ledger(&self) -> Ledger {
        let settings = LedgerAccess {
            url: self.url.clone(),
            token: SecretString::from("secret"),
            ca_file: None,
            timeout: Duration::from_secs(2),
        };
        Ledger::new(&settings, "acme", "dc01", "dc01/1".to_owned()).unwrap()
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// Head and body of a request, as text.
fn request(stream: &TcpStream) -> Option<String> {
    let mut reader = BufReader::new(stream);
    let (mut text, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        text.push_str(&line);
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    text.push_str(&String::from_utf8_lossy(&body));
    Some(text)
}

fn answer(status: u16, kind: &str, extra: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n");
    format!("{head}{extra}\r\n{body}").into_bytes()
}

fn ok(body: &Value) -> Vec<u8> {
    answer(200, "application/json", "", &body.to_string())
}

fn problem(status: u16, name: &str, extra: &str, more: &Value) -> Vec<u8> {
    let kind = format!("urn:seatsync:problem:{name}");
    let mut body = json!({"type": kind, "title": name, "status": status, "detail": "The ledger's words."});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    answer(status, "application/problem+json", extra, &body.to_string())
}

/// What changed until the version that the company has.
fn changes(version: u64, accounts: u64) -> Vec<u8> {
    ok(&caught_up(version, version, accounts, &[], &[]))
}

fn caught_up(until: u64, version: u64, accounts: u64, changed: &[u32], removed: &[&str]) -> Value {
    let changed: Vec<Value> = changed.iter().copied().map(account).collect();
    json!({"until": until, "accounts": changed, "removed": removed, "state": {
        "version": version, "last_event": version, "accounts": accounts, "tier": "advanced", "approved_domains": null,
        "pools": [], "marks": [], "confirmations": [],
        "lease": {"epoch": 1, "others": 0, "holder": null, "connector": null, "expires": null},
    }})
}

fn account(id: u32) -> Value {
    json!({
        "id": id.to_string(), "owner": null, "external_id": null, "adopted": false, "managed": false,
        "state": "denied", "suspension": null, "seats": [], "invitation": "none", "last_active": null, "etag": "x",
        "profile": {"user_name": format!("u{id}"), "email": format!("u{id}@x.example")},
    })
}

fn page(version: u64, total: u64, ids: &[u32], next: Option<&str>) -> Vec<u8> {
    let items: Vec<Value> = ids.iter().copied().map(account).collect();
    ok(&json!({"items": items, "total": total, "version": version, "next_cursor": next}))
}

fn ids(read: &BackendState) -> Vec<&str> {
    read.accounts.iter().map(|account| &*account.id.0).collect()
}

fn lease(epoch: u64) -> Vec<u8> {
    ok(
        &json!({"epoch": epoch, "others": 0, "holder": "dc01/1", "connector": "main", "expires": "2026-01-01T00:00:15Z"}),
    )
}

fn batch(steps: usize) -> Batch {
    let person = PersonId::new("corp".into(), Anchor::from_bytes([1; 16]));
    let step = Step { person: Some(person), operation: Operation::Resume, counted: None };
    Batch {
        key: "k/0".to_owned(),
        at: Timestamp::UNIX_EPOCH,
        steps: vec![step; steps],
        allocation: Allocation::default(),
    }
}

fn done(steps: usize) -> Vec<u8> {
    ok(&json!({"steps": steps, "refused": [], "accounts": [], "removed": [], "pools": [], "version": 9, "previous": 8}))
}

#[tokio::test]
async fn a_company_is_read_page_by_page_with_token_and_name() {
    let script = Script::new(vec![page(7, 3, &[1, 2], Some("c2")), page(7, 3, &[3], None), changes(7, 3)]);
    let read = script.ledger().read().await.unwrap();
    assert_eq!(ids(&read), ["1", "2", "3"]);
    let asked = script.asked();
    let first = "GET /v1/companies/acme/accounts?limit=10000&moving=true";
    assert!(asked[0].starts_with(&format!("{first} HTTP/1.1\r\n")), "{}", asked[0]);
    assert!(asked[1].starts_with(&format!("{first}&cursor=c2 HTTP")), "{}", asked[1]);
    assert!(asked[2].starts_with("GET /v1/companies/acme/changes?since=7 HTTP"), "{}", asked[2]);
    assert!(asked.iter().all(|asked| asked.contains("authorization: Bearer secret\r\n")), "{asked:?}");
    assert!(asked[0].contains("user-agent: seatsync/") && asked[0].contains("(dc01; "), "{}", asked[0]);
}

#[tokio::test]
async fn what_changes_while_a_company_is_read_is_caught_up_with_until_nothing_is_missing() {
    let script = Script::new(vec![
        page(7, 3, &[1, 2], Some("c2")),
        page(9, 3, &[3], None),
        // Account 2 went, 4 came; more happened than one answer holds.
        ok(&caught_up(10, 12, 3, &[4], &["2"])),
        ok(&caught_up(12, 12, 3, &[5], &["4"])),
    ]);
    let read = script.ledger().read().await.unwrap();
    assert_eq!(ids(&read), ["1", "3", "5"]);
    let asked = script.asked();
    assert!(asked[2].contains("/changes?since=7 "), "since the first page, not the last: {}", asked[2]);
    assert!(asked[3].contains("/changes?since=10 "), "{}", asked[3]);
}

#[tokio::test]
async fn a_read_begins_again_where_nobody_knows_what_changed_or_the_ledger_went_back_in_time() {
    let script = Script::new(vec![
        page(7, 1, &[1], None),
        problem(409, "list-changed", "", &json!({})),
        page(8, 1, &[1], None),
        problem(410, "events-expired", "", &json!({"oldest": 1})),
        page(9, 2, &[1], Some("c2")),
        page(3, 1, &[2], None),
        page(4, 1, &[3], None),
        changes(4, 1),
    ]);
    let read = script.ledger().read().await.unwrap();
    assert_eq!(ids(&read), ["3"]);
}

#[tokio::test]
async fn a_list_that_is_cut_repeated_or_longer_than_announced_is_an_error() {
    for (answers, why) in [
        (vec![page(7, 3, &[1, 2], None), changes(7, 3)], "the list had 2 accounts, and 3 were announced"),
        (vec![page(7, 3, &[1, 2], Some("c2")), page(7, 3, &[], None), changes(7, 3)], "had 2 accounts, and 3"),
        (vec![page(7, 4, &[1, 2], Some("c2")), page(7, 4, &[1, 2], None)], "shows account 1 twice"),
        (vec![page(7, 3, &[1, 2], Some("c2")), page(7, 3, &[3, 4], None), changes(7, 3)], "had 4 accounts, and 3"),
        (vec![page(7, 1, &[1, 2], Some("c2"))], "goes on after 2 accounts, and 1 are announced"),
        (vec![page(7, 1, &[1], None), ok(&caught_up(7, 9, 1, &[], &[]))], "since 7, it told it until 7 of 9"),
        (vec![page(7, 1, &[1], None), ok(&caught_up(6, 9, 1, &[], &[]))], "since 7, it told it until 6 of 9"),
        (vec![page(7, 1, &[1], None), ok(&caught_up(9, 8, 1, &[], &[]))], "since 7, it told it until 9 of 8"),
    ] {
        let error = Script::new(answers).ledger().read().await.unwrap_err();
        assert_eq!(error.persistence, Persistence::Transient);
        assert!(error.doing.contains(why) && error.doing.contains("A proxy between may have cut"), "{error}");
    }
}

#[tokio::test]
async fn a_pool_that_counts_other_seats_than_its_accounts_hold_is_an_error() {
    let pool = |held: u32| {
        json!({"name": "a", "seats": 5, "held": held, "waiting": 0, "free": 5 - held, "min_seats": 0,
        "billed": 5, "reduction": null, "owned_by": "ledger", "etag": "x"})
    };
    for (held, fits) in [(0, true), (1, false)] {
        let mut answer = caught_up(7, 7, 1, &[], &[]);
        answer["state"]["pools"] = json!([pool(held)]);
        // It is read again a few times: the ledger sets such things right by itself.
        let times = if fits { 1 } else { 4 };
        let answers = (0..times).flat_map(|_| [page(7, 1, &[1], None), ok(&answer)]).collect();
        let read = Script::new(answers).ledger().read().await;
        assert_eq!(read.is_ok(), fits);
        if let Err(error) = read {
            assert!(
                error.doing.contains(r#"pool "a" counts 1 held and 0 waiting, and the accounts hold 0"#),
                "{error}"
            );
        }
    }
}

#[tokio::test]
async fn a_login_page_a_redirection_and_another_programs_problem_are_no_ledger() {
    let strangers = [
        answer(200, "text/html", "", "<html>Please log in</html>"),
        answer(200, "application/json", "", "\r\n<!doctype html>Please log in"),
        answer(302, "text/html", "Location: http://127.0.0.1:1/login\r\n", ""),
        answer(404, "application/problem+json", "", r#"{"type":"about:blank","title":"Not Found","status":404}"#),
        answer(502, "text/plain", "", "bad gateway"),
    ];
    for stranger in strangers {
        let script = Script::new(vec![stranger.clone(), stranger.clone(), stranger]);
        let error = script.ledger().read().await.unwrap_err();
        assert_eq!(error.persistence, Persistence::Transient, "{error}");
        assert!(error.doing.contains("something else than a ledger answered"), "{error}");
        assert_eq!(script.asked().len(), 3, "it may be gone in a moment");
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_asked_for_again_and_half_of_it_never_believed() {
    let mut cut = page(7, 0, &[], None);
    cut.truncate(cut.len() - 20);
    let script = Script::new(vec![cut.clone(), page(8, 0, &[], None), changes(8, 0)]);
    assert!(script.ledger().read().await.unwrap().accounts.is_empty());
    let script = Script::new(vec![cut.clone(), cut.clone(), cut]);
    let error = script.ledger().read().await.unwrap_err();
    assert!(error.doing.contains("the answer broke off"), "{error}");
}

#[tokio::test]
async fn a_ledger_that_asks_for_rest_is_left_alone_for_as_long() {
    let script = Script::new(vec![
        problem(429, "rate-limited", "Retry-After: 1\r\n", &json!({})),
        problem(503, "unavailable", "Retry-After: 1\r\n", &json!({})),
        page(7, 0, &[], None),
        changes(7, 0),
    ]);
    let clock = Clock::now();
    script.ledger().read().await.unwrap();
    assert!(clock.elapsed() >= Duration::from_secs(2), "{:?}", clock.elapsed());
}

#[tokio::test]
async fn a_long_rest_ends_the_pass_and_the_next_one_does_not_ask_before_it_is_over() {
    let script = Script::new(vec![problem(503, "unavailable", "Retry-After: 3600\r\n", &json!({}))]);
    let mut ledger = script.ledger();
    let clock = Clock::now();
    let error = ledger.read().await.unwrap_err();
    assert_eq!(error.persistence, Persistence::Transient);
    assert!(
        error.doing.contains("The ledger's words, and asks to be left alone for 3600 s. A running agent asks"),
        "{error}"
    );
    let error = ledger.read().await.unwrap_err();
    assert!(error.doing.contains("asked to be left alone for 3"), "{error}");
    assert!(clock.elapsed() < Duration::from_secs(30), "{:?}", clock.elapsed());
    assert_eq!(script.asked().len(), 1);
}

#[test]
fn what_one_pass_waits_for_rests_is_half_a_minute_in_all() {
    let ledger = Script { url: "http://127.0.0.1:1".to_owned(), asked: Arc::default() }.ledger();
    let place = Place { doing: "read", url: "http://x", via: None, spoke: true };
    let rest = |seconds| place.resting(Duration::from_secs(seconds));
    let due = Duration::from_secs(1);
    assert_eq!(ledger.http.wait(&rest(59), due), None, "twice that is more than a pass may last");
    assert_eq!(ledger.http.wait(&rest(20), due), Some(Duration::from_secs(20)));
    assert_eq!(ledger.http.wait(&rest(20), due), None);
    assert_eq!(ledger.http.wait(&rest(10), due), Some(Duration::from_secs(10)));
    let unanswered = place.broken("half of it");
    assert_eq!(ledger.http.wait(&unanswered, due), Some(due), "that was not asked for");
    ledger.http.begin();
    assert_eq!(ledger.http.wait(&rest(20), due), Some(Duration::from_secs(20)));
}

#[tokio::test]
async fn a_batch_whose_answer_is_lost_is_sent_again_with_the_same_key_and_epoch() {
    let script = Script::new(vec![lease(7), Vec::new(), done(2)]);
    let mut ledger = script.ledger();
    assert_eq!(ledger.lease(false).await.unwrap(), Lease::Ours { epoch: Some(7), others: 0 });
    let answer = ledger.apply(&batch(2)).await.unwrap();
    assert_eq!(answer.outcomes, [Outcome::Done, Outcome::Done]);
    let asked = script.asked();
    assert!(asked[0].contains(r#"{"holder":"dc01/1","instance":""#), "{}", asked[0]);
    assert!(
        asked[1].contains("idempotency-key: k/0\r\n") && asked[1].contains("connector-epoch: 7\r\n"),
        "{}",
        asked[1]
    );
    assert_eq!(asked[1], asked[2]);
}

#[tokio::test]
async fn a_token_that_is_refused_is_not_tried_again_with_every_pass_unless_a_person_asks() {
    let refused = problem(401, "unauthorized", "", &json!({}));
    let script = Script::new(vec![refused, lease(1)]);
    let mut ledger = script.ledger();
    for _ in 0..3 {
        let error = ledger.lease(false).await.unwrap_err();
        assert_eq!(error.persistence, Persistence::Credentials);
        assert!(error.doing.contains("backend.token"), "{error}");
    }
    assert_eq!(script.asked().len(), 1);
    ledger.lease(true).await.unwrap();
}

#[tokio::test]
async fn an_answer_that_does_not_fit_the_batch_is_not_believed() {
    let script = Script::new(vec![lease(7), done(3)]);
    let mut ledger = script.ledger();
    ledger.lease(false).await.unwrap();
    let error = ledger.apply(&batch(2)).await.unwrap_err();
    assert!(error.doing.contains("cannot be understood"), "{error}");
}

#[tokio::test]
async fn the_answer_to_a_batch_that_never_arrived_is_none() {
    let script = Script::new(vec![problem(404, "not-found", "", &json!({})), done(2)]);
    let mut ledger = script.ledger();
    assert_eq!(ledger.answer("k/0").await.unwrap(), None);
    assert_eq!(ledger.answer("k/0").await.unwrap().unwrap().outcomes.len(), 2);
    assert!(script.asked()[0].starts_with("GET /v1/companies/acme/batches/k%2F0 HTTP"), "{:?}", script.asked());
}

#[tokio::test]
async fn nobody_there_is_a_sentence_that_names_the_place() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{free}");
    let error = Script { url: url.clone(), asked: Arc::default() }.ledger().read().await.unwrap_err();
    assert!(
        error
            .doing
            .starts_with(&format!("Could not read the company's accounts at {url}: the ledger cannot be reached")),
        "{error}"
    );
}

#[tokio::test]
async fn how_many_seats_there_are_is_never_told_to_a_ledger() {
    let script = Script::new(vec![lease(7)]);
    let mut ledger = script.ledger();
    ledger.lease(false).await.unwrap();
    let mut told = batch(1);
    told.steps[0].operation = Operation::SetSeats { pool: Name::from("a"), from: None, to: 1 };
    assert_eq!(ledger.apply(&told).await.unwrap_err().persistence, Persistence::Permanent);
}
