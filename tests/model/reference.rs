//! What the engine should do, said as simply as we can, with nothing of the engine's planning in it.
//!
//! Everything is small and everything is recomputed: no waves, no batches, no journal. One seat is granted at a time.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use seatsync::model::change::GuardKind;
use seatsync::model::settings::LeaverRule;
use seatsync::model::{LeaveCause, Name, PersonId, Profile, SeatState, WaitReason};

use super::directory::profile;
use super::setup::{Fault, Place, REMOVE_AFTER, Setup, WINDOW, directory_name, hour, mail, pool_name};

/// An account as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub profile: Profile,
    pub suspended: Option<Timestamp>,
    /// By the pool's place in the config.
    pub seats: BTreeMap<usize, Seat>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    pub state: SeatState,
    pub since: Timestamp,
    pub approved: bool,
    pub rank: u32,
    pub created: Timestamp,
    pub fallback_for: Option<usize>,
}

/// A change that the guard counts: who, what, and the new value.
pub type Counted = (PersonId, &'static str, String);
pub type Key = (Name, GuardKind);

#[derive(Clone, Debug)]
struct Mark {
    who: PersonId,
    kind: GuardKind,
    /// Whose seat was lost, where the account stayed.
    pool: Option<usize>,
    confirmed: bool,
    at: Timestamp,
}

/// The numbers with which something was held back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    pub count: usize,
    pub recent: usize,
    pub of: usize,
    pub limit: usize,
}

#[derive(Clone, Debug, Default)]
pub struct Reference {
    pub accounts: BTreeMap<PersonId, Account>,
    /// Read as gone without a trace, and not found since.
    missed: BTreeSet<PersonId>,
    first_seen: BTreeMap<PersonId, Timestamp>,
    marks: Vec<Mark>,
    confirmed: Vec<(BTreeSet<Counted>, Timestamp)>,
    pub held: BTreeSet<Counted>,
}

/// What a read says of somebody.
#[derive(Clone, Debug)]
enum Verdict {
    Wants { profile: Profile, created: Timestamp, rank: u32, asks: Vec<usize> },
    Leaves(LeaveCause),
    Unusable,
}

/// One pass, as it should go.
#[derive(Clone, Debug)]
pub struct Pass {
    pub accounts: BTreeMap<PersonId, Account>,
    /// Changes that matter to nobody else and come last.
    pub details: BTreeMap<PersonId, Profile>,
    pub held: BTreeMap<Key, Tally>,
    pub held_changes: BTreeSet<Counted>,
    /// Somebody was missed for the first time: the next pass knows more.
    pub unsettled: bool,
    marks: Vec<Mark>,
}

/// One way a pass may go.
struct Attempt {
    accounts: BTreeMap<PersonId, Account>,
    details: BTreeMap<PersonId, Profile>,
    counted: Vec<(Counted, Option<usize>)>,
    /// Who joins or comes back.
    arriving: BTreeSet<PersonId>,
}

/// A queue's people who get nothing now, and those who have only just come.
#[derive(Default)]
struct Queue {
    passed_over: BTreeSet<PersonId>,
    frozen: BTreeSet<Name>,
    joiners: BTreeSet<(PersonId, usize)>,
    /// Who may take a fallback, for which pool.
    fallbacks: BTreeMap<PersonId, (usize, usize, u32)>,
    gains: BTreeMap<PersonId, usize>,
    now: Timestamp,
}

fn kind(change: &Counted) -> GuardKind {
    if change.1 == "update" { GuardKind::Renaming } else { GuardKind::Leaving }
}

fn names(profile: &Profile) -> [String; 2] {
    [profile.user_name.to_lowercase(), profile.email.to_lowercase()]
}

/// Gives up a seat or a place; what was asked for is remembered.
fn give_up(seat: &mut Seat) {
    seat.state = match seat.state {
        SeatState::Held | SeatState::Waiting(WaitReason::NoSeat) => SeatState::Past(None),
        SeatState::Waiting(reason) => SeatState::Past(Some(reason)),
        _ => return,
    };
    seat.fallback_for = None;
}

impl Account {
    fn waits(&self, pool: usize) -> bool {
        self.seats.get(&pool).is_some_and(|seat| matches!(seat.state, SeatState::Waiting(_)))
    }

