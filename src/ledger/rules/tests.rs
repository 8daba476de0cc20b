//! A company in memory, and the batches that the tests below carry out on it.

mod accounts;
mod allocation;
mod claims;
mod companies;
mod decisions;
mod hands;
mod random;
mod terms;

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::*;
use crate::model::change::{Allocation, Claim, Decision, Promotion, Step};
use crate::model::{Anchor, Assignment, LeaveCause, Profile, Suspension};

pub(super) fn person(n: u8) -> PersonId {
    PersonId::new("corp".into(), Anchor::from_bytes([n; 16]))
}

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

pub(super) fn id(n: u8) -> AccountId {
    AccountId(n.to_string().into())
}

pub(super) fn profile(name: &str) -> Profile {
    Profile { user_name: name.to_owned(), email: format!("{name}@corp.example"), ..Profile::default() }
}

pub(super) fn account(n: u8) -> Account {
    Account {
        id: id(n),
        owner: Some(person(n)),
        external: None,
        adopted: false,
        profile: profile(&format!("user{n}")),
        suspension: None,
        seats: Vec::new(),
    }
}

pub(super) fn unmanaged(n: u8) -> Account {
    Account { owner: None, ..account(n) }
}

pub(super) fn suspended(account: Account, by_agent: bool) -> Account {
    Account { suspension: Some(Suspension { by_agent, at: at(1), cause: Some(LeaveCause::Disabled) }), ..account }
}

pub(super) fn seat(pool: &str, state: SeatState) -> Assignment {
    Assignment {
        pool: pool.into(),
        state,
        since: at(5),
        approved: false,
        rank: 0,
        created: at(0),
        fallback_for: None,
        instead_of: Vec::new(),
        ours: true,
    }
}

pub(super) const WAITS: SeatState = SeatState::Waiting(WaitReason::NoSeat);
pub(super) const TAKEN_AWAY: SeatState = SeatState::Waiting(WaitReason::RemovedElsewhere);

pub(super) fn with(account: Account, seats: Vec<Assignment>) -> Account {
    Account { seats, ..account }
}

pub(super) fn claim(pool: &str) -> Claim {
    Claim {
        pool: pool.into(),
        rank: 0,
        since: at(100),
        created: at(0),
        gate: None,
        fallback_for: None,
        instead_of: Vec::new(),
        approved: false,
    }
}

pub(super) fn step(n: u8, operation: Operation) -> Step {
    Step { person: Some(person(n)), operation, counted: None }
}

pub(super) fn batch(steps: Vec<Step>) -> Batch {
    let allocation = Allocation { promotion: Promotion::Automatic, ..Allocation::default() };
    Batch { key: "k".to_owned(), at: at(100), steps, allocation }
}

/// A whole company in memory.
#[derive(Clone, Debug, Default)]
pub(super) struct Company {
    pub accounts: Vec<Account>,
    pub pools: Vec<(&'static str, u32)>,
    pub next: u64,
}

impl Company {
    pub(super) fn new(pools: &[(&'static str, u32)], accounts: Vec<Account>) -> Self {
        Self { accounts, pools: pools.to_vec(), next: 100 }
    }

    pub(super) fn excerpt(&self) -> Excerpt {
        let count = |pool: &str, which: fn(&Assignment) -> bool| {
            let seats = self.accounts.iter().filter_map(|account| account.seat(pool));
            u32::try_from(seats.filter(|seat| which(seat)).count()).unwrap()
        };
        let pools = self.pools.iter().map(|&(name, seats)| {
            let (held, waiting) = (count(name, Assignment::is_held), count(name, Assignment::is_waiting));
            (name.into(), PoolCount { name: name.into(), seats, held, waiting })
        });
        let mut excerpt = Excerpt::new(pools.collect(), self.next);
        for account in &self.accounts {
            excerpt.load_user_name(fold(&account.profile.user_name), account.id.clone());
            excerpt.load_email(fold(&account.profile.email), account.id.clone());
            excerpt.load(account.clone());
        }
        excerpt
    }

    /// Carries out a batch and becomes what it made of the company.
    pub(super) fn apply(&mut self, batch: &Batch) -> Answer {
        let mut excerpt = self.excerpt();
        let outcomes = excerpt.carry_out(batch);
        if excerpt.is_open() && batch.settles() {
            excerpt.settle(&batch.allocation).unwrap();
        }
        let answer = excerpt.answer(outcomes);
        self.next = excerpt.next();
        self.accounts = excerpt.accounts.into_values().map(|entry| entry.account).collect();
        self.accounts.sort_by(|a, b| a.id.cmp(&b.id));
        for pool in &answer.pools {
            if let Some(known) = self.pools.iter_mut().find(|(name, _)| *name == &*pool.name) {
                known.1 = pool.seats;
            }
        }
        answer
    }

    /// Carries out steps that must all be done.
    pub(super) fn done(&mut self, steps: Vec<Step>) -> Answer {
        let answer = self.apply(&batch(steps));
        assert!(answer.outcomes.iter().all(|outcome| *outcome == Outcome::Done), "{:?}", answer.outcomes);
        answer
    }

    /// Carries out one step that must be refused and change nothing; its code.
    pub(super) fn refused(&mut self, step: Step) -> String {
        let before = self.accounts.clone();
        let answer = self.apply(&batch(vec![step]));
        assert_eq!(self.accounts, before);
        assert!(answer.accounts.is_empty());
        match &answer.outcomes[..] {
            [Outcome::Refused { code, .. }] => code.clone(),
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn of(&self, n: u8) -> &Account {
        self.accounts.iter().find(|account| account.owner == Some(person(n))).unwrap()
    }

    pub(super) fn state(&self, n: u8, pool: &str) -> Option<SeatState> {
        self.of(n).seat(pool).map(|seat| seat.state)
    }

    pub(super) fn decide(&mut self, n: u8, pool: Option<&str>, verdict: Verdict) -> Result<(), RuleError> {
        let mut excerpt = self.excerpt();
        excerpt.decide(&Decision { person: person(n), pool: pool.map(Into::into), verdict })?;
        self.accounts = excerpt.accounts.into_values().map(|entry| entry.account).collect();
        self.accounts.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(())
    }
}

pub(super) fn counts(answer: &Answer) -> BTreeMap<&str, (u32, u32, u32)> {
    answer.pools.iter().map(|pool| (&*pool.name, (pool.seats, pool.held, pool.waiting))).collect()
}
