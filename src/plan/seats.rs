//! The one function that settles pools: who among those in the queues gets a free seat, and in which order.
//!
//! The planner calls it to forecast, the ledger calls it inside its transaction: so the forecast and the answer agree.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::model::change::Promotion;
use crate::model::{Name, PersonId, WaitReason};

/// A pool as it is before settling. More seats held than bought is a state we meet, never one we make.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seats {
    pub seats: u32,
    pub held: u32,
}

impl Seats {
    const fn free(self) -> u32 {
        self.seats.saturating_sub(self.held)
    }
}

/// One person's place in the queue of one pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queued {
    pub person: PersonId,
    pub pool: Name,
    pub rank: u32,
    pub approved: bool,
    pub since: Timestamp,
    pub created: Timestamp,
    pub reason: WaitReason,
    /// First asks for this pool in this cycle. (Who is approved counts as waiting all the same.)
    pub joiner: bool,
    /// Keeps the place, gets nothing now and stops nobody: quarantined, or a leaver who is kept.
    pub passed_over: bool,
    /// Of a directory that could not be read whole: gets nothing now, and keeps the turn. The seat it would get stays free.
    pub frozen: bool,
    /// The preferred pool, whose place this person keeps; this claim counts only while that one finds no seat.
    pub fallback_for: Option<Name>,
    /// Pools in which this person holds a seat that is given up once this claim is granted.
    pub instead_of: Vec<Name>,
}

impl Queued {
    /// Waiting already when this cycle began, or approved.
    const fn waits(&self) -> bool {
        !self.joiner || self.approved
    }

    /// Has a turn: a seat is this claim's, once everyone before it has one.
    fn has_turn(&self, promotion: Promotion) -> bool {
        let open = self.reason == WaitReason::NoSeat;
        let allowed = self.approved || (open && (self.joiner || promotion == Promotion::Automatic));
        allowed && !self.passed_over
    }

    /// Waits for nothing but a seat, so that no joiner may pass while it waits.
    fn blocks_joiners(&self) -> bool {
        self.waits() && self.reason == WaitReason::NoSeat && !self.passed_over
    }
}

/// The order for scarce seats, the same in every place: total, since the last two make the identity.
#[must_use]
pub fn order(a: &Queued, b: &Queued) -> Ordering {
    let key = |q: &Queued| (q.rank, !q.approved, q.since, q.created, q.person.anchor);
    key(a).cmp(&key(b)).then_with(|| a.person.directory.cmp(&b.person.directory))
}

/// The pools and everyone in their queues.
#[derive(Clone, Debug, Default)]
pub struct Book {
    pub pools: BTreeMap<Name, Seats>,
    pub queue: Vec<Queued>,
}

/// Seats granted, then the seats given up for them: these are free in the next round, not in this one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Round {
    pub granted: Vec<(PersonId, Name)>,
    pub released: Vec<(PersonId, Name)>,
}

/// How the pools were settled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settlement {
    pub rounds: Vec<Round>,
    /// Places in a fallback's queue given up, since the preferred seat was granted.
    pub left: Vec<(PersonId, Name)>,
    /// People whose fallback counted: no seat of the preferred pool was to be had in this cycle.
    pub fell_back: BTreeSet<(PersonId, Name)>,
}

/// Settles the pools.
///
/// | a free seat of a pool goes to | if |
/// |---|---|
/// | those who wait, in `order` | approved, or waiting for `no_seat` and promotion is automatic |
/// | then joiners, in `order` | nobody is left who waits for `no_seat` |
/// | nobody | it is the turn of somebody whose directory could not be read whole: a failed read costs no turn, but for those who wait and come before in `order` |
///
/// Whose preferred pool gives no seat in any round asks for the fallback, beside those who prefer that one. Who falls
/// back is found by repetition: settle with nobody falling back, let those fall back who got nothing, settle again.
#[must_use]
pub fn settle(book: &Book, promotion: Promotion) -> Settlement {
    let desk = Desk::new(book, promotion);
    let mut fell_back = BTreeSet::new();
    loop {
        let mut run = desk.run(&fell_back);
        let more = desk.without_preferred(&run, &fell_back);
        if more.is_empty() {
            run.fell_back =
                fell_back.iter().map(|&i| (book.queue[i].person.clone(), book.queue[i].pool.clone())).collect();
            return run.settlement(book);
        }
        fell_back.extend(more);
    }
}

