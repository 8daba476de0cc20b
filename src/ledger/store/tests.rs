//! Ledgers in files that are gone after the test.

mod files;
mod hands;
mod transactions;

use std::path::PathBuf;

use rusqlite::Connection;
use tempfile::TempDir;

use super::*;
use crate::model::change::{Allocation, Claim, Operation, Outcome, Promotion, Step};
use crate::model::{Account, Anchor, LeaveCause, PersonId, Profile, SeatState, WaitReason};

/// A ledger with the company "acme" in a folder of its own.
pub(super) struct Place {
    pub folder: TempDir,
    pub ledger: Ledger,
}

impl Place {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ledger = open_company(&folder.path().join("ledger.db"), "acme");
        Self { folder, ledger }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().join("ledger.db")
    }

    /// Changes the file as somebody with the sqlite3 shell would: without our settings.
    pub(super) fn by_hand(&self, sql: &str) {
        self.shell().execute_batch(sql).unwrap();
    }

    pub(super) fn shell(&self) -> Connection {
        let shell = Connection::open(self.path()).unwrap();
        shell.pragma_update(None, "foreign_keys", false).unwrap();
        shell
    }

    pub(super) fn apply(&mut self, key: &str, steps: Vec<Step>) -> Answer {
        self.ledger.apply("acme", &batch(key, steps)).unwrap()
    }

    /// Carries out steps that must all be done.
    pub(super) fn done(&mut self, key: &str, steps: Vec<Step>) -> Answer {
        let answer = self.apply(key, steps);
        assert!(answer.outcomes.iter().all(|outcome| *outcome == Outcome::Done), "{:?}", answer.outcomes);
        answer
    }

    pub(super) fn read(&mut self) -> BackendState {
        self.ledger.read("acme").unwrap()
    }

    pub(super) fn of(&mut self, n: u128) -> Account {
        self.read().accounts.into_iter().find(|account| account.owner == Some(person(n))).unwrap()
    }

    pub(super) fn state(&mut self, n: u128, pool: &str) -> Option<SeatState> {
        self.of(n).seat(pool).map(|seat| seat.state)
    }

    /// Seats bought, held, waited for: as the read counts them, and as the triggers did.
    pub(super) fn counts(&mut self, pool: &str) -> (u32, u32, u32) {
        let kept = read::pools(&self.ledger.connection, "acme", &mut rows::Names::default()).unwrap();
        let read = self.read().pools;
        assert_eq!(kept, read, "the triggers count wrongly");
        let pool = &read[pool];
        (pool.seats, pool.held, pool.waiting)
    }
}

pub(super) fn open_company(path: &Path, company: &str) -> Ledger {
    let mut ledger = Ledger::open(path, false).unwrap();
    ledger.company(company, false).unwrap();
    ledger
}

pub(super) fn person(n: u128) -> PersonId {
    PersonId::new("corp".into(), Anchor::from_bytes(n.to_be_bytes()))
}

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

pub(super) fn profile(name: &str) -> Profile {
    Profile { user_name: name.to_owned(), email: format!("{name}@corp.example"), ..Profile::default() }
}

pub(super) fn batch(key: &str, steps: Vec<Step>) -> Batch {
    let allocation = Allocation { promotion: Promotion::Automatic, ..Allocation::default() };
    Batch { key: key.to_owned(), at: at(100), steps, allocation }
}

pub(super) fn step(n: u128, operation: Operation) -> Step {
    Step { person: Some(person(n)), operation, counted: None }
}

pub(super) fn create(n: u128) -> Step {
    step(n, Operation::Create { profile: profile(&format!("user{n}")), created: at(0) })
}

pub(super) fn claim(pool: &str) -> Claim {
    Claim {
        pool: pool.into(),
        rank: 0,
        since: at(100),
        created: at(0),
        gate: None,
        fallback_for: None,
        instead_of: vec![],
        approved: false,
    }
}

pub(super) fn ask(n: u128, pool: &str) -> Step {
    step(n, Operation::Claim(claim(pool)))
}

pub(super) fn suspend(n: u128) -> Step {
    step(n, Operation::Suspend { cause: LeaveCause::Deleted, keep_seats: false })
}

pub(super) fn set_seats(pool: &str, to: u32) -> Step {
    Step { person: None, operation: Operation::SetSeats { pool: pool.into(), from: None, to }, counted: None }
}

pub(super) const WAITS: SeatState = SeatState::Waiting(WaitReason::NoSeat);
