//! A cycle that looks at what changed: whoever is touched is looked up, and planned by the same functions as everyone. What
//! changed is told by the directories (a delta cycle), or found out by a read of everything that takes in nobody whose entry is as
//! it was (a full cycle, that costs memory for those alone who changed).
//!
//! Left out is who has just what is asked for, unless somebody else's plan turns on it (`plan::tests::touched` proves that the
//! plan is the same without). So these are looked at:
//!
//! | who | since |
//! |---|---|
//! | whose entry may have changed, or is not there | the directory says so, or the read shows it |
//! | who came into a group of the config or left one | the group changed, or the person's name did |
//! | whose expiry has come due | time passes |
//! | who waits, cannot be served, or is kept as a leaver | a seat may be free, a name may be |
//! | who left within the guard's window | whoever came back counts no more |
//! | who shares a unique value with any of these, or has the anchor of an account that nobody manages | one of them gets it |
//!
//! Where anything cannot be told so, everyone is looked at: nobody is left out for want of knowing.

mod look;
mod roster;
mod told;

use std::collections::BTreeSet;

use jiff::Timestamp;

use self::look::{Look, Unheard};
use super::baseline::{Baseline, Holds, Touched};
use super::last_known::AccountsLastKnown;
use super::reading::{self, Readings, Sources};
use super::succession::Turn;
use super::{CycleError, Parts};
use crate::model::change::BackendState;
use crate::model::report::ReadMode;
use crate::model::{Account, Anchor, PersonId, Profile};
use crate::ports::{Persistence, ReadError, StateError};

/// Why it cannot be done so.
type Untold = String;

/// How it is found out who changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// The directories say it.
    Follow,
    /// Everything is read, and each entry compared with the digest of the last.
    Compare,
}

impl Way {
    const fn mode(self) -> ReadMode {
        match self {
            Self::Follow => ReadMode::Delta,
            Self::Compare => ReadMode::Full,
        }
    }
}

/// Whether everyone has to be looked at.
pub enum Touch {
    /// What changed, and whoever is touched by it.
    Some(Box<Sources>),
    /// Everyone; a directory that failed just now is not tried again.
    All(Option<(usize, ReadError)>),
}

/// What changed and whoever is touched by it, where that can be told.
///
/// # Errors
/// Where backend or state cannot be read, or a stop was asked for.
pub async fn read(
    parts: &mut Parts<'_>,
    turn: &Turn,
    before: Option<Baseline>,
    now: Timestamp,
) -> Result<Touch, CycleError> {
    let Some(before) = before.filter(|_| matches!(turn, Turn::Ours)) else { return Ok(Touch::All(None)) };
    let (ways, why) = match before.holds(parts, now) {
        Holds::Everything => ([Way::Follow, Way::Compare].as_slice(), None),
        Holds::AllButTheRead(why) => ([Way::Compare].as_slice(), Some(why)),
        Holds::Nothing(why) => ([].as_slice(), Some(why)),
    };
    let mut why = why.unwrap_or_default().to_owned();
    let mut failed = None;
    for way in ways {
        tracing::debug!(?way, why, "Looking for what changed.");
        match attempt(parts, *way, &before, now).await? {
            Ok(sources) => return Ok(Touch::Some(Box::new(sources))),
            Err(Unheard::Untold(untold)) => why = untold,
            Err(Unheard::Failed(index, error)) => {
                why.clone_from(&error.doing);
                failed = Some((index, error)).filter(|(_, error)| error.persistence == Persistence::Credentials);
                break;
            }
        }
    }
    tracing::debug!(why, "Everyone is looked at.");
    reading::close(parts).await;
    Ok(Touch::All(failed))
}

