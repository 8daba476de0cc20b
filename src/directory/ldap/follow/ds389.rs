//! 389 Directory Server: its retro changelog numbers the changes of all its databases, and the plugin for content
//! synchronisation (RFC 4533) tells by it whose entries changed.
//!
//! | the server | then |
//! |---|---|
//! | has both | ids of whoever changed or is gone; what they are is read of the entries: the plugin leaves out what is operational |
//! | has no plugin, or gives nothing to go on from | the same by the changelog itself, where it can be read (`changelog`) |
//! | counts changes and tells of none: the changelog does not say which entries it means | by the times of the entries (`times`) |
//! | has no changelog, or none that can be read | the same |
//! | has forgotten what followed the last read, or tells less of it than it did when that was made | everything is read |
//! | was started anew: its plugins may have been off meanwhile, which leaves no gap in the numbers | the same |
//!
//! A role or class of service that changes may lock people whose own entries stay as they are: whether it did is told by
//! the digest of all of them that a watermark notes (`position`).

use std::collections::BTreeSet;

use ldap3::Scope;

use super::sync::{self, Refreshed};
use super::{Hints, Since, Untold, changelog, look, times};
use crate::directory::ldap::budget::Budget;
use crate::directory::ldap::family::{DATA_VERSION, LAST_CHANGE};
use crate::directory::ldap::position::{LOG, ROLES};
use crate::directory::ldap::search::nothing;
use crate::directory::ldap::session::Session;
use crate::model::Dn;
use crate::model::snapshot::Watermark;
use crate::ports::ReadError;

/// Entries that were changed after the last read, and which are gone.
pub(super) async fn changes(
    session: &Session,
    since: &Since<'_>,
    hints: &mut Hints<'_>,
    budget: &Budget,
) -> Result<Result<(), Untold>, ReadError> {
    for (place, what) in [
        (ROLES, "a role or a class of service changed"),
        (DATA_VERSION, "the server was started anew: it may have kept no log of changes meanwhile"),
    ] {
        if since.last.position.get(place) != since.here.position.get(place) {
            return Ok(Err(what.to_owned()));
        }
    }
    let (context, before) = match numbered(session, since) {
        Ok(Some(found)) => found,
        Ok(None) => return times::changes(session, since, hints, budget).await,
        Err(why) => return Ok(Err(why)),
    };
    let stem = if session.root.synchronises() { stem(session, context, budget).await? } else { None };
    let Some(stem) = stem else {
        let Some(latest) = number(since.here) else { return times::changes(session, since, hints, budget).await };
        return match changelog::told(session, context, (before, latest), budget).await? {
            Some(told) => look::look(session, context, told, hints, budget).await,
            None if had_log(since.last) => {
                Ok(Err("the log of changes does not tell of all of them any more".to_owned()))
            }
            None => times::changes(session, since, hints, budget).await,
        };
    };
    let cookie = format!("{stem}#{before}").into_bytes();
    let told = match sync::refresh(session, context, (Scope::Subtree, Some(cookie)), &nothing(), budget).await? {
        Ok(told) => told,
        Err(why) => return Ok(Err(why)),
    };
    let Refreshed { entries, gone, .. } = told;
    if entries.is_empty() && gone.is_empty() && number(since.here) != Some(before) {
        if had_log(since.last) {
            return Ok(Err("the log of changes does not say any more whose entries changed".to_owned()));
        }
        // Without `nsslapd-attribute: nsuniqueid:targetUniqueId` 389 DS 2.3 answers so, whatever changed.
        return times::changes(session, since, hints, budget).await;
    }
    let mut moved: BTreeSet<_> = entries.into_iter().map(|(id, _)| id).collect();
    let ids = moved.iter().copied().chain(gone.iter().copied()).collect();
    moved.retain(|id| !gone.contains(id));
    look::look(session, context, look::Told { ids, moved, ..look::Told::default() }, hints, budget).await
}

/// Where the server can go on: the one database, and the last change that was read. None: it is told otherwise.
fn numbered<'a>(session: &Session, since: &Since<'a>) -> Result<Option<(&'a Dn, u64)>, Untold> {
    let Some(before) = number(since.last) else { return Ok(None) };
    let Some(context) = since.only_context() else { return Ok(None) };
    if session.root.has_below(context) || number(since.here).is_none() {
        return Ok(None);
    }
    match session.root.first_change {
        Some(first) if first > before.saturating_add(1) => {
            Err("the server's log of changes does not reach back (nsslapd-changelogmaxage)".to_owned())
        }
        _ => Ok(Some((context, before))),
    }
}

/// The account could read the log of changes, and by ids whose they were, when the last read began.
fn had_log(last: &Watermark) -> bool {
    last.position.contains_key(LOG)
}

fn number(mark: &Watermark) -> Option<u64> {
    mark.position.get(LAST_CHANGE)?.parse().ok()
}

/// The cookie of a client who has everything; None where the server numbers no changes, or gives no cookie.
pub(in crate::directory::ldap) async fn cookie(
    session: &Session,
    context: &Dn,
    budget: &Budget,
) -> Result<Option<String>, ReadError> {
    let Some(latest) = &session.root.last_change else { return Ok(None) };
    Ok(stem(session, context, budget).await?.map(|stem| format!("{stem}#{latest}")))
}

/// What the server has a cookie of ours begin with: itself, whom we bind as, and what we ask for. It says so with one entry.
async fn stem(session: &Session, context: &Dn, budget: &Budget) -> Result<Option<String>, ReadError> {
    let first = sync::refresh(session, context, (Scope::Base, None), &nothing(), budget).await?;
    let cookie = first.ok().and_then(|first| String::from_utf8(first.cookie?).ok());
    let stem = cookie.as_deref().and_then(|cookie| {
        let (stem, number) = cookie.rsplit_once('#')?;
        (stem.contains('#') && number.parse::<u64>().is_ok()).then(|| stem.to_owned())
    });
    Ok(stem)
}
