//! Settling the pools at the end of a batch, with the planner's own function.

use super::steps::give_up;
use super::{Entry, Excerpt, RuleError, set_state};
use crate::model::change::Allocation;
use crate::model::{Account, Assignment, Name, PersonId, PoolCount, SeatState, WaitReason};
use crate::plan::seats::{Book, Queued, Seats, settle};

/// Everyone's places in the queues, as they are shown.
#[must_use]
pub fn queue(accounts: &[Account]) -> Vec<Queued> {
    let mut queue = Vec::new();
    for account in accounts {
        let person = account.claimant();
        for seat in account.seats.iter().filter(|seat| account.is_served(seat)) {
            if let SeatState::Waiting(reason) = seat.state {
                queue.push(queued(account, &person, seat, reason, &Allocation::default(), false));
            }
        }
    }
    queue
}

fn queued(
    account: &Account,
    person: &PersonId,
    seat: &Assignment,
    reason: WaitReason,
    allocation: &Allocation,
    joiner: bool,
) -> Queued {
    Queued {
        person: person.clone(),
        pool: seat.pool.clone(),
        rank: seat.rank,
        approved: seat.approved,
        since: seat.since,
        created: seat.created,
        reason,
        joiner,
        passed_over: account.suspension.is_some() || allocation.passed_over.contains(person),
        frozen: allocation.frozen.contains(&person.directory),
        fallback_for: seat.fallback_for.clone(),
        instead_of: account.given_up_for(seat),
    }
}

impl Excerpt {
    /// Whether some pool has both a free seat and somebody in its queue. If not, settling would change nothing; if so,
    /// everyone who waits in any pool must be loaded first, since one grant can free the seat for the next.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.pools.values().any(|pool| pool.free() > 0 && pool.waiting > 0)
    }

    /// Grants the free seats.
    ///
    /// # Errors
    /// Where a grant would exceed a pool: nothing may be stored then.
    pub fn settle(&mut self, allocation: &Allocation) -> Result<(), RuleError> {
        let settlement = settle(&self.book(allocation), allocation.promotion);
        for round in &settlement.rounds {
            for (person, pool) in &round.granted {
                self.grant(person, pool)?;
            }
            for (person, pool) in &round.released {
                self.give_back(person, pool, Assignment::is_held);
            }
        }
        for (person, pool) in &settlement.left {
            self.give_back(person, pool, Assignment::is_waiting);
        }
        Ok(())
    }

    /// Everyone who waits. A place of an unmanaged account that nobody asked for is never given anything, and stops
    /// nobody.
    fn book(&self, allocation: &Allocation) -> Book {
        let seats = |pool: &PoolCount| Seats { seats: pool.seats, held: pool.held };
        let pools = self.pools.iter().map(|(name, pool)| (name.clone(), seats(pool))).collect();
        let mut queue = Vec::new();
        for Entry { account, .. } in self.accounts.values() {
            let person = account.claimant();
            for seat in account.seats.iter().filter(|seat| account.is_served(seat)) {
                if let SeatState::Waiting(reason) = seat.state {
                    let joiner = self.joiners.contains(&(person.clone(), seat.pool.clone()));
                    queue.push(queued(account, &person, seat, reason, allocation, joiner));
                }
            }
        }
        Book { pools, queue }
    }

    fn grant(&mut self, person: &PersonId, pool: &Name) -> Result<(), RuleError> {
        if let Some(count) = self.pools.get(pool).filter(|count| count.free() == 0) {
            return Err(RuleError::Overrun { pool: pool.clone(), seats: count.seats });
        }
        let not_waiting = || RuleError::NotWaiting { pool: pool.clone(), person: person.clone() };
        let id = self.owners.get(person).ok_or_else(not_waiting)?;
        let account = self.accounts.get_mut(id).ok_or_else(not_waiting)?.edit();
        let waiting = |seat: &&mut Assignment| seat.pool == *pool && seat.is_waiting();
        let seat = account.seats.iter_mut().find(waiting).ok_or_else(not_waiting)?;
        set_state(&mut self.pools, pool, Some(seat.state), SeatState::Held);
        self.granted.insert(pool.clone());
        seat.state = SeatState::Held;
        seat.ours = true;
        seat.instead_of.clear();
        let preferred = seat.fallback_for.clone();
        let stood_in_for = |other: &&mut Assignment| preferred.as_ref() == Some(&other.pool) && other.is_waiting();
        if let Some(waiting) = account.seats.iter_mut().find(stood_in_for).filter(|w| !w.instead_of.contains(pool)) {
            waiting.instead_of.push(pool.clone());
        }
        Ok(())
    }

    /// Gives up a seat held, or a place in a queue, for the sake of a grant.
    fn give_back(&mut self, person: &PersonId, pool: &Name, which: fn(&Assignment) -> bool) {
        let Some(id) = self.owners.get(person) else { return };
        let Some(entry) = self.accounts.get_mut(id) else { return };
        let seat = entry.edit().seats.iter_mut().find(|seat| seat.pool == *pool && which(seat));
        if let Some(seat) = seat {
            give_up(&mut self.pools, seat);
        }
    }
}
