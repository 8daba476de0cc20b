//! Bases and groups: found by name once, followed by anchor ever after (rule 5 of the design).

use std::collections::BTreeMap;

use ldap3::Scope;

use super::budget::Budget;
use super::members;
use super::search::Query;
use super::session::Session;
use crate::directory::entry::RawEntry;
use crate::directory::group::{GroupObject, group_attributes, is_group};
use crate::directory::identity::own_anchor;
use crate::model::snapshot::{Found, Kind, Pin, Role, ScopeKey};
use crate::model::{Anchor, Dn};
use crate::ports::ReadError;

/// What was found of the scope, and what stands in the way of calling the read complete.
#[derive(Debug, Default)]
pub(super) struct Resolved {
    pub(super) found: BTreeMap<ScopeKey, Found>,
    /// Where to search for people; none of them lies under another.
    pub(super) bases: Vec<Dn>,
    pub(super) groups: Vec<(ScopeKey, GroupObject)>,
    /// Sentences.
    pub(super) problems: Vec<String>,
}

/// Looks up every base and group.
pub(super) async fn resolve(
    session: &Session,
    keys: &[ScopeKey],
    pins: &BTreeMap<ScopeKey, Pin>,
    budget: &Budget,
) -> Result<Resolved, ReadError> {
    let finder = Finder { session, budget, with_members: true };
    let mut resolved = Resolved::default();
    for key in keys {
        let (found, entry) = finder.find(key, pins.get(key)).await?;
        if let (Found::Here { anchor, dn }, Some(pin)) = (&found, pins.get(key).filter(|pin| pin.anchor.is_some()))
            && Dn::parse(&pin.dn).is_ok_and(|before| before != *dn)
        {
            tracing::info!(name: "directory.renamed", anchor = %anchor, from = pin.dn, to = dn.as_str(), "A base or group was renamed; following it");
        }
        if let Some(problem) = problem(key, &found) {
            resolved.problems.push(problem);
        }
        if let (Found::Here { dn, .. }, Some(entry)) = (&found, entry) {
            match key.role {
                Role::Base => resolved.bases.push(dn.clone()),
                Role::Group => match members::group_of(session, entry, budget).await? {
                    Some(group) => resolved.groups.push((key.clone(), group)),
                    None => resolved.problems.push(no_group(key)),
                },
            }
        }
        resolved.found.insert(key.clone(), found);
    }
    resolved.bases = outermost(&resolved.bases);
    Ok(resolved)
}

/// Why the scope is not as the pins have it: each base and group is looked at by its id, for a name or a right that is gone
/// changes no entry below.
pub(super) async fn moved(
    session: &Session,
    keys: &[ScopeKey],
    pins: &BTreeMap<ScopeKey, Pin>,
    budget: &Budget,
) -> Result<Option<String>, ReadError> {
    let finder = Finder { session, budget, with_members: false };
    for key in keys {
        let (found, entry) = finder.find(key, pins.get(key)).await?;
        let is_none = key.role == Role::Group && entry.is_some_and(|entry| !is_group(&entry));
        let why = problem(key, &found).or_else(|| is_none.then(|| no_group(key)));
        if why.is_some() {
            return Ok(why);
        }
        if !stays(&found, pins.get(key)) {
            return Ok(Some(format!("the {} {:?} is elsewhere, or another one", word(key.role), &*key.dn)));
        }
    }
    Ok(None)
}

/// Where people are searched for as long as the bases are where they were found last; none of them lies under another.
pub(super) fn pinned_bases(keys: &[ScopeKey], pins: &BTreeMap<ScopeKey, Pin>) -> Vec<Dn> {
    let bases = keys.iter().filter(|key| key.role == Role::Base).filter_map(|key| pins.get(key));
    let there = bases.filter(|pin| pin.anchor.is_some());
    outermost(&there.filter_map(|pin| Dn::parse(&pin.dn).ok()).collect::<Vec<_>>())
}

/// Where it was, and the one it was.
fn stays(found: &Found, pin: Option<&Pin>) -> bool {
    match (found, pin) {
        (Found::Here { anchor, dn }, Some(pin)) => {
            pin.anchor == Some(*anchor) && Dn::parse(&pin.dn).is_ok_and(|last| last == *dn)
        }
        (Found::DoneWithout, _) => true,
        _ => false,
    }
}

fn no_group(key: &ScopeKey) -> String {
    format!("{:?} is no group. Name a group in the config", &*key.dn)
}

/// The bases that lie under no other.
fn outermost(bases: &[Dn]) -> Vec<Dn> {
    let mut kept: Vec<Dn> = Vec::new();
    for base in bases {
        let covered = bases.iter().any(|other| other != base && base.is_under(other));
        if !covered && !kept.contains(base) {
            kept.push(base.clone());
        }
    }
    kept
}

/// What a person calls it.
pub(super) fn word(role: Role) -> &'static str {
    match role {
        Role::Base => "base",
        Role::Group => "group",
    }
}

