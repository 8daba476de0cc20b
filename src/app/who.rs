//! Whom a name means: an anchor, a DN, a user name or a mail address, else a logon name; where nothing is decided a display name, too.

use super::engine::state_error;
use super::{AppError, Code};
use crate::model::PersonId;
use crate::model::memory::LastKnown;
use crate::model::settings::Settings;
use crate::ports::StateError;
use crate::state::{State, Who};

/// As many candidates as anybody reads.
const CANDIDATES: usize = 20;

/// The one person that a name means, of those whom the agent may change.
pub fn person(state: &State, settings: &Settings, text: &str) -> Result<PersonId, AppError> {
    let sought = Sought { state, settings, text };
    let found = sought.named()?;
    match found.as_slice() {
        [] => Err(sought.unknown()?),
        [Who::Person(person)] => Ok(person.clone()),
        [Who::Stranger(id)] => Err(AppError::new(
            Code::UnknownUser,
            format!("{text:?} is the unmanaged account {id}; the agent changes only accounts it created or adopted"),
        )),
        several => Err(sought.ambiguous(several)),
    }
}

/// The one that a name means: else a display name or the beginning of one.
pub fn anybody(state: &State, settings: &Settings, text: &str) -> Result<Who, AppError> {
    let sought = Sought { state, settings, text };
    let mut found = sought.named()?;
    if found.is_empty() {
        found = sought.counting(state.called(text))?;
    }
    match found.as_slice() {
        [] => Err(sought.unknown()?),
        [who] => Ok(who.clone()),
        several => Err(sought.ambiguous(several)),
    }
}

/// Whether somebody is one of the company's people: of a directory that the config does not name (any more, or under that name)
/// only who has an account, or had it taken away.
pub fn counts(settings: &Settings, known: &LastKnown) -> bool {
    let named = known.directory.as_ref().is_none_or(|directory| settings.has_directory(directory));
    named || known.account.is_some() || known.taken.is_some()
}

/// A name that somebody typed.
#[derive(Clone, Copy)]
struct Sought<'a> {
    state: &'a State,
    settings: &'a Settings,
    text: &'a str,
}

impl Sought<'_> {
    /// Who has exactly this name; where nobody has, who logs on by it.
    fn named(self) -> Result<Vec<Who>, AppError> {
        let found = self.counting(self.state.find(self.text))?;
        if found.is_empty() { self.counting(self.state.logging_on_as(self.text)) } else { Ok(found) }
    }

    /// Those of whom the state found that count.
    fn counting(self, found: Result<Vec<Who>, StateError>) -> Result<Vec<Who>, AppError> {
        let mut counting = Vec::new();
        for who in found.map_err(|error| state_error(&error))? {
            let left_behind = match &who {
                Who::Person(person) if !self.settings.has_directory(&person.directory) => {
                    let known = self.state.person(person).map_err(|error| state_error(&error))?;
                    known.is_some_and(|known| !counts(self.settings, &known))
                }
                Who::Person(_) | Who::Stranger(_) => false,
            };
            if !left_behind {
                counting.push(who);
            }
        }
        Ok(counting)
    }

    /// Nobody has that name; people who are called so are listed, since one of them may be meant.
    fn unknown(self) -> Result<AppError, AppError> {
        let error = AppError::new(Code::UnknownUser, format!("nobody is known by {:?}", self.text));
        let called = self.counting(self.state.called(self.text))?;
        let is_new = self.state.last_cycle().map_err(|error| state_error(&error))?.is_none();
        Ok(if is_new {
            error.with_next("no cycle yet, so nobody is known: `seatsync sync` makes one")
        } else if called.is_empty() {
            error.with_next(
                "give an anchor, a DN, a user name, a mail address or a logon name; `seatsync users` lists everyone",
            )
        } else {
            error
                .with_details(candidates(self.state, &called))
                .with_next("a decision needs a user name, mail address, logon name, DN or anchor")
        })
    }

    fn ambiguous(self, several: &[Who]) -> AppError {
        AppError::new(Code::AmbiguousUser, format!("{:?} fits {} people", self.text, several.len()))
            .with_details(candidates(self.state, several))
            .with_next(self.next(several))
    }

    /// A directory whose name was changed has the same people, names and anchors under both.
    fn next(self, several: &[Who]) -> String {
        let unnamed = several.iter().find_map(|who| match who {
            Who::Person(person) if !self.settings.has_directory(&person.directory) => Some(&person.directory),
            Who::Person(_) | Who::Stranger(_) => None,
        });
        unnamed.map_or_else(
            || "give the user name or the anchor of the one you mean".to_owned(),
            |old| {
                format!("the config does not name the directory {old}: if it has another name now, write {old} again")
            },
        )
    }
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
