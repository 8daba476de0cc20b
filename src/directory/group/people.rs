//! The people of one read, by each of the ways in which groups name them.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use super::GroupObject;
use crate::model::{Anchor, Dn, Sighting, fold};
use crate::ports::{Persistence, ReadError, Roster, StateError};

/// The people of a directory, by DN, user id, primary group and `memberOf`: all of them from a read, or as they are asked
/// for from a roster.
#[derive(Default)]
pub struct PeopleIndex<'a> {
    dns: HashMap<&'a Dn, Anchor>,
    uids: HashMap<Cow<'a, str>, Vec<Anchor>>,
    primary_groups: HashMap<u32, Vec<Anchor>>,
    claims: HashMap<&'a Dn, Vec<Anchor>>,
    roster: Option<&'a mut dyn Roster>,
    /// Of those in the roster.
    places: HashMap<Dn, Anchor>,
    /// Of those read; made once somebody is asked for by it.
    anchors: Option<HashSet<Anchor>>,
}

impl<'a> PeopleIndex<'a> {
    /// Indexes the people of one directory.
    #[must_use]
    pub fn new(people: &'a [Sighting]) -> Self {
        let mut index = Self { dns: HashMap::with_capacity(people.len()), ..Self::default() };
        for person in people {
            index.dns.insert(&person.dn, person.anchor);
            for uid in &person.uids {
                add(&mut index.uids, folded(uid), person.anchor);
            }
            if let Some(group) = person.primary_group {
                add(&mut index.primary_groups, group, person.anchor);
            }
            for group in &person.member_of {
                add(&mut index.claims, group, person.anchor);
            }
        }
        index
    }

    /// Those of a roster; it knows nothing of `memberOf`.
    #[must_use]
    pub fn of_roster(roster: &'a mut dyn Roster) -> Self {
        Self { roster: Some(roster), ..Self::default() }
    }

    /// Finds out whom these groups name, where the people come from a roster.
    pub(super) fn learn<'g>(&mut self, groups: impl Iterator<Item = &'g GroupObject>) -> Result<(), ReadError> {
        let Some(roster) = &mut self.roster else { return Ok(()) };
        for group in groups {
            let dns: Vec<&Dn> = group.members.iter().filter(|dn| !self.places.contains_key(dn)).collect();
            let found = roster.at(&dns).map_err(unread)?;
            self.places.extend(dns.into_iter().zip(found).filter_map(|(dn, anchor)| Some((dn.clone(), anchor?))));
            for uid in &group.member_uids {
                let uid = folded(uid);
                if !self.uids.contains_key(&uid) {
                    let found = roster.with_uid(&uid).map_err(unread)?;
                    self.uids.extend((!found.is_empty()).then(|| (Cow::Owned(uid.into_owned()), found)));
                }
            }
            if let Some(token) = group.primary_token {
                self.primary_groups.insert(token, roster.with_primary_group(token).map_err(unread)?);
            }
        }
        Ok(())
    }

    /// One of the people has this anchor.
    pub(super) fn knows(&mut self, anchor: Anchor) -> Result<bool, ReadError> {
        if let Some(roster) = &mut self.roster {
            return roster.is_there(anchor).map_err(unread);
        }
        let anchors = self.anchors.get_or_insert_with(|| self.dns.values().copied().collect());
        Ok(anchors.contains(&anchor))
    }

    /// Who lies here.
    fn at(&self, dn: &Dn) -> Option<Anchor> {
        self.dns.get(dn).or_else(|| self.places.get(dn)).copied()
    }

    /// One of the people lies here.
    pub(super) fn has(&self, dn: &Dn) -> bool {
        self.at(dn).is_some()
    }

    /// Tells of everyone who is directly in a group; of some more than once.
    pub(super) fn of(&self, group: &GroupObject, mut tell: impl FnMut(Anchor)) {
        group.members.iter().filter_map(|dn| self.at(dn)).for_each(&mut tell);
        let primary = group.primary_token.and_then(|token| self.primary_groups.get(&token));
        let claimed = if group.lists_members { None } else { self.claims.get(&group.dn) };
        self.listed_by_uid(group).for_each(&mut tell);
        primary.into_iter().chain(claimed).flatten().copied().for_each(tell);
    }

    /// Everyone whom a group lists by user id.
    pub(super) fn listed_by_uid<'b>(&'b self, group: &'b GroupObject) -> impl Iterator<Item = Anchor> + use<'a, 'b> {
        group.member_uids.iter().filter_map(|uid| self.uids.get(&folded(uid))).flatten().copied()
    }
}

impl PeopleIndex<'_> {
    /// User ids in a group that nobody has.
    pub(super) fn unknown_uids<'b>(&self, group: &'b GroupObject) -> impl Iterator<Item = Cow<'b, str>> {
        group.member_uids.iter().map(|uid| folded(uid)).filter(|uid| !self.uids.contains_key(uid))
    }
}

fn add<K: Eq + Hash>(index: &mut HashMap<K, Vec<Anchor>>, key: K, anchor: Anchor) {
    index.entry(key).or_default().push(anchor);
}

fn unread(error: StateError) -> ReadError {
    let doing = format!("Could not find out who is in a group: {error}");
    ReadError { doing, persistence: Persistence::Permanent, advice: None, source: Some(Box::new(error)) }
}

/// `uid` is compared without case (RFC 4519 section 2.39).
fn folded(uid: &str) -> Cow<'_, str> {
    let plain = uid.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
    if plain { Cow::Borrowed(uid) } else { Cow::Owned(fold(uid)) }
}