    fn holds(&self, pool: usize) -> bool {
        self.seats.get(&pool).is_some_and(|seat| seat.state == SeatState::Held)
    }

    fn give_up_all(&mut self, which: impl Fn(usize, &Seat) -> bool) {
        for (_, seat) in self.seats.iter_mut().filter(|(pool, seat)| which(**pool, seat)) {
            give_up(seat);
        }
    }
}

impl Reference {
    // ---- what people decide -------------------------------------------------------------------------------------

    pub fn approve(&mut self, who: &PersonId) -> bool {
        self.decide(who, |seat| match seat.state {
            SeatState::Waiting(_) | SeatState::Denied => Some((SeatState::Waiting(WaitReason::NoSeat), true)),
            SeatState::Past(Some(_)) => Some((SeatState::Past(None), true)),
            _ => None,
        })
    }

    pub fn deny(&mut self, who: &PersonId) -> bool {
        self.decide(who, |seat| match seat.state {
            SeatState::Waiting(_) | SeatState::Denied => Some((SeatState::Denied, false)),
            _ => None,
        })
    }

    pub fn release(&mut self, who: &PersonId) -> bool {
        let removed = SeatState::Waiting(WaitReason::RemovedElsewhere);
        self.decide(who, |seat| (seat.state == SeatState::Held || seat.state == removed).then_some((removed, false)))
    }

    fn decide(&mut self, who: &PersonId, to: impl Fn(&Seat) -> Option<(SeatState, bool)>) -> bool {
        let Some(account) = self.accounts.get_mut(who) else { return false };
        let suspended = account.suspended.is_some();
        let mut any = false;
        for seat in account.seats.values_mut() {
            if let Some((state, approved)) = to(seat) {
                (seat.state, seat.approved, any) = (state, approved, true);
                // A suspended account stands in no queue.
                if suspended {
                    give_up(seat);
                }
            }
        }
        any
    }

    pub fn confirm(&mut self, expires: Timestamp) {
        if !self.held.is_empty() {
            self.confirmed.push((self.held.clone(), expires));
        }
    }

    pub fn lose_state(&mut self) {
        (self.missed, self.first_seen, self.held) = Default::default();
    }

    // ---- one pass -----------------------------------------------------------------------------------------------

    /// What one pass should come to. What was learned from reading is kept at once; the rest with `carry_out`.
    pub fn pass(&mut self, setup: &Setup, faults: &[Fault], now: Timestamp) -> Pass {
        let missed = self.missed.clone();
        let mut frozen = BTreeSet::new();
        let mut verdicts = BTreeMap::new();
        for directory in 0..setup.directories {
            if !self.read(setup, directory, faults[directory], now, &mut verdicts) {
                frozen.insert(directory_name(directory));
            }
        }
        duplicates(&mut verdicts, &self.accounts);
        let confirmed = self.confirmed.iter().filter(|(_, expires)| *expires > now);
        let confirmed: BTreeSet<Counted> = confirmed.flat_map(|(changes, _)| changes.clone()).collect();
        let mut pass = Pass {
            accounts: BTreeMap::new(),
            details: BTreeMap::new(),
            held: BTreeMap::new(),
            held_changes: BTreeSet::new(),
            unsettled: !self.missed.is_subset(&missed),
            marks: Vec::new(),
        };
        loop {
            let stops = |change: &Counted| {
                pass.held.contains_key(&(change.0.directory.clone(), kind(change))) && !confirmed.contains(change)
            };
            let attempt = self.attempt(setup, &verdicts, &frozen, &stops, now);
            let over = self.over(setup, &attempt, &confirmed, now);
            let over: Vec<_> = over.into_iter().filter(|(key, _)| !pass.held.contains_key(key)).collect();
            if over.is_empty() {
                pass.marks = attempt.marks(&confirmed, now);
                (pass.accounts, pass.details) = (attempt.accounts, attempt.details);
                return pass;
            }
            for (key, tally) in over {
                let of_key = |change: &Counted| change.0.directory == key.0 && kind(change) == key.1;
                let changes = attempt.counted.iter().map(|(change, _)| change).filter(|change| of_key(change));
                pass.held_changes.extend(changes.filter(|change| !confirmed.contains(change)).cloned());
                pass.held.insert(key, tally);
            }
        }
    }

