//! Who got a seat in a cycle, who lost one, and whose entry cannot be used.

use std::collections::BTreeSet;

use crate::cycle::reading::{DirectoryRead, Readings};
use crate::desired::{Desired, Wish};
use crate::model::change::HeldChange;
use crate::model::report::{GrantedRow, LostRow, QuarantinedRow, Stopped};
use crate::model::snapshot::Whereabouts;
use crate::model::text::some_of;
use crate::model::{Account, Anchor, Assignment, Dn, LeaveCause, Name, PersonId, Profile, Quarantine, Standing};
use crate::plan::Plan;
use crate::plan::effects::{Effect, Verb};

/// What is known of somebody, by the directory or else by the account; `accounts` are by owner.
pub(super) fn profile<'p>(person: &PersonId, desired: &'p Desired<'_>, accounts: &'p [Account]) -> Option<&'p Profile> {
    if let Some(Wish::Seats { sighting, .. }) = desired.wish_of(person) {
        return Some(&sighting.profile);
    }
    let account = accounts.binary_search_by(|account| account.owner.as_ref().cmp(&Some(person))).ok();
    account.map(|at| &accounts[at].profile)
}

/// Who got a seat; `after` is by owner.
pub(super) fn granted(happened: &[(PersonId, Vec<Effect>)], after: &[Account]) -> Vec<GrantedRow> {
    let of = |person: &PersonId| after.binary_search_by(|account| account.owner.as_ref().cmp(&Some(person))).ok();
    let gains = |effect: &&Effect| matches!(effect.verb, Verb::Provision | Verb::Promote | Verb::Move | Verb::Grant);
    let row = |person: &PersonId, effect: &Effect| {
        let account = &after[of(person)?];
        Some(GrantedRow {
            anchor: Some(person.anchor),
            user_name: account.profile.user_name.clone(),
            display_name: account.profile.display_name.clone(),
            email: account.profile.email.clone(),
            pool: effect.pool.clone()?,
        })
    };
    happened
        .iter()
        .flat_map(|(person, effects)| effects.iter().filter(gains).filter_map(move |effect| row(person, effect)))
        .collect()
}

/// Who lost a seat; `before` and `after` are by owner. Who got another one in its place lost none.
pub(super) fn lost(happened: &[(PersonId, Vec<Effect>)], before: &[Account], after: &[Account]) -> Vec<LostRow> {
    let of = |accounts: &[Account], person: &PersonId| {
        accounts.binary_search_by(|account| account.owner.as_ref().cmp(&Some(person))).ok()
    };
    let mut rows = Vec::new();
    for (person, effects) in happened {
        let Some(account) = of(before, person).map(|at| &before[at]) else { continue };
        let now = of(after, person).map(|at| &after[at]);
        let keeps = |pool: &Name| now.and_then(|now| now.seat(pool)).is_some_and(Assignment::is_held);
        let gone = account.seats.iter().filter(|seat| seat.is_held() && !keeps(&seat.pool));
        // A seat that came in the place of another: the first of them, as the effects are paired.
        let replaced = |pool: &Name| effects.iter().any(|effect| effect.from_pool.as_ref() == Some(pool));
        rows.extend(gone.filter(|seat| !replaced(&seat.pool)).map(|seat| LostRow {
            anchor: Some(person.anchor),
            user_name: account.profile.user_name.clone(),
            display_name: account.profile.display_name.clone(),
            email: account.profile.email.clone(),
            pool: seat.pool.clone(),
            cause: cause(account, effects).map(|cause| cause.as_str().to_owned()),
        }));
    }
    rows
}

fn cause(before: &Account, effects: &[Effect]) -> Option<LeaveCause> {
    let suspended = before.suspension.as_ref().and_then(|suspension| suspension.cause);
    effects.iter().find_map(|effect| effect.cause).or(suspended)
}

/// What keeps a free seat from somebody who waits.
pub(super) fn stopped(plan: &Plan, desired: &Desired<'_>, person: &PersonId) -> Option<Stopped> {
    let allocation = plan.allocation();
    let is_held = HeldChange::of(person, &plan.held_changes).any(HeldChange::is_leaving);
    let other = || match desired.wish_of(person) {
        Some(Wish::Unproven) => Stopped::Missing,
        _ => Stopped::Leaver,
    };
    let is_quarantined = plan.quarantined.contains_key(person);
    Stopped::first([
        allocation.frozen.contains(&person.directory).then_some(Stopped::Unread),
        is_held.then_some(Stopped::HeldBack),
        is_quarantined.then_some(Stopped::Quarantined),
        (allocation.passed_over.contains(person) && !is_held && !is_quarantined).then(other),
    ])
}

