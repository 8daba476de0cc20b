use std::borrow::Cow;

use super::super::Who;
use super::*;
use crate::model::memory::{LastKnown, WantedPool};
use crate::model::{Defect, Quarantine};
use crate::ports::{Accounts as _, Mirror as _};

pub fn all(state: &State) -> Vec<LastKnown> {
    let mut users = Vec::new();
    state.users(&mut |user| users.push(user)).unwrap();
    users
}

fn quarantined(number: u8) -> PersonRow<'static> {
    let quarantine = Quarantine { attribute: "mail".into(), reason: Defect::Missing, message: "no mail".into() };
    let mut row = row(number);
    row.facts.judgement.quarantine = Some(Cow::Owned(quarantine));
    row.facts.email = "".into();
    row
}

/// 1 has an account, 2 is quarantined without one, 3 is just known, 4 has an account the mirror does not show.
fn state() -> State {
    let mut state = State::in_memory().unwrap();
    state.store(&corp(), &mirror::whole(vec![row(1), quarantined(2), row(3)], "1")).unwrap();
    state.observe(&[account(4, vec![]), stranger(5), account(1, vec![])], &[], at(0)).unwrap();
    state
}

#[test]
fn users_are_accounts_as_last_known_and_quarantined_people_without_one() {
    let users = all(&state());
    let seen: Vec<_> = users.iter().map(|user| (user.anchor, user.facts.is_some(), user.account.is_some())).collect();
    let expected = [
        (Some(anchor(1)), true, true),
        (Some(anchor(2)), true, false),
        (Some(anchor(4)), false, true),
        (None, false, true),
    ];
    assert_eq!(seen, expected);
    assert_eq!(users[3].account, Some(stranger(5)));
}

#[test]
fn users_of_several_directories_come_in_the_order_of_their_names() {
    let mut state = state();
    state.store(&"branch".into(), &mirror::whole(vec![quarantined(9)], "1")).unwrap();
    let first = &all(&state)[0];
    assert_eq!((first.directory.as_deref(), first.anchor), (Some("branch"), Some(anchor(9))));
}

#[test]
fn all_that_was_stored_of_a_person_comes_back() {
    let mut state = State::in_memory().unwrap();
    let mut stored = quarantined(1);
    let pool = WantedPool { pool: "standard".into(), rank: 1, because: vec!["in CN=Staff".into()] };
    stored.facts.judgement.pools = vec![pool];
    stored.facts.judgement.due = Some(at(900));
    stored.facts.display_name = None;
    state.store(&corp(), &mirror::whole(vec![stored.clone()], "1")).unwrap();
    let back = state.person(&person(1)).unwrap().unwrap();
    assert_eq!(back.facts, Some(stored.facts));
    assert_eq!(back.account, None);
    assert_eq!(state.person(&person(2)).unwrap(), None);
}

#[test]
fn a_person_is_found_by_every_name() {
    let state = state();
    let one = [Who::Person(person(1))];
    for name in ["U1", "u1@EXAMPLE.org", " u1 ", "uid=u1,ou=Staff,dc=example,dc=org", &anchor(1).to_string()] {
        assert_eq!(state.find(name).unwrap(), one, "{name}");
    }
    assert_eq!(state.find("u4@example.org").unwrap(), [Who::Person(person(4))]);
    assert_eq!(state.find("u3").unwrap(), [Who::Person(person(3))]);
    assert_eq!(state.find("u5").unwrap(), [Who::Stranger(AccountId("a5".into()))]);
}

#[test]
fn nobody_is_found_by_an_empty_or_unknown_name() {
    let state = state();
    for name in ["", " ", "u", "u99", &anchor(99).to_string(), "uid=u1"] {
        assert_eq!(state.find(name).unwrap(), [], "{name:?}");
    }
}

#[test]
fn a_name_of_two_people_finds_both() {
    let mut state = state();
    let mut other = row(6);
    other.facts.user_name = "U1".into();
    state.store(&"branch".into(), &mirror::whole(vec![other], "1")).unwrap();
    let both = [Who::Person(PersonId::new("branch".into(), anchor(6))), Who::Person(person(1))];
    assert_eq!(state.find("u1").unwrap(), both);
}
