//! Active Directory: each update of an entry raises its `uSNChanged` on the server that is asked (MS-ADTS 3.1.1.1.9).
//!
//! A change of membership raises that of the group alone, a renamed place that of the place alone, and a deletion leaves a
//! tombstone that an account without the right to list deleted objects never sees.

use ldap3::Scope;

use super::{Hints, Since, Untold};
use crate::directory::entry::{Entry as _, RawEntry};
use crate::directory::ldap::budget::Budget;
use crate::directory::ldap::family::COMMITTED;
use crate::directory::ldap::filter;
use crate::directory::ldap::locate::SHOW_DELETED;
use crate::directory::ldap::page::{Pager, paged};
use crate::directory::ldap::search::{Query, critical, nothing};
use crate::directory::ldap::session::Session;
use crate::model::Dn;
use crate::model::snapshot::Watermark;
use crate::ports::ReadError;

/// Under which people and groups may lie.
pub(super) const PLACES: [&str; 5] = ["organizationalUnit", "container", "organization", "country", "locality"];
/// The number of the update that made an entry.
pub(super) const CREATED: &str = "uSNCreated";
pub(in crate::directory::ldap) const BLIND: &str = "the account may not list deleted objects, or there are none yet";
const WATCHED: [&str; 2] = ["user", "group"];

/// Entries that were changed after `last`.
pub(super) async fn changes(
    session: &Session,
    since: &Since<'_>,
    hints: &mut Hints<'_>,
    budget: &Budget,
) -> Result<Result<(), Untold>, ReadError> {
    if since.here.server != since.last.server {
        return Ok(Err("another server answers than before".to_owned()));
    }
    let Some(before) = number(since.last) else {
        return Ok(Err("the last read noted no number of an update".to_owned()));
    };
    hints.since = Some(before);
    let attributes = hints.attributes();
    let later = format!("(uSNChanged>={})", before.saturating_add(1));
    let filter = filter::all([later.as_str(), watched().as_str()]);
    for context in since.contexts {
        if !sees_deleted(session, context, budget).await? {
            return Ok(Err(BLIND.to_owned()));
        }
        let doing = format!("Could not ask what changed in {:?}", context.as_str());
        let size = session.root.pages().then_some(1000);
        let pages = Pager::new(&session.connection, context.as_str(), &filter, &attributes, size);
        let mut pages = pages.doing(doing.clone()).with(critical(SHOW_DELETED));
        while let Some(page) = pages.next(budget).await? {
            for entry in session.connection.decoded(&doing, page)? {
                if entry.text("objectClass").is_some() {
                    hints.note(&entry);
                }
            }
        }
    }
    Ok(Ok(()))
}

/// Where the server stood, in its own count.
pub(super) fn number(mark: &Watermark) -> Option<u64> {
    mark.position.get(COMMITTED)?.parse().ok()
}

/// What could decide something: people, groups, and places for them.
pub(super) fn watched() -> String {
    let classes = WATCHED.iter().chain(&PLACES).map(|class| format!("(objectClass={class})"));
    filter::any(classes.collect::<Vec<_>>().iter().map(String::as_str))
}

/// When an entry was made, in the server's own count; None where it does not show it.
pub(super) fn created(entry: &RawEntry) -> Option<u64> {
    entry.text(CREATED)?.ok()?.parse().ok()
}

/// Where a domain keeps what was deleted (MS-ADTS 3.1.1.5.5).
pub(in crate::directory::ldap) fn deleted_objects(context: &Dn) -> String {
    format!("CN=Deleted Objects,{}", context.as_str())
}

/// Whether anything deleted can be seen. Anybody may read the container; what is in it, only who was granted it. Where there is
/// nothing yet, that is not known.
pub(in crate::directory::ldap) async fn sees_deleted(
    session: &Session,
    context: &Dn,
    budget: &Budget,
) -> Result<bool, ReadError> {
    let container = deleted_objects(context);
    let query = Query {
        base: &container,
        scope: Scope::OneLevel,
        filter: "(isDeleted=TRUE)",
        attributes: &nothing(),
        controls: vec![critical(SHOW_DELETED), paged(1, &[])],
    };
    let doing = "Could not find out whether deleted objects can be listed";
    let found = session.connection.entries_if_there(doing, &query, budget).await?;
    Ok(found.is_some_and(|found| !found.is_empty()))
}
