//! Batches, decisions and what is remembered of them, through the file.

use std::collections::BTreeSet;
use std::sync::Barrier;

use super::*;
use crate::ledger::rules::Declined;
use crate::model::change::{Confirmation, Counted, Decision, GuardKind, GuardMark, HeldChange, Verdict};
use crate::ports::Persistence;

#[test]
fn everything_comes_back_as_it_was_answered() {
    let mut place = Place::new();
    let full = Profile {
        user_name: "Zoë".into(),
        email: "ZOË@corp.example".into(),
        given_name: Some("Zoë".into()),
        family_name: Some("O'Hara; DROP TABLE account".into()),
        display_name: Some(String::new()),
    };
    let gated = Claim {
        rank: u32::MAX,
        since: "2026-01-02T03:04:05.678901Z".parse().unwrap(),
        created: "0001-01-01T00:00:00Z".parse().unwrap(),
        gate: Some(WaitReason::DomainNotApproved),
        fallback_for: Some("b".into()),
        instead_of: vec!["b".into(), "c \"quoted\"".into()],
        ..claim("a")
    };
    let steps = vec![
        set_seats("a", u32::MAX),
        step(1, Operation::Create { profile: full, created: at(0) }),
        step(1, Operation::Claim(gated)),
        create(2),
        ask(2, "a"),
        create(3),
        ask(3, "a"),
        suspend(3),
    ];
    let answer = place.done("k", steps);
    let state = place.read();
    assert_eq!(state.accounts, answer.accounts);
    assert_eq!(state.pools.into_values().collect::<Vec<_>>(), answer.pools);
    assert_eq!(place.counts("a"), (u32::MAX, 1, 1));
}

#[test]
fn who_waits_is_looked_up_by_index_however_many_hold_a_seat() {
    let place = Place::new();
    let sql = format!("EXPLAIN QUERY PLAN SELECT 1 FROM account WHERE company = ?1 AND {}", load::ANYONE_WAITING);
    let shell = place.shell();
    let mut plan = shell.prepare(&sql).unwrap();
    let steps = plan.raw_query().mapped(|row| row.get::<_, String>("detail")).collect::<Result<Vec<_>, _>>().unwrap();
    assert!(steps.iter().any(|step| step.contains("INDEX assignment_waiting")), "{steps:?}");
}

#[test]
fn the_same_key_again_gets_the_first_answer_and_changes_nothing() {
    let mut place = Place::new();
    let steps = vec![set_seats("a", 1), create(1), ask(1, "a"), create(2), ask(2, "nowhere")];
    let first = place.apply("k", steps.clone());
    assert!(matches!(first.outcomes[4], Outcome::Refused { .. }));
    assert_eq!(place.apply("k", steps), first);
    assert_eq!(place.ledger.answer("acme", "k").unwrap(), Some(first));
    assert_eq!(place.read().accounts.len(), 2);
}

#[test]
fn the_same_key_with_other_steps_does_not_carry_them_out() {
    let mut place = Place::new();
    place.done("k", vec![create(1)]);
    place.apply("k", vec![create(2)]);
    assert_eq!(place.read().accounts.len(), 1);
}

#[test]
fn a_key_that_never_arrived_has_no_answer() {
    assert_eq!(Place::new().ledger.answer("acme", "k").unwrap(), None);
}

#[test]
fn a_removed_account_is_answered_as_removed_again() {
    let mut place = Place::new();
    place.done("1", vec![set_seats("a", 1), create(1), ask(1, "a"), suspend(1)]);
    let answer = place.done("2", vec![step(1, Operation::Remove)]);
    assert_eq!(answer.removed, [person(1)]);
    assert_eq!(place.ledger.answer("acme", "2").unwrap(), Some(answer));
    assert!(place.read().accounts.is_empty());
}

#[test]
fn the_number_of_a_removed_account_is_not_used_again() {
    let mut place = Place::new();
    place.done("1", vec![create(1), suspend(1), step(1, Operation::Remove)]);
    place.done("2", vec![create(2)]);
    assert_eq!(&*place.of(2).id.0, "2");
}

