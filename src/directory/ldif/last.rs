//! A file as it was last read: who is in it, and where somebody is who was expected.

use super::contents::{Contents, Item, What};
use super::file::Stamp;
use super::scope::{Scope, role};
use crate::model::snapshot::{Found, Sought, Whereabouts};
use crate::model::{Anchor, Defect, Digest, Dn, Profile, Quarantine, Sighting, Standing, Unidentified, folded};
use crate::ports::{Missing, Probe};

/// A file as it was read, and where its bases were.
pub(super) struct Last {
    pub stamp: Stamp,
    pub digest: String,
    pub contents: Contents,
    pub scope: Scope,
}

impl Last {
    /// Everyone under a base whom the filter takes, in the order of their anchors. Whom two share is nobody's.
    pub(super) fn people(&self) -> Vec<Sighting> {
        let sighted = self.contents.items.iter().filter_map(|item| match &item.what {
            What::Person { sighting, chosen: true } if !self.contents.doubled.contains_key(&item.anchor) => {
                Some(sighting)
            }
            _ => None,
        });
        let mut people: Vec<Sighting> =
            sighted.filter(|person| self.scope.holds(&person.dn)).map(|person| (**person).clone()).collect();
        people.sort_unstable_by_key(|person| person.anchor);
        people
    }

    /// Entries that can be told from nobody else, as far as they may be in scope.
    pub(super) fn unidentified(&self) -> Vec<Unidentified> {
        let may_be_here = |dn: &Option<Dn>| dn.as_ref().is_none_or(|dn| self.scope.holds(dn));
        let strays = self.contents.strays.iter().filter(|stray| stray.chosen && may_be_here(&stray.dn));
        let doubled = self.contents.items.iter().filter(|item| {
            matches!(item.what, What::Person { chosen: true, .. })
                && self.contents.doubled.contains_key(&item.anchor)
                && self.scope.holds(&item.dn)
        });
        let mut all: Vec<Unidentified> =
            strays.map(|stray| stray.unidentified.clone()).chain(doubled.map(shared)).collect();
        all.sort_by(|one, other| one.dn.cmp(&other.dn));
        all
    }

    /// A sentence on each anchor that more than one entry has.
    pub(super) fn doubled_anchors(&self) -> impl Iterator<Item = String> {
        self.contents.doubled.iter().map(|(anchor, lines)| {
            let lines: Vec<String> = lines.iter().map(usize::to_string).collect();
            format!("the entries on lines {} have one anchor, {anchor}; give each its own", lines.join(", "))
        })
    }

    /// Where somebody is who was not among the people.
    pub(super) fn whereabouts(&self, missing: &Missing) -> Whereabouts {
        let last_known = missing.dn.as_deref().and_then(|text| Dn::parse(text).ok());
        if self.may_be_a_stray(missing.anchor, last_known.as_ref()) {
            // Spoilt, not gone: no later read may take this for a departure either.
            return Whereabouts::Nowhere { parent_readable: false };
        }
        let Some(item) = self.contents.by_anchor(missing.anchor) else {
            return Whereabouts::Nowhere { parent_readable: self.parent_readable(last_known.as_ref()) };
        };
        match &item.what {
            What::Unclear => Whereabouts::Nowhere { parent_readable: false },
            What::Tombstone => Whereabouts::Tombstone,
            What::Person { sighting, .. } if sighting.standing != Standing::Enabled => {
                Whereabouts::Left(sighting.clone())
            }
            What::Person { sighting, chosen: true } if self.scope.holds(&item.dn) => {
                Whereabouts::Overlooked(sighting.clone())
            }
            What::Person { sighting, .. } => Whereabouts::OutOfScope(sighting.clone()),
            What::Group(_) | What::Other => Whereabouts::OutOfScope(Box::new(no_person(item))),
        }
    }

    /// The same, where whoever is among the people is no less so for having left.
    pub(super) fn shown(&self, person: &Missing) -> Whereabouts {
        match self.whereabouts(person) {
            Whereabouts::Left(sighting) if self.is_chosen(person.anchor) => Whereabouts::Overlooked(sighting),
            other => other,
        }
    }

    /// Whoever has this name, else this display name, else one that begins so; in scope or not. By anchor or DN also what is no
    /// person.
    pub(super) fn sought(&self, name: &str, server: &str) -> Vec<Sought> {
        let name = name.trim();
        let dn = Dn::parse(name).ok().filter(|_| name.contains('='));
        let (anchor, wanted) = (name.parse().ok(), folded(name));
        let is_here = |item: &&Item| Some(item.anchor) == anchor || Some(&item.dn) == dn.as_ref();
        let items = |fits: fn(&Sighting, &str) -> bool| -> Vec<&Item> {
            let has_name = |item: &Item| match &item.what {
                What::Person { sighting, .. } => !wanted.is_empty() && fits(sighting, &wanted),
                _ => false,
            };
            self.contents.items.iter().filter(|item| is_here(item) || has_name(item)).collect()
        };
        let ways: [fn(&Sighting, &str) -> bool; 3] = [goes_by, is_called, begins_so];
        let found = ways.into_iter().map(items).find(|found| !found.is_empty()).unwrap_or_default();
        let sought = |item: &Item| {
            let (sighting, is_person, fits_filter) = match &item.what {
                What::Person { sighting, chosen } => ((**sighting).clone(), true, *chosen),
                _ => (no_person(item), false, false),
            };
            let is_under_base = self.scope.holds(&item.dn);
            Sought { sighting, server: server.to_owned(), is_person, is_under_base, fits_filter }
        };
        found.into_iter().map(sought).collect()
    }

