//! Of several agents of a company one works, the others stand by: whose turn it is, and what to make of the other's work.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::moment::{self, Seen};
use super::{CycleError, Parts, managed};
use crate::model::change::BackendState;
use crate::model::lease::{Lease, Standby};
use crate::model::memory::Remembered;
use crate::model::report::{CycleOutcome, PoolRow, SyncReport};
use crate::model::{Name, PersonId};
use crate::plan::guard::{self, Lost};

/// Whose turn it is.
#[derive(Debug)]
pub enum Turn {
    /// This agent's, and nobody else worked since its last.
    Ours,
    /// This agent's, since this epoch; another one worked meanwhile.
    Inherited {
        epoch: u64,
    },
    Others(Standby),
}

/// Takes the lease. An agent that never changes anything takes none.
///
/// # Errors
/// Where the backend cannot be asked, or the state not be written.
pub async fn turn(parts: &mut Parts<'_>) -> Result<Turn, CycleError> {
    if parts.settings.agent.dry_run {
        return Ok(Turn::Ours);
    }
    let (epoch, others) = match parts.backend.lease(parts.asked.by_person).await? {
        Lease::Others(standby) => return Ok(Turn::Others(standby)),
        Lease::Ours { epoch, others } => (epoch, others),
    };
    parts.memory.set_standby(None)?;
    let Some(epoch) = epoch else { return Ok(Turn::Ours) };
    match parts.memory.epoch()? {
        // Our own epochs tell nothing: an answer that was lost, or a death, leaves one unused.
        Some(last) if others > last => Ok(Turn::Inherited { epoch }),
        _ => {
            parts.memory.set_epoch(epoch)?;
            Ok(Turn::Ours)
        }
    }
}

/// Begins a turn: what another agent did meanwhile is no other hand's work, so it is remembered as it is now, and so is
/// what a backup brought back. Says whether anything is remembered anew.
///
/// # Errors
/// Where more accounts are gone than the guard lets leave: then nothing is taken over.
pub fn begin(
    parts: &mut Parts<'_>,
    turn: &Turn,
    seen: Seen,
    current: &BackendState,
    now: Timestamp,
) -> Result<bool, CycleError> {
    let Turn::Inherited { epoch } = turn else {
        if seen == Seen::Restored {
            learn(parts, seen, current, now)?;
        }
        return Ok(seen == Seen::Restored);
    };
    learn(parts, seen, current, now)?;
    parts.memory.set_epoch(*epoch)?;
    tracing::info!(name: "agent.took_over", epoch, "Took over from another agent of the company.");
    Ok(true)
}

/// A pass of an agent that stands by: it keeps what it knows fresh, and changes nothing.
///
/// # Errors
/// Where the backend cannot be read, has lost accounts, or the state cannot be written.
pub async fn stand_by(parts: &mut Parts<'_>, standby: Standby, now: Timestamp) -> Result<SyncReport, CycleError> {
    parts.memory.set_standby(Some(&standby))?;
    let current = super::current::read(parts.backend).await?;
    let seen = moment::judge(parts, &current).await?;
    learn(parts, seen, &current, now)?;
    moment::remember(parts).await?;
    Ok(of_standby(standby, &current, now))
}

/// Remembers the accounts as they are. Who had one that was not suspended, and has none now, lost it to another hand: an
/// agent removes suspended accounts alone (rules 13 and 15). But in a ledger that was restored nobody lost one: it was not
/// made yet.
fn learn(parts: &mut Parts<'_>, seen: Seen, current: &BackendState, now: Timestamp) -> Result<(), CycleError> {
    let gone = gone_within_limit(parts, current)?;
    let taken = if seen == Seen::Restored { Vec::new() } else { gone };
    parts.memory.forget_baseline()?;
    parts.memory.inherit(&current.accounts, &taken, now)?;
    Ok(())
}

/// Who had an account that was not suspended, and has none now.
///
/// # Errors
/// Where they are more than the guard lets leave.
pub fn gone_within_limit(parts: &Parts<'_>, current: &BackendState) -> Result<Vec<PersonId>, CycleError> {
    let gone = gone(&parts.memory.remembered()?, current);
    match lost(parts, &gone, current) {
        Some(lost) => Err(CycleError::BackendLost { lost }),
        None => Ok(gone),
    }
}

fn gone(remembered: &BTreeMap<PersonId, Remembered>, current: &BackendState) -> Vec<PersonId> {
    let has_one = |person: &PersonId| {
        current.accounts.binary_search_by(|account| account.owner.as_ref().cmp(&Some(person))).is_ok()
    };
    let active = remembered.iter().filter(|(_, known)| !known.suspended).map(|(person, _)| person);
    active.filter(|person| !has_one(person)).cloned().collect()
}

fn lost(parts: &Parts<'_>, gone: &[PersonId], current: &BackendState) -> Option<Lost> {
    let managed = managed(&current.accounts);
    let mut counts: BTreeMap<&Name, u32> = BTreeMap::new();
    for person in gone {
        *counts.entry(&person.directory).or_default() += 1;
    }
    counts.into_iter().find_map(|(directory, count)| {
        let of = managed.get(directory).copied().unwrap_or(0) + count;
        let limit = guard::limit(&parts.settings.guard, of);
        (count > limit).then(|| Lost { directory: directory.clone(), count, limit })
    })
}

/// The report of an agent that stands by: no cycle, and the pools as they are.
fn of_standby(standby: Standby, current: &BackendState, now: Timestamp) -> SyncReport {
    SyncReport {
        outcome: CycleOutcome::Standby,
        pools: current.pools.values().map(PoolRow::from).collect(),
        problems: Vec::new(),
        standby: Some(standby),
        ..SyncReport::of_failure(0, now, "", "")
    }
}