    /// Keeps what was done of a pass.
    pub fn carry_out(&mut self, pass: &Pass, core: bool, details: bool, reported: bool) {
        if core {
            self.accounts.clone_from(&pass.accounts);
            self.marks.extend(pass.marks.iter().cloned());
        }
        if details {
            for (who, profile) in &pass.details {
                self.accounts.get_mut(who).expect("an account").profile = profile.clone();
            }
        }
        if reported {
            self.held.clone_from(&pass.held_changes);
        }
    }

    /// Judges the people of one directory. False: it was not read whole.
    fn read(
        &mut self,
        setup: &Setup,
        directory: usize,
        fault: Fault,
        now: Timestamp,
        verdicts: &mut BTreeMap<PersonId, Verdict>,
    ) -> bool {
        if fault == Fault::Fails {
            return false;
        }
        let people = || setup.people.iter().enumerate().filter(|(_, person)| person.directory == directory);
        let is_seen = |index, place| matches!(place, Place::Enabled | Place::Disabled) && fault.shows(index);
        // Suspended people matter again only when they may be removed.
        let matters = |who: &PersonId| {
            let account = self.accounts.get(who);
            account.is_some_and(|account| account.suspended.is_none_or(|at| at + REMOVE_AFTER <= now))
        };
        let looked_for: Vec<usize> = people()
            .filter(|(index, person)| !is_seen(*index, person.place) && matters(&setup.who(*index)))
            .map(|(index, _)| index)
            .collect();
        let lost = looked_for.iter().any(|index| setup.people[*index].place == Place::Enabled);
        let whole = match fault {
            Fault::Partial(_) => false,
            Fault::LookupFails(_) => looked_for.is_empty(),
            _ => !lost,
        };
        for (index, person) in people().filter(|(index, person)| is_seen(*index, person.place)) {
            let who = setup.who(index);
            self.missed.remove(&who);
            let first_seen = *self.first_seen.entry(who.clone()).or_insert(now);
            let asks = setup.asks(index);
            let verdict = if person.place == Place::Disabled {
                Verdict::Leaves(LeaveCause::Disabled)
            } else if asks.is_empty() {
                Verdict::Leaves(LeaveCause::OutOfScope)
            } else if person.spoiled {
                Verdict::Unusable
            } else {
                let rank = if person.first { directory } else { setup.directories };
                let rank = u32::try_from(rank).expect("few");
                let created = person.created.map_or(first_seen, hour);
                Verdict::Wants { profile: profile(person), created, rank, asks }
            };
            verdicts.insert(who, verdict);
        }
        // Somebody found by a lookup is not missed, whatever else it says.
        if !matches!(fault, Fault::Partial(_) | Fault::LookupFails(_)) {
            for index in looked_for {
                let (who, place) = (setup.who(index), setup.people[index].place);
                let cause = match place {
                    Place::Enabled => None,
                    Place::Disabled => Some(LeaveCause::Disabled),
                    Place::Outside => Some(LeaveCause::OutOfScope),
                    Place::Tombstone => Some(LeaveCause::Deleted),
                    Place::Nowhere if fault == Fault::ParentGone || !whole => continue,
                    Place::Nowhere => (!self.missed.insert(who.clone())).then_some(LeaveCause::Deleted),
                };
                if place != Place::Nowhere {
                    self.missed.remove(&who);
                }
                if whole {
                    self.first_seen.entry(who.clone()).or_insert(now);
                    verdicts.extend(cause.map(|cause| (who, Verdict::Leaves(cause))));
                }
            }
        }
        if whole {
            // Nothing depends on who is not there and has no account.
            for (index, person) in people() {
                let who = setup.who(index);
                if !is_seen(index, person.place) && !self.accounts.contains_key(&who) {
                    self.first_seen.remove(&who);
                }
            }
        }
        whole
    }

