//! All entries of a file, read once and found by DN and by anchor.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use jiff::Timestamp;

use super::filter::matches;
use super::parse::{LdifError, Records};
use crate::directory::entry::{Entry as _, RawEntry};
use crate::directory::group::{GroupObject, group_object};
use crate::directory::identity::own_anchor;
use crate::directory::person::PersonReader;
use crate::model::filter::Filter;
use crate::model::snapshot::Kind;
use crate::model::{Anchor, Dn, Sighting, Unidentified};

/// One entry of the file.
pub(super) struct Item {
    pub line: usize,
    pub anchor: Anchor,
    pub dn: Dn,
    pub what: What,
}

/// What an entry is.
pub(super) enum What {
    /// A person, and whether the configured filter takes them.
    Person {
        sighting: Box<Sighting>,
        chosen: bool,
    },
    Group(Box<GroupObject>),
    /// Active Directory's mark of a deletion.
    Tombstone,
    /// A person nobody can be told by, or an entry that does not say what it is.
    Unclear,
    Other,
}

/// A person's entry that nobody can be told from, with its DN and the anchor where it has them.
pub(super) struct Stray {
    pub dn: Option<Dn>,
    pub anchor: Option<Anchor>,
    pub chosen: bool,
    pub unidentified: Unidentified,
}

/// How entries are read.
pub(super) struct Reading<'a> {
    pub people: &'a PersonReader,
    pub filter: Option<&'a Filter>,
    pub now: Timestamp,
}

/// Everything that stands in a file.
#[derive(Default)]
pub(super) struct Contents {
    pub items: Vec<Item>,
    pub strays: Vec<Stray>,
    /// Anchors of more than one entry, with the lines of those.
    pub doubled: BTreeMap<Anchor, Vec<usize>>,
    /// Indices of the items, ordered by DN.
    by_dn: Vec<usize>,
    by_anchor: HashMap<Anchor, usize>,
    /// Keys of the DNs under which something lies.
    above: HashSet<Box<str>>,
    /// Keys of the naming contexts.
    contexts: BTreeSet<Box<str>>,
}

impl Contents {
    /// Reads the bytes of a file. `progress` hears how many entries have come.
    pub(super) fn read(
        bytes: &[u8],
        reading: &Reading<'_>,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Self, LdifError> {
        const STEP: u64 = 1000;
        let mut contents = Self::default();
        let mut count = 0;
        for record in Records::new(bytes) {
            let record = record?;
            contents.take(record.line, &record.entry, reading);
            count += 1;
            if count % STEP == 0 {
                progress(count);
            }
        }
        progress(count);
        contents.index()?;
        Ok(contents)
    }

    /// The entry with this DN.
    pub(super) fn at(&self, dn: &Dn) -> Option<&Item> {
        let place = self.by_dn.binary_search_by(|index| self.items[*index].dn.cmp(dn)).ok()?;
        Some(&self.items[self.by_dn[place]])
    }

    /// The entry with this anchor; of several, the first of the file.
    pub(super) fn by_anchor(&self, anchor: Anchor) -> Option<&Item> {
        self.by_anchor.get(&anchor).map(|index| &self.items[*index])
    }

    /// An entry lies at or under this DN.
    pub(super) fn reaches(&self, dn: &Dn) -> bool {
        self.above.contains(dn.key()) || self.at(dn).is_some()
    }

    /// Lies in no naming context of the file, or stands for somebody of another domain (MS-ADTS 6.1.1.4.10).
    pub(super) fn is_foreign(&self, dn: &Dn) -> bool {
        let key = dn.key();
        let here =
            |context: &str| key.strip_suffix(context).is_some_and(|above| above.is_empty() || above.ends_with(','));
        key.contains(",cn=foreignsecurityprincipals,") || !self.contexts.iter().any(|context| here(context))
    }

    fn take(&mut self, line: usize, entry: &RawEntry, reading: &Reading<'_>) {
        let dn = std::str::from_utf8(&entry.dn).ok().and_then(|text| Dn::parse(text).ok());
        let is_person = reading.people.is_person(entry);
        if is_person {
            let chosen = reading.filter.is_none_or(|filter| matches(filter, entry));
            match reading.people.read(entry, reading.now) {
                Ok(sighting) => {
                    let (anchor, dn) = (sighting.anchor, sighting.dn.clone());
                    self.items.push(Item {
                        line,
                        anchor,
                        dn,
                        what: What::Person { sighting: Box::new(sighting), chosen },
                    });
                    return;
                }
                Err(unidentified) => {
                    let anchor = reading.people.anchor_of(entry);
                    self.strays.push(Stray { dn: dn.clone(), anchor, chosen, unidentified });
                }
            }
        }
        // An entry of whatever kind still says that something lies here.
        let Some(dn) = dn else { return };
        let anchor = own_anchor(Kind::Ldif, entry, &dn).unwrap_or_else(|_| Anchor::of_dn(&dn));
        let what = if entry.is_deleted() {
            What::Tombstone
        } else if let Some(group) = group_object(Kind::Ldif, entry).filter(|_| !is_person) {
            What::Group(Box::new(group))
        } else if is_person || !entry.has("objectClass") {
            What::Unclear
        } else {
            What::Other
        };
        self.items.push(Item { line, anchor, dn, what });
    }

    /// Makes the entries findable. One DN twice is no directory.
    fn index(&mut self) -> Result<(), LdifError> {
        let items = &self.items;
        self.by_dn = (0..items.len()).collect();
        self.by_dn.sort_by(|one, other| items[*one].dn.cmp(&items[*other].dn));
        for pair in self.by_dn.windows(2) {
            let (first, second) = (&items[pair[0]], &items[pair[1]]);
            if first.dn == second.dn {
                let why = format!("this entry has the DN of the one on line {}", first.line);
                return Err(LdifError { line: second.line, why });
            }
        }
        for (index, item) in items.iter().enumerate() {
            let known = *self.by_anchor.entry(item.anchor).or_insert(index);
            if known != index {
                self.doubled.entry(item.anchor).or_insert_with(|| vec![items[known].line]).push(item.line);
            }
            note_above(&mut self.above, item.dn.key());
            let context = context_of(item.dn.key());
            if !self.contexts.contains(context) {
                self.contexts.insert(context.into());
            }
        }
        Ok(())
    }
}

/// Notes the keys of all DNs above one, up to the first that is known.
fn note_above(above: &mut HashSet<Box<str>>, key: &str) {
    let mut rest = key;
    while !rest.is_empty() {
        rest = rest.split_once(',').map_or("", |(_, parent)| parent);
        if above.contains(rest) {
            return;
        }
        above.insert(rest.into());
    }
}

/// The naming context a DN lies in, as far as a name tells: its `dc` parts, else its last part.
fn context_of(key: &str) -> &str {
    let mut start = key.len();
    for part in key.rsplit(',') {
        if start < key.len() && !part.starts_with("dc=") {
            break;
        }
        start -= part.len() + usize::from(start < key.len());
        if !part.starts_with("dc=") {
            break;
        }
    }
    &key[start..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_naming_context_is_the_domain_or_the_last_part() {
        for (key, context) in [
            ("cn=a,ou=b,dc=x,dc=y", "dc=x,dc=y"),
            ("dc=x", "dc=x"),
            ("cn=a,o=acme", "o=acme"),
            ("cn=a,dc=x,o=acme", "o=acme"),
            ("cn=a", "cn=a"),
            ("", ""),
        ] {
            assert_eq!(context_of(key), context, "{key}");
        }
    }
}
