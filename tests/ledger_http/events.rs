//! Events: without gaps, in order, at once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Served, profile};

fn numbers(events: &Value) -> Vec<u64> {
    events["events"].as_array().unwrap().iter().map(|event| event["seq"].as_u64().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_who_follows_sees_the_same_without_gaps_while_many_write() {
    const WRITERS: usize = 8;
    const EACH: usize = 12;
    let ledger = Arc::new(Served::start().await);
    ledger.pool("a", 20).await;
    let start = ledger.last().await;
    let follower = |ledger: Arc<Served>| async move {
        let (mut seen, mut after, mut created) = (Vec::new(), start, 0);
        while created < WRITERS * EACH {
            let events = ledger.get(&ledger.approver, &format!("events?after={after}&wait=20&limit=7")).await.good();
            for event in events["events"].as_array().unwrap() {
                created += usize::from(event["type"] == "account.created");
                seen.push(event.clone());
            }
            after = seen.last().map_or(after, |event| event["seq"].as_u64().unwrap());
        }
        seen
    };
    let followers: Vec<_> = (0..3).map(|_| tokio::spawn(follower(Arc::clone(&ledger)))).collect();
    let writer = |ledger: Arc<Served>, writer: usize| async move {
        for n in 0..EACH {
            let id = ledger.account(&format!("u{writer}-{n}")).await;
            ledger.ask(&id, "a").await;
        }
    };
    let writers: Vec<_> = (0..WRITERS).map(|n| tokio::spawn(writer(Arc::clone(&ledger), n))).collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let mut all = Vec::new();
    for follower in followers {
        let seen = follower.await.unwrap();
        let seqs: Vec<u64> = seen.iter().map(|event| event["seq"].as_u64().unwrap()).collect();
        let wanted: Vec<u64> = (start + 1..).take(seqs.len()).collect();
        assert_eq!(seqs, wanted);
        all.push(seen);
    }
    let whole = ledger.get(&ledger.admin, &format!("events?after={start}&limit=10000")).await.good();
    let whole = whole["events"].as_array().unwrap();
    assert_eq!(whole.len(), 2 * WRITERS * EACH, "created, and held or waiting");
    for seen in &all {
        assert_eq!(seen[..], whole[..seen.len()]);
    }
    assert_eq!(ledger.counts("a").await, (20, 20, 76));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poll_is_answered_at_once_when_something_happens_and_else_when_its_time_is_over() {
    let ledger = Arc::new(Served::start().await);
    let last = ledger.last().await;
    let started = Instant::now();
    let nothing = ledger.get(&ledger.admin, &format!("events?after={last}&wait=1")).await.good();
    assert_eq!((numbers(&nothing), &nothing["last"]), (vec![], &last.into()));
    assert!(started.elapsed() >= Duration::from_secs(1));
    let waiting = Arc::clone(&ledger);
    let poll = tokio::spawn(async move {
        let events = waiting.get(&waiting.admin, &format!("events?after={last}&wait=60")).await.good();
        (events, Instant::now())
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let wrote = Instant::now();
    ledger.make("accounts/by-external-id/x", &profile("ann")).await.good();
    let (events, heard) = poll.await.unwrap();
    assert_eq!(numbers(&events), [last + 1]);
    assert!(heard.duration_since(wrote) < Duration::from_secs(1), "not only when it looks again");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_are_gone_are_not_passed_over() {
    let ledger = Served::start().await;
    for name in ["a", "b", "c"] {
        ledger.pool(name, 1).await;
    }
    let last = ledger.last().await;
    let shell = rusqlite::Connection::open(ledger.path()).unwrap();
    shell.execute("DELETE FROM event WHERE seq < ?1", [i64::try_from(last).unwrap()]).unwrap();
    let gone = ledger.get(&ledger.admin, "events?after=1").await;
    assert_eq!((gone.problem().as_str(), &gone.body["oldest"]), ("410 events-expired", &last.into()));
    // Each change by this hand is told as well, a moment later.
    let still_there = numbers(&ledger.get(&ledger.admin, &format!("events?after={}", last - 1)).await.good());
    assert_eq!(still_there.first(), Some(&last));
    shell.execute("DELETE FROM event", []).unwrap();
    ledger.pool("d", 1).await;
    assert!(ledger.last().await >= last + 2, "numbers go on, whatever was forgotten");
    let gone = ledger.get(&ledger.admin, "events?after=0").await;
    assert!(gone.body["oldest"].as_u64() > Some(last), "{}", gone.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_is_answered_when_the_ledger_stops() {
    let mut ledger = Served::start().await;
    let last = ledger.last().await;
    let request = ledger.request(reqwest::Method::GET, &ledger.admin, &format!("events?after={last}&wait=60"));
    let poll = tokio::spawn(async move { crate::harness::send(request).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let started = Instant::now();
    ledger.stop().await;
    assert_eq!(poll.await.unwrap().good()["events"], json!([]));
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_process_writes_is_heard_too() {
    let ledger = Served::start().await;
    let last = ledger.last().await;
    let request = ledger.request(reqwest::Method::GET, &ledger.admin, &format!("events?after={last}&wait=30"));
    let poll = tokio::spawn(async move { crate::harness::send(request).await });
    tokio::time::sleep(Duration::from_millis(200)).await;
    let mut other = seatsync::ledger::Ledger::open(&ledger.path(), true).unwrap();
    let steps = vec![seatsync::model::change::Step {
        person: None,
        operation: seatsync::model::change::Operation::SetSeats { pool: "a".into(), from: None, to: 7 },
        counted: None,
    }];
    let allocation = seatsync::model::change::Allocation::default();
    let batch = seatsync::model::change::Batch { key: "k".into(), at: seatsync::clock::now(), steps, allocation };
    let wrote = Instant::now();
    other.apply("acme", &batch).unwrap();
    let events = poll.await.unwrap().good();
    assert!(wrote.elapsed() < Duration::from_secs(1), "not only when it looks again: {:?}", wrote.elapsed());
    assert_eq!(events["events"][0]["type"], "ledger.changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_ahead_of_a_ledger_that_was_restored_is_told_to_read_anew() {
    let ledger = Served::start().await;
    ledger.pool("a", 1).await;
    let last = ledger.last().await;
    let level = ledger.get(&ledger.approver, &format!("events?after={last}")).await.good();
    assert_eq!((numbers(&level), level["last"].as_u64()), (vec![], Some(last)));
    let clock = Instant::now();
    let ahead = ledger.get(&ledger.approver, &format!("events?after={}&wait=30", last + 1)).await;
    assert_eq!(ahead.problem(), "410 events-expired");
    assert!(clock.elapsed() < Duration::from_secs(20), "answered at once");
    assert!(ahead.body["detail"].as_str().unwrap().contains("restored"), "{}", ahead.body);
}
