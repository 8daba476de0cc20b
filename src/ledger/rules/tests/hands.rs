//! What people do to accounts in a portal.

use super::super::happenings::What;
use super::*;

fn holder(n: u8) -> Account {
    with(account(n), vec![seat("a", SeatState::Held)])
}

fn having(seats: u32, accounts: Vec<Account>) -> Excerpt {
    Company::new(&[("a", seats)], accounts).excerpt()
}

fn state(excerpt: &Excerpt, n: u8) -> Option<SeatState> {
    excerpt.account(&id(n)).unwrap().seat("a").map(|seat| seat.state)
}

fn transfer(excerpt: &mut Excerpt, from: u8, to: u8) -> Result<(), Declined> {
    excerpt.transfer(&"a".into(), &id(from), &id(to), at(200))
}

#[test]
fn a_seat_goes_to_another_in_one_step_whoever_waits() {
    let waiter = with(account(3), vec![seat("a", WAITS)]);
    let mut excerpt = having(1, vec![holder(1), account(2), waiter]);
    transfer(&mut excerpt, 1, 2).unwrap();
    assert_eq!((state(&excerpt, 1), state(&excerpt, 2)), (Some(TAKEN_AWAY), Some(SeatState::Held)));
    assert_eq!(state(&excerpt, 3), Some(WAITS));
    let pool = &excerpt.pools()["a"];
    assert_eq!((pool.held, pool.waiting), (1, 2));
    let taker = excerpt.account(&id(2)).unwrap().seat("a").unwrap();
    assert!(taker.approved && !taker.ours, "another hand gave it");
}

#[test]
fn an_unmanaged_giver_is_left_without_a_place() {
    let giver = with(unmanaged(1), vec![seat("a", SeatState::Held)]);
    let mut excerpt = having(1, vec![giver, account(2)]);
    transfer(&mut excerpt, 1, 2).unwrap();
    assert_eq!(state(&excerpt, 1), Some(SeatState::Past(None)));
}

#[test]
fn a_seat_is_transferred_only_from_a_holder_to_somebody_who_may_have_it() {
    let denied = with(account(4), vec![seat("a", SeatState::Denied)]);
    let mut excerpt = having(3, vec![holder(1), holder(2), suspended(account(3), true), denied, account(5)]);
    for (from, to) in [(1, 2), (1, 3), (1, 4), (5, 5), (5, 1), (1, 1)] {
        assert!(matches!(transfer(&mut excerpt, from, to), Err(Declined::NotTransferable { .. })), "{from} to {to}");
    }
    assert!(matches!(transfer(&mut excerpt, 1, 77), Err(Declined::NotFound { .. })));
    assert!(!excerpt.is_changed());
}

#[test]
fn nothing_is_transferred_in_a_pool_that_is_over() {
    let mut excerpt = having(1, vec![holder(1), holder(2), account(3)]);
    assert!(matches!(transfer(&mut excerpt, 1, 3), Err(Declined::NotTransferable { .. })));
}

#[test]
fn who_takes_a_seat_gives_up_what_it_held_instead_and_the_fallbacks_place() {
    let mut moves = seat("a", WAITS);
    moves.instead_of = vec!["b".into()];
    let falls = Assignment { fallback_for: Some("a".into()), ..seat("c", WAITS) };
    let mover = with(account(2), vec![moves, seat("b", SeatState::Held), falls]);
    let mut excerpt = Company::new(&[("a", 1), ("b", 1), ("c", 0)], vec![holder(1), mover]).excerpt();
    transfer(&mut excerpt, 1, 2).unwrap();
    let after = excerpt.account(&id(2)).unwrap();
    let states: Vec<_> = after.seats.iter().map(|seat| seat.state).collect();
    assert_eq!(states, [SeatState::Held, SeatState::Past(None), SeatState::Past(None)]);
    assert_eq!((excerpt.pools()["b"].held, excerpt.pools()["c"].waiting), (0, 0));
}

#[test]
fn an_account_is_deleted_once_its_seats_are_free() {
    let mut excerpt = having(1, vec![holder(1), account(2)]);
    assert!(matches!(excerpt.delete(&id(1)), Err(Declined::SeatsHeld { .. })));
    excerpt.delete(&id(2)).unwrap();
    assert_eq!(excerpt.happenings().last().unwrap().what, What::AccountRemoved);
    assert!(excerpt.account(&id(2)).is_err());
}

