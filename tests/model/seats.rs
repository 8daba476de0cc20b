//! Accounts, seats and queues, as the reference has them.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use seatsync::model::{LeaveCause, WaitReason};

use super::company::{Pool, Time, Who};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Held,
    Waiting,
    Denied,
    /// Waits, and would be given a seat that is free if the directory had been read whole; only within a cycle.
    Reserved,
    /// Asked once, and neither holds nor waits now: `since`, approval and gate are kept for a return.
    Past,
}

/// One person's standing in one pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    pub state: State,
    pub since: Time,
    pub approved: bool,
    /// What it waits for besides a free seat.
    pub gate: Option<WaitReason>,
    pub rank: u32,
    pub created: Time,
    /// Asked for because this preferred pool had no seat.
    pub fallback_for: Option<Pool>,
    /// Asks in this cycle, and did not wait before.
    pub joins: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// The cause, and since when the grace period runs.
    pub suspended: Option<(LeaveCause, Time)>,
    pub nickname: u8,
    /// The mail address, as `Person::address` tells it.
    pub address: (u8, bool),
    pub seats: BTreeMap<Pool, Seat>,
}

pub type Accounts = BTreeMap<Who, Account>;

impl Seat {
    pub const fn first_asked(now: Time) -> Self {
        Self {
            state: State::Past,
            since: now,
            approved: false,
            gate: None,
            rank: 0,
            created: now,
            fallback_for: None,
            joins: false,
        }
    }

    /// What is left of a seat that another hand took away with all that was known of it.
    pub fn taken_away() -> Self {
        Self { gate: Some(WaitReason::RemovedElsewhere), ..Self::first_asked(Time::MAX) }
    }

    /// The ledger has no row of it, since another hand took it away and no cycle has asked again.
    pub const fn is_unknown(&self) -> bool {
        self.since == Time::MAX
    }

    pub fn is_open(&self) -> bool {
        self.state == State::Waiting && (self.approved || self.gate.is_none())
    }

    pub fn reason(&self) -> WaitReason {
        self.gate.filter(|_| !self.approved).unwrap_or(WaitReason::NoSeat)
    }
}

impl Account {
    pub fn is(&self, pool: Pool, state: State) -> bool {
        self.seats.get(&pool).is_some_and(|seat| seat.state == state)
    }

    /// Nobody let this newcomer in yet, whichever pool is asked for now.
    pub fn is_unapproved(&self) -> bool {
        let waits = |seat: &Seat| seat.gate == Some(WaitReason::ApprovalRequired) || seat.state == State::Denied;
        let is_in = |seat: &Seat| seat.approved || seat.state == State::Held;
        self.seats.values().any(waits) && !self.seats.values().any(is_in)
    }

    /// Gives up whatever is held or waited for in these pools.
    pub fn give_up(&mut self, state: State, pools: impl Fn(Pool) -> bool) {
        for (_, seat) in self.seats.iter_mut().filter(|(pool, seat)| seat.state == state && pools(**pool)) {
            (seat.state, seat.fallback_for) = (State::Past, None);
        }
    }
}

/// The queue of a pool: rank, approved, since, created, anchor (the people are numbered by anchor).
pub fn queue(accounts: &Accounts, pool: Pool) -> Vec<Who> {
    let place = |(who, account): (&Who, &Account)| {
        let seat = account.seats.get(&pool).filter(|seat| seat.state == State::Waiting)?;
        Some((seat.rank, Reverse(seat.approved), seat.since, seat.created, *who))
    };
    let mut places: Vec<_> = accounts.iter().filter_map(place).collect();
    places.sort_unstable();
    places.into_iter().map(|place| place.4).collect()
}

pub fn held(accounts: &Accounts, pool: Pool) -> u32 {
    u32::try_from(accounts.values().filter(|account| account.is(pool, State::Held)).count()).expect("few")
}

/// Held, or kept free for somebody who was not read.
pub fn taken(accounts: &Accounts, pool: Pool) -> u32 {
    let reserved = accounts.values().filter(|account| account.is(pool, State::Reserved)).count();
    held(accounts, pool) + u32::try_from(reserved).expect("few")
}
