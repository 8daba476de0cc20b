//! A cycle that looks at what changed: whoever is touched is looked up, and planned by the same functions as everyone.
//!
//! Left out is who has just what is asked for, unless somebody else's plan turns on it (`plan::tests::touched` proves that the
//! plan is the same without). So these are looked at:
//!
//! | who | since |
//! |---|---|
//! | whose entry may have changed | the directory says so |
//! | whose expiry has come due | time passes |
//! | who waits, cannot be served, or is kept as a leaver | a seat may be free, a name may be |
//! | who left within the guard's window | whoever came back counts no more |
//! | who shares a unique value with any of these, or has the anchor of an account that nobody manages | one of them gets it |
//!
//! Where anything cannot be told so, everything is read: nobody is left out for want of knowing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use jiff::Timestamp;

use super::last_known::AccountsLastKnown;
use super::people::{KnownPeople, unplaced};
use super::reading::{self, DirectoryRead, Readings, Sources};
use super::settled::{Part, Settled};
use super::succession::Turn;
use super::{CycleError, Parts};
use crate::desired::accounts_of;
use crate::model::change::BackendState;
use crate::model::report::{DirectoryReport, ReadMode};
use crate::model::snapshot::{Changes, Followed, Found, Pin, ScopeKey, Snapshot, Whereabouts};
use crate::model::{Account, Anchor, Dn, PersonId, Profile};
use crate::ports::StateError;

/// Why everything is read instead.
type Untold = String;

/// What changed and whoever is touched by it; None where everything must be read.
///
/// # Errors
/// Where backend or state cannot be read, or a stop was asked for.
pub async fn read(
    parts: &mut Parts<'_>,
    turn: &Turn,
    before: Option<Settled>,
    now: Timestamp,
) -> Result<Option<Sources>, CycleError> {
    let Some(before) = before.filter(|_| matches!(turn, Turn::Ours)) else { return Ok(None) };
    let told = match before.is_over(parts, now) {
        Some(why) => Err(why.to_owned()),
        None => follow(parts, before, now).await?,
    };
    match told {
        Ok(sources) => Ok(Some(sources)),
        Err(why) => {
            tracing::debug!(why, "Everything is read.");
            reading::close(parts).await;
            Ok(None)
        }
    }
}