/// Why a scope object makes the read partial.
fn problem(key: &ScopeKey, found: &Found) -> Option<String> {
    let what = word(key.role);
    let name = &*key.dn;
    match found {
        Found::Here { .. } | Found::DoneWithout => None,
        Found::Nowhere => Some(format!(
            "The {what} {name:?} was not found: there is no such entry, or the account may not read it. \
             Mend its name in the config, or grant the account read access"
        )),
        Found::Replaced { old, new: Some(new) } => Some(format!(
            "The {what} {name:?} is another one than before (it was {old} and is {new} now): \
             it was deleted and made again"
        )),
        Found::Replaced { old, new: None } => {
            Some(format!("The {what} {name:?} ({old}) is gone, or the account may no longer read it"))
        }
    }
}

struct Finder<'a> {
    session: &'a Session,
    budget: &'a Budget,
    /// Of groups, too.
    with_members: bool,
}

impl Finder<'_> {
    /// Finds one object, with its entry where it is there.
    async fn find(&self, key: &ScopeKey, pin: Option<&Pin>) -> Result<(Found, Option<RawEntry>), ReadError> {
        let Some((pin, old)) = pin.and_then(|pin| Some((pin, pin.anchor?))) else {
            // Never found, or confirmed gone: whatever lies there now is it.
            let absent = if pin.is_some() { Found::DoneWithout } else { Found::Nowhere };
            let here = self.at(&key.dn, key.role).await?;
            return Ok(here.map_or((absent, None), |(anchor, dn, entry)| (Found::Here { anchor, dn }, Some(entry))));
        };
        if let Some((anchor, dn, entry)) = self.pinned(old, pin, key.role).await? {
            return Ok((Found::Here { anchor, dn }, Some(entry)));
        }
        let new = self.at(&key.dn, key.role).await?.map(|(anchor, ..)| anchor).filter(|anchor| *anchor != old);
        Ok((Found::Replaced { old, new }, None))
    }

    /// Looks for a pinned object: in AD by its GUID, elsewhere where it was last, then everywhere.
    async fn pinned(&self, old: Anchor, pin: &Pin, role: Role) -> Result<Option<(Anchor, Dn, RawEntry)>, ReadError> {
        let same = |found: &(Anchor, Dn, RawEntry)| found.0 == old;
        if self.session.kind == Kind::ActiveDirectory {
            return Ok(self.at(&format!("<GUID={old}>"), role).await?.filter(same));
        }
        if let Some(found) = self.at(&pin.dn, role).await?.filter(same) {
            return Ok(Some(found));
        }
        // An entry never leaves its naming context: renames across databases do not exist.
        let last = Dn::parse(&pin.dn).ok();
        let Some(context) = last.as_ref().and_then(|dn| self.session.context_of(dn)) else { return Ok(None) };
        let query = Query {
            base: context.as_str(),
            scope: Scope::Subtree,
            filter: &self.session.has_anchor(old),
            attributes: &self.attributes(role),
            controls: vec![],
        };
        let doing = format!("Could not look for {old} in {:?}", context.as_str());
        let entries = self.session.connection.entries(&doing, &query, self.budget).await?;
        Ok(entries.into_iter().find_map(|entry| self.identified(entry)).filter(same))
    }

    /// The object at a place, if it has an anchor that we may read.
    async fn at(&self, place: &str, role: Role) -> Result<Option<(Anchor, Dn, RawEntry)>, ReadError> {
        let doing = format!("Could not read the {} {place:?}", word(role));
        let entry = self.session.connection.entry(&doing, place, &self.attributes(role), self.budget).await?;
        Ok(entry.and_then(|entry| self.identified(entry)))
    }

    fn identified(&self, entry: RawEntry) -> Option<(Anchor, Dn, RawEntry)> {
        let dn = Dn::parse(std::str::from_utf8(&entry.dn).ok()?).ok()?;
        let anchor = own_anchor(self.session.kind, &entry, &dn).ok()?;
        Some((anchor, dn, entry))
    }

    fn attributes(&self, role: Role) -> Vec<String> {
        match role {
            Role::Group if self.with_members => {
                group_attributes(self.session.kind).iter().map(|name| (*name).to_owned()).collect()
            }
            _ => vec!["objectClass".to_owned(), self.session.anchor_attribute().to_owned()],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_under_another_is_read_with_it() {
        let dns = |texts: &[&str]| texts.iter().map(|text| Dn::parse(text).unwrap()).collect::<Vec<_>>();
        let kept = outermost(&dns(&["ou=a,dc=x", "OU=b,ou=a,dc=x", "ou=c,dc=x", "OU=A, dc=x"]));
        assert_eq!(kept, dns(&["ou=a,dc=x", "ou=c,dc=x"]));
    }

    #[test]
    fn only_what_is_here_or_confirmed_gone_leaves_the_read_complete() {
        let key = ScopeKey { role: Role::Base, dn: "ou=a,dc=x".into() };
        let anchor = Anchor::from_bytes([1; 16]);
        let here = Found::Here { anchor, dn: Dn::parse("ou=a,dc=x").unwrap() };
        assert_eq!(problem(&key, &here), None);
        assert_eq!(problem(&key, &Found::DoneWithout), None);
        for gone in [
            Found::Nowhere,
            Found::Replaced { old: anchor, new: None },
            Found::Replaced { old: anchor, new: Some(Anchor::from_bytes([2; 16])) },
        ] {
            assert!(problem(&key, &gone).is_some_and(|problem| problem.contains("ou=a,dc=x")), "{gone:?}");
        }
    }
}
