//! What the backend says: everything, or nothing is planned.

use std::collections::BTreeMap;

use super::{CycleError, Parts};
use crate::model::Name;
use crate::model::account::given_elsewhere;
use crate::model::change::BackendState;
use crate::model::text::counted;
use crate::ports::{Backend, BackendError};

/// Its word, with its accounts by owner.
///
/// # Errors
/// Where it cannot be read.
pub async fn read(backend: &mut dyn Backend) -> Result<BackendState, BackendError> {
    let mut current = backend.read().await?;
    current.accounts.sort_by(|a, b| a.owner.cmp(&b.owner));
    Ok(current)
}

/// A pool whose seats the backend counts must be there: else everyone in it would be refused, one by one. Where the config
/// counts them, one that is not there is made, but not beside seats of a pool that the config names no more: that is one
/// pool with another name, and its seats would be given twice.
///
/// # Errors
/// Where one is not.
pub fn check_pools(parts: &Parts<'_>, current: &BackendState) -> Result<(), CycleError> {
    if !parts.backend.capabilities().counts_seats {
        return check_names(parts, current);
    }
    let Some(pool) = parts.settings.pools.iter().find(|pool| !current.pools.contains_key(&pool.name)) else {
        return Ok(());
    };
    let known: Vec<String> = current.pools.keys().map(|name| format!("{name:?}")).collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    Err(CycleError::NoPool { pool: pool.name.clone(), known })
}

fn check_names(parts: &Parts<'_>, current: &BackendState) -> Result<(), CycleError> {
    let pools = &parts.settings.pools;
    let Some(new) = pools.iter().find(|pool| !current.pools.contains_key(&pool.name)) else { return Ok(()) };
    let is_named = |name: &Name| pools.iter().any(|pool| pool.name == *name);
    let unnamed = given_elsewhere(&current.accounts, is_named);
    match unnamed.first_key_value() {
        None => Ok(()),
        Some((old, people)) => {
            let people = counted(*people, "person holds", "people hold");
            Err(CycleError::PoolRenamed { new: new.name.clone(), old: old.clone(), people })
        }
    }
}

/// As if pools had so many seats more, or fewer.
pub fn suppose(current: &mut BackendState, more: &BTreeMap<Name, i64>) {
    for (pool, more) in more {
        if let Some(count) = current.pools.get_mut(pool) {
            count.seats = with_more(count.seats, *more);
        }
    }
}

/// So many seats more, or fewer.
#[must_use]
pub fn with_more(seats: u32, more: i64) -> u32 {
    let seats = i64::from(seats).saturating_add(more).clamp(0, u32::MAX.into());
    u32::try_from(seats).unwrap_or(u32::MAX)
}
