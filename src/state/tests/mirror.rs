use std::collections::BTreeMap;

use super::*;
use crate::model::memory::{Absence, Known, MirrorUpdate, ReadRecord, RefusedBind, Whole};
use crate::model::report::ReadMode;
use crate::model::snapshot::{Kind, ListedAs, Pin, Role, ScopeKey, Watermark};
use crate::model::{Defect, Digest, LeaveCause, Quarantine, Unidentified};
use crate::ports::{Mirror as _, StateError};

pub fn watermark(position: &str) -> Watermark {
    Watermark { server: "ldap://a".into(), position: BTreeMap::from([("001".into(), position.into())]), at: None }
}

fn read(problem: Option<&str>) -> ReadRecord {
    ReadRecord {
        kind: Kind::OpenLdap,
        server: "ldap://a".into(),
        read_at: at(100),
        mode: ReadMode::Full,
        problem: problem.map(str::to_owned),
        entries: 3,
        users: 2,
        quarantined: 1,
        foreign: 0,
        dangling: 0,
    }
}

pub fn whole(people: Vec<PersonRow<'static>>, position: &str) -> MirrorUpdate<'static> {
    MirrorUpdate {
        read: read(None),
        people,
        seen_again: Vec::new(),
        unidentified: Some(&[]),
        members: None,
        pins: Vec::new(),
        nested: None,
        former: None,
        whole: Some(Whole { watermark: Some(watermark(position)), ..Whole::default() }),
    }
}

fn partial(people: Vec<PersonRow<'static>>) -> MirrorUpdate<'static> {
    MirrorUpdate { read: read(Some("the server was busy")), whole: None, ..whole(people, "") }
}

fn absent(absences: Vec<(Anchor, Absence)>) -> MirrorUpdate<'static> {
    let mut update = whole(Vec::new(), "2");
    update.whole.as_mut().unwrap().absent = absences;
    update
}

fn state() -> State {
    State::in_memory().unwrap()
}

fn absence_of(state: &State, number: u8) -> Option<Absence> {
    state.load("corp").unwrap().into_iter().find(|known| known.anchor == anchor(number)).unwrap().absence
}

#[test]
fn people_come_back_by_anchor_with_the_digest_of_what_is_kept() {
    let mut state = state();
    state.store(&corp(), &whole(vec![row(2), row(1)], "1")).unwrap();
    let expected = [1, 2].map(|number| Known {
        anchor: anchor(number),
        digest: facts(number).digest(),
        first_seen: at(number.into()),
        absence: None,
    });
    assert_eq!(state.load("corp").unwrap(), expected);
    assert_eq!(state.load("other").unwrap(), []);
    assert_eq!(state.watermark("corp").unwrap(), Some(watermark("1")));
}

#[test]
fn a_changed_person_keeps_the_time_of_the_first_sight() {
    let mut state = state();
    state.store(&corp(), &whole(vec![row(1)], "1")).unwrap();
    let mut changed = row(1);
    changed.first_seen = at(500);
    changed.facts.dn = "uid=u1,ou=Other,dc=example,dc=org".into();
    let digest = changed.facts.digest();
    state.store(&corp(), &whole(vec![changed], "2")).unwrap();
    let known = state.load("corp").unwrap();
    assert_eq!((known.len(), known[0].digest, known[0].first_seen), (1, digest, at(1)));
    assert_ne!(digest, facts(1).digest());
    let dns = state.dns("corp", &[anchor(1), anchor(9)]).unwrap();
    assert_eq!(dns, BTreeMap::from([(anchor(1), "uid=u1,ou=Other,dc=example,dc=org".to_owned())]));
}

#[test]
fn a_partial_read_keeps_the_watermark_and_stores_whom_it_saw() {
    let mut state = state();
    state.store(&corp(), &whole(vec![row(1)], "1")).unwrap();
    state.store(&corp(), &partial(vec![row(2)])).unwrap();
    assert_eq!(state.watermark("corp").unwrap(), Some(watermark("1")));
    assert_eq!(state.load("corp").unwrap().len(), 2);
}

#[test]
fn a_partial_read_cannot_say_who_is_gone() {
    let mut state = state();
    state.store(&corp(), &whole(vec![row(1)], "1")).unwrap();
    let mut update = absent(vec![(anchor(1), Absence::Gone(LeaveCause::Deleted))]);
    update.read.problem = Some("the server was busy".into());
    assert!(matches!(state.store(&corp(), &update), Err(StateError::Failed { .. })));
    assert_eq!(absence_of(&state, 1), None);
    assert_eq!(state.watermark("corp").unwrap(), Some(watermark("1")));
}

#[test]
fn an_error_in_the_middle_leaves_everything_as_it_was() {
    let mut state = state();
    state.store(&corp(), &whole(vec![row(1)], "1")).unwrap();
    let trigger = "CREATE TEMP TRIGGER full BEFORE UPDATE OF watermark_json ON directory
                   BEGIN SELECT RAISE(ABORT, 'disk full'); END";
    state.connection.execute_batch(trigger).unwrap();
    let error = state.store(&corp(), &whole(vec![row(2)], "2")).unwrap_err();
    assert!(matches!(error, StateError::Failed { .. }), "{error}");
    assert_eq!(state.load("corp").unwrap().len(), 1);
    assert_eq!(state.watermark("corp").unwrap(), Some(watermark("1")));
}

#[test]
fn who_is_seen_after_an_absence_is_absent_no_more() {
    let mut state = state();
    state.store(&corp(), &whole(vec![row(1), row(2)], "1")).unwrap();
    let missing = Absence::Missing { since: at(100) };
    let gone = Absence::Gone(LeaveCause::OutOfScope);
    state.store(&corp(), &absent(vec![(anchor(1), missing), (anchor(2), gone)])).unwrap();
    assert_eq!((absence_of(&state, 1), absence_of(&state, 2)), (Some(missing), Some(gone)));

    let update = MirrorUpdate { seen_again: vec![anchor(1)], ..partial(vec![row(2)]) };
    state.store(&corp(), &update).unwrap();
    assert_eq!((absence_of(&state, 1), absence_of(&state, 2)), (None, None));
}

#[test]
fn every_cause_of_leaving_replaces_what_was_known_of_the_absence() {
    let mut state = state();
    let causes = [LeaveCause::Disabled, LeaveCause::Expired, LeaveCause::Deleted, LeaveCause::OutOfScope];
    for cause in causes {
        state.store(&corp(), &absent(vec![(anchor(1), Absence::Missing { since: at(1) })])).unwrap();
        assert_eq!(absence_of(&state, 1), Some(Absence::Missing { since: at(1) }));
        state.store(&corp(), &absent(vec![(anchor(1), Absence::Gone(cause))])).unwrap();
        assert_eq!(absence_of(&state, 1), Some(Absence::Gone(cause)));
    }
}

#[test]
fn the_absence_of_somebody_only_the_backend_knew_is_remembered() {
    let mut state = state();
    state.store(&corp(), &absent(vec![(anchor(7), Absence::Missing { since: at(100) })])).unwrap();
    let known = state.load("corp").unwrap();
    assert_eq!(known.len(), 1);
    assert_eq!(known[0].absence, Some(Absence::Missing { since: at(100) }));
    assert_ne!(known[0].digest, facts(7).digest());
    assert_eq!(state.dns("corp", &[anchor(7)]).unwrap(), BTreeMap::new());
}

#[test]
fn who_is_forgotten_is_gone_from_the_mirror() {
    let mut state = state();
    state.store(&corp(), &whole(vec![row(1), row(2)], "1")).unwrap();
    let mut update = whole(Vec::new(), "2");
    update.whole.as_mut().unwrap().forgotten = vec![anchor(1)];
    state.store(&corp(), &update).unwrap();
    assert_eq!(state.load("corp").unwrap().len(), 1);
    assert_eq!(state.dns("corp", &[anchor(1)]).unwrap(), BTreeMap::new());
    assert_eq!(state.person(&person(1)).unwrap(), None);
}

#[test]
fn pins_are_those_of_the_last_read() {
    let mut state = state();
    let key = |dn: &str| ScopeKey { role: Role::Group, dn: dn.into() };
    let pin = |dn: &str, anchor| Pin { key: key(dn), anchor, dn: dn.to_lowercase() };
    let two = vec![pin("CN=A", Some(anchor(1))), pin("CN=B", None)];
    state.store(&corp(), &MirrorUpdate { pins: two.clone(), ..whole(Vec::new(), "1") }).unwrap();
    let expected: BTreeMap<_, _> = two.into_iter().map(|pin| (pin.key.clone(), pin)).collect();
    assert_eq!(state.pins("corp").unwrap(), expected);
    assert_eq!(state.pins("other").unwrap(), BTreeMap::new());

    let one = vec![pin("CN=B", Some(anchor(2)))];
    state.store(&corp(), &MirrorUpdate { pins: one.clone(), ..partial(Vec::new()) }).unwrap();
    assert_eq!(state.pins("corp").unwrap(), BTreeMap::from([(key("CN=B"), one[0].clone())]));
}

/// Two people, and the names of before by which groups list them.
fn listing<'a>(names: &[(u8, &'a ListedAs)]) -> MirrorUpdate<'a> {
    MirrorUpdate {
        former: Some(names.iter().map(|(number, name)| (anchor(*number), *name)).collect()),
        ..partial(vec![row(1), row(2)])
    }
}

