//! A company whose people all have what they should, but for some; all of it as a cycle has it before planning.
//!
//! A quarter each of the changes are joiners, leavers, people with another name to show, and people new in a group that
//! gives a seat of another pool.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::Arc;

use jiff::Timestamp;

use super::common::people::Person;
use seatsync::cycle::last_known::AccountsLastKnown;
use seatsync::cycle::people::KnownPeople;
use seatsync::desired::{self, Desired, Reading};
use seatsync::model::settings::Settings;
use seatsync::model::snapshot::{Kind, Members, Role, ScopeKey, Snapshot, Whereabouts};
use seatsync::model::{
    Account, AccountId, Anchor, Assignment, Digest, Dn, Name, PersonId, PoolCount, Profile, SeatState, Sighting,
    Standing,
};
use seatsync::plan::World;
use seatsync::ports::Accounts as _;
use seatsync::settings;
use seatsync::state::State;

pub const CHANGES: usize = 1_000;
/// With fewer people the changes would meet the guard's limit.
pub const FEWEST: usize = 10 * CHANGES;

const BASE: &str = "dc=lab,dc=test";
const GROUP: &str = "cn=engineers,ou=groups,dc=lab,dc=test";

/// What becomes of somebody in this cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Joins,
    Leaves,
    IsRenamed,
    Moves,
    Stays,
}

/// Those who change lie evenly among the others.
fn fate(number: usize, people: usize) -> Fate {
    let apart = people / CHANGES;
    let turn = number / apart;
    if !number.is_multiple_of(apart) || turn >= CHANGES {
        return Fate::Stays;
    }
    [Fate::Joins, Fate::Leaves, Fate::IsRenamed, Fate::Moves][turn % 4]
}

/// One in four of those who stay holds a seat of the engineers' pool.
fn is_engineer(number: usize, fate: Fate) -> bool {
    fate == Fate::Stays && number % 4 == 1
}

/// Everything a plan is made of.
pub struct Company {
    now: Timestamp,
    settings: Settings,
    snapshot: Snapshot,
    located: BTreeMap<Anchor, Whereabouts>,
    known: KnownPeople,
    accounts: Vec<Account>,
    pools: BTreeMap<Name, PoolCount>,
    managed: BTreeMap<Name, u32>,
    remembered: AccountsLastKnown,
}

impl Company {
    pub fn new(people: usize) -> Self {
        let now = "2026-01-01T00:00:00Z".parse().expect("a time");
        let settings = settings_for(people);
        let accounts = accounts(people, now);
        let held = |pool: &Name| count(accounts.iter().filter(|account| account.seats[0].pool == *pool).count());
        let pool = |name: &Name, seats| PoolCount { name: name.clone(), seats, held: held(name), waiting: 0 };
        let pools = settings
            .pools
            .iter()
            .map(|known| (known.name.clone(), pool(&known.name, known.seats.unwrap_or_default())))
            .collect();
        let managed = BTreeMap::from([(Name::from("corp"), count(accounts.len()))]);
        Self {
            now,
            settings,
            snapshot: snapshot(people, now),
            located: BTreeMap::new(),
            known: KnownPeople::default(),
            remembered: remember(&accounts, now),
            accounts,
            pools,
            managed,
        }
    }

    pub fn desire(&self) -> Desired<'_> {
        let reading = Reading {
            settings: &self.settings.directories[0],
            snapshot: &self.snapshot,
            located: &self.located,
            known: &self.known,
            former: &self.known.former,
        };
        desired::desire(&self.settings, &[reading], &BTreeSet::new(), &self.accounts, self.now)
    }

    pub fn world<'a>(&'a self, desired: &'a Desired<'a>) -> World<'a> {
        World {
            now: self.now,
            settings: &self.settings,
            desired,
            accounts: &self.accounts,
            pools: &self.pools,
            remembered: &self.remembered,
            marks: &[],
            confirmations: &[],
            managed: &self.managed,
        }
    }
}

/// What the agent knew after the cycle before.
fn remember(accounts: &[Account], now: Timestamp) -> AccountsLastKnown {
    let mut state = State::in_memory().expect("a state");
    state.observe(accounts, &[], now).expect("storing the accounts");
    AccountsLastKnown::load(&state).expect("reading the accounts back")
}

