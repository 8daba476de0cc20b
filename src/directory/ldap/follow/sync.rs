//! OpenLDAP as a synchronising client asks it (RFC 4533), once and not to stay: `refreshOnly`.
//!
//! Where the server remembers what was deleted (the session log of the overlay syncprov), it tells that. Where it does not,
//! it tells everyone who is still there instead, sixteen bytes each: then whoever is known and not among them is looked at.

use std::collections::BTreeSet;

use ldap3::Scope;
use ldap3::controls::{Control, MakeCritical as _, RawControl, RefreshMode, SyncRequest};

use super::{Hints, Untold};
use crate::directory::ldap::budget::Budget;
use crate::directory::ldap::decode::{self, Item, SyncInfo};
use crate::directory::ldap::search::Query;
use crate::directory::ldap::session::Session;
use crate::model::snapshot::Watermark;
use crate::model::{Anchor, Dn};
use crate::ports::ReadError;

/// Sync State and Sync Done (RFC 4533 2.3, 2.4).
const SYNC_STATE: &str = "1.3.6.1.4.1.4203.1.9.1.2";
const SYNC_DONE: &str = "1.3.6.1.4.1.4203.1.9.1.3";
/// `e-syncRefreshRequired` (RFC 4533 2.1); OpenLDAP refuses a cookie that it never gave by the other.
const REFRESH_REQUIRED: [u32; 2] = [4096, 53];

/// Entries that were changed after `last`, and which are gone or there.
pub(super) async fn changes(
    session: &Session,
    contexts: &BTreeSet<Dn>,
    (last, here): (&Watermark, &Watermark),
    hints: &mut Hints<'_>,
    budget: &Budget,
) -> Result<Result<(), Untold>, ReadError> {
    if !session.root.synchronises() {
        return Ok(Err("the server does not synchronise (overlay syncprov)".to_owned()));
    }
    let is_alone = |mark: &Watermark| mark.position.keys().all(|key| !key.contains(' '));
    for context in contexts {
        let (before, now) = (csns(last, context, is_alone(last)), csns(here, context, is_alone(here)));
        if before.is_empty() || now.is_empty() {
            return Ok(Err(format!("the server does not say where {:?} stands", context.as_str())));
        }
        if before == now {
            continue;
        }
        let cookie = format!("rid=000,csn={}", before.join(";")).into_bytes();
        if let Err(why) = refresh(session, context, cookie, hints, budget).await? {
            return Ok(Err(why));
        }
    }
    Ok(Ok(()))
}

/// The change sequence numbers of one context, by server.
fn csns<'a>(mark: &'a Watermark, context: &Dn, is_alone: bool) -> Vec<&'a str> {
    let is_of = |key: &str| match key.split_once(' ') {
        Some((_, suffix)) => suffix == context.key(),
        None => is_alone,
    };
    mark.position.iter().filter(|(key, _)| is_of(key)).map(|(_, csn)| csn.as_str()).collect()
}

async fn refresh(
    session: &Session,
    context: &Dn,
    cookie: Vec<u8>,
    hints: &mut Hints<'_>,
    budget: &Budget,
) -> Result<Result<(), Untold>, ReadError> {
    let doing = format!("Could not ask what changed in {:?}", context.as_str());
    let attributes = hints.attributes();
    let request = SyncRequest { mode: RefreshMode::RefreshOnly, cookie: Some(cookie), reload_hint: false };
    let query = Query {
        base: context.as_str(),
        scope: Scope::Subtree,
        filter: "(objectClass=*)",
        attributes: &attributes,
        controls: vec![RawControl::from(request.critical())],
    };
    let answer = session.connection.search_with_controls(&doing, &query, budget).await?;
    if REFRESH_REQUIRED.contains(&answer.result.rc) {
        return Ok(Err(format!("the server asks to be read anew (code {})", answer.result.rc)));
    }
    let misshapen = |error| session.connection.misshapen(&doing, error);
    let mut present: BTreeSet<Anchor> = BTreeSet::new();
    for (message, controls) in &answer.messages {
        match decode::item(message).map_err(misshapen)? {
            Item::Reference(_) => {}
            Item::Intermediate => match decode::sync_info(message).map_err(misshapen)? {
                SyncInfo::Ids { deleted: true, ids } => hints.people.extend(ids),
                SyncInfo::Ids { deleted: false, ids } => present.extend(ids),
                SyncInfo::Other => {}
            },
            Item::Entry(entry) => match state(controls).map_err(misshapen)? {
                Some((decode::DELETED, id)) => drop(hints.people.insert(id)),
                Some((decode::PRESENT, id)) => drop(present.insert(id)),
                Some((_, id)) => {
                    present.insert(id);
                    hints.note(&entry.to_owned());
                }
                None => return Ok(Err("an entry came without its state".to_owned())),
            },
        }
    }
    let result = session.connection.succeeded(&doing, answer.result)?;
    let Some(done) = value_of(&result.ctrls, SYNC_DONE) else {
        return Ok(Err("the answer ended without its control".to_owned()));
    };
    // Whoever is not named is gone then.
    if !decode::refreshes_by_deletions(done).map_err(misshapen)? {
        hints.present.get_or_insert_default().extend(present);
    }
    Ok(Ok(()))
}

fn state(controls: &[Control]) -> Result<Option<(i64, Anchor)>, decode::Misshapen> {
    value_of(controls, SYNC_STATE).map(decode::sync_state).transpose()
}

fn value_of<'a>(controls: &'a [Control], oid: &str) -> Option<&'a [u8]> {
    controls.iter().find(|control| control.1.ctype == oid).and_then(|control| control.1.val.as_deref())
}
