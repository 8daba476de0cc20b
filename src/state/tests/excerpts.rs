//! What a cycle that looks at changes alone finds, by index.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::mirror::whole;
use super::*;
use crate::model::memory::{Listing, MirrorUpdate, Whole};
use crate::model::snapshot::{Members, Role, ScopeKey};
use crate::model::{Digest, Dn};
use crate::ports::{Accounts as _, Excerpts as _, Mirror as _};
use crate::state::excerpts::{AT, WITH_PRIMARY_GROUP, WITH_UID};
use crate::state::listings::HAD_UID;

fn state() -> State {
    State::in_memory().unwrap()
}

fn key(name: &str) -> ScopeKey {
    ScopeKey { role: Role::Group, dn: name.into() }
}

fn members(numbers: &[u8], way: &[&str]) -> Members {
    let way: Arc<[String]> = way.iter().map(|dn| (*dn).to_owned()).collect();
    numbers.iter().map(|number| (anchor(*number), Arc::clone(&way))).collect()
}

fn store_groups(state: &mut State, groups: &BTreeMap<ScopeKey, Members>) {
    state.store(&corp(), &MirrorUpdate { members: Some(groups), ..whole(Vec::new(), "1") }).unwrap();
}

#[test]
fn of_each_person_it_is_known_by_what_groups_name_them_and_that_they_were_counted() {
    let mut state = state();
    let mut bad = row(2);
    bad.facts.judgement.in_scope = false;
    state.store(&corp(), &whole(vec![row(1), bad, row(3)], "1")).unwrap();
    let mut gone = whole(Vec::new(), "2");
    gone.whole = Some(Whole { unseen: vec![anchor(3)], ..Whole::default() });
    state.store(&corp(), &gone).unwrap();
    let all = [1, 2, 3, 4].map(anchor);
    let namings = state.namings("corp", &all).unwrap();
    assert_eq!(namings.keys().copied().collect::<Vec<_>>(), [1, 2].map(anchor), "who left is as good as new");
    assert_eq!(namings[&anchor(1)], Digest::from_bytes([1; 16]));
    assert_eq!(state.wished("corp", &all).unwrap(), 1, "one is out of scope, one left, one was never there");
    let known: Vec<Anchor> = state.known("corp", &all).unwrap().iter().map(|known| known.anchor).collect();
    assert_eq!(known, [1, 2, 3].map(anchor));
    assert!(state.known("else", &all).unwrap().is_empty());
}

#[test]
fn who_is_in_a_group_is_found_by_person_and_follows_the_group() {
    let mut state = state();
    let first = BTreeMap::from([(key("a"), members(&[1, 2], &["a"])), (key("b"), members(&[2], &["b", "c"]))]);
    store_groups(&mut state, &first);
    let of = |state: &State, number: u8| {
        let groups = state.members_of("corp", &[anchor(number)]).unwrap();
        groups.into_iter().map(|(key, members)| (key.dn.to_string(), members.into_values().next())).collect::<Vec<_>>()
    };
    let way = |dns: &[&str]| Some(dns.iter().map(|dn| (*dn).to_owned()).collect::<Arc<[String]>>());
    assert_eq!(of(&state, 2), [("a".to_owned(), way(&["a"])), ("b".to_owned(), way(&["b", "c"]))]);
    assert_eq!(of(&state, 9), [("a".to_owned(), None), ("b".to_owned(), None)], "a group without them is there");
    // One left, one came, one comes by another way; of the other group nothing was told.
    store_groups(&mut state, &BTreeMap::from([(key("a"), members(&[2, 3], &["a", "d"]))]));
    assert_eq!(of(&state, 1)[0].1, None);
    assert_eq!(of(&state, 2), [("a".to_owned(), way(&["a", "d"])), ("b".to_owned(), way(&["b", "c"]))]);
    assert_eq!(of(&state, 3)[0].1, way(&["a", "d"]));
    let ways: i64 = state.connection.query_row("SELECT count(*) FROM way", [], |row| row.get(0)).unwrap();
    assert_eq!(ways, 2, "one that nobody comes by is forgotten");
}

#[test]
fn whom_a_group_lists_is_found_by_place_user_id_and_primary_group_while_they_are_there() {
    let mut state = state();
    let listed = |number: u8, dn: &str| {
        let place = Listing::place(&Dn::parse(dn).unwrap());
        let listing =
            Listing { place, uids: [format!("u{number}"), format!("z{number}")].into(), primary_group: Some(513) };
        PersonRow { facts: Facts { dn: dn.to_owned().into(), listing: Some(listing), ..facts(number) }, ..row(number) }
    };
    let people = vec![listed(1, "uid=U1, OU=staff,dc=x"), listed(2, "uid=u2,ou=staff,dc=x"), row(3)];
    state.store(&corp(), &whole(people, "1")).unwrap();
    let places = ["uid=u1,ou=Staff,dc=x", "uid=nobody,dc=x", "UID=U2,ou=staff,dc=x"].map(|dn| Dn::parse(dn).unwrap());
    let places: Vec<&Dn> = places.iter().collect();
    assert_eq!(state.at("corp", &places).unwrap(), [Some(anchor(1)), None, Some(anchor(2))]);
    assert_eq!(state.at("else", &places).unwrap(), [None, None, None]);
    assert_eq!(state.absent("corp", &BTreeSet::from([anchor(2), anchor(9)])).unwrap(), [1, 3].map(anchor));
    assert!(state.absent("else", &BTreeSet::new()).unwrap().is_empty());
    assert_eq!(state.with_uid("corp", "u2").unwrap(), [anchor(2)]);
    assert_eq!(state.with_uid("corp", "z2").unwrap(), [anchor(2)], "another user id of the same");
    assert_eq!(state.had_uid("corp", &["z1", "nobody"]).unwrap(), [(anchor(1), "z1".to_owned())]);
    assert_eq!(state.with_primary_group("corp", 513).unwrap(), [anchor(1), anchor(2)]);
    let mut gone = whole(Vec::new(), "2");
    gone.whole = Some(Whole { unseen: vec![anchor(2)], ..Whole::default() });
    state.store(&corp(), &gone).unwrap();
    assert_eq!(state.at("corp", &places).unwrap(), [Some(anchor(1)), None, None]);
    assert!(state.with_uid("corp", "u2").unwrap().is_empty());
    assert_eq!(state.with_primary_group("corp", 513).unwrap(), [anchor(1)]);
    assert_eq!(state.absent("corp", &BTreeSet::new()).unwrap(), [1, 3].map(anchor), "who was missed is missed already");
}

