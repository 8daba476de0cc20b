//! One full read, from its beginning to its end, on one connection.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::budget::Budget;
use super::filter;
use super::follow::{self, stamp};
use super::members::LdapGroups;
use super::people::{self, Asked, Harvest, Moved, Question};
use super::replication::{self, Rests};
use super::scope::{self, Resolved};
use super::session::Session;
use crate::directory::group::{GroupObject, PeopleIndex, hidden, missed, walk};
use crate::directory::person::PersonReader;
use crate::model::settings::DirectorySettings;
use crate::model::snapshot::{Dangling, Found, Kind, Members, Nested, Partial, ScopeKey, Snapshot, Watermark};
use crate::model::{Anchor, Defect, Dn, Name, Quarantine, Sighting, Unidentified};
use crate::ports::{ReadError, ReadRequest};

/// What a read has found so far. It outlives a read that breaks off, for the updates that may follow from it.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) server: String,
    pub(super) kind: Option<Kind>,
    people: Vec<Sighting>,
    unidentified: Vec<Unidentified>,
    members: BTreeMap<ScopeKey, Members>,
    by_uid: Vec<Anchor>,
    gone: BTreeMap<Dn, Dangling>,
    gone_uids: BTreeMap<String, Dangling>,
    followed: BTreeMap<Dn, Dn>,
    computed: bool,
    nested: Option<Vec<Nested>>,
    scope: BTreeMap<ScopeKey, Found>,
    /// Where the people were searched for.
    pub(super) bases: Vec<Dn>,
    entries: u64,
    foreign: u64,
    dangling: u64,
    problems: Vec<String>,
    watermark: Option<Watermark>,
    rests: Rests,
}

impl Draft {
    /// Something came that a partial snapshot can show.
    pub(super) fn has_people(&self) -> bool {
        !self.people.is_empty()
    }

    /// Adds a reason why the read cannot vouch for who is not in it.
    pub(super) fn blame(&mut self, problem: String) {
        self.problems.push(problem);
    }

    /// Adds to the watermark what can be told after the read alone.
    fn note(&mut self, request: &ReadRequest) {
        let Some(watermark) = &mut self.watermark else { return };
        follow::complete(watermark, request.watermark.as_ref(), self.rests, request.now);
    }

    /// Complete where nothing stands in the way.
    pub(super) fn finish(self, directory: Name, read_at: Timestamp) -> Snapshot {
        let partial = (!self.problems.is_empty()).then(|| Partial { message: self.problems.join(". ") });
        Snapshot {
            directory,
            kind: self.kind.unwrap_or(Kind::OpenLdap),
            server: self.server,
            read_at,
            people: self.people,
            unidentified: self.unidentified,
            members: self.members,
            by_uid: self.by_uid,
            gone: self.gone,
            gone_uids: self.gone_uids,
            computed: self.computed,
            nested: self.nested,
            followed: self.followed,
            scope: self.scope,
            entries: self.entries,
            foreign: self.foreign,
            dangling: self.dangling,
            partial,
            watermark: self.watermark,
        }
    }
}

/// What a read needs besides its session.
pub(super) struct Read<'a> {
    pub(super) settings: &'a DirectorySettings,
    pub(super) page_size: u32,
    pub(super) keys: &'a [ScopeKey],
    pub(super) request: &'a ReadRequest,
    pub(super) progress: &'a (dyn Fn(u64) + Send + Sync),
    pub(super) budget: &'a Arc<Budget>,
}

