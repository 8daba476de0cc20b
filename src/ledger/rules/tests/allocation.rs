//! Who gets a seat at the end of a batch.

use super::*;

fn ask(n: u8, claim: Claim) -> Step {
    step(n, Operation::Claim(claim))
}

fn set_seats(pool: &str, to: u32) -> Step {
    Step { person: None, operation: Operation::SetSeats { pool: pool.into(), from: None, to }, counted: None }
}

fn holder(n: u8, pool: &str) -> Account {
    with(account(n), vec![seat(pool, SeatState::Held)])
}

fn waiter(n: u8, pool: &str) -> Account {
    with(account(n), vec![seat(pool, WAITS)])
}

fn manual(steps: Vec<Step>) -> Batch {
    Batch { allocation: Allocation::default(), ..batch(steps) }
}

#[test]
fn a_new_pool_is_made_and_its_seats_granted() {
    let mut company = Company::new(&[], vec![account(1)]);
    let answer = company.done(vec![set_seats("a", 1), ask(1, claim("a"))]);
    assert_eq!(company.state(1, "a"), Some(SeatState::Held));
    assert_eq!(counts(&answer)["a"], (1, 1, 0));
}

#[test]
fn k_seats_for_n_joiners_go_to_exactly_the_first_k() {
    let accounts = (1..=5).map(account).collect();
    let mut company = Company::new(&[("a", 2)], accounts);
    let answer = company.apply(&manual((1..=5).rev().map(|n| ask(n, claim("a"))).collect()));
    let held: Vec<u8> = (1..=5).filter(|&n| company.state(n, "a") == Some(SeatState::Held)).collect();
    assert_eq!(held, [1, 2]);
    assert_eq!(counts(&answer)["a"], (2, 2, 3));
}

#[test]
fn lowering_below_the_seats_held_evicts_nobody_and_grants_nothing() {
    let mut company = Company::new(&[("a", 2)], vec![holder(1, "a"), holder(2, "a"), waiter(3, "a")]);
    let answer = company.done(vec![set_seats("a", 1)]);
    assert_eq!(counts(&answer)["a"], (1, 2, 1));
    assert_eq!(company.state(3, "a"), Some(WAITS));
    company.done(vec![step(1, Operation::Release { pool: "a".into() })]);
    assert_eq!(company.state(3, "a"), Some(WAITS), "one is held, one was bought");
    company.done(vec![step(2, Operation::Release { pool: "a".into() })]);
    assert_eq!(company.state(3, "a"), Some(SeatState::Held));
}

#[test]
fn seats_of_unmanaged_accounts_are_held_seats() {
    let other = with(unmanaged(9), vec![Assignment { ours: false, ..seat("a", SeatState::Held) }]);
    let mut company = Company::new(&[("a", 1)], vec![other, account(1)]);
    company.done(vec![ask(1, claim("a"))]);
    assert_eq!(company.state(1, "a"), Some(WAITS));
}

#[test]
fn a_place_that_nobody_asked_for_gets_nothing_and_stops_nobody() {
    let other = with(unmanaged(9), vec![Assignment { ours: false, ..seat("a", WAITS) }]);
    let mut company = Company::new(&[("a", 1)], vec![other.clone(), account(1)]);
    company.done(vec![ask(1, claim("a"))]);
    assert_eq!(company.state(1, "a"), Some(SeatState::Held));
    assert!(company.accounts.contains(&other));
}

#[test]
fn an_unmanaged_account_that_asked_has_its_turn_like_everyone_else() {
    let portal = |rank| with(unmanaged(9), vec![Assignment { rank, ..seat("a", WAITS) }]);
    for (rank, gets_it) in [(0, true), (LAST, false)] {
        let mut company = Company::new(&[("a", 1)], vec![portal(rank), waiter(1, "a")]);
        company.apply(&batch(vec![step(1, Operation::Claim(Claim { rank: 1, ..claim("a") }))]));
        let seat = company.accounts.iter().find(|account| account.owner.is_none()).unwrap().seat("a").unwrap();
        assert_eq!(
            (seat.is_held(), company.state(1, "a")),
            (gets_it, Some(if gets_it { WAITS } else { SeatState::Held }))
        );
    }
}

#[test]
fn an_adopted_account_keeps_what_it_asked_for_as_another_hands() {
    let mut company = Company::new(&[("a", 1)], vec![with(unmanaged(9), vec![seat("a", SeatState::Held)])]);
    company.done(vec![step(9, Operation::Adopt { account: id(9) })]);
    assert!(!company.of(9).seats[0].ours);
}

#[test]
fn manual_promotion_gives_a_free_seat_to_the_approved_only() {
    let approved = with(account(2), vec![Assignment { approved: true, since: at(50), ..seat("a", WAITS) }]);
    let mut company = Company::new(&[("a", 2)], vec![waiter(1, "a"), approved]);
    company.apply(&manual(vec![]));
    assert_eq!((company.state(1, "a"), company.state(2, "a")), (Some(WAITS), Some(SeatState::Held)));
}

#[test]
fn a_joiner_does_not_overtake_who_may_not_be_promoted() {
    let mut company = Company::new(&[("a", 2)], vec![waiter(1, "a"), account(2)]);
    company.apply(&manual(vec![ask(2, claim("a"))]));
    assert_eq!(company.state(2, "a"), Some(WAITS));
}

