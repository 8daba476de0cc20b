//! Any server but Active Directory: each change of an entry sets its `modifyTimestamp` (RFC 4512 3.4.4), a change of membership
//! that of the group, a renamed place that of the place alone.
//!
//! Who was deleted leaves nothing behind: the next full cycle misses them. Where the server keeps no index of the times it looks
//! through everything, and sends what changed.

use super::{Hints, Since, Untold, stamp};
use crate::directory::ldap::budget::Budget;
use crate::directory::ldap::page::Pager;
use crate::directory::ldap::position::{self, TIMES};
use crate::directory::ldap::session::Session;
use crate::ports::ReadError;

/// Entries that were changed after the time of the last read.
pub(super) async fn changes(
    session: &Session,
    since: &Since<'_>,
    hints: &mut Hints<'_>,
    budget: &Budget,
) -> Result<Result<(), Untold>, ReadError> {
    let Some(from) = position::changed_since(since.last) else {
        return Ok(Err("the last read noted no time".to_owned()));
    };
    let read = (since.last, since.contexts);
    if let Some(why) = stamp::hidden(session, read, TIMES, &hints.scope, budget).await? {
        return Ok(Err(why));
    }
    let mut attributes = hints.attributes();
    attributes.push(TIMES.to_owned());
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
