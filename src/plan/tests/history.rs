//! Random companies, and what may happen to them between two cycles.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::memory::give_up;
use super::scene::*;
use crate::model::PersonId;
use crate::model::change::{Decision, Promotion, Verdict};
use crate::model::settings::{Adopt, LeaverRule, Match};
use crate::model::snapshot::Whereabouts;
use crate::model::user::{Defect, Quarantine, Sighting, Standing};

/// Up to this number people belong to `corp`, above it to `lab`.
const CORP: u32 = 9;
const PEOPLE: u32 = 13;

/// The first two pools take the members of their groups, the last one everyone.
pub const POOLS: [&str; 3] = ["gold", "silver", "bronze"];

#[derive(Clone, Debug)]
pub struct Config {
    pub all: bool,
    pub automatic: bool,
    pub approve: bool,
    pub falls_back: bool,
    pub keeps_seat: bool,
    pub rule: LeaverRule,
    pub adopt: Adopt,
    pub strict: bool,
    pub seats: [u32; 3],
}

#[derive(Clone, Debug)]
pub enum Event {
    Hire(u32),
    Standing(u32, bool),
    Delete(u32),
    Entry(u32, bool),
    Rename(u32, u32),
    /// In the group of a pool, or not.
    Choose(u32, usize, bool),
    Prefer(u32, bool),
    Seats(usize, u32),
    Decide(u32, Verdict),
    TakeSeat(u32),
    Partial(bool, bool),
    Unread(bool),
    Confirm,
    Hours(i32),
}

pub fn home(n: u32) -> &'static str {
    if n <= CORP { "corp" } else { "lab" }
}

pub fn person(n: u32) -> PersonId {
    PersonId::new(home(n).into(), anchor(n))
}

pub fn any_config() -> impl Strategy<Value = Config> {
    let rule = prop_oneof![3 => Just(LeaverRule::Suspend), 1 => Just(LeaverRule::Keep), 1 => Just(LeaverRule::Remove)];
    let adopt = prop_oneof![Just(Adopt::None), Just(Adopt::Anchor), Just(Adopt::Email)];
    let flags = prop::array::uniform6(any::<bool>());
    (flags, rule, adopt, prop::array::uniform3(0..6u32)).prop_map(|(flags, rule, adopt, seats)| {
        let [all, automatic, approve, falls_back, keeps_seat, strict] = flags;
        Config { all, automatic, approve, falls_back, keeps_seat, rule, adopt, strict, seats }
    })
}

pub fn any_event() -> impl Strategy<Value = Event> {
    let who = || 1..=PEOPLE;
    let verdict = prop_oneof![3 => Just(Verdict::Approve), 1 => Just(Verdict::Deny), 1 => Just(Verdict::Release)];
    prop_oneof![
        6 => who().prop_map(Event::Hire),
        3 => (who(), any::<bool>()).prop_map(|(n, enabled)| Event::Standing(n, enabled)),
        1 => who().prop_map(Event::Delete),
        2 => (who(), any::<bool>()).prop_map(|(n, good)| Event::Entry(n, good)),
        2 => (who(), who()).prop_map(|(n, name)| Event::Rename(n, name)),
        3 => (who(), 0..2usize, any::<bool>()).prop_map(|(n, pool, chosen)| Event::Choose(n, pool, chosen)),
        1 => (who(), any::<bool>()).prop_map(|(n, first)| Event::Prefer(n, first)),
        2 => (0..3usize, 0..8u32).prop_map(|(pool, seats)| Event::Seats(pool, seats)),
        2 => (who(), verdict).prop_map(|(n, verdict)| Event::Decide(n, verdict)),
        1 => who().prop_map(Event::TakeSeat),
        1 => (any::<bool>(), prop::bool::weighted(0.3)).prop_map(|(corp, partial)| Event::Partial(corp, partial)),
        1 => prop::bool::weighted(0.3).prop_map(Event::Unread),
        1 => Just(Event::Confirm),
        1 => (1..30i32).prop_map(Event::Hours),
    ]
}

/// What happens before each of some cycles.
pub fn any_history() -> impl Strategy<Value = Vec<Vec<Event>>> {
    prop::collection::vec(prop::collection::vec(any_event(), 0..9), 1..8)
}

