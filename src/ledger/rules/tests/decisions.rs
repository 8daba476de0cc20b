//! Approve, deny, release; and whose an account is.

use super::*;

const REASONS: [WaitReason; 4] =
    [WaitReason::NoSeat, WaitReason::ApprovalRequired, WaitReason::DomainNotApproved, WaitReason::RemovedElsewhere];

fn company_of(seats: Vec<Assignment>) -> Company {
    Company::new(&[("a", 0), ("b", 0)], vec![with(account(1), seats)])
}

#[test]
fn approving_opens_every_wait_and_a_denial() {
    let states = REASONS.map(SeatState::Waiting).into_iter().chain([SeatState::Denied]);
    for state in states {
        let mut company = company_of(vec![seat("a", state)]);
        company.decide(1, None, Verdict::Approve).unwrap();
        assert_eq!(company.of(1).seats, [Assignment { approved: true, ..seat("a", WAITS) }]);
    }
}

#[test]
fn an_approval_grants_nothing_by_itself_and_is_served_by_the_next_batch() {
    let mut company = Company::new(&[("a", 1)], vec![with(account(1), vec![seat("a", SeatState::Denied)])]);
    company.decide(1, None, Verdict::Approve).unwrap();
    assert_eq!(company.state(1, "a"), Some(WAITS));
    company.apply(&Batch { allocation: Allocation::default(), ..batch(vec![]) });
    assert_eq!(company.state(1, "a"), Some(SeatState::Held));
}

#[test]
fn denying_is_sticky_until_approved() {
    let mut company = company_of(vec![Assignment { approved: true, ..seat("a", WAITS) }]);
    company.decide(1, None, Verdict::Deny).unwrap();
    company.done(vec![step(1, Operation::Claim(claim("a")))]);
    assert_eq!(company.of(1).seats, [seat("a", SeatState::Denied)]);
}

#[test]
fn releasing_takes_the_seat_away_and_with_it_the_approval() {
    let mut company = company_of(vec![Assignment { approved: true, ..seat("a", SeatState::Held) }]);
    company.decide(1, None, Verdict::Release).unwrap();
    company.done(vec![step(1, Operation::Claim(claim("a")))]);
    assert_eq!((company.state(1, "a"), company.of(1).seats[0].approved), (Some(TAKEN_AWAY), false));
}

#[test]
fn a_decision_about_one_pool_leaves_the_others() {
    let mut company = company_of(vec![seat("a", WAITS), seat("b", WAITS)]);
    company.decide(1, Some("b"), Verdict::Deny).unwrap();
    assert_eq!((company.state(1, "a"), company.state(1, "b")), (Some(WAITS), Some(SeatState::Denied)));
}

#[test]
fn a_decision_without_a_pool_is_about_all_it_fits() {
    let mut company = company_of(vec![seat("a", SeatState::Held), seat("b", WAITS)]);
    company.decide(1, None, Verdict::Release).unwrap();
    assert_eq!((company.state(1, "a"), company.state(1, "b")), (Some(TAKEN_AWAY), Some(WAITS)));
}

#[test]
fn deciding_the_same_again_is_no_error() {
    for (state, verdict) in
        [(SeatState::Denied, Verdict::Deny), (TAKEN_AWAY, Verdict::Release), (WAITS, Verdict::Approve)]
    {
        let mut company = company_of(vec![seat("a", state)]);
        company.decide(1, None, verdict).unwrap();
        assert_eq!(company.state(1, "a"), Some(state));
    }
}

#[test]
fn a_decision_that_fits_nothing_says_what_the_person_has() {
    let mut company = company_of(vec![seat("a", SeatState::Held), seat("b", SeatState::Denied)]);
    let before = company.accounts.clone();
    let error = company.decide(1, Some("a"), Verdict::Deny).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("there is nothing to deny for {}, who holds a seat (pool a), is denied (pool b)", person(1))
    );
    assert_eq!(company.accounts, before);
}

#[test]
fn past_places_are_shown_to_nobody() {
    let mut company = company_of(vec![seat("a", SeatState::Past(None))]);
    let error = company.decide(1, None, Verdict::Approve).unwrap_err();
    assert!(error.to_string().ends_with("who has no seat and waits for none"), "{error}");
}

#[test]
fn deciding_about_somebody_unknown_is_an_error() {
    let mut company = company_of(vec![]);
    let error = company.decide(9, None, Verdict::Approve).unwrap_err();
    assert_eq!(error, RuleError::UnknownPerson { person: person(9) });
}

#[test]
fn an_approval_survives_suspension_and_return() {
    let mut company = company_of(vec![Assignment { approved: true, ..seat("a", WAITS) }]);
    company.done(vec![step(1, Operation::Suspend { cause: LeaveCause::Disabled, keep_seats: false })]);
    company.done(vec![step(1, Operation::Resume), step(1, Operation::Claim(claim("a")))]);
    assert_eq!(company.of(1).seats, [Assignment { approved: true, ..seat("a", WAITS) }]);
}

#[test]
fn approving_whom_another_hand_suspended_lets_the_agent_resume_them() {
    let mut company = company_of(vec![seat("a", SeatState::Held)]);
    company.accounts[0] = suspended(company.accounts[0].clone(), false);
    company.decide(1, None, Verdict::Approve).unwrap();
    company.done(vec![step(1, Operation::Resume)]);
    assert_eq!(company.of(1), &with(account(1), vec![seat("a", SeatState::Held)]));
}

#[test]
fn approving_a_leaver_who_waited_for_approval_is_remembered() {
    let past = seat("a", SeatState::Past(Some(WaitReason::ApprovalRequired)));
    let mut company = company_of(vec![past]);
    company.accounts[0] = suspended(company.accounts[0].clone(), true);
    company.decide(1, None, Verdict::Approve).unwrap();
    assert_eq!(company.of(1).seats, [Assignment { approved: true, ..seat("a", SeatState::Past(None)) }]);
}

#[test]
fn relinking_gives_account_seats_and_since_to_the_new_owner() {
    let old = suspended(with(account(1), vec![seat("a", SeatState::Past(None))]), true);
    let mut excerpt = Company::new(&[("a", 1)], vec![old.clone()]).excerpt();
    excerpt.relink(&person(1), &person(2)).unwrap();
    let changed: Vec<&Account> = excerpt.changed().map(|entry| &entry.account).collect();
    assert_eq!(changed, [&Account { owner: Some(person(2)), ..old }]);
}

#[test]
fn relinking_needs_an_old_account_and_no_new_one() {
    let mut excerpt = Company::new(&[], vec![account(1), account(2)]).excerpt();
    let occupied = RuleError::Occupied { person: person(2), account: id(2) };
    assert_eq!(excerpt.relink(&person(1), &person(2)), Err(occupied));
    assert_eq!(excerpt.relink(&person(8), &person(9)), Err(RuleError::UnknownPerson { person: person(8) }));
}
