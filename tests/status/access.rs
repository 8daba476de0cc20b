//! Who is answered.

use crate::harness::{Served, client, facts};

const TOKEN: &str = "0123456789abcdef";

#[tokio::test]
async fn with_a_token_only_who_knows_it_is_told_more_than_that_the_process_lives() {
    let served = Served::new(Some(facts()), Some(TOKEN));
    let right = format!("Bearer {TOKEN}");
    for (path, header, status) in [
        ("/healthz", None, 200),
        ("/readyz", None, 401),
        ("/metrics", None, 401),
        ("/nowhere", None, 401),
        ("/metrics", Some("Bearer 0123456789abcdeg"), 401),
        ("/metrics", Some("Bearer 0123456789abcde"), 401),
        ("/metrics", Some("Bearer "), 401),
        ("/metrics", Some(TOKEN), 401),
        ("/metrics", Some(&*right), 200),
        ("/readyz", Some(&*right), 200),
    ] {
        let headers: Vec<(&str, &str)> = header.map(|header| ("authorization", header)).into_iter().collect();
        let answer = served.get_with(path, &headers).await;
        assert_eq!(answer.status().as_u16(), status, "{path} {header:?}");
        let text = answer.text().await.unwrap();
        assert!(status != 401 || !text.contains("corp"), "{text}");
    }
}

/// A page elsewhere may give its own name this machine's address, and then read what is answered to that name.
#[tokio::test]
async fn another_sites_name_for_this_machine_is_refused() {
    let served = Served::new(Some(facts()), None);
    for (host, status) in [
        ("localhost:8750", 200),
        ("127.0.0.1", 200),
        ("attacker.example:8750", 421),
        ("127.0.0.1.attacker.example", 421),
    ] {
        assert_eq!(served.get_with("/metrics", &[("host", host)]).await.status().as_u16(), status, "{host}");
    }
}

#[tokio::test]
async fn every_answer_tells_browsers_to_be_careful() {
    let served = Served::new(Some(facts()), Some(TOKEN));
    for path in ["/healthz", "/metrics"] {
        let answer = served.get(path).await;
        let policy = answer.headers()["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe-inline"), "{policy}");
        for (name, value) in
            [("x-content-type-options", "nosniff"), ("x-frame-options", "DENY"), ("cache-control", "no-store")]
        {
            assert_eq!(answer.headers()[name], value, "{path}");
        }
    }
}

#[tokio::test]
async fn what_only_shows_takes_nothing_in() {
    let served = Served::new(Some(facts()), None);
    let answer = client().post(format!("{}/metrics", served.url)).body("x").send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 405);
}
