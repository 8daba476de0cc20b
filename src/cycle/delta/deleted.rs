//! Deletions that a server tells of (RFC 4533: the state "delete").
//!
//! OpenLDAP tells the same of an entry that changed and that the account may not see any more. A right that was lost is lost of
//! many, and the guard has to see all of them at once: so some of those who are known to be there are looked up, too. Where all
//! of them are found it was a deletion; else the entries are missing, and everything is read.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::cycle::reading::{self, DirectoryRead};
use crate::cycle::{CycleError, Parts};
use crate::model::Anchor;
use crate::model::snapshot::Whereabouts;
use crate::ports::ReadError;

/// Of a tenth of all people, all but one time in two hundred one is among so many.
const SOME: u32 = 50;

/// Who of those told to be `deleted` is.
pub(super) async fn believed(
    parts: &mut Parts<'_>,
    index: usize,
    read: &DirectoryRead,
    (deleted, changed): (BTreeSet<Anchor>, &BTreeSet<Anchor>),
    now: Timestamp,
) -> Result<Result<BTreeSet<Anchor>, ReadError>, CycleError> {
    if deleted.is_empty() {
        return Ok(Ok(deleted));
    }
    let some = parts.memory.some(&read.name, SOME)?;
    let others: Vec<Anchor> = some.into_iter().filter(|anchor| !changed.contains(anchor)).collect();
    let others = reading::with_places(parts.memory, &read.name, others)?;
    let found = tokio::select! {
        found = parts.directories[index].directory.look(&others, now) => found,
        () = reading::stopped(parts.stop.as_mut()) => return Err(CycleError::Stopped),
    };
    let is_seen = |found: &Whereabouts| !matches!(found, Whereabouts::Nowhere { .. });
    Ok(found.map(|found| if found.values().all(is_seen) { deleted } else { BTreeSet::new() }))
}
