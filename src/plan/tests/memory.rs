//! A backend in memory: strict, small, and settled by the planner's own function.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::model::change::{Allocation, Batch, Claim, Decision, Operation, Step, Verdict};
use crate::model::{
    Account, AccountId, Assignment, Name, PersonId, PoolCount, Profile, SeatState, Suspension, WaitReason, fold,
};
use crate::plan::seats::{Book, Queued, Seats, Settlement, settle};

#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// By owner, then by id: unmanaged ones first.
    pub accounts: Vec<Account>,
    pub pools: BTreeMap<Name, PoolCount>,
    created: u32,
}

/// What only this batch knows of the claims in it.
#[derive(Default)]
struct Desk {
    joiners: BTreeSet<(PersonId, Name)>,
}

impl Memory {
    /// Carries out a batch and settles the pools.
    ///
    /// # Panics
    /// Where a step asks for what cannot be, or a seat more than was bought would be given.
    pub fn apply(&mut self, batch: &Batch) {
        let mut desk = Desk::default();
        for step in &batch.steps {
            self.step(step, batch.at, &mut desk);
            self.sort();
        }
        if batch.settles() {
            self.settle(&batch.allocation, &desk);
        }
        self.count();
    }

    pub fn of(&self, person: &PersonId) -> Option<&Account> {
        self.accounts.iter().find(|account| account.owner.as_ref() == Some(person))
    }

    pub fn of_mut(&mut self, person: &PersonId) -> &mut Account {
        let found = self.accounts.iter_mut().find(|account| account.owner.as_ref() == Some(person));
        found.unwrap_or_else(|| panic!("{person} has no account"))
    }

    /// An account that another hand made.
    pub fn add_unmanaged(&mut self, id: &str, profile: Profile) -> &mut Account {
        let account = Account {
            id: AccountId(id.into()),
            owner: None,
            external: None,
            adopted: false,
            profile,
            suspension: None,
            seats: Vec::new(),
        };
        self.accounts.insert(0, account);
        &mut self.accounts[0]
    }

    fn step(&mut self, step: &Step, at: Timestamp, desk: &mut Desk) {
        if let Operation::SetSeats { pool, from, to } = &step.operation {
            assert_eq!(self.pools.get(pool).map(|pool| pool.seats), *from);
            let new = || PoolCount { name: pool.clone(), seats: 0, held: 0, waiting: 0 };
            self.pools.entry(pool.clone()).or_insert_with(new).seats = *to;
            return;
        }
        let person = step.person.as_ref().expect("a step names a person");
        match &step.operation {
            Operation::Adopt { account } => self.adopt(person, account),
            Operation::Create { profile, .. } => self.create(person, profile),
            Operation::Update { current, desired } => {
                assert_eq!(
                    serde_json::to_string(&self.of_mut(person).profile).ok(),
                    serde_json::to_string(current).ok()
                );
                self.must_be_free(desired, Some(person));
                self.of_mut(person).profile = desired.clone();
            }
            Operation::Suspend { cause, keep_seats } => {
                let account = self.of_mut(person);
                let old = account.suspension.as_ref();
                assert!(
                    old.is_none_or(|old| old.by_agent && old.cause != Some(*cause)),
                    "{person} is suspended already"
                );
                account.suspension = Some(Suspension { by_agent: true, at, cause: Some(*cause) });
                account.seats.iter_mut().filter(|seat| !(*keep_seats && seat.is_held())).for_each(give_up);
            }
            Operation::Resume => {
                let suspension = self.of_mut(person).suspension.take();
                assert!(suspension.is_some_and(|suspension| suspension.by_agent), "{person} is not ours to resume");
            }
            Operation::Remove => {
                let account = self.of_mut(person);
                assert!(!account.adopted, "an adopted account is never removed");
                assert!(account.suspension.as_ref().is_some_and(|suspension| suspension.by_agent));
                self.accounts.retain(|account| account.owner.as_ref() != Some(person));
            }
            Operation::Claim(claim) => self.claim(person, claim, desk),
            Operation::Release { pool } => {
                let seat = self.of_mut(person).seats.iter_mut().find(|seat| seat.pool == *pool);
                give_up(seat.expect("only what is there is released"));
            }
            Operation::SetSeats { .. } => {}
        }
    }

