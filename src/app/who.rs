//! Whom a name means: an anchor, a DN, a user name or a mail address.

use super::engine::state_error;
use super::{AppError, Code};
use crate::model::PersonId;
use crate::state::{State, Who};

/// The one person that a name means, of those whom the agent may change.
pub fn person(state: &State, text: &str) -> Result<PersonId, AppError> {
    match who(state, text)? {
        Who::Person(person) => Ok(person),
        Who::Stranger(id) => Err(AppError::new(
            Code::UnknownUser,
            format!("{text:?} is the unmanaged account {id}; the agent changes only accounts it created or adopted"),
        )),
    }
}

/// The one that a name means.
pub fn who(state: &State, text: &str) -> Result<Who, AppError> {
    let found = state.find(text).map_err(|error| state_error(&error))?;
    match found.as_slice() {
        [] => Err(AppError::new(Code::UnknownUser, format!("nobody is known by {text:?}"))
            .with_next("give an anchor, a DN, a user name or a mail address; `seatsync users` lists everyone")),
        [who] => Ok(who.clone()),
        several => Err(AppError::new(Code::AmbiguousUser, format!("{text:?} fits several people"))
            .with_details(several.iter().map(|who| candidate(state, who)))
            .with_next("give the anchor of the one you mean")),
    }
}

fn candidate(state: &State, who: &Who) -> String {
    let person = match who {
        Who::Person(person) => person,
        Who::Stranger(id) => return format!("unmanaged account {id}"),
    };
    let known = state.person(person).ok().flatten();
    let account = known.as_ref().and_then(|known| known.account.as_ref());
    let entry = known.as_ref().and_then(|known| known.facts.as_ref()).map(|facts| facts.dn.to_string());
    let called = entry.or_else(|| account.map(|account| account.profile.user_name.clone())).unwrap_or_default();
    format!("{} in {}: {called}", person.anchor, person.directory)
}
