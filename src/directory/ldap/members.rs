//! Groups and their members over LDAP.

use std::collections::BTreeSet;

use async_trait::async_trait;
use futures_util::future::try_join_all;
use ldap3::Scope;

use super::access;
use super::budget::Budget;
use super::filter;
use super::range;
use super::search::{Comparison, Query, nothing};
use super::session::Session;
use crate::directory::entry::Entry as _;
use crate::directory::group::{GroupObject, GroupSource, Object, STAMPS, group_attributes, group_object, stamp};
use crate::directory::identity::anchor_in;
use crate::model::snapshot::Kind;
use crate::model::{Anchor, Dn};
use crate::ports::ReadError;

/// Reads in flight at once on the one connection.
const AT_ONCE: usize = 32;

/// A group, or something else, at a DN or an anchor's address; with all its members, however many parts they come in.
/// What is no group comes by its anchor, in the attribute `anchor` where the config names one.
pub(super) async fn object_at(
    session: &Session,
    place: &str,
    anchor: Option<&str>,
    budget: &Budget,
) -> Result<Object, ReadError> {
    let names = group_attributes(session.kind).iter().copied().chain(anchor);
    let attributes: Vec<String> = names.map(str::to_owned).collect();
    let Some(mut entry) =
        session.connection.entry("Could not look at a member of a group", place, &attributes, budget).await?
    else {
        return Ok(Object::Gone);
    };
    for name in ["member", "uniqueMember"] {
        range::complete(session, &mut entry, name, budget).await?;
    }
    if let Some(group) = group_object(session.kind, &entry) {
        return Ok(Object::Group(group));
    }
    let anchor = anchor_in(session.kind, &entry, anchor.unwrap_or(session.anchor_attribute())).ok();
    // Of what shows neither who it is nor its classes nothing is known.
    let is_there = anchor.is_some() || entry.has("objectClass");
    Ok(if is_there { Object::Other(anchor) } else { Object::Gone })
}

/// What tells whether the entry at a DN is another than before; None where it is not there.
async fn stamp_at(session: &Session, dn: &Dn, budget: &Budget) -> Result<Option<String>, ReadError> {
    let attributes = STAMPS.map(str::to_owned);
    let entry = session.connection.entry("Could not look at a group again", dn.as_str(), &attributes, budget).await?;
    Ok(entry.as_ref().and_then(stamp))
}

/// The group of an anchor, wherever it is now. An entry never leaves its naming context.
async fn found_by_anchor(
    session: &Session,
    anchor: Anchor,
    last: &Dn,
    budget: &Budget,
) -> Result<Option<GroupObject>, ReadError> {
    let is_it = |group: &GroupObject| group.anchor == anchor;
    if session.kind == Kind::ActiveDirectory {
        let object = object_at(session, &format!("<GUID={anchor}>"), None, budget).await?;
        return Ok(if let Object::Group(group) = object { Some(group).filter(is_it) } else { None });
    }
    let Some(context) = session.context_of(last) else { return Ok(None) };
    let attributes: Vec<String> = group_attributes(session.kind).iter().map(|name| (*name).to_owned()).collect();
    let query = Query {
        base: context.as_str(),
        scope: Scope::Subtree,
        filter: &session.has_anchor(anchor),
        attributes: &attributes,
        controls: vec![],
    };
    let doing = format!("Could not look for the group that was {:?}", last.as_str());
    let Some(entry) = session.connection.entries(&doing, &query, budget).await?.into_iter().next() else {
        return Ok(None);
    };
    Ok(group_of(session, entry, budget).await?.filter(is_it))
}

/// The group in an entry that was asked for with `group_attributes`.
pub(super) async fn group_of(
    session: &Session,
    mut entry: crate::directory::entry::RawEntry,
    budget: &Budget,
) -> Result<Option<GroupObject>, ReadError> {
    for name in ["member", "uniqueMember"] {
        range::complete(session, &mut entry, name, budget).await?;
    }
    Ok(group_object(session.kind, &entry))
}

