//! Bases and groups as they were found, from one cycle to the next.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::reading::DirectoryRead;
use crate::model::Name;
use crate::model::change::Confirmation;
use crate::model::snapshot::{Found, Pin, ScopeKey, Snapshot};

/// The pins, with those replaced or dropped that a person confirmed.
#[must_use]
pub fn confirmed_pins(
    mut pins: BTreeMap<ScopeKey, Pin>,
    directory: &Name,
    confirmations: &[Confirmation],
    now: Timestamp,
) -> BTreeMap<ScopeKey, Pin> {
    let live = confirmations.iter().filter(|confirmation| confirmation.expires > now);
    for change in live.flat_map(|confirmation| &confirmation.changes).filter(|change| change.change == "scope") {
        for pin in pins.values_mut().filter(|pin| pin.anchor == Some(change.person.anchor)) {
            if change.person.directory == *directory {
                pin.anchor = change.value.parse().ok();
                pin.dn = pin.key.dn.to_string();
            }
        }
    }
    pins
}

/// The pins that hold after this read.
#[must_use]
pub fn pins_after(read: &DirectoryRead, snapshot: &Snapshot) -> Vec<Pin> {
    let pin = |(key, found): (&ScopeKey, &Found)| {
        let before = || read.pins.get(key).cloned();
        match found {
            Found::Here { anchor, dn } => Some(Pin { key: key.clone(), anchor: Some(*anchor), dn: dn.to_string() }),
            Found::Replaced { .. } | Found::Nowhere | Found::DoneWithout => before(),
        }
    };
    snapshot.scope.iter().filter_map(pin).collect()
}
