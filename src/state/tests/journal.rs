use super::*;
use crate::model::change::{Allocation, Answer, Batch, Operation, Outcome, Step};
use crate::ports::{Accounts as _, Journal as _};

fn batch(key: &str) -> Batch {
    let step = Step { person: Some(person(1)), operation: Operation::Resume, counted: None };
    Batch { key: key.into(), at: at(0), steps: vec![step], allocation: Allocation::default() }
}

fn open(state: &State) -> Vec<(String, bool)> {
    state.open_batches().unwrap().into_iter().map(|open| (open.batch.key, open.sent)).collect()
}

fn answer() -> Answer {
    let held = account(1, vec![seat("standard", SeatState::Held)]);
    Answer { outcomes: vec![Outcome::Done], accounts: vec![held], ..Answer::default() }
}

#[test]
fn a_plan_is_found_whole_and_unsent_after_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    {
        let (_lock, mut state) = owner(&folder);
        state.begin(1, &[batch("b"), batch("a")]).unwrap();
    }
    let (_lock, state) = owner(&folder);
    assert_eq!(open(&state), [("b".to_owned(), false), ("a".to_owned(), false)]);
    assert_eq!(state.open_batches().unwrap()[0].batch, batch("b"));
}

#[test]
fn after_a_crash_it_is_known_what_was_sent() {
    let folder = tempfile::tempdir().unwrap();
    {
        let (_lock, mut state) = owner(&folder);
        state.begin(1, &[batch("a"), batch("b"), batch("c")]).unwrap();
        state.sent("a").unwrap();
        state.finished("a", &answer()).unwrap();
        state.sent("b").unwrap();
    }
    let (_lock, mut state) = owner(&folder);
    assert_eq!(open(&state), [("b".to_owned(), true), ("c".to_owned(), false)]);
    state.finished("b", &Answer::default()).unwrap();
    state.drop_batch("c").unwrap();
    assert_eq!(open(&state), []);
}

#[test]
fn an_outcome_and_its_accounts_are_stored_in_one_step() {
    let mut state = State::in_memory().unwrap();
    state.begin(1, &[batch("a")]).unwrap();
    state.sent("a").unwrap();
    state
        .connection
        .execute_batch(
            "CREATE TEMP TRIGGER full BEFORE INSERT ON account_details BEGIN SELECT RAISE(ABORT, 'disk full'); END",
        )
        .unwrap();
    assert!(state.finished("a", &answer()).is_err());
    assert_eq!(open(&state), [("a".to_owned(), true)]);
    assert!(state.remembered().unwrap().is_empty());

    state.connection.execute_batch("DROP TRIGGER full").unwrap();
    state.finished("a", &answer()).unwrap();
    assert_eq!(open(&state), []);
    assert!(state.remembered().unwrap().contains_key(&person(1)));
}

#[test]
fn who_was_removed_is_not_remembered() {
    let mut state = State::in_memory().unwrap();
    state.begin(1, &[batch("a"), batch("b")]).unwrap();
    state.finished("a", &answer()).unwrap();
    state.finished("b", &Answer { removed: vec![person(1)], ..Answer::default() }).unwrap();
    assert!(state.remembered().unwrap().is_empty());
}

#[test]
fn a_batch_that_is_not_in_the_journal_cannot_be_sent_finished_or_dropped() {
    let mut state = State::in_memory().unwrap();
    state.begin(1, &[batch("a")]).unwrap();
    assert!(state.sent("x").is_err());
    assert!(state.finished("x", &answer()).is_err());
    assert!(state.drop_batch("x").is_err());
    state.finished("a", &answer()).unwrap();
    assert!(state.sent("a").is_err());
    assert!(state.drop_batch("a").is_err());
}

#[test]
fn a_plan_whose_key_was_used_before_is_refused_whole() {
    let mut state = State::in_memory().unwrap();
    state.begin(1, &[batch("a")]).unwrap();
    assert!(state.begin(2, &[batch("b"), batch("a")]).is_err());
    assert_eq!(open(&state), [("a".to_owned(), false)]);
}

#[test]
fn fifty_plans_are_kept_and_what_is_open_is_kept_longer() {
    let mut state = State::in_memory().unwrap();
    state.begin(1, &[batch("open")]).unwrap();
    for cycle in 2..=53 {
        let key = format!("{cycle}");
        state.begin(cycle, &[batch(&key)]).unwrap();
        state.finished(&key, &Answer::default()).unwrap();
    }
    let cycles: Vec<i64> = state
        .connection
        .prepare("SELECT cycle FROM batch ORDER BY cycle")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<rusqlite::Result<_>>()
        .unwrap();
    let mut expected = vec![1];
    expected.extend(4..=53);
    assert_eq!(cycles, expected);
}