#[test]
fn a_crash_before_the_commit_leaves_nothing() {
    let mut place = Place::new();
    place.done("1", vec![set_seats("a", 1)]);
    let batch = batch("2", vec![create(1), ask(1, "a")]);
    let stopped = place.ledger.write(|records| {
        let desk = Desk { records, company: "acme", now: at(100), manner: Manner::Embedded };
        operations::batch::apply(&desk, &batch)?;
        Err::<(), _>(LedgerError::Declined(Declined::ListChanged))
    });
    assert!(stopped.is_err());
    assert!(place.read().accounts.is_empty());
    assert_eq!(place.counts("a"), (1, 0, 0));
    assert_eq!(place.ledger.answer("acme", "2").unwrap(), None);
}

#[test]
fn unique_values_are_swapped_within_one_batch() {
    let mut place = Place::new();
    place.done("1", vec![create(1), create(2)]);
    let update = |n, from: &str, to: &str| step(n, Operation::Update { current: profile(from), desired: profile(to) });
    place.done("2", vec![update(1, "user1", "x"), update(2, "user2", "user1"), update(1, "x", "user2")]);
    assert_eq!([place.of(1).profile.user_name, place.of(2).profile.user_name], ["user2", "user1"]);
}

#[test]
fn a_name_is_taken_whatever_its_case_in_any_script() {
    let mut place = Place::new();
    let named = |n, name: &str| step(n, Operation::Create { profile: profile(name), created: at(0) });
    place.done("1", vec![named(1, "ÉMILE.STRASSE"), named(2, "ΣΊΣΥΦΟΣ")]);
    for (n, name) in [(3, "émile.straße"), (4, "σίσυφος")] {
        let answer = place.apply(name, vec![named(n, name)]);
        assert!(matches!(&answer.outcomes[0], Outcome::Refused { code, .. } if code == "conflict"), "{name}");
    }
}

#[test]
fn companies_know_nothing_of_each_other() {
    let mut place = Place::new();
    place.ledger.company("other", false).unwrap();
    let steps = vec![set_seats("a", 1), create(1), ask(1, "a")];
    place.done("k", steps.clone());
    let other = place.ledger.apply("other", &batch("k", steps)).unwrap();
    assert_eq!(other.accounts[0].seats[0].state, SeatState::Held);
    place.done("k2", vec![suspend(1)]);
    assert_eq!(place.ledger.read("other").unwrap().accounts, other.accounts);
    assert!(place.ledger.read("third").is_err());
}

#[test]
fn a_mover_of_an_earlier_batch_gives_up_the_old_seat_when_granted_in_a_later_one() {
    let mut place = Place::new();
    let moves = Claim { instead_of: vec!["a".into()], ..claim("b") };
    let mut steps = vec![set_seats("a", 1), set_seats("b", 0), create(1), ask(1, "a"), create(2), ask(2, "a")];
    place.done("1", steps);
    steps = vec![step(1, Operation::Claim(moves))];
    place.done("2", steps);
    assert_eq!((place.state(1, "a"), place.state(1, "b")), (Some(SeatState::Held), Some(WAITS)));
    let answer = place.done("3", vec![set_seats("b", 1)]);
    assert_eq!((place.state(1, "a"), place.state(1, "b")), (Some(SeatState::Past(None)), Some(SeatState::Held)));
    assert_eq!(place.state(2, "a"), Some(SeatState::Held));
    assert_eq!(answer.accounts.len(), 2, "people the batch did not name are answered too");
}

#[test]
fn the_guards_marks_are_stored_with_the_change_and_only_where_it_was_done() {
    let mut place = Place::new();
    place.done("1", vec![set_seats("a", 2), create(1), ask(1, "a"), create(2), ask(2, "a")]);
    let counted = |kind, confirmed| Some(Counted { kind, confirmed });
    let leave = Step { counted: counted(GuardKind::Leaving, false), ..suspend(1) };
    let lose = Step { counted: counted(GuardKind::Leaving, true), ..step(2, Operation::Release { pool: "a".into() }) };
    let refused = Step { counted: counted(GuardKind::Leaving, false), ..suspend(9) };
    place.apply("2", vec![leave, lose, refused]);
    let mark = |n, pool: Option<&str>, confirmed| GuardMark {
        person: person(n),
        kind: GuardKind::Leaving,
        pool: pool.map(Into::into),
        confirmed,
        at: at(100),
    };
    assert_eq!(place.read().marks, [mark(1, None, false), mark(2, Some("a"), true)]);
}

