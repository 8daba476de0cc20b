//! Seats and queues by rules 9 to 15, once more and as plainly as they can be said. It knows nothing of the planner.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use seatsync::model::change::Verdict;
use seatsync::model::settings::LeaverRule;
use seatsync::model::{LeaveCause, WaitReason};

use super::company::{Company, Fault, Pool, REMOVE_AFTER, Time, Who};
use super::sight::{Sight, Sights, look};

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
    pub suspended: Option<(LeaveCause, Time)>,
    pub nickname: u8,
    pub seats: BTreeMap<Pool, Seat>,
}

pub type Accounts = BTreeMap<Who, Account>;

#[derive(Clone, Debug, Default)]
pub struct Reference {
    pub accounts: Accounts,
    /// Looked for once where nobody was by that anchor, though the parent could be read (rule 2).
    pub missed: BTreeSet<Who>,
    pub first_seen: BTreeMap<Who, Time>,
}

impl Seat {
    const fn first_asked(now: Time) -> Self {
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

    fn is_open(&self) -> bool {
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
    fn is_unapproved(&self) -> bool {
        let waits = |seat: &Seat| seat.gate == Some(WaitReason::ApprovalRequired) || seat.state == State::Denied;
        let is_in = |seat: &Seat| seat.approved || seat.state == State::Held;
        self.seats.values().any(waits) && !self.seats.values().any(is_in)
    }

    /// Gives up whatever is held or waited for in these pools.
    fn give_up(&mut self, state: State, pools: impl Fn(Pool) -> bool) {
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

fn taken(accounts: &Accounts, pool: Pool) -> u32 {
    let reserved = accounts.values().filter(|account| account.is(pool, State::Reserved)).count();
    held(accounts, pool) + u32::try_from(reserved).expect("few")
}

/// What a cycle comes to, if nobody dies.
#[derive(Clone, Debug)]
pub struct Foresight {
    pub after: Reference,
    pub sights: Sights,
}

/// One cycle on what was seen.
struct Cycle<'a> {
    company: &'a Company,
    sights: &'a Sights,
    first_seen: &'a BTreeMap<Who, Time>,
    now: Time,
}

impl Cycle<'_> {
    /// Who leaves and who asks; then the pools are settled. Whoever gets no seat of the preferred pool in all of the
    /// cycle asks for the fallback too, and all is settled as if that had been clear from the beginning.
    fn carry_out(&self, before: &Accounts) -> Accounts {
        let mut asked = before.clone();
        for (who, sight) in &self.sights.of {
            match sight {
                Sight::Left(cause) => self.leave(&mut asked, *who, *cause),
                Sight::Here => self.ask(&mut asked, *who),
                Sight::Spoiled | Sight::Missing => {}
            }
        }
        for who in &self.sights.updated {
            if let Some(account) = asked.get_mut(who).filter(|account| account.suspended.is_none()) {
                account.nickname = self.company.people[*who].nickname;
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
        self.sights.of.get(&who) == Some(&Sight::Here)
    }

    /// Suspended by default, and the seats freed; kept by `keep`; removed later by `remove`.
    fn leave(&self, accounts: &mut Accounts, who: Who, cause: LeaveCause) {
        let account = accounts.get_mut(&who).expect("leavers have accounts");
        match account.suspended {
            None if self.company.rule(cause) == LeaverRule::Keep => {}
            None => {
                account.suspended = Some((cause, self.now));
                account.give_up(State::Waiting, |_| true);
                account.give_up(State::Held, |_| !self.company.suspended_keeps_seat);
            }
            Some((before, _)) if self.company.rule(before) != self.company.rule(cause) => {
                account.suspended = Some((cause, self.now));
            }
            Some((_, at)) => {
                if self.company.rule(cause) == LeaverRule::Remove && at + REMOVE_AFTER <= self.now {
                    accounts.remove(&who);
                }
            }
        }
    }

    /// A mover gives up places at once, the seat only for another one; with `match = "all"` both at once.
    fn ask(&self, accounts: &mut Accounts, who: Who) {
        let newcomer = !accounts.contains_key(&who);
        let account = accounts.entry(who).or_default();
        account.suspended = None;
        let needs_approval = self.company.approve_joiners && (newcomer || account.is_unapproved());
        let wanted = self.company.wanted(who);
        for pool in &wanted {
            self.ask_for(account, who, *pool, None, needs_approval);
        }
        let fallback = self.fallback(account, wanted[0]);
        account.give_up(State::Waiting, |pool| !wanted.contains(&pool) && fallback != Some(pool));
        if self.company.match_all {
            account.give_up(State::Held, |pool| !wanted.contains(&pool));
        }
    }

    fn ask_for(&self, account: &mut Account, who: Who, pool: Pool, fallback_for: Option<Pool>, needs_approval: bool) {
        let person = &self.company.people[who];
        let created = person.created.unwrap_or_else(|| self.first_seen.get(&who).copied().unwrap_or(self.now));
        let seat = account.seats.entry(pool).or_insert_with(|| Seat::first_asked(self.now));
        (seat.rank, seat.created, seat.fallback_for) = (self.company.rank(who), created, fallback_for);
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
        let mut free = self.company.pools[pool].seats.saturating_sub(taken(accounts, pool));
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

impl Reference {
    pub fn foresee(&self, company: &Company, faults: &[Fault], now: Time) -> Foresight {
        let sights = look(company, faults, self, now);
        let cycle = Cycle { company, sights: &sights, first_seen: &self.first_seen, now };
        let mut after = self.clone();
        after.accounts = cycle.carry_out(&self.accounts);
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
        self.missed.extend(sights.missed.iter());
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

    /// Without its state the agent knows nobody's first sight, and misses nobody; the ledger keeps the rest.
    pub fn lose_state(&mut self) {
        self.first_seen.clear();
        self.missed.clear();
    }

    /// What a person decides of every pool that it fits. False: of none.
    pub fn decide(&mut self, who: Who, verdict: Verdict) -> bool {
        let Some(account) = self.accounts.get_mut(&who) else { return false };
        // A suspended account stands in no queue: what would wait is remembered.
        let waiting = if account.suspended.is_some() { State::Past } else { State::Waiting };
        let mut fits = false;
        for seat in account.seats.values_mut() {
            match (verdict, seat.state) {
                (Verdict::Approve, State::Past) if seat.gate.is_none() => continue,
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