#[test]
fn the_mail_domain_is_asked_for_when_a_seat_is() {
    let domains: Arc<[String]> = vec!["corp.example".to_owned()].into();
    let foreign = Account { profile: Profile { email: "x@Else.example".into(), ..profile("x") }, ..account(2) };
    let mut excerpt = having(5, vec![account(1), foreign]).under(BTreeMap::new(), Some(domains));
    let asks = batch(vec![step(1, Operation::Claim(claim("a"))), step(2, Operation::Claim(claim("a")))]);
    excerpt.carry_out(&asks);
    excerpt.settle(&asks.allocation).unwrap();
    let waits = SeatState::Waiting(WaitReason::DomainNotApproved);
    assert_eq!((state(&excerpt, 1), state(&excerpt, 2)), (Some(SeatState::Held), Some(waits)));
    let approve = Decision { person: person(2), pool: None, verdict: Verdict::Approve };
    excerpt.decide(&approve).unwrap();
    excerpt.settle(&asks.allocation).unwrap();
    assert_eq!(state(&excerpt, 2), Some(SeatState::Held), "approval opens that door, too");
}

#[test]
fn another_list_of_domains_opens_and_closes_what_no_connector_asks_for() {
    let place = |n, reason| with(unmanaged(n), vec![seat("a", SeatState::Waiting(reason))]);
    let managed = with(account(3), vec![seat("a", SeatState::Waiting(WaitReason::DomainNotApproved))]);
    let (foreign, none) = (WaitReason::DomainNotApproved, WaitReason::NoSeat);
    let mut excerpt = having(0, vec![place(1, foreign), managed]);
    excerpt.reopen_domains();
    assert_eq!((state(&excerpt, 1), state(&excerpt, 3)), (Some(WAITS), Some(SeatState::Waiting(foreign))));
    let mut excerpt = having(0, vec![place(1, none)]).under(BTreeMap::new(), Some(vec![].into()));
    excerpt.reopen_domains();
    assert_eq!(state(&excerpt, 1), Some(SeatState::Waiting(foreign)));
}

#[test]
fn what_another_hand_suspends_frees_its_seats_unless_told_to_keep_them() {
    for (keep, after) in [(false, SeatState::Past(None)), (true, SeatState::Held)] {
        let mut excerpt = having(1, vec![holder(1)]);
        excerpt.suspend_by_hand(&id(1), keep, at(0)).unwrap();
        assert_eq!(state(&excerpt, 1), Some(after));
        assert!(!excerpt.account(&id(1)).unwrap().suspension.as_ref().unwrap().by_agent);
    }
}

#[test]
fn a_connectors_account_is_neither_rewritten_nor_given_seats_in_the_portal() {
    let mut excerpt = having(1, vec![account(1), unmanaged(2)]);
    assert!(matches!(excerpt.ask(&id(1), &"a".into(), LAST, at(0)), Err(Declined::Managed { .. })));
    assert!(matches!(excerpt.rewrite(&id(1), &profile("z")), Err(Declined::Managed { .. })));
    assert!(matches!(excerpt.hand_back(&id(1), &"a".into()), Err(Declined::Managed { .. })));
    assert!(matches!(excerpt.rewrite(&id(2), &profile("user1")), Err(Declined::Conflict { .. })));
    excerpt.ask(&id(2), &"a".into(), LAST, at(0)).unwrap();
    excerpt.settle(&Allocation::default()).unwrap();
    assert_eq!(state(&excerpt, 2), Some(SeatState::Held));
}

#[test]
fn each_change_of_a_seat_is_told_once_and_who_gets_one_last() {
    let mut excerpt = having(1, vec![holder(1), account(2)]);
    let asks = batch(vec![
        step(1, Operation::Suspend { cause: LeaveCause::Disabled, keep_seats: false }),
        step(2, Operation::Claim(claim("a"))),
        step(3, Operation::Create { profile: profile("new"), created: at(0) }),
        step(3, Operation::Claim(claim("a"))),
    ]);
    excerpt.carry_out(&asks);
    excerpt.settle(&asks.allocation).unwrap();
    let told: Vec<_> = excerpt.happenings().iter().map(|one| (one.what.as_str(), one.account.clone())).collect();
    let of = |word, n| (word, Some(id(n)));
    assert_eq!(
        told,
        [
            of("account.suspended", 1),
            of("seat.released", 1),
            of("account.created", 100),
            of("seat.waiting", 100),
            of("seat.held", 2),
        ]
    );
}

/// The seat of the one with the higher number goes to the one with the lower, in one change.
#[test]
fn whoever_counts_event_by_event_never_sees_a_seat_too_many() {
    let mut excerpt = having(1, vec![account(1), holder(2)]);
    let asks = batch(vec![step(2, Operation::Release { pool: "a".into() }), step(1, Operation::Claim(claim("a")))]);
    excerpt.carry_out(&asks);
    excerpt.settle(&asks.allocation).unwrap();
    let told: Vec<_> = excerpt.happenings().iter().map(|one| (one.what.as_str(), one.account.clone())).collect();
    assert_eq!(told, [("seat.released", Some(id(2))), ("seat.held", Some(id(1)))]);
}
