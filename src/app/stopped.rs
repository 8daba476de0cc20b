//! What keeps a free seat from people, by the state alone.

use std::collections::BTreeSet;

use super::AppError;
use super::engine::state_error;
use crate::model::change::HeldChange;
use crate::model::memory::{Absence, LastKnown};
use crate::model::report::Stopped;
use crate::model::{Name, PersonId, Standing};
use crate::ports::History as _;
use crate::state::State;

/// What concerns more than one person. By default nothing does.
#[derive(Debug, Default)]
pub struct Stops {
    /// Directories that were not read whole the last time.
    unread: BTreeSet<Name>,
    /// Who would leave, were it not held back.
    held: BTreeSet<PersonId>,
}

impl Stops {
    pub fn of(state: &State) -> Result<Self, AppError> {
        let directories = state.directories().map_err(|error| state_error(&error))?;
        let unread = directories.into_iter().filter(|status| status.unread().is_some());
        let held = state.held().map_err(|error| state_error(&error))?;
        let changes = held.into_iter().flat_map(|held| held.changes);
        Ok(Self {
            unread: unread.map(|status| status.name).collect(),
            held: changes.filter(HeldChange::is_leaving).map(|change| change.person).collect(),
        })
    }

    /// Why this person gets nothing now.
    pub fn why(&self, known: &LastKnown) -> Option<Stopped> {
        let person = known.person()?;
        let judgement = known.facts.as_ref().map(|facts| &facts.judgement);
        let left = matches!(known.absence, Some(Absence::Gone(_)))
            || judgement.is_some_and(|judged| !judged.in_scope || judged.standing != Standing::Enabled);
        Stopped::first([
            self.unread.contains(&person.directory).then_some(Stopped::Unread),
            self.held.contains(&person).then_some(Stopped::HeldBack),
            left.then_some(Stopped::Leaver),
            matches!(known.absence, Some(Absence::Missing { .. })).then_some(Stopped::Missing),
            judgement.is_some_and(|judged| judged.quarantine.is_some()).then_some(Stopped::Quarantined),
        ])
    }
}
