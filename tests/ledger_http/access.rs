//! Who may come in, and what each role may do.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Served, send};
use crate::support::ledger_service::furnish;

#[tokio::test(flavor = "multi_thread")]
async fn without_a_valid_token_nothing_is_shown() {
    let ledger = Served::start().await;
    let cut = &ledger.admin[..ledger.admin.len() - 1];
    let id = ledger.admin.split('_').nth(1).unwrap();
    let other = ledger.approver.split('_').nth(2).unwrap();
    for token in ["", "x", cut, &format!("seatsync_{id}_{other}"), "seatsync_0123456789abcdef_x"] {
        let answer = ledger.get(token, "pools").await;
        assert_eq!(answer.problem(), "401 unauthorized", "{token:?}");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    }
    let bare = send(reqwest::Client::new().get(format!("{}/v1/companies", ledger.url))).await;
    assert_eq!(bare.problem(), "401 unauthorized");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_good_for_its_company_alone() {
    let ledger = Served::start().await;
    let [globex, ..] = furnish(&ledger.path(), "globex");
    assert_eq!(ledger.get(&globex, "pools").await.problem(), "403 forbidden");
    assert_eq!(ledger.get(&ledger.admin, "/v1/companies/nowhere/pools").await.problem(), "403 forbidden");
    let seen = ledger.get(&globex, "/v1/companies").await.good();
    assert_eq!((seen["total"].as_u64(), seen["items"][0]["name"].as_str()), (Some(1), Some("globex")));
}

/// What each request comes to by role: admin, approver, connector. 403 where it may not.
#[tokio::test(flavor = "multi_thread")]
async fn each_role_may_do_its_own_and_no_more() {
    let ledger = Served::start().await;
    let body = json!({});
    let (put, post, get, delete) = (Method::PUT, Method::POST, Method::GET, Method::DELETE);
    for (method, path, allowed) in [
        (&get, "state", [true, true, true]),
        (&get, "accounts", [true, true, true]),
        (&get, "events", [true, true, true]),
        (&get, "tokens", [true, false, false]),
        (&get, "batches/none", [false, false, true]),
        (&put, "pools/a", [true, false, false]),
        (&put, "tier", [true, false, false]),
        (&put, "policies/p", [true, false, false]),
        (&put, "connectors/c", [true, false, false]),
        (&put, "accounts/by-external-id/x", [true, false, false]),
        (&put, "accounts/1/seats/a", [true, false, false]),
        (&put, "lease", [false, false, true]),
        (&post, "tokens", [true, false, false]),
        (&post, "batches", [false, false, true]),
        (&post, "lease", [false, false, true]),
        (&post, "relinks", [true, false, true]),
        (&post, "confirmations", [true, false, true]),
        (&post, "transfers", [true, true, false]),
        (&post, "decisions", [true, true, true]),
        (&post, "bulk", [true, true, false]),
        (&post, "accounts/1/suspend", [true, false, false]),
        (&delete, "accounts/1", [true, false, false]),
        (&delete, "tokens/x", [true, false, false]),
        (&delete, "connectors/x", [true, false, false]),
        (&delete, "lease", [false, false, true]),
    ] {
        let tokens = [&ledger.admin, &ledger.approver, &ledger.connector];
        for ((role, token), allowed) in ["admin", "approver", "connector"].iter().zip(tokens).zip(allowed) {
            let body = if path == "lease" { lease(method) } else { right(path).unwrap_or(&body).clone() };
            let request = ledger.request(method.clone(), token, path).header("Idempotency-Key", crate::harness::key());
            let request = request.header("If-Match", "\"x\"");
            let answer = send(if *method == get || *method == delete { request } else { request.json(&body) }).await;
            assert_eq!(answer.status != StatusCode::FORBIDDEN, allowed, "{method} {path} as {role}: {answer:?}");
            assert_ne!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "{method} {path}: {answer:?}");
        }
    }
}

fn lease(method: &Method) -> Value {
    if *method == Method::PUT { json!({ "seconds": 60 }) } else { json!({ "seconds": 60, "holder": "h" }) }
}