/// The queues, sorted once for all rounds. Claims are known by their index in the book.
struct Desk<'a> {
    book: &'a Book,
    promotion: Promotion,
    /// By pool, in `order`.
    queues: BTreeMap<&'a Name, Vec<usize>>,
    /// The claim on a fallback, by the claim on the pool it stands in for.
    fallback_of: BTreeMap<usize, usize>,
}

/// A seat somebody gives up.
type Seat<'a> = (&'a PersonId, &'a Name);

/// One way the rounds may go.
#[derive(Default)]
struct Run<'a> {
    rounds: Vec<(Vec<usize>, Vec<Seat<'a>>)>,
    /// Claims that had their turn: granted, or frozen and with a seat kept free.
    served: BTreeSet<usize>,
    left: BTreeSet<usize>,
    fell_back: BTreeSet<(PersonId, Name)>,
}

impl<'a> Desk<'a> {
    fn new(book: &'a Book, promotion: Promotion) -> Self {
        let mut sorted: Vec<usize> = (0..book.queue.len()).collect();
        sorted.sort_by(|&a, &b| order(&book.queue[a], &book.queue[b]));
        let mut queues: BTreeMap<&Name, Vec<usize>> = BTreeMap::new();
        for index in sorted {
            queues.entry(&book.queue[index].pool).or_default().push(index);
        }
        let fallback_of = fallback_claims(book);
        Self { book, promotion, queues, fallback_of }
    }

    /// Grants round by round until a round grants nothing.
    fn run(&self, fell_back: &BTreeSet<usize>) -> Run<'a> {
        let mut pools = self.book.pools.clone();
        let mut run = Run::default();
        let mut given_up = BTreeSet::new();
        loop {
            let mut granted = self.round(&pools, fell_back, &run);
            if granted.is_empty() {
                return run;
            }
            for &index in &granted {
                run.served.insert(index);
                change_held(&mut pools, &self.book.queue[index].pool, 1);
            }
            granted.retain(|&index| !self.keeps_turn(index, &mut pools, &mut run));
            let mut released = Vec::new();
            for &index in &granted {
                released.extend(self.given_up_for(index, &mut run).into_iter().filter(|seat| given_up.insert(*seat)));
            }
            for (_, pool) in &released {
                change_held(&mut pools, pool, -1);
            }
            if !granted.is_empty() {
                run.rounds.push((granted, released));
            }
        }
    }

    /// Whether a claim whose turn it is has a seat kept free and gets none. The fallback needs none beside it.
    fn keeps_turn(&self, index: usize, pools: &mut BTreeMap<Name, Seats>, run: &mut Run<'_>) -> bool {
        let frozen = self.book.queue[index].frozen;
        if let Some(&fallback) = self.fallback_of.get(&index).filter(|_| frozen)
            && !run.served.insert(fallback)
        {
            change_held(pools, &self.book.queue[fallback].pool, -1);
        }
        frozen
    }

    /// The claims whose turn it is now: every pool by itself, then nobody both the preferred seat and its fallback.
    fn round(&self, pools: &BTreeMap<Name, Seats>, fell_back: &BTreeSet<usize>, run: &Run<'_>) -> Vec<usize> {
        let mut granted = Vec::new();
        for (pool, queue) in &self.queues {
            let free = pools.get(*pool).map_or(0, |seats| seats.free()) as usize;
            let counts = |&index: &usize| self.counts(index, fell_back, run);
            self.choose(queue.iter().copied().filter(counts), free, &mut granted);
        }
        let both: BTreeSet<usize> = granted.iter().filter_map(|index| self.fallback_of.get(index).copied()).collect();
        granted.retain(|index| !both.contains(index));
        granted
    }

    /// A claim that is neither settled nor the sleeping fallback of one that may yet find its seat.
    fn counts(&self, index: usize, fell_back: &BTreeSet<usize>, run: &Run<'_>) -> bool {
        let asleep = self.book.queue[index].fallback_for.is_some() && !fell_back.contains(&index);
        !asleep && !run.served.contains(&index) && !run.left.contains(&index)
    }

    /// The first `free` of one pool's queue who have a turn: those who wait, then joiners if nobody is passed.
    fn choose(&self, queue: impl Iterator<Item = usize> + Clone, free: usize, granted: &mut Vec<usize>) {
        let claim = |index: usize| &self.book.queue[index];
        let start = granted.len();
        let waiting = queue.clone().filter(|&i| claim(i).waits() && claim(i).has_turn(self.promotion));
        granted.extend(waiting.take(free));
        let given = granted.len() - start;
        let turn: BTreeSet<usize> = granted[start..].iter().copied().collect();
        if given == free || queue.clone().any(|i| claim(i).blocks_joiners() && !turn.contains(&i)) {
            return;
        }
        let joining = queue.filter(|&i| !claim(i).waits() && claim(i).has_turn(self.promotion));
        granted.extend(joining.take(free - given));
    }

    /// What a granted claim gives up: the seats it stands in for, and the fallback taken or queued for before.
    fn given_up_for(&self, index: usize, run: &mut Run<'_>) -> Vec<(&'a PersonId, &'a Name)> {
        let claim = &self.book.queue[index];
        let mut seats: Vec<_> = claim.instead_of.iter().map(|pool| (&claim.person, pool)).collect();
        if let Some(&fallback) = self.fallback_of.get(&index) {
            if run.served.contains(&fallback) {
                seats.push((&claim.person, &self.book.queue[fallback].pool));
            } else {
                run.left.insert(fallback);
            }
        }
        seats
    }

    /// Fallback claims that must count: their preferred claim waits for `no_seat` and found none in any round.
    fn without_preferred(&self, run: &Run<'_>, fell_back: &BTreeSet<usize>) -> Vec<usize> {
        let unlucky = |preferred: &usize| {
            let claim = &self.book.queue[*preferred];
            !run.served.contains(preferred) && claim.reason == WaitReason::NoSeat
        };
        let pairs = self.fallback_of.iter().filter(|(preferred, _)| unlucky(preferred));
        pairs.map(|(_, &fallback)| fallback).filter(|fallback| !fell_back.contains(fallback)).collect()
    }
}

