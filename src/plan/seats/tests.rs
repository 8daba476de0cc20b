use proptest::prelude::*;

use super::*;
use crate::model::Anchor;

fn person(n: u8) -> PersonId {
    PersonId::new("corp".into(), Anchor::from_bytes([n; 16]))
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

/// Somebody who waits for `no_seat` since `since`.
fn waiting(n: u8, pool: &str, since: i64) -> Queued {
    Queued {
        person: person(n),
        pool: pool.into(),
        rank: 0,
        approved: false,
        since: at(since),
        created: at(0),
        reason: WaitReason::NoSeat,
        joiner: false,
        passed_over: false,
        frozen: false,
        fallback_for: None,
        instead_of: Vec::new(),
    }
}

fn joining(n: u8, pool: &str) -> Queued {
    Queued { joiner: true, ..waiting(n, pool, 1000) }
}

fn fallback(claim: Queued, preferred: &str) -> Queued {
    Queued { fallback_for: Some(preferred.into()), ..claim }
}

fn book(pools: &[(&str, u32, u32)], queue: Vec<Queued>) -> Book {
    let pools = pools.iter().map(|&(name, seats, held)| (name.into(), Seats { seats, held })).collect();
    Book { pools, queue }
}

/// (round, person, pool) of every grant.
fn grants(settlement: &Settlement) -> Vec<(usize, u8, &str)> {
    let rounds = settlement.rounds.iter().enumerate();
    rounds.flat_map(|(n, r)| r.granted.iter().map(move |(p, pool)| (n, p.anchor.as_bytes()[0], &**pool))).collect()
}

#[test]
fn k_free_seats_go_to_exactly_the_first_k_who_wait() {
    let queue = vec![waiting(3, "a", 3), waiting(1, "a", 1), waiting(2, "a", 2)];
    let settlement = settle(&book(&[("a", 12, 10)], queue), Promotion::Automatic);
    assert_eq!(grants(&settlement), [(0, 1, "a"), (0, 2, "a")]);
}

#[test]
fn rank_then_approval_then_since_then_created_then_anchor_decide() {
    let ranked = Queued { rank: 1, ..waiting(1, "a", 0) };
    let approved = Queued { approved: true, ..waiting(2, "a", 9) };
    let earlier = waiting(3, "a", 1);
    let older = Queued { created: at(-5), ..waiting(5, "a", 2) };
    let mut queue = [ranked, waiting(6, "a", 2), older, earlier, approved, waiting(4, "a", 2)];
    queue.sort_by(order);
    let sorted: Vec<u8> = queue.iter().map(|q| q.person.anchor.as_bytes()[0]).collect();
    assert_eq!(sorted, [2, 3, 5, 4, 6, 1]);
}

#[test]
fn a_joiner_waits_behind_people_who_may_not_be_promoted() {
    let queue = vec![waiting(1, "a", 1), joining(2, "a")];
    assert!(settle(&book(&[("a", 5, 0)], queue), Promotion::Manual).rounds.is_empty());
}

#[test]
fn a_joiner_passes_people_who_wait_for_another_reason_or_are_quarantined() {
    let gated = Queued { reason: WaitReason::ApprovalRequired, ..waiting(1, "a", 1) };
    let quarantined = Queued { passed_over: true, ..waiting(2, "a", 1) };
    let settlement = settle(&book(&[("a", 5, 4)], vec![gated, quarantined, joining(3, "a")]), Promotion::Automatic);
    assert_eq!(grants(&settlement), [(0, 3, "a")]);
}

#[test]
fn who_waits_in_a_directory_that_could_not_be_read_keeps_the_turn() {
    let frozen = Queued { frozen: true, ..waiting(1, "a", 1) };
    for behind in [joining(2, "a"), waiting(2, "a", 2)] {
        let settlement = settle(&book(&[("a", 1, 0)], vec![frozen.clone(), behind.clone()]), Promotion::Automatic);
        assert!(settlement.rounds.is_empty(), "the only seat is kept for the turn before");
        let settlement = settle(&book(&[("a", 2, 0)], vec![frozen.clone(), behind]), Promotion::Automatic);
        assert_eq!(grants(&settlement), [(0, 2, "a")], "the second one is not");
    }
}

#[test]
fn nobody_joins_past_people_of_a_failed_read_who_may_not_be_promoted() {
    let frozen = Queued { frozen: true, ..waiting(1, "a", 1) };
    assert!(settle(&book(&[("a", 5, 0)], vec![frozen, joining(2, "a")]), Promotion::Manual).rounds.is_empty());
}

#[test]
fn who_keeps_the_turn_of_the_preferred_pool_takes_no_fallback_from_others() {
    let frozen = |claim| Queued { frozen: true, ..claim };
    let queue = vec![frozen(waiting(1, "a", 1)), frozen(fallback(waiting(1, "b", 1), "a")), joining(2, "b")];
    let settlement = settle(&book(&[("a", 1, 0), ("b", 1, 0)], queue), Promotion::Automatic);
    assert_eq!(grants(&settlement), [(0, 2, "b")]);
}

#[test]
fn manual_promotion_serves_the_approved_and_then_joiners_only_when_nobody_is_left_waiting() {
    let approved = Queued { approved: true, ..waiting(2, "a", 2) };
    let queue = vec![waiting(1, "a", 1), approved.clone(), joining(3, "a")];
    assert_eq!(grants(&settle(&book(&[("a", 5, 0)], queue), Promotion::Manual)), [(0, 2, "a")]);
    let queue = vec![approved, joining(3, "a")];
    assert_eq!(grants(&settle(&book(&[("a", 5, 0)], queue), Promotion::Manual)), [(0, 2, "a"), (0, 3, "a")]);
}

#[test]
fn a_pool_lowered_below_its_holders_grants_nothing() {
    let settlement = settle(&book(&[("a", 3, 4)], vec![waiting(1, "a", 1)]), Promotion::Automatic);
    assert!(settlement.rounds.is_empty());
}

#[test]
fn a_mover_frees_the_old_seat_for_the_next_round() {
    let mover = Queued { instead_of: vec!["b".into()], ..joining(1, "a") };
    let settlement = settle(&book(&[("a", 1, 0), ("b", 1, 1)], vec![mover, joining(2, "b")]), Promotion::Manual);
    assert_eq!(grants(&settlement), [(0, 1, "a"), (1, 2, "b")]);
    assert_eq!(settlement.rounds[0].released, [(person(1), "b".into())]);
}

#[test]
fn a_ring_of_movers_between_full_pools_waits() {
    let one = Queued { instead_of: vec!["b".into()], ..joining(1, "a") };
    let two = Queued { instead_of: vec!["a".into()], ..joining(2, "b") };
    let settlement = settle(&book(&[("a", 1, 1), ("b", 1, 1)], vec![one, two]), Promotion::Automatic);
    assert!(settlement.rounds.is_empty());
}

#[test]
fn who_finds_no_preferred_seat_takes_the_fallback_in_that_pools_own_order() {
    let unlucky = fallback(Queued { rank: 0, ..joining(2, "b") }, "a");
    let direct = Queued { rank: 1, ..joining(1, "b") };
    let queue = vec![joining(2, "a"), unlucky, direct];
    let settlement = settle(&book(&[("a", 1, 1), ("b", 1, 0)], queue), Promotion::Manual);
    assert_eq!(grants(&settlement), [(0, 2, "b")]);
    assert!(settlement.fell_back.contains(&(person(2), "b".into())));
}

#[test]
fn a_seat_freed_later_in_the_same_plan_comes_before_the_fallback() {
    let mover = Queued { instead_of: vec!["a".into()], ..joining(1, "c") };
    let queue = vec![mover, joining(2, "a"), fallback(joining(2, "b"), "a")];
    let settlement = settle(&book(&[("a", 1, 1), ("b", 1, 0), ("c", 1, 0)], queue), Promotion::Manual);
    assert_eq!(grants(&settlement), [(0, 1, "c"), (1, 2, "a")]);
    assert_eq!(settlement.left, [(person(2), "b".into())]);
}

#[test]
fn an_approval_that_is_missing_sends_nobody_to_the_fallback() {
    let gated = Queued { reason: WaitReason::ApprovalRequired, ..joining(1, "a") };
    let queue = vec![gated, fallback(joining(1, "b"), "a")];
    assert!(settle(&book(&[("a", 1, 0), ("b", 1, 0)], queue), Promotion::Automatic).rounds.is_empty());
}

#[test]
fn positions_count_everyone_who_waits_without_gaps() {
    let gated = Queued { reason: WaitReason::ApprovalRequired, ..waiting(7, "a", 1) };
    let queue = [waiting(8, "a", 2), gated, waiting(7, "b", 5)];
    let places = positions(&queue);
    assert_eq!(places[&(&person(7), &"a".into())], 1);
    assert_eq!(places[&(&person(8), &"a".into())], 2);
    assert_eq!(places[&(&person(7), &"b".into())], 1);
}

const POOLS: [&str; 3] = ["a", "b", "c"];

prop_compose! {
    fn any_claim(n: u8)(
        pool in 0..3usize, other in 0..3usize, falls in any::<bool>(), moves in any::<bool>(), joiner in any::<bool>(),
        approved in any::<bool>(), rank in 0..3u32, since in 0..4i64, reason in 0..6u8, passed_over in prop::bool::weighted(0.1),
        frozen in prop::bool::weighted(0.1),
    ) -> Vec<Queued> {
        let reason = if reason == 0 { WaitReason::ApprovalRequired } else { WaitReason::NoSeat };
        let instead_of = if moves && other != pool { vec![POOLS[other].into()] } else { Vec::new() };
        // Who keeps the turn in two queues may, one cycle later, need it in one of them alone: a grant more then is right.
        let frozen = frozen && !falls;
        let first = Queued { rank, approved, reason, joiner, passed_over, frozen, instead_of, ..waiting(n, POOLS[pool], since) };
        let second = Queued { pool: POOLS[(pool + 1) % 3].into(), reason: WaitReason::NoSeat, ..first.clone() };
        if falls { vec![first, fallback(second, POOLS[pool])] } else { vec![first] }
    }
}

prop_compose! {
    fn any_book()(queue in (0..24u8).prop_map(|n| (0..n).map(any_claim).collect::<Vec<_>>()).prop_flat_map(|claims| claims),
                  seats in prop::array::uniform3(0..8u32)) -> Book {
        let queue: Vec<Queued> = queue.into_iter().flatten().collect();
        let held = |pool: &str| {
            let mut holders: Vec<_> = queue.iter().filter(|q| q.instead_of.iter().any(|p| &**p == pool)).map(|q| &q.person).collect();
            holders.sort();
            holders.dedup();
            u32::try_from(holders.len()).unwrap()
        };
        let pools = POOLS.iter().zip(seats).map(|(name, seats)| ((*name).into(), Seats { seats, held: held(name) })).collect();
        Book { pools, queue }
    }
}

proptest! {
    #[test]
    fn no_round_holds_more_seats_than_were_bought(book in any_book(), automatic: bool) {
        let promotion = if automatic { Promotion::Automatic } else { Promotion::Manual };
        let mut pools = book.pools.clone();
        for round in settle(&book, promotion).rounds {
            for (_, pool) in &round.granted {
                let seats = pools.get_mut(pool).unwrap();
                seats.held += 1;
                prop_assert!(seats.held <= seats.seats);
            }
            for (_, pool) in &round.released {
                pools.get_mut(pool).unwrap().held -= 1;
            }
        }
    }

    #[test]
    fn the_order_of_the_input_changes_nothing(book in any_book(), seed in any::<u64>()) {
        let mut shuffled = book.clone();
        let len = shuffled.queue.len();
        for i in 0..len {
            let j = usize::try_from(seed.rotate_left(u32::try_from(i).unwrap()) % (len as u64)).unwrap();
            shuffled.queue.swap(i, j);
        }
        let sorted = |book: &Book| {
            let mut settlement = settle(book, Promotion::Automatic);
            settlement.left.sort();
            for round in &mut settlement.rounds { round.granted.sort(); round.released.sort(); }
            settlement
        };
        prop_assert_eq!(sorted(&book), sorted(&shuffled));
    }

    #[test]
    fn nobody_who_may_have_a_seat_is_passed_within_a_pool_and_round(book in any_book()) {
        let plain = Book { queue: book.queue.iter().filter(|q| q.fallback_for.is_none()).cloned().collect(), ..book };
        let settlement = settle(&plain, Promotion::Automatic);
        let granted: BTreeSet<_> = settlement.rounds.iter().flat_map(|r| r.granted.iter().cloned()).collect();
        let got = |q: &Queued| granted.contains(&(q.person.clone(), q.pool.clone()));
        for winner in plain.queue.iter().filter(|q| got(q)) {
            for loser in plain.queue.iter().filter(|q| q.pool == winner.pool && !got(q) && !q.frozen && q.has_turn(Promotion::Automatic)) {
                let ahead = (loser.waits() && !winner.waits()) || (loser.waits() == winner.waits() && order(loser, winner).is_lt());
                prop_assert!(!ahead, "{loser:?} was passed by {winner:?}");
            }
        }
    }

    #[test]
    fn settling_again_grants_nothing_more(book in any_book()) {
        let settlement = settle(&book, Promotion::Automatic);
        let mut after = book;
        for round in &settlement.rounds {
            for (_, pool) in &round.granted { after.pools.get_mut(pool).unwrap().held += 1; }
            for (_, pool) in &round.released { after.pools.get_mut(pool).unwrap().held -= 1; }
            after.queue.retain(|q| !round.granted.contains(&(q.person.clone(), q.pool.clone())));
            for claim in &mut after.queue {
                claim.instead_of.retain(|pool| !round.released.contains(&(claim.person.clone(), pool.clone())));
            }
        }
        after.queue.retain(|q| !settlement.left.contains(&(q.person.clone(), q.pool.clone())));
        prop_assert!(settle(&after, Promotion::Automatic).rounds.is_empty());
    }
}
