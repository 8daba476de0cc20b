//! Accounts as people change them in a portal.

use jiff::Timestamp;

use super::Desk;
use super::expect::{self, Expect};
use crate::ledger::LedgerError;
use crate::ledger::records::{Invitation, Listed, Touched};
use crate::ledger::rules::{Declined, Excerpt, Folded};
use crate::model::{AccountId, Name, PoolCount, Profile, fold};

/// Makes or changes the unmanaged account with this external id. Whether it is new.
///
/// # Errors
/// Where it is not as expected, a connector owns the account, or a value is another's.
pub fn put(desk: &Desk<'_>, external: &str, profile: &Profile, expect: &Expect) -> Result<(Listed, bool), LedgerError> {
    let known = desk.records.by_external(desk.company, external)?;
    check(desk, known.as_ref(), expect)?;
    let values = Folded { user_names: [fold(&profile.user_name)].into(), emails: [fold(&profile.email)].into() };
    let mut excerpt =
        desk.open(&Touched { accounts: known.iter().cloned().collect(), values, ..Touched::default() })?;
    let id = match &known {
        Some(id) => {
            excerpt.rewrite(id, profile)?;
            excerpt.reopen_domains();
            id.clone()
        }
        None => excerpt.create_unmanaged(profile)?,
    };
    desk.settle_as_set(&mut excerpt)?;
    desk.close(&mut excerpt)?;
    if known.is_none() {
        desk.records.set_external(desk.company, &id, external)?;
    }
    Ok((shown(desk, &id)?, known.is_none()))
}

/// Deletes an account that holds no seat.
///
/// # Errors
/// Where it is not as expected, or holds one.
pub fn delete(desk: &Desk<'_>, id: &AccountId, expect: &Expect) -> Result<(), LedgerError> {
    change(desk, id, expect, |excerpt| excerpt.delete(id))
}

/// Suspends an account; its seats go to whoever's turn it is, unless it keeps them.
///
/// # Errors
/// Where it is not as expected.
pub fn suspend(desk: &Desk<'_>, id: &AccountId, keep_seats: bool, expect: &Expect) -> Result<Listed, LedgerError> {
    change(desk, id, expect, |excerpt| excerpt.suspend_by_hand(id, keep_seats, desk.now))?;
    shown(desk, id)
}

/// Lifts a suspension.
///
/// # Errors
/// Where it is not as expected.
pub fn resume(desk: &Desk<'_>, id: &AccountId, expect: &Expect) -> Result<Listed, LedgerError> {
    change(desk, id, expect, |excerpt| excerpt.resume_by_hand(id))?;
    shown(desk, id)
}

/// Asks for a seat. With `required`, waiting for it is a refusal.
///
/// # Errors
/// Where there is no such account or pool, a connector owns it, or it would wait and must not.
pub fn ask(desk: &Desk<'_>, id: &AccountId, pool: &Name, rank: u32, required: bool) -> Result<Listed, LedgerError> {
    change(desk, id, &Expect::Nothing, |excerpt| excerpt.ask(id, pool, rank, desk.now))?;
    let listed = shown(desk, id)?;
    if required && !listed.account.seat(pool).is_some_and(crate::model::Assignment::is_held) {
        let numbers = desk.records.excerpt(desk.company, &Touched::default())?.numbers(pool)?;
        return Err(Declined::NoSeat(numbers).into());
    }
    Ok(listed)
}

/// Gives a seat back, or leaves the queue.
///
/// # Errors
/// Where there is no such account or pool, or a connector owns it.
pub fn hand_back(desk: &Desk<'_>, id: &AccountId, pool: &Name) -> Result<Listed, LedgerError> {
    change(desk, id, &Expect::Nothing, |excerpt| excerpt.hand_back(id, pool))?;
    shown(desk, id)
}

/// Gives the seat of one account to another in one step. Both, and the pool afterwards.
///
/// # Errors
/// Where the one has none, or the other may not have it.
pub fn transfer(
    desk: &Desk<'_>,
    pool: &Name,
    from: &AccountId,
    to: &AccountId,
) -> Result<(Listed, Listed, PoolCount), LedgerError> {
    let accounts = [from.clone(), to.clone()].into();
    let mut excerpt = desk.open(&Touched { accounts, ..Touched::default() })?;
    excerpt.transfer(pool, from, to, desk.now)?;
    // The taker may have given up another seat for this one.
    desk.settle_as_set(&mut excerpt)?;
    desk.close(&mut excerpt)?;
    let unknown = || Declined::NotFound { what: "pool", name: pool.to_string() };
    let count = excerpt.pools().get(pool).ok_or_else(unknown)?.clone();
    Ok((shown(desk, from)?, shown(desk, to)?, count))
}

/// What the product reported of an account; what is left out stays. No event: it decides nothing.
///
/// # Errors
/// Where there is no such account.
pub fn report(
    desk: &Desk<'_>,
    id: &AccountId,
    invitation: Option<Invitation>,
    last_active: Option<Timestamp>,
) -> Result<(), LedgerError> {
    let before = shown(desk, id)?;
    let (invitation, last) = (invitation.unwrap_or(before.invitation), last_active.or(before.last_active));
    desk.records.set_activity(desk.company, id, invitation, last)
}

/// An account as it is shown.
///
/// # Errors
/// Where there is none of this number.
pub fn shown(desk: &Desk<'_>, id: &AccountId) -> Result<Listed, LedgerError> {
    let unknown = || Declined::NotFound { what: "account", name: id.to_string() };
    Ok(desk.records.account(desk.company, id)?.ok_or_else(unknown)?)
}

/// Changes one account, settles and keeps it.
fn change(
    desk: &Desk<'_>,
    id: &AccountId,
    expect: &Expect,
    work: impl FnOnce(&mut Excerpt) -> Result<(), Declined>,
) -> Result<(), LedgerError> {
    let mut excerpt = desk.open(&Touched { accounts: [id.clone()].into(), ..Touched::default() })?;
    excerpt.account(id)?;
    check(desk, Some(id), expect)?;
    work(&mut excerpt)?;
    desk.settle_as_set(&mut excerpt)?;
    desk.close(&mut excerpt)
}

fn check(desk: &Desk<'_>, id: Option<&AccountId>, expect: &Expect) -> Result<(), LedgerError> {
    let present = match id.filter(|_| *expect != Expect::Nothing) {
        Some(id) => desk.records.account(desk.company, id)?,
        None => None,
    };
    Ok(expect.check(present.as_ref().map(expect::of_account).as_deref())?)
}