#[test]
fn names_that_people_left_are_those_of_the_last_read_that_could_tell_and_go_with_the_person() {
    let mut state = state();
    let [a, b] = ["cn=a", "cn=b"].map(|text| ListedAs::Dn(crate::model::Dn::parse(text).unwrap()));
    let [x, y] = ["x", "y"].map(|uid| ListedAs::Uid(uid.to_owned()));
    state.store(&corp(), &listing(&[(2, &b), (1, &a), (1, &x), (2, &x), (2, &y)])).unwrap();
    state.store(&corp(), &partial(Vec::new())).unwrap();
    let dn = |text| crate::model::Dn::parse(text).unwrap();
    assert_eq!(state.former("corp").unwrap(), [(anchor(1), dn("cn=a")), (anchor(2), dn("cn=b"))]);
    assert_eq!(state.former("other").unwrap(), []);
    let had = |state: &State, uids: &[&str]| {
        let had = state.had_uid("corp", uids).unwrap().into_iter();
        had.map(|(anchor, uid)| (anchor.as_bytes()[15], uid)).collect::<Vec<_>>()
    };
    let both = |uid: &str| vec![(1, uid.to_owned()), (2, uid.to_owned())];
    assert_eq!((had(&state, &["x"]), had(&state, &["z"])), (both("x"), vec![]));
    let mut update = whole(Vec::new(), "2");
    update.whole.as_mut().unwrap().forgotten = vec![anchor(1)];
    state.store(&corp(), &update).unwrap();
    assert_eq!(state.former("corp").unwrap(), [(anchor(2), dn("cn=b"))]);
    assert_eq!(had(&state, &["y", "x"]), [(2, "y".to_owned()), (2, "x".to_owned())]);
    let mut places = Vec::new();
    state.places("corp", &mut |anchor, dn| places.push((anchor, dn.to_owned()))).unwrap();
    assert_eq!(places, [(anchor(2), facts(2).dn.into_owned())]);
    state.store(&corp(), &listing(&[])).unwrap();
    assert_eq!(state.former("corp").unwrap(), []);
    assert_eq!(had(&state, &["x", "y"]), []);
}

