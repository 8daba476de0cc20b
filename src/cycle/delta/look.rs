//! One directory as far as a cycle looks at it that follows changes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use jiff::Timestamp;

use super::roster::{Present, present};
use super::told::{self, Told};
use super::{Untold, Way};
use crate::cycle::people::{KnownPeople, unplaced};
use crate::cycle::reading::{self, DirectoryRead};
use crate::cycle::{CycleError, Parts};
use crate::desired::accounts_of;
use crate::model::report::{DirectoryReport, ReadMode};
use crate::model::snapshot::{Changes, Found, Groups, Listed, Pin, Role, ScopeKey, Snapshot, Whereabouts};
use crate::model::{Account, Anchor, Dn, Name, PersonId, Profile, Sighting};
use crate::ports::{Memory, ReadError, StateError};

/// More people than this who changed, or came into groups or left them, are read faster with everyone else.
pub(super) const MOST: usize = 2_000;

/// What was seen so far.
pub(super) struct Look {
    index: usize,
    read: DirectoryRead,
    changes: Changes,
    /// Who was known and did not come, where everything was read.
    unseen: BTreeSet<Anchor>,
    reported: DirectoryReport,
    located: BTreeMap<Anchor, Whereabouts>,
    /// Whose names of now the groups were asked by.
    asked: BTreeSet<Anchor>,
    /// Who is in the groups now; None: whoever was in them.
    groups: Option<Groups>,
    begun: Instant,
}

/// Why nothing can be told of a directory so.
pub(super) enum Unheard {
    Untold(Untold),
    /// It was tried, and need not be again.
    Failed(usize, ReadError),
}

/// Asks a directory what changed, or finds it out. The people of its answer come beside it; those `touched` are to be looked at
/// whatever it says.
pub(super) async fn ask(
    parts: &mut Parts<'_>,
    index: usize,
    (way, reported): (Way, &DirectoryReport),
    touched: &BTreeSet<PersonId>,
    now: Timestamp,
) -> Result<Result<(Look, BTreeSet<Anchor>), Unheard>, CycleError> {
    let begun = Instant::now();
    let read = DirectoryRead { mode: way.mode(), ..reading::prepare(parts, index, now)? };
    if read.problem.is_some() {
        return Ok(Err(Unheard::Untold("the credentials were refused".to_owned())));
    }
    let told = match way {
        Way::Follow => told::follow(parts, index, &read, now).await?,
        Way::Compare => told::compare(parts, index, &read, touched, now).await?,
    };
    Ok(told.map(|Told { changes, people, located, unseen }| {
        let (reported, asked) = (reported.clone(), BTreeSet::new());
        (Look { index, read, changes, unseen, reported, located, asked, groups: None, begun }, people)
    }))
}

impl Look {
    pub(super) fn person(&self, anchor: Anchor) -> PersonId {
        PersonId::new(self.read.name.clone(), anchor)
    }

    /// Looks these people up.
    pub(super) async fn locate(
        &mut self,
        parts: &mut Parts<'_>,
        people: &BTreeSet<PersonId>,
        now: Timestamp,
    ) -> Result<(), CycleError> {
        let name = &self.read.name;
        let mine = people.iter().filter(|person| person.directory == *name).map(|person| person.anchor);
        let anchors: Vec<Anchor> = mine.filter(|anchor| !self.located.contains_key(anchor)).collect();
        if anchors.is_empty() {
            return Ok(());
        }
        let missing = reading::with_places(parts.memory, name, anchors)?;
        let found = tokio::select! {
            found = parts.directories[self.index].directory.look(&missing, now) => found,
            () = reading::stopped(parts.stop.as_mut()) => return Err(CycleError::Stopped),
        };
        match found {
            Ok(found) => {
                let deleted = &self.changes.deleted;
                let is_deleted = |anchor: &Anchor, found: &Whereabouts| match found {
                    Whereabouts::Nowhere { parent_readable } => *parent_readable && deleted.contains(anchor),
                    _ => false,
                };
                let found = found.into_iter().map(|(anchor, found)| {
                    let found = if is_deleted(&anchor, &found) { Whereabouts::Tombstone } else { found };
                    (anchor, found)
                });
                self.located.extend(found);
            }
            Err(error) => self.read.problem = Some(error.doing),
        }
        Ok(())
    }

