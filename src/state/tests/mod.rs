//! What the state promises, on real files.

mod accounts;
mod excerpts;
mod journal;
mod mirror;
mod opening;
mod outbox;
mod users;
mod verbs;

use jiff::Timestamp;
use tempfile::TempDir;

use super::{Holder, Lock, State};
use crate::model::memory::{Facts, Judgement, PersonRow};
use crate::model::{
    Account, AccountId, Anchor, Assignment, Digest, Name, PersonId, Profile, SeatState, Standing, WaitReason,
};

pub fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).unwrap()
}

pub fn anchor(number: u8) -> Anchor {
    Anchor::from_bytes([number; 16])
}

pub fn corp() -> Name {
    "corp".into()
}

pub fn person(number: u8) -> PersonId {
    PersonId::new(corp(), anchor(number))
}

pub fn owner(folder: &TempDir) -> (Lock, State) {
    let lock = Lock::try_acquire(folder.path(), &Holder::this_process("dc01", "run")).unwrap().unwrap();
    let state = State::open(&lock).unwrap();
    (lock, state)
}

pub fn facts(number: u8) -> Facts<'static> {
    Facts {
        dn: format!("uid=u{number},ou=Staff,dc=example,dc=org").into(),
        user_name: format!("u{number}").into(),
        email: format!("U{number}@Example.org").into(),
        display_name: Some(format!("User {number}").into()),
        entry: Digest::from_bytes([number; 16]),
        naming: Digest::from_bytes([number; 16]),
        listing: None,
        judgement: Judgement {
            standing: Standing::Enabled,
            sign: None,
            quarantine: None,
            created: Some(at(-1000)),
            due: None,
            in_scope: true,
            because: vec!["under ou=Staff,dc=example,dc=org".into()],
            pools: Vec::new(),
            logon: None,
            by_uid: false,
            uid: None,
        },
    }
}

pub fn row(number: u8) -> PersonRow<'static> {
    PersonRow { anchor: anchor(number), first_seen: at(i64::from(number)), facts: facts(number) }
}

pub fn seat(pool: &str, state: SeatState) -> Assignment {
    Assignment {
        pool: pool.into(),
        state,
        since: at(0),
        approved: false,
        rank: 0,
        created: at(-1000),
        fallback_for: None,
        instead_of: Vec::new(),
        ours: true,
    }
}

pub const WAITS: SeatState = SeatState::Waiting(WaitReason::NoSeat);

pub fn account(number: u8, seats: Vec<Assignment>) -> Account {
    Account {
        id: AccountId(format!("a{number}").into()),
        owner: Some(person(number)),
        external: None,
        adopted: false,
        profile: Profile {
            user_name: format!("u{number}"),
            email: format!("u{number}@example.org"),
            ..Profile::default()
        },
        suspension: None,
        seats,
    }
}

pub fn stranger(number: u8) -> Account {
    Account { owner: None, ..account(number, vec![seat("standard", SeatState::Held)]) }
}
