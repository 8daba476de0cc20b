//! People who were not in the last read: looked up by anchor, wherever they are.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use ldap3::Scope;

use super::budget::Budget;
use super::failure::fault;
use super::filter;
use super::places;
use super::read::people_filter;
use super::replication::{self, Rests};
use super::search::{Query, critical, nothing};
use super::session::Session;
use crate::directory::entry::{Entry as _, RawEntry};
use crate::directory::identity::own_anchor;
use crate::directory::person::PersonReader;
use crate::model::settings::DirectorySettings;
use crate::model::snapshot::{Kind, Whereabouts};
use crate::model::{Anchor, Dn, Sighting, Standing};
use crate::ports::{Missing, Persistence, ReadError};

/// Shows what was deleted, to whom may see it (MS-ADTS 3.1.1.3.4.1.14).
pub(super) const SHOW_DELETED: &str = "1.2.840.113556.1.4.417";
/// Anchors asked for in one filter.
pub(super) const TOGETHER: usize = 50;

/// Looks for people on one connection.
pub(super) struct Locator<'a> {
    session: &'a Session,
    settings: &'a DirectorySettings,
    /// Where the last read searched.
    bases: &'a [Dn],
    reader: PersonReader,
    filter: String,
    any_standing: bool,
    now: Timestamp,
    budget: &'a Budget,
    /// Whether each last known parent can be read.
    parents: BTreeMap<Dn, bool>,
    rests: Rests,
}

impl<'a> Locator<'a> {
    pub(super) fn new(
        session: &'a Session,
        settings: &'a DirectorySettings,
        bases: &'a [Dn],
        now: Timestamp,
        budget: &'a Budget,
    ) -> Self {
        let reader = PersonReader::new(session.kind, &settings.attributes);
        let filter = people_filter(&reader, settings);
        let (parents, rests) = (BTreeMap::new(), Rests::default());
        Self { session, settings, bases, reader, filter, any_standing: false, now, budget, parents, rests }
    }

    /// Tells of whoever left, too, whether a search for people would show them.
    pub(super) fn of_any_standing(self, any_standing: bool) -> Self {
        Self { any_standing, ..self }
    }

    /// One answer for each who is missing, and on which updates they rest.
    ///
    /// # Errors
    /// Where a lookup failed: then nobody is known to be gone.
    pub(super) async fn all(
        mut self,
        missing: &[Missing],
    ) -> Result<(BTreeMap<Anchor, Whereabouts>, Rests), ReadError> {
        let mut answers = BTreeMap::new();
        for some in missing.chunks(TOGETHER) {
            self.some(some, &mut answers).await?;
        }
        if self.session.kind == Kind::ActiveDirectory {
            self.rest(&answers).await?;
        }
        Ok((answers, self.rests))
    }

    /// Notes what else the answers rest on than the entries of those found: the places where they lie now, and what cannot be
    /// seen of those who are nowhere.
    async fn rest(&mut self, answers: &BTreeMap<Anchor, Whereabouts>) -> Result<(), ReadError> {
        let mut places = BTreeSet::new();
        for answer in answers.values() {
            match answer {
                Whereabouts::OutOfScope(person) => {
                    let context = self.session.root.context_of(&person.dn);
                    places::add(&mut places, person.dn.parent(), |place| Some(place) == context);
                }
                Whereabouts::Nowhere { .. } => self.rests.on_unseen(),
                Whereabouts::Overlooked(_) | Whereabouts::Left(_) | Whereabouts::Tombstone => {}
            }
        }
        let (rests, _) = places::look(self.session, places, replication::CHANGED, self.budget).await?;
        self.rests.join(rests);
        Ok(())
    }

    async fn some(
        &mut self,
        missing: &[Missing],
        answers: &mut BTreeMap<Anchor, Whereabouts>,
    ) -> Result<(), ReadError> {
        let anchors: BTreeSet<Anchor> = missing.iter().map(|person| person.anchor).collect();
        let seen = self.seen(missing, &anchors).await?;
        let in_scope = self.in_scope(&seen.alive).await?;
        for person in missing {
            let answer = if let Some(sighting) = seen.alive.get(&person.anchor) {
                match judge(sighting, in_scope.contains(&person.anchor)) {
                    Whereabouts::OutOfScope(_) if seen.veiled.contains(&person.anchor) => {
                        Whereabouts::Nowhere { parent_readable: false }
                    }
                    answer => answer,
                }
            } else if seen.deleted.contains(&person.anchor) {
                Whereabouts::Tombstone
            } else {
                let parent_readable = self.parent_is_readable(person).await?;
                if parent_readable {
                    self.is_not_in_place(person).await?;
                }
                Whereabouts::Nowhere { parent_readable }
            };
            answers.insert(person.anchor, answer);
        }
        Ok(())
    }