#[test]
fn whom_a_group_lists_is_looked_up_by_index_however_many_people_there_are() {
    let state = state();
    for sql in [AT, WITH_UID, WITH_PRIMARY_GROUP, HAD_UID] {
        let mut plan = state.connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let steps =
            plan.raw_query().mapped(|row| row.get::<_, String>("detail")).collect::<Result<Vec<_>, _>>().unwrap();
        let looks = steps.iter().filter(|step| step.starts_with("SEARCH") || step.starts_with("SCAN"));
        let looks: Vec<&String> = looks.collect();
        assert!(!looks.is_empty() && looks.iter().all(|step| step.contains("=? AND ")), "{sql}: {steps:?}");
    }
}

#[test]
fn whoever_came_into_a_group_left_it_or_comes_by_another_way_differs() {
    let mut state = state();
    let groups = |one: Members, other: Members| BTreeMap::from([(key("a"), one), (key("b"), other)]);
    let before = groups(members(&[1, 2, 3], &["a"]), members(&[4], &["b", "c"]));
    let of = |state: &State, groups| state.regrouped("corp", &groups).unwrap().into_iter().collect::<Vec<_>>();
    assert_eq!(of(&state, before.clone()), [1, 2, 3, 4].map(anchor), "nothing was stored yet");
    store_groups(&mut state, &before);
    assert!(of(&state, before.clone()).is_empty());
    assert_eq!(of(&state, groups(members(&[2, 3, 5], &["a"]), members(&[4], &["b", "c"]))), [1, 5].map(anchor));
    assert_eq!(of(&state, groups(members(&[1, 2, 3], &["a"]), members(&[4], &["b", "d"]))), [anchor(4)]);
}

#[test]
fn an_expiry_is_due_from_its_time_on() {
    let mut state = state();
    let mut expires = row(1);
    expires.facts.judgement.due = Some(at(100));
    state.store(&corp(), &whole(vec![expires, row(2)], "1")).unwrap();
    assert!(state.due("corp", at(99)).unwrap().is_empty());
    assert_eq!(state.due("corp", at(100)).unwrap(), [anchor(1)]);
}

#[test]
fn who_is_open_is_replaced_as_a_whole_or_for_those_who_were_looked_at() {
    let mut state = state();
    let people = |numbers: &[u8]| numbers.iter().map(|number| person(*number)).collect::<BTreeSet<_>>();
    state.set_open(None, &people(&[1, 2])).unwrap();
    state.set_open(Some(&people(&[2, 3])), &people(&[3])).unwrap();
    assert_eq!(state.open().unwrap(), people(&[1, 3]), "of the first nothing new is known");
    state.set_open(None, &people(&[2])).unwrap();
    assert_eq!(state.open().unwrap(), people(&[2]));
}

#[test]
fn a_name_is_found_whatever_its_case_in_entries_and_in_accounts() {
    let mut state = state();
    state.store(&corp(), &whole(vec![row(1), row(2)], "1")).unwrap();
    let mut account = account(3, Vec::new());
    account.profile.user_name = "STRASSE".to_owned();
    state.observe(&[account], &[], at(0)).unwrap();
    let asked = |user_name: &str, email: &str| {
        let profile = Profile { user_name: user_name.to_owned(), email: email.to_owned(), ..Profile::default() };
        state.sharing(&[&profile]).unwrap()
    };
    assert_eq!(asked("U1", ""), BTreeSet::from([person(1)]));
    assert_eq!(asked("", "u2@EXAMPLE.org"), BTreeSet::from([person(2)]));
    assert_eq!(asked("straße", ""), BTreeSet::from([person(3)]));
    assert_eq!(asked("nobody", "nobody"), BTreeSet::new());
}

#[test]
fn who_was_not_there_and_comes_back_as_before_is_written_anew() {
    let mut state = state();
    state.store(&corp(), &whole(vec![row(1)], "1")).unwrap();
    let mut gone = whole(Vec::new(), "2");
    gone.whole = Some(Whole { unseen: vec![anchor(1)], ..Whole::default() });
    state.store(&corp(), &gone).unwrap();
    let known = state.known("corp", &[anchor(1)]).unwrap();
    assert_ne!(known[0].digest, row(1).facts.digest(), "else nobody would write the row");
    assert!(state.namings("corp", &[anchor(1)]).unwrap().is_empty());
    state.store(&corp(), &whole(vec![row(1)], "3")).unwrap();
    assert_eq!(state.namings("corp", &[anchor(1)]).unwrap().len(), 1);
}
