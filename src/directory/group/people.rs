//! The people of one read, by each of the ways in which groups name them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::Hash;

use super::GroupObject;
use crate::model::{Anchor, Dn, Sighting, fold};

/// The people of a read, by DN, user id, primary group and `memberOf`.
#[derive(Debug, Default)]
pub struct PeopleIndex<'a> {
    by_dn: HashMap<&'a Dn, Anchor>,
    by_uid: HashMap<Cow<'a, str>, Vec<Anchor>>,
    by_primary_group: HashMap<u32, Vec<Anchor>>,
    by_member_of: HashMap<&'a Dn, Vec<Anchor>>,
}

impl<'a> PeopleIndex<'a> {
    /// Indexes the people of one directory.
    #[must_use]
    pub fn new(people: &'a [Sighting]) -> Self {
        let mut index = Self { by_dn: HashMap::with_capacity(people.len()), ..Self::default() };
        for person in people {
            index.by_dn.insert(&person.dn, person.anchor);
            if let Some(uid) = &person.uid {
                add(&mut index.by_uid, folded(uid), person.anchor);
            }
            if let Some(group) = person.primary_group {
                add(&mut index.by_primary_group, group, person.anchor);
            }
            for group in &person.member_of {
                add(&mut index.by_member_of, group, person.anchor);
            }
        }
        index
    }

    /// One of the people lies here.
    pub(super) fn has(&self, dn: &Dn) -> bool {
        self.by_dn.contains_key(dn)
    }

    /// Tells of everyone who is directly in a group; of some more than once.
    pub(super) fn of(&self, group: &GroupObject, mut tell: impl FnMut(Anchor)) {
        group.members.iter().filter_map(|dn| self.by_dn.get(dn)).copied().for_each(&mut tell);
        let listed = group.member_uids.iter().filter_map(|uid| self.by_uid.get(&folded(uid)));
        let primary = group.primary_token.and_then(|token| self.by_primary_group.get(&token));
        let claimed = if group.lists_members { None } else { self.by_member_of.get(&group.dn) };
        listed.chain(primary).chain(claimed).flatten().copied().for_each(tell);
    }
}

fn add<K: Eq + Hash>(index: &mut HashMap<K, Vec<Anchor>>, key: K, anchor: Anchor) {
    index.entry(key).or_default().push(anchor);
}

/// `uid` is compared without case (RFC 4519 section 2.39).
fn folded(uid: &str) -> Cow<'_, str> {
    let plain = uid.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
    if plain { Cow::Borrowed(uid) } else { Cow::Owned(fold(uid)) }
}
