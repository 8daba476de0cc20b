//! The searches that do not end, and what comes of them.
//!
//! | server | how | what is not told |
//! |---|---|---|
//! | Active Directory, Samba (see `late`) | change notification (MS-ADTS 3.1.1.3.4.1.9) on each naming context | deletions, to whom may not list deleted objects |
//! | OpenLDAP with the overlay syncprov | content synchronisation, `refreshAndPersist` (RFC 4533) of each database | |
//! | 389 DS with content synchronisation and a retro changelog | the same | |
//!
//! The synchronisation begins where the server stands, so that nobody is sent who did not change.

use std::collections::BTreeSet;

use futures_util::stream::{self, BoxStream, SelectAll, StreamExt as _, select_all};
use ldap3::controls::{MakeCritical as _, RawControl, RefreshMode, SyncRequest};
use ldap3::{LdapError, LdapResult, ResultEntry, Scope};
use thiserror::Error;

use super::{DOING, End};
use crate::directory::entry::Entry as _;
use crate::directory::ldap::budget::Budget;
use crate::directory::ldap::connect::Connection;
use crate::directory::ldap::decode::{self, Item, SyncInfo};
use crate::directory::ldap::follow::{ds389, sync};
use crate::directory::ldap::locate::SHOW_DELETED;
use crate::directory::ldap::position;
use crate::directory::ldap::search::{Query, critical, nothing};
use crate::directory::ldap::session::Session;
use crate::model::Dn;
use crate::model::settings::DirectorySettings;
use crate::model::snapshot::{Kind, ScopeKey};
use crate::ports::{Persistence, ReadError};

/// Change notification (MS-ADTS 3.1.1.3.4.1.9). It takes this filter alone, and at most five searches a connection.
const NOTIFICATION: &str = "1.2.840.113556.1.4.528";
const EVERYTHING: &str = "(objectClass=*)";
const SEARCHES: usize = 5;
/// Entries of Active Directory that change by themselves all the time, and are nobody.
const NOBODY: [&str; 2] = ["computer", "dnsNode"];

/// Why a server cannot push.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(in crate::directory::ldap) enum Unable {
    #[error("it does not name the databases of the bases")]
    NoDatabase,
    #[error("it has no change notification")]
    NoNotification,
    #[error("it does not synchronise (overlay syncprov; in 389 DS the plugin for content synchronisation)")]
    NoSynchronisation,
    #[error("it does not say where it stands (contextCSN; in 389 DS a retro changelog)")]
    NoStanding,
    #[error("it ended the search (result code {0}, {1:?})")]
    Ended(u32, String),
    #[error("it ended every search")]
    EndedAll,
}

/// What came of one of the searches.
pub(super) enum Said {
    Message(ResultEntry),
    End(LdapResult),
    Error(LdapError),
}

/// What all of them say, as it comes.
pub(super) type Told = SelectAll<BoxStream<'static, Said>>;

/// Begins a search on each database that holds a base or group of the config.
pub(super) async fn begin(
    session: &Session,
    settings: &DirectorySettings,
    keys: &[ScopeKey],
    budget: &Budget,
) -> Result<Told, End> {
    let contexts = contexts(session, settings, keys);
    if contexts.is_empty() {
        return Err(End::Unable(Unable::NoDatabase));
    }
    let is_active_directory = session.kind == Kind::ActiveDirectory;
    let attributes = if is_active_directory { vec!["objectClass".to_owned()] } else { nothing() };
    let mut searches = Vec::new();
    for context in &contexts {
        let controls =
            if is_active_directory { notification(session) } else { persist(session, context, budget).await };
        let (base, scope, filter) = (context.as_str(), Scope::Subtree, EVERYTHING);
        let query = Query { base, scope, filter, attributes: &attributes, controls: controls? };
        searches.push(endless(&session.connection, &query, budget).await?);
    }
    Ok(select_all(searches))
}

/// The databases that hold a base or group of the config.
pub(super) fn contexts(session: &Session, settings: &DirectorySettings, keys: &[ScopeKey]) -> Vec<Dn> {
    let places = settings.bases.iter().chain(keys.iter().map(|key| &key.dn)).filter_map(|dn| Dn::parse(dn).ok());
    let contexts: BTreeSet<Dn> = places.filter_map(|dn| session.root.context_of(&dn).cloned()).collect();
    contexts.into_iter().take(SEARCHES).collect()
}

