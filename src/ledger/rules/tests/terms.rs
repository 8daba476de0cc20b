//! Buying seats, floors, and reductions for later.

use super::super::happenings::What;
use super::*;

/// A pool "a" of so many seats, with so many holders.
fn pool(seats: u32, holders: u8) -> Excerpt {
    let accounts = (1..=holders).map(|n| with(account(n), vec![seat("a", SeatState::Held)])).collect();
    let mut excerpt = Company::new(&[("a", seats)], accounts).excerpt();
    excerpt.terms.insert("a".into(), Terms::default());
    excerpt
}

fn buy(excerpt: &mut Excerpt, seats: u32) -> Result<(), Declined> {
    excerpt.buy(&"a".into(), Purchase { seats: Some(seats), min_seats: None })
}

fn schedule(excerpt: &mut Excerpt, seats: u32) -> Result<(), Declined> {
    excerpt.schedule(&"a".into(), Reduction { seats, effective_at: at(1000), scheduled_at: at(0) })
}

fn seats(excerpt: &Excerpt) -> u32 {
    excerpt.pools()["a"].seats
}

fn told(excerpt: &Excerpt) -> Vec<What> {
    excerpt.happenings().into_iter().map(|one| one.what).collect()
}

#[test]
fn seats_are_lowered_to_those_held_and_no_further() {
    let mut excerpt = pool(10, 4);
    buy(&mut excerpt, 4).unwrap();
    assert_eq!(seats(&excerpt), 4);
    let Err(Declined::SeatsBelowHeld(numbers)) = buy(&mut excerpt, 3) else { panic!() };
    assert_eq!((numbers.seats, numbers.held), (4, 4));
    assert_eq!(seats(&excerpt), 4);
}

#[test]
fn a_pool_that_is_over_may_be_raised_by_less_than_it_needs() {
    let mut excerpt = pool(2, 5);
    buy(&mut excerpt, 3).unwrap();
    assert_eq!(seats(&excerpt), 3);
    assert!(buy(&mut excerpt, 2).is_err());
}

#[test]
fn the_floor_is_the_least_that_can_be_had() {
    let mut excerpt = pool(10, 0);
    excerpt.buy(&"a".into(), Purchase { seats: None, min_seats: Some(5) }).unwrap();
    buy(&mut excerpt, 5).unwrap();
    assert!(matches!(buy(&mut excerpt, 4), Err(Declined::BelowFloor(numbers)) if numbers.min_seats == 5));
    assert!(matches!(schedule(&mut excerpt, 4), Err(Declined::BelowFloor(_))));
    let floor = Purchase { seats: None, min_seats: Some(6) };
    assert!(matches!(excerpt.buy(&"a".into(), floor), Err(Declined::BelowFloor(_))), "no floor above the seats");
}

#[test]
fn a_reduction_holds_from_its_time_on_and_not_before() {
    let mut excerpt = pool(10, 4);
    schedule(&mut excerpt, 4).unwrap();
    excerpt.reduce(at(999));
    assert_eq!(seats(&excerpt), 10);
    excerpt.reduce(at(1000));
    assert_eq!((seats(&excerpt), excerpt.terms(&"a".into()).reduction), (4, None));
    assert_eq!(told(&excerpt), [What::ReductionScheduled, What::ReductionApplied]);
}

#[test]
fn a_reduction_below_the_seats_held_when_it_comes_due_leaves_the_old_number() {
    let mut excerpt = pool(10, 5);
    schedule(&mut excerpt, 4).unwrap();
    excerpt.reduce(at(1000));
    assert_eq!((seats(&excerpt), excerpt.terms(&"a".into()).reduction), (10, None));
    let happened = excerpt.happenings();
    assert_eq!(happened[1].what, What::ReductionRefused);
    assert_eq!((&happened[1].data["seats"], &happened[1].data["held"]), (&4.into(), &5.into()));
}

#[test]
fn a_floor_raised_meanwhile_refuses_the_reduction_too() {
    let mut excerpt = pool(10, 0);
    schedule(&mut excerpt, 4).unwrap();
    excerpt.buy(&"a".into(), Purchase { seats: None, min_seats: Some(5) }).unwrap();
    excerpt.reduce(at(1000));
    assert_eq!(seats(&excerpt), 10);
}

#[test]
fn assigning_the_seat_again_cancels_the_reduction_and_others_do_not() {
    for (reduced_to, holders, cancelled) in [(4, 4, true), (5, 4, false)] {
        let accounts = (1..=holders).map(|n| with(account(n), vec![seat("a", SeatState::Held)]));
        let accounts = accounts.chain([account(9)]).collect();
        let mut excerpt = Company::new(&[("a", 10)], accounts).excerpt();
        schedule(&mut excerpt, reduced_to).unwrap();
        let asks = batch(vec![step(9, Operation::Claim(claim("a")))]);
        excerpt.carry_out(&asks);
        excerpt.settle(&asks.allocation).unwrap();
        excerpt.cancel_overtaken();
        assert_eq!(excerpt.terms(&"a".into()).reduction.is_none(), cancelled, "to {reduced_to}");
    }
}

#[test]
fn a_reduction_to_fewer_than_are_held_waits_for_people_to_leave() {
    let mut excerpt = pool(10, 6);
    schedule(&mut excerpt, 4).unwrap();
    excerpt.cancel_overtaken();
    assert!(excerpt.terms(&"a".into()).reduction.is_some(), "nobody was granted a seat");
}

#[test]
fn a_reduction_can_be_cancelled_once() {
    let mut excerpt = pool(10, 0);
    assert!(matches!(excerpt.cancel_reduction(&"a".into()), Err(Declined::NoReduction { .. })));
    schedule(&mut excerpt, 4).unwrap();
    excerpt.cancel_reduction(&"a".into()).unwrap();
    excerpt.reduce(at(1000));
    assert_eq!(seats(&excerpt), 10);
}

#[test]
fn a_reduction_is_lower_and_lowering_at_once_makes_it_needless() {
    let mut excerpt = pool(10, 0);
    assert!(matches!(schedule(&mut excerpt, 10), Err(Declined::NotLower(_))));
    schedule(&mut excerpt, 9).unwrap();
    buy(&mut excerpt, 9).unwrap();
    assert_eq!(excerpt.terms(&"a".into()).reduction, None);
}

#[test]
fn a_pool_of_a_config_file_is_not_edited_until_it_is_taken_over() {
    let mut excerpt = pool(10, 0);
    let set = Operation::SetSeats { pool: "a".into(), from: None, to: 7 };
    excerpt.carry_out(&batch(vec![Step { person: None, operation: set, counted: None }]));
    assert!(matches!(buy(&mut excerpt, 8), Err(Declined::OwnedByConfig { .. })));
    assert!(matches!(schedule(&mut excerpt, 5), Err(Declined::OwnedByConfig { .. })));
    excerpt.take_over(&"a".into()).unwrap();
    buy(&mut excerpt, 8).unwrap();
    assert_eq!(seats(&excerpt), 8);
}
