//! OpenLDAP as a synchronising client asks it (RFC 4533), once and not to stay: `refreshOnly`.
//!
//! Where the server remembers what was deleted (the session log of the overlay syncprov), it tells that. Where it does not, it
//! tells everyone who is still there instead: its memory ends before the last cycle, and nobody knows what else it forgot. Then
//! everything is read.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use ldap3::Scope;
use ldap3::controls::{Control, MakeCritical as _, RawControl, RefreshMode, SyncRequest};

use super::{Hints, Untold};
use crate::directory::entry::Entry as _;
use crate::directory::ldap::budget::Budget;
use crate::directory::ldap::decode::{self, Item, SyncInfo};
use crate::directory::ldap::position;
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

/// Clocks may differ by this much.
const AHEAD: SignedDuration = SignedDuration::from_mins(1);

/// Entries that were changed after `last`, and which are gone or there.
pub(super) async fn changes(
    session: &Session,
    (contexts, bases): (&BTreeSet<Dn>, &[Dn]),
    (last, here): (&Watermark, &Watermark),
    now: Timestamp,
    hints: &mut Hints<'_>,
    budget: &Budget,
) -> Result<Result<(), Untold>, ReadError> {
    if !session.root.synchronises() {
        return Ok(Err("the server does not synchronise (overlay syncprov)".to_owned()));
    }
    // What a watermark notes is of the bases' databases.
    let all: BTreeSet<&Dn> =
        contexts.iter().chain(bases.iter().filter_map(|base| session.root.context_of(base))).collect();
    let mut all = all.into_iter();
    let (Some(context), None) = (all.next(), all.next()) else {
        return Ok(Err("bases and groups lie in several databases".to_owned()));
    };
    if session.root.has_below(context) {
        return Ok(Err(format!("another database lies under {:?}", context.as_str())));
    }
    if !shows_change_numbers(session, context, budget).await? {
        return Ok(Err("the account may not read entryCSN, by which the server tells what changed".to_owned()));
    }
    if position::csns(here).any(|(_, csn)| is_ahead(csn, now)) {
        return Ok(Err("the server's last change lies ahead of the clock".to_owned()));
    }
    let before: Vec<&str> = position::csns(last).map(|(_, csn)| csn).collect();
    if before.is_empty() {
        return Ok(Err("the server does not say where it stands".to_owned()));
    }
    let cookie = format!("rid=000,csn={}", before.join(";")).into_bytes();
    refresh(session, context, cookie, hints, budget).await
}

/// Whether the account sees when entries were changed: the server leaves out whatever it does not.
async fn shows_change_numbers(session: &Session, context: &Dn, budget: &Budget) -> Result<bool, ReadError> {
    let doing = "Could not find out whether changes are told";
    let entry = session.connection.entry(doing, context.as_str(), &["entryCSN".to_owned()], budget).await?;
    Ok(entry.is_some_and(|entry| entry.has("entryCSN")))
}

/// A number made by a clock that was wrong: until its time has come the server gives no higher one.
fn is_ahead(csn: &str, now: Timestamp) -> bool {
    let latest = now.saturating_add(AHEAD).unwrap_or(now).strftime("%Y%m%d%H%M%S").to_string();
    csn.get(..latest.len()).is_none_or(|time| time > latest.as_str())
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
    for (message, controls) in &answer.messages {
        match decode::item(message).map_err(misshapen)? {
            Item::Reference(_) => {}
            Item::Intermediate => match decode::sync_info(message).map_err(misshapen)? {
                SyncInfo::Ids { deleted: true, ids } => ids.into_iter().for_each(|id| hints.note_gone(id)),
                SyncInfo::Ids { deleted: false, .. } | SyncInfo::Other => {}
            },
            Item::Entry(entry) => match state(controls).map_err(misshapen)? {
                Some((decode::DELETED, id)) => hints.note_gone(id),
                Some((decode::PRESENT, _)) => {}
                Some(_) => hints.note(&entry.to_owned()),
                None => return Ok(Err("an entry came without its state".to_owned())),
            },
        }
    }
    let result = session.connection.succeeded(&doing, answer.result)?;
    let Some(done) = value_of(&result.ctrls, SYNC_DONE) else {
        return Ok(Err("the answer ended without its control".to_owned()));
    };
    if !decode::refreshes_by_deletions(done).map_err(misshapen)? {
        return Ok(Err("the server's log of changes does not reach back (syncprov-sessionlog)".to_owned()));
    }
    Ok(Ok(()))
}

fn state(controls: &[Control]) -> Result<Option<(i64, Anchor)>, decode::Misshapen> {
    value_of(controls, SYNC_STATE).map(decode::sync_state).transpose()
}

fn value_of<'a>(controls: &'a [Control], oid: &str) -> Option<&'a [u8]> {
    controls.iter().find(|control| control.1.ctype == oid).and_then(|control| control.1.val.as_deref())
}
