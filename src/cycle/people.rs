//! People as earlier cycles knew them, and those of whom this one cannot tell what became of them.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;

use crate::desired;
use crate::model::memory::{Absence, Known};
use crate::model::settings::Settings;
use crate::model::snapshot::{Dangling, FormerName, FormerNames, Kind, ListedAs, Partial, Snapshot, Whereabouts};
use crate::model::text::some_of;
use crate::model::{Account, Anchor, Dn, Profile, folded};
use crate::plan::diff;
use crate::ports::{Memory, StateError};

/// People of one directory as the mirror knew them, by anchor.
#[derive(Debug, Default)]
pub struct KnownPeople {
    pub people: Vec<Known>,
    /// Those whom groups listed by a user id that this read did not show, and by which, where that is known.
    pub unplaced: BTreeMap<Anchor, Option<String>>,
    /// The names by which groups list people who are elsewhere now.
    pub former: FormerNames,
}

impl KnownPeople {
    /// People in the order of their anchors.
    #[must_use]
    pub const fn of(people: Vec<Known>) -> Self {
        Self { people, unplaced: BTreeMap::new(), former: FormerNames::new() }
    }

    /// What is known of one person.
    #[must_use]
    pub fn get(&self, anchor: &Anchor) -> Option<&Known> {
        self.people.binary_search_by(|known| known.anchor.cmp(anchor)).ok().map(|index| &self.people[index])
    }
}

impl desired::Known for KnownPeople {
    fn first_seen(&self, anchor: &Anchor) -> Option<Timestamp> {
        self.get(anchor).map(|known| known.first_seen)
    }

    fn missed_before(&self, anchor: &Anchor) -> bool {
        use crate::model::LeaveCause::Deleted;
        let absence = self.get(anchor).and_then(|known| known.absence);
        matches!(absence, Some(Absence::Missing { .. } | Absence::Gone(Deleted)))
    }

    fn is_unplaced(&self, anchor: &Anchor) -> bool {
        self.unplaced.contains_key(anchor)
    }
}

/// Owners of accounts whose entry shows no user id, though groups listed them by it before.
///
/// # Errors
/// Where the state cannot be read.
pub fn unplaced(
    memory: &dyn Memory,
    accounts: &[Account],
    snapshot: &Snapshot,
) -> Result<BTreeMap<Anchor, Option<String>>, StateError> {
    let mut owners = accounts.iter().filter_map(|account| Some(account.owner.as_ref()?.anchor)).peekable();
    let has_account = |anchor: &Anchor| {
        while owners.next_if(|owner| owner < anchor).is_some() {}
        owners.peek() == Some(anchor)
    };
    let nameless = snapshot.people.iter().filter(|person| person.uids.is_empty()).map(|person| person.anchor);
    let nameless: Vec<Anchor> = match snapshot.kind {
        Kind::ActiveDirectory => Vec::new(),
        Kind::OpenLdap | Kind::Ds389 | Kind::Ldif => nameless.filter(has_account).collect(),
    };
    memory.listed_by_uid(&snapshot.directory, &nameless)
}

/// The members that are not there, of whom we know who they were: people who have another name now. A server that does not
/// mend its groups (OpenLDAP without the overlay refint) leaves them listed so, and that does not say that they left.
///
/// In Active Directory a group lists objects, and shows their names of now.
///
/// # Errors
/// Where the state cannot be read.
pub fn former(memory: &dyn Memory, snapshot: &Snapshot) -> Result<FormerNames, StateError> {
    let mut former = FormerNames::new();
    if snapshot.kind != Kind::ActiveDirectory {
        former_dns(memory, snapshot, &mut former)?;
        former_uids(memory, snapshot, &mut former)?;
    }
    Ok(former)
}

fn note(former: &mut FormerNames, anchor: Anchor, name: ListedAs, dangling: &Dangling) {
    let names = former.entry(anchor).or_default();
    if names.iter().all(|known: &FormerName| known.name != name) {
        names.push(FormerName { name, dangling: dangling.clone() });
    }
}