    /// Walks the groups of the config again where they may have other members than before. Gives whoever came into one, left
    /// one, or is in one by another way.
    pub(super) async fn regroup(
        &mut self,
        parts: &mut Parts<'_>,
        now: Timestamp,
    ) -> Result<Result<BTreeSet<Anchor>, Untold>, CycleError> {
        if let Some(problem) = self.read.problem.take() {
            return Ok(Err(problem));
        }
        let is_another = self.is_anybody_named_otherwise(parts.memory)? || self.was_a_member_deleted(parts.memory)?;
        self.asked = present(&self.located).map(|person| person.anchor).collect();
        if !self.changes.groups && !is_another {
            return Ok(Ok(BTreeSet::new()));
        }
        let request = self.read.request(now);
        let mut roster = Present::new(parts.memory, &self.read.name, &self.located);
        let listed = tokio::select! {
            listed = parts.directories[self.index].directory.groups(&request, &mut roster) => listed,
            () = reading::stopped(parts.stop.as_mut()) => return Err(CycleError::Stopped),
        };
        let groups = match listed {
            Ok(Listed::Groups(groups)) => groups,
            Ok(Listed::Untold(why)) => return Ok(Err(why)),
            Err(error) => return Ok(Err(error.doing)),
        };
        if self.had_one_of(parts.memory, &groups.gone_uids)? {
            return Ok(Err("a group lists a user id that somebody had".to_owned()));
        }
        let differing = parts.memory.regrouped(&self.read.name, &groups.members)?;
        if differing.len() > MOST {
            return Ok(Err(format!("{} people came into groups or left them", differing.len())));
        }
        self.groups = Some(groups);
        Ok(Ok(differing))
    }

    /// Somebody who was there when last read is nowhere now, or under a base and not matched. A right that was taken looks the
    /// same, and would be missed of many: the guard has to see them all at once. Who is at another place, disabled or a
    /// tombstone is so for certain.
    fn misses_anybody(&self, memory: &dyn Memory) -> Result<bool, StateError> {
        let bases: Vec<Dn> = self.bases();
        let is_unsure = |found: &Whereabouts| match found {
            Whereabouts::Nowhere { .. } => true,
            Whereabouts::OutOfScope(entry) => bases.iter().any(|base| entry.dn.is_under(base)),
            Whereabouts::Overlooked(_) | Whereabouts::Left(_) | Whereabouts::Tombstone => false,
        };
        let unsure: Vec<Anchor> =
            self.located.iter().filter(|(_, found)| is_unsure(found)).map(|(anchor, _)| *anchor).collect();
        Ok(!memory.namings(&self.read.name, &unsure)?.is_empty())
    }

    /// Where the bases of the config were found last.
    fn bases(&self) -> Vec<Dn> {
        let bases = self.read.pins.values().filter(|pin| pin.key.role == Role::Base && pin.anchor.is_some());
        bases.filter_map(|pin| Dn::parse(&pin.dn).ok()).collect()
    }

    /// Somebody did not come who is there when asked for by id.
    fn lost_anybody(&self) -> bool {
        let is_there = |anchor| matches!(self.located.get(anchor), Some(Whereabouts::Overlooked(_)));
        self.unseen.iter().any(is_there)
    }

    /// Somebody who is there had one of these user ids, and groups may mean that person still.
    fn had_one_of(&self, memory: &dyn Memory, uids: &[String]) -> Result<bool, StateError> {
        let uids: Vec<&str> = uids.iter().map(String::as_str).collect();
        let had: Vec<Anchor> = memory.had_uid(&self.read.name, &uids)?.into_iter().map(|(anchor, _)| anchor).collect();
        let before = memory.namings(&self.read.name, &had)?;
        let is_there = |anchor: &Anchor| match self.located.get(anchor) {
            Some(found) => matches!(found, Whereabouts::Overlooked(_)),
            None => before.contains_key(anchor),
        };
        Ok(had.iter().any(is_there))
    }

    /// Somebody was deleted who was in a group: it lists nobody at that place now, or a server took them out of it.
    fn was_a_member_deleted(&self, memory: &dyn Memory) -> Result<bool, StateError> {
        let is_gone = |anchor: &&Anchor| matches!(self.located.get(*anchor), Some(Whereabouts::Tombstone));
        let deleted: Vec<Anchor> = self.changes.deleted.iter().filter(is_gone).copied().collect();
        let groups = memory.members_of(&self.read.name, &deleted)?;
        Ok(groups.values().any(|members| !members.is_empty()))
    }

