//! What the backend shows, with what only we know of it.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Book;
use crate::model::{Account, AccountId, Assignment, Name, PersonId, PoolCount, SeatState, Suspension};
use crate::ports::plain::{Ledger, Plain};

/// Puts both together.
///
/// | the backend has | kept is | then |
/// |---|---|---|
/// | a seat | anything | held |
/// | no seat | held | past: another hand took it, or it was given up a moment before we ended |
/// | no seat | anything else | as kept |
/// | an account | nothing, and one is expected by its anchor | managed: it was made a moment before we ended |
/// | an account | nothing | unmanaged |
/// | no account | anything | gone |
pub fn book(kept: Vec<Account>, shown: Vec<Plain>, pools: Vec<PoolCount>, ledger: Ledger, now: Timestamp) -> Book {
    let mut kept: BTreeMap<AccountId, Account> =
        kept.into_iter().map(|account| (account.id.clone(), account)).collect();
    let merged = shown.into_iter().map(|plain| {
        let known = kept.remove(&plain.id);
        account(plain, known, &ledger, now)
    });
    let mut accounts: Vec<Account> = merged.collect();
    accounts.sort_by(|a, b| a.owner.cmp(&b.owner).then_with(|| a.id.cmp(&b.id)));
    let pools = counted(pools, &accounts, &ledger);
    Book { accounts, pools, ledger }
}

fn account(plain: Plain, known: Option<Account>, ledger: &Ledger, now: Timestamp) -> Account {
    let mut account = known.unwrap_or_else(|| Account {
        id: plain.id.clone(),
        owner: expected(&plain, ledger),
        external: plain.external,
        adopted: false,
        profile: plain.profile.clone(),
        suspension: None,
        seats: Vec::new(),
    });
    account.profile = plain.profile;
    account.suspension = match (plain.suspended, account.suspension.take()) {
        (false, _) => None,
        (true, None) => Some(Suspension { by_agent: false, at: now, cause: None }),
        (true, known) => known,
    };
    for seat in &mut account.seats {
        match (plain.held.contains(&seat.pool), seat.state) {
            (true, _) => seat.state = SeatState::Held,
            (false, SeatState::Held) => seat.state = SeatState::Past(None),
            (false, _) => {}
        }
    }
    for pool in plain.held {
        if let Err(index) = account.seats.binary_search_by(|seat| seat.pool.cmp(&pool)) {
            account.seats.insert(index, by_hand(pool, now));
        }
    }
    account
}

fn expected(plain: &Plain, ledger: &Ledger) -> Option<PersonId> {
    let anchor = plain.external?;
    ledger.expected.iter().find(|person| person.anchor == anchor).cloned()
}

fn by_hand(pool: Name, now: Timestamp) -> Assignment {
    Assignment {
        pool,
        state: SeatState::Held,
        since: now,
        approved: false,
        rank: u32::MAX,
        created: now,
        fallback_for: None,
        instead_of: Vec::new(),
        ours: false,
    }
}

/// The backend's counts, or the config's seats and what the accounts hold.
fn counted(pools: Vec<PoolCount>, accounts: &[Account], ledger: &Ledger) -> BTreeMap<Name, PoolCount> {
    let mut counted: BTreeMap<Name, PoolCount> =
        pools.into_iter().map(|pool| (pool.name.clone(), PoolCount { waiting: 0, ..pool })).collect();
    for (name, seats) in &ledger.seats {
        let held = || accounts.iter().filter(|account| account.seat(name).is_some_and(Assignment::is_held)).count();
        let pool = counted.entry(name.clone()).or_insert_with(|| PoolCount {
            name: name.clone(),
            seats: *seats,
            held: u32::try_from(held()).unwrap_or(u32::MAX),
            waiting: 0,
        });
        pool.seats = *seats;
    }
    for seat in accounts.iter().flat_map(|account| &account.seats).filter(|seat| seat.is_waiting()) {
        if let Some(pool) = counted.get_mut(&seat.pool) {
            pool.waiting += 1;
        }
    }
    counted
}
