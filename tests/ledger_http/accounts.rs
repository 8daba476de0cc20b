//! Accounts as a portal keeps them: made, paged, given seats, transferred, decided about, deleted.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Served, claim, create, key, person, profile, send, state};

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_put_by_its_external_id_and_changed_as_expected() {
    let ledger = Served::start().await;
    let path = "accounts/by-external-id/hr-17";
    assert_eq!(ledger.put(&ledger.admin, path, &profile("ann")).await.problem(), "428 precondition-required");
    let made = ledger.make(path, &profile("ann")).await;
    assert_eq!(made.status, StatusCode::CREATED);
    let etag = made.header("etag").unwrap().to_owned();
    let put = |tag: &str, name: &str| {
        ledger.request(Method::PUT, &ledger.admin, path).header("If-Match", tag).json(&profile(name))
    };
    let changed = send(put(&etag, "anne")).await;
    assert_eq!((changed.status, &changed.body["profile"]["user_name"]), (StatusCode::OK, &"anne".into()));
    assert_eq!(changed.body["id"], made.body["id"]);
    assert_eq!(send(put(&etag, "eve")).await.problem(), "412 precondition-failed");
    let found = ledger.get(&ledger.approver, path).await;
    assert_eq!(found.header("etag"), changed.header("etag"));
    assert_eq!((&found.body["external_id"], &found.body["managed"]), (&"hr-17".into(), &false.into()));
    let taken = ledger.make("accounts/by-external-id/hr-18", &profile("ANNE")).await;
    assert_eq!((taken.problem().as_str(), &taken.body["account"]), ("409 conflict", &made.body["id"]));
    assert_eq!(ledger.get(&ledger.admin, "accounts/by-external-id/none").await.problem(), "404 not-found");
    assert_eq!(ledger.get(&ledger.admin, "accounts/01").await.problem(), "404 not-found", "ids are written one way");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_one_list_of_one_moment_or_an_error() {
    let ledger = Served::start().await;
    for n in 0..7 {
        ledger.account(&format!("user{n}")).await;
    }
    let (mut ids, mut path) = (Vec::new(), "accounts?limit=3".to_owned());
    loop {
        let page = ledger.get(&ledger.admin, &path).await.good();
        assert_eq!(page["total"], 7);
        ids.extend(page["items"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("accounts?limit=3&cursor={cursor}");
    }
    assert_eq!(ids, ["1", "2", "3", "4", "5", "6", "7"]);
    let first = ledger.get(&ledger.admin, "accounts?limit=3").await.good();
    let next = format!("accounts?limit=3&cursor={}", first["next_cursor"].as_str().unwrap());
    let other = format!("accounts?limit=3&state=active&cursor={}", first["next_cursor"].as_str().unwrap());
    assert_eq!(ledger.get(&ledger.admin, &other).await.problem(), "400 invalid-cursor");
    ledger.account("late").await;
    assert_eq!(ledger.get(&ledger.admin, &next).await.problem(), "409 list-changed");
    assert_eq!(ledger.get(&ledger.admin, "accounts?cursor=x").await.problem(), "400 invalid-cursor");
    for bad in ["limit=0", "limit=10001", "limit=x", "state=odd", "colour=blue"] {
        assert_eq!(
            ledger.get(&ledger.admin, &format!("accounts?{bad}")).await.problem(),
            "400 invalid-request",
            "{bad}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_a_thousand_accounts_has_their_places_and_a_longer_one_none() {
    let ledger = Served::start().await;
    ledger.pool("a", 0).await;
    let epoch = ledger.lease("dc01").await;
    let steps: Vec<Value> = (1..=1002).flat_map(|n| [create(n), claim(n, "a")]).collect();
    ledger.batch(epoch, &key(), &steps).await.good();
    for (query, expected) in [
        ("state=pending", (1..=1000).map(Some).collect::<Vec<Option<u64>>>()),
        ("limit=1000&pool=a", (1..=1000).map(Some).collect()),
        ("limit=1001", vec![None; 1001]),
        ("limit=8", (1..=8).map(Some).collect()),
    ] {
        let page = ledger.get(&ledger.admin, &format!("accounts?{query}")).await.good();
        let place = |account: &Value| account["seats"][0]["position"].as_u64();
        let places: Vec<Option<u64>> = page["items"].as_array().unwrap().iter().map(place).collect();
        assert_eq!(places, expected, "{query}");
        assert!(page["next_cursor"].is_string(), "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_cut_by_state_and_pool() {
    let ledger = Served::start().await;
    ledger.pool("a", 1).await;
    let ids = [ledger.account("ann").await, ledger.account("bob").await, ledger.account("eve").await];
    ledger.ask(&ids[0], "a").await;
    ledger.ask(&ids[1], "a").await;
    ledger.post(&ledger.admin, &format!("accounts/{}/suspend", ids[2]), &json!({})).await.good();
    for (query, wanted) in [
        ("state=active", vec!["1"]),
        ("state=pending", vec!["2"]),
        ("state=suspended", vec!["3"]),
        ("state=denied", vec![]),
        ("pool=a", vec!["1", "2"]),
        ("pool=b", vec![]),
    ] {
        let page = ledger.get(&ledger.admin, &format!("accounts?{query}")).await.good();
        let found: Vec<&str> =
            page["items"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
        assert_eq!((found, page["total"].as_u64()), (wanted.clone(), Some(wanted.len() as u64)), "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_the_seats_people_wait_in_order_and_move_up() {
    let ledger = Served::start().await;
    ledger.pool("a", 1).await;
    ledger.change(Method::PATCH, "", &json!({ "promotion": "automatic" })).await.good();
    let mut ids = Vec::new();
    for name in ["ann", "bob", "eve"] {
        ids.push(ledger.account(name).await);
        ledger.ask(ids.last().unwrap(), "a").await;
    }
    let third = ledger.get(&ledger.admin, &format!("accounts/{}", ids[2])).await.good();
    assert_eq!((state(&third, "a").as_str(), &third["seats"][0]["position"]), ("waiting no_seat", &2.into()));
    let required =
        ledger.request(Method::PUT, &ledger.admin, &format!("accounts/{}/seats/a", ledger.account("zoe").await));
    let refused = send(required.header("Prefer", "seat=required").json(&json!({}))).await;
    assert_eq!(refused.problem(), "409 no-seat");
    assert_eq!(ledger.counts("a").await, (1, 1, 2), "the refused one does not wait");
    ledger.delete(&ledger.admin, &format!("accounts/{}/seats/a", ids[0])).await.good();
    assert_eq!([ledger.state(&ids[0], "a").await, ledger.state(&ids[1], "a").await], ["past", "held"]);
}

/// One by one they are counted in the database, in a list by the planner's own order.
#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_is_looked_up_is_the_place_in_the_list() {
    let ledger = Served::start().await;
    ledger.pool("a", 1).await;
    let epoch = ledger.lease("dc01").await;
    let steps = |n: u128| {
        let mut claim = claim(n, "a");
        claim["rank"] = json!(n % 3);
        claim["since"] = json!(format!("2026-01-0{}T00:00:00Z", 1 + n % 2));
        claim["created"] = json!(format!("2020-01-0{}T00:00:00Z", 1 + n / 3 % 2));
        [create(n), claim]
    };
    let all: Vec<Value> = (1..=24).flat_map(steps).collect();
    ledger.batch(epoch, "k", &all).await.good();
    for (number, name) in ["ann", "bob", "eve", "zoe"].into_iter().enumerate() {
        let id = ledger.account(name).await;
        let path = format!("accounts/{id}/seats/a");
        ledger.put(&ledger.admin, &path, &json!({ "rank": number % 3 })).await.good();
    }
    let denied = json!({ "decisions": [{ "person": person(7), "pool": null, "verdict": "deny" }] });
    ledger.post(&ledger.admin, "decisions", &denied).await.good();
    let approved = json!({ "decisions": [{ "person": person(17), "pool": null, "verdict": "approve" }] });
    ledger.post(&ledger.admin, "decisions", &approved).await.good();
    let page = ledger.get(&ledger.admin, "accounts").await.good();
    let mut places = Vec::new();
    for account in page["items"].as_array().unwrap() {
        let one = ledger.get(&ledger.admin, &format!("accounts/{}", account["id"].as_str().unwrap())).await.good();
        assert_eq!(one["seats"], account["seats"], "{account}");
        places.extend(account["seats"][0]["position"].as_u64());
    }
    places.sort_unstable();
    assert_eq!(places, (1..=26).collect::<Vec<u64>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn approval_is_kept_where_no_seat_is_free_and_denial_sticks_until_approved() {
    let ledger = Served::start().await;
    ledger.pool("a", 1).await;
    let (ann, bob) = (ledger.account("ann").await, ledger.account("bob").await);
    ledger.ask(&ann, "a").await;
    ledger.ask(&bob, "a").await;
    let decide = async |id: &str, verdict: &str| {
        let body = json!({ "decisions": [{ "account": id, "pool": "a", "verdict": verdict }] });
        ledger.post(&ledger.approver, "decisions", &body).await
    };
    let approved = decide(&bob, "approve").await.good();
    assert_eq!(approved["accounts"][0]["seats"][0]["approved"], true);
    assert_eq!(ledger.state(&bob, "a").await, "waiting no_seat");
    ledger.delete(&ledger.admin, &format!("accounts/{ann}/seats/a")).await.good();
    assert_eq!(ledger.state(&bob, "a").await, "held", "with manual promotion, too: it was approved");
    assert_eq!(ledger.ask(&ann, "a").await, "waiting no_seat");
    decide(&ann, "deny").await.good();
    assert_eq!(ledger.ask(&ann, "a").await, "denied");
    let twice = decide(&bob, "deny").await;
    assert_eq!((twice.problem().as_str(), &twice.body["index"]), ("409 nothing-to-decide", &0.into()));
    decide(&ann, "approve").await.good();
    let released = decide(&bob, "release").await.good();
    assert_eq!(released["accounts"].as_array().unwrap().len(), 2, "whoever was promoted is shown, too");
    assert_eq!([ledger.state(&ann, "a").await, ledger.state(&bob, "a").await], ["held", "waiting removed_elsewhere"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn decisions_are_all_carried_out_or_none() {
    let ledger = Served::start().await;
    ledger.pool("a", 0).await;
    let ann = ledger.account("ann").await;
    ledger.ask(&ann, "a").await;
    let body = json!({ "decisions": [{ "account": ann, "verdict": "deny" }, { "account": "99", "verdict": "deny" }] });
    let refused = ledger.post(&ledger.approver, "decisions", &body).await;
    assert_eq!((refused.problem().as_str(), &refused.body["index"]), ("404 not-found", &1.into()));
    assert_eq!(ledger.state(&ann, "a").await, "waiting no_seat");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seat_goes_to_another_in_one_step_past_everyone_who_waits() {
    let ledger = Served::start().await;
    ledger.pool("a", 1).await;
    let epoch = ledger.lease("dc01").await;
    let steps = [create(1), claim(1, "a"), create(2), claim(2, "a"), create(3)];
    ledger.batch(epoch, "k", &steps).await.good();
    let body = json!({ "pool": "a", "from": "1", "to": "3" });
    let moved = ledger.post(&ledger.approver, "transfers", &body).await.good();
    assert_eq!([state(&moved["from"], "a"), state(&moved["to"], "a")], ["waiting removed_elsewhere", "held"]);
    assert_eq!(ledger.counts("a").await, (1, 1, 2));
    let again = ledger.post(&ledger.approver, "transfers", &body).await;
    assert_eq!((again.problem().as_str(), &again.body["account"]), ("409 not-transferable", &"1".into()));
    ledger.batch(epoch, "k2", &[claim(1, "a")]).await.good();
    assert_eq!(ledger.state("1", "a").await, "waiting removed_elsewhere", "no agent asks it back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seat_is_freed_before_its_user_is_deleted() {
    let ledger = Served::start().await;
    ledger.pool("a", 1).await;
    let ann = ledger.account("ann").await;
    ledger.ask(&ann, "a").await;
    let path = format!("accounts/{ann}");
    assert_eq!(ledger.delete(&ledger.admin, &path).await.problem(), "428 precondition-required");
    assert_eq!(ledger.change(Method::DELETE, &path, &Value::Null).await.problem(), "409 seats-held");
    ledger.delete(&ledger.admin, &format!("{path}/seats/a")).await.good();
    assert_eq!(ledger.change(Method::DELETE, &path, &Value::Null).await.status, StatusCode::NO_CONTENT);
    assert_eq!(ledger.get(&ledger.admin, &path).await.problem(), "404 not-found");
    assert_ne!(ledger.account("ann").await, ann, "its number is not used again");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_mail_domain_waits_until_it_is_approved() {
    let ledger = Served::start().await;
    ledger.pool("a", 5).await;
    let domains = json!({ "approved_domains": ["Partner.Example"] });
    let changed = ledger.change(Method::PATCH, "", &domains).await.good();
    assert_eq!(changed["approved_domains"], json!(["partner.example"]));
    let (ann, bob) = (ledger.account("ann").await, ledger.account("bob").await);
    assert_eq!(ledger.ask(&ann, "a").await, "waiting domain_not_approved");
    let approve = json!({ "decisions": [{ "account": ann, "verdict": "approve" }] });
    ledger.post(&ledger.approver, "decisions", &approve).await.good();
    assert_eq!(ledger.state(&ann, "a").await, "held");
    ledger.ask(&bob, "a").await;
    let epoch = ledger.lease("dc01").await;
    ledger.batch(epoch, "k", &[create(1), claim(1, "a")]).await.good();
    assert_eq!(ledger.state("3", "a").await, "waiting domain_not_approved", "a connector's people, too");
    ledger.change(Method::PATCH, "", &json!({ "promotion": "automatic", "approved_domains": null })).await.good();
    assert_eq!(ledger.state(&bob, "a").await, "held", "a later list lets in whoever waited for it");
    assert_eq!(ledger.state("3", "a").await, "waiting domain_not_approved", "a connector asks for its own");
    ledger.batch(epoch, "k2", &[claim(1, "a")]).await.good();
    assert_eq!(ledger.state("3", "a").await, "held");
    for bad in [json!(["a@b"]), json!([]), json!(["a.example", ""])] {
        let answer = ledger.change(Method::PATCH, "", &json!({ "approved_domains": bad })).await;
        assert_eq!(answer.problem(), "422 invalid-request", "{bad}");
    }
    let none = ledger.change(Method::PATCH, "", &json!({ "approved_domains": [] })).await;
    assert!(none.body["detail"].as_str().unwrap().contains("null allows every domain"), "{none:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_domains_are_told_apart_as_dns_tells_them() {
    let ledger = Served::start().await;
    ledger.pool("a", 9).await;
    let domains = json!({ "approved_domains": ["straße.example", "MÜLLER.example", "corp.example."] });
    let changed = ledger.change(Method::PATCH, "", &domains).await.good();
    let kept = json!(["xn--strae-oqa.example", "xn--mller-kva.example", "corp.example"]);
    assert_eq!(changed["approved_domains"], kept);
    for (n, (email, state)) in [
        ("a@strasse.example", "waiting domain_not_approved"),
        ("b@straße.example", "held"),
        ("c@xn--strae-oqa.example", "held"),
        ("d@müller.example", "held"),
        ("e@Corp.Example", "held"),
        ("f@sub.corp.example", "waiting domain_not_approved"),
    ]
    .into_iter()
    .enumerate()
    {
        let path = format!("accounts/by-external-id/x{n}");
        let made = ledger.make(&path, &json!({ "user_name": format!("x{n}"), "email": email })).await.good();
        assert_eq!(ledger.ask(made["id"].as_str().unwrap(), "a").await, state, "{email}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connectors_account_is_not_the_portals_to_edit() {
    let ledger = Served::start().await;
    ledger.pool("a", 1).await;
    let epoch = ledger.lease("dc01").await;
    ledger.batch(epoch, "k", &[create(1), claim(1, "a")]).await.good();
    let anchor = uuid::Uuid::from_u128(1);
    let path = format!("accounts/by-external-id/{anchor}");
    assert_eq!(ledger.get(&ledger.admin, &path).await.good()["managed"], true);
    assert_eq!(ledger.change(Method::PUT, &path, &profile("x")).await.problem(), "409 managed");
    assert_eq!(ledger.put(&ledger.admin, "accounts/1/seats/a", &json!({})).await.problem(), "409 managed");
    assert_eq!(ledger.delete(&ledger.admin, "accounts/1/seats/a").await.problem(), "409 managed");
    ledger.post(&ledger.admin, "accounts/1/suspend", &json!({})).await.good();
    let resume = json!({ "do": "resume", "person": person(1) });
    let answer = ledger.batch(epoch, "k2", &[resume]).await.good();
    assert_eq!(answer["refused"][0]["code"], "suspended_elsewhere");
}

#[tokio::test(flavor = "multi_thread")]
async fn activity_is_shown_and_moves_no_version() {
    let ledger = Served::start().await;
    let ann = ledger.account("ann").await;
    let before = ledger.last().await;
    let report = json!({ "last_active": "2026-03-04T05:06:07Z", "invitation": "accepted" });
    let answer = ledger.put(&ledger.admin, &format!("accounts/{ann}/activity"), &report).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    let shown = ledger.get(&ledger.admin, &format!("accounts/{ann}")).await.good();
    assert_eq!((&shown["last_active"], &shown["invitation"]), (&"2026-03-04T05:06:07Z".into(), &"accepted".into()));
    assert_eq!(ledger.last().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_gets_the_same_answer_and_another_request_is_refused() {
    let ledger = Served::start().await;
    let (ann, bob) = (ledger.account("ann").await, ledger.account("bob").await);
    let (path, key) = (format!("accounts/{ann}/suspend"), key());
    let first = ledger.post_keyed(&ledger.admin, &path, &key, &json!({})).await;
    ledger.post(&ledger.admin, &format!("accounts/{ann}/resume"), &json!({})).await.good();
    let again = ledger.post_keyed(&ledger.admin, &path, &key, &json!({})).await;
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    assert_eq!((first.header("idempotency-replayed"), again.header("idempotency-replayed")), (None, Some("true")));
    assert_eq!(ledger.get(&ledger.admin, &format!("accounts/{ann}")).await.good()["suspension"], Value::Null);
    let other = ledger.post_keyed(&ledger.admin, &path, &key, &json!({ "keep_seats": true })).await;
    assert_eq!(other.problem(), "422 idempotency-key-reused");
    let elsewhere = ledger.post_keyed(&ledger.admin, &format!("accounts/{bob}/suspend"), &key, &json!({})).await;
    assert_eq!(elsewhere.problem(), "422 idempotency-key-reused");
    let none = send(ledger.request(Method::POST, &ledger.admin, &path).json(&json!({}))).await;
    assert_eq!(none.problem(), "400 idempotency-key-required");
    let long = ledger.post_keyed(&ledger.admin, &path, &"k".repeat(256), &json!({})).await;
    assert_eq!(long.problem(), "400 invalid-request");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_failed_may_be_sent_again_with_its_key() {
    let ledger = Served::start().await;
    let (key, body) = (key(), json!({ "decisions": [{ "account": "1", "verdict": "approve" }] }));
    let refused = ledger.post_keyed(&ledger.approver, "decisions", &key, &body).await;
    assert_eq!(refused.problem(), "404 not-found");
    ledger.pool("a", 1).await;
    let ann = ledger.account("ann").await;
    ledger.pool("b", 0).await;
    ledger.ask(&ann, "b").await;
    ledger.post_keyed(&ledger.approver, "decisions", &key, &body).await.good();
}

#[tokio::test(flavor = "multi_thread")]
async fn bulk_items_have_a_result_each_and_a_key_each() {
    let ledger = Served::start().await;
    ledger.pool("a", 1).await;
    let items = json!([
        { "key": "1", "do": "put", "external_id": "x1", "profile": profile("ann") },
        { "key": "2", "do": "put", "external_id": "x2", "profile": profile("ANN") },
        { "key": "3", "do": "claim", "external_id": "x1", "pool": "a" },
        { "key": "4", "do": "put", "external_id": "x3", "profile": profile("bob") },
        { "key": "5", "do": "claim", "external_id": "x3", "pool": "a" },
        { "key": "6", "do": "decide", "external_id": "x3", "verdict": "approve" },
        { "key": "7", "do": "transfer", "external_id": "x1", "pool": "a", "to": "2" },
        { "key": "8", "do": "suspend", "external_id": "x3" },
        { "key": "9", "do": "delete", "external_id": "x1" },
        { "key": "10", "do": "claim", "pool": "a" },
    ]);
    let answer = ledger.post(&ledger.admin, "bulk", &json!({ "items": items })).await.good();
    let statuses = |answer: &Value| -> Vec<u64> {
        answer["results"].as_array().unwrap().iter().map(|one| one["status"].as_u64().unwrap()).collect()
    };
    assert_eq!(statuses(&answer), [201, 409, 200, 201, 200, 200, 200, 200, 204, 422]);
    assert_eq!(answer["results"][1]["problem"]["type"], "urn:seatsync:problem:conflict");
    assert_eq!(ledger.counts("a").await, (1, 0, 0));
    let again = ledger.post(&ledger.admin, "bulk", &json!({ "items": [items[0], items[1]] })).await.good();
    assert_eq!(statuses(&again), [201, 201], "the one is remembered, the other may be tried again");
    assert_eq!(
        [&again["results"][0]["replayed"], &again["results"][1]["replayed"]],
        [&Value::Bool(true), &false.into()]
    );
    let other = json!({ "key": "1", "do": "put", "external_id": "x9", "profile": profile("zoe") });
    let reused = ledger.post(&ledger.admin, "bulk", &json!({ "items": [other] })).await.good();
    assert_eq!(statuses(&reused), [422]);
    let same = json!({ "key": "whole", "do": "put", "external_id": "x9", "profile": profile("zoe") });
    let same = ledger.post_keyed(&ledger.admin, "bulk", "whole", &json!({ "items": [same] })).await;
    assert_eq!(same.problem(), "422 invalid-request");
    let many: Vec<Value> = (0..1001).map(|n| json!({ "key": n.to_string(), "do": "resume", "account": "1" })).collect();
    let refused = ledger.post(&ledger.admin, "bulk", &json!({ "items": many })).await;
    assert_eq!((refused.problem().as_str(), &refused.body["limit"]), ("413 bulk-too-large", &1000.into()));
}