    fn attempt(
        &self,
        setup: &Setup,
        verdicts: &BTreeMap<PersonId, Verdict>,
        frozen: &BTreeSet<Name>,
        stops: &dyn Fn(&Counted) -> bool,
        now: Timestamp,
    ) -> Attempt {
        let mut accounts = self.accounts.clone();
        let mut counted = Vec::new();
        // Who leaves.
        for (who, verdict) in verdicts.iter().filter(|(who, _)| !frozen.contains(&who.directory)) {
            let (Verdict::Leaves(cause), Some(account)) = (verdict, accounts.get_mut(who)) else { continue };
            let change = match (setup.rule(*cause), account.suspended) {
                (LeaverRule::Suspend | LeaverRule::Remove, None) => "suspend",
                (LeaverRule::Remove, Some(at)) if at + REMOVE_AFTER <= now => "remove",
                _ => continue,
            };
            let change = (who.clone(), change, String::new());
            if stops(&change) {
                continue;
            }
            if change.1 == "remove" {
                accounts.remove(who);
            } else {
                account.suspended = Some(now);
                account.give_up_all(|_, seat| !(setup.suspended_keeps_seat && seat.state == SeatState::Held));
            }
            counted.push((change, None));
        }
        // Who is served: what they are to be called. Who cannot have the value stands still.
        let mut wanted: BTreeMap<PersonId, Profile> = BTreeMap::new();
        for (who, verdict) in verdicts {
            let Verdict::Wants { profile, .. } = verdict else { continue };
            let account = accounts.get(who);
            if frozen.contains(&who.directory) && account.is_none_or(|account| account.suspended.is_some()) {
                continue;
            }
            let mut profile = profile.clone();
            if let Some(account) = account.filter(|account| names(&account.profile) != names(&profile))
                && stops(&(who.clone(), "update", format!("{}\n{}", profile.user_name, profile.email)))
            {
                profile.user_name.clone_from(&account.profile.user_name);
                profile.email.clone_from(&account.profile.email);
            }
            wanted.insert(who.clone(), profile);
        }
        self.without_conflicts(setup, &accounts, &mut wanted);
        // Who arrives, and who is renamed.
        let mut details = BTreeMap::new();
        let mut arriving = BTreeSet::new();
        for (who, profile) in &wanted {
            let new = || Account { profile: profile.clone(), suspended: None, seats: BTreeMap::new() };
            let account = accounts.entry(who.clone()).or_insert_with(|| {
                arriving.insert(who.clone());
                new()
            });
            if account.suspended.take().is_some() {
                arriving.insert(who.clone());
            }
            if names(&account.profile) != names(profile) {
                let value = format!("{}\n{}", profile.user_name, profile.email);
                counted.push(((who.clone(), "update", value), None));
                account.profile = profile.clone();
            } else if account.profile != *profile {
                details.insert(who.clone(), profile.clone());
            }
        }
        // Seats: as long as somebody would lose one who may not, that one is kept, and all is settled again.
        let served: BTreeSet<&PersonId> = wanted.keys().filter(|who| !frozen.contains(&who.directory)).collect();
        let mut kept = BTreeSet::new();
        loop {
            let mut trial = accounts.clone();
            let mut queue = Queue { frozen: frozen.clone(), now, ..Queue::default() };
            let mut losses = BTreeMap::<PersonId, Vec<usize>>::new();
            for who in trial.keys().cloned().collect::<Vec<_>>() {
                let account = trial.get_mut(&who).expect("an account");
                match verdicts.get(&who) {
                    Some(Verdict::Wants { created, rank, asks, profile }) if served.contains(&who) => {
                        let newcomer = !self.accounts.contains_key(&who);
                        let asker = Asker { setup, who: &who, now, created: *created, rank: *rank, newcomer };
                        asker.ask(account, asks, &profile.email, &mut queue);
                        if setup.match_all {
                            let lost = |pool: &usize| account.holds(*pool) && !asks.contains(pool);
                            let lost = (0..setup.pools.len()).filter(lost);
                            let lost: Vec<usize> = lost.filter(|pool| !kept.contains(&(who.clone(), *pool))).collect();
                            account.give_up_all(|pool, _| lost.contains(&pool));
                            losses.insert(who.clone(), lost);
                        }
                    }
                    _ if frozen.contains(&who.directory) => {}
                    _ => drop(queue.passed_over.insert(who.clone())),
                }
            }
            settle(setup, &mut trial, &mut queue);
            losses.retain(|who, lost| queue.gains.get(who).copied().unwrap_or(0) < lost.len());
            let lost = losses.into_iter().flat_map(|(who, lost)| lost.into_iter().map(move |pool| (who.clone(), pool)));
            let lost: Vec<_> = lost.map(|(who, p)| ((who, "release", pool_name(p).to_string()), Some(p))).collect();
            let forbidden = lost.iter().filter(|(change, _)| stops(change));
            let forbidden: Vec<_> = forbidden.map(|(change, p)| (change.0.clone(), p.expect("a pool"))).collect();
            if forbidden.is_empty() {
                counted.extend(lost);
                return Attempt { accounts: trial, details, counted, arriving };
            }
            kept.extend(forbidden);
        }
    }

