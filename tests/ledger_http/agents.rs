//! What an agent asks: the company whole, batches under a lease, confirmations, relinks.

use jiff::SignedDuration;
use reqwest::{Method, StatusCode};
use seatsync::clock;
use seatsync::ledger::wire;
use seatsync::model::Account;
use serde_json::{Value, json};

use crate::harness::{Answer, Served, batch, claim, create, person, send, state};

async fn lease(ledger: &Served, method: Method, epoch: Option<u64>, body: &Value) -> Answer {
    let mut request = ledger.request(method, &ledger.connector, "lease");
    if let Some(epoch) = epoch {
        request = request.header("Connector-Epoch", epoch);
    }
    send(if body.is_null() { request } else { request.json(body) }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_carried_out_once_and_answered_again() {
    let ledger = Served::start().await;
    ledger.pool("a", 1).await;
    let epoch = ledger.lease("dc01").await;
    let steps = [create(1), claim(1, "a"), create(2), claim(2, "a"), claim(3, "a")];
    let first = ledger.batch(epoch, "k", &steps).await.good();
    assert_eq!((&first["steps"], first["refused"].as_array().unwrap().len()), (&5.into(), 1));
    assert_eq!((&first["refused"][0]["index"], &first["refused"][0]["code"]), (&4.into(), &"not_found".into()));
    let states: Vec<String> = first["accounts"].as_array().unwrap().iter().map(|one| state(one, "a")).collect();
    assert_eq!(states, ["held", "waiting no_seat"]);
    assert_eq!((&first["pools"][0]["held"], &first["pools"][0]["waiting"]), (&1.into(), &1.into()));
    let again = ledger.batch(epoch, "k", &steps).await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    let mut again = again.good();
    assert_eq!((&again["previous"], first["previous"].as_u64() < first["version"].as_u64()), (&first["version"], true));
    assert_eq!(ledger.get(&ledger.connector, "batches/k").await.good(), again);
    again["previous"] = first["previous"].clone();
    assert_eq!(again, first);
    assert_eq!(ledger.get(&ledger.connector, "batches/other").await.problem(), "404 not-found");
    assert_eq!(ledger.batch(epoch, "k", &steps[..2]).await.problem(), "422 idempotency-key-reused");
    let answer: wire::BatchAnswer = serde_json::from_value(first).unwrap();
    assert_eq!(answer.into_model(5).unwrap().accounts.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_epoch_is_fenced() {
    let ledger = Served::start().await;
    ledger.pool("a", 1).await;
    let none = send(
        ledger.request(Method::POST, &ledger.connector, "batches").header("Idempotency-Key", "k").json(&batch(&[])),
    )
    .await;
    assert_eq!(none.problem(), "400 epoch-required");
    assert_eq!(ledger.batch(1, "k", &[]).await.problem(), "409 stale-epoch", "never given");
    let first = ledger.lease("dc01").await;
    ledger.batch(first, "k1", &[create(1)]).await.good();
    let held = lease(&ledger, Method::POST, None, &json!({ "holder": "dc02", "seconds": 60 })).await;
    assert_eq!((held.problem().as_str(), &held.body["holder"]), ("409 lease-held", &"dc01".into()));
    assert!(held.header("retry-after").is_some());
    let second = ledger.lease("dc01").await;
    let fenced = ledger.batch(first, "k2", &[claim(1, "a")]).await;
    assert_eq!((fenced.problem().as_str(), &fenced.body["epoch"]), ("409 stale-epoch", &second.into()));
    assert_eq!(ledger.counts("a").await, (1, 0, 0), "nothing of it happened");
    assert_eq!(
        ledger.batch(first, "k1", &[create(1)]).await.status,
        StatusCode::OK,
        "what was answered is answered again"
    );
    let old = lease(&ledger, Method::PUT, Some(first), &json!({ "seconds": 60 })).await;
    assert_eq!(old.problem(), "409 stale-epoch");
    lease(&ledger, Method::PUT, Some(second), &json!({ "seconds": 60 })).await.good();
    assert_eq!(lease(&ledger, Method::DELETE, Some(second), &Value::Null).await.status, StatusCode::NO_CONTENT);
    let third = ledger.lease("dc02").await;
    assert!(third > second);
    let told = ledger.told(0).await;
    assert_eq!(told.iter().filter(|one| one.starts_with("lease.taken")).count(), 3);
}

/// The lease as a backup of the database has it, put back.
fn restore_lease(ledger: &Served, backup: &rusqlite::Connection) {
    let columns = "lease_epoch, lease_holder, lease_connector, lease_expires, lease_others, lease_last, lease_instance, lease_since";
    let sql = format!("UPDATE company SET ({columns}) = (SELECT {columns} FROM backup.company WHERE name = 'acme')");
    let path = backup.path().unwrap().to_owned();
    let shell = rusqlite::Connection::open(ledger.path()).unwrap();
    shell.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
    shell.execute("ATTACH ?1 AS backup", [path]).unwrap();
    assert_eq!(shell.execute(&sql, []).unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restore_the_epoch_that_one_agent_had_is_not_given_to_another() {
    let ledger = Served::start().await;
    ledger.lease("dc01").await;
    let copies = tempfile::tempdir().unwrap();
    let copy = copies.path().join("backup.db");
    let source = rusqlite::Connection::open(ledger.path()).unwrap();
    source.execute("VACUUM INTO ?1", [copy.to_str().unwrap()]).unwrap();
    let backup = rusqlite::Connection::open(copy).unwrap();
    let lost = ledger.lease("dc01").await;
    backup.execute("UPDATE company SET lease_expires = '2026-01-01T00:00:00Z'", []).unwrap();
    restore_lease(&ledger, &backup);
    let taken = ledger.lease("dc02").await;
    assert_ne!(taken, lost, "two agents would work at once");
    let kept = lease(&ledger, Method::PUT, Some(lost), &json!({ "seconds": 60 })).await;
    assert_eq!(kept.problem(), "409 stale-epoch");
    assert_eq!(ledger.batch(lost, "k", &[create(1)]).await.problem(), "409 stale-epoch");
    ledger.batch(taken, "k", &[create(1)]).await.good();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_epoch_is_good_with_the_token_of_its_connector_alone() {
    let ledger = Served::start().await;
    ledger.change(Method::PUT, "tier", &json!({ "tier": "advanced" })).await;
    let other = ledger.make("connectors/other", &json!({})).await.good()["token"].as_str().unwrap().to_owned();
    let epoch = ledger.lease("dc01").await;
    for (method, path, body) in [
        (Method::POST, "batches", batch(&[create(1)])),
        (Method::PUT, "lease", json!({ "seconds": 60 })),
        (Method::DELETE, "lease", Value::Null),
        (Method::POST, "relinks", json!({ "old": person(1), "new": person(2) })),
    ] {
        let request = ledger.request(method, &other, path).header("Connector-Epoch", epoch);
        let request = request.header("Idempotency-Key", "stolen");
        let answer = send(if body.is_null() { request } else { request.json(&body) }).await;
        assert_eq!(answer.problem(), "409 stale-epoch", "{path}");
    }
    ledger.batch(epoch, "k", &[create(1)]).await.good();
}

#[tokio::test(flavor = "multi_thread")]
async fn another_run_of_the_same_holder_waits_until_the_lease_is_given_back() {
    let ledger = Served::start().await;
    let take = |instance: &str| json!({ "holder": "dc01/1", "instance": instance, "seconds": 60 });
    let first = lease(&ledger, Method::POST, None, &take("a")).await.good();
    let copy = lease(&ledger, Method::POST, None, &take("b")).await;
    assert_eq!((copy.problem().as_str(), &copy.body["holder"]), ("409 lease-held", &"dc01/1".into()));
    assert_eq!((&copy.body["since"], &copy.body["expires"]), (&first["since"], &first["expires"]));
    let again = lease(&ledger, Method::POST, None, &take("a")).await.good();
    let copy = json!({ "seconds": 60, "holder": "dc01/1", "instance": "b" });
    assert_eq!(lease(&ledger, Method::PUT, again["epoch"].as_u64(), &copy).await.problem(), "409 stale-epoch");
    let given_back = lease(&ledger, Method::DELETE, again["epoch"].as_u64(), &Value::Null).await;
    assert_eq!(given_back.status, StatusCode::NO_CONTENT);
    let taken = lease(&ledger, Method::POST, None, &take("b")).await.good();
    assert!(taken["epoch"].as_u64() > again["epoch"].as_u64());
    assert_eq!((&taken["instance"], &taken["others"]), (&"b".into(), &0.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_company_is_read_whole_or_the_change_is_noticed() {
    let ledger = Served::start().await;
    ledger.pool("a", 2).await;
    let epoch = ledger.lease("dc01").await;
    let mut steps: Vec<Value> = (1..=25).flat_map(|n| [create(n), claim(n, "a")]).collect();
    steps.push(json!({ "do": "suspend", "person": person(3), "cause": "disabled", "keep_seats": false,
                       "counted": { "kind": "leaving", "confirmed": true } }));
    ledger.batch(epoch, "k", &steps).await.good();
    let confirmation = json!({ "fingerprint": "3f9a", "expires": "2999-01-01T00:00:00Z",
                               "changes": [{ "person": person(4), "change": "suspend", "value": "" }] });
    ledger.post(&ledger.connector, "confirmations", &confirmation).await.good();
    let whole: wire::State = serde_json::from_value(ledger.get(&ledger.connector, "state").await.good()).unwrap();
    assert_eq!((whole.accounts, whole.pools[0].held, whole.pools[0].waiting), (25, 2, 22));
    assert_eq!((whole.marks.len(), whole.marks[0].confirmed), (1, true));
    assert_eq!(serde_json::to_value(&whole.confirmations[0]).unwrap(), confirmation);
    let (mut accounts, mut path) = (Vec::<Account>::new(), "accounts?limit=10".to_owned());
    loop {
        let page = ledger.get(&ledger.connector, &path).await.good();
        let page: wire::Page<wire::Account> = serde_json::from_value(page).unwrap();
        assert_eq!((page.version, page.total), (whole.version, whole.accounts));
        accounts.extend(page.items.into_iter().map(|one| Account::try_from(one).unwrap()));
        let Some(cursor) = page.next_cursor else { break };
        path = format!("accounts?limit=10&cursor={cursor}");
    }
    let mut stored = seatsync::ledger::Ledger::open(&ledger.path(), true).unwrap();
    assert_eq!(accounts, stored.read("acme").unwrap().accounts);
}

#[tokio::test(flavor = "multi_thread")]
async fn relinking_moves_an_account_to_another_person() {
    let ledger = Served::start().await;
    let epoch = ledger.lease("dc01").await;
    ledger.batch(epoch, "k", &[create(1), create(2)]).await.good();
    let relink = |old, new| json!({ "old": person(old), "new": person(new) });
    let moved = ledger.post(&ledger.connector, "relinks", &relink(1, 9)).await.good();
    assert_eq!((&moved["id"], &moved["owner"]), (&"1".into(), &person(9)));
    assert_eq!(ledger.post(&ledger.connector, "relinks", &relink(1, 8)).await.problem(), "404 not-found");
    let occupied = ledger.post(&ledger.connector, "relinks", &relink(9, 2)).await;
    assert_eq!((occupied.problem().as_str(), &occupied.body["account"]), ("409 occupied", &"2".into()));
    let fenced = ledger.request(Method::POST, &ledger.connector, "relinks").header("Connector-Epoch", epoch + 1);
    let fenced = send(fenced.header("Idempotency-Key", "x").json(&relink(9, 8))).await;
    assert_eq!(fenced.problem(), "409 stale-epoch", "where an epoch is given it counts");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_connector_last_said_of_its_people_holds_for_what_others_change() {
    let ledger = Served::start().await;
    ledger.pool("a", 0).await;
    let epoch = ledger.lease("dc01").await;
    let mut body = batch(&[create(1), claim(1, "a"), create(2), claim(2, "a")]);
    body["allocation"]["passed_over"] = json!([person(1)]);
    let request = ledger.request(Method::POST, &ledger.connector, "batches").header("Connector-Epoch", epoch);
    send(request.header("Idempotency-Key", "k").json(&body)).await.good();
    ledger.change(Method::PATCH, "pools/a", &json!({ "seats": 1 })).await.good();
    assert_eq!([ledger.state("1", "a").await, ledger.state("2", "a").await], ["waiting no_seat", "held"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_may_be_large_and_packed() {
    use std::io::Write as _;
    let ledger = Served::start().await;
    ledger.pool("a", 5000).await;
    let epoch = ledger.lease("dc01").await;
    let steps: Vec<Value> = (1..=10_000).flat_map(|n| [create(n), claim(n, "a")]).collect();
    let json = serde_json::to_vec(&batch(&steps)).unwrap();
    assert!(json.len() > 2 * 1024 * 1024, "more than others may send");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&json).unwrap();
    let request = ledger.request(Method::POST, &ledger.connector, "batches").header("Connector-Epoch", epoch);
    let request = request.header("Idempotency-Key", "k").header("Content-Encoding", "gzip");
    let answer = send(request.header("Content-Type", "application/json").body(packed.finish().unwrap())).await.good();
    assert_eq!((&answer["steps"], answer["accounts"].as_array().unwrap().len()), (&20_000.into(), 10_000));
    assert_eq!(ledger.counts("a").await, (5000, 5000, 5000));
    let torn = ledger.request(Method::POST, &ledger.connector, "batches").header("Connector-Epoch", epoch);
    let torn = torn
        .header("Idempotency-Key", "k2")
        .header("Content-Encoding", "gzip")
        .header("Content-Type", "application/json");
    assert_eq!(send(torn.body("not gzip at all")).await.problem(), "400 invalid-request");
}

/// A batch that its sender dates so far from now.
async fn dated(ledger: &Served, epoch: u64, key: &str, hours: i64, steps: &[Value]) -> Answer {
    let mut body = batch(steps);
    body["at"] = json!(clock::now().checked_add(SignedDuration::from_hours(hours)).unwrap());
    let request = ledger.request(Method::POST, &ledger.connector, "batches").header("Connector-Epoch", epoch);
    send(request.header("Idempotency-Key", key).json(&body)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_a_clock_that_is_off_is_refused_with_how_far_and_one_carried_out_before_is_answered() {
    let ledger = Served::start().await;
    let epoch = ledger.lease("dc01").await;
    for (hours, words) in [(-24 * 90, "90 days behind"), (24 * 60, "60 days ahead of"), (-30, "30 hours behind")] {
        let refused = dated(&ledger, epoch, "k", hours, &[create(1)]).await;
        assert_eq!(refused.problem(), "422 clock-skew");
        let said = refused.body["detail"].as_str().unwrap();
        assert!(said.contains(&format!("this machine's clock is {words} the ledger's")), "{said}");
    }
    assert_eq!(ledger.get(&ledger.connector, "state").await.good()["accounts"], 0, "nothing of it happened");
    dated(&ledger, epoch, "k", -20, &[create(1)]).await.good();
    let mut confirmation = json!({ "fingerprint": "3f9a", "expires": "2999-01-01T00:00:00Z", "changes": [] });
    confirmation["at"] = json!("2026-01-01T00:00:00Z");
    assert_eq!(ledger.post(&ledger.connector, "confirmations", &confirmation).await.problem(), "422 clock-skew");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_marks_are_kept_by_the_ledgers_clock_whatever_time_a_batch_bears() {
    let ledger = Served::start().await;
    let epoch = ledger.lease("dc01").await;
    let suspend = json!({ "do": "suspend", "person": person(1), "cause": "disabled", "keep_seats": false,
                          "counted": { "kind": "leaving", "confirmed": false } });
    let begun = clock::now();
    dated(&ledger, epoch, "k", -20, &[create(1), suspend]).await.good();
    // What is forgotten is as old as the row says; a batch of twenty hours ago was received now.
    let stored = rusqlite::Connection::open(ledger.path()).unwrap();
    for table in ["batch", "guard_mark"] {
        let at: String = stored.query_row(&format!("SELECT at FROM {table}"), [], |row| row.get(0)).unwrap();
        assert!(at.parse::<jiff::Timestamp>().unwrap() >= begun, "{table} {at}");
    }
    let mark = &ledger.get(&ledger.connector, "state").await.good()["marks"][0];
    assert!(mark["at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap() >= begun, "{mark}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_is_for_a_decision_or_for_a_batch_and_the_answer_to_a_decision_is_found_by_it() {
    let ledger = Served::start().await;
    ledger.pool("a", 1).await;
    let epoch = ledger.lease("dc01").await;
    ledger.batch(epoch, "batch", &[create(1), claim(1, "a")]).await.good();
    let release = json!({ "decisions": [{ "person": person(1), "pool": null, "verdict": "release" }] });
    let crossed = ledger.post_keyed(&ledger.connector, "decisions", "batch", &release).await;
    assert_eq!(crossed.problem(), "422 idempotency-key-reused");
    assert_eq!(ledger.counts("a").await, (1, 1, 0), "nothing was decided");
    assert_eq!(ledger.get(&ledger.connector, "decisions/decision").await.problem(), "404 not-found");
    let decided = ledger.post_keyed(&ledger.connector, "decisions", "decision", &release).await.good();
    let crossed = ledger.batch(epoch, "decision", &[create(2)]).await;
    assert_eq!(crossed.problem(), "422 idempotency-key-reused");
    assert_eq!(ledger.get(&ledger.connector, "decisions/decision").await.good(), decided);
    assert_eq!(ledger.get(&ledger.connector, "decisions/batch").await.problem(), "404 not-found");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_may_be_kept_by_anything_between() {
    let ledger = Served::start().await;
    for (token, path) in
        [(ledger.connector.as_str(), "state"), ("none", "state"), (&ledger.admin, "/nowhere"), ("", "/healthz")]
    {
        let answer = ledger.get(token, path).await;
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path} {}", answer.status);
    }
}
