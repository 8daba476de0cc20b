//! Any server but Active Directory: each change of an entry sets its `modifyTimestamp` (RFC 4512 3.4.4), a change of membership
//! that of the group, a renamed place that of the place alone.
//!
//! Who was deleted leaves nothing behind: the next full cycle misses them. Where the server keeps no index of the times it looks
//! through everything, and sends what changed.

use std::collections::BTreeSet;

use super::{Hints, Since, Untold};
use crate::directory::generalized_time;
use crate::directory::identity::own_anchor;
use crate::directory::ldap::budget::Budget;
use crate::directory::ldap::filter;
use crate::directory::ldap::locate::TOGETHER;
use crate::directory::ldap::page::Pager;
use crate::directory::ldap::position::TIMES;
use crate::directory::ldap::session::Session;
use crate::model::{Anchor, Dn};
use crate::ports::ReadError;

/// Entries that were changed after the time of the last read.
pub(super) async fn changes(
    session: &Session,
    since: &Since<'_>,
    hints: &mut Hints<'_>,
    budget: &Budget,
) -> Result<Result<(), Untold>, ReadError> {
    let from = since.last.position.get(TIMES).filter(|time| generalized_time::parse(time.as_bytes()).is_some());
    let Some(from) = from else { return Ok(Err("the last read noted no time".to_owned())) };
    let scope: Vec<Anchor> = hints.scope.iter().copied().collect();
    for some in scope.chunks(TOGETHER) {
        if !shows_times(session, since.contexts, some, budget).await? {
            return Ok(Err(format!("the account may not read {TIMES}, by which the server tells what changed")));
        }
    }
    let attributes = hints.attributes();
    let filter = format!("({TIMES}>={from})");
    let size = session.root.pages().then_some(1000);
    for context in since.contexts {
        let doing = format!("Could not ask what changed in {:?}", context.as_str());
        let pages = Pager::new(&session.connection, context.as_str(), &filter, &attributes, size);
        let mut pages = pages.doing(doing.clone());
        while let Some(page) = pages.next(budget).await? {
            session.connection.decoded(&doing, page)?.iter().for_each(|entry| hints.note(entry));
        }
    }
    Ok(Ok(()))
}

/// Whether the account finds all of these by their times: an entry whose time it may not see would never change.
async fn shows_times(
    session: &Session,
    contexts: &BTreeSet<Dn>,
    anchors: &[Anchor],
    budget: &Budget,
) -> Result<bool, ReadError> {
    let these: Vec<String> = anchors.iter().map(|anchor| session.has_anchor(*anchor)).collect();
    let these = filter::any(these.iter().map(String::as_str));
    let filter = filter::all([format!("({TIMES}>=19700101000000Z)").as_str(), these.as_str()]);
    let attributes = [session.anchor_attribute().to_owned()];
    let mut hidden: BTreeSet<Anchor> = anchors.iter().copied().collect();
    let doing = "Could not find out whether changes are told";
    for context in contexts {
        let query = super::subtree(context, &filter, &attributes);
        for entry in session.connection.entries(doing, &query, budget).await? {
            if let Ok(anchor) = own_anchor(session.kind, &entry, context) {
                hidden.remove(&anchor);
            }
        }
    }
    Ok(hidden.is_empty())
}