    fn adopt(&mut self, person: &PersonId, id: &AccountId) {
        assert!(self.of(person).is_none(), "{person} has an account");
        let account = self.accounts.iter_mut().find(|account| account.id == *id).expect("an account to adopt");
        assert_eq!(account.owner, None, "the account belongs to somebody");
        account.owner = Some(person.clone());
        account.adopted = true;
    }

    fn create(&mut self, person: &PersonId, profile: &Profile) {
        assert!(self.of(person).is_none(), "{person} has an account");
        self.must_be_free(profile, None);
        self.created += 1;
        let id = format!("made-{}", self.created);
        let account = self.add_unmanaged(&id, profile.clone());
        account.owner = Some(person.clone());
    }

    fn must_be_free(&self, profile: &Profile, but_of: Option<&PersonId>) {
        let others = self.accounts.iter().filter(|account| account.owner.is_none() || account.owner.as_ref() != but_of);
        for Account { profile: other, id, .. } in others {
            assert_ne!(fold(&other.email), fold(&profile.email), "the mail address is that of {id}");
            assert_ne!(fold(&other.user_name), fold(&profile.user_name), "the user name is that of {id}");
        }
    }

    fn claim(&mut self, person: &PersonId, claim: &Claim, desk: &mut Desk) {
        assert!(self.pools.contains_key(&claim.pool), "there is no pool {}", claim.pool);
        let account = self.of_mut(person);
        assert!(account.suspension.is_none(), "{person} is suspended and asks for a seat");
        if account.seat(&claim.pool).is_none() {
            let fresh = first_asked(claim);
            account.seats.push(fresh);
            account.seats.sort_by(|a, b| a.pool.cmp(&b.pool));
        }
        let key = (person.clone(), claim.pool.clone());
        let seat = account.seats.iter_mut().find(|seat| seat.pool == claim.pool).expect("just made");
        assert!(!seat.is_held() && seat.state != SeatState::Denied, "{person} asks for what is settled");
        if !seat.is_waiting() {
            desk.joiners.insert(key);
        }
        if claim.gate == Some(WaitReason::RemovedElsewhere) && !seat.is_waiting() {
            seat.approved = false;
        }
        seat.approved |= claim.approved;
        let gate = claim.gate.filter(|_| !seat.approved).unwrap_or(WaitReason::NoSeat);
        seat.state = SeatState::Waiting(gate);
        (seat.rank, seat.created, seat.ours) = (claim.rank, claim.created, true);
        seat.fallback_for.clone_from(&claim.fallback_for);
        seat.instead_of.clone_from(&claim.instead_of);
    }

    fn settle(&mut self, allocation: &Allocation, desk: &Desk) {
        self.count();
        let pools = self.pools.values().map(|pool| (pool.name.clone(), Seats { seats: pool.seats, held: pool.held }));
        let book = Book { pools: pools.collect(), queue: self.queue(allocation, desk) };
        let Settlement { rounds, left, .. } = settle(&book, allocation.promotion);
        for round in rounds {
            for (person, pool) in &round.granted {
                let count = self.pools.get_mut(pool).expect("a pool");
                assert!(count.held < count.seats, "{person} would get a seat of {pool} that was not bought");
                count.held += 1;
                let account = self.of_mut(person);
                let seat = account.seats.iter_mut().find(|seat| seat.pool == *pool).expect("a place");
                assert!(seat.is_waiting());
                seat.state = SeatState::Held;
                seat.instead_of.clear();
                let preferred = seat.fallback_for.clone();
                let stood_in_for = |seat: &&mut Assignment| preferred.as_ref() == Some(&seat.pool) && seat.is_waiting();
                if let Some(waiting) = account.seats.iter_mut().find(stood_in_for) {
                    waiting.instead_of.push(pool.clone());
                }
            }
            for (person, pool) in &round.released {
                let seat = self.of_mut(person).seats.iter_mut().find(|seat| seat.pool == *pool).expect("a seat");
                assert!(seat.is_held());
                give_up(seat);
                self.pools.get_mut(pool).expect("a pool").held -= 1;
            }
        }
        for (person, pool) in &left {
            give_up(self.of_mut(person).seats.iter_mut().find(|seat| seat.pool == *pool).expect("a place"));
        }
    }

