//! Desired against current, person by person: what each would need, before the guard and before seats are settled.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::unmanaged::Unmanaged;
use super::unnamed::Unnamed;
use super::wants::{self, Place, Standstill};
use super::world::{LastKnown, World};
use crate::desired::{Ask, Wish};
use crate::model::settings::{Drift, LeaverRule, Settings};
use crate::model::user::{Defect, Quarantine};
use crate::model::{Account, AccountId, LeaveCause, Name, PersonId, Profile, Sighting};

/// Everything one person would need.
#[derive(Clone, Debug)]
pub struct Intent<'a> {
    pub person: PersonId,
    pub account: Option<&'a Account>,
    pub profile: Option<&'a Profile>,
    pub action: Action,
    /// The profile to send, where it differs from the account's.
    pub update: Option<Profile>,
    /// Seats that others stand in for, and places no longer asked for: given up whatever else happens.
    pub releases: Vec<Name>,
    /// Seats given up for nothing, unless this plan grants another in their place.
    pub losses: Vec<Name>,
    /// Places in queues: those kept, those asked for, and fallbacks that may be asked for.
    pub places: Vec<Place>,
}

/// What happens to the account as a whole. A person has one of these in a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    Keep,
    Create {
        created: Timestamp,
    },
    Adopt {
        account: AccountId,
    },
    Resume,
    Suspend {
        cause: LeaveCause,
    },
    /// Suspended already, for a cause that another rule was for: the grace period of this one begins now.
    StaySuspended {
        cause: LeaveCause,
    },
    Remove,
}

/// Something people should know of, that is no change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    pub person: Option<PersonId>,
    pub pool: Option<Name>,
    pub code: &'static str,
    pub message: String,
}

/// The difference, unguarded.
#[derive(Debug, Default)]
pub struct Draft<'a> {
    /// By person; only those of whom something is to be said.
    pub intents: Vec<Intent<'a>>,
    /// All accounts but those that are just as wished. Only these can have a value that somebody else is to get: of two
    /// people who wish for one value, one is a duplicate and gets nothing.
    pub others: Vec<&'a Account>,
    /// Who left, with an account that may let go of a name; by person.
    pub departed: Vec<Departed<'a>>,
    pub problems: Vec<Problem>,
    /// People in scope whose entry cannot be used.
    pub quarantined: BTreeMap<PersonId, Quarantine>,
    /// People whose whole account is gone from the backend, by another hand.
    pub taken: Vec<PersonId>,
    /// People who lost a seat or the account by another hand since the last cycle.
    pub vanished: BTreeSet<PersonId>,
    /// Profiles as the agent applied them, of accounts that another hand changed and that are left so.
    pub drifted: Vec<(PersonId, Profile)>,
    pub unnamed: Unnamed,
}

/// Somebody who left, whose entry is read all the same.
#[derive(Debug)]
pub struct Departed<'a> {
    pub person: &'a PersonId,
    pub account: &'a Account,
    pub shows: &'a Profile,
}

/// Compares everyone. Wishes and accounts come in one order, so one walk over both suffices.
#[must_use]
pub fn diff<'a>(world: &World<'a>) -> Draft<'a> {
    let unmanaged = Unmanaged::new(world);
    let mut draft = Draft::default();
    let mut wishes = world.desired.wishes.iter().peekable();
    for account in world.accounts {
        let Some(owner) = &account.owner else {
            draft.others.push(account);
            continue;
        };
        while let Some((person, wish)) = wishes.next_if(|(person, _)| person < owner) {
            draft.newcomer(world, &unmanaged, person, wish);
        }
        let wish = wishes.next_if(|(person, _)| person == owner).map(|(_, wish)| wish);
        draft.known(world, account, owner, wish);
    }
    for (person, wish) in wishes {
        draft.newcomer(world, &unmanaged, person, wish);
    }
    draft.unconfigured(world);
    draft.problems.extend(draft.unnamed.problems());
    draft
}