    fn is_chosen(&self, anchor: Anchor) -> bool {
        let chosen = |item: &Item| matches!(item.what, What::Person { chosen: true, .. }) && self.scope.holds(&item.dn);
        self.contents.by_anchor(anchor).is_some_and(chosen)
    }

    /// An entry that cannot be used has this anchor, or lies where the person was; or the one there lost its id, or got one.
    fn may_be_a_stray(&self, anchor: Anchor, last_known: Option<&Dn>) -> bool {
        let by_anchor = self.contents.strays.iter().any(|stray| stray.anchor == Some(anchor));
        let there = last_known.and_then(|dn| self.contents.at(dn));
        by_anchor
            || there.is_some_and(|item| matches!(item.what, What::Unclear) || has_another_kind_of_id(item, anchor))
    }

    /// Something still lies at or under the place above the entry; without a known place, all bases are there.
    fn parent_readable(&self, last_known: Option<&Dn>) -> bool {
        match last_known.and_then(Dn::parent) {
            Some(parent) => self.contents.reaches(&parent),
            None => !self.scope.bases_lost,
        }
    }

    pub(super) fn scope_probes(&self) -> impl Iterator<Item = Probe> {
        self.scope.problems.iter().map(|problem| Probe {
            what: "find the bases and groups of the config".to_owned(),
            ok: false,
            message: problem.clone(),
            lost: Some("the read is partial: nobody is given or loses a seat".to_owned()),
            remedy: Some("correct the DN in the config, or export what is missing".to_owned()),
        })
    }

    /// Bases and groups that were renamed or moved since the config was written.
    pub(super) fn followed_probes(&self) -> impl Iterator<Item = Probe> {
        let moved = self.scope.found.iter().filter_map(|(key, found)| match found {
            Found::Here { dn, .. } if Dn::parse(&key.dn).is_ok_and(|named| named != *dn) => Some((key, dn)),
            _ => None,
        });
        moved.map(|(key, dn)| Probe {
            what: format!("find the {} {}", role(key), key.dn),
            ok: true,
            message: format!("it was renamed or moved, and is followed to {dn}"),
            lost: Some("an agent that begins without this state does not find it by the old name".to_owned()),
            remedy: Some(format!("write {:?} in the config, instead of {:?}", dn.as_str(), &*key.dn)),
        })
    }

    pub(super) fn doubled_probe(&self) -> impl Iterator<Item = Probe> {
        self.doubled_anchors().map(|message| Probe {
            what: "tell the entries apart".to_owned(),
            ok: false,
            message,
            lost: Some("the read is partial: nobody is given or loses a seat".to_owned()),
            remedy: Some("correct the export".to_owned()),
        })
    }
}

/// By user name, mail address or logon name, with or without a domain before it; `name` is folded.
fn goes_by(person: &Sighting, name: &str) -> bool {
    let is_name = |own: &str, name: &str| !own.is_empty() && folded(own) == name;
    let logon = name.rsplit('\\').next().unwrap_or_default();
    is_name(&person.profile.user_name, name)
        || is_name(&person.profile.email, name)
        || person.logon.as_deref().is_some_and(|own| is_name(own, logon))
}

/// By the whole display name; `name` is folded.
fn is_called(person: &Sighting, name: &str) -> bool {
    person.profile.display_name.as_deref().is_some_and(|own| folded(own) == name)
}

/// By the beginning of the display name.
fn begins_so(person: &Sighting, name: &str) -> bool {
    person.profile.display_name.as_deref().is_some_and(|own| folded(own).starts_with(name))
}

/// One of the two anchors is made of the DN at which both were: nobody can say whether they are of one entry.
fn has_another_kind_of_id(item: &Item, anchor: Anchor) -> bool {
    let by_dn = Anchor::of_dn(&item.dn);
    item.anchor != anchor && (item.anchor == by_dn || anchor == by_dn)
}

/// An entry whose anchor another one has too.
fn shared(item: &Item) -> Unidentified {
    let message = format!("the entry {} on line {} shares its anchor {} with another", item.dn, item.line, item.anchor);
    let quarantine = Quarantine { attribute: "anchor".to_owned(), reason: Defect::Duplicate, message };
    Unidentified { dn: item.dn.to_string(), quarantine }
}

/// What can be told of an entry that is a person no more.
fn no_person(item: &Item) -> Sighting {
    Sighting {
        anchor: item.anchor,
        dn: item.dn.clone(),
        standing: Standing::Enabled,
        sign: None,
        profile: Profile::default(),
        quarantine: None,
        created: None,
        due: None,
        uids: Vec::new(),
        logon: None,
        entry: Digest::of(&()),
        primary_group: None,
        member_of: Vec::new(),
    }
}