    /// Everyone who waits and is not suspended.
    fn queue(&self, allocation: &Allocation, desk: &Desk) -> Vec<Queued> {
        let mut queue = Vec::new();
        for account in self.accounts.iter().filter(|account| account.suspension.is_none()) {
            let Some(person) = &account.owner else { continue };
            for seat in &account.seats {
                let SeatState::Waiting(reason) = seat.state else { continue };
                let key = (person.clone(), seat.pool.clone());
                queue.push(Queued {
                    person: person.clone(),
                    pool: seat.pool.clone(),
                    rank: seat.rank,
                    approved: seat.approved,
                    since: seat.since,
                    created: seat.created,
                    reason,
                    joiner: desk.joiners.contains(&key),
                    passed_over: allocation.passed_over.contains(person),
                    frozen: allocation.frozen.contains(&person.directory),
                    fallback_for: seat.fallback_for.clone(),
                    instead_of: account.given_up_for(seat),
                });
            }
        }
        queue
    }

    /// Counts seats and places anew.
    pub fn count(&mut self) {
        let seats = |pool: &str, of: &dyn Fn(&Account, &Assignment) -> bool| {
            let has = |account: &&Account| account.seat(pool).is_some_and(|seat| of(account, seat));
            u32::try_from(self.accounts.iter().filter(has).count()).unwrap()
        };
        let waits = |account: &Account, seat: &Assignment| {
            seat.is_waiting() && account.is_managed() && account.suspension.is_none()
        };
        let counts: Vec<(u32, u32)> =
            self.pools.keys().map(|name| (seats(name, &|_, seat| seat.is_held()), seats(name, &waits))).collect();
        for (pool, (held, waiting)) in self.pools.values_mut().zip(counts) {
            (pool.held, pool.waiting) = (held, waiting);
        }
    }

    pub fn sort(&mut self) {
        self.accounts.sort_by(|a, b| a.owner.cmp(&b.owner).then_with(|| a.id.cmp(&b.id)));
    }

    /// What a person decides in the backend, in every pool it fits.
    pub fn decide(&mut self, decision: &Decision) {
        let account = self.of_mut(&decision.person);
        if let (Verdict::Approve, Some(suspension)) = (decision.verdict, &mut account.suspension) {
            suspension.by_agent = true;
        }
        let wanted = |seat: &&mut Assignment| decision.pool.as_ref().is_none_or(|pool| seat.pool == *pool);
        for seat in account.seats.iter_mut().filter(wanted) {
            (seat.state, seat.approved) = match (decision.verdict, seat.state) {
                (Verdict::Approve, SeatState::Waiting(_) | SeatState::Denied) => {
                    (SeatState::Waiting(WaitReason::NoSeat), true)
                }
                (Verdict::Approve, SeatState::Past(Some(_))) => (SeatState::Past(None), true),
                (Verdict::Deny, SeatState::Waiting(_)) => (SeatState::Denied, false),
                (Verdict::Release, SeatState::Held) => (SeatState::Waiting(WaitReason::RemovedElsewhere), false),
                (_, state) => (state, seat.approved),
            };
        }
        self.count();
    }
}

fn first_asked(claim: &Claim) -> Assignment {
    Assignment {
        pool: claim.pool.clone(),
        state: SeatState::Past(None),
        since: claim.since,
        approved: false,
        rank: claim.rank,
        created: claim.created,
        fallback_for: None,
        instead_of: Vec::new(),
        ours: true,
    }
}

/// Frees the seat or leaves the queue; what was waited for besides a seat is remembered.
pub fn give_up(seat: &mut Assignment) {
    seat.state = match seat.state {
        SeatState::Waiting(WaitReason::NoSeat) | SeatState::Held => SeatState::Past(None),
        SeatState::Waiting(reason) => SeatState::Past(Some(reason)),
        state => state,
    };
}