impl<'a> Draft<'a> {
    /// Somebody without a managed account.
    fn newcomer(&mut self, world: &World<'a>, unmanaged: &Unmanaged<'a>, person: &PersonId, wish: &'a Wish<'a>) {
        let (sighting, created, asks) = match wish {
            Wish::Seats { sighting, created, asks } => (*sighting, *created, asks),
            Wish::Quarantined { quarantine, .. } => {
                self.quarantined.insert(person.clone(), quarantine.clone());
                return;
            }
            Wish::Leaves { .. } | Wish::Unproven => return,
        };
        if world.desired.frozen.contains(&person.directory) {
            return;
        }
        let last = world.remembered.of(person);
        if let Some(last) = last.as_ref().filter(|last| last.approval.is_none()) {
            self.taken(person, last);
            return;
        }
        let approval = last.and_then(|last| last.approval);
        let mut intent = Intent::new(person, None, Some(&sighting.profile));
        if let Some(account) = unmanaged.adoptable(world.settings.backend.adopt, sighting) {
            intent.action = Action::Adopt { account: account.id.clone() };
            intent.account = Some(account);
        } else if let Some(message) = unmanaged.carries(person) {
            let quarantine = Quarantine { attribute: "anchor".to_owned(), reason: Defect::Conflict, message };
            self.problem(person, None, "conflict", quarantine.message.clone());
            self.quarantined.insert(person.clone(), quarantine);
            return;
        } else {
            intent.action = Action::Create { created };
            let newcomer = (person, &sighting.profile);
            intent.places = wants::of_newcomer(world, newcomer, created, asks, approval);
        }
        self.intents.push(intent);
    }

    /// Another hand took the whole account away: it is not made again until a person approves.
    fn taken(&mut self, person: &PersonId, last: &LastKnown) {
        if !last.taken {
            self.vanished.insert(person.clone());
        }
        self.taken.push(person.clone());
        let message = "the account was deleted in the backend by another hand; it is not made again until approved: \
                       `seatsync pending approve USER`";
        self.problem(person, None, "removed_elsewhere", message.to_owned());
    }

    /// Somebody with a managed account.
    fn known(&mut self, world: &World<'a>, account: &'a Account, owner: &'a PersonId, wish: Option<&'a Wish<'a>>) {
        if let Some(Wish::Seats { sighting, asks, .. }) = wish
            && wants::is_served(world, account, &sighting.profile, asks)
        {
            return;
        }
        self.others.push(account);
        self.unnamed.count(world, account);
        let mut intent = Intent::new(owner, Some(account), None);
        match wish {
            Some(Wish::Seats { sighting, created, asks }) => {
                intent.profile = Some(&sighting.profile);
                self.wanted(world, &mut intent, account, *created, asks);
            }
            Some(Wish::Leaves { cause, sighting }) if !world.desired.frozen.contains(&owner.directory) => {
                leaving(world, &mut intent, account, *cause);
                let departed = |sighting: &&'a Sighting| Departed { person: owner, account, shows: &sighting.profile };
                self.departed.extend(sighting.as_ref().map(departed));
            }
            other => {
                if let Some(Wish::Quarantined { quarantine, .. }) = other {
                    self.quarantined.insert(owner.clone(), quarantine.clone());
                }
                intent.places = wants::kept(account, Standstill::of(world, owner));
            }
        }
        if !intent.is_empty() {
            self.intents.push(intent);
        }
    }

    /// In scope, enabled and valid, with an account.
    fn wanted(
        &mut self,
        world: &World<'a>,
        intent: &mut Intent<'a>,
        account: &'a Account,
        created: Timestamp,
        asks: &[Ask],
    ) {
        let person = intent.person.clone();
        let frozen = world.desired.frozen.contains(&person.directory);
        match &account.suspension {
            Some(suspension) if !suspension.by_agent => {
                let message = "suspended in the backend by another hand; not resumed until approved: \
                               `seatsync pending approve USER`";
                intent.update = self.update(world, &person, account, intent.profile);
                return self.problem(&person, None, "suspended_elsewhere", message.to_owned());
            }
            Some(_) if frozen => return,
            Some(_) => intent.action = Action::Resume,
            None => {}
        }
        intent.update = self.update(world, &person, account, intent.profile);
        if frozen {
            intent.places = wants::kept(account, Standstill::Frozen);
            return;
        }
        let Some(profile) = intent.profile else { return };
        let wants = wants::of_account(world, account, (&person, profile), created, asks);
        for seat in wants.vanished {
            self.vanished.insert(person.clone());
            let message = format!(
                "the seat of {seat} was taken away in the backend by another hand; not asked for again until approved"
            );
            self.problem(&person, Some(&seat), "removed_elsewhere", message);
        }
        for (pool, code, message) in wants.kept {
            self.problem(&person, Some(&pool), code, message);
        }
        intent.places = wants.places;
        intent.releases = wants.releases;
        intent.losses = wants.losses;
    }

    /// The profile to send, unless nothing differs or only another hand's change does and the config says to report it.
    fn update(
        &mut self,
        world: &World<'_>,
        person: &PersonId,
        account: &Account,
        wanted: Option<&Profile>,
    ) -> Option<Profile> {
        let wanted = wanted.filter(|wanted| **wanted != account.profile)?;
        let drifted = world.remembered.of(person).is_some_and(|last| last.profile != account.profile.digest());
        if drifted && world.settings.backend.drift == Drift::Report {
            let last = world.remembered.of(person).map(|last| last.profile);
            if last == Some(wanted.digest()) {
                let message = "the account's attributes were changed in the backend by another hand; left as they are (drift = \"report\")";
                self.problem(person, None, "drift", message.to_owned());
                self.drifted.push((person.clone(), wanted.clone()));
                return None;
            }
        }
        Some(wanted.clone())
    }

