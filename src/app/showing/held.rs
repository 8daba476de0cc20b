//! Whom the guard holds back, by name.

use crate::app::AppError;
use crate::app::engine::state_error;
use crate::app::explain::leaving;
use crate::model::PersonId;
use crate::model::change::HeldChange;
use crate::model::memory::LastKnown;
use crate::ports::History as _;
use crate::state::State;
use crate::status::HeldPerson;

/// As many as one looks through to see whether it is meant.
const SHOWN: usize = 25;

/// The first of them, and how many more there are.
pub fn held_people(state: &State) -> Result<(Vec<HeldPerson>, u64), AppError> {
    let Some(held) = state.held().map_err(|error| state_error(&error))? else { return Ok((Vec::new(), 0)) };
    let of_people: Vec<&HeldChange> = held.changes.iter().filter(|change| change.change != "scope").collect();
    let people: Vec<&[&HeldChange]> = of_people.chunk_by(|a, b| a.person == b.person).collect();
    let more = people.len().saturating_sub(SHOWN) as u64;
    let shown = people.into_iter().take(SHOWN).map(|changes| row(state, &changes[0].person, changes));
    Ok((shown.collect::<Result<_, _>>()?, more))
}

fn row(state: &State, person: &PersonId, changes: &[&HeldChange]) -> Result<HeldPerson, AppError> {
    let known = state.person(person).map_err(|error| state_error(&error))?;
    let profile = known.as_ref().and_then(|known| Some(&known.account.as_ref()?.profile));
    let facts = known.as_ref().and_then(|known| known.facts.as_ref());
    let user_name = profile.map(|profile| &*profile.user_name).or_else(|| facts.map(|facts| &*facts.user_name));
    let called = profile.and_then(|profile| profile.display_name.as_deref());
    let called = called.or_else(|| facts.and_then(|facts| facts.display_name.as_deref()));
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Ok(HeldPerson {
        person: person.clone(),
        name: called.and_then(text).or_else(|| user_name.and_then(text)),
        user_name: user_name.and_then(text),
        what: what(changes, known.as_ref()),
    })
}

/// "the suspension of the account: disabled in the directory".
fn what(changes: &[&HeldChange], known: Option<&LastKnown>) -> String {
    let said: Vec<String> = changes.iter().map(|change| change.in_words()).collect();
    let leaves = changes.iter().any(|change| change.is_leaving());
    let cause = known.filter(|_| leaves).and_then(leaving::cause);
    let cause = cause.map(|cause| format!(": {}", leaving::words(cause))).unwrap_or_default();
    format!("{}{cause}", said.join(", "))
}