/// Deleted objects are entries, too: without the second control Samba 4.17 tells nothing of a deletion.
fn notification(session: &Session) -> Result<Vec<RawControl>, End> {
    if session.root.offers(NOTIFICATION) {
        let deleted = RawControl { crit: false, ..critical(SHOW_DELETED) };
        return Ok(vec![critical(NOTIFICATION), deleted]);
    }
    Err(End::Unable(Unable::NoNotification))
}

/// Asks for what changes from now on: the cookie is that of a client who has everything.
async fn persist(session: &Session, context: &Dn, budget: &Budget) -> Result<Vec<RawControl>, End> {
    if !session.root.synchronises() {
        return Err(End::Unable(Unable::NoSynchronisation));
    }
    let cookie = match session.kind {
        Kind::Ds389 => ds389::cookie(session, context, budget).await?,
        _ => of_numbers(session, context, budget).await?,
    };
    let Some(cookie) = cookie else {
        return Err(End::Unable(Unable::NoStanding));
    };
    let cookie = Some(cookie.into_bytes());
    let request = SyncRequest { mode: RefreshMode::RefreshAndPersist, cookie, reload_hint: false };
    Ok(vec![RawControl::from(request.critical())])
}

/// A cookie of OpenLDAP's, of where it stands now.
async fn of_numbers(session: &Session, context: &Dn, budget: &Budget) -> Result<Option<String>, ReadError> {
    let here = std::slice::from_ref(context);
    let mark = position::standing(session, &session.root, here, budget).await?;
    Ok(mark.as_ref().map(sync::cookie))
}

/// Without a timeout of the library: that would count the silence between two changes.
async fn endless(
    connection: &Connection,
    query: &Query<'_>,
    budget: &Budget,
) -> Result<BoxStream<'static, Said>, ReadError> {
    let mut ldap = connection.ldap.clone();
    ldap.with_controls(query.controls.clone());
    let begun = ldap.streaming_search(query.base, query.scope, query.filter, query.attributes.to_vec());
    let search = match budget.watch(begun).await {
        Ok(Ok(search)) => search,
        Ok(Err(error)) => return Err(connection.error(DOING, error).await),
        Err(overrun) => return Err(connection.overran(DOING, overrun)),
    };
    // ldap3 panics where more is asked of a search that ended.
    Ok(stream::unfold(Some(search), |search| async {
        let mut search = search?;
        Some(match search.next().await {
            Ok(Some(message)) => (Said::Message(message), Some(search)),
            Ok(None) => (Said::End(search.finish().await), None),
            Err(error) => (Said::Error(error), None),
        })
    })
    .boxed())
}

/// Why a search ended that was to have no end.
///
/// # Errors
/// Where it may go on another time.
pub(super) fn unable(connection: &Connection, result: LdapResult) -> Result<Unable, ReadError> {
    let (rc, text) = (result.rc, result.text.clone());
    match connection.succeeded(DOING, result) {
        // 53, unwilling to perform: a filter or an account that it does not do this for.
        Err(error) if rc != 53 && error.persistence != Persistence::Permanent => Err(error),
        _ => Ok(Unable::Ended(rc, text)),
    }
}

/// Whether a message tells of a change.
pub(super) fn is_change(kind: Kind, message: &ResultEntry) -> bool {
    match decode::item(&message.0) {
        Ok(Item::Entry(entry)) if kind == Kind::ActiveDirectory => {
            !NOBODY.iter().any(|class| entry.says("objectClass", class))
        }
        Ok(Item::Entry(_)) => !is_merely_present(message),
        Ok(Item::Intermediate) => {
            matches!(decode::sync_info(&message.0), Ok(SyncInfo::Ids { deleted: true, ids }) if !ids.is_empty())
        }
        Ok(Item::Reference(_)) => false,
        // A cycle will see.
        Err(_) => true,
    }
}

/// An entry of which the server says no more than that it is there.
fn is_merely_present(message: &ResultEntry) -> bool {
    matches!(sync::state(&message.1), Ok(Some((decode::PRESENT, _))))
}
