//! Fewer seats from a later day on.

use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Served};

fn soon(seconds: i64) -> String {
    let at: Timestamp = seatsync::clock::now().checked_add(SignedDuration::from_secs(seconds)).unwrap();
    at.to_string()
}

async fn reduce(ledger: &Served, seats: u32, at: &str) -> Answer {
    let body = json!({ "seats": seats, "effective_at": at });
    ledger.change(Method::PUT, "pools/a/reduction", &body).await
}

async fn pool(ledger: &Served) -> Value {
    ledger.get(&ledger.admin, "pools/a").await.good()
}

/// Waits until the reduction has come due, and somebody looked: any change of the company does.
async fn due(ledger: &Served) {
    tokio::time::sleep(std::time::Duration::from_millis(2200)).await;
    ledger.service.reduce(seatsync::clock::now()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn until_it_takes_effect_the_old_number_is_billed() {
    let ledger = Served::start().await;
    ledger.pool("a", 10).await;
    let scheduled = reduce(&ledger, 4, &soon(2)).await.good();
    assert_eq!(
        (&scheduled["seats"], &scheduled["billed"], &scheduled["reduction"]["seats"]),
        (&10.into(), &10.into(), &4.into())
    );
    due(&ledger).await;
    let after = pool(&ledger).await;
    assert_eq!((&after["seats"], &after["billed"], &after["reduction"]), (&4.into(), &4.into(), &Value::Null));
    assert_eq!(ledger.told(0).await.last().unwrap(), "reduction.applied - a");
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_held_when_it_comes_due_keep_the_old_number() {
    let ledger = Served::start().await;
    ledger.pool("a", 3).await;
    for name in ["ann", "bob"] {
        let id = ledger.account(name).await;
        ledger.ask(&id, "a").await;
    }
    reduce(&ledger, 1, &soon(2)).await.good();
    due(&ledger).await;
    let after = pool(&ledger).await;
    assert_eq!((&after["seats"], &after["reduction"]), (&3.into(), &Value::Null));
    let events = ledger.get(&ledger.admin, "events?limit=10000").await.good();
    let last = events["events"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        (&last["type"], &last["data"]["seats"], &last["data"]["held"]),
        (&"reduction.refused".into(), &1.into(), &2.into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn it_can_be_cancelled_until_then() {
    let ledger = Served::start().await;
    ledger.pool("a", 3).await;
    let none = ledger.change(Method::DELETE, "pools/a/reduction", &Value::Null).await;
    assert_eq!(none.problem(), "409 no-reduction");
    reduce(&ledger, 1, &soon(2)).await.good();
    ledger.change(Method::DELETE, "pools/a/reduction", &Value::Null).await.good();
    due(&ledger).await;
    assert_eq!(pool(&ledger).await["seats"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn assigning_the_seat_again_cancels_it() {
    let ledger = Served::start().await;
    ledger.pool("a", 2).await;
    let (ann, bob) = (ledger.account("ann").await, ledger.account("bob").await);
    ledger.ask(&ann, "a").await;
    reduce(&ledger, 1, &soon(3600)).await.good();
    let before = ledger.last().await;
    assert_eq!(ledger.ask(&bob, "a").await, "held");
    assert_eq!(pool(&ledger).await["reduction"], Value::Null);
    assert_eq!(ledger.told(before).await, ["reduction.cancelled - a", "seat.held 2 a"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_date_it_is_the_companys_renewal() {
    let ledger = Served::start().await;
    ledger.pool("a", 2).await;
    let later = json!({ "seats": 1 });
    let none = ledger.change(Method::PUT, "pools/a/reduction", &later).await;
    assert_eq!(none.problem(), "409 no-renewal");
    let renewal = json!({ "renewal": { "at": "2020-02-29T00:00:00Z", "every": "year" } });
    ledger.change(Method::PATCH, "", &renewal).await.good();
    let scheduled = ledger.change(Method::PUT, "pools/a/reduction", &later).await.good();
    let at: Timestamp = scheduled["reduction"]["effective_at"].as_str().unwrap().parse().unwrap();
    assert!(at > seatsync::clock::now(), "{at}");
    assert!(at.to_string().contains("-02-2"), "{at}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_lower_not_below_the_floor_and_due_now_means_now() {
    let ledger = Served::start().await;
    ledger.make("pools/a", &json!({ "seats": 5, "min_seats": 2 })).await.good();
    assert_eq!(reduce(&ledger, 5, &soon(60)).await.problem(), "409 not-lower");
    assert_eq!(reduce(&ledger, 1, &soon(60)).await.problem(), "409 below-floor");
    assert_eq!(reduce(&ledger, 2, "2020-01-01T00:00:00Z").await.good()["seats"], 2);
}