    /// Leaves out whoever wants a name or mail address of somebody who keeps it.
    fn without_conflicts(
        &self,
        setup: &Setup,
        after_leaving: &BTreeMap<PersonId, Account>,
        wanted: &mut BTreeMap<PersonId, Profile>,
    ) {
        let strangers: Vec<[String; 2]> = setup
            .strangers
            .iter()
            .enumerate()
            .map(|(index, (_, number))| [format!("stranger{}", index + 1), mail(*number)])
            .collect();
        loop {
            let kept = |who: &PersonId, field: usize| {
                let becomes = wanted.get(who).or_else(|| after_leaving.get(who).map(|account| &account.profile));
                becomes.map(|profile| names(profile)[field].clone())
            };
            let has = |who: &PersonId, field: usize| after_leaving.get(who).map(|a| names(&a.profile)[field].clone());
            let stuck = wanted.iter().find(|(who, profile)| {
                (0..2).any(|field| {
                    let value = Some(names(profile)[field].clone());
                    let others = after_leaving.keys().filter(|other| other != who);
                    let taken =
                        others.into_iter().any(|other| kept(other, field) == value && has(other, field) == value);
                    let strange = strangers.iter().any(|stranger| Some(&stranger[field]) == value.as_ref());
                    has(who, field) != value && (taken || strange)
                })
            });
            let Some(stuck) = stuck.map(|(who, _)| who.clone()) else { return };
            wanted.remove(&stuck);
        }
    }

    /// The kinds of change that are too many, with their numbers.
    fn over(
        &self,
        setup: &Setup,
        attempt: &Attempt,
        confirmed: &BTreeSet<Counted>,
        now: Timestamp,
    ) -> Vec<(Key, Tally)> {
        let mut over = Vec::new();
        for directory in (0..setup.directories).map(directory_name) {
            let here = |who: &PersonId| who.directory == directory;
            // Left within the window, and neither back nor coming back now.
            let left: Vec<&Mark> = self.marks.iter().filter(|mark| here(&mark.who)).collect();
            let left = left.into_iter().filter(|mark| mark.at + WINDOW > now && !self.is_back(mark, attempt));
            let left: Vec<&Mark> = left.collect();
            let mut people: BTreeSet<&PersonId> = self
                .accounts
                .iter()
                .filter(|(who, account)| here(who) && account.suspended.is_none())
                .map(|(who, _)| who)
                .collect();
            people.extend(attempt.arriving.iter().filter(|who| here(who)));
            people.extend(left.iter().filter(|mark| mark.kind == GuardKind::Leaving).map(|mark| &mark.who));
            let of = people.len();
            let limit = (setup.floor as usize).max(of * setup.percent as usize / 100);
            for wanted in [GuardKind::Leaving, GuardKind::Renaming] {
                let changes = attempt.counted.iter().map(|(change, _)| change);
                let changes = changes.filter(|c| here(&c.0) && kind(c) == wanted && !confirmed.contains(*c));
                let leaving: BTreeSet<&PersonId> = changes.map(|change| &change.0).collect();
                let before = left.iter().filter(|mark| mark.kind == wanted && !mark.confirmed).map(|mark| &mark.who);
                let before: BTreeSet<&PersonId> = before.collect();
                let total = leaving.union(&before).count();
                if !leaving.is_empty() && (total > limit || total >= of) {
                    let recent = before.difference(&leaving).count();
                    let tally = Tally { count: leaving.len(), recent, of, limit };
                    over.push(((directory.clone(), wanted), tally));
                }
            }
        }
        over
    }

    fn is_back(&self, mark: &Mark, attempt: &Attempt) -> bool {
        if mark.kind == GuardKind::Renaming {
            return false;
        }
        let Some(account) = self.accounts.get(&mark.who) else { return attempt.arriving.contains(&mark.who) };
        let back_in = |pool| account.holds(pool) || account.waits(pool);
        match account.suspended {
            Some(_) => mark.pool.is_none() && attempt.arriving.contains(&mark.who),
            None => mark.pool.is_none_or(back_in),
        }
    }
}