#[test]
fn who_is_passed_over_or_frozen_keeps_the_place_and_gets_nothing() {
    let foreign = PersonId::new("other".into(), Anchor::from_bytes([3; 16]));
    let other = Account { owner: Some(foreign), ..waiter(3, "a") };
    let mut company = Company::new(&[("a", 5)], vec![waiter(1, "a"), waiter(2, "a"), other]);
    let mut batch = batch(vec![]);
    batch.allocation.passed_over.insert(person(1));
    batch.allocation.frozen.insert("other".into());
    let answer = company.apply(&batch);
    assert_eq!((company.state(1, "a"), company.state(2, "a")), (Some(WAITS), Some(SeatState::Held)));
    assert_eq!(counts(&answer)["a"], (5, 1, 2));
}

#[test]
fn who_is_suspended_and_still_waits_gets_nothing_and_stops_nobody() {
    let mut company = Company::new(&[("a", 1)], vec![suspended(waiter(1, "a"), false), account(2)]);
    company.apply(&manual(vec![ask(2, claim("a"))]));
    assert_eq!((company.state(1, "a"), company.state(2, "a")), (Some(WAITS), Some(SeatState::Held)));
}

#[test]
fn a_mover_keeps_the_old_seat_until_the_new_one_is_granted() {
    let mut company = Company::new(&[("a", 1), ("b", 1)], vec![holder(1, "a"), holder(2, "b")]);
    company.done(vec![ask(1, Claim { instead_of: vec!["a".into()], ..claim("b") })]);
    assert_eq!((company.state(1, "a"), company.state(1, "b")), (Some(SeatState::Held), Some(WAITS)));
    company.done(vec![set_seats("b", 2)]);
    let past = SeatState::Past(None);
    assert_eq!((company.state(1, "a"), company.state(1, "b")), (Some(past), Some(SeatState::Held)));
    assert!(company.of(1).seats.iter().all(|seat| seat.instead_of.is_empty()));
}

#[test]
fn the_seat_a_mover_frees_is_granted_in_the_same_batch() {
    let mut company = Company::new(&[("a", 1), ("b", 1)], vec![holder(1, "a"), waiter(2, "a")]);
    let answer = company.done(vec![ask(1, Claim { instead_of: vec!["a".into()], ..claim("b") })]);
    assert_eq!(company.state(2, "a"), Some(SeatState::Held));
    assert_eq!((counts(&answer)["a"], counts(&answer)["b"]), ((1, 1, 0), (1, 1, 0)));
}

#[test]
fn a_ring_of_movers_between_full_pools_waits() {
    let mut company = Company::new(&[("a", 1), ("b", 1)], vec![holder(1, "a"), holder(2, "b")]);
    let moves = |from: &str, to: &str| Claim { instead_of: vec![from.into()], ..claim(to) };
    company.done(vec![ask(1, moves("a", "b")), ask(2, moves("b", "a"))]);
    assert_eq!((company.state(1, "a"), company.state(2, "b")), (Some(SeatState::Held), Some(SeatState::Held)));
    assert_eq!((company.state(1, "b"), company.state(2, "a")), (Some(WAITS), Some(WAITS)));
}

fn with_fallback(n: u8) -> Vec<Step> {
    vec![ask(n, claim("a")), ask(n, Claim { fallback_for: Some("a".into()), ..claim("b") })]
}

#[test]
fn who_finds_the_preferred_pool_full_takes_the_fallback_and_stays_in_the_queue() {
    let mut company = Company::new(&[("a", 0), ("b", 1)], vec![account(1)]);
    company.done(with_fallback(1));
    assert_eq!((company.state(1, "a"), company.state(1, "b")), (Some(WAITS), Some(SeatState::Held)));
    assert_eq!(company.of(1).seats[1].fallback_for.as_deref(), Some("a"));
}

#[test]
fn the_fallback_is_given_back_once_the_preferred_seat_is_granted() {
    let mut company = Company::new(&[("a", 0), ("b", 1)], vec![account(1), account(2)]);
    company.done(with_fallback(1));
    company.done(vec![ask(2, claim("b"))]);
    assert_eq!((company.state(1, "b"), company.state(2, "b")), (Some(SeatState::Held), Some(WAITS)));
    company.done(vec![set_seats("a", 1)]);
    assert_eq!((company.state(1, "a"), company.state(1, "b")), (Some(SeatState::Held), Some(SeatState::Past(None))));
    assert_eq!(company.state(2, "b"), Some(SeatState::Held), "the fallback's seat goes to the next");
}

#[test]
fn the_place_in_the_fallbacks_queue_is_left_once_the_preferred_seat_is_granted() {
    let mut company = Company::new(&[("a", 1), ("b", 0)], vec![account(1)]);
    let answer = company.done(with_fallback(1));
    assert_eq!((company.state(1, "a"), company.state(1, "b")), (Some(SeatState::Held), Some(SeatState::Past(None))));
    assert_eq!(counts(&answer)["b"], (0, 0, 0));
}

#[test]
fn where_both_are_full_both_queues_are_kept() {
    let mut company = Company::new(&[("a", 0), ("b", 0)], vec![account(1)]);
    let answer = company.done(with_fallback(1));
    assert_eq!((counts(&answer)["a"], counts(&answer)["b"]), ((0, 0, 1), (0, 0, 1)));
}

#[test]
fn a_seat_given_by_another_hand_is_kept() {
    let given = with(account(1), vec![Assignment { ours: false, ..seat("b", SeatState::Held) }]);
    let mut company = Company::new(&[("a", 1), ("b", 1)], vec![given.clone()]);
    company.done(vec![ask(1, claim("a"))]);
    assert_eq!(company.of(1).seats[1], given.seats[0]);
}

#[test]
fn a_batch_carried_out_again_changes_nothing() {
    let accounts: Vec<Account> = (1..=4).map(account).collect();
    let mut company = Company::new(&[("a", 2)], accounts);
    let steps = manual((1..=4).map(|n| ask(n, claim("a"))).collect());
    company.apply(&steps);
    assert!(company.apply(&steps).accounts.is_empty());
}
