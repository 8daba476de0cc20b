//! The attribute of each entry by which a server finds those that changed: whose it hides from the account would never change.
//!
//! A rule of access may hide it of some people or groups alone. A read sees everyone's: where all show it, the watermark notes
//! its name, and changes are followed by it; else everything is read. Bases and groups are looked at each time.

use std::collections::BTreeSet;

use super::sync;
use super::{Asked, Untold, subtree};
use crate::directory::identity::own_anchor;
use crate::directory::ldap::budget::Budget;
use crate::directory::ldap::filter;
use crate::directory::ldap::locate::{SHOW_DELETED, TOGETHER};
use crate::directory::ldap::position::{self, LOG, Newest, TIMES};
use crate::directory::ldap::replication;
use crate::directory::ldap::search::critical;
use crate::directory::ldap::session::Session;
use crate::model::snapshot::{Kind, Watermark};
use crate::model::{Anchor, Dn};
use crate::ports::ReadError;

/// The place in a watermark of the attribute that everyone showed; it says nothing to people.
const SHOWN: &str = "_stamp";
/// The number of an entry's last change (OpenLDAP).
pub(in crate::directory::ldap) const NUMBER: &str = "entryCSN";

/// The attribute by which the server will be asked after a read that begins at `here`. None: it tells changes otherwise.
///
/// # Errors
/// Where it could not be asked.
pub(in crate::directory::ldap) async fn of(
    session: &Session,
    asked: &Asked<'_>,
    here: Option<&Watermark>,
    budget: &Budget,
) -> Result<Option<&'static str>, ReadError> {
    match session.kind {
        Kind::Ldif => return Ok(None),
        Kind::ActiveDirectory => return Ok(Some(replication::CHANGED)),
        Kind::Ds389 => return Ok(Some(TIMES)),
        Kind::OpenLdap => {}
    }
    let keys: Vec<Dn> = asked.keys.iter().filter_map(|key| Dn::parse(&key.dn).ok()).collect();
    let places = keys.iter().chain(asked.request.nested.iter().map(|group| &group.dn));
    let databases = places.filter_map(|dn| session.root.context_of(dn)).collect();
    let is_numbered = here.is_some_and(|here| position::csns(here).next().is_some());
    Ok(match sync::database(session, &databases).ok().filter(|_| is_numbered) {
        Some(context) if sync::shows_change_numbers(session, context, budget).await? => Some(NUMBER),
        _ => Some(TIMES),
    })
}

/// What a read saw of it.
#[derive(Debug, Default)]
pub(in crate::directory::ldap) struct Shown {
    /// Everyone showed it.
    pub(in crate::directory::ldap) name: Option<&'static str>,
    /// The latest time of a change, where it is that.
    pub(in crate::directory::ldap) newest: Newest,
}

impl Shown {
    /// Notes it in the watermark of the read.
    pub(in crate::directory::ldap) fn note_in(&self, here: &mut Watermark) {
        here.position.extend(self.name.map(|name| (SHOWN.to_owned(), name.to_owned())));
        position::note_newest(here, [self.newest.time(), None]);
    }
}

/// A delta sees those alone who changed: of everyone it knows what the read before knew. That there is a log of changes need not
/// show where its last one was long ago.
pub(super) fn keep(here: &mut Watermark, last: &Watermark) {
    let kept = [SHOWN, LOG].into_iter().filter_map(|place| last.position.get_key_value(place));
    here.position.extend(kept.map(|(place, what)| (place.clone(), what.clone())));
}

/// Why not everyone's changes would be told by this attribute; None: they are.
pub(super) async fn hidden(
    session: &Session,
    (last, contexts): (&Watermark, &BTreeSet<Dn>),
    stamp: &str,
    scope: &BTreeSet<Anchor>,
    budget: &Budget,
) -> Result<Option<Untold>, ReadError> {
    if last.position.get(SHOWN).is_none_or(|shown| shown != stamp) {
        return Ok(Some(format!(
            "the last full read did not see everyone's {stamp}, by which the server tells who changed"
        )));
    }
    let scope: Vec<Anchor> = scope.iter().copied().collect();
    for some in scope.chunks(TOGETHER) {
        if !finds(session, contexts, (stamp, some), budget).await? {
            return Ok(Some(format!(
                "the account may not read {stamp} of a base or group, by which the server tells what changed"
            )));
        }
    }
    Ok(None)
}

/// Whether the account finds all of these by the attribute.
async fn finds(
    session: &Session,
    contexts: &BTreeSet<Dn>,
    (stamp, anchors): (&str, &[Anchor]),
    budget: &Budget,
) -> Result<bool, ReadError> {
    let these: Vec<String> = anchors.iter().map(|anchor| session.has_anchor(*anchor)).collect();
    let these = filter::any(these.iter().map(String::as_str));
    let any = match stamp {
        NUMBER => "19700101000000.000000Z#000000#000#000000",
        replication::CHANGED => "1",
        _ => "19700101000000Z",
    };
    let filter = filter::all([format!("({stamp}>={any})").as_str(), these.as_str()]);
    let attributes = [session.anchor_attribute().to_owned()];
    let mut hidden: BTreeSet<Anchor> = anchors.iter().copied().collect();
    let doing = "Could not find out whether changes are told";
    for context in contexts {
        let mut query = subtree(context, &filter, &attributes);
        if session.kind == Kind::ActiveDirectory {
            // One that was deleted tells that.
            query.controls.push(critical(SHOW_DELETED));
        }
        for entry in session.connection.entries(doing, &query, budget).await? {
            if let Ok(anchor) = own_anchor(session.kind, &entry, context) {
                hidden.remove(&anchor);
            }
        }
    }
    Ok(hidden.is_empty())
}