impl Attempt {
    fn marks(&self, confirmed: &BTreeSet<Counted>, at: Timestamp) -> Vec<Mark> {
        let mark = |(change, pool): &(Counted, Option<usize>)| Mark {
            who: change.0.clone(),
            kind: kind(change),
            pool: *pool,
            confirmed: confirmed.contains(change),
            at,
        };
        self.counted.iter().map(mark).collect()
    }
}

/// Of people who want one value, who has it keeps it, and the others cannot be used.
fn duplicates(verdicts: &mut BTreeMap<PersonId, Verdict>, accounts: &BTreeMap<PersonId, Account>) {
    let mut sharers: BTreeMap<(usize, String), Vec<PersonId>> = BTreeMap::new();
    for (who, verdict) in verdicts.iter() {
        let Verdict::Wants { profile, .. } = verdict else { continue };
        for (field, value) in names(profile).into_iter().enumerate() {
            sharers.entry((field, value)).or_default().push(who.clone());
        }
    }
    for ((field, value), people) in sharers.into_iter().filter(|(_, people)| people.len() > 1) {
        for who in people {
            if accounts.get(&who).is_none_or(|account| names(&account.profile)[field] != value) {
                verdicts.insert(who, Verdict::Unusable);
            }
        }
    }
}

/// Somebody who is served, asking for seats.
struct Asker<'a> {
    setup: &'a Setup,
    who: &'a PersonId,
    now: Timestamp,
    created: Timestamp,
    rank: u32,
    newcomer: bool,
}

impl Asker<'_> {
    fn ask(&self, account: &mut Account, asks: &[usize], email: &str, queue: &mut Queue) {
        let mut asked = BTreeSet::new();
        for &pool in asks {
            match account.seats.get(&pool).map(|seat| seat.state) {
                Some(SeatState::Held) if !self.setup.match_all => account.give_up_all(|other, _| other != pool),
                Some(SeatState::Held | SeatState::Denied) => {}
                _ => {
                    asked.insert(pool);
                    self.claim(account, pool, None, email, queue);
                    let only_a_seat = account.seats[&pool].state == SeatState::Waiting(WaitReason::NoSeat);
                    let fallback = self.setup.pools[pool].fallback.filter(|_| only_a_seat && !self.setup.match_all);
                    if let Some(fallback) = fallback {
                        let state = account.seats.get(&fallback).map(|seat| seat.state);
                        if !matches!(state, Some(SeatState::Held | SeatState::Denied)) {
                            asked.insert(fallback);
                            queue.fallbacks.insert(self.who.clone(), (pool, fallback, self.rank));
                            if account.waits(fallback) {
                                self.claim(account, fallback, Some(pool), email, queue);
                            }
                        }
                    }
                }
            }
        }
        account.give_up_all(|pool, seat| matches!(seat.state, SeatState::Waiting(_)) && !asked.contains(&pool));
    }

    fn claim(&self, account: &mut Account, pool: usize, fallback_for: Option<usize>, email: &str, queue: &mut Queue) {
        claim(self, account, pool, fallback_for, !email.contains("@even"), queue);
    }
}

/// Takes or renews a place. Who asked before keeps `since`, approval, and what an approval would open.
fn claim(
    asker: &Asker<'_>,
    account: &mut Account,
    pool: usize,
    fallback_for: Option<usize>,
    foreign: bool,
    queue: &mut Queue,
) {
    let setup = asker.setup;
    let before = account.seats.get(&pool).map(|seat| seat.state);
    let barred = match before {
        Some(SeatState::Waiting(reason) | SeatState::Past(Some(reason))) => Some(reason),
        _ => None,
    };
    let barred = barred.filter(|r| matches!(r, WaitReason::ApprovalRequired | WaitReason::RemovedElsewhere));
    let new = asker.newcomer && setup.approve_joiners;
    let barred = barred
        .or(new.then_some(WaitReason::ApprovalRequired))
        .or((setup.approved_domains && foreign).then_some(WaitReason::DomainNotApproved));
    let seat = account.seats.entry(pool).or_insert(Seat {
        state: SeatState::Past(None),
        since: asker.now,
        approved: false,
        rank: 0,
        created: asker.now,
        fallback_for: None,
    });
    let reason = barred.filter(|_| !seat.approved).unwrap_or(WaitReason::NoSeat);
    seat.state = SeatState::Waiting(reason);
    (seat.rank, seat.created, seat.fallback_for) = (asker.rank, asker.created, fallback_for);
    if !matches!(before, Some(SeatState::Waiting(_))) {
        queue.joiners.insert((asker.who.clone(), pool));
    }
}

