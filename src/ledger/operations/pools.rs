//! Pools: buying seats, and agreeing on fewer for later.

use jiff::Timestamp;

use super::Desk;
use super::expect::{self, Expect};
use crate::ledger::LedgerError;
use crate::ledger::records::{Pool, Touched};
use crate::ledger::rules::{Declined, Excerpt, Purchase, Reduction};
use crate::model::Name;

/// Changes seats and floor of a pool, or makes it where it must be new. New seats are granted at once.
///
/// # Errors
/// Where it is not as expected, or the numbers are too low.
pub fn buy(desk: &Desk<'_>, pool: &Name, purchase: Purchase, expect: &Expect) -> Result<(Pool, bool), LedgerError> {
    let mut excerpt = desk.open(&Touched::default())?;
    let present = tag(&excerpt, pool);
    expect.check(present.as_deref())?;
    if present.is_none() {
        excerpt.make_pool(pool);
    }
    excerpt.buy(pool, purchase)?;
    desk.settle_as_set(&mut excerpt)?;
    desk.close(&mut excerpt)?;
    Ok((shown(&excerpt, pool)?, present.is_none()))
}

/// Agrees on fewer seats for later: from `at`, or from the company's next renewal.
///
/// # Errors
/// Where it is not as expected, the company has no renewal date, or the number is no lower or below the floor.
pub fn schedule(
    desk: &Desk<'_>,
    pool: &Name,
    seats: u32,
    at: Option<Timestamp>,
    expect: &Expect,
) -> Result<Pool, LedgerError> {
    let mut excerpt = desk.open(&Touched::default())?;
    expect.check(tag(&excerpt, pool).as_deref())?;
    // Before anything else is said of it: it must be there.
    excerpt.numbers(pool)?;
    let renewal = || Ok::<_, LedgerError>(desk.settings()?.renewal.and_then(|renewal| renewal.next(desk.now)));
    let effective_at = match at {
        Some(at) => at,
        None => renewal()?.ok_or_else(|| Declined::NoRenewal { pool: pool.clone() })?,
    };
    excerpt.schedule(pool, Reduction { seats, effective_at, scheduled_at: desk.now })?;
    // What is agreed for now, or for before, holds now.
    excerpt.reduce(desk.now);
    desk.close(&mut excerpt)?;
    Ok(shown(&excerpt, pool)?)
}

/// Takes a scheduled reduction back.
///
/// # Errors
/// Where it is not as expected, or none is scheduled.
pub fn cancel(desk: &Desk<'_>, pool: &Name, expect: &Expect) -> Result<Pool, LedgerError> {
    let mut excerpt = desk.open(&Touched::default())?;
    expect.check(tag(&excerpt, pool).as_deref())?;
    excerpt.cancel_reduction(pool)?;
    desk.close(&mut excerpt)?;
    Ok(shown(&excerpt, pool)?)
}

/// Removes a pool that nobody holds or waits for a seat of.
///
/// # Errors
/// Where there is none, it is not as expected, or somebody needs it.
pub fn remove(desk: &Desk<'_>, pool: &Name, expect: &Expect) -> Result<(), LedgerError> {
    let mut excerpt = desk.open(&Touched::default())?;
    excerpt.numbers(pool)?;
    expect.check(tag(&excerpt, pool).as_deref())?;
    excerpt.remove_pool(pool)?;
    desk.close(&mut excerpt)
}

/// Takes a pool away from the config file that set its seats: from now on the ledger's own people do.
///
/// # Errors
/// Where there is no such pool.
pub fn take_over(desk: &Desk<'_>, pool: &Name) -> Result<(), LedgerError> {
    let mut excerpt = desk.open(&Touched::default())?;
    excerpt.take_over(pool)?;
    desk.close(&mut excerpt)
}

/// Carries out the reductions that have come due.
///
/// # Errors
/// Where they cannot be stored.
pub fn reduce(desk: &Desk<'_>) -> Result<(), LedgerError> {
    let mut excerpt = desk.open(&Touched::default())?;
    desk.close(&mut excerpt)
}

fn tag(excerpt: &Excerpt, pool: &Name) -> Option<String> {
    let count = excerpt.pools().get(pool)?;
    Some(expect::of_pool(count.seats, &excerpt.terms(pool)))
}

fn shown(excerpt: &Excerpt, pool: &Name) -> Result<Pool, Declined> {
    let unknown = || Declined::NotFound { what: "pool", name: pool.to_string() };
    let count = excerpt.pools().get(pool).ok_or_else(unknown)?.clone();
    Ok(Pool { count, terms: excerpt.terms(pool) })
}