#[test]
fn marks_batches_and_confirmations_are_forgotten_when_they_are_old() {
    let mut place = Place::new();
    let day = 24 * 60 * 60;
    let leave = Step { counted: Some(Counted { kind: GuardKind::Leaving, confirmed: false }), ..suspend(1) };
    place.done("1", vec![create(1), leave]);
    let changes = BTreeSet::from([HeldChange::suspending(&person(2))]);
    let confirmation = Confirmation { fingerprint: "f".into(), changes, expires: at(100 + 60 * day) };
    place.ledger.confirm("acme", &confirmation).unwrap();
    let mut later = Batch { at: at(100 + 60 * day), ..batch("2", vec![]) };
    place.ledger.apply("acme", &later).unwrap();
    assert_eq!((place.read().marks.len(), place.read().confirmations.len()), (1, 1));
    assert!(place.ledger.answer("acme", "1").unwrap().is_some());
    later = Batch { at: at(101 + 60 * day), ..batch("3", vec![]) };
    place.ledger.apply("acme", &later).unwrap();
    assert_eq!((place.read().marks.len(), place.read().confirmations.len()), (0, 0));
    assert!(place.ledger.answer("acme", "1").unwrap().is_none());
}

#[test]
fn a_confirmation_comes_back_and_a_later_one_replaces_it() {
    let mut place = Place::new();
    let change = HeldChange { person: person(1), change: "suspend".into(), value: String::new() };
    let mut confirmation = Confirmation { fingerprint: "f".into(), changes: BTreeSet::from([change]), expires: at(50) };
    place.ledger.confirm("acme", &confirmation).unwrap();
    confirmation.expires = at(500);
    place.ledger.confirm("acme", &confirmation).unwrap();
    assert_eq!(place.read().confirmations, [confirmation.clone()]);
    confirmation.changes.clear();
    place.ledger.confirm("acme", &confirmation).unwrap();
    assert_eq!(place.read().confirmations, [], "nothing is left of it");
}

#[test]
fn a_confirmation_is_spent_by_what_was_done_and_by_nothing_else() {
    let mut place = Place::new();
    let counted = |confirmed| Some(Counted { kind: GuardKind::Leaving, confirmed });
    let leave = |n, confirmed| Step { counted: counted(confirmed), ..suspend(n) };
    let changes: BTreeSet<HeldChange> = (1..=3).map(|n| HeldChange::suspending(&person(n))).collect();
    let confirmation = Confirmation { fingerprint: "f".into(), changes, expires: at(500) };
    place.done("1", vec![create(1), create(2), create(4)]);
    place.ledger.confirm("acme", &confirmation).unwrap();
    // 3 has no account, so nothing is done; 2 left unconfirmed.
    place.ledger.apply("acme", &batch("2", vec![leave(1, true), leave(2, false), leave(3, true)])).unwrap();
    let left: Vec<_> = place.read().confirmations.into_iter().flat_map(|kept| kept.changes).collect();
    assert_eq!(left, [HeldChange::suspending(&person(2)), HeldChange::suspending(&person(3))]);
    place.done("3", vec![create(3)]);
    place.done("4", vec![Step { counted: counted(true), ..step(2, Operation::Resume) }, leave(3, true)]);
    place.done("5", vec![leave(2, true)]);
    assert_eq!(place.read().confirmations, []);
}

#[test]
fn decisions_are_stored_all_or_none_and_served_by_the_next_batch() {
    let mut place = Place::new();
    let gated = Claim { gate: Some(WaitReason::ApprovalRequired), ..claim("a") };
    place.done("1", vec![set_seats("a", 1), create(1), step(1, Operation::Claim(gated))]);
    let approve = |n| Decision { person: person(n), pool: None, verdict: Verdict::Approve };
    assert!(place.ledger.decide("acme", &[approve(1), approve(9)]).is_err());
    assert!(!place.of(1).seats[0].approved);
    place.ledger.decide("acme", &[approve(1)]).unwrap();
    assert_eq!(place.state(1, "a"), Some(WAITS));
    place.done("2", vec![]);
    assert_eq!(place.state(1, "a"), Some(SeatState::Held));
    assert_eq!(place.counts("a"), (1, 1, 0));
}