/// Gives out the free seats. Who finds no seat of the pool asked for asks for its fallback too: then all over again.
fn settle(setup: &Setup, accounts: &mut BTreeMap<PersonId, Account>, queue: &mut Queue) {
    let mut falling = BTreeSet::new();
    loop {
        let mut trial = accounts.clone();
        let mut gains = BTreeMap::new();
        for who in &falling {
            fall_back(setup, &mut trial, queue, who);
        }
        while let Some((who, pool)) =
            (0..setup.pools.len()).find_map(|pool| Some((next(setup, &trial, queue, pool)?, pool)))
        {
            let account = trial.get_mut(&who).expect("an account");
            let seat = account.seats.get_mut(&pool).expect("a place");
            let preferred = seat.fallback_for;
            seat.state = SeatState::Held;
            *gains.entry(who).or_insert(0) += 1;
            if !setup.match_all {
                account.give_up_all(|other, _| other != pool && Some(other) != preferred);
            }
        }
        let unlucky = |(who, (preferred, ..)): (&PersonId, &(usize, usize, u32))| {
            (trial[who].waits(*preferred) && !falling.contains(who)).then(|| who.clone())
        };
        let more: Vec<PersonId> = queue.fallbacks.iter().filter_map(unlucky).collect();
        if more.is_empty() {
            queue.gains = gains;
            *accounts = trial;
            return;
        }
        falling.extend(more);
    }
}

fn fall_back(setup: &Setup, accounts: &mut BTreeMap<PersonId, Account>, queue: &mut Queue, who: &PersonId) {
    let (preferred, fallback, rank) = queue.fallbacks[who];
    let account = accounts.get_mut(who).expect("an account");
    if account.waits(fallback) {
        return;
    }
    let created = account.seats[&preferred].created;
    let foreign = !account.profile.email.contains("@even");
    let asker = Asker { setup, who, now: queue.now, created, rank, newcomer: false };
    claim(&asker, account, fallback, Some(preferred), foreign, queue);
}

/// Who gets the next seat of a pool.
fn next(setup: &Setup, accounts: &BTreeMap<PersonId, Account>, queue: &Queue, pool: usize) -> Option<PersonId> {
    let held = accounts.values().filter(|account| account.holds(pool)).count();
    let strangers = setup.strangers.iter().filter(|(theirs, _)| *theirs == pool).count();
    if held + strangers >= setup.pools[pool].seats as usize {
        return None;
    }
    let line = line(accounts, pool);
    let seat = |who: &PersonId| &accounts[who].seats[&pool];
    let stopped = |who: &PersonId| queue.passed_over.contains(who) || queue.frozen.contains(&who.directory);
    let is_new = |who: &PersonId| queue.joiners.contains(&(who.clone(), pool)) && !seat(who).approved;
    let only_a_seat = |who: &PersonId| seat(who).state == SeatState::Waiting(WaitReason::NoSeat);
    let may =
        |who: &PersonId| !stopped(who) && (seat(who).approved || only_a_seat(who) && (setup.automatic || is_new(who)));
    let waiting = || line.iter().filter(|who| !is_new(who));
    if let Some(first) = waiting().find(|who| may(who)) {
        return Some(first.clone());
    }
    if waiting().any(|who| only_a_seat(who) && !queue.passed_over.contains(who)) {
        return None;
    }
    line.iter().find(|who| is_new(who) && may(who)).cloned()
}

/// A pool's queue, in order.
pub fn line(accounts: &BTreeMap<PersonId, Account>, pool: usize) -> Vec<PersonId> {
    let waiting = accounts.iter().filter(|(_, account)| account.suspended.is_none() && account.waits(pool));
    let mut line: Vec<(&PersonId, &Seat)> = waiting.map(|(who, account)| (who, &account.seats[&pool])).collect();
    line.sort_by_key(|(who, seat)| {
        (seat.rank, !seat.approved, seat.since, seat.created, who.anchor, who.directory.clone())
    });
    line.into_iter().map(|(who, _)| who.clone()).collect()
}
