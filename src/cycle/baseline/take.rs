//! The end of a cycle that went well: who is open, and whether the next one can count on how things stand.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{Baseline, Touched};
use crate::cycle::reading::{DirectoryRead, Readings};
use crate::cycle::{Parts, managed};
use crate::desired::{Desired, Wish};
use crate::model::report::{CycleOutcome, ReadMode, SyncReport};
use crate::model::settings::Settings;
use crate::model::snapshot::Kind;
use crate::model::{Account, Name, PersonId};
use crate::plan::{Plan, diff, wants};
use crate::ports::StateError;

/// Everything that a cycle came to.
pub struct End<'a, 'd> {
    pub readings: &'a Readings,
    pub desired: &'a Desired<'d>,
    pub plan: &'a Plan,
    /// The accounts that were looked at, before and after.
    pub before: &'a [Account],
    pub after: &'a [Account],
    pub report: &'a SyncReport,
    /// None: it looked at everything.
    pub touched: Option<&'a Touched>,
    pub now: Timestamp,
}

/// Remembers what is open, and says what the next cycle can count on; None where it must read everything.
///
/// # Errors
/// Where the state cannot be written.
pub fn take(parts: &mut Parts<'_>, end: &End<'_, '_>) -> Result<Option<Baseline>, StateError> {
    let Some(generation) = parts.backend.generation() else { return Ok(None) };
    if parts.settings.agent.dry_run {
        return Ok(None);
    }
    if let Some(why) = unclear(end) {
        tracing::debug!(why, "The next cycle reads everything.");
        return Ok(None);
    }
    let after = end.after;
    parts.memory.set_open(end.touched.map(|touched| &touched.people), &open(parts.settings, end.desired, after))?;
    let (mut counts, mut removal) = (managed(after), removal(parts.settings, after, end.now));
    if let Some(touched) = end.touched {
        counts = adjusted(&touched.before.managed, &managed(end.before), &counts);
        removal = [removal, touched.before.removal].into_iter().flatten().min();
    }
    let is_whole = end.readings.0.iter().all(|read| read.mode == ReadMode::Full);
    Ok(Some(Baseline {
        config: parts.settings.digest.clone(),
        generation,
        is_recalled: false,
        whole: end.touched.filter(|_| !is_whole).map_or(end.now, |touched| touched.before.whole),
        managed: counts,
        removal,
        directories: end.report.directories.clone(),
    }))
}

/// Why somebody or something has to be looked at again for its own sake.
fn unclear(end: &End<'_, '_>) -> Option<&'static str> {
    if end.report.outcome != CycleOutcome::Ok {
        Some("the cycle did not carry everything out")
    } else if !end.plan.drifted.is_empty() {
        Some("another hand changed an account")
    } else {
        end.readings.0.iter().find_map(unclear_read)
    }
}

fn unclear_read(read: &DirectoryRead) -> Option<&'static str> {
    let Some(snapshot) = &read.snapshot else { return Some("a directory was not read") };
    if snapshot.partial.is_some() {
        Some("a directory was not read whole")
    } else if !snapshot.unidentified.is_empty() {
        Some("an entry shows no id")
    } else if snapshot.computed {
        Some("the server works out who is in a group")
    } else if !snapshot.followed.is_empty() {
        Some("a group is listed by a name of before")
    } else if !read.known.former.is_empty() || !read.known.unplaced.is_empty() {
        Some("groups list somebody by a name of before")
    } else if snapshot.kind != Kind::ActiveDirectory && !snapshot.gone.is_empty() {
        // Another entry may come to lie there, a group for instance. Active Directory lists objects, and a user id is of people.
        Some("a group lists what is not there")
    } else {
        None
    }
}

/// Whoever has not just what is asked for; who was missed is among them, and is looked up the next time: a read of everything missed
/// them, and all others of whom it was so (rule 2). Accounts and wishes come in one order.
#[must_use]
pub fn open(settings: &Settings, desired: &Desired<'_>, accounts: &[Account]) -> BTreeSet<PersonId> {
    let mut open = BTreeSet::new();
    let mut wishes = desired.wishes.iter().peekable();
    let wants_one = |(person, wish): &(PersonId, Wish<'_>)| {
        matches!(wish, Wish::Seats { .. } | Wish::Quarantined { .. }).then(|| person.clone())
    };
    for account in accounts {
        let Some(owner) = &account.owner else { continue };
        while let Some(wish) = wishes.next_if(|(person, _)| person < owner) {
            open.extend(wants_one(wish));
        }
        let wish = wishes.next_if(|(person, _)| person == owner).map(|(_, wish)| wish);
        if !is_done(settings, account, wish) {
            open.insert(owner.clone());
        }
    }
    open.extend(wishes.filter_map(wants_one));
    open
}

fn is_done(settings: &Settings, account: &Account, wish: Option<&Wish<'_>>) -> bool {
    match wish {
        Some(Wish::Seats { sighting, asks, .. }) => wants::has_just(settings, account, &sighting.profile, asks),
        Some(Wish::Leaves { .. }) | None => account.suspension.is_some(),
        Some(Wish::Quarantined { .. } | Wish::Unproven) => false,
    }
}

/// When the next suspended account may be removed.
fn removal(settings: &Settings, accounts: &[Account], now: Timestamp) -> Option<Timestamp> {
    accounts.iter().filter_map(|account| diff::removal_from(settings, account)).filter(|at| *at > now).min()
}

/// The counts of everyone, from those before and those of whom was looked at.
fn adjusted(
    all: &BTreeMap<Name, u32>,
    before: &BTreeMap<Name, u32>,
    after: &BTreeMap<Name, u32>,
) -> BTreeMap<Name, u32> {
    let names: BTreeSet<&Name> = all.keys().chain(after.keys()).collect();
    let count = |counts: &BTreeMap<Name, u32>, name: &Name| counts.get(name).copied().unwrap_or(0);
    let adjust = |name: &Name| (count(all, name) + count(after, name)).saturating_sub(count(before, name));
    names.into_iter().map(|name| (name.clone(), adjust(name))).filter(|(_, count)| *count > 0).collect()
}