    /// Directories that the config names no more: what their people have is kept.
    fn unconfigured(&mut self, world: &World<'_>) {
        for (directory, count) in world.managed.iter().filter(|(name, _)| !world.settings.has_directory(name)) {
            let message = format!(
                "{count} managed accounts belong to directory {directory}, which the config does not name; they keep \
                 what they have and get nothing: name the directory again, or end them in the backend"
            );
            self.problems.push(Problem { person: None, pool: None, code: "directory_not_configured", message });
        }
    }

    fn problem(&mut self, person: &PersonId, pool: Option<&Name>, code: &'static str, message: String) {
        self.problems.push(Problem { person: Some(person.clone()), pool: pool.cloned(), code, message });
    }
}

impl<'a> Intent<'a> {
    /// Nothing is to be done.
    #[must_use]
    pub fn new(person: &PersonId, account: Option<&'a Account>, profile: Option<&'a Profile>) -> Self {
        Self {
            person: person.clone(),
            account,
            profile,
            action: Action::Keep,
            update: None,
            releases: Vec::new(),
            losses: Vec::new(),
            places: Vec::new(),
        }
    }

    fn is_empty(&self) -> bool {
        let seats = self.releases.is_empty() && self.losses.is_empty() && self.places.is_empty();
        self.action == Action::Keep && self.update.is_none() && seats
    }
}

/// Somebody who left, with an account: it goes as the rules say.
fn leaving<'a>(world: &World<'a>, intent: &mut Intent<'a>, account: &'a Account, cause: LeaveCause) {
    intent.action = leaver(world, account, cause);
    // Who is suspended leaves the queues: only `keep` keeps a place.
    if intent.action == Action::Keep {
        intent.places = wants::kept(account, Standstill::of(world, &intent.person));
    }
    if matches!(intent.action, Action::Keep | Action::StaySuspended { .. }) {
        intent.losses = left_behind(world, account, cause);
    }
}

/// What becomes of a leaver's account.
///
/// | rule | not suspended | suspended by the agent, by the same rule | by another rule |
/// |---|---|---|---|
/// | keep | kept | kept | kept, with the new cause |
/// | suspend | suspend | nothing more | nothing more, with the new cause |
/// | remove | suspend | remove, once the grace period has passed, unless adopted | the grace period begins |
fn leaver(world: &World<'_>, account: &Account, cause: LeaveCause) -> Action {
    let rule = |cause| rule(world.settings, cause);
    match (&account.suspension, rule(cause)) {
        (None, LeaverRule::Keep) => Action::Keep,
        (None, LeaverRule::Suspend | LeaverRule::Remove) => Action::Suspend { cause },
        (Some(before), now) if before.by_agent && before.cause.map(rule) != Some(now) => {
            Action::StaySuspended { cause }
        }
        (Some(_), LeaverRule::Remove) if removal_due(world.settings, account, world.now) => Action::Remove,
        (Some(_), _) => Action::Keep,
    }
}

fn rule(settings: &Settings, cause: LeaveCause) -> LeaverRule {
    match cause {
        LeaveCause::Disabled | LeaveCause::Expired => settings.leavers.disabled,
        LeaveCause::Deleted => settings.leavers.deleted,
        LeaveCause::OutOfScope => settings.leavers.out_of_scope,
    }
}

/// Seats that a leaver's account still holds though it is suspended: another hand suspended it, or the config let
/// suspended accounts keep their seats before.
fn left_behind(world: &World<'_>, account: &Account, cause: LeaveCause) -> Vec<Name> {
    let leavers = &world.settings.leavers;
    if account.suspension.is_none() || leavers.suspended_keeps_seat || rule(world.settings, cause) == LeaverRule::Keep {
        return Vec::new();
    }
    let held = account.seats.iter().filter(|seat| seat.is_given());
    held.map(|seat| seat.pool.clone()).collect()
}

/// Suspended by the agent, never adopted, and the grace period has passed.
#[must_use]
pub fn removal_due(settings: &Settings, account: &Account, now: Timestamp) -> bool {
    removal_from(settings, account).is_some_and(|due| due <= now)
}

/// When the grace period of an account ends; None where it is never removed by time.
#[must_use]
pub fn removal_from(settings: &Settings, account: &Account) -> Option<Timestamp> {
    let suspension = account.suspension.as_ref().filter(|suspension| suspension.by_agent && !account.adopted)?;
    suspension.at.checked_add(settings.leavers.remove_after?).ok()
}