#[test]
fn relinking_moves_the_account_in_the_file() {
    let mut place = Place::new();
    place.done("1", vec![set_seats("a", 1), create(1), ask(1, "a")]);
    place.ledger.relink("acme", &person(1), &person(2)).unwrap();
    assert_eq!(place.state(2, "a"), Some(SeatState::Held));
    assert_eq!(place.read().accounts.len(), 1);
    assert!(place.ledger.relink("acme", &person(1), &person(3)).is_err());
}

#[test]
fn two_connections_never_grant_one_seat_twice() {
    let mut place = Place::new();
    let mut steps = vec![set_seats("a", 25)];
    steps.extend((0..60).map(create));
    place.done("start", steps);
    let (path, start) = (place.path(), Barrier::new(3));
    std::thread::scope(|scope| {
        for worker in 0..3_u128 {
            let (path, start) = (&path, &start);
            scope.spawn(move || {
                let mut ledger = Ledger::open(path, true).unwrap();
                start.wait();
                for n in (0..60).filter(|n| n % 3 == worker) {
                    ledger.apply("acme", &batch(&format!("ask {n}"), vec![ask(n, "a")])).unwrap();
                }
            });
        }
    });
    assert_eq!(place.counts("a"), (25, 25, 35));
}

#[test]
fn a_write_waits_for_another_and_a_read_does_not() {
    let mut place = Place::new();
    place.done("1", vec![create(1)]);
    let mut writing = place.shell();
    let transaction = writing.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    assert_eq!(place.read().accounts.len(), 1);
    place.ledger.connection.busy_timeout(std::time::Duration::from_millis(10)).unwrap();
    let error = place.ledger.apply("acme", &batch("2", vec![])).unwrap_err();
    assert_eq!(error.persistence(), Persistence::Transient);
    drop(transaction);
    place.done("2", vec![]);
}

/// Parts, each kept or undone, and what stays.
type Parts = (&'static [(&'static str, bool)], &'static [&'static str]);

/// Companies, since anything that is written will do: each a part that is kept or undone, alone and in a larger part.
#[test]
fn each_part_of_a_transaction_is_kept_or_undone_by_itself() {
    fn sorted<'a>(names: &[&[&'a str]]) -> Vec<&'a str> {
        let mut names = names.concat();
        names.sort_unstable();
        names
    }
    let keep = |records: &dyn Records, name: &str, kept: bool| -> Result<(), LedgerError> {
        records.begin_part()?;
        records.add_company(name)?;
        if kept { records.keep_part() } else { records.undo_part() }
    };
    let cases: [Parts; 5] = [
        (&[("a", true)], &["a"]),
        (&[("a", false)], &[]),
        (&[("a", false), ("b", true)], &["b"]),
        (&[("a", true), ("b", false), ("c", true)], &["a", "c"]),
        (&[("a", false), ("b", false), ("c", true), ("d", false)], &["c"]),
    ];
    for (parts, expected) in cases {
        let mut alone = Place::new();
        alone.ledger.write(|records| parts.iter().try_for_each(|(name, kept)| keep(records, name, *kept))).unwrap();
        assert_eq!(alone.ledger.companies().unwrap(), sorted(&[expected, &["acme"]]), "{parts:?}");
        for whole_kept in [true, false] {
            let mut within = Place::new();
            let work = |records: &dyn Records| {
                records.begin_part()?;
                parts.iter().try_for_each(|(name, kept)| keep(records, name, *kept))?;
                if whole_kept { records.keep_part() } else { records.undo_part() }?;
                keep(records, "last", true)
            };
            within.ledger.write(work).unwrap();
            let expected: &[&str] = if whole_kept { expected } else { &[] };
            let expected = sorted(&[expected, &["acme", "last"]]);
            assert_eq!(within.ledger.companies().unwrap(), expected, "{parts:?}, kept: {whole_kept}");
        }
    }
}
