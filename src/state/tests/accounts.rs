use std::collections::BTreeMap;

use super::*;
use crate::model::change::Answer;
use crate::model::memory::{Approval, Remembered, Taken};
use crate::model::{Digest, Suspension};
use crate::ports::Accounts as _;

fn state() -> State {
    State::in_memory().unwrap()
}

/// Rows written since the file was opened.
fn written(state: &State) -> u64 {
    state.connection.total_changes()
}

fn three() -> Vec<Account> {
    vec![account(1, vec![seat("standard", SeatState::Held)]), account(2, vec![seat("standard", WAITS)]), stranger(3)]
}

#[test]
fn what_is_remembered_of_a_managed_account_is_its_profile_seats_and_suspension() {
    let mut state = state();
    let mut given = seat("advanced", SeatState::Held);
    given.ours = false;
    let mut first = account(1, vec![given, seat("standard", SeatState::Held), seat("tier", WAITS)]);
    first.suspension = Some(Suspension { by_agent: true, at: at(3), cause: None });
    state.observe(&[first.clone(), stranger(3)], &[], at(5)).unwrap();
    let expected =
        Remembered { profile: Digest::of(&first.profile), held: ["standard".into()].into(), suspended: true };
    assert_eq!(state.remembered().unwrap(), BTreeMap::from([(person(1), expected)]));
}

#[test]
fn nothing_is_written_where_nothing_changed() {
    let mut state = state();
    state.observe(&three(), &[], at(0)).unwrap();
    let before = written(&state);
    state.observe(&three(), &[], at(1)).unwrap();
    assert_eq!(written(&state), before);
}

#[test]
fn one_changed_account_is_one_row_in_each_table() {
    let mut state = state();
    state.observe(&three(), &[], at(0)).unwrap();
    let before = written(&state);
    let mut accounts = three();
    accounts[1].seats[0].state = SeatState::Held;
    state.observe(&accounts, &[], at(1)).unwrap();
    assert_eq!(written(&state) - before, 2);
    assert_eq!(&*state.remembered().unwrap()[&person(2)].held, [Name::from("standard")]);
}

#[test]
fn accounts_that_the_backend_has_no_more_are_not_remembered() {
    let mut state = state();
    state.observe(&three(), &[], at(0)).unwrap();
    state.observe(&three()[..1], &[], at(1)).unwrap();
    assert_eq!(state.remembered().unwrap().into_keys().collect::<Vec<_>>(), [person(1)]);
    assert_eq!(users::all(&state).len(), 1);
}

#[test]
fn a_state_knows_accounts_once_it_saw_a_managed_one() {
    let mut state = state();
    state.observe(&[stranger(3)], &[], at(0)).unwrap();
    assert!(!state.knows_accounts().unwrap());
    state.observe(&three(), &[], at(0)).unwrap();
    assert!(state.knows_accounts().unwrap());
}

fn taken_at(hour: i64) -> BTreeMap<PersonId, Taken> {
    BTreeMap::from([(person(1), Taken { at: at(hour), approval: None })])
}

#[test]
fn who_was_taken_keeps_the_first_time_and_what_was_approved_until_the_account_is_there() {
    let mut state = state();
    state.observe(&three(), &[], at(0)).unwrap();
    state.observe(&three()[1..], &[person(1)], at(1)).unwrap();
    state.observe(&three()[1..], &[person(1)], at(2)).unwrap();
    assert_eq!(state.taken().unwrap(), taken_at(1));
    let approval = |state: &State| state.taken().unwrap().remove(&person(1)).and_then(|taken| taken.approval);
    state.give_back(&[(person(1), Some("a".into())), (person(1), Some("b".into())), (person(2), None)]).unwrap();
    assert_eq!(approval(&state), Some(Approval::Pools(["a".into(), "b".into()].into())));
    state.observe(&three()[1..], &[person(1)], at(3)).unwrap();
    state.give_back(&[(person(1), None), (person(1), Some("a".into()))]).unwrap();
    assert_eq!(approval(&state), Some(Approval::EveryPool));
    assert_eq!(state.person(&person(1)).unwrap(), None, "nothing but that");
    state.observe(&three(), &[], at(4)).unwrap();
    assert_eq!(state.taken().unwrap(), BTreeMap::new());
}

