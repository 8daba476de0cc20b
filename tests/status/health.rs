//! `/healthz` and `/readyz`.

use serde_json::Value;

use seatsync::model::report::{Awaited, CycleOutcome};

use crate::harness::{Served, facts, failed, minutes_ago, partial, reading};

async fn readyz(served: &Served) -> (u16, Value) {
    let answer = served.get("/readyz").await;
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn an_agent_whose_last_good_cycle_is_recent_is_ready() {
    let (status, answer) = readyz(&Served::new(Some(facts()), None)).await;
    assert_eq!((status, &answer["ready"], answer["reasons"].as_array().unwrap().len()), (200, &true.into(), 0));
}

#[tokio::test]
async fn a_read_that_goes_on_is_named_and_is_no_reason_while_it_gets_on() {
    let mut facts = facts();
    let mut row = reading(2);
    (row.entries, row.heard) = (500, minutes_ago(0));
    facts.status.reading = vec![row];
    let (status, answer) = readyz(&Served::new(Some(facts), None)).await;
    assert_eq!(
        (status, &answer["reading"][0]["name"], &answer["reading"][0]["entries"]),
        (200, &"corp".into(), &500.into())
    );
}

#[tokio::test]
async fn each_reason_not_to_be_ready_is_said_by_itself() {
    type Spoil = fn(&mut seatsync::status::Facts);
    let spoils: [(Spoil, &str); 8] = [
        // What comes of it cannot be recorded, and is not told beside it.
        (
            |facts| {
                facts.status.full_disks = vec!["the disk of the state is full (/srv/state)".to_owned()];
                facts.tally.last = Some(CycleOutcome::Failed);
            },
            "the disk of the state is full (/srv/state)",
        ),
        (|facts| facts.status.reading = vec![reading(2)], " s, and nothing has come yet"),
        (
            |facts| facts.status.awaited = Some(Awaited { whom: "the ledger at h".to_owned(), since: minutes_ago(2) }),
            "waiting for the ledger at h for 1",
        ),
        (|facts| facts.tally.last_good = None, "no cycle has read everything yet"),
        // Three polls of five minutes and ten more.
        (|facts| facts.tally.last_good = Some(minutes_ago(26)), "longer than 25 minutes ago"),
        (|facts| facts.status.directories[0].reachable = Some(false), "the directory corp cannot be reached"),
        // A server that answered, and refused.
        (
            |facts| {
                facts.status.directories[0].reachable = Some(false);
                facts.status.directories[0].problem = Some("Could not bind: it refused the credentials".to_owned());
            },
            "the directory corp could not be read: Could not bind: it refused the credentials",
        ),
        (
            |facts| facts.status.last_cycle = Some(failed("this connector was removed. Register the connector anew")),
            "the last cycle failed: this connector was removed. Register the connector anew",
        ),
    ];
    for (spoil, reason) in spoils {
        let mut facts = facts();
        spoil(&mut facts);
        let (status, answer) = readyz(&Served::new(Some(facts), None)).await;
        assert_eq!((status, &answer["ready"]), (503, &false.into()));
        let reasons = answer["reasons"].as_array().unwrap();
        assert!(reasons.len() == 1 && reasons[0].as_str().unwrap().contains(reason), "{reason}: {answer}");
    }
}

#[tokio::test]
async fn a_good_cycle_within_the_patience_is_recent_enough() {
    let mut facts = facts();
    facts.tally.last_good = Some(minutes_ago(24));
    assert_eq!(readyz(&Served::new(Some(facts), None)).await.0, 200);
}

#[tokio::test]
async fn before_anything_is_known_the_process_lives_and_is_not_ready() {
    let served = Served::new(None, None);
    assert_eq!(served.get("/healthz").await.status().as_u16(), 200);
    let (status, answer) = readyz(&served).await;
    assert_eq!((status, &answer["reasons"][0]), (503, &"the agent is starting".into()));
}

/// The people of one directory wait; the others are served.
#[tokio::test]
async fn a_base_that_is_not_there_is_shown_at_once_and_stops_the_readiness_only_with_time() {
    let mut facts = facts();
    partial(&mut facts, "the base ou=gone was not found");
    let served = Served::new(Some(facts.clone()), None);
    assert_eq!(readyz(&served).await.0, 200);
    let page = served.get("/").await.text().await.unwrap();
    assert!(
        page.contains("Somebody must look: the directory corp was not read whole: the base ou=gone was not found"),
        "{page}"
    );
    facts.tally.last_good = Some(minutes_ago(26));
    let (status, answer) = readyz(&Served::new(Some(facts), None)).await;
    assert!(status == 503 && answer["reasons"].as_array().unwrap().len() == 1, "{answer}");
}

#[tokio::test]
async fn where_no_directory_could_be_read_each_says_why() {
    let mut facts = facts();
    partial(&mut facts, "nothing listens there");
    facts.status.last_cycle.as_mut().unwrap().outcome = CycleOutcome::Failed;
    let (status, answer) = readyz(&Served::new(Some(facts), None)).await;
    let expected = serde_json::json!(["the directory corp could not be read: nothing listens there"]);
    assert_eq!((status, &answer["reasons"]), (503, &expected));
}

#[tokio::test]
async fn a_cycle_that_failed_before_the_agent_stands_by_is_over() {
    let mut facts = facts();
    facts.status.last_cycle = Some(failed("the ledger cannot be reached"));
    facts.status.standby = Some(crate::harness::standby());
    assert_eq!(readyz(&Served::new(Some(facts.clone()), None)).await.0, 503, "a cycle of this run ended after it");
    facts.tally.last = Some(CycleOutcome::Standby);
    assert_eq!(readyz(&Served::new(Some(facts), None)).await.0, 200);
}

#[tokio::test]
async fn a_failed_cycle_that_could_not_be_recorded_is_no_good_one() {
    let mut facts = facts();
    facts.tally.cycle(None, std::time::Duration::ZERO, minutes_ago(0));
    let (status, answer) = readyz(&Served::new(Some(facts), None)).await;
    assert!(status == 503 && answer["reasons"][0].as_str().unwrap().contains("log says why"), "{answer}");
}