#[test]
fn who_was_listed_by_a_user_id_is_found_by_it_and_by_the_anchor() {
    let mut state = state();
    let mut listed = row(1);
    (listed.facts.judgement.by_uid, listed.facts.judgement.uid) = (true, Some("ann".into()));
    let mut unknown = row(2);
    unknown.facts.judgement.by_uid = true;
    state.store(&corp(), &whole(vec![listed, unknown, row(3)], "1")).unwrap();
    assert_eq!(state.had_uid("corp", &["ann", "bob"]).unwrap(), [(anchor(1), "ann".to_owned())]);
    let expected = BTreeMap::from([(anchor(1), Some("ann".to_owned())), (anchor(2), None)]);
    assert_eq!(state.listed_by_uid("corp", &[anchor(1), anchor(2), anchor(3)]).unwrap(), expected);
    let plan: Vec<String> = {
        let sql = "EXPLAIN QUERY PLAN SELECT anchor FROM facts WHERE directory = 1 AND judgement_json ->> 'uid' = 'x'";
        let mut query = state.connection.prepare(sql).unwrap();
        query.query_map([], |row| row.get(3)).unwrap().collect::<Result<_, _>>().unwrap()
    };
    assert!(plan.iter().any(|step| step.contains("facts_uid")), "nobody else is read: {plan:?}");
}

