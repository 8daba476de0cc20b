use std::collections::BTreeSet;
use std::time::Duration;

use super::super::Progress;
use super::*;
use crate::model::change::{Confirmation, Decision, HeldChange, Verdict};
use crate::model::memory::{CycleRecord, Heartbeat, Held, Request};
use crate::ports::{History as _, Left, Requests as _};

fn beside(folder: &TempDir) -> State {
    State::open_beside(folder.path()).unwrap().unwrap()
}

fn changes() -> BTreeSet<HeldChange> {
    BTreeSet::from([HeldChange { person: person(1), change: "suspend".into(), value: String::new() }])
}

fn confirmation(expires: Timestamp) -> Confirmation {
    Confirmation { fingerprint: "f".into(), changes: changes(), expires }
}

#[test]
fn every_kind_of_request_reaches_the_agent_in_the_order_of_asking() {
    let folder = tempfile::tempdir().unwrap();
    let (_lock, mut agent) = owner(&folder);
    let mut verb = beside(&folder);
    let decision = Decision { person: person(1), pool: None, verdict: Verdict::Approve };
    let requests = [
        Request::Sync { full: true },
        Request::Confirm(confirmation(at(9))),
        Request::Decide(vec![decision]),
        Request::Relink { old: person(1), new: person(2) },
    ];
    for request in &requests {
        verb.ask(request, at(0), None).unwrap();
    }
    for request in requests {
        assert_eq!(agent.next_request(at(1)).unwrap().unwrap().1, request);
    }
    assert_eq!(agent.next_request(at(1)).unwrap(), None);
}

#[test]
fn who_asked_sees_the_request_waiting_taken_and_answered() {
    let folder = tempfile::tempdir().unwrap();
    let (_lock, mut agent) = owner(&folder);
    let mut verb = beside(&folder);
    let id = verb.ask(&Request::Sync { full: false }, at(0), Some(at(60))).unwrap();
    assert_eq!(verb.wait_for(id, Duration::ZERO).unwrap(), Progress::Waiting);
    assert_eq!(agent.next_request(at(1)).unwrap().unwrap().0, id);
    assert_eq!(verb.wait_for(id, Duration::ZERO).unwrap(), Progress::Taken);
    assert!(!verb.withdraw(id).unwrap());
    let answering = std::thread::spawn(move || agent.answer(id, "{\"cycle\":1}", at(2)).unwrap());
    assert_eq!(verb.wait_for(id, Duration::from_secs(20)).unwrap(), Progress::Answered("{\"cycle\":1}".into()));
    answering.join().unwrap();
}

#[test]
fn a_request_left_too_long_is_not_carried_out() {
    let mut state = State::in_memory().unwrap();
    let sync = Request::Sync { full: false };
    let late = state.ask(&sync, at(0), Some(at(60))).unwrap();
    let fresh = state.ask(&sync, at(0), Some(at(61))).unwrap();
    assert_eq!(state.next_request(at(60)).unwrap().unwrap().0, fresh);
    assert_eq!(state.progress(late).unwrap(), Progress::Expired);
}

#[test]
fn a_request_taken_back_is_not_carried_out() {
    let mut state = State::in_memory().unwrap();
    let id = state.ask(&Request::Sync { full: false }, at(0), None).unwrap();
    assert!(state.withdraw(id).unwrap());
    assert_eq!(state.next_request(at(1)).unwrap(), None);
}

#[test]
fn a_request_that_a_crashed_agent_took_is_taken_again_but_not_an_answered_one() {
    let folder = tempfile::tempdir().unwrap();
    let (lock, mut agent) = owner(&folder);
    let sync = Request::Sync { full: false };
    let answered = agent.ask(&sync, at(0), None).unwrap();
    let unanswered = agent.ask(&sync, at(0), None).unwrap();
    agent.next_request(at(1)).unwrap();
    agent.next_request(at(1)).unwrap();
    agent.answer(answered, "{}", at(1)).unwrap();
    drop((agent, lock));
    let (_lock, mut agent) = owner(&folder);
    assert_eq!(agent.next_request(at(2)).unwrap().unwrap().0, unanswered);
    assert_eq!(agent.next_request(at(2)).unwrap(), None);
}

#[test]
fn an_answer_is_kept_for_a_day() {
    let mut state = State::in_memory().unwrap();
    let sync = Request::Sync { full: false };
    let id = state.ask(&sync, at(0), None).unwrap();
    state.next_request(at(0)).unwrap();
    state.answer(id, "{}", at(0)).unwrap();
    state.ask(&sync, at(86_400), None).unwrap();
    assert_eq!(state.progress(id).unwrap(), Progress::Answered("{}".into()));
    state.ask(&sync, at(86_401), None).unwrap();
    assert_eq!(state.progress(id).unwrap(), Progress::Expired);
}

