//! Records as they are shown.

use std::collections::BTreeMap;

use super::fault::Fault;
use crate::ledger::operations::expect;
use crate::ledger::records::{self, Listed, View};
use crate::ledger::rules::{self, company};
use crate::ledger::wire;
use crate::model::{self, AccountId, PersonId};
use crate::plan::seats;

/// Lists of more accounts than this go without positions.
pub const WITH_POSITIONS: usize = 1000;
/// Of so many each is looked up by itself; for more the queue is loaded.
const FEW: usize = 8;

/// Accounts, with their places in the queues where they are not too many.
pub fn accounts(view: &dyn View, company: &str, listed: &[Listed]) -> Result<Vec<wire::Account>, Fault> {
    let mut shown: Vec<wire::Account> = listed.iter().map(without_places).collect();
    let waits = listed.iter().any(|one| one.account.seats.iter().any(model::Assignment::is_waiting));
    if listed.len() > WITH_POSITIONS || !waits {
        return Ok(shown);
    }
    if listed.len() <= FEW {
        look_up(view, company, listed, &mut shown)?;
        return Ok(shown);
    }
    let queue = rules::queue(&view.waiting_accounts(company)?);
    let places = seats::positions(&queue);
    let places: BTreeMap<(&PersonId, &str), u32> =
        places.iter().map(|((person, pool), place)| ((*person, &***pool), *place)).collect();
    for (account, listed) in shown.iter_mut().zip(listed) {
        let person = listed.account.claimant();
        for seat in &mut account.seats {
            seat.position = places.get(&(&person, seat.pool.as_str())).copied();
        }
    }
    Ok(shown)
}

/// An account, without its places in the queues.
pub fn without_places(listed: &Listed) -> wire::Account {
    wire::Account::of(listed, expect::of_account(listed))
}

/// Each place by itself.
fn look_up(view: &dyn View, company: &str, listed: &[Listed], shown: &mut [wire::Account]) -> Result<(), Fault> {
    for (account, listed) in shown.iter_mut().zip(listed) {
        for (seat, known) in account.seats.iter_mut().zip(&listed.account.seats) {
            if known.is_waiting() {
                seat.position = view.position(company, &listed.account.id, &known.pool)?;
            }
        }
    }
    Ok(())
}

/// One account, with its places.
pub fn account(view: &dyn View, company: &str, listed: Listed) -> Result<wire::Account, Fault> {
    let mut shown = accounts(view, company, &[listed])?;
    shown.pop().ok_or_else(|| Fault::not_found("there is no such account"))
}

/// These accounts as they are now.
pub fn these(view: &dyn View, company: &str, ids: &[AccountId]) -> Result<Vec<wire::Account>, Fault> {
    let mut listed = Vec::with_capacity(ids.len());
    for id in ids {
        listed.extend(view.account(company, id)?);
    }
    accounts(view, company, &listed)
}

/// A pool.
pub fn pool(pool: &records::Pool) -> wire::Pool {
    wire::Pool::of(pool, expect::of_pool(pool.count.seats, &pool.terms))
}

/// All pools of a company.
pub fn pools(view: &dyn View, company: &str) -> Result<Vec<wire::Pool>, Fault> {
    Ok(view.pools(company)?.iter().map(pool).collect())
}

/// A company's settings.
pub fn company(company: &company::Company) -> wire::Company {
    wire::Company::of(company, expect::of_company(company))
}