async fn attempt(
    parts: &mut Parts<'_>,
    way: Way,
    before: &Baseline,
    now: Timestamp,
) -> Result<Result<Sources, Unheard>, CycleError> {
    let untold = |why: &str| Ok(Err(Unheard::Untold(why.to_owned())));
    let Some(current) = parts.backend.unchanged(before.generation).await? else {
        return untold("the backend was changed by another hand");
    };
    if current.confirmations.iter().any(|confirmation| confirmation.expires > now) {
        return untold("something is confirmed");
    }
    let strangers = parts.memory.strangers()?;
    let mut touched = beside_directories(parts, &current, &strangers, now)?;
    if touched.len() > look::MOST {
        return untold("too many wait, or are looked at for another reason, to be looked up");
    }
    let mut looks = Vec::with_capacity(parts.directories.len());
    for (index, reported) in before.directories.iter().enumerate().take(parts.directories.len()) {
        match look::ask(parts, index, (way, reported), &touched, now).await? {
            Ok((look, changed)) => {
                touched.extend(changed.into_iter().map(|anchor| look.person(anchor)));
                looks.push(look);
            }
            Err(unheard) => return Ok(Err(unheard)),
        }
    }
    let mut gathered = Gathered::default();
    gathered.add(parts, &mut looks, touched, strangers, now).await?;
    match regroup(parts, &mut looks, now).await? {
        Ok(members) => gathered.add(parts, &mut looks, members, Vec::new(), now).await?,
        Err(why) => return Ok(Err(Unheard::Untold(why))),
    }
    let Gathered { people, mut accounts } = gathered;
    accounts.sort_by(|one, other| one.owner.cmp(&other.owner));
    let current = BackendState { accounts, ..current };
    let mut readings = Vec::with_capacity(looks.len());
    for look in looks {
        match look.finish(parts, &current.accounts, now)? {
            Ok(read) => readings.push(read),
            Err(why) => return Ok(Err(Unheard::Untold(why))),
        }
    }
    let remembered = AccountsLastKnown::of(parts.memory, &people)?;
    let touched = Some(Touched { people, before: before.clone() });
    Ok(Ok(Sources { current, readings: Readings(readings), remembered, touched }))
}

/// Whoever is touched, whatever the directories say.
fn beside_directories(
    parts: &Parts<'_>,
    current: &BackendState,
    strangers: &[Account],
    now: Timestamp,
) -> Result<BTreeSet<PersonId>, StateError> {
    let mut people = parts.memory.open()?;
    let window = parts.settings.guard.window;
    let in_window = current.marks.iter().filter(|mark| mark.at.checked_add(window).is_ok_and(|end| end > now));
    people.extend(in_window.map(|mark| mark.person.clone()));
    let carried: Vec<Anchor> = strangers.iter().filter_map(|account| account.external).collect();
    for directory in &parts.settings.directories {
        let known = parts.memory.known(&directory.name, &carried)?;
        people.extend(known.into_iter().map(|known| PersonId::new(directory.name.clone(), known.anchor)));
        let due = parts.memory.due(&directory.name, now)?;
        people.extend(due.into_iter().map(|anchor| PersonId::new(directory.name.clone(), anchor)));
    }
    Ok(people)
}

/// Everyone touched, and their accounts.
#[derive(Default)]
struct Gathered {
    people: BTreeSet<PersonId>,
    accounts: Vec<Account>,
}

impl Gathered {
    /// Looks up these people, and whoever shares a unique value with one of them or with one of these accounts.
    async fn add(
        &mut self,
        parts: &mut Parts<'_>,
        looks: &mut [Look],
        people: BTreeSet<PersonId>,
        mut accounts: Vec<Account>,
        now: Timestamp,
    ) -> Result<(), CycleError> {
        let mut next: BTreeSet<PersonId> = people.difference(&self.people).cloned().collect();
        while !(next.is_empty() && accounts.is_empty()) {
            for look in looks.iter_mut() {
                look.locate(parts, &next, now).await?;
            }
            accounts.extend(parts.memory.accounts_of(&next)?);
            let shown = looks.iter().flat_map(|look| look.profiles(&next));
            let profiles: Vec<&Profile> = accounts.iter().map(|account| &account.profile).chain(shown).collect();
            let sharing = parts.memory.sharing(&profiles)?;
            self.accounts.append(&mut accounts);
            self.people.append(&mut next);
            next = sharing.difference(&self.people).cloned().collect();
        }
        Ok(())
    }
}

/// Walks the groups again that may have other members than before. Gives whoever came into one or left one.
async fn regroup(
    parts: &mut Parts<'_>,
    looks: &mut [Look],
    now: Timestamp,
) -> Result<Result<BTreeSet<PersonId>, Untold>, CycleError> {
    let mut people = BTreeSet::new();
    for look in looks {
        match look.regroup(parts, now).await? {
            Ok(members) => people.extend(members.into_iter().map(|anchor| look.person(anchor))),
            Err(why) => return Ok(Err(why)),
        }
    }
    Ok(Ok(people))
}
