//! The places between a base and its people: one that is moved or renamed takes them along, and their own entries stay as they
//! are. What becomes of a place that the account cannot see is never told.

use std::collections::BTreeSet;

use ldap3::Scope;

use super::budget::Budget;
use super::filter;
use super::locate::TOGETHER;
use super::replication::Rests;
use super::search::Query;
use super::session::Session;
use crate::directory::entry::{Entry as _, RawEntry};
use crate::model::Dn;
use crate::model::snapshot::Kind;
use crate::ports::ReadError;

const DOING: &str = "Could not look at the places where people lie";

/// The places right above entries, each once.
#[derive(Debug, Default)]
pub(super) struct Parents {
    all: BTreeSet<Vec<u8>>,
    /// Entries of one place often come together.
    last: Vec<u8>,
}

impl Parents {
    /// Takes in where an entry lies; what is no DN lies nowhere.
    pub(super) fn note(&mut self, dn: &[u8]) {
        let parent = above(dn).unwrap_or_default();
        if parent != self.last {
            parent.clone_into(&mut self.last);
            self.all.insert(parent.to_vec());
        }
    }

    /// The places between these bases and the entries. None: one of them cannot be told.
    pub(super) fn below(&self, bases: &[Dn]) -> Option<BTreeSet<Dn>> {
        let mut places = BTreeSet::new();
        for parent in &self.all {
            let parent = Dn::parse(std::str::from_utf8(parent).ok()?).ok()?;
            add(&mut places, Some(parent), |place| bases.contains(place));
        }
        Some(places)
    }
}

/// Adds a place and those above it, up to the `end`.
pub(super) fn add(places: &mut BTreeSet<Dn>, mut place: Option<Dn>, end: impl Fn(&Dn) -> bool) {
    while let Some(here) = place.filter(|here| !here.as_str().is_empty() && !end(here) && !places.contains(here)) {
        place = here.parent();
        places.insert(here);
    }
}

/// The text of a DN after its first part (RFC 4514).
fn above(dn: &[u8]) -> Option<&[u8]> {
    let mut is_escaped = false;
    let comma = dn.iter().position(|byte| {
        let ends = *byte == b',' && !is_escaped;
        is_escaped = *byte == b'\\' && !is_escaped;
        ends
    })?;
    dn.get(comma + 1..)
}

/// What these places rest on, and whether each of them shows its `stamp`.
///
/// # Errors
/// Where they could not be asked for.
pub(super) async fn look(
    session: &Session,
    mut places: BTreeSet<Dn>,
    stamp: &str,
    budget: &Budget,
) -> Result<(Rests, bool), ReadError> {
    let (mut rests, attributes) = (Rests::default(), [stamp.to_owned()]);
    for some in places.clone().into_iter().collect::<Vec<_>>().chunks(TOGETHER) {
        for entry in together(session, some, &attributes, budget).await? {
            let dn = std::str::from_utf8(&entry.dn).ok().and_then(|dn| Dn::parse(dn).ok());
            if dn.is_some_and(|dn| entry.has(stamp) && places.remove(&dn)) {
                rests.on(&entry);
            }
        }
    }
    // A right to search by the DN is not all accounts'.
    for place in &places {
        let entry = session.connection.entry(DOING, place.as_str(), &attributes, budget).await?;
        let Some(entry) = entry.filter(|entry| entry.has(stamp)) else {
            rests.on_unseen();
            return Ok((rests, false));
        };
        rests.on(&entry);
    }
    Ok((rests, true))
}

/// Those of these places that are found by their DNs.
async fn together(
    session: &Session,
    places: &[Dn],
    attributes: &[String],
    budget: &Budget,
) -> Result<Vec<RawEntry>, ReadError> {
    let name = if session.kind == Kind::ActiveDirectory { "distinguishedName" } else { "entryDN" };
    let these: Vec<String> = places.iter().map(|dn| format!("({name}={})", filter::text(dn.as_str()))).collect();
    let filter = filter::any(these.iter().map(String::as_str));
    let contexts: BTreeSet<&Dn> = places.iter().filter_map(|dn| session.root.context_of(dn)).collect();
    let mut found = Vec::new();
    for context in contexts {
        let query =
            Query { base: context.as_str(), scope: Scope::Subtree, filter: &filter, attributes, controls: vec![] };
        found.extend(session.connection.entries_if_there(DOING, &query, budget).await?.unwrap_or_default());
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_places_of_people_are_those_between_them_and_their_base() {
        let dns = |texts: &[&str]| texts.iter().map(|text| Dn::parse(text).unwrap()).collect::<BTreeSet<_>>();
        let bases = [Dn::parse("OU=Base,dc=x").unwrap()];
        let mut parents = Parents::default();
        for dn in ["cn=a,ou=base,dc=x", "cn=b\\,c,ou=two,ou=one,ou=base,dc=x", "cn=d\\5c,ou=three,ou=base,dc=x"] {
            parents.note(dn.as_bytes());
        }
        let expected = dns(&["ou=two,ou=one,ou=base,dc=x", "ou=one,ou=base,dc=x", "ou=three,ou=base,dc=x"]);
        assert_eq!(parents.below(&bases), Some(expected));
        parents.note(b"cn=\"a,b\",ou=base,dc=x");
        assert_eq!(parents.below(&bases), None);
    }
}