pub fn found(config: &Config) -> Scene {
    let pools: Vec<(&str, u32)> = POOLS.into_iter().zip(config.seats).collect();
    let mut scene = Scene::new(&pools);
    scene.add_directory("lab");
    scene.pool_takes("gold", [1, 2, 3]);
    scene.pool_takes("silver", [3, 4]);
    scene.prefers("bronze", [2, 5]);
    scene.hire(1..=4);
    let settings = &mut scene.settings;
    if config.all {
        settings.seats.match_ = Match::All;
    } else if config.falls_back {
        settings.pools[0].fallback = Some("bronze".into());
    }
    settings.seats.promotion = if config.automatic { Promotion::Automatic } else { Promotion::Manual };
    settings.seats.approve_joiners = config.approve;
    settings.leavers.suspended_keeps_seat = config.keeps_seat;
    settings.leavers.disabled = config.rule;
    settings.leavers.deleted = config.rule;
    settings.leavers.remove_after = Some(HOUR * 3);
    settings.guard.floor = if config.strict { 2 } else { 99 };
    settings.backend.adopt = config.adopt;
    strangers(&mut scene);
    scene
}

/// Accounts that another hand made: one with a seat, one with a mail address, one with an anchor of ours.
fn strangers(scene: &mut Scene) {
    let mut model = scene.clone();
    model.settings.pools.iter_mut().for_each(|pool| pool.seats = Some(9));
    model.cycle();
    let seat = model.account(1).seats[0].clone();
    scene.backend.add_unmanaged("visitor", profile("visitor")).seats.push(seat);
    scene.backend.add_unmanaged("namesake", profile("P5"));
    scene.backend.add_unmanaged("known", profile("known")).external = Some(anchor(6));
    scene.backend.sort();
    scene.backend.pools = model.backend.pools;
    scene.backend.count();
}

pub fn happen(scene: &mut Scene, event: &Event) {
    match *event {
        Event::Hire(n) => hire(scene, n),
        Event::Standing(n, enabled) => {
            let standing = if enabled { Standing::Enabled } else { Standing::Disabled };
            with_entry(scene, n, |entry| entry.standing = standing);
        }
        Event::Delete(n) => {
            let source = scene.source(home(n));
            source.people.retain(|sighting| sighting.anchor != anchor(n));
            source.elsewhere.insert(anchor(n), Whereabouts::Tombstone);
        }
        Event::Entry(n, good) => with_entry(scene, n, |entry| {
            let bad = Quarantine { attribute: "mail".into(), reason: Defect::Missing, message: String::new() };
            entry.quarantine = (!good).then_some(bad);
        }),
        Event::Rename(n, name) => with_entry(scene, n, |entry| entry.profile.email = format!("P{name}@acme.example")),
        Event::Choose(n, pool, chosen) => member(scene, &format!("CN={}", POOLS[pool]), n, chosen),
        Event::Prefer(n, first) => member(scene, "CN=bronze-first-0", n, first),
        Event::Seats(pool, seats) => scene.pool(POOLS[pool]).seats = Some(seats),
        Event::Decide(n, verdict) => {
            if scene.backend.of(&person(n)).is_some() {
                scene.backend.decide(&Decision { person: person(n), pool: None, verdict });
            }
        }
        Event::TakeSeat(n) => {
            if scene.backend.of(&person(n)).is_some() {
                let seats = &mut scene.backend.of_mut(&person(n)).seats;
                seats.iter_mut().filter(|seat| seat.is_held()).for_each(give_up);
                scene.backend.count();
            }
        }
        Event::Partial(corp, partial) => scene.source(if corp { "corp" } else { "lab" }).partial = partial,
        Event::Unread(unread) => scene.source("lab").unread = unread,
        Event::Confirm => {
            if scene.plan().fingerprint.is_some() {
                scene.confirm();
            }
        }
        Event::Hours(hours) => scene.wait(HOUR * hours),
    }
}

fn hire(scene: &mut Scene, n: u32) {
    let source = scene.source(home(n));
    if !source.people.iter().any(|sighting| sighting.anchor == anchor(n)) {
        source.people.push(sighting(n));
        source.elsewhere.remove(&anchor(n));
    }
}

fn with_entry(scene: &mut Scene, n: u32, change: impl FnMut(&mut Sighting)) {
    let people = &mut scene.source(home(n)).people;
    people.iter_mut().filter(|sighting| sighting.anchor == anchor(n)).for_each(change);
}

fn member(scene: &mut Scene, group: &str, n: u32, joins: bool) {
    let members: &mut BTreeSet<u32> = scene.source("corp").groups.get_mut(group).unwrap();
    if joins {
        members.insert(n);
    } else {
        members.remove(&n);
    }
}
