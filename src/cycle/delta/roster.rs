//! The people of a directory as they are now: those who were looked up by their entries, everyone else as last read.

use std::collections::{BTreeMap, HashMap};

use crate::model::snapshot::Whereabouts;
use crate::model::{Anchor, Dn, Name, Sighting, fold};
use crate::ports::{Memory, Roster, StateError};

/// Finds people by what groups list.
pub(super) struct Present<'a> {
    memory: &'a mut dyn Memory,
    directory: &'a Name,
    /// Whoever was looked up.
    located: &'a BTreeMap<Anchor, Whereabouts>,
    /// Of those the ones who are there, by place.
    places: HashMap<&'a Dn, Anchor>,
}

/// Those who are there, whatever their standing.
pub(super) fn present(located: &BTreeMap<Anchor, Whereabouts>) -> impl Iterator<Item = &Sighting> {
    located.values().filter_map(|found| match found {
        Whereabouts::Overlooked(entry) => Some(&**entry),
        _ => None,
    })
}

impl<'a> Present<'a> {
    pub(super) fn new(
        memory: &'a mut dyn Memory,
        directory: &'a Name,
        located: &'a BTreeMap<Anchor, Whereabouts>,
    ) -> Self {
        let places = present(located).map(|person| (&person.dn, person.anchor)).collect();
        Self { memory, directory, located, places }
    }
}

impl Present<'_> {
    /// Those of these who were not looked up, and whoever was of whom it holds.
    fn of(&self, before: Vec<Anchor>, holds: impl Fn(&Sighting) -> bool) -> Vec<Anchor> {
        let mut people: Vec<Anchor> = before.into_iter().filter(|anchor| !self.located.contains_key(anchor)).collect();
        people.extend(present(self.located).filter(|person| holds(person)).map(|person| person.anchor));
        people
    }
}

impl Roster for Present<'_> {
    fn at(&mut self, dns: &[&Dn]) -> Result<Vec<Option<Anchor>>, StateError> {
        let before = self.memory.at(self.directory, dns)?;
        let who = |(dn, before): (&&Dn, Option<Anchor>)| {
            self.places.get(*dn).copied().or_else(|| before.filter(|anchor| !self.located.contains_key(anchor)))
        };
        Ok(dns.iter().zip(before).map(who).collect())
    }

    fn is_there(&mut self, anchor: Anchor) -> Result<bool, StateError> {
        match self.located.get(&anchor) {
            Some(found) => Ok(matches!(found, Whereabouts::Overlooked(_))),
            None => Ok(!self.memory.namings(self.directory, &[anchor])?.is_empty()),
        }
    }

    fn with_uid(&mut self, uid: &str) -> Result<Vec<Anchor>, StateError> {
        let before = self.memory.with_uid(self.directory, uid)?;
        Ok(self.of(before, |person| person.uids.iter().any(|own| fold(own) == uid)))
    }

    fn with_primary_group(&mut self, token: u32) -> Result<Vec<Anchor>, StateError> {
        let before = self.memory.with_primary_group(self.directory, token)?;
        Ok(self.of(before, |person| person.primary_group == Some(token)))
    }
}