#[test]
fn entries_without_an_anchor_are_those_of_the_last_read() {
    let mut state = state();
    let quarantine =
        Quarantine { attribute: "entryUUID".into(), reason: Defect::Missing, message: "no entryUUID".into() };
    let entries = [Unidentified { dn: "cn=x".into(), quarantine }];
    state.store(&corp(), &MirrorUpdate { unidentified: Some(&entries), ..whole(Vec::new(), "1") }).unwrap();
    assert_eq!(users::all(&state).len(), 1);
    state.store(&corp(), &whole(Vec::new(), "2")).unwrap();
    assert_eq!(users::all(&state).len(), 0);
}

#[test]
fn a_directory_that_is_not_reached_says_so_until_it_is_read() {
    let mut state = state();
    state.store(&corp(), &whole(Vec::new(), "1")).unwrap();
    state.unreached(&corp(), "connection refused", at(200)).unwrap();
    state.unreached(&"lab".into(), "no such host", at(201)).unwrap();
    let directories = state.directories().unwrap();
    assert_eq!(directories[0].unreachable, Some(("connection refused".into(), at(200))));
    assert_eq!(directories[0].watermark, Some(watermark("1")));
    assert_eq!((&*directories[1].name, &directories[1].read), ("lab", &None));

    state.store(&corp(), &whole(Vec::new(), "2")).unwrap();
    assert_eq!(state.directories().unwrap()[0].unreachable, None);
}

#[test]
fn a_refused_credential_is_remembered_until_one_is_accepted() {
    let mut state = state();
    let said = Some("Could not bind as \"cn=agent\" at ldap://a: the account is disabled".to_owned());
    let refused = RefusedBind { credentials: Digest::of("ldap://a cn=agent secret"), at: at(5), said };
    assert_eq!(state.refused_bind("corp").unwrap(), None);
    state.set_refused_bind(&corp(), Some(&refused)).unwrap();
    assert_eq!(state.refused_bind("corp").unwrap(), Some(refused));
    state.set_refused_bind(&corp(), None).unwrap();
    assert_eq!(state.refused_bind("corp").unwrap(), None);
}

#[test]
fn a_row_that_is_not_ours_is_damage_and_not_nobody() {
    let mut state = state();
    state.store(&corp(), &whole(vec![row(1)], "1")).unwrap();
    state.connection.execute("UPDATE person SET digest = x'00'", []).unwrap();
    assert!(matches!(state.load("corp"), Err(StateError::Unreadable { .. })));
    state.connection.execute("UPDATE directory SET watermark_json = '{'", []).unwrap();
    assert!(matches!(state.watermark("corp"), Err(StateError::Unreadable { .. })));
}
