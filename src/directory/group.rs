//! Groups: who is in them, directly or through other groups, wherever those lie.
//!
//! We walk them ourselves, each group once for all roots: a server's own rule for nested groups costs a scan (1.6 s at
//! 10,000 users on Samba 4.17), misses primary groups, and answers "nobody" for a group that is gone.

mod hidden;
mod nested;
mod object;
mod people;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;

pub use hidden::hidden;
use nested::find_again;
pub use nested::{Missed, missed};
pub use object::{GroupObject, STAMPS, group_attributes, group_object, is_group, member_dn, stamp};
pub use people::PeopleIndex;

use crate::model::snapshot::{Dangling, Members, Nested, ScopeKey};
use crate::model::{Anchor, Dn};
use crate::ports::{Persistence, ReadError};

/// What lies at the DN of a group member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Object {
    Group(GroupObject),
    /// Exists and is no group: a computer, a contact, a person out of scope; or a person of the read whom the group lists by
    /// another name than the read knows. By the anchor, where it shows one.
    Other(Option<Anchor>),
    /// Nothing there: a dangling member.
    Gone,
}

/// Where groups are looked up.
#[async_trait]
pub trait GroupSource: Send {
    /// What lies at each of these DNs; same order, same length. Called with a whole level of nesting at once.
    ///
    /// # Errors
    /// Where it could not be found out for one of them: then nobody's membership is known.
    async fn fetch(&mut self, dns: &[Dn]) -> Result<Vec<Object>, ReadError>;

    /// The group of this anchor, which was at `last`.
    ///
    /// # Errors
    /// Where it could not be found out.
    async fn find(&mut self, anchor: Anchor, last: &Dn) -> Result<Option<GroupObject>, ReadError>;

    /// Whether something can be read at this place.
    ///
    /// # Errors
    /// Where it could not be found out.
    async fn is_readable(&mut self, place: &Dn) -> Result<bool, ReadError>;

    /// Whether one of these groups, each with the stamp it had when it was read, is another now, or not there.
    ///
    /// # Errors
    /// Where it could not be found out.
    async fn changed(&mut self, groups: &[(&Dn, &str)]) -> Result<bool, ReadError> {
        let _ = groups;
        Ok(false)
    }

    /// Of groups that show no members, the attribute that keeps them from us, where one does; same order, same length.
    ///
    /// # Errors
    /// Where it could not be found out.
    async fn hidden(&mut self, dns: &[Dn]) -> Result<Vec<Option<&'static str>>, ReadError>;

    /// Whether anything says of itself that it is a member of what was not found at these DNs: a group then, that is closed to us.
    /// Same order, same length; nothing does where members do not say so by themselves.
    ///
    /// # Errors
    /// Where it could not be found out.
    async fn have_members(&mut self, dns: &[Dn]) -> Result<Vec<bool>, ReadError> {
        Ok(vec![false; dns.len()])
    }

    /// Belongs to another domain, so this server cannot tell what it is.
    fn is_foreign(&self, dn: &Dn) -> bool;
}

/// What a walk found. Each distinct member is counted once for all groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Walked {
    pub members: BTreeMap<ScopeKey, Members>,
    /// People listed by their user id, in order.
    pub by_uid: Vec<Anchor>,
    /// The highest number of an update among the groups.
    pub changed: Option<u64>,
    /// Groups within groups, as they are listed.
    pub nested: BTreeMap<Dn, Anchor>,
    /// Of those the ones that are listed by a DN of before, and where they are.
    pub followed: BTreeMap<Dn, Dn>,
    /// Members that are not there.
    pub gone: BTreeMap<Dn, Dangling>,
    /// User ids that none of the people has, folded.
    pub gone_uids: BTreeMap<String, Dangling>,
    /// One of the groups lists nobody itself.
    pub computed: bool,
    /// Groups that show no members, and to which groups of the config they belong, directly or not.
    pub empty: BTreeMap<Dn, BTreeSet<ScopeKey>>,
    /// Members of another domain.
    pub foreign: u64,
    /// Members that are not there, and user ids that none of the people has.
    pub dangling: u64,
    /// Members that exist and are neither people of this read nor groups.
    pub others: u64,
}

/// So often groups are walked at most, until none of them changes meanwhile.
const WALKS: u32 = 3;

