//! `/healthz` and `/readyz`.

use serde_json::Value;

use crate::harness::{Served, facts, minutes_ago};

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
async fn each_reason_not_to_be_ready_is_said_by_itself() {
    type Spoil = fn(&mut seatsync::status::Facts);
    let spoils: [(Spoil, &str); 4] = [
        (|facts| facts.tally.last_good = None, "no cycle has read everything yet"),
        // Three polls of five minutes and ten more.
        (|facts| facts.tally.last_good = Some(minutes_ago(26)), "longer than 25 minutes ago"),
        (|facts| facts.status.directories[0].reachable = Some(false), "the directory corp cannot be reached"),
        (
            |facts| facts.status.backend.as_mut().unwrap().reachable = Some(false),
            "the backend (embedded) cannot be reached",
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
