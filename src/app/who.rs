//! Whom a name means: an anchor, a DN, a user name or a mail address; where nothing is decided a logon name or a display name, too.

use super::engine::state_error;
use super::{AppError, Code};
use crate::model::PersonId;
use crate::state::{State, Who};

/// As many candidates as anybody reads.
const CANDIDATES: usize = 20;

/// The one person that a name means, of those whom the agent may change.
pub fn person(state: &State, text: &str) -> Result<PersonId, AppError> {
    let found = state.find(text).map_err(|error| state_error(&error))?;
    match found.as_slice() {
        [] => Err(unknown(state, text)?),
        [Who::Person(person)] => Ok(person.clone()),
        [Who::Stranger(id)] => Err(AppError::new(
            Code::UnknownUser,
            format!("{text:?} is the unmanaged account {id}; the agent changes only accounts it created or adopted"),
        )),
        several => Err(ambiguous(state, text, several)),
    }
}

/// The one that a name means: else a logon name, else a display name or the beginning of one.
pub fn anybody(state: &State, text: &str) -> Result<Who, AppError> {
    let mut found = state.find(text).map_err(|error| state_error(&error))?;
    if found.is_empty() {
        found = state.logging_on_as(text).map_err(|error| state_error(&error))?;
    }
    if found.is_empty() {
        found = state.called(text).map_err(|error| state_error(&error))?;
    }
    match found.as_slice() {
        [] => Err(unknown(state, text)?),
        [who] => Ok(who.clone()),
        several => Err(ambiguous(state, text, several)),
    }
}

/// Nobody has that name; people who are called so are listed, since one of them may be meant.
fn unknown(state: &State, text: &str) -> Result<AppError, AppError> {
    let error = AppError::new(Code::UnknownUser, format!("nobody is known by {text:?}"));
    let called = state.called(text).map_err(|error| state_error(&error))?;
    let is_new = state.last_cycle().map_err(|error| state_error(&error))?.is_none();
    Ok(if is_new {
        error.with_next("no cycle yet, so nobody is known: `seatsync sync` makes one")
    } else if called.is_empty() {
        error.with_next("give an anchor, a DN, a user name or a mail address; `seatsync users` lists everyone")
    } else {
        error
            .with_details(candidates(state, &called))
            .with_next("a decision needs a user name, mail address, DN or anchor")
    })
}

fn ambiguous(state: &State, text: &str, several: &[Who]) -> AppError {
    AppError::new(Code::AmbiguousUser, format!("{text:?} fits {} people", several.len()))
        .with_details(candidates(state, several))
        .with_next("give the user name or the anchor of the one you mean")
}

fn candidates(state: &State, several: &[Who]) -> Vec<String> {
    let mut lines: Vec<String> = several.iter().take(CANDIDATES).map(|who| candidate(state, who)).collect();
    if several.len() > CANDIDATES {
        lines.push(format!("and {} more", several.len() - CANDIDATES));
    }
    lines
}

/// "ada (Ada Lovelace): uid=ada,dc=corp in corp, 92adf353-...".
fn candidate(state: &State, who: &Who) -> String {
    let person = match who {
        Who::Person(person) => person,
        Who::Stranger(id) => return format!("unmanaged account {id}"),
    };
    let known = state.person(person).ok().flatten();
    let facts = known.as_ref().and_then(|known| known.facts.as_ref());
    let profile = known.as_ref().and_then(|known| Some(&known.account.as_ref()?.profile));
    let user_name = facts.map(|facts| &*facts.user_name).or(profile.map(|profile| &*profile.user_name));
    let display_name = facts.and_then(|facts| facts.display_name.as_deref());
    let called = display_name.or(profile.and_then(|profile| profile.display_name.as_deref()));
    let called = called.map(|name| format!(" ({name})")).unwrap_or_default();
    let dn = facts.map(|facts| format!("{} in ", facts.dn)).unwrap_or_default();
    format!("{}{called}: {dn}{}, {}", user_name.unwrap_or_default(), person.directory, person.anchor)
}