    /// Everything that has one of these anchors, in the naming contexts where it may be.
    async fn seen(&mut self, missing: &[Missing], anchors: &BTreeSet<Anchor>) -> Result<Seen, ReadError> {
        let filters: Vec<String> = anchors.iter().flat_map(|anchor| self.anchor_filters(*anchor)).collect();
        let filter = filter::any(filters.iter().map(String::as_str));
        let mut seen = Seen::default();
        for context in self.contexts(missing) {
            let entries = match self.search(&context, &filter, &self.attributes()).await? {
                Some(entries) => entries,
                // An account that may see the bases alone, and not the suffix they lie under.
                None => self.in_bases(&filter).await?,
            };
            for entry in &entries {
                self.rests.on(entry);
                self.recognise(entry, anchors, &mut seen)?;
            }
        }
        Ok(seen)
    }

    fn recognise(&self, entry: &RawEntry, anchors: &BTreeSet<Anchor>, seen: &mut Seen) -> Result<(), ReadError> {
        let own = || {
            let dn = Dn::parse(std::str::from_utf8(&entry.dn).ok()?).ok()?;
            own_anchor(self.session.kind, entry, &dn).ok().filter(|anchor| anchors.contains(anchor))
        };
        if entry.is_deleted() {
            seen.deleted.extend(own());
            return Ok(());
        }
        if self.is_veiled(entry) {
            seen.veiled.extend(own());
        }
        match self.reader.read(entry, self.now) {
            Ok(sighting) if anchors.contains(&sighting.anchor) => {
                seen.alive.insert(sighting.anchor, sighting);
                Ok(())
            }
            // Known by the kind's own anchor and by a configured one now: not who they were.
            Ok(sighting) => {
                seen.alive.extend(own().map(|anchor| (anchor, sighting)));
                Ok(())
            }
            Err(nobody) => {
                let doing = "Could not tell who somebody is that was missing".to_owned();
                let said = format!("{} of the entry cannot be used", nobody.quarantine.attribute);
                Err(fault(&doing, &self.session.connection.url, &said, "", Persistence::Permanent))
            }
        }
    }

    /// Does not show what it is, though every entry is something (RFC 4512 2.4.1): that a search for people does not find it
    /// is the account's lack of a right, and proves nothing.
    fn is_veiled(&self, entry: &RawEntry) -> bool {
        let category = self.session.kind == Kind::ActiveDirectory && !entry.has("objectCategory");
        !entry.has("objectClass") || category
    }

    /// Who of these the search for people would have found: under a base and matching the filter.
    async fn in_scope(&self, alive: &BTreeMap<Anchor, Sighting>) -> Result<BTreeSet<Anchor>, ReadError> {
        let mut found = BTreeSet::new();
        for base in self.bases {
            let filters: Vec<String> = alive
                .iter()
                .filter(|(_, person)| self.any_standing || person.standing == Standing::Enabled)
                .filter(|(_, person)| person.dn.is_under(base))
                .flat_map(|(anchor, _)| self.anchor_filters(*anchor))
                .collect();
            if filters.is_empty() {
                continue;
            }
            let these = filter::any(filters.iter().map(String::as_str));
            let filter = filter::all([self.filter.as_str(), these.as_str()]);
            let Some(entries) = self.search(base, &filter, &self.attributes()).await? else {
                let doing = format!("Could not look for people in {:?}", base.as_str());
                let said = "the base is not there, or cannot be read";
                return Err(fault(&doing, &self.session.connection.url, said, "", Persistence::Permanent));
            };
            for entry in entries {
                found.extend(self.reader.read(&entry, self.now).ok().map(|person| person.anchor));
            }
        }
        self.in_place(alive, &mut found).await?;
        Ok(found)
    }

    /// Asks the entries themselves, too: for one entry a server looks at the entry, and not at an index that may not know it.
    async fn in_place(
        &self,
        alive: &BTreeMap<Anchor, Sighting>,
        found: &mut BTreeSet<Anchor>,
    ) -> Result<(), ReadError> {
        let doing = "Could not look whether somebody is in scope";
        for (anchor, person) in alive {
            let counts = self.any_standing || person.standing == Standing::Enabled;
            if found.contains(anchor) || !counts || !self.bases.iter().any(|base| person.dn.is_under(base)) {
                continue;
            }
            let (base, attributes) = (person.dn.as_str(), nothing());
            let query =
                Query { base, scope: Scope::Base, filter: &self.filter, attributes: &attributes, controls: vec![] };
            let entries = self.session.connection.entries_if_there(doing, &query, self.budget).await?;
            found.extend(entries.filter(|entries| !entries.is_empty()).map(|_| *anchor));
        }
        Ok(())
    }

    /// The filters that find an anchor: in the kind's own attribute, and in the configured one in both its forms.
    fn anchor_filters(&self, anchor: Anchor) -> Vec<String> {
        let stored = match self.session.kind {
            Kind::OpenLdap | Kind::Ds389 => filter::bytes(anchor.as_bytes()),
            _ => filter::bytes(&anchor.to_guid_le()),
        };
        let text = filter::text(&anchor.to_string());
        let mut filters = vec![self.session.has_anchor(anchor)];
        if let Some(name) = &self.settings.attributes.anchor {
            filters.extend([format!("({name}={stored})"), format!("({name}={text})")]);
        }
        filters
    }

