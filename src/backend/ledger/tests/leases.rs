//! The lease: renewed, lost, and shown by what is read under it.

use super::*;

#[tokio::test]
async fn what_is_older_than_our_own_lease_or_than_the_page_before_was_kept_by_something_between() {
    let mut fresh = caught_up(7, 7, 1, &[], &[]);
    fresh["state"]["lease"]["epoch"] = 7.into();
    let script = Script::new(vec![lease(7), page(7, 1, &[1], None), changes(7, 1), page(7, 1, &[1], None), ok(&fresh)]);
    let mut ledger = script.ledger();
    ledger.lease(false).await.unwrap();
    ledger.read().await.unwrap();
    assert_eq!(script.asked().iter().filter(|asked| asked.contains("/changes?")).count(), 2, "the first was old");
    let place = Place { doing: "read", url: "https://ledger", via: None, spoke: false };
    assert!(place.kept().to_string().contains("A cache or a proxy between keeps old answers"));
}

#[tokio::test]
async fn after_a_batch_in_doubt_the_next_pass_works_under_a_new_epoch() {
    let script = Script::new(vec![lease(7), Vec::new(), Vec::new(), Vec::new(), lease(8)]);
    let mut ledger = script.ledger();
    ledger.lease(false).await.unwrap();
    let error = ledger.apply(&batch(1)).await.unwrap_err();
    assert_eq!(error.persistence, Persistence::Transient);
    assert_eq!(ledger.lease(false).await.unwrap(), Lease::Ours { epoch: Some(8), others: 0 });
    assert!(script.asked()[4].starts_with("POST /v1/companies/acme/lease"), "{:?}", script.asked());
}

#[tokio::test]
async fn a_lease_of_ours_is_renewed_and_one_of_others_is_waited_for() {
    let held = || problem(409, "lease-held", "", &json!({"holder": "dc02/2", "expires": "2026-01-01T00:00:15Z"}));
    let script = Script::new(vec![lease(7), lease(7), problem(409, "stale-epoch", "", &json!({"epoch": 8})), held()]);
    let mut ledger = script.ledger();
    ledger.lease(false).await.unwrap();
    assert_eq!(ledger.lease(false).await.unwrap(), Lease::Ours { epoch: Some(7), others: 0 });
    let Lease::Others(standby) = ledger.lease(false).await.unwrap() else { panic!("another agent's") };
    assert_eq!(standby.holder, "dc02/2");
    assert!(script.asked()[1].starts_with("PUT /v1/companies/acme/lease"), "{:?}", script.asked());
}

#[tokio::test]
async fn a_lease_that_is_renewed_for_another_holder_is_lost() {
    let held = || problem(409, "lease-held", "", &json!({"holder": "dc02/2", "expires": "2026-01-01T00:00:15Z"}));
    for (holder, instance) in [("dc02/2", Value::Null), ("dc01/1", json!("another run"))] {
        let anothers = json!({"epoch": 7, "others": 0, "holder": holder, "instance": instance, "connector": "main",
                              "expires": "2026-01-01T00:00:15Z"});
        let script = Script::new(vec![lease(7), ok(&anothers), held()]);
        let mut ledger = script.ledger();
        ledger.lease(false).await.unwrap();
        assert!(matches!(ledger.lease(false).await.unwrap(), Lease::Others(_)), "{holder} {instance}");
        let asked = script.asked();
        assert!(asked[1].contains(r#""holder":"dc01/1","instance":""#), "{}", asked[1]);
        assert!(asked[2].starts_with("POST /v1/companies/acme/lease"), "{asked:?}");
    }
}

#[tokio::test]
async fn an_old_epoch_means_that_another_agent_took_over() {
    let script = Script::new(vec![lease(7), problem(409, "stale-epoch", "", &json!({"epoch": 8}))]);
    let mut ledger = script.ledger();
    ledger.lease(false).await.unwrap();
    assert_eq!(ledger.apply(&batch(1)).await.unwrap_err().persistence, Persistence::Superseded);
}
