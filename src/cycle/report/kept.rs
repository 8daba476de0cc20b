//! What stays held back although a cycle did not come to it: its directory could not be read.

use std::collections::BTreeSet;

use super::to_json;
use crate::cycle::reading::Readings;
use crate::model::Name;
use crate::model::memory::Held;
use crate::model::report::HeldRow;
use crate::plan::fingerprint::fingerprint;

/// Directories that nobody could read.
#[must_use]
pub fn unread(readings: &Readings) -> BTreeSet<&Name> {
    readings.0.iter().filter(|read| read.snapshot.is_none()).map(|read| &read.name).collect()
}

/// What is held back now, with what was before in directories that are `unread`: "failed to read" is not "mended".
#[must_use]
pub fn held_still(unread: &BTreeSet<&Name>, now: Option<Held>, before: Option<Held>) -> Option<Held> {
    let Some(mut before) = before else { return now };
    before.changes.retain(|change| unread.contains(&change.person.directory));
    if before.changes.is_empty() {
        return now;
    }
    let mut rows = rows(&before);
    rows.retain(|row| unread.contains(&row.directory));
    if let Some(now) = now {
        rows.extend(self::rows(&now));
        before.changes.extend(now.changes);
    }
    rows.sort_by(|one, other| one.directory.cmp(&other.directory));
    let fingerprint = fingerprint(&before.changes)?;
    Some(Held { fingerprint, changes: before.changes, report: to_json(&Some(rows)) })
}

fn rows(held: &Held) -> Vec<HeldRow> {
    serde_json::from_str::<Option<Vec<HeldRow>>>(&held.report).ok().flatten().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::change::HeldChange;
    use crate::model::report::HeldKind;
    use crate::model::{Anchor, PersonId};

    fn held(directories: &[&str]) -> Held {
        let person = |directory: &str| PersonId::new(directory.into(), Anchor::from_bytes([7; 16]));
        let changes: BTreeSet<HeldChange> =
            directories.iter().map(|name| HeldChange::suspending(&person(name))).collect();
        let row = |name: &&str| HeldRow {
            directory: (*name).into(),
            kind: HeldKind::Leaving,
            count: 3,
            recent: 0,
            of: 9,
            limit: 1,
            old: None,
            new: None,
            dn: None,
        };
        let rows: Vec<HeldRow> = directories.iter().map(row).collect();
        Held { fingerprint: fingerprint(&changes).unwrap(), changes, report: to_json(&Some(rows)) }
    }

    #[test]
    fn what_was_held_back_stays_so_while_its_directory_cannot_be_read_and_no_longer() {
        let (corp, lab) = (Name::from("corp"), Name::from("lab"));
        let before = || Some(held(&["corp", "lab"]));
        assert_eq!(held_still(&BTreeSet::new(), None, before()), None, "all was read");
        assert_eq!(held_still(&BTreeSet::from([&corp, &lab]), None, before()), before());
        assert_eq!(held_still(&BTreeSet::from([&lab]), None, before()), Some(held(&["lab"])));
        assert_eq!(held_still(&BTreeSet::from([&lab]), Some(held(&["corp"])), Some(held(&["lab"]))), before());
        assert_eq!(held_still(&BTreeSet::from([&corp]), None, None), None);
    }
}
