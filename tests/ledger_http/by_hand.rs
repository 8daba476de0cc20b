//! What somebody does to the database with the sqlite3 shell, while it is served: set right at once, and by itself.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use super::harness::{Served, profile};

fn by_hand(ledger: &Served, sql: &str) {
    let shell = rusqlite::Connection::open(ledger.path()).unwrap();
    shell.busy_timeout(Duration::from_secs(10)).unwrap();
    shell.execute_batch(sql).unwrap();
}

/// One pool of two seats, both held, and one who waits.
async fn full() -> Served {
    let ledger = Served::start().await;
    ledger.pool("standard", 2).await;
    for (name, state) in [("a", "held"), ("b", "held"), ("c", "waiting no_seat")] {
        let id = ledger.account(name).await;
        assert_eq!(ledger.ask(&id, "standard").await, state);
    }
    ledger
}

/// In a while; meanwhile the pool may be missing.
async fn becomes(ledger: &Served, (seats, held, waiting): (u64, u64, u64)) {
    let start = Instant::now();
    loop {
        let pool = ledger.get(&ledger.admin, "pools/standard").await.body;
        if pool["seats"] == seats && pool["held"] == held && pool["waiting"] == waiting {
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(5), "{pool} after 5 s");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn counts_changed_by_hand_give_nobody_a_seat_too_many_and_are_soon_right() {
    let ledger = full().await;
    let id = ledger.account("d").await;
    // Asked for at once, before the service looked by itself.
    by_hand(&ledger, "UPDATE pool SET held = 0, waiting = 0");
    assert_eq!(ledger.ask(&id, "standard").await, "waiting no_seat");
    assert_eq!(ledger.counts("standard").await, (2, 2, 2));
    let last = ledger.last().await;
    by_hand(&ledger, "UPDATE pool SET held = 77, waiting = -3");
    becomes(&ledger, (2, 2, 2)).await;
    assert_eq!(ledger.told(last).await, ["ledger.changed - -"], "whoever follows it hears");
}

#[tokio::test]
async fn more_seats_bought_after_counts_were_changed_go_to_as_many_as_there_are() {
    let ledger = full().await;
    let id = ledger.account("d").await;
    assert_eq!(ledger.ask(&id, "standard").await, "waiting no_seat");
    ledger.change(Method::PATCH, "", &json!({ "promotion": "automatic" })).await.good();
    by_hand(&ledger, "UPDATE pool SET held = 0");
    ledger.change(Method::PATCH, "pools/standard", &json!({ "seats": 3 })).await.good();
    assert_eq!(ledger.counts("standard").await, (3, 3, 1));
}

#[tokio::test]
async fn a_name_changed_by_hand_is_taken_and_the_old_one_free() {
    let ledger = full().await;
    by_hand(&ledger, "UPDATE account SET user_name = 'Zoë', email = 'zoe@corp.example' WHERE user_name = 'a'");
    let make = async |external: &str, name: &str| {
        ledger.make(&format!("accounts/by-external-id/{external}"), &profile(name)).await
    };
    assert_eq!(make("x", "ZOË").await.problem(), "409 conflict");
    make("y", "a").await.good();
}

#[tokio::test]
async fn a_pool_deleted_by_hand_comes_back_with_its_holders_and_without_seats() {
    let ledger = full().await;
    by_hand(&ledger, "DELETE FROM pool");
    becomes(&ledger, (0, 2, 1)).await;
    let bought = ledger.change(Method::PUT, "pools/standard", &json!({ "seats": 2 })).await.good();
    assert_eq!((&bought["held"], &bought["waiting"]), (&json!(2), &json!(1)));
    by_hand(&ledger, "DELETE FROM pool");
    let id = ledger.account("d").await;
    assert_eq!(ledger.ask(&id, "standard").await, "waiting no_seat", "known again before anybody asks");
    assert_eq!(ledger.counts("standard").await, (0, 2, 2));
}

#[tokio::test]
async fn what_a_hand_does_while_many_ask_at_once_gives_no_seat_too_many() {
    let ledger = full().await;
    ledger.change(Method::PATCH, "pools/standard", &json!({ "seats": 10 })).await.good();
    let mut ids = Vec::new();
    for n in 0..30 {
        ids.push(ledger.account(&format!("n{n}")).await);
    }
    let asking = futures_util::future::join_all(ids.iter().map(|id| ledger.ask(id, "standard")));
    let path = ledger.path();
    let meddling = tokio::task::spawn_blocking(move || {
        let shell = rusqlite::Connection::open(path).unwrap();
        shell.busy_timeout(Duration::from_secs(10)).unwrap();
        for _ in 0..40 {
            shell.execute_batch("UPDATE pool SET held = 0, waiting = 0").unwrap();
            std::thread::sleep(Duration::from_millis(2));
        }
    });
    let (states, meddled) = tokio::join!(asking, meddling);
    meddled.unwrap();
    assert!(states.iter().filter(|state| *state == "held").count() <= 8, "{states:?}");
    let everybody: Value = ledger.get(&ledger.admin, "accounts?limit=100").await.good();
    let held = |account: &Value| account["seats"].as_array().unwrap().iter().any(|seat| seat["state"] == "held");
    let holders = everybody["items"].as_array().unwrap().iter().filter(|account| held(account)).count() as u64;
    assert!(holders <= 10, "{holders}");
    becomes(&ledger, (10, holders, 33 - holders)).await;
}