fn former_dns(memory: &dyn Memory, snapshot: &Snapshot, former: &mut FormerNames) -> Result<(), StateError> {
    if snapshot.gone.is_empty() {
        return Ok(());
    }
    let mut note = |anchor: Anchor, dn: &Dn| {
        if let Some((dn, dangling)) = snapshot.gone.get_key_value(dn) {
            note(former, anchor, ListedAs::Dn(dn.clone()), dangling);
        }
    };
    memory.places(&snapshot.directory, &mut |anchor, text| {
        let person = snapshot.people.binary_search_by(|person| person.anchor.cmp(&anchor));
        // Nearly everybody is where they were, and the names are not parsed.
        if person.is_ok_and(|at| snapshot.people[at].dn.as_str() != text)
            && let Ok(dn) = Dn::parse(text)
        {
            note(anchor, &dn);
        }
    })?;
    for (anchor, dn) in memory.former(&snapshot.directory)? {
        note(anchor, &dn);
    }
    Ok(())
}

fn former_uids(memory: &dyn Memory, snapshot: &Snapshot, former: &mut FormerNames) -> Result<(), StateError> {
    let uids: Vec<&str> = snapshot.gone_uids.keys().map(String::as_str).collect();
    for (anchor, uid) in memory.had_uid(&snapshot.directory, &uids)? {
        let is_here = snapshot.people.binary_search_by(|person| person.anchor.cmp(&anchor)).is_ok();
        if let Some(dangling) = snapshot.gone_uids.get(&uid).filter(|_| is_here) {
            note(former, anchor, ListedAs::Uid(uid), dangling);
        }
    }
    Ok(())
}

/// Owners of accounts who were not seen: those not suspended, and those who may be removed now. Both come in order.
#[must_use]
pub fn missing(settings: &Settings, accounts: &[Account], snapshot: &Snapshot, now: Timestamp) -> Vec<Anchor> {
    let mut seen = snapshot.people.iter().map(|sighting| sighting.anchor).peekable();
    let is_missing = |account: &&Account| {
        account.owner.as_ref().is_some_and(|owner| {
            while seen.next_if(|next| *next < owner.anchor).is_some() {}
            seen.peek() != Some(&owner.anchor)
        })
    };
    let missing: Vec<&Account> = accounts.iter().filter(is_missing).collect();
    let shown = names_shown(&missing, snapshot);
    let wanted = |account: &&Account| {
        account.suspension.is_none()
            || diff::removal_due(settings, account, now)
            || names(&account.profile).iter().any(|name| shown.contains(&**name))
    };
    missing.into_iter().filter(wanted).filter_map(|account| Some(account.owner.as_ref()?.anchor)).collect()
}

/// User names and mail addresses that those of the missing who are suspended have, and entries of others show: whether their
/// own let them go, only a look at those tells.
fn names_shown(missing: &[&Account], snapshot: &Snapshot) -> HashSet<String> {
    let suspended = missing.iter().filter(|account| account.suspension.is_some());
    let had: HashSet<String> = suspended.flat_map(|account| names(&account.profile).map(Cow::into_owned)).collect();
    if had.is_empty() {
        return had;
    }
    let shown = snapshot.people.iter().flat_map(|person| names(&person.profile));
    shown.filter(|name| had.contains(&**name)).map(Cow::into_owned).collect()
}

/// What must be unique among accounts, folded.
fn names(profile: &Profile) -> [Cow<'_, str>; 2] {
    [folded(&profile.email), folded(&profile.user_name)]
}

/// Somebody is there after all: the read lost entries, and nobody knows how many.
#[must_use]
pub fn overlooked(located: &BTreeMap<Anchor, Whereabouts>) -> Option<Partial> {
    let found = those(located, |whereabouts| matches!(whereabouts, Whereabouts::Overlooked(_)))?;
    Some(Partial {
        message: format!(
            "the server left out entries that are there when asked for by id ({found}); the read does not count as \
             complete, and nobody of this directory leaves or gets a seat before one does"
        ),
    })
}

/// A sentence on those who cannot be found where nothing proves that they left: they keep their seats, and somebody
/// should know.
#[must_use]
pub fn unproven(located: &BTreeMap<Anchor, Whereabouts>) -> Option<String> {
    let lost = those(located, |whereabouts| matches!(whereabouts, Whereabouts::Nowhere { parent_readable: false }))?;
    Some(format!(
        "people are neither found nor proven gone, for where they were, or what is there, cannot be read ({lost}); they keep what \
         they have. Give the account the right to read it; where it was deleted for good, take their seats with `seatsync pending \
         release`"
    ))
}

/// The anchors of those found in one way.
fn those(located: &BTreeMap<Anchor, Whereabouts>, wanted: impl Fn(&Whereabouts) -> bool) -> Option<String> {
    some_of(located.iter().filter(|(_, whereabouts)| wanted(whereabouts)).map(|(anchor, _)| anchor.to_string()))
}
