//! People whose whole account another hand deleted in the backend (rule 13): no queue of the backend has them any more, and
//! they wait for a person's word all the same. They are shown behind those who are in the queues.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::AppError;
use super::engine::state_error;
use crate::model::memory::LastKnown;
use crate::model::report::{PendingRow, PoolRow, Stopped};
use crate::model::{Name, PersonId, WaitReason};
use crate::ports::Accounts as _;
use crate::state::State;

/// What one of them waits for.
pub struct Place<'a> {
    pub known: &'a LastKnown,
    pub person: PersonId,
    pub pool: &'a Name,
    pub since: Timestamp,
    pub position: u64,
    /// By a person, and no cycle has made the account yet.
    pub approved: bool,
}

/// All their places: behind the queues, each place of which is named by its pool; by time, then by person.
pub fn places<'a, 'q>(everyone: &'a [LastKnown], queued: impl Iterator<Item = &'q Name>) -> Vec<Place<'a>> {
    let mut last: BTreeMap<Name, u64> = BTreeMap::new();
    for pool in queued {
        *last.entry(pool.clone()).or_default() += 1;
    }
    let mut all: Vec<Place<'a>> = everyone.iter().flat_map(places_of).collect();
    all.sort_by(|a, b| (a.since, &a.person, a.pool).cmp(&(b.since, &b.person, b.pool)));
    for place in &mut all {
        let position = last.entry(place.pool.clone()).or_default();
        *position += 1;
        place.position = *position;
    }
    all
}

fn places_of(known: &LastKnown) -> Vec<Place<'_>> {
    let Some(((since, pools), person)) = known.bereft().zip(known.person()) else { return Vec::new() };
    let approval = known.taken.as_ref().and_then(|taken| taken.approval.as_ref());
    let approved = |pool: &str| approval.is_some_and(|approval| approval.covers(pool));
    let place = |pool| Place { known, person: person.clone(), pool, since, position: 0, approved: approved(pool) };
    pools.iter().map(|wanted| place(&wanted.pool)).collect()
}

impl Place<'_> {
    const fn reason(&self) -> WaitReason {
        if self.approved { WaitReason::NoSeat } else { WaitReason::RemovedElsewhere }
    }

    /// As `pending` shows it.
    pub fn pending(&self, stopped: Option<Stopped>) -> PendingRow {
        let facts = self.known.facts.as_ref();
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        PendingRow {
            anchor: self.known.anchor,
            user_name: text(facts.map(|facts| &*facts.user_name)),
            display_name: facts.and_then(|facts| facts.display_name.as_deref()).map(str::to_owned),
            email: text(facts.map(|facts| &*facts.email)),
            pool: self.pool.clone(),
            position: self.position,
            reason: self.reason(),
            why: String::new(),
            since: self.since,
            approved: self.approved,
            passed_over: stopped.is_some(),
            stopped,
            decided: None,
        }
    }
}

/// The pools, with these people among those who wait.
pub fn counted_in(state: &State, mut pools: Vec<PoolRow>) -> Result<Vec<PoolRow>, AppError> {
    for person in state.taken().map_err(|error| state_error(&error))?.into_keys() {
        let known = state.person(&person).map_err(|error| state_error(&error))?;
        for place in known.iter().flat_map(places_of) {
            if let Some(pool) = pools.iter_mut().find(|pool| pool.name == *place.pool) {
                pool.waiting += 1;
            }
        }
    }
    Ok(pools)
}
