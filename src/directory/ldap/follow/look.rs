//! What entries are now of which nothing is known but that they changed: read by their ids.

use std::collections::BTreeSet;

use super::{Hints, MOST, Untold, subtree};
use crate::directory::identity::own_anchor;
use crate::directory::ldap::budget::Budget;
use crate::directory::ldap::filter;
use crate::directory::ldap::locate::{SHOW_DELETED, TOGETHER};
use crate::directory::ldap::search::critical;
use crate::directory::ldap::session::Session;
use crate::model::snapshot::Kind;
use crate::model::{Anchor, Dn};
use crate::ports::ReadError;

/// What changed, by its ids.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) ids: BTreeSet<Anchor>,
    /// Those of them that were perhaps moved or renamed, with whatever lies there, and are not told to be deleted.
    pub(super) moved: BTreeSet<Anchor>,
    /// Those of them that are told to be.
    pub(super) deleted: BTreeSet<Anchor>,
}

/// Takes in what these entries are; of one that is not found, that it is gone. One that may have been moved and cannot be seen may
/// be a place with people in it.
pub(super) async fn look(
    session: &Session,
    context: &Dn,
    told: Told,
    hints: &mut Hints<'_>,
    budget: &Budget,
) -> Result<Result<(), Untold>, ReadError> {
    let Told { mut ids, moved, deleted } = told;
    if ids.len() > MOST {
        return Ok(Err(format!("{} entries changed", ids.len())));
    }
    let doing = format!("Could not look at what changed in {:?}", context.as_str());
    let attributes = hints.attributes();
    for some in ids.iter().copied().collect::<Vec<_>>().chunks(TOGETHER) {
        let filters: Vec<String> = some.iter().map(|id| session.has_anchor(*id)).collect();
        let filter = filter::any(filters.iter().map(String::as_str));
        let mut query = subtree(context, &filter, &attributes);
        if session.kind == Kind::ActiveDirectory {
            query.controls.push(critical(SHOW_DELETED));
        }
        for entry in session.connection.entries(&doing, &query, budget).await? {
            if let Ok(anchor) = own_anchor(session.kind, &entry, context) {
                ids.remove(&anchor);
            }
            hints.note(&entry);
        }
    }
    if ids.iter().any(|id| moved.contains(id)) {
        return Ok(Err("something changed that the account cannot see".to_owned()));
    }
    for id in ids {
        if deleted.contains(&id) { hints.note_deleted(id) } else { hints.note_gone(id) }
    }
    Ok(Ok(()))
}
