//! Pools: preconditions, floors, and never fewer seats than are held.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Served, claim, create, profile, send};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_changed_must_be_expected() {
    let ledger = Served::start().await;
    let body = json!({ "seats": 5 });
    assert_eq!(ledger.put(&ledger.admin, "pools/a", &body).await.problem(), "428 precondition-required");
    let made = ledger.make("pools/a", &body).await;
    assert_eq!(made.status, StatusCode::CREATED);
    let etag = made.header("etag").unwrap().to_owned();
    assert_eq!(format!("\"{}\"", made.body["etag"].as_str().unwrap()), etag);
    assert_eq!(ledger.make("pools/a", &body).await.problem(), "412 precondition-failed");
    let with = |tag: &str| {
        ledger.request(Method::PUT, &ledger.admin, "pools/a").header("If-Match", tag).json(&json!({ "seats": 6 }))
    };
    let changed = send(with(&etag)).await;
    assert_eq!(changed.status, StatusCode::OK);
    let stale = send(with(&etag)).await;
    assert_eq!(stale.problem(), "412 precondition-failed");
    assert_eq!(stale.body["etag"], changed.body["etag"], "the present one");
    let missing = ledger.request(Method::PUT, &ledger.admin, "pools/b").header("If-Match", "*").json(&body);
    assert_eq!(send(missing).await.problem(), "412 precondition-failed");
    for bad in ["x", "\"a\", \"b\"", "W/\"a\""] {
        assert_eq!(send(with(bad)).await.problem(), "400 invalid-request", "{bad}");
    }
    let both = with("*").header("If-None-Match", "*");
    assert_eq!(send(both).await.problem(), "400 invalid-request");
    let patch = ledger.request(Method::PATCH, &ledger.admin, "pools/a").json(&body);
    assert_eq!(send(patch).await.problem(), "428 precondition-required");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tag_of_a_pool_moves_with_its_terms_and_not_with_its_holders() {
    let ledger = Served::start().await;
    let made = ledger.pool("a", 5).await;
    let id = ledger.account("ann").await;
    ledger.ask(&id, "a").await;
    let seen = ledger.get(&ledger.admin, "pools/a").await.good();
    assert_eq!((seen["held"].as_u64(), &seen["etag"]), (Some(1), &made["etag"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn seats_go_down_to_those_held_and_to_the_floor() {
    let ledger = Served::start().await;
    ledger.pool("a", 3).await;
    for name in ["ann", "bob"] {
        let id = ledger.account(name).await;
        assert_eq!(ledger.ask(&id, "a").await, "held");
    }
    let patch = async |body| ledger.change(Method::PATCH, "pools/a", &body).await;
    let refused = patch(json!({ "seats": 1 })).await;
    assert_eq!(refused.problem(), "409 seats-below-held");
    assert_eq!((&refused.body["seats"], &refused.body["held"]), (&3.into(), &2.into()));
    assert_eq!(patch(json!({ "seats": 2 })).await.good()["billed"], 2);
    patch(json!({ "seats": 10, "min_seats": 8 })).await.good();
    let refused = patch(json!({ "seats": 7 })).await;
    assert_eq!((refused.problem().as_str(), &refused.body["min_seats"]), ("409 below-floor", &8.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn new_seats_are_granted_in_the_transaction_that_buys_them() {
    let ledger = Served::start().await;
    ledger.pool("a", 0).await;
    let epoch = ledger.lease("dc01").await;
    let steps = [create(1), claim(1, "a"), create(2), claim(2, "a")];
    ledger.batch(epoch, "k", &steps).await.good();
    let before = ledger.last().await;
    let bought = ledger.change(Method::PATCH, "pools/a", &json!({ "seats": 1 })).await.good();
    assert_eq!((bought["held"].as_u64(), bought["waiting"].as_u64()), (Some(1), Some(1)));
    assert_eq!(ledger.told(before).await, ["pool.changed - a", "seat.held 1 a"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_pools_and_accounts_may_be_anything_printable() {
    let ledger = Served::start().await;
    let name = "Plan%20%C3%A4%2F%22x%22%3F";
    let made = ledger.make(&format!("pools/{name}"), &json!({ "seats": 1 })).await.good();
    assert_eq!(made["name"], "Plan ä/\"x\"?");
    let made = ledger.make(&format!("accounts/by-external-id/{name}"), &profile("ann")).await.good();
    let path = format!("accounts/{}/seats/{name}", made["id"].as_str().unwrap());
    let account = ledger.put(&ledger.admin, &path, &json!({})).await.good();
    assert_eq!(account["seats"][0]["state"], "held");
    let control = ledger.make("pools/a%0Ab", &json!({ "seats": 1 })).await;
    assert_eq!(control.problem(), "422 invalid-request");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_of_a_config_file_is_shown_and_not_edited() {
    use seatsync::model::change::{Allocation, Batch, Operation, Step};
    let ledger = Served::start().await;
    let operation = Operation::SetSeats { pool: "a".into(), from: None, to: 7 };
    let steps = vec![Step { person: None, operation, counted: None }];
    let embedded = Batch { key: "k".into(), at: seatsync::clock::now(), steps, allocation: Allocation::default() };
    seatsync::ledger::Ledger::open(&ledger.path(), true).unwrap().apply("acme", &embedded).unwrap();
    let shown = ledger.get(&ledger.admin, "pools/a").await.good();
    assert_eq!((&shown["seats"], &shown["owned_by"]), (&7.into(), &"config".into()));
    assert_eq!(ledger.change(Method::PATCH, "pools/a", &json!({ "seats": 8 })).await.problem(), "409 owned-by-config");
    assert_eq!(ledger.told(0).await.last().unwrap(), "ledger.changed - -", "whoever follows hears of it");
}

#[tokio::test]
async fn a_pool_is_removed_once_nobody_needs_it_and_not_before() {
    let ledger = Served::start().await;
    ledger.pool("a", 1).await;
    let etag = ledger.pool("b", 1).await["etag"].as_str().unwrap().to_owned();
    let remove = async |pool: &str| ledger.change(Method::DELETE, &format!("pools/{pool}"), &Value::Null).await;
    assert_eq!(remove("c").await.problem(), "404 not-found");
    assert_eq!(ledger.delete(&ledger.admin, "pools/b").await.problem(), "428 precondition-required");
    assert_eq!(ledger.delete(&ledger.approver, "pools/b").await.problem(), "403 forbidden");
    let (holder, waiter) = (ledger.account("x").await, ledger.account("y").await);
    ledger.ask(&holder, "a").await;
    ledger.ask(&waiter, "a").await;
    let refused = remove("a").await;
    assert_eq!(refused.problem(), "409 pool-in-use");
    assert_eq!((&refused.body["held"], &refused.body["waiting"]), (&json!(1), &json!(1)));
    ledger.change(Method::PATCH, "pools/b", &json!({ "seats": 2 })).await.good();
    let stale = ledger.request(Method::DELETE, &ledger.admin, "pools/b").header("If-Match", format!("\"{etag}\""));
    assert_eq!(send(stale).await.problem(), "412 precondition-failed");
    ledger.change(Method::PATCH, "pools/b", &json!({ "min_seats": 1 })).await.good();
    assert_eq!(remove("b").await.problem(), "409 below-floor");
    ledger.change(Method::PATCH, "pools/b", &json!({ "min_seats": 0 })).await.good();
    let before = ledger.last().await;
    let gone = remove("b").await;
    assert_eq!((gone.status.as_u16(), &gone.body), (204, &Value::Null));
    assert_eq!(ledger.told(before).await, ["pool.removed - b"]);
    assert_eq!(ledger.get(&ledger.admin, "pools/b").await.problem(), "404 not-found");
    for id in [waiter, holder] {
        ledger.change(Method::DELETE, &format!("accounts/{id}/seats/a"), &Value::Null).await.good();
    }
    remove("a").await.good();
    assert_eq!(ledger.get(&ledger.admin, "pools").await.good()["items"], json!([]));
}