/// Whose entry cannot be used: people by directory and anchor, then entries that cannot be told from others.
pub(super) fn quarantined(readings: &Readings, plan: &Plan) -> Vec<QuarantinedRow> {
    let row = |directory: &Name, anchor: Option<Anchor>, dn: Option<String>, quarantine: &Quarantine| QuarantinedRow {
        directory: directory.clone(),
        anchor,
        dn,
        attribute: quarantine.attribute.clone(),
        reason: quarantine.reason,
        message: quarantine.message.clone(),
    };
    let mut rows: Vec<QuarantinedRow> = Vec::new();
    for (person, quarantine) in &plan.quarantined {
        let dn = dn(readings, person);
        rows.push(row(&person.directory, Some(person.anchor), dn, quarantine));
    }
    for (name, snapshot) in readings.0.iter().filter_map(|read| Some((&read.name, read.snapshot.as_ref()?))) {
        let unidentified = snapshot.unidentified.iter();
        rows.extend(unidentified.map(|entry| row(name, None, Some(entry.dn.clone()), &entry.quarantine)));
    }
    rows
}

/// Where the person's entry is; its people are in the order of their anchors.
fn dn(readings: &Readings, person: &PersonId) -> Option<String> {
    let read = readings.0.iter().find(|read| read.name == person.directory)?;
    let people = &read.snapshot.as_ref()?.people;
    let at = people.binary_search_by(|sighting| sighting.anchor.cmp(&person.anchor)).ok()?;
    Some(people[at].dn.to_string())
}

/// A sentence on those whom the lookup by id did not find for the first time: nothing happened to them yet, and nobody is to
/// wonder why.
pub(super) fn missed(read: &DirectoryRead, desired: &Desired<'_>) -> Option<String> {
    let is_unproven = |anchor: &Anchor| {
        let person = PersonId::new(read.name.clone(), *anchor);
        matches!(desired.wish_of(&person), Some(Wish::Unproven))
    };
    let gone = |whereabouts: &Whereabouts| matches!(whereabouts, Whereabouts::Nowhere { parent_readable: true });
    let missed = read.located.iter().filter(|(anchor, whereabouts)| gone(whereabouts) && is_unproven(anchor)).count();
    let people = if missed == 1 { "1 person is".to_owned() } else { format!("{missed} people are") };
    (missed > 0).then(|| {
        format!("{people} not found any more, and nothing is taken from them yet: who is not found by the next whole read either counts as deleted")
    })
}

/// A sentence on groups within groups that are listed by a name of before: nothing is wrong with anybody, but somebody should
/// mend the groups above.
pub(super) fn followed(read: &DirectoryRead) -> Option<String> {
    let followed = read.snapshot.as_ref()?.followed.iter();
    let groups = some_of(followed.map(|(listed, here)| format!("{:?} is now {:?}", listed.as_str(), here.as_str())))?;
    Some(format!(
        "groups were renamed or moved, and are members still by the name of before ({groups}): they are followed by their ids. Put \
         the new names in the place of the old ones"
    ))
}

/// A sentence on people whom groups list by a name that they no longer have: nobody lost anything by it yet, and somebody
/// has to mend the groups.
pub(super) fn listed_before(read: &DirectoryRead) -> Option<String> {
    let snapshot = read.snapshot.as_ref()?;
    let is_enabled = |anchor: &Anchor| {
        let at = snapshot.people.binary_search_by(|sighting| sighting.anchor.cmp(anchor));
        at.is_ok_and(|at| snapshot.people[at].standing == Standing::Enabled)
    };
    let is_member =
        |anchor: &Anchor, key| snapshot.members.get(key).is_some_and(|members| members.contains_key(anchor));
    let mut people = BTreeSet::new();
    let mut groups: BTreeSet<&Dn> = BTreeSet::new();
    for (anchor, names) in read.known.former.iter().filter(|(anchor, _)| is_enabled(anchor)) {
        for name in names.iter().filter(|name| name.dangling.of.iter().any(|key| !is_member(anchor, key))) {
            people.insert(anchor);
            groups.extend(&name.dangling.listed_by);
        }
    }
    let people = some_of(people.into_iter().map(ToString::to_string))?;
    let groups = some_of(groups.into_iter().map(|group| format!("{:?}", group.as_str())))?;
    Some(format!(
        "people were renamed, and groups list them by the name or user id of before ({people}): they keep what they have, and \
         get nothing where it is not clear that they are members. Put the new ones in the place of the old ones in {groups}; \
         the overlay refint of OpenLDAP does so by itself in `member`, with every rename to come"
    ))
}