async fn follow(parts: &mut Parts<'_>, before: Settled, now: Timestamp) -> Result<Result<Sources, Untold>, CycleError> {
    let Some(current) = parts.backend.unchanged(before.generation).await? else {
        return Ok(Err("the backend was changed by another hand".to_owned()));
    };
    if current.confirmations.iter().any(|confirmation| confirmation.expires > now) {
        return Ok(Err("something is confirmed".to_owned()));
    }
    let strangers = parts.memory.strangers()?;
    let mut people = beside_directories(parts, &current, &strangers, now)?;
    let mut looks = Vec::with_capacity(parts.directories.len());
    for (index, reported) in before.directories.iter().enumerate().take(parts.directories.len()) {
        match ask(parts, index, reported, now).await? {
            Ok((look, changed)) => {
                people.extend(changed.into_iter().map(|anchor| PersonId::new(look.read.name.clone(), anchor)));
                looks.push(look);
            }
            Err(why) => return Ok(Err(why)),
        }
    }
    let accounts = gather(parts, &mut looks, &mut people, strangers, now).await?;
    let current = BackendState { accounts, ..current };
    let mut readings = Vec::with_capacity(looks.len());
    for look in looks {
        match look.finish(parts, &current.accounts, now)? {
            Ok(read) => readings.push(read),
            Err(why) => return Ok(Err(why)),
        }
    }
    let remembered = AccountsLastKnown::of(parts.memory, &people)?;
    let part = Some(Part { people, before });
    Ok(Ok(Sources { current, readings: Readings(readings), remembered, part }))
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

/// One directory as far as it was looked at.
struct Look {
    index: usize,
    read: DirectoryRead,
    changes: Changes,
    reported: DirectoryReport,
    located: BTreeMap<Anchor, Whereabouts>,
    begun: Instant,
}

/// Asks a directory what changed. The people of its answer come beside it.
async fn ask(
    parts: &mut Parts<'_>,
    index: usize,
    reported: &DirectoryReport,
    now: Timestamp,
) -> Result<Result<(Look, BTreeSet<Anchor>), Untold>, CycleError> {
    let begun = Instant::now();
    let read = reading::prepare(parts, index, now)?;
    if read.problem.is_some() {
        return Ok(Err("the credentials were refused".to_owned()));
    }
    let request = read.request(now);
    let told = tokio::select! {
        told = parts.directories[index].directory.follow(&request) => told,
        () = reading::stopped(parts.stop.as_mut()) => return Err(CycleError::Stopped),
    };
    Ok(match told {
        Ok(Followed::Changes(mut changes)) => {
            let people = std::mem::take(&mut changes.people);
            let (reported, located) = (reported.clone(), BTreeMap::new());
            Ok((Look { index, read, changes, reported, located, begun }, people))
        }
        Ok(Followed::Untold(why)) => Err(why),
        Err(error) => Err(error.doing),
    })
}

/// Looks up everyone touched, and whoever shares a unique value with one of them or with an account that nobody manages. Gives
/// those and the accounts of all, by owner.
async fn gather(
    parts: &mut Parts<'_>,
    looks: &mut [Look],
    people: &mut BTreeSet<PersonId>,
    strangers: Vec<Account>,
    now: Timestamp,
) -> Result<Vec<Account>, CycleError> {
    let (mut next, mut all) = (people.clone(), Vec::new());
    let mut accounts = strangers;
    loop {
        for look in looks.iter_mut() {
            look.locate(parts, &next, now).await?;
        }
        accounts.extend(parts.memory.accounts_of(&next)?);
        let shown = looks.iter().flat_map(|look| look.profiles(&next));
        let profiles: Vec<&Profile> = accounts.iter().map(|account| &account.profile).chain(shown).collect();
        let sharing = parts.memory.sharing(&profiles)?;
        all.append(&mut accounts);
        next = sharing.difference(people).cloned().collect();
        if next.is_empty() {
            break;
        }
        people.extend(next.iter().cloned());
    }
    all.sort_by(|one, other| one.owner.cmp(&other.owner));
    Ok(all)
}

impl Look {
    async fn locate(
        &mut self,
        parts: &mut Parts<'_>,
        people: &BTreeSet<PersonId>,
        now: Timestamp,
    ) -> Result<(), CycleError> {
        let name = &self.read.name;
        let anchors: Vec<Anchor> =
            people.iter().filter(|person| person.directory == *name).map(|person| person.anchor).collect();
        if anchors.is_empty() {
            return Ok(());
        }
        let missing = reading::with_places(parts.memory, name, anchors)?;
        let found = tokio::select! {
            found = parts.directories[self.index].directory.look(&missing, now) => found,
            () = reading::stopped(parts.stop.as_mut()) => return Err(CycleError::Stopped),
        };
        match found {
            Ok(found) => self.located.extend(found),
            Err(error) => self.read.problem = Some(error.doing),
        }
        Ok(())
    }

    /// What the entries of these people show.
    fn profiles(&self, people: &BTreeSet<PersonId>) -> impl Iterator<Item = &Profile> {
        let mine = people.iter().filter(|person| person.directory == self.read.name);
        mine.filter_map(|person| match self.located.get(&person.anchor)? {
            Whereabouts::Overlooked(entry) | Whereabouts::Left(entry) | Whereabouts::OutOfScope(entry) => {
                Some(&entry.profile)
            }
            Whereabouts::Tombstone | Whereabouts::Nowhere { .. } => None,
        })
    }

    /// As if all had been read, and there were nobody else.
    fn finish(
        mut self,
        parts: &Parts<'_>,
        accounts: &[Account],
        now: Timestamp,
    ) -> Result<Result<DirectoryRead, Untold>, StateError> {
        if let Some(problem) = self.read.problem.take() {
            return Ok(Err(problem));
        }
        let name = self.read.name.clone();
        let anchors: Vec<Anchor> = self.located.keys().copied().collect();
        let wished = parts.memory.wished(&name, &anchors)?;
        let mut people = Vec::new();
        for (anchor, found) in std::mem::take(&mut self.located) {
            match found {
                Whereabouts::Overlooked(entry) => people.push(*entry),
                other => drop(self.read.located.insert(anchor, other)),
            }
        }
        let members = parts.memory.members_of(&name, &anchors)?;
        if !members.is_empty() {
            let namings = parts.memory.namings(&name, &anchors)?;
            if people.iter().any(|person| namings.get(&person.anchor) != Some(&person.naming())) {
                return Ok(Err("somebody is new, or named otherwise by groups".to_owned()));
            }
        }
        let Some(scope) = scope(&self.read.pins) else { return Ok(Err("a pin cannot be read".to_owned())) };
        let snapshot = Snapshot {
            directory: name.clone(),
            kind: self.changes.kind,
            server: self.changes.server,
            read_at: now,
            people,
            unidentified: Vec::new(),
            members,
            by_uid: parts.memory.listed_by_uid(&name, &anchors)?.into_keys().collect(),
            gone: BTreeMap::new(),
            gone_uids: BTreeMap::new(),
            computed: false,
            nested: None,
            followed: BTreeMap::new(),
            scope,
            entries: self.changes.entries,
            foreign: self.reported.foreign,
            dangling: self.reported.dangling,
            partial: None,
            watermark: self.changes.watermark,
        };
        self.read.known = KnownPeople::of(parts.memory.known(&name, &anchors)?);
        self.read.known.unplaced = unplaced(parts.memory, accounts_of(accounts, &name), &snapshot)?;
        self.read.mode = ReadMode::Delta;
        self.read.others = self.reported.users.saturating_sub(wished);
        self.read.elapsed = self.begun.elapsed();
        self.read.snapshot = Some(snapshot);
        Ok(Ok(self.read))
    }
}

/// Bases and groups as they were found last.
fn scope(pins: &BTreeMap<ScopeKey, Pin>) -> Option<BTreeMap<ScopeKey, Found>> {
    let found = |(key, pin): (&ScopeKey, &Pin)| {
        let found = match pin.anchor {
            Some(anchor) => Found::Here { anchor, dn: Dn::parse(&pin.dn).ok()? },
            None => Found::DoneWithout,
        };
        Some((key.clone(), found))
    };
    pins.iter().map(found).collect()
}
