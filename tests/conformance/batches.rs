//! Batches in few words.

use std::sync::LazyLock;

use jiff::Timestamp;
use seatsync::model::change::{
    Allocation, Batch, Claim, Counted, Decision, GuardKind, Operation, Promotion, Step, Verdict,
};
use seatsync::model::{Account, Anchor, LeaveCause, Name, PersonId, Profile, SeatState, WaitReason};

/// The pools of every test.
pub const POOLS: [&str; 2] = ["basic", "gold"];

/// A ledger does what is of its own time.
pub fn at(second: i64) -> Timestamp {
    static START: LazyLock<i64> = LazyLock::new(|| seatsync::clock::now().as_second());
    Timestamp::from_second(*START + second).expect("a time")
}

/// People are numbered; a higher number has a higher anchor.
pub fn person(number: u8) -> PersonId {
    PersonId::new("corp".into(), Anchor::from_bytes([number; 16]))
}

pub fn profile(number: u8) -> Profile {
    let name = format!("p{number:03}");
    Profile { email: format!("{name}@corp.example"), user_name: name, ..Profile::default() }
}

/// A batch with a key of its own.
pub fn batch(second: i64, steps: Vec<Step>) -> Batch {
    let key = format!("{}/0", uuid::Uuid::new_v4());
    Batch { key, at: at(second), steps, allocation: Allocation::default() }
}

pub fn automatic(mut batch: Batch) -> Batch {
    batch.allocation.promotion = Promotion::Automatic;
    batch
}

pub fn step(number: u8, operation: Operation) -> Step {
    Step { person: Some(person(number)), operation, counted: None }
}

pub fn create(number: u8) -> Step {
    step(number, Operation::Create { profile: profile(number), created: at(0) })
}

pub fn claim_of(number: u8, change: impl FnOnce(&mut Claim)) -> Step {
    let mut claim = Claim {
        pool: POOLS[0].into(),
        rank: 0,
        since: at(0),
        created: at(0),
        gate: None,
        fallback_for: None,
        instead_of: Vec::new(),
        approved: false,
    };
    change(&mut claim);
    step(number, Operation::Claim(claim))
}

/// Of the first pool, first asked at this second.
pub fn claim(number: u8, second: i64) -> Step {
    claim_of(number, |claim| claim.since = at(second))
}

pub fn release(number: u8, pool: &str) -> Step {
    step(number, Operation::Release { pool: pool.into() })
}

pub fn suspend(number: u8, keep_seats: bool) -> Step {
    let operation = Operation::Suspend { cause: LeaveCause::Disabled, keep_seats };
    let counted = Some(Counted { kind: GuardKind::Leaving, confirmed: false });
    Step { counted, ..step(number, operation) }
}

pub fn decision(number: u8, verdict: Verdict) -> Decision {
    Decision { person: person(number), pool: None, verdict }
}

/// How somebody's seat of a pool stands; None: never asked for.
pub fn seat(accounts: &[Account], number: u8, pool: &str) -> Option<SeatState> {
    account(accounts, number).and_then(|account| account.seat(pool)).map(|seat| seat.state)
}

pub fn account(accounts: &[Account], number: u8) -> Option<&Account> {
    accounts.iter().find(|account| account.owner == Some(person(number)))
}

/// Numbers of those who hold a seat of a pool.
pub fn holders(accounts: &[Account], pool: &str) -> Vec<u8> {
    let holds = |number: &u8| seat(accounts, *number, pool) == Some(SeatState::Held);
    (0..=u8::MAX).filter(holds).collect()
}

pub const WAITS: Option<SeatState> = Some(SeatState::Waiting(WaitReason::NoSeat));
pub const HELD: Option<SeatState> = Some(SeatState::Held);
pub const PAST: Option<SeatState> = Some(SeatState::Past(None));

pub fn name(pool: &str) -> Name {
    pool.into()
}