fn settings_for(people: usize) -> Settings {
    let folder = tempfile::tempdir().expect("a folder for the config");
    let path = folder.path().join("seatsync.toml");
    fs::write(folder.path().join("people.ldif"), "").expect("writing an empty directory");
    let text = format!(
        "[[directory]]\nname = \"corp\"\nkind = \"ldif\"\npath = \"people.ldif\"\nbase = [\"{BASE}\"]\n\n\
         [[pool]]\nname = \"engineering\"\nseats = {people}\ngroups = [\"{GROUP}\"]\nfallback = \"standard\"\n\n\
         [[pool]]\nname = \"standard\"\nseats = {people}\n\n\
         [backend]\nkind = \"embedded\"\ncompany = \"acme\"\n",
    );
    fs::write(&path, text).expect("writing the config");
    settings::load(&path, &BTreeMap::new()).unwrap_or_else(|problems| panic!("{problems}")).settings
}

fn snapshot(people: usize, now: Timestamp) -> Snapshot {
    let mut sightings: Vec<Sighting> = (0..people).map(|number| sighting(number, people, now)).collect();
    sightings.sort_by_key(|sighting| sighting.anchor);
    let way: Arc<[String]> = Arc::from([GROUP.to_owned()]);
    let is_in = |number: &usize| {
        let fate = fate(*number, people);
        fate == Fate::Moves || is_engineer(*number, fate)
    };
    let members: Members = (0..people).filter(is_in).map(|number| (anchor(number), Arc::clone(&way))).collect();
    Snapshot {
        directory: "corp".into(),
        kind: Kind::Ldif,
        server: "people.ldif".to_owned(),
        read_at: now,
        people: sightings,
        unidentified: Vec::new(),
        members: BTreeMap::from([(ScopeKey { role: Role::Group, dn: GROUP.into() }, members)]),
        by_uid: Vec::new(),
        gone: BTreeMap::new(),
        gone_uids: BTreeMap::new(),
        computed: false,
        nested: None,
        followed: BTreeMap::new(),
        scope: BTreeMap::new(),
        entries: people as u64,
        foreign: 0,
        dangling: 0,
        partial: None,
        watermark: None,
    }
}

fn sighting(number: usize, people: usize, now: Timestamp) -> Sighting {
    let fate = fate(number, people);
    let person = Person::new(number);
    let mut profile = profile(&person);
    if fate == Fate::IsRenamed {
        profile.display_name = Some("Somebody Else".to_owned());
    }
    Sighting {
        anchor: anchor(number),
        dn: Dn::parse(&person.dn(BASE)).expect("a DN"),
        standing: if fate == Fate::Leaves { Standing::Disabled } else { Standing::Enabled },
        sign: None,
        profile,
        quarantine: None,
        created: Some(now),
        due: None,
        uids: vec![person.uid],
        logon: None,
        entry: Digest::of(&()),
        primary_group: None,
        member_of: Vec::new(),
    }
}

/// By owner, as the backend's are when a cycle plans.
fn accounts(people: usize, now: Timestamp) -> Vec<Account> {
    let pools: [Name; 2] = ["engineering".into(), "standard".into()];
    let corp = Name::from("corp");
    let known = (0..people).filter(|number| fate(*number, people) != Fate::Joins);
    let account = |number: usize| {
        let pool = &pools[usize::from(!is_engineer(number, fate(number, people)))];
        Account {
            id: AccountId(number.to_string().into()),
            owner: Some(PersonId::new(corp.clone(), anchor(number))),
            external: None,
            adopted: false,
            profile: profile(&Person::new(number)),
            suspension: None,
            seats: vec![seat(pool, now)],
        }
    };
    let mut accounts: Vec<Account> = known.map(account).collect();
    accounts.sort_by(|a, b| a.owner.cmp(&b.owner));
    accounts
}

fn seat(pool: &Name, now: Timestamp) -> Assignment {
    Assignment {
        pool: pool.clone(),
        state: SeatState::Held,
        since: now,
        approved: false,
        rank: 0,
        created: now,
        fallback_for: None,
        instead_of: Vec::new(),
        ours: true,
    }
}

fn profile(person: &Person) -> Profile {
    Profile {
        user_name: person.uid.clone(),
        email: person.email.clone(),
        given_name: Some(person.given_name.to_owned()),
        family_name: Some(person.family_name.to_owned()),
        display_name: Some(person.display_name.clone()),
    }
}

fn anchor(number: usize) -> Anchor {
    Person::new(number).anchor.into()
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
