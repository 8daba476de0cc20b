//! Rounds against receivers that are not there, and one that answers as it is told.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use jiff::{SignedDuration, Timestamp};
use secrecy::{SecretSlice, SecretString};
use tokio::sync::watch;

use super::*;
use crate::model::memory::CycleRecord;
use crate::model::notice::{News, Notice, NoticeKind};
use crate::model::settings::WebhookSettings;
use crate::ports::{History as _, Left, Outbox as _};
use crate::state::State;

fn start() -> Timestamp {
    "2026-11-26T08:00:00Z".parse().unwrap()
}

fn after(minutes: i64) -> Timestamp {
    start() + SignedDuration::from_mins(minutes)
}

fn courier(port: u16) -> Courier {
    let webhook = WebhookSettings {
        url: SecretString::from(format!("http://127.0.0.1:{port}/")),
        key: SecretSlice::from(vec![7; 24]),
        ca_file: None,
    };
    let settings = NotifySettings { webhook: Some(webhook), email: None, after_failures: 3, digest: None };
    Courier::new(&settings, "dc01").unwrap()
}

/// Nobody listens there.
fn nowhere() -> Courier {
    courier(TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port())
}

/// A receiver that gives these answers, one a connection, and then is gone.
fn answering(answers: Vec<&'static str>) -> Courier {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = write!(stream, "HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
    });
    courier(port)
}

/// A cycle leaves a message.
fn tell(state: &mut State, subject: &str, at: Timestamp) {
    let record = CycleRecord { number: 1, started: at, seconds: 0.1, outcome: "ok".into(), report: "{}".into() };
    let (subject, text, body) = (subject.to_owned(), String::new(), "{}".to_owned());
    let notice = Notice { kind: NoticeKind::PoolFull, at, subject, text, body };
    let news = News { notices: vec![notice], channels: vec![Channel::Webhook], ..News::default() };
    state.finish_cycle(&record, None, Left::default(), Some(&news)).unwrap();
}

async fn round(state: &mut State, courier: &Courier, now: Timestamp) -> Sent {
    let (_stop, halt) = watch::channel(false);
    Round::default().send_due(state, courier, &halt, now).await.unwrap()
}

/// Subject, tries and minutes until the next of all that waits.
fn waiting(state: &State) -> Vec<(String, u32, i64)> {
    let minutes = |at: Timestamp| at.duration_since(start()).as_mins();
    let parcels = state.parcels().unwrap().into_iter();
    parcels.map(|parcel| (parcel.notice.subject, parcel.attempts, minutes(parcel.next))).collect()
}

fn one(subject: &str, attempts: u32, next: i64) -> (String, u32, i64) {
    (subject.to_owned(), attempts, next)
}

#[tokio::test]
async fn those_behind_a_message_that_failed_wait_with_it_and_a_new_one_makes_one_more_try() {
    let (mut state, courier) = (State::in_memory().unwrap(), nowhere());
    tell(&mut state, "first", start());
    tell(&mut state, "second", start());
    assert_eq!(round(&mut state, &courier, start()).await.failed.len(), 1);
    assert_eq!(waiting(&state), [one("first", 1, 1), one("second", 0, 1)]);
    assert_eq!(round(&mut state, &courier, start()).await, Sent::default(), "nothing is due");
    tell(&mut state, "third", start());
    round(&mut state, &courier, start()).await;
    assert_eq!(waiting(&state), [one("first", 2, 2), one("second", 0, 2), one("third", 0, 2)]);
}

#[tokio::test]
async fn a_message_that_is_not_understood_keeps_no_other_waiting() {
    let mut state = State::in_memory().unwrap();
    for subject in ["first", "second", "third"] {
        tell(&mut state, subject, start());
    }
    let courier = answering(vec!["204 None", "422 What", "200 Yes"]);
    let sent = round(&mut state, &courier, start()).await;
    assert_eq!(
        (sent.sent, sent.failed.into_iter().collect::<Vec<_>>()),
        (2, vec!["the webhook answered 422".to_owned()])
    );
    assert_eq!(waiting(&state), [one("second", 1, 1)]);
    tell(&mut state, "fourth", start());
    assert_eq!(round(&mut state, &answering(vec!["200 Yes"]), start()).await.sent, 1);
    assert_eq!(waiting(&state), [one("second", 1, 1)], "it has its time");
}

#[tokio::test]
async fn a_receiver_that_asks_for_rest_gets_it() {
    let mut state = State::in_memory().unwrap();
    tell(&mut state, "first", start());
    round(&mut state, &answering(vec!["503 Busy\r\nRetry-After: 1800"]), start()).await;
    assert_eq!(waiting(&state), [one("first", 1, 30)]);
}

#[tokio::test]
async fn what_is_too_old_is_given_up_once_it_failed_again_with_all_that_is_as_old() {
    let (mut state, courier) = (State::in_memory().unwrap(), nowhere());
    let late = 3 * 24 * 60 + 1;
    for (subject, minute) in [("first", 0), ("second", 0), ("third", 2)] {
        tell(&mut state, subject, after(minute));
    }
    round(&mut state, &courier, after(late)).await;
    assert_eq!(waiting(&state), [one("third", 0, late + 1)]);
    tell(&mut state, "fourth", start());
    let courier = answering(vec!["200 Yes", "200 Yes"]);
    assert_eq!(round(&mut state, &courier, after(late + 1)).await.sent, 2, "what is old and is taken is not given up");
}

#[tokio::test]
async fn who_is_told_to_stop_begins_with_no_further_message() {
    let (mut state, courier) = (State::in_memory().unwrap(), nowhere());
    tell(&mut state, "first", start());
    let (stop, halt) = watch::channel(false);
    stop.send_replace(true);
    let sent = Round::default().send_due(&mut state, &courier, &halt, start()).await.unwrap();
    assert_eq!((sent, waiting(&state)), (Sent::default(), vec![one("first", 0, 0)]));
}

#[tokio::test]
async fn a_way_that_left_the_config_takes_its_messages_along() {
    let mut state = State::in_memory().unwrap();
    tell(&mut state, "first", start());
    let settings = NotifySettings { webhook: None, email: None, after_failures: 3, digest: None };
    let courier = Courier::new(&settings, "dc01").unwrap();
    assert_eq!(round(&mut state, &courier, start()).await, Sent::default());
    assert!(waiting(&state).is_empty());
}
