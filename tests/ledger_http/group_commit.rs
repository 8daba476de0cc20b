//! Many small writes share one durable transaction, and none takes a seat too many.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::harness::{Served, claim, create, state};

#[tokio::test(flavor = "multi_thread")]
async fn many_single_claims_at_once_take_exactly_the_seats_there_are() {
    const PEOPLE: u128 = 300;
    const SEATS: u64 = 50;
    let ledger = Arc::new(Served::start().await);
    ledger.pool("a", 50).await;
    let epoch = ledger.lease("dc01").await;
    let everyone: Vec<Value> = (1..=PEOPLE).map(create).collect();
    ledger.batch(epoch, "start", &everyone).await.good();
    let before = ledger.service.transactions();
    let asking = |n: u128, ledger: Arc<Served>| async move {
        let answer = ledger.batch(epoch, &format!("ask {n}").replace(' ', "-"), &[claim(n, "a")]).await.good();
        state(&answer["accounts"][0], "a")
    };
    let asked: Vec<_> = (1..=PEOPLE).map(|n| tokio::spawn(asking(n, Arc::clone(&ledger)))).collect();
    let mut held = 0;
    for asked in asked {
        match asked.await.unwrap().as_str() {
            "held" => held += 1,
            "waiting no_seat" => {}
            other => panic!("{other}"),
        }
    }
    assert_eq!(held, SEATS);
    assert_eq!(ledger.counts("a").await, (SEATS, SEATS, 250));
    let transactions = ledger.service.transactions() - before;
    assert!(transactions < 200, "{transactions} transactions for {PEOPLE} claims");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_fails_takes_no_other_with_it() {
    let ledger = Arc::new(Served::start().await);
    ledger.pool("a", 5).await;
    let one = |n: usize, ledger: Arc<Served>| async move {
        // Every second one wants a mail address that another has.
        let profile = json!({ "user_name": format!("u{n}"), "email": format!("m{}@corp.example", n / 2) });
        ledger.make(&format!("accounts/by-external-id/x{n}"), &profile).await.status.as_u16()
    };
    let tasks: Vec<_> = (0..80).map(|n| tokio::spawn(one(n, Arc::clone(&ledger)))).collect();
    let mut made = 0;
    for task in tasks {
        match task.await.unwrap() {
            201 => made += 1,
            409 => {}
            other => panic!("{other}"),
        }
    }
    assert_eq!(made, 40);
    let page = ledger.get(&ledger.admin, "accounts").await.good();
    assert_eq!(page["total"], 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_is_there_after_the_end() {
    let mut ledger = Served::start().await;
    ledger.pool("a", 5).await;
    let ann = ledger.account("ann").await;
    assert_eq!(ledger.ask(&ann, "a").await, "held");
    ledger.stop().await;
    let mut file = seatsync::ledger::Ledger::open(&ledger.path(), true).unwrap();
    let state = file.read("acme").unwrap();
    assert_eq!((state.accounts.len(), state.pools["a"].held), (1, 1));
}