impl Run<'_> {
    fn settlement(self, book: &Book) -> Settlement {
        let name = |&index: &usize| (book.queue[index].person.clone(), book.queue[index].pool.clone());
        let round = |(granted, released): &(Vec<usize>, Vec<(&PersonId, &Name)>)| Round {
            granted: granted.iter().map(name).collect(),
            released: released.iter().map(|&(person, pool)| (person.clone(), pool.clone())).collect(),
        };
        Settlement {
            rounds: self.rounds.iter().map(round).collect(),
            left: self.left.iter().map(name).collect(),
            fell_back: self.fell_back,
        }
    }
}

/// Pairs each fallback claim with the same person's claim on the preferred pool.
fn fallback_claims(book: &Book) -> BTreeMap<usize, usize> {
    let by_place: BTreeMap<(&PersonId, &Name), usize> =
        book.queue.iter().enumerate().map(|(index, claim)| ((&claim.person, &claim.pool), index)).collect();
    let pair = |(index, claim): (usize, &Queued)| {
        let preferred = by_place.get(&(&claim.person, claim.fallback_for.as_ref()?))?;
        Some((*preferred, index))
    };
    book.queue.iter().enumerate().filter_map(pair).collect()
}

fn change_held(pools: &mut BTreeMap<Name, Seats>, pool: &Name, by: i32) {
    if let Some(seats) = pools.get_mut(pool) {
        seats.held = seats.held.saturating_add_signed(by);
    }
}

/// Places in the queue of each pool, from 1 without gaps, in `order`: whatever somebody waits for.
#[must_use]
pub fn positions(queue: &[Queued]) -> BTreeMap<(&PersonId, &Name), u32> {
    let mut sorted: Vec<&Queued> = queue.iter().collect();
    sorted.sort_by(|a, b| a.pool.cmp(&b.pool).then_with(|| order(a, b)));
    let mut places = BTreeMap::new();
    let mut last: Option<(&Name, u32)> = None;
    for claim in sorted {
        let place = match last {
            Some((pool, place)) if *pool == claim.pool => place + 1,
            _ => 1,
        };
        last = Some((&claim.pool, place));
        places.insert((&claim.person, &claim.pool), place);
    }
    places
}

#[cfg(test)]
mod tests;
