//! Movers between full pools who wait for one another's seats: none of them moves until somebody else makes room
//! (rule 12).

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::model::{Account, Name, SeatState, WaitReason};

/// The pools of the shortest ring that this account waits in, from the one it holds a seat of, round to it again.
#[must_use]
pub fn ring(account: &Account, all: &[Account], bought: &BTreeMap<Name, u32>) -> Option<Vec<Name>> {
    let full = full(all, bought);
    let mut ways: BTreeMap<Name, BTreeSet<Name>> = BTreeMap::new();
    for (from, to) in all.iter().flat_map(moves).filter(|(from, to)| full.contains(from) && full.contains(to)) {
        ways.entry(from).or_default().insert(to);
    }
    let rings = moves(account).filter(|(from, to)| full.contains(from) && full.contains(to));
    let rings = rings.filter_map(|(from, to)| {
        let back = way(&ways, &to, &from)?;
        Some(std::iter::once(from).chain(back).collect::<Vec<_>>())
    });
    rings.min_by_key(Vec::len)
}

/// From which pool to which this account would move, were there a seat.
fn moves(account: &Account) -> impl Iterator<Item = (Name, Name)> {
    let active = account.is_managed() && account.suspension.is_none();
    let waits = account.seats.iter().filter(move |seat| active && seat.state == SeatState::Waiting(WaitReason::NoSeat));
    waits.flat_map(|seat| account.given_up_for(seat).into_iter().map(|from| (from, seat.pool.clone())))
}

/// Pools without a free seat, as far as the state knows.
fn full(all: &[Account], bought: &BTreeMap<Name, u32>) -> BTreeSet<Name> {
    let mut held: BTreeMap<&Name, u32> = BTreeMap::new();
    for seat in all.iter().flat_map(|account| &account.seats).filter(|seat| seat.is_held()) {
        *held.entry(&seat.pool).or_default() += 1;
    }
    let is_full = |(pool, seats): &(&Name, &u32)| held.get(pool).is_some_and(|held| held >= seats);
    bought.iter().filter(is_full).map(|(pool, _)| pool.clone()).collect()
}

/// The shortest way, both ends included.
fn way(ways: &BTreeMap<Name, BTreeSet<Name>>, from: &Name, to: &Name) -> Option<Vec<Name>> {
    let mut before: BTreeMap<&Name, &Name> = BTreeMap::new();
    let mut reached = VecDeque::from([from]);
    while let Some(here) = reached.pop_front() {
        if here == to {
            let mut way: Vec<Name> =
                std::iter::successors(Some(here), |pool| before.get(*pool).copied()).cloned().collect();
            way.reverse();
            return Some(way);
        }
        for next in ways.get(here).into_iter().flatten() {
            if next != from && !before.contains_key(next) {
                before.insert(next, here);
                reached.push_back(next);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AccountId, Anchor, Assignment, PersonId, Profile};
    use jiff::Timestamp;

    fn seat(pool: &str, state: SeatState, instead_of: &[&str]) -> Assignment {
        Assignment {
            pool: pool.into(),
            state,
            since: Timestamp::UNIX_EPOCH,
            approved: false,
            rank: 0,
            created: Timestamp::UNIX_EPOCH,
            fallback_for: None,
            instead_of: instead_of.iter().map(|pool| (*pool).into()).collect(),
            ours: true,
        }
    }

    /// Somebody who holds a seat of one pool and waits for one of another.
    fn mover(number: u8, from: &str, to: &str) -> Account {
        let waiting = SeatState::Waiting(WaitReason::NoSeat);
        Account {
            id: AccountId(number.to_string().into()),
            owner: Some(PersonId::new("corp".into(), Anchor::from_bytes([number; 16]))),
            external: None,
            adopted: false,
            profile: Profile::default(),
            suspension: None,
            seats: vec![seat(from, SeatState::Held, &[]), seat(to, waiting, &[from])],
        }
    }

    fn pools(seats: u32) -> BTreeMap<Name, u32> {
        ["a", "b", "c"].into_iter().map(|pool| (pool.into(), seats)).collect()
    }

    fn names(ring: Option<Vec<Name>>) -> Option<String> {
        ring.map(|pools| pools.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn two_who_want_each_others_seat_are_a_ring_and_so_are_three() {
        let two = [mover(1, "a", "b"), mover(2, "b", "a")];
        assert_eq!(names(ring(&two[0], &two, &pools(1))).as_deref(), Some("a b a"));
        let three = [mover(1, "a", "b"), mover(2, "b", "c"), mover(3, "c", "a")];
        assert_eq!(names(ring(&three[1], &three, &pools(1))).as_deref(), Some("b c a b"));
    }

    #[test]
    fn who_waits_behind_a_ring_is_not_in_it() {
        let accounts = [mover(1, "a", "b"), mover(2, "b", "a"), mover(3, "c", "a")];
        assert_eq!(ring(&accounts[2], &accounts, &pools(1)), None);
    }

    #[test]
    fn a_free_seat_anywhere_in_it_opens_a_ring() {
        let accounts = [mover(1, "a", "b"), mover(2, "b", "a")];
        let mut roomy = pools(1);
        roomy.insert("b".into(), 2);
        assert_eq!(ring(&accounts[0], &accounts, &roomy), None);
    }

    #[test]
    fn who_waits_for_a_person_or_gives_nothing_up_is_in_none() {
        let mut asks = mover(1, "a", "b");
        asks.seats[1].state = SeatState::Waiting(WaitReason::ApprovalRequired);
        let mut keeps = mover(1, "a", "b");
        keeps.seats[1].instead_of.clear();
        for account in [asks, keeps] {
            let accounts = [account, mover(2, "b", "a")];
            assert_eq!(ring(&accounts[0], &accounts, &pools(1)), None);
            assert_eq!(ring(&accounts[1], &accounts, &pools(1)), None);
        }
    }
}