/// The attribute of a group's members that the account may not read, where the group shows none.
pub(super) async fn hidden_members(
    session: &Session,
    group: &Dn,
    budget: &Budget,
) -> Result<Option<&'static str>, ReadError> {
    if session.kind == Kind::ActiveDirectory {
        let closed = are_somebodys(session, std::slice::from_ref(group), budget).await?
            || access::closes_members(session, group, budget).await?;
        return Ok(closed.then_some("member"));
    }
    // Values their syntaxes allow.
    for (attribute, value) in [("member", ""), ("uniqueMember", ""), ("memberUid", "x")] {
        let said = session.connection.compare(group.as_str(), attribute, value, budget).await?;
        if said == Comparison::Denied {
            return Ok(Some(attribute));
        }
    }
    Ok(None)
}

/// Whether anything of their domains says of itself that it is a member of one of these: the link's other end has rights of its
/// own (MS-ADTS 3.1.1.1.6).
async fn are_somebodys(session: &Session, groups: &[Dn], budget: &Budget) -> Result<bool, ReadError> {
    let contexts: BTreeSet<&Dn> = groups.iter().filter_map(|group| session.context_of(group)).collect();
    let filters: Vec<String> =
        groups.iter().map(|group| format!("(memberOf={})", filter::text(group.as_str()))).collect();
    let filter = filter::any(filters.iter().map(String::as_str));
    for context in contexts {
        let (base, attributes) = (context.as_str(), nothing());
        let query = Query { base, scope: Scope::Subtree, filter: &filter, attributes: &attributes, controls: vec![] };
        let doing = format!("Could not find out whether anybody is a member of {:?}", groups[0].as_str());
        if session.connection.finds(&doing, &query, budget).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Where the walk through nested groups looks things up.
pub(super) struct LdapGroups<'a> {
    pub(super) session: &'a Session,
    /// By which attribute people are known, where the config names one.
    pub(super) anchor: Option<&'a str>,
    pub(super) budget: &'a Budget,
}

#[async_trait]
impl GroupSource for LdapGroups<'_> {
    async fn fetch(&mut self, dns: &[Dn]) -> Result<Vec<Object>, ReadError> {
        let mut objects = Vec::with_capacity(dns.len());
        for some in dns.chunks(AT_ONCE) {
            let reads = some.iter().map(|dn| object_at(self.session, dn.as_str(), self.anchor, self.budget));
            objects.extend(try_join_all(reads).await?);
        }
        Ok(objects)
    }

    async fn find(&mut self, anchor: Anchor, last: &Dn) -> Result<Option<GroupObject>, ReadError> {
        found_by_anchor(self.session, anchor, last, self.budget).await
    }

    async fn changed(&mut self, groups: &[(&Dn, &str)]) -> Result<bool, ReadError> {
        let (session, budget) = (self.session, self.budget);
        for some in groups.chunks(AT_ONCE) {
            let now = try_join_all(some.iter().map(|(dn, _)| stamp_at(session, dn, budget))).await?;
            if now.iter().zip(some).any(|(now, (_, before))| now.as_deref() != Some(*before)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn hidden(&mut self, dns: &[Dn]) -> Result<Vec<Option<&'static str>>, ReadError> {
        let mut hidden = Vec::with_capacity(dns.len());
        for some in dns.chunks(AT_ONCE) {
            let asked = some.iter().map(|dn| hidden_members(self.session, dn, self.budget));
            hidden.extend(try_join_all(asked).await?);
        }
        Ok(hidden)
    }

    async fn have_members(&mut self, dns: &[Dn]) -> Result<Vec<bool>, ReadError> {
        let mut have = Vec::with_capacity(dns.len());
        for some in dns.chunks(AT_ONCE) {
            if self.session.kind != Kind::ActiveDirectory || !are_somebodys(self.session, some, self.budget).await? {
                have.extend(some.iter().map(|_| false));
                continue;
            }
            for dn in some {
                have.push(are_somebodys(self.session, std::slice::from_ref(dn), self.budget).await?);
            }
        }
        Ok(have)
    }

    async fn is_readable(&mut self, place: &Dn) -> Result<bool, ReadError> {
        let doing = "Could not look at the place where a group was last";
        Ok(self.session.connection.entry(doing, place.as_str(), &nothing(), self.budget).await?.is_some())
    }

    fn is_foreign(&self, dn: &Dn) -> bool {
        self.session.is_elsewhere(dn)
    }
}