/// Walks all groups together, each once, cycles or not. People of the read are never fetched. `before`: groups within
/// groups as the last read left them.
///
/// Who is in a group by several ways gets the shortest, and of those the first by the DNs along it.
///
/// Where a group changed since it was read all are read again: whoever goes from one to another meanwhile would be in none.
///
/// # Errors
/// Those of the source, and where groups change whenever they are read.
pub async fn walk(
    roots: &[(ScopeKey, GroupObject)],
    before: &[Nested],
    people: &mut PeopleIndex<'_>,
    source: &mut dyn GroupSource,
) -> Result<Walked, ReadError> {
    let mut roots = Cow::Borrowed(roots);
    for _ in 0..WALKS {
        let (graph, starts) = Graph::reached(&roots, before, people, source).await?;
        let stamped = graph.groups.iter().filter_map(|group| Some((&group.dn, group.stamp.as_deref()?)));
        let stamped: Vec<(&Dn, &str)> = stamped.collect();
        if !source.changed(&stamped).await? {
            return Ok(graph.walked(&roots, starts, people));
        }
        let fresh = read_again(&roots, source).await?;
        roots = Cow::Owned(fresh);
    }
    Err(unsteady(format!("groups changed each of the {WALKS} times that they were read")))
}

/// The groups at the roots as they are now.
async fn read_again(
    roots: &[(ScopeKey, GroupObject)],
    source: &mut dyn GroupSource,
) -> Result<Vec<(ScopeKey, GroupObject)>, ReadError> {
    let places: Vec<Dn> = roots.iter().map(|(_, root)| root.dn.clone()).collect();
    let there = source.fetch(&places).await?;
    if there.len() != places.len() {
        return Err(short_answer(places.len(), there.len()));
    }
    let mut fresh = Vec::with_capacity(roots.len());
    for ((key, root), object) in roots.iter().zip(there) {
        let group = match object {
            Object::Group(group) if group.anchor == root.anchor => Some(group),
            _ => source.find(root.anchor, &root.dn).await?,
        };
        let gone = || unsteady(format!("{:?} went while it was read", root.dn.as_str()));
        fresh.push((key.clone(), group.ok_or_else(gone)?));
    }
    Ok(fresh)
}

fn unsteady(what: String) -> ReadError {
    ReadError { doing: what, advice: None, persistence: Persistence::Transient, source: None }
}

fn short_answer(asked: usize, answered: usize) -> ReadError {
    ReadError {
        doing: format!("looking up {asked} group members brought {answered} answers; read again"),
        advice: None,
        persistence: Persistence::Transient,
        source: None,
    }
}

/// What a member that is no person of the read turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Member {
    Group(usize),
    /// Somebody of the read, whom it knows by another DN.
    Person(Anchor),
    Other,
    Gone,
    Foreign,
}

/// All groups reached so far.
#[derive(Default)]
struct Graph<'a> {
    groups: Vec<Cow<'a, GroupObject>>,
    by_anchor: HashMap<Anchor, usize>,
    by_dn: HashMap<Dn, Member>,
}

impl<'a> Graph<'a> {
    /// All groups that are reached from the roots, and the numbers of those.
    async fn reached(
        roots: &'a [(ScopeKey, GroupObject)],
        before: &[Nested],
        people: &mut PeopleIndex<'_>,
        source: &mut dyn GroupSource,
    ) -> Result<(Self, Vec<usize>), ReadError> {
        let mut graph = Self::default();
        let starts: Vec<usize> = roots.iter().map(|(_, root)| graph.add(&root.dn, Cow::Borrowed(root))).collect();
        people.learn(graph.groups.iter().map(Cow::as_ref))?;
        let mut unknown = graph.unknown(0..graph.groups.len(), people, source);
        while !unknown.is_empty() {
            let objects = source.fetch(&unknown).await?;
            if objects.len() != unknown.len() {
                return Err(short_answer(unknown.len(), objects.len()));
            }
            let known = graph.groups.len();
            for (dn, object) in unknown.iter().zip(objects) {
                let object = if object == Object::Gone { find_again(before, dn, source).await? } else { object };
                graph.learn(dn, object, people)?;
            }
            people.learn(graph.groups[known..].iter().map(Cow::as_ref))?;
            unknown = graph.unknown(known..graph.groups.len(), people, source);
        }
        Ok((graph, starts))
    }

    /// Who is in the groups at the roots.
    fn walked(&self, roots: &[(ScopeKey, GroupObject)], starts: Vec<usize>, people: &PeopleIndex<'_>) -> Walked {
        let mut walked = self.counts();
        for ((key, _), start) in roots.iter().zip(starts) {
            self.follow(key, start, people, &mut walked);
        }
        walked.dangling += walked.gone_uids.len() as u64;
        walked.by_uid.sort_unstable();
        walked.by_uid.dedup();
        walked
    }

    /// Takes in the group found at `dn`, once by whatever name it is reached.
    fn add(&mut self, dn: &Dn, group: Cow<'a, GroupObject>) -> usize {
        let index = *self.by_anchor.entry(group.anchor).or_insert(self.groups.len());
        if index == self.groups.len() {
            self.groups.push(group);
        }
        self.by_dn.insert(dn.clone(), Member::Group(index));
        index
    }

