//! Entries of an LDIF file that lost their id since the last read, or got one: what is known of a person by the id is then
//! known of nobody in the file, and the entry is a stranger's, made known by its DN or by the new id.
//!
//! | at the DN of a person with an account who is not in the file | then |
//! |---|---|
//! | an entry without an id | it may be the person: quarantined |
//! | an entry with an id, where the person was known by the DN alone | the same |
//! | an entry with another id | somebody else |
//!
//! The person keeps seat and place meanwhile: the directory says of such an absence that it proves nothing.

use std::collections::HashMap;

use crate::model::snapshot::{Kind, Snapshot};
use crate::model::user::{Defect, Quarantine};
use crate::model::{Account, Anchor, Dn, Sighting};
use crate::ports::{Memory, StateError};

/// Quarantines the entries of whom nobody can say who they are. `accounts` are those of the directory; people and accounts
/// come in the order of their anchors.
///
/// # Errors
/// Where the state cannot be read.
pub fn quarantine_changed(
    memory: &dyn Memory,
    accounts: &[Account],
    snapshot: &mut Snapshot,
) -> Result<(), StateError> {
    if snapshot.kind != Kind::Ldif {
        return Ok(());
    }
    let is_here = |anchor: &Anchor| snapshot.people.binary_search_by(|person| person.anchor.cmp(anchor)).is_ok();
    let active = accounts.iter().filter(|account| account.suspension.is_none());
    let owners = active.filter_map(|account| Some(account.owner.as_ref()?.anchor));
    let missing: Vec<Anchor> = owners.filter(|owner| !is_here(owner)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let places = memory.dns(&snapshot.directory, &missing)?;
    let were_at: HashMap<Dn, Anchor> =
        places.into_iter().filter_map(|(anchor, dn)| Some((Dn::parse(&dn).ok()?, anchor))).collect();
    let has_account = |anchor: Anchor| {
        accounts.binary_search_by_key(&Some(anchor), |account| Some(account.owner.as_ref()?.anchor)).is_ok()
    };
    for person in &mut snapshot.people {
        if let Some(known) = were_at.get(&person.dn).filter(|_| !has_account(person.anchor)) {
            person.quarantine = changed(person, *known).or(person.quarantine.take());
        }
    }
    Ok(())
}

fn changed(person: &Sighting, known: Anchor) -> Option<Quarantine> {
    let Sighting { dn, anchor, .. } = person;
    let by_dn = Anchor::of_dn(dn);
    let relink = format!("if it is the same person: `seatsync relink {known} {anchor}`");
    let (reason, message) = if *anchor == by_dn {
        let export = "export the entry with its id again (entryUUID, objectGUID or nsUniqueId)";
        let message = format!("{dn} had the id {known} before, and shows none in the file: {export}; or, {relink}");
        (Defect::Missing, message)
    } else if known == by_dn {
        let message = format!(
            "{dn} was known by its DN alone, as {known}, and shows the id {anchor} now, so nobody can tell whether it is the same \
             person: {relink}"
        );
        (Defect::Conflict, message)
    } else {
        return None;
    };
    Some(Quarantine { attribute: "entryUUID".to_owned(), reason, message })
}