/// A body that is well-formed, so that the role alone decides.
fn right(path: &str) -> Option<&'static Value> {
    use std::sync::LazyLock;
    static BODIES: LazyLock<Vec<(&str, Value)>> = LazyLock::new(|| {
        let person = crate::harness::person(1);
        vec![
            ("pools/a", json!({ "seats": 1 })),
            ("tier", json!({ "tier": "advanced" })),
            ("policies/p", json!({ "advanced": false, "enabled": false })),
            ("accounts/by-external-id/x", crate::harness::profile("x")),
            ("tokens", json!({ "role": "approver", "label": "x" })),
            ("batches", crate::harness::batch(&[])),
            ("relinks", json!({ "old": person, "new": crate::harness::person(2) })),
            ("confirmations", json!({ "fingerprint": "f", "changes": [], "expires": "2026-01-01T00:00:00Z" })),
            ("transfers", json!({ "pool": "a", "from": "1", "to": "2" })),
            ("decisions", json!({ "decisions": [{ "account": "1", "verdict": "approve" }] })),
            ("bulk", json!({ "items": [{ "key": "k", "do": "decide", "account": "1", "verdict": "approve" }] })),
        ]
    });
    BODIES.iter().find(|(known, _)| *known == path).map(|(_, body)| body)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approver_may_decide_in_bulk_and_nothing_else() {
    let ledger = Served::start().await;
    let body = json!({ "items": [{ "key": "k", "do": "suspend", "account": "1" }] });
    let answer = ledger.post(&ledger.approver, "bulk", &body).await;
    assert_eq!((answer.problem(), answer.body["index"].as_u64()), ("403 forbidden".to_owned(), Some(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_shown_once_and_ends_when_it_is_taken_back() {
    let ledger = Served::start().await;
    let body = json!({ "role": "approver", "label": "portal" });
    let made = send(ledger.request(Method::POST, &ledger.admin, "tokens").json(&body)).await;
    assert_eq!(made.status, StatusCode::CREATED);
    let (id, token) = (made.body["id"].as_str().unwrap(), made.body["token"].as_str().unwrap());
    assert!(ledger.get(token, "pools").await.status.is_success());
    let listed = ledger.get(&ledger.admin, "tokens").await.good();
    assert!(listed["items"].as_array().unwrap().iter().any(|one| one["id"] == id && one["label"] == "portal"));
    let secret = token.splitn(3, '_').nth(2).unwrap();
    assert!(!listed.to_string().contains(secret));
    let file = std::fs::read(ledger.path()).unwrap();
    let log = std::fs::read(ledger.path().with_extension("db-wal")).unwrap();
    let stored = |bytes: &[u8]| bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
    assert!(!stored(&file) && !stored(&log), "the secret is stored nowhere");
    assert_eq!(ledger.delete(&ledger.admin, &format!("tokens/{id}")).await.status, StatusCode::NO_CONTENT);
    assert_eq!(ledger.get(token, "pools").await.problem(), "401 unauthorized");
    assert_eq!(ledger.delete(&ledger.admin, &format!("tokens/{id}")).await.problem(), "404 not-found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_expires() {
    let ledger = Served::start().await;
    let make = async |expires: &str| {
        let body = json!({ "role": "admin", "label": "x", "expires": expires });
        send(ledger.request(Method::POST, &ledger.admin, "tokens").json(&body)).await
    };
    assert_eq!(make("2020-01-01T00:00:00Z").await.problem(), "422 invalid-request");
    let soon = seatsync::clock::now() + jiff::SignedDuration::from_secs(3);
    let made = [make("2999-01-01T00:00:00Z").await.good(), make(&soon.to_string()).await.good()];
    let works = async |made: &Value| ledger.get(made["token"].as_str().unwrap(), "pools").await.status.is_success();
    assert_eq!((works(&made[0]).await, works(&made[1]).await), (true, true));
    tokio::time::sleep(std::time::Duration::from_secs(4)).await;
    assert_eq!((works(&made[0]).await, works(&made[1]).await), (true, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connectors_token_names_a_connector_that_is_there() {
    let ledger = Served::start().await;
    for (body, wanted) in [
        (json!({ "role": "connector", "label": "x" }), "422 invalid-request"),
        (json!({ "role": "admin", "label": "x", "connector": "main" }), "422 invalid-request"),
        (json!({ "role": "connector", "label": "x", "connector": "other" }), "404 not-found"),
    ] {
        let answer = send(ledger.request(Method::POST, &ledger.admin, "tokens").json(&body)).await;
        assert_eq!(answer.problem(), wanted, "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_description_need_no_token_and_what_is_nowhere_is_a_problem() {
    let ledger = Served::start().await;
    for path in ["/healthz", "/readyz"] {
        assert_eq!(ledger.get("", path).await.status, StatusCode::OK, "{path}");
    }
    let described = ledger.get("", "/openapi.json").await.good();
    assert!(described["openapi"].as_str().unwrap().starts_with("3.1"), "{}", described["openapi"]);
    assert!(described["paths"].as_object().unwrap().len() > 25);
    assert_eq!(ledger.get("", "/nowhere").await.problem(), "404 not-found");
    assert_eq!(ledger.delete(&ledger.admin, "pools").await.problem(), "405 method-not-allowed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_none_says_where_it_goes_wrong() {
    let ledger = Served::start().await;
    let put = |text: &'static str| {
        let request = ledger.request(Method::PUT, &ledger.admin, "pools/a").header("If-None-Match", "*");
        request.header("Content-Type", "application/json").body(text)
    };
    for (text, wanted) in [
        ("", "400 invalid-request"),
        ("{", "400 invalid-request"),
        (r#"{"seats": 1} x"#, "400 invalid-request"),
        (r#"{"seats": -1}"#, "422 invalid-request"),
        (r#"{"seats": 4294967296}"#, "422 invalid-request"),
        (r#"{"seats": 1, "colour": "blue"}"#, "422 invalid-request"),
        ("{}", "422 invalid-request"),
        ("[5, 0]", "422 invalid-request"),
    ] {
        assert_eq!(send(put(text)).await.problem(), wanted, "{text}");
    }
    assert_eq!(send(put(r#"{"seats": "x"}"#)).await.body["pointer"], "/seats");
    let plain = ledger.request(Method::PUT, &ledger.admin, "pools/a").header("If-None-Match", "*").body("{}");
    assert_eq!(send(plain).await.problem(), "415 unsupported-media-type");
    let large = format!(r#"{{"seats": {}1}}"#, " ".repeat(1024 * 1024));
    let request = ledger.request(Method::PUT, &ledger.admin, "pools/a").header("If-None-Match", "*");
    let large = send(request.header("Content-Type", "application/json").body(large)).await;
    assert_eq!(large.problem(), "413 too-large");
}