    fn learn(&mut self, dn: &Dn, object: Object, people: &mut PeopleIndex<'_>) -> Result<(), ReadError> {
        let member = match object {
            Object::Group(group) => {
                self.add(dn, Cow::Owned(group));
                return Ok(());
            }
            // Renamed or moved since the people were read, or spelt otherwise than we compare names and as the server does.
            Object::Other(Some(anchor)) if people.knows(anchor)? => Member::Person(anchor),
            Object::Other(_) => Member::Other,
            Object::Gone => Member::Gone,
        };
        self.by_dn.insert(dn.clone(), member);
        Ok(())
    }

    /// The members of these groups of which nobody knows yet what they are, in order.
    fn unknown(&mut self, new: Range<usize>, people: &PeopleIndex<'_>, source: &dyn GroupSource) -> Vec<Dn> {
        let mut unknown = BTreeSet::new();
        for group in &self.groups[new] {
            for dn in group.members.iter().filter(|dn| !people.has(dn)) {
                if self.by_dn.contains_key(dn) {
                    continue;
                }
                if source.is_foreign(dn) {
                    self.by_dn.insert(dn.clone(), Member::Foreign);
                } else {
                    unknown.insert(dn.clone());
                }
            }
        }
        unknown.into_iter().collect()
    }

    fn counts(&self) -> Walked {
        let unreadable = self.groups.iter().map(|group| group.unreadable).sum();
        let changed = self.groups.iter().filter_map(|group| group.changed).max();
        let computed = self.groups.iter().any(|group| !group.lists_members);
        let mut walked = Walked { dangling: unreadable, changed, computed, ..Walked::default() };
        for member in self.by_dn.values() {
            match member {
                Member::Foreign => walked.foreign += 1,
                Member::Gone => walked.dangling += 1,
                Member::Other => walked.others += 1,
                Member::Group(_) | Member::Person(_) => {}
            }
        }
        walked
    }

    /// Everyone in one group, level by level: the first way found is the shortest. Each level is in the order of the
    /// ways that lead to it, so of two ways of one length the first by DN wins.
    fn follow(&self, key: &ScopeKey, root: usize, people: &PeopleIndex<'_>, walked: &mut Walked) {
        let mut members = Members::new();
        let mut seen = HashSet::from([root]);
        let mut level: Vec<(usize, Arc<[String]>)> = vec![(root, [self.groups[root].dn.to_string()].into())];
        while !level.is_empty() {
            let mut next = Vec::new();
            for (index, way) in level {
                let group = &self.groups[index];
                people.of(group, |anchor| {
                    members.entry(anchor).or_insert_with(|| Arc::clone(&way));
                });
                for anchor in group.members.iter().filter_map(|dn| self.person_at(dn)) {
                    members.entry(anchor).or_insert_with(|| Arc::clone(&way));
                }
                walked.by_uid.extend(people.listed_by_uid(group));
                for uid in people.unknown_uids(group) {
                    note_dangling(walked.gone_uids.entry(uid.into_owned()).or_default(), key, group);
                }
                if group.is_empty() {
                    walked.empty.entry(group.dn.clone()).or_default().insert(key.clone());
                }
                for (dn, inner) in self.within(group) {
                    let Some(inner) = inner else {
                        note_dangling(walked.gone.entry(dn.clone()).or_default(), key, group);
                        continue;
                    };
                    self.note_nested(dn, inner, walked);
                    if seen.insert(inner) {
                        next.push((inner, way.iter().cloned().chain([self.groups[inner].dn.to_string()]).collect()));
                    }
                }
            }
            level = next;
        }
        walked.members.insert(key.clone(), members);
    }

    /// Somebody of the read who lies where the read does not know of.
    fn person_at(&self, dn: &Dn) -> Option<Anchor> {
        match self.by_dn.get(dn) {
            Some(Member::Person(anchor)) => Some(*anchor),
            _ => None,
        }
    }

    fn note_nested(&self, dn: &Dn, index: usize, walked: &mut Walked) {
        let GroupObject { anchor, dn: here, .. } = &*self.groups[index];
        walked.nested.insert(dn.clone(), *anchor);
        if here != dn {
            walked.followed.insert(dn.clone(), here.clone());
        }
    }

    /// What a group lists that is a group (its number) or is not there (None), by DN.
    fn within<'g>(&self, group: &'g GroupObject) -> Vec<(&'g Dn, Option<usize>)> {
        let within = group.members.iter().filter_map(|dn| match self.by_dn.get(dn)? {
            Member::Group(index) => Some((dn, Some(*index))),
            Member::Gone => Some((dn, None)),
            Member::Person(_) | Member::Other | Member::Foreign => None,
        });
        let mut within: Vec<(&Dn, Option<usize>)> = within.collect();
        within.sort_unstable_by_key(|(dn, index)| index.map_or(*dn, |index| &self.groups[index].dn));
        within
    }
}

fn note_dangling(dangling: &mut Dangling, key: &ScopeKey, group: &GroupObject) {
    dangling.of.insert(key.clone());
    dangling.listed_by.insert(group.dn.clone());
}

#[cfg(test)]
mod tests;
