//! Asking for a seat, asking again, and giving up.

use super::*;

fn ask(n: u8, claim: Claim) -> Step {
    step(n, Operation::Claim(claim))
}

fn release(n: u8, pool: &str) -> Step {
    step(n, Operation::Release { pool: pool.into() })
}

/// One person with one assignment in the full pool "a" asks again, with a gate; what becomes of it.
fn asked_again(before: Assignment, gate: Option<WaitReason>) -> Assignment {
    let mut company = Company::new(&[("a", 0)], vec![with(account(1), vec![before])]);
    company.done(vec![ask(1, Claim { gate, ..claim("a") })]);
    company.of(1).seats[0].clone()
}

#[test]
fn who_first_asks_waits_since_now_for_the_gate_or_a_seat() {
    let mut company = Company::new(&[("a", 0), ("b", 0)], vec![account(1)]);
    let gated = Claim { gate: Some(WaitReason::ApprovalRequired), ..claim("b") };
    company.done(vec![ask(1, Claim { rank: 3, created: at(-9), ..claim("a") }), ask(1, gated)]);
    let expected = Assignment { since: at(100), rank: 3, created: at(-9), ..seat("a", WAITS) };
    assert_eq!(company.of(1).seats[0], expected);
    assert_eq!(company.state(1, "b"), Some(SeatState::Waiting(WaitReason::ApprovalRequired)));
}

#[test]
fn what_is_held_or_denied_stays_and_only_its_place_is_updated() {
    for state in [SeatState::Held, SeatState::Denied] {
        let before = Assignment { ours: false, ..seat("a", state) };
        let mut company = Company::new(&[("a", 1)], vec![with(account(1), vec![before.clone()])]);
        company.done(vec![ask(1, Claim { rank: 7, created: at(8), ..claim("a") })]);
        assert_eq!(company.of(1).seats, [Assignment { rank: 7, created: at(8), ours: true, ..before }]);
    }
}

#[test]
fn who_waits_and_asks_again_keeps_since_and_gets_the_new_rank() {
    let again = asked_again(seat("a", WAITS), None);
    assert_eq!((again.since, again.state), (at(5), WAITS));
}

#[test]
fn who_comes_back_keeps_the_old_since_and_the_approval() {
    let past = Assignment { approved: true, ..seat("a", SeatState::Past(None)) };
    assert_eq!(asked_again(past.clone(), Some(WaitReason::ApprovalRequired)), Assignment { state: WAITS, ..past });
}

#[test]
fn who_comes_back_unapproved_waits_for_the_gate() {
    let domain = Some(WaitReason::DomainNotApproved);
    assert_eq!(
        asked_again(seat("a", SeatState::Past(None)), domain).state,
        SeatState::Waiting(WaitReason::DomainNotApproved)
    );
}

#[test]
fn a_gate_that_is_lifted_leaves_the_wait_for_a_seat() {
    for reason in [WaitReason::ApprovalRequired, WaitReason::DomainNotApproved] {
        assert_eq!(asked_again(seat("a", SeatState::Waiting(reason)), None).state, WAITS);
    }
}

#[test]
fn an_approval_opens_any_gate() {
    let approved = Assignment { approved: true, ..seat("a", WAITS) };
    assert_eq!(asked_again(approved, Some(WaitReason::DomainNotApproved)).state, WAITS);
}

#[test]
fn what_another_hand_took_away_is_not_asked_for_until_approved() {
    assert_eq!(asked_again(seat("a", TAKEN_AWAY), None).state, TAKEN_AWAY);
    let past = seat("a", SeatState::Past(Some(WaitReason::RemovedElsewhere)));
    assert_eq!(asked_again(past, None).state, TAKEN_AWAY);
    let approved = Assignment { approved: true, ..seat("a", TAKEN_AWAY) };
    assert_eq!(asked_again(approved, None).state, WAITS);
}

#[test]
fn an_approval_older_than_the_taking_away_does_not_count() {
    let past = Assignment { approved: true, ..seat("a", SeatState::Past(None)) };
    let again = asked_again(past, Some(WaitReason::RemovedElsewhere));
    assert_eq!((again.state, again.approved), (TAKEN_AWAY, false));
}

#[test]
fn fallback_and_exchange_are_those_of_the_last_claim() {
    let before = Assignment { fallback_for: Some("b".into()), instead_of: vec!["c".into()], ..seat("a", WAITS) };
    let again = asked_again(before, None);
    assert_eq!((again.fallback_for, again.instead_of), (None, vec![]));
}

#[test]
fn who_is_suspended_asks_for_nothing() {
    let mut company = Company::new(&[("a", 1)], vec![suspended(account(1), true)]);
    assert_eq!(company.refused(ask(1, claim("a"))), "suspended");
}

#[test]
fn a_pool_that_is_not_there_cannot_be_asked_for() {
    let mut company = Company::new(&[("a", 1)], vec![account(1)]);
    assert_eq!(company.refused(ask(1, claim("b"))), "no_pool");
}

#[test]
fn without_an_account_nobody_asks() {
    let mut company = Company::new(&[("a", 1)], vec![]);
    assert_eq!(company.refused(ask(1, claim("a"))), "not_found");
}

#[test]
fn a_released_seat_or_place_is_past_and_a_denial_stays() {
    let waiting = Assignment { instead_of: vec!["a".into()], fallback_for: Some("d".into()), ..seat("b", WAITS) };
    let seats = vec![seat("a", SeatState::Held), waiting, seat("c", SeatState::Denied)];
    let mut company = Company::new(&[("a", 1), ("b", 0), ("c", 1)], vec![with(account(1), seats)]);
    let answer = company.done(vec![release(1, "a"), release(1, "b"), release(1, "c")]);
    let past = SeatState::Past(None);
    assert_eq!(company.of(1).seats, [seat("a", past), seat("b", past), seat("c", SeatState::Denied)]);
    assert_eq!((counts(&answer)["a"], counts(&answer)["b"]), ((1, 0, 0), (0, 0, 0)));
}

#[test]
fn a_released_seat_goes_to_the_next_in_the_same_batch() {
    let first = with(account(1), vec![seat("a", SeatState::Held)]);
    let mut company = Company::new(&[("a", 1)], vec![first, with(account(2), vec![seat("a", WAITS)])]);
    company.done(vec![release(1, "a")]);
    assert_eq!(company.state(2, "a"), Some(SeatState::Held));
}
