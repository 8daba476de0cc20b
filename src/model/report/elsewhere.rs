//! What people and others did between two cycles: no cycle's work, told once by the next.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::model::{Anchor, Name};

/// What happened to somebody. Of one seat one thing is told, its outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// Who waited got the seat.
    Promoted,
    /// Who did not wait got a seat.
    Granted,
    /// One seat came for another.
    Moved,
    /// A seat was taken away or given back.
    Released,
    /// Approved, and waits all the same.
    Approved,
    Denied,
    Suspended,
    Resumed,
    /// The account is no more.
    Removed,
}

impl Deed {
    /// As the JSON spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Promoted => "promoted",
            Self::Granted => "granted",
            Self::Moved => "moved",
            Self::Released => "released",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Suspended => "suspended",
            Self::Resumed => "resumed",
            Self::Removed => "removed",
        }
    }
}

/// One thing that happened to one person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ElsewhereRow {
    pub anchor: Option<Anchor>,
    pub user_name: String,
    pub display_name: Option<String>,
    pub email: String,
    pub change: Deed,
    pub pool: Option<Name>,
    /// Whose seat was given up for it.
    pub from_pool: Option<Name>,
}

/// People, each once a deed; deeds of nobody are left out.
#[must_use]
pub fn people_by_deed(rows: &[ElsewhereRow]) -> BTreeMap<Deed, u64> {
    let mut people: BTreeMap<Deed, BTreeSet<(&Option<Anchor>, &str)>> = BTreeMap::new();
    for row in rows {
        people.entry(row.change).or_default().insert((&row.anchor, &row.user_name));
    }
    people.into_iter().map(|(deed, people)| (deed, people.len() as u64)).collect()
}
