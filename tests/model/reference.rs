//! What the reference knows between cycles, and what becomes of it.

use std::collections::{BTreeMap, BTreeSet};

use seatsync::model::WaitReason;
use seatsync::model::change::Verdict;

use super::company::{Company, DAY, Fault, Place, Pool, Time, Who};
use super::cycle::Cycle;
use super::guard::{self, Change, HeldBack, Mark};
use super::history::Hand;
use super::seats::{Accounts, Seat, State};
use super::sight::{Sight, Sights, look};

#[derive(Clone, Debug, Default)]
pub struct Reference {
    pub accounts: Accounts,
    /// Looked for once where nobody was by that anchor, though the parent could be read, or a tombstone (rule 2).
    pub missed: BTreeSet<Who>,
    pub first_seen: BTreeMap<Who, Time>,
    /// Whose account another hand deleted.
    pub taken: BTreeMap<Who, Taken>,
    /// The pools of seats held by accounts that are not the agent's.
    pub strangers: Vec<Pool>,
    pub marks: Vec<Mark>,
    /// Changes that may pass, and until when.
    pub confirmed: BTreeMap<Change, Time>,
    /// What the last cycle held back.
    pub held: HeldBack,
}

/// What is known of an account that another hand deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    Unseen,
    Seen,
    /// By a person: the account may be made again.
    Approved,
}

/// What a cycle comes to, if nobody dies.
#[derive(Clone, Debug)]
pub struct Foresight {
    pub after: Reference,
    pub sights: Sights,
}

impl Reference {
    pub fn foresee(&self, company: &Company, faults: &[Fault], now: Time) -> Foresight {
        let sights = look(company, faults, self, now);
        let mut after = self.clone();
        let cycle = Cycle { company, sights: &sights, known: self, now };
        (after.accounts, after.held) = cycle.guarded();
        for change in guard::changes(&self.accounts, &after.accounts) {
            after.marks.push(Mark { change, confirmed: cycle.is_confirmed(change), at: now });
            after.confirmed.remove(&change);
        }
        let wanted = cycle.wanted();
        let is_armed =
            |change: &Change| sights.frozen.contains(&company.directory_of(change.who())) || wanted.contains(change);
        after.confirmed.retain(|change, _| is_armed(change));
        after.remember(company, &sights, now);
        Foresight { after, sights }
    }

    /// Who was seen first, and who is missed; of somebody gone who never had an account nothing is kept.
    fn remember(&mut self, company: &Company, sights: &Sights, now: Time) {
        for who in 0..company.people.len() {
            if sights.shown.contains(&who) {
                self.first_seen.entry(who).or_insert(now);
                self.missed.remove(&who);
            } else if !sights.frozen.contains(&company.directory_of(who)) && !self.accounts.contains_key(&who) {
                self.first_seen.remove(&who);
                self.missed.remove(&who);
            }
        }
        // Whoever was looked for and judged is known from then on, seen in a read or not.
        let judged = |who: &&Who| matches!(sights.of[*who], Sight::Left(_)) || sights.missed.contains(*who);
        for who in sights.sought.iter().filter(judged) {
            self.first_seen.entry(*who).or_insert(now);
        }
        self.taken.values_mut().filter(|taken| **taken == Taken::Unseen).for_each(|taken| *taken = Taken::Seen);
        self.taken.retain(|who, _| !self.accounts.contains_key(who));
        let found = |who: &Who| sights.sought.contains(who) && company.people[*who].place != Place::Nowhere;
        self.missed.retain(|who| !found(who));
        self.missed.extend(&sights.missed);
        self.end_cycle();
    }

    /// Who joined waits from now on like everyone else.
    fn end_cycle(&mut self) {
        for seat in self.accounts.values_mut().flat_map(|account| account.seats.values_mut()) {
            seat.joins = false;
            if seat.state == State::Reserved {
                seat.state = State::Waiting;
            }
        }
    }

    /// Lets through what is held back now, for a day.
    pub fn confirm(&mut self, now: Time) {
        let held = self.held.values().flat_map(|held| &held.changes);
        self.confirmed.extend(held.map(|change| (*change, now + DAY)));
    }

    pub fn held_by_strangers(&self, pool: Pool) -> u32 {
        u32::try_from(self.strangers.iter().filter(|held| **held == pool).count()).expect("few")
    }

    /// What another hand took away is not asked for again; what strangers hold is held.
    pub fn by_hand(&mut self, hand: Hand) {
        // Before the first cycle there is no ledger to lay hands on.
        if self.accounts.is_empty() {
            return;
        }
        match hand {
            Hand::TakesAccount(who) => {
                if self.accounts.remove(&who).is_some() {
                    self.taken.insert(who, Taken::Unseen);
                }
            }
            Hand::TakesSeat(who, pool) => {
                if let Some(account) = self.accounts.get_mut(&who).filter(|account| account.is(pool, State::Held)) {
                    account.seats.insert(pool, Seat::taken_away());
                }
            }
            Hand::AddsStranger(pool) => self.strangers.push(pool),
            Hand::RemovesStrangers => self.strangers.clear(),
        }
    }

    /// Without its state the agent knows nobody's first sight, misses nobody, and cannot tell who was taken away; the
    /// ledger keeps the rest.
    pub fn lose_state(&mut self) {
        self.first_seen.clear();
        self.missed.clear();
        self.held.clear();
        self.taken.clear();
    }

    /// What a person decides of every pool that it fits. False: of none.
    pub fn decide(&mut self, who: Who, verdict: Verdict) -> bool {
        if let Some(taken) = self.taken.get_mut(&who).filter(|taken| **taken != Taken::Unseen)
            && verdict == Verdict::Approve
        {
            *taken = Taken::Approved;
            return true;
        }
        let Some(account) = self.accounts.get_mut(&who) else { return false };
        // A suspended account stands in no queue: what would wait is remembered.
        let waiting = if account.suspended.is_some() { State::Past } else { State::Waiting };
        let mut fits = false;
        for seat in account.seats.values_mut() {
            match (verdict, seat.state) {
                (Verdict::Approve, State::Past) if seat.gate.is_none() || seat.is_unknown() => continue,
                (Verdict::Approve, State::Past) => seat.approved = true,
                (Verdict::Approve, State::Waiting | State::Denied) => {
                    (seat.state, seat.approved) = (waiting, true);
                }
                (Verdict::Deny, State::Waiting | State::Denied) => {
                    (seat.state, seat.approved) = (State::Denied, false);
                }
                (Verdict::Release, State::Held) => {
                    (seat.state, seat.approved) = (waiting, false);
                    seat.gate = Some(WaitReason::RemovedElsewhere);
                }
                (Verdict::Release, State::Waiting) if seat.gate == Some(WaitReason::RemovedElsewhere) => {}
                _ => continue,
            }
            if seat.approved {
                seat.gate = None;
            }
            fits = true;
        }
        fits
    }
}