impl Read<'_> {
    /// Reads everything into `draft`.
    ///
    /// # Errors
    /// Where the read broke off; `draft` has what came before.
    pub(super) async fn run(&self, session: &Session, draft: &mut Draft) -> Result<(), ReadError> {
        draft.server.clone_from(&session.connection.url);
        draft.kind = Some(session.kind);
        let bases: Vec<Dn> = self.settings.bases.iter().filter_map(|base| Dn::parse(base).ok()).collect();
        let last = self.request.watermark.as_ref();
        let (here, problem) = replication::standing(session, last, &bases, (self.request.now, self.budget)).await?;
        draft.watermark = here;
        draft.problems.extend(problem);
        let resolved = scope::resolve(session, self.keys, &self.request.pins, self.budget).await?;
        let Resolved { found, bases, groups, problems } = resolved;
        draft.problems.extend(problems);
        (draft.scope, draft.bases) = (found, bases);
        self.people(session, draft).await?;
        self.groups(session, &groups, draft).await
    }

    /// Who is in the groups of the config.
    async fn groups(
        &self,
        session: &Session,
        groups: &[(ScopeKey, GroupObject)],
        draft: &mut Draft,
    ) -> Result<(), ReadError> {
        let people: &[Sighting] = if groups.is_empty() { &[] } else { &draft.people };
        let anchor = self.settings.attributes.anchor.as_deref();
        let mut source = LdapGroups { session, anchor, budget: self.budget };
        let mut walked = walk(groups, &self.request.nested, &mut PeopleIndex::new(people), &mut source).await?;
        draft.problems.extend(hidden(&mut walked, &mut source).await?);
        let how = (session.kind, draft.problems.is_empty(), self.request.now);
        let missed = missed(&self.request.nested, &mut walked, &mut source, how).await?;
        draft.problems.extend(missed.problems);
        (draft.members, draft.by_uid, draft.nested) = (walked.members, walked.by_uid, Some(missed.nested));
        (draft.foreign, draft.dangling) = (walked.foreign, walked.dangling);
        (draft.gone, draft.gone_uids, draft.followed) = (walked.gone, walked.gone_uids, walked.followed);
        draft.computed = walked.computed;
        let rests = follow::rests_of_groups(&self.request.nested, draft.nested.as_deref(), walked.changed);
        draft.rests.join(rests);
        draft.note(self.request);
        Ok(())
    }

    /// Everyone under the bases, each once.
    async fn people(&self, session: &Session, draft: &mut Draft) -> Result<(), ReadError> {
        let wanted = follow::Asked { settings: self.settings, keys: self.keys, request: self.request };
        let stamp = stamp::of(session, &wanted, draft.watermark.as_ref(), self.budget).await?;
        let question = Question::of(session, self.settings, stamp);
        let (page_size, now, progress) = (self.page_size, self.request.now, self.progress);
        let asked = Asked { question: &question, page_size, now, progress };
        let mut harvest = Harvest::default();
        let mut read = Ok(());
        for base in &draft.bases {
            read = people::read(session, base, &asked, &mut harvest, self.budget).await;
            if read.is_err() {
                break;
            }
        }
        let mut shown = Ok(stamp::Shown::default());
        if read.is_ok() {
            shown = question.stamp_shown(session, &draft.bases, &mut harvest, self.budget).await;
        }
        (draft.entries, draft.rests) = (harvest.entries, harvest.rests);
        draft.unidentified = harvest.unidentified;
        draft.unidentified.sort_unstable_by(|one, other| one.dn.cmp(&other.dn));
        draft.people = harvest.people;
        let moved = people::sort_out(&mut draft.people);
        match read.and(shown) {
            Err(error) => {
                drop_all(&mut draft.people, &moved);
                return Err(error);
            }
            Ok(shown) => draft.watermark.iter_mut().for_each(|here| shown.note_in(here)),
        }
        self.settle(session, draft, moved).await
    }

    /// Finds out of people who came in two places whether they moved during the read, or two entries share an anchor.
    async fn settle(&self, session: &Session, draft: &mut Draft, moved: Moved) -> Result<(), ReadError> {
        let attribute = self.settings.attributes.anchor.as_deref().unwrap_or(session.anchor_attribute());
        let mut gone = Vec::new();
        for (anchor, places) in moved {
            let mut there = Vec::new();
            for place in &places {
                if self.is_at(session, &draft.people[*place]).await? {
                    there.push(*place);
                }
            }
            // Never two people: the first stands for all where none, or more than one, is there.
            let kept = there.first().or(places.first()).copied();
            gone.extend(places.iter().copied().filter(|place| Some(*place) != kept));
            match (there.len(), kept) {
                (1, _) => {}
                (0, _) => draft.problems.push(format!("{anchor} moved while it was read")),
                (_, Some(kept)) => share(&mut draft.people, kept, &there, attribute),
                (_, None) => {}
            }
        }
        remove(&mut draft.people, &gone);
        Ok(())
    }

    /// Whether somebody is where they were seen, still.
    async fn is_at(&self, session: &Session, person: &Sighting) -> Result<bool, ReadError> {
        let doing = format!("Could not look again at {}, who came twice", person.anchor);
        let by = (person.anchor, self.settings.attributes.anchor.as_deref());
        session.lies_at(&doing, &person.dn, by, self.budget).await
    }
}

/// The filter for people: the kind's own, and the configured one.
pub(super) fn people_filter(reader: &PersonReader, settings: &DirectorySettings) -> String {
    match &settings.filter {
        Some(own) => filter::all([reader.filter(), own.as_str()]),
        None => reader.filter().to_owned(),
    }
}

/// Two entries have one anchor: nobody can be told from it.
fn share(people: &mut [Sighting], kept: usize, there: &[usize], attribute: &str) {
    let places: Vec<String> = there.iter().map(|place| format!("{:?}", people[*place].dn.as_str())).collect();
    let message = format!("{} have the same {attribute}, {}", places.join(" and "), people[kept].anchor);
    people[kept].quarantine = Some(Quarantine { attribute: attribute.to_owned(), reason: Defect::Duplicate, message });
}

/// Keeps the first of each who came in several places.
fn drop_all(people: &mut Vec<Sighting>, moved: &Moved) {
    let gone: Vec<usize> = moved.iter().flat_map(|(_, places)| places.iter().skip(1).copied()).collect();
    remove(people, &gone);
}

/// Removes by index; the indices ascend.
fn remove(people: &mut Vec<Sighting>, gone: &[usize]) {
    let mut index = 0;
    people.retain(|_| {
        index += 1;
        gone.binary_search(&(index - 1)).is_err()
    });
}