    fn attributes(&self) -> Vec<String> {
        let mut names = self.reader.wanted();
        let of_ad = if self.session.kind == Kind::ActiveDirectory {
            ["objectCategory", replication::CHANGED].as_slice()
        } else {
            &[]
        };
        for name in [self.session.anchor_attribute(), "isDeleted", "objectClass"].iter().chain(of_ad) {
            if !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                names.push((*name).to_owned());
            }
        }
        names
    }

    /// The naming contexts that hold the bases and the places where people were last. Entries do not leave them.
    fn contexts(&self, missing: &[Missing]) -> BTreeSet<Dn> {
        let last = missing.iter().filter_map(|person| Dn::parse(person.dn.as_ref()?).ok());
        let places = self.bases.iter().cloned().chain(last);
        let contexts: BTreeSet<Dn> = places.filter_map(|dn| self.session.root.context_of(&dn).cloned()).collect();
        if contexts.is_empty() { self.bases.iter().cloned().collect() } else { contexts }
    }

    async fn in_bases(&self, filter: &str) -> Result<Vec<RawEntry>, ReadError> {
        let mut entries = Vec::new();
        for base in self.bases {
            entries.extend(self.search(base, filter, &self.attributes()).await?.unwrap_or_default());
        }
        Ok(entries)
    }

    /// A subtree search, deleted objects included where the server keeps them; None where the base is not there.
    async fn search(&self, base: &Dn, filter: &str, names: &[String]) -> Result<Option<Vec<RawEntry>>, ReadError> {
        let active_directory = self.session.kind == Kind::ActiveDirectory;
        let controls = if active_directory { vec![critical(SHOW_DELETED)] } else { vec![] };
        let query = Query { base: base.as_str(), scope: Scope::Subtree, filter, attributes: names, controls };
        let doing = format!("Could not look for people who were missing, in {:?}", base.as_str());
        self.session.connection.entries_if_there(&doing, &query, self.budget).await
    }

    /// Where a search by id finds nobody, and the entry lies where it was: an index that the server did not make of the entries
    /// it had before, or that is damaged. Then nothing that it does not find is gone.
    async fn is_not_in_place(&self, person: &Missing) -> Result<(), ReadError> {
        let Some(dn) = person.dn.as_ref().and_then(|dn| Dn::parse(dn).ok()) else { return Ok(()) };
        let doing = "Could not tell who is gone";
        let configured = self.settings.attributes.anchor.as_deref();
        if !self.session.lies_at(doing, &dn, (person.anchor, configured), self.budget).await? {
            return Ok(());
        }
        let attribute = configured.unwrap_or(self.session.anchor_attribute());
        let said = format!("a search for {attribute} = {} finds nobody, and the entry is where it was", person.anchor);
        let advice = match self.session.kind {
            Kind::OpenLdap => {
                "make the indexes of the database anew (stop slapd, run `slapindex` as its user, start it)"
            }
            Kind::Ds389 => "make the indexes of the database anew (`dsconf INSTANCE backend index reindex BACKEND`)",
            _ => "make the indexes of the server's database anew",
        };
        Err(fault(doing, &self.session.connection.url, &said, advice, Persistence::Permanent))
    }

    /// Whether the place where somebody was last can still be read. Where nobody remembers it: whether the bases can.
    async fn parent_is_readable(&mut self, person: &Missing) -> Result<bool, ReadError> {
        let doing = format!("Could not look at the place where {} was last", person.anchor);
        let parent = person.dn.as_ref().and_then(|dn| Dn::parse(dn).ok()).and_then(|dn| dn.parent());
        let places = parent.map_or_else(|| self.bases.to_vec(), |parent| vec![parent]);
        for place in &places {
            let known = self.parents.get(place).copied();
            let readable = match known {
                Some(readable) => readable,
                None => self.session.connection.entry(&doing, place.as_str(), &nothing(), self.budget).await?.is_some(),
            };
            self.parents.insert(place.clone(), readable);
            if !readable {
                return Ok(false);
            }
        }
        Ok(!places.is_empty())
    }
}

/// What was found of the people asked for.
#[derive(Default)]
struct Seen {
    alive: BTreeMap<Anchor, Sighting>,
    deleted: BTreeSet<Anchor>,
    /// There, and nobody can tell what.
    veiled: BTreeSet<Anchor>,
}

/// What it means that somebody was found after all.
fn judge(sighting: &Sighting, in_scope: bool) -> Whereabouts {
    let sighting = Box::new(sighting.clone());
    match sighting.standing {
        _ if in_scope => Whereabouts::Overlooked(sighting),
        Standing::Disabled | Standing::Expired => Whereabouts::Left(sighting),
        Standing::Enabled => Whereabouts::OutOfScope(sighting),
    }
}
