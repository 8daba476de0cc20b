//! What the guard holds back of one person.

use crate::app::AppError;
use crate::app::answers::held_rows;
use crate::app::engine::state_error;
use crate::model::PersonId;
use crate::model::change::HeldChange;
use crate::model::report::{HeldKind, HeldRow};
use crate::ports::History as _;
use crate::state::State;

/// What waits for a confirmation, and decides about this person.
pub(super) struct HeldBack {
    pub fingerprint: String,
    /// What would happen to the person: "the suspension of the account". Empty where only the scope is in doubt.
    changes: Vec<String>,
    /// The same as somebody's deed, of what takes from the person: "suspend the account".
    taking: Vec<String>,
    /// The numbers that decided it.
    numbers: Vec<HeldRow>,
    /// Everything that the fingerprint lets through.
    all: usize,
}

impl HeldBack {
    /// None where nothing that concerns this person is held back.
    pub(super) fn find(state: &State, person: &PersonId) -> Result<Option<Self>, AppError> {
        let Some(held) = state.held().map_err(|error| state_error(&error))? else { return Ok(None) };
        let mine: Vec<&HeldChange> = held.changes.iter().filter(|change| change.person == *person).collect();
        let kinds: Vec<HeldKind> = mine.iter().map(|change| kind(change)).collect();
        let concerns = |row: &HeldRow| {
            row.directory == person.directory && (row.kind == HeldKind::Scope || kinds.contains(&row.kind))
        };
        let numbers: Vec<HeldRow> = held_rows(&held)?.into_iter().filter(concerns).collect();
        let taking = mine.iter().filter_map(|change| change.taking()).collect();
        let changes = mine.into_iter().map(HeldChange::in_words).collect();
        let all = held.changes.len();
        Ok((!numbers.is_empty()).then_some(Self { fingerprint: held.fingerprint, changes, taking, numbers, all }))
    }

    /// "the guard holds back the suspension of the account: 5 of 10 people would lose their seat or account; the limit is 3".
    pub(super) fn sentence(&self) -> Option<String> {
        let row = self.numbers.iter().find(|row| row.kind != HeldKind::Scope)?;
        Some(format!("the guard holds back {}: {}", self.changes.join(" and "), row.numbers()))
    }

    /// A base or group of the person's directory is gone, and nobody said yet that this is meant.
    pub(super) fn concerns_scope(&self) -> bool {
        self.numbers.iter().any(|row| row.kind == HeldKind::Scope)
    }

    /// The person would lose something by it.
    pub(super) const fn takes(&self) -> bool {
        !self.taking.is_empty()
    }

    /// Who would lose by it is not told to confirm it.
    pub(super) fn advice(&self) -> String {
        if !self.taking.is_empty() {
            let deeds = self.taking.join(" and ");
            return format!(
                "`seatsync confirm {}` would {deeds}; `seatsync plan` shows all that it lets through",
                self.fingerprint
            );
        }
        let what = match self.all {
            1 => "the one change that is held back now".to_owned(),
            all => format!("all {all} changes that are held back now"),
        };
        format!("`seatsync confirm {}`, which lets {what} through; `seatsync plan` shows them", self.fingerprint)
    }
}

fn kind(change: &HeldChange) -> HeldKind {
    if change.change == "update" { HeldKind::Renaming } else { HeldKind::Leaving }
}
