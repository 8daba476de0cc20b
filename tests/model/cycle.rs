//! One cycle by rules 9 to 15, once more and as plainly as they can be said. It knows nothing of the planner.

use std::collections::BTreeSet;

use seatsync::model::settings::LeaverRule;
use seatsync::model::{LeaveCause, WaitReason};

use super::company::{Company, Pool, REMOVE_AFTER, Time, Who};
use super::guard::{self, Change, HeldBack, Kind};
use super::reference::{Reference, Taken};
use super::seats::{Account, Accounts, Seat, State, queue, taken};
use super::sight::{Sight, Sights};

/// What the guard stops in a plan: kinds of change by directory, but not what was confirmed; and single seats with them.
#[derive(Clone, Debug, Default)]
struct Stops {
    kinds: BTreeSet<(usize, Kind)>,
    seats: BTreeSet<Change>,
}

/// One cycle on what was seen.
pub struct Cycle<'a> {
    pub company: &'a Company,
    pub sights: &'a Sights,
    pub known: &'a Reference,
    pub now: Time,
}

impl Cycle<'_> {
    /// As much as the guard lets through: where there is too much of a kind, all is planned again without it.
    pub fn guarded(&self) -> (Accounts, HeldBack) {
        let before = &self.known.accounts;
        let (mut stops, mut held) = (Stops::default(), HeldBack::new());
        loop {
            let after = self.carry_out(before, &stops);
            let mut unconfirmed = guard::changes(before, &after);
            unconfirmed.retain(|change| !self.is_confirmed(*change));
            let is_stopped = |change: &Change| stops.kinds.contains(&self.key(*change));
            let kept: Vec<Change> = unconfirmed.iter().copied().filter(is_stopped).collect();
            let judged: BTreeSet<_> = unconfirmed.iter().map(|change| self.key(*change)).collect();
            let judge = |key: &(usize, Kind)| {
                let marks = &self.known.marks;
                Some((*key, guard::too_many(self.company, (before, &after), marks, &unconfirmed, *key, self.now)?))
            };
            let refused: HeldBack = judged.iter().filter(|key| !held.contains_key(*key)).filter_map(judge).collect();
            if kept.is_empty() && refused.is_empty() {
                return (after, held);
            }
            stops.seats.extend(kept);
            stops.kinds.extend(refused.keys());
            held.extend(refused);
        }
    }

    /// Everything that the guard would count if it stopped nothing.
    pub fn wanted(&self) -> BTreeSet<Change> {
        let before = &self.known.accounts;
        guard::changes(before, &self.carry_out(before, &Stops::default()))
    }

    pub fn is_confirmed(&self, change: Change) -> bool {
        self.known.confirmed.get(&change).is_some_and(|until| self.now < *until)
    }

    const fn key(&self, change: Change) -> (usize, Kind) {
        (self.company.directory_of(change.who()), change.kind())
    }

    fn stopped(&self, stops: &Stops, change: Change) -> bool {
        stops.kinds.contains(&self.key(change)) && !self.is_confirmed(change)
    }

    /// Who leaves and who asks; then the pools are settled. Whoever gets no seat of the preferred pool in all of the
    /// cycle asks for the fallback too, and all is settled as if that had been clear from the beginning.
    fn carry_out(&self, before: &Accounts, stops: &Stops) -> Accounts {
        let mut asked = before.clone();
        for (who, sight) in &self.sights.of {
            match sight {
                Sight::Left(cause) => self.leave(&mut asked, *who, *cause, stops),
                Sight::Here if self.is_lost(*who) => {}
                Sight::Here => self.ask(&mut asked, *who, stops),
                Sight::Spoiled | Sight::Missing => {}
            }
        }
        for who in &self.sights.updated {
            let person = &self.company.people[*who];
            let Some(account) = asked.get_mut(who).filter(|account| account.suspended.is_none()) else { continue };
            account.nickname = person.nickname;
            let renames = Change::Rename(*who, person.address());
            if !(before.contains_key(who) && self.stopped(stops, renames)) {
                account.address = person.address();
            }
        }
        let mut short = BTreeSet::new();
        loop {
            let settled = self.settle(&asked, &short);
            let more: Vec<Who> = settled.keys().copied().filter(|who| self.needs_fallback(&settled, *who)).collect();
            if more.iter().all(|who| !short.insert(*who)) {
                return settled;
            }
        }
    }

    fn is_here(&self, who: Who) -> bool {
        self.sights.of.get(&who) == Some(&Sight::Here) && !self.is_lost(who)
    }

    /// Another hand deleted the account, and nobody approved another.
    fn is_lost(&self, who: Who) -> bool {
        self.known.taken.get(&who).is_some_and(|taken| *taken != Taken::Approved)
    }

    /// Suspended by default, and the seats freed; kept by `keep`; removed later by `remove`.
    fn leave(&self, accounts: &mut Accounts, who: Who, cause: LeaveCause, stops: &Stops) {
        let account = accounts.get_mut(&who).expect("leavers have accounts");
        match account.suspended {
            None if self.company.rule(cause) == LeaverRule::Keep => {}
            None if self.stopped(stops, Change::Suspend(who)) => {}
            None => {
                account.suspended = Some((cause, self.now));
                account.give_up(State::Waiting, |_| true);
                account.give_up(State::Held, |_| !self.company.suspended_keeps_seat);
            }
            Some((before, _)) if self.company.rule(before) != self.company.rule(cause) => {
                account.suspended = Some((cause, self.now));
            }
            Some((_, at)) => {
                let due = self.company.rule(cause) == LeaverRule::Remove && at + REMOVE_AFTER <= self.now;
                if due && !self.stopped(stops, Change::Remove(who)) {
                    accounts.remove(&who);
                }
            }
        }
    }

    /// A mover gives up places at once, the seat only for another one; with `match = "all"` both at once.
    fn ask(&self, accounts: &mut Accounts, who: Who, stops: &Stops) {
        let newcomer = !accounts.contains_key(&who);
        let account = accounts.entry(who).or_default();
        account.suspended = None;
        let made_again = newcomer && self.known.taken.contains_key(&who);
        let needs_approval = self.company.approve_joiners && !made_again && (newcomer || account.is_unapproved());
        let wanted = self.company.wanted(who);
        for pool in &wanted {
            self.ask_for(account, who, *pool, None, needs_approval);
        }
        let fallback = self.fallback(account, wanted[0]);
        account.give_up(State::Waiting, |pool| !wanted.contains(&pool) && fallback != Some(pool));
        if self.company.match_all {
            let keeps = |pool| wanted.contains(&pool) || stops.seats.contains(&Change::Lose(who, pool));
            account.give_up(State::Held, |pool| !keeps(pool));
        }
    }

    fn ask_for(&self, account: &mut Account, who: Who, pool: Pool, fallback_for: Option<Pool>, needs_approval: bool) {
        let person = &self.company.people[who];
        let created = person.created.unwrap_or_else(|| self.known.first_seen.get(&who).copied().unwrap_or(self.now));
        // Of an account that is made again everything that is asked for in this cycle was approved.
        let first = Seat { approved: self.known.taken.contains_key(&who), ..Seat::first_asked(self.now) };
        let seat = account.seats.entry(pool).or_insert(first);
        (seat.rank, seat.created, seat.fallback_for) = (self.company.rank(who), created, fallback_for);
        seat.since = seat.since.min(self.now);
        if seat.state == State::Past {
            (seat.state, seat.joins) = (State::Waiting, !seat.approved);
        }
        if matches!(seat.gate, None | Some(WaitReason::DomainNotApproved)) {
            let domain = self.company.approved_domains && person.outsider;
            seat.gate = if needs_approval {
                Some(WaitReason::ApprovalRequired)
            } else {
                domain.then_some(WaitReason::DomainNotApproved)
            };
        }
    }

    /// The pool to take while only a seat is missing of the preferred one.
    fn fallback(&self, account: &Account, preferred: Pool) -> Option<Pool> {
        let waits = account.seats.get(&preferred).is_some_and(Seat::is_open);
        self.company.pools[preferred].fallback.filter(|_| waits && !self.company.match_all)
    }

    /// Got no seat of the preferred pool; of who was not read, what counts is what was asked before.
    fn needs_fallback(&self, settled: &Accounts, who: Who) -> bool {
        let account = &settled[&who];
        if self.is_here(who) {
            return self.fallback(account, self.company.wanted(who)[0]).is_some();
        }
        let waits = |seat: &Seat| seat.fallback_for.is_some_and(|preferred| account.seats[&preferred].is_open());
        account.seats.values().any(waits)
    }

    /// Seats are granted, then what their new holders held before is freed, then granted in turn.
    fn settle(&self, asked: &Accounts, short: &BTreeSet<Who>) -> Accounts {
        let mut accounts = asked.clone();
        for who in short.iter().filter(|who| self.is_here(**who)) {
            let account = accounts.get_mut(who).expect("asked");
            let preferred = self.company.wanted(*who)[0];
            if let Some(fallback) = self.fallback(account, preferred) {
                self.ask_for(account, *who, fallback, Some(preferred), false);
            }
        }
        loop {
            let before = accounts.clone();
            for (who, account) in accounts.iter_mut().filter(|(who, _)| self.is_here(**who)) {
                self.give_up_the_old(account, *who);
            }
            for pool in 0..self.company.pools.len() {
                self.grant(&mut accounts, pool, short);
            }
            if accounts == before {
                return accounts;
            }
        }
    }

    /// With the preferred seat everything else is given up, with the fallback's what was held before.
    fn give_up_the_old(&self, account: &mut Account, who: Who) {
        let preferred = self.company.wanted(who)[0];
        if self.company.match_all {
            return;
        }
        if account.is(preferred, State::Held) {
            account.give_up(State::Waiting, |_| true);
            account.give_up(State::Held, |pool| pool != preferred);
        } else if let Some(fallback) = self.fallback(account, preferred).filter(|pool| account.is(*pool, State::Held)) {
            account.give_up(State::Held, |pool| pool != fallback);
        }
    }

    /// Free seats go to those who wait, in order, then to joiners; nobody overtakes.
    fn grant(&self, accounts: &mut Accounts, pool: Pool, short: &BTreeSet<Who>) {
        let mut free =
            self.company.pools[pool].seats.saturating_sub(taken(accounts, pool) + self.known.held_by_strangers(pool));
        let mut order = queue(accounts, pool);
        order.sort_by_key(|who| accounts[who].seats[&pool].joins);
        let mut closed_to_joiners = false;
        for who in order {
            let stands_aside = !self.is_here(who) && self.sights.of.contains_key(&who);
            let account = accounts.get_mut(&who).expect("waits");
            let preferred = account.seats[&pool].fallback_for;
            let has_preferred = preferred.is_some_and(|preferred| !account.is(preferred, State::Waiting));
            let asks_too_much = preferred.is_some() && (has_preferred || !short.contains(&who));
            let seat = account.seats.get_mut(&pool).expect("waits");
            if !seat.is_open() || stands_aside || asks_too_much {
                continue;
            }
            let may = if seat.joins { !closed_to_joiners } else { self.company.automatic || seat.approved };
            if !may || free == 0 {
                closed_to_joiners = true;
                continue;
            }
            free -= 1;
            // What would be theirs whose directory was not read whole stays free until it was.
            let frozen = self.sights.frozen.contains(&self.company.directory_of(who));
            seat.state = if frozen { State::Reserved } else { State::Held };
        }
    }
}
