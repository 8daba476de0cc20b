//! Who gets a seat gets a mail: from a ledger to a mail server that keeps what it is given.

use std::time::Duration;

use reqwest::Method;
use seatsync::ledger::mailer::Mailer;
use seatsync::ledger::service::chores;
use seatsync::model::settings::{SmtpSettings, SmtpTls};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::harness::Served;
use crate::support::MailSink;

/// A ledger that sends mail; the sender of its end.
async fn mailing(sink: &MailSink) -> (Served, watch::Sender<bool>) {
    let port = sink.start().await;
    let ledger = Served::start_with(true).await;
    let (stop, stopping) = watch::channel(false);
    let settings = SmtpSettings {
        host: "127.0.0.1".to_owned(),
        port,
        tls: SmtpTls::None,
        from: "Seats <seats@corp.example>".to_owned(),
        ca_file: None,
        credentials: None,
    };
    let mailer = Mailer::new(&settings).unwrap();
    tokio::spawn(chores::run(ledger.service.clone(), Some(mailer), stopping));
    (ledger, stop)
}

async fn invitation(ledger: &Served, id: &str) -> Value {
    ledger.get(&ledger.admin, &format!("accounts/{id}")).await.good()["invitation"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seat_brings_one_mail_and_waiting_brings_none() {
    let sink = MailSink::default();
    let (ledger, _stop) = mailing(&sink).await;
    ledger.pool("Vault Standard", 1).await;
    let (ann, bob) = (ledger.account("ann").await, ledger.account("bob").await);
    ledger.ask(&ann, "Vault Standard").await;
    ledger.ask(&bob, "Vault Standard").await;
    let mails = sink.mails(1).await;
    assert_eq!(mails.len(), 1, "{mails:?}");
    for part in [
        "From: Seats <seats@corp.example>",
        "To: ann@corp.example",
        "Subject: You have a seat of Vault Standard, given by acme",
        "acme",
    ] {
        assert!(mails[0].contains(part), "{part}: {}", mails[0]);
    }
    for _ in 0..50 {
        if invitation(&ledger, &ann).await == "mailed" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!([invitation(&ledger, &ann).await, invitation(&ledger, &bob).await], ["mailed", "none"]);
    let transfer = json!({ "pool": "Vault Standard", "from": ann, "to": bob });
    ledger.post(&ledger.admin, "transfers", &transfer).await.good();
    assert!(sink.mails(2).await[1].contains("To: bob@corp.example"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_is_refused_for_now_stays_and_one_refused_for_good_is_given_up() {
    let sink = MailSink::default();
    sink.refusals.lock().unwrap().extend(["550 nobody here", "451 later"]);
    let (ledger, _stop) = mailing(&sink).await;
    ledger.pool("a", 9).await;
    let left = |ledger: &Served| {
        let shell = rusqlite::Connection::open(ledger.path()).unwrap();
        let count = "SELECT count(*), coalesce(sum(attempts), 0) FROM mail";
        shell.query_row(count, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))).unwrap()
    };
    let until = async |wanted: (i64, i64)| {
        for _ in 0..100 {
            if left(&ledger) == wanted {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{:?} instead of {wanted:?}", left(&ledger));
    };
    let ann = ledger.account("ann").await;
    ledger.ask(&ann, "a").await;
    until((1, 1)).await;
    let bob = ledger.account("bob").await;
    ledger.ask(&bob, "a").await;
    until((1, 1)).await;
    assert_eq!(invitation(&ledger, &bob).await, "none");
    rusqlite::Connection::open(ledger.path()).unwrap().execute("UPDATE mail SET due = made", []).unwrap();
    let eve = ledger.account("eve").await;
    ledger.ask(&eve, "a").await;
    let mut to: Vec<String> = Vec::new();
    for mail in sink.mails(2).await {
        to.extend(mail.lines().find_map(|line| line.strip_prefix("To: ")).map(str::to_owned));
    }
    to.sort();
    assert_eq!(to, ["ann@corp.example", "eve@corp.example"]);
    until((0, 0)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_lost_the_seat_meanwhile_gets_no_mail_and_a_company_may_want_none() {
    let sink = MailSink::default();
    let ledger = Served::start_with(true).await;
    ledger.pool("a", 9).await;
    let (ann, bob) = (ledger.account("ann").await, ledger.account("bob").await);
    ledger.ask(&ann, "a").await;
    ledger.delete(&ledger.admin, &format!("accounts/{ann}/seats/a")).await.good();
    ledger.change(Method::PATCH, "", &json!({ "confirmation_mail": false })).await.good();
    ledger.ask(&bob, "a").await;
    let settings = SmtpSettings {
        host: "127.0.0.1".to_owned(),
        port: sink.start().await,
        tls: SmtpTls::None,
        from: "seats@corp.example".to_owned(),
        ca_file: None,
        credentials: None,
    };
    let mailer = Mailer::new(&settings).unwrap();
    assert_eq!(mailer.send_due(&ledger.service).await.unwrap(), 1, "ann's, and it is dropped");
    assert_eq!(mailer.send_due(&ledger.service).await.unwrap(), 0);
    assert!(sink.mails(0).await.is_empty());
}