    /// Somebody is new, or has another DN, user id or primary group than when last read: groups may list them, or not.
    fn is_anybody_named_otherwise(&self, memory: &dyn Memory) -> Result<bool, StateError> {
        let names_groups = !memory.members_of(&self.read.name, &[])?.is_empty();
        if !names_groups {
            return Ok(false);
        }
        let people: Vec<&Sighting> =
            present(&self.located).filter(|person| !self.asked.contains(&person.anchor)).collect();
        let anchors: Vec<Anchor> = people.iter().map(|person| person.anchor).collect();
        let namings = memory.namings(&self.read.name, &anchors)?;
        Ok(people.iter().any(|person| namings.get(&person.anchor) != Some(&person.naming())))
    }

    /// What the entries of these people show.
    pub(super) fn profiles(&self, people: &BTreeSet<PersonId>) -> impl Iterator<Item = &Profile> {
        let mine = people.iter().filter(|person| person.directory == self.read.name);
        mine.filter_map(|person| match self.located.get(&person.anchor)? {
            Whereabouts::Overlooked(entry) | Whereabouts::Left(entry) | Whereabouts::OutOfScope(entry) => {
                Some(&entry.profile)
            }
            Whereabouts::Tombstone | Whereabouts::Nowhere { .. } => None,
        })
    }

    /// As if all had been read, and there were nobody else.
    pub(super) fn finish(
        mut self,
        parts: &Parts<'_>,
        accounts: &[Account],
        now: Timestamp,
    ) -> Result<Result<DirectoryRead, Untold>, StateError> {
        if let Some(problem) = self.read.problem.take() {
            return Ok(Err(problem));
        }
        if self.is_anybody_named_otherwise(parts.memory)? {
            return Ok(Err("somebody was renamed while the groups were read".to_owned()));
        }
        if self.lost_anybody() {
            return Ok(Err("the read left out somebody who is there".to_owned()));
        }
        if self.read.mode == ReadMode::Delta && self.misses_anybody(parts.memory)? {
            return Ok(Err("somebody who was there is not found, or does not match any more".to_owned()));
        }
        if self.read.mode == ReadMode::Full {
            let directory = &parts.directories[self.index].directory;
            self.changes.watermark.iter_mut().for_each(|mark| directory.vouch(mark));
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
        let Some(scope) = scope(&self.read.pins) else { return Ok(Err("a pin cannot be read".to_owned())) };
        let groups = match self.groups.take() {
            Some(groups) => groups,
            None => groups_before(parts.memory, &name, &anchors, &self.reported)?,
        };
        let snapshot = Snapshot {
            directory: name.clone(),
            kind: self.changes.kind,
            server: self.changes.server,
            read_at: now,
            people,
            unidentified: Vec::new(),
            members: groups.members,
            by_uid: groups.by_uid,
            gone: BTreeMap::new(),
            gone_uids: BTreeMap::new(),
            computed: false,
            nested: groups.nested,
            followed: BTreeMap::new(),
            scope,
            entries: self.changes.entries,
            foreign: groups.foreign,
            dangling: groups.dangling,
            partial: None,
            watermark: self.changes.watermark,
        };
        self.read.known = KnownPeople::of(parts.memory.known(&name, &anchors)?);
        self.read.known.unplaced = unplaced(parts.memory, accounts_of(accounts, &name), &snapshot)?;
        self.read.others = self.reported.users.saturating_sub(wished);
        self.read.elapsed = self.begun.elapsed();
        self.read.snapshot = Some(snapshot);
        Ok(Ok(self.read))
    }
}

/// As the last read left them, of these people.
fn groups_before(
    memory: &dyn Memory,
    directory: &Name,
    people: &[Anchor],
    reported: &DirectoryReport,
) -> Result<Groups, StateError> {
    Ok(Groups {
        members: memory.members_of(directory, people)?,
        by_uid: memory.listed_by_uid(directory, people)?.into_keys().collect(),
        gone_uids: Vec::new(),
        nested: None,
        foreign: reported.foreign,
        dangling: reported.dangling,
    })
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
