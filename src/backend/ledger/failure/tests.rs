//! What is said of a failure, and whether it is tried again.

use super::*;

const PLACE: Place<'_> = Place { doing: "send changes", url: "https://ledger", via: None, spoke: false };

fn refused(status: u16, name: &str, rest: Option<u64>) -> Failure {
    let text = format!(r#"{{"type":"urn:seatsync:problem:{name}","title":"T","status":{status},"detail":"Said so."}}"#);
    let problem = serde_json::from_str(&text).unwrap();
    PLACE.refused(StatusCode::from_u16(status).unwrap(), problem, rest.map(Duration::from_secs))
}

#[test]
fn each_problem_is_judged_by_its_type() {
    for (status, name, persistence) in [
        (401, "unauthorized", Persistence::Credentials),
        (403, "forbidden", Persistence::Permanent),
        (403, "tier-required", Persistence::Permanent),
        (409, "stale-epoch", Persistence::Superseded),
        (409, "list-changed", Persistence::Transient),
        (422, "clock-skew", Persistence::Permanent),
        (413, "too-large", Persistence::Permanent),
        (422, "idempotency-key-reused", Persistence::Permanent),
        (429, "rate-limited", Persistence::Transient),
        (500, "internal", Persistence::Transient),
        (503, "unavailable", Persistence::Transient),
        (409, "some-day-new", Persistence::Permanent),
    ] {
        assert_eq!(refused(status, name, None).persistence(), persistence, "{name}");
    }
}

#[test]
fn only_what_somebody_must_mend_is_left_alone_for_long() {
    for name in ["unauthorized", "forbidden", "tier-required", "connector-removed"] {
        assert!(refused(403, name, None).needs_somebody(), "{name}");
    }
    for name in ["not-found", "list-changed", "some-day-new"] {
        assert!(!refused(404, name, None).needs_somebody(), "{name}");
    }
    // An answer of another shape, for a moment, from something between.
    let odd = serde_json::from_str::<Problem>("[]").unwrap_err();
    assert!(!PLACE.unreadable(odd).needs_somebody());
}

#[test]
fn it_says_what_was_done_where_what_was_answered_and_what_to_do() {
    let failure = refused(401, "unauthorized", None);
    let start = "Could not send changes at https://ledger: the ledger says: Said so. The token ran out";
    assert!(failure.message.starts_with(start), "{failure}");
    let failure = PLACE.stranger(StatusCode::OK, "text/html");
    assert!(failure.message.contains("something else than a ledger answered (status 200, text/html)"), "{failure}");
    assert_eq!(failure.persistence(), Persistence::Transient);
}

#[test]
fn the_ledgers_own_wait_counts_unless_it_is_too_long() {
    let (due, longest) = (Duration::from_secs(1), Duration::from_secs(30));
    assert_eq!(refused(429, "rate-limited", Some(7)).wait(due, longest), Some(Duration::from_secs(7)));
    assert_eq!(refused(503, "unavailable", Some(0)).wait(due, longest), Some(due));
    assert_eq!(refused(503, "unavailable", None).wait(due, longest), Some(due));
    assert_eq!(refused(503, "unavailable", Some(3600)).wait(due, longest), None);
    assert_eq!(refused(401, "unauthorized", None).wait(due, longest), None);
}

#[test]
fn a_tls_error_is_found_below_an_io_error() {
    let inner = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
    let outer = io::Error::other(io::Error::other(inner));
    assert!(matches!(tls_error(&outer), Some(rustls::Error::InvalidCertificate(_))));
}
