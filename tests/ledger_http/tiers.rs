//! Tiers: up at once; down once nothing of the higher one is in use.

use std::sync::Arc;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Answer, Served, send};

async fn tier(ledger: &Served, tier: &str) -> Answer {
    ledger.put(&ledger.admin, "tier", &json!({ "tier": tier })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_use_is_named_until_it_is_gone() {
    let ledger = Served::start().await;
    for (name, advanced) in [("vault-policy", true), ("plain", false)] {
        let body = json!({ "advanced": advanced, "enabled": true });
        ledger.make(&format!("policies/{name}"), &body).await.good();
    }
    let refused = tier(&ledger, "standard").await;
    assert_eq!(refused.problem(), "409 tier-downgrade-blocked");
    let blockers = json!([{ "kind": "policy", "name": "vault-policy" }, { "kind": "connector", "name": "main" }]);
    assert_eq!(refused.body["blockers"], blockers);
    let off = json!({ "advanced": true, "enabled": false });
    ledger.change(Method::PUT, "policies/vault-policy", &off).await.good();
    assert_eq!(tier(&ledger, "standard").await.body["blockers"].as_array().unwrap().len(), 1);
    ledger.change(Method::DELETE, "connectors/main", &Value::Null).await;
    assert_eq!(tier(&ledger, "standard").await.good()["tier"], "standard");
    let on = json!({ "advanced": true, "enabled": true });
    assert_eq!(ledger.change(Method::PUT, "policies/vault-policy", &on).await.problem(), "409 tier-required");
    assert_eq!(ledger.make("connectors/other", &json!({})).await.problem(), "409 tier-required");
    assert_eq!(tier(&ledger, "advanced").await.good()["tier"], "advanced");
    ledger.change(Method::PUT, "policies/vault-policy", &on).await.good();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_whose_connector_or_tier_is_gone_is_told_to_stop() {
    let ledger = Served::start().await;
    let epoch = ledger.lease("dc01").await;
    ledger.change(Method::DELETE, "connectors/main", &Value::Null).await;
    assert_eq!(ledger.get(&ledger.connector, "state").await.problem(), "403 connector-removed");
    tier(&ledger, "standard").await.good();
    assert_eq!(ledger.get(&ledger.connector, "state").await.problem(), "403 tier-required");
    assert_eq!(ledger.batch(epoch, "k", &[]).await.problem(), "403 tier-required");
    tier(&ledger, "advanced").await.good();
    let again = ledger.make("connectors/main", &json!({})).await;
    assert_eq!(again.status, StatusCode::CREATED);
    assert_eq!(
        ledger.get(&ledger.connector, "state").await.problem(),
        "403 connector-removed",
        "the old token stays dead"
    );
    let token = again.body["token"].as_str().unwrap();
    let lease =
        send(ledger.request(Method::POST, token, "lease").json(&json!({ "holder": "dc01", "seconds": 60 }))).await;
    assert!(lease.good()["epoch"].as_u64().unwrap() > epoch);
}

/// Both are decided in one transaction each, so neither slips past the other.
#[tokio::test(flavor = "multi_thread")]
async fn a_downgrade_and_a_registration_at_once_never_both_succeed() {
    let ledger = Arc::new(Served::start().await);
    ledger.change(Method::DELETE, "connectors/main", &Value::Null).await;
    for round in 0..20 {
        tier(&ledger, "advanced").await.good();
        let name = format!("connectors/c{round}");
        let (one, other) = (Arc::clone(&ledger), Arc::clone(&ledger));
        let path = name.clone();
        let down = tokio::spawn(async move { tier(&one, "standard").await });
        let add = tokio::spawn(async move { other.make(&path, &json!({})).await });
        let (down, add) = (down.await.unwrap(), add.await.unwrap());
        assert!(down.status.is_success() != add.status.is_success(), "{down:?} {add:?}");
        if add.status.is_success() {
            ledger.change(Method::DELETE, &name, &Value::Null).await;
        }
    }
}