#[test]
fn the_last_sign_of_life_is_seen_beside_the_agent() {
    let folder = tempfile::tempdir().unwrap();
    let (_lock, mut agent) = owner(&folder);
    let verb = beside(&folder);
    assert_eq!(verb.heartbeat().unwrap(), None);
    let mut heartbeat = Heartbeat {
        name: "dc01".into(),
        pid: 7,
        version: "0.1.0".into(),
        started: at(0),
        beat: at(1),
        next_cycle: None,
        reading: Vec::new(),
        awaited: None,
        failing: None,
        page_problem: Some("could not listen on 127.0.0.1:8750".into()),
        config_problem: Some("no reload takes backend.company".into()),
    };
    agent.beat(&heartbeat).unwrap();
    heartbeat.next_cycle = Some(at(300));
    agent.beat(&heartbeat).unwrap();
    assert_eq!(verb.heartbeat().unwrap(), Some(heartbeat));
}

fn record(number: u64, outcome: &str) -> CycleRecord {
    CycleRecord { number, started: at(0), seconds: 0.5, outcome: outcome.into(), report: "{\"cycle\":1}".into() }
}

#[test]
fn cycles_are_counted_and_the_latest_that_ended_come_first() {
    let mut state = State::in_memory().unwrap();
    assert_eq!(state.begin_cycle(at(0)).unwrap(), 1);
    assert_eq!(state.last_cycle().unwrap(), None);
    state.finish_cycle(&record(1, "ok"), None, Left::default(), None).unwrap();
    assert_eq!(state.begin_cycle(at(0)).unwrap(), 2);
    state.finish_cycle(&record(2, "held"), None, Left::default(), None).unwrap();
    assert_eq!(state.last_cycle().unwrap(), Some(record(2, "held")));
    assert_eq!(state.history(10).unwrap(), [record(2, "held"), record(1, "ok")]);
    assert_eq!(state.history(1).unwrap(), [record(2, "held")]);
}

#[test]
fn a_cycle_that_came_to_no_end_leaves_its_number_to_the_next() {
    let mut state = State::in_memory().unwrap();
    for _ in 0..2 {
        assert_eq!(state.begin_cycle(at(0)).unwrap(), 1);
    }
    state.finish_cycle(&record(1, "failed"), None, Left::default(), None).unwrap();
    assert_eq!(state.begin_cycle(at(0)).unwrap(), 2);
}

#[test]
fn what_is_held_back_is_what_the_last_cycle_held_back() {
    let mut state = State::in_memory().unwrap();
    let held = Held { fingerprint: "f".into(), changes: changes(), report: "[]".into() };
    state.finish_cycle(&record(1, "held"), Some(&held), Left::default(), None).unwrap();
    assert_eq!(state.held().unwrap(), Some(held));
    state.finish_cycle(&record(2, "ok"), None, Left::default(), None).unwrap();
    assert_eq!(state.held().unwrap(), None);
}

#[test]
fn the_config_digest_stays_until_a_cycle_carries_another_through() {
    let mut state = State::in_memory().unwrap();
    assert_eq!(state.config_digest().unwrap(), None);
    state.finish_cycle(&record(1, "ok"), None, Left { config: Some("one"), baseline: None }, None).unwrap();
    state.finish_cycle(&record(2, "partial"), None, Left::default(), None).unwrap();
    assert_eq!(state.config_digest().unwrap().as_deref(), Some("one"));
    state.finish_cycle(&record(3, "ok"), None, Left { config: Some("two"), baseline: None }, None).unwrap();
    assert_eq!(state.config_digest().unwrap().as_deref(), Some("two"));
}

#[test]
fn a_confirmation_holds_until_it_expires() {
    let mut state = State::in_memory().unwrap();
    state.keep_confirmation(&confirmation(at(10))).unwrap();
    assert_eq!(state.confirmations(at(9)).unwrap(), [confirmation(at(10))]);
    assert_eq!(state.confirmations(at(10)).unwrap(), []);
}

#[test]
fn a_cycle_forgets_only_confirmations_that_expired_before_it() {
    let mut state = State::in_memory().unwrap();
    let lasting = Confirmation { fingerprint: "g".into(), ..confirmation(at(1)) };
    state.keep_confirmation(&confirmation(at(0))).unwrap();
    state.keep_confirmation(&lasting).unwrap();
    state.finish_cycle(&record(1, "ok"), None, Left::default(), None).unwrap();
    assert_eq!(state.confirmations(at(-1)).unwrap(), [lasting]);
}