/// The cycle that saw the account gone found its owner disabled, and the next one made it anew.
#[test]
fn an_account_that_is_gone_was_taken_though_its_owner_could_not_be_judged() {
    let mut state = state();
    state.observe(&three(), &[], at(0)).unwrap();
    state.observe(&three()[1..], &[], at(1)).unwrap();
    assert_eq!(state.taken().unwrap(), taken_at(1));
    let removed = Answer { removed: vec![person(2)], ..Answer::default() };
    state.write("test", "testing", |transaction| super::super::accounts::store_answer(transaction, &removed)).unwrap();
    state.observe(&[stranger(3)], &[], at(2)).unwrap();
    assert_eq!(state.taken().unwrap().len(), 1, "what the agent removed was not taken");
}

/// The cycle that saw the seat gone could not read the directory, and the next one asked for it as if for the first time.
#[test]
fn a_seat_that_is_gone_is_remembered_until_the_backend_has_a_word_for_it() {
    let mut state = state();
    let held = |state: &State| state.remembered().unwrap()[&person(1)].held.to_vec();
    let answer = |accounts| Answer { accounts, ..Answer::default() };
    let store = |state: &mut State, answer: &Answer| {
        state
            .write("test", "testing", |transaction| super::super::accounts::store_answer(transaction, answer))
            .unwrap();
    };
    state.observe(&three(), &[], at(0)).unwrap();
    state.observe(&[account(1, Vec::new())], &[], at(1)).unwrap();
    store(&mut state, &answer(vec![account(1, Vec::new())]));
    assert_eq!(held(&state), [Name::from("standard")]);
    store(&mut state, &answer(vec![account(1, vec![seat("standard", WAITS)])]));
    assert!(held(&state).is_empty());
    state.observe(&three(), &[], at(2)).unwrap();
    store(&mut state, &answer(vec![account(1, vec![seat("standard", SeatState::Past(None))])]));
    assert!(held(&state).is_empty(), "released by the agent");
}

#[test]
fn an_account_that_is_there_is_not_taken() {
    let mut state = state();
    state.observe(&[], &[person(1)], at(0)).unwrap();
    state.observe(&three(), &[], at(1)).unwrap();
    assert_eq!(state.taken().unwrap(), BTreeMap::new());
}

#[test]
fn an_adopted_account_is_a_stranger_no_more() {
    let mut state = state();
    state.observe(&three(), &[], at(0)).unwrap();
    let adopted = Account { owner: Some(person(3)), adopted: true, ..stranger(3) };
    let answer = Answer { accounts: vec![adopted], ..Answer::default() };
    state.write("test", "testing", |transaction| super::super::accounts::store_answer(transaction, &answer)).unwrap();
    let users = users::all(&state);
    assert_eq!(users.len(), 3);
    assert!(users.iter().all(|user| user.anchor.is_some()));
}

#[test]
fn a_relinked_account_is_remembered_under_its_new_owner() {
    let mut state = state();
    state.observe(&three(), &[], at(0)).unwrap();
    let before = state.remembered().unwrap();
    let new = PersonId::new("new".into(), anchor(9));
    state.relinked(&person(1), &new).unwrap();
    let after = state.remembered().unwrap();
    assert_eq!(after.get(&new), before.get(&person(1)));
    assert!(!after.contains_key(&person(1)));

    let moved = Account { owner: Some(new), ..three()[0].clone() };
    let written_before = written(&state);
    state.observe(&[moved, three()[1].clone(), three()[2].clone()], &[], at(1)).unwrap();
    assert_eq!(written(&state), written_before);
}
