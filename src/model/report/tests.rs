use serde_json::{Value, json};

use super::*;
use crate::model::change::Verdict;
use crate::model::{AccountState, Defect, Quarantine, WaitReason};

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().map(|object| object.keys().map(String::as_str).collect()).unwrap_or_default()
}

fn assert_keys(value: &Value, wanted: &[&str]) {
    let present = keys(value);
    assert!(wanted.iter().all(|key| present.contains(key)), "wanted {wanted:?}, there is {present:?}");
}

#[test]
fn a_row_of_pending_has_every_key_of_the_contract() {
    let row = PendingRow {
        anchor: None,
        user_name: "ada".to_owned(),
        display_name: None,
        email: "ada@x.example".to_owned(),
        pool: "standard".into(),
        position: 1,
        reason: WaitReason::ApprovalRequired,
        why: "needs approval".to_owned(),
        since: "2026-01-01T00:00:00Z".parse().unwrap(),
        approved: false,
        passed_over: false,
        stopped: None,
        decided: None,
    };
    let value = serde_json::to_value(row).unwrap();
    assert_keys(&value, &["anchor", "user_name", "email", "pool", "position", "reason", "since", "approved"]);
    assert_eq!(value["reason"], "approval_required");
}

#[test]
fn a_quarantined_person_without_an_account_has_null_for_a_state() {
    let row = UserRow {
        anchor: None,
        directory: Some("corp".into()),
        dn: Some("uid=ada".to_owned()),
        user_name: None,
        email: None,
        display_name: None,
        state: None,
        seats: Vec::new(),
        managed: false,
        quarantine: Some(Quarantine {
            attribute: "mail".to_owned(),
            reason: Defect::Missing,
            message: "has no value".to_owned(),
        }),
    };
    let value = serde_json::to_value(row).unwrap();
    assert!(value["state"].is_null() && value["anchor"].is_null());
    assert_eq!(value["quarantine"], json!({"attribute": "mail", "reason": "missing", "message": "has no value"}));
    assert_eq!(serde_json::to_value(AccountState::Pending).unwrap(), "pending");
}

#[test]
fn a_row_of_history_has_every_key_of_the_contract_and_every_count() {
    let row = HistoryRow {
        cycle: 7,
        started: "2026-01-01T00:00:00Z".parse().unwrap(),
        seconds: 0.4,
        outcome: CycleOutcome::SomeFailed,
        changes: ChangeCounts::default(),
        elsewhere: [(Deed::Promoted, 3)].into(),
    };
    let value = serde_json::to_value(row).unwrap();
    assert_keys(&value, &["cycle", "started", "seconds", "outcome", "changes"]);
    assert_eq!(value["elsewhere"], serde_json::json!({"promoted": 3}));
    assert_eq!(value["outcome"], "some_failed");
    let named: Vec<_> = ChangeCounts::default().named().iter().map(|(word, _)| *word).collect();
    assert_keys(&value["changes"], &named);
    assert_eq!(keys(&value["changes"]).len(), named.len());
}

#[test]
fn check_and_confirm_have_every_key_of_the_contract() {
    let problem = CheckProblem {
        file: "f".to_owned(),
        line: None,
        key: "agent.poll".to_owned(),
        value: None,
        message: "is wrong".to_owned(),
    };
    let probe = Probe { what: "bind".to_owned(), ok: true, message: String::new(), lost: None, remedy: None };
    let check = serde_json::to_value(CheckReport::of(vec![problem], vec![], vec![probe])).unwrap();
    assert_keys(&check, &["ok", "problems", "probes"]);
    assert_keys(&check["problems"][0], &["key", "value", "message"]);
    assert_keys(&check["probes"][0], &["what", "ok", "message", "lost", "remedy"]);
    assert_eq!(check["ok"], false);
    let expires = "2026-01-01T00:00:00Z".parse().unwrap();
    let confirm = ConfirmReport { fingerprint: "3f9a".to_owned(), count: 3, expires, running: true };
    assert_keys(&serde_json::to_value(confirm).unwrap(), &["fingerprint", "count", "expires"]);
}

#[test]
fn an_assignment_that_is_past_is_shown_to_nobody() {
    use crate::model::{Assignment, SeatState};
    let seat = |state| Assignment {
        pool: "standard".into(),
        state,
        since: "2026-01-01T00:00:00Z".parse().unwrap(),
        approved: false,
        rank: 0,
        created: "2026-01-01T00:00:00Z".parse().unwrap(),
        fallback_for: None,
        instead_of: Vec::new(),
        ours: true,
    };
    assert_eq!(SeatRow::of(&seat(SeatState::Past(None)), None), None);
    let row = SeatRow::of(&seat(SeatState::Waiting(WaitReason::NoSeat)), Some(4)).unwrap();
    assert_eq!((row.state, row.reason, row.position), (SeatWord::Waiting, Some(WaitReason::NoSeat), Some(4)));
}

#[test]
fn verdicts_are_words() {
    assert_eq!(serde_json::to_value(Verdict::Approve).unwrap(), "approve");
}

#[test]
fn seconds_are_given_to_the_millisecond() {
    assert!((seconds(std::time::Duration::from_micros(412_600)) - 0.413).abs() < f64::EPSILON);
}
