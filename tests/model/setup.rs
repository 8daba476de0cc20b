//! The config of one history, small enough to read, and the world it is about.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use seatsync::model::change::Promotion;
use seatsync::model::settings::{
    Adopt, AgentSettings, AttributeSettings, BackendKind, BackendSettings, DirectorySettings, Drift, GroupRef,
    GuardSettings, LeaverRule, LeaverSettings, LogFormat, LogSettings, Match, PoolSettings, SeatSettings, Settings,
    Source,
};
use seatsync::model::{Anchor, LeaveCause, Name, PersonId};

/// What a history starts from. Operations change seats and promotion on the way.
#[derive(Clone, Debug)]
pub struct Setup {
    pub directories: usize,
    pub people: Vec<Person>,
    pub pools: Vec<Pool>,
    pub match_all: bool,
    pub approve_joiners: bool,
    pub automatic: bool,
    /// Only mail addresses with an even number are of an approved domain.
    pub approved_domains: bool,
    pub floor: u32,
    pub percent: u32,
    pub suspended_keeps_seat: bool,
    pub disabled: LeaverRule,
    pub deleted: LeaverRule,
    pub out_of_scope: LeaverRule,
    /// Accounts the agent did not make: the pool each holds a seat of, and the number of its mail address.
    pub strangers: Vec<(usize, u8)>,
}

#[derive(Clone, Debug)]
pub struct Pool {
    pub seats: u32,
    /// Takes everyone, not only the members of its group.
    pub everyone: bool,
    pub fallback: Option<usize>,
}

/// Where somebody's entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Enabled,
    Disabled,
    /// Outside the bases.
    Outside,
    /// Deleted, and the directory says so.
    Tombstone,
    /// Deleted without a trace, or never there.
    Nowhere,
}

/// Somebody in the world, whatever the directory shows of them.
#[derive(Clone, Debug)]
pub struct Person {
    pub directory: usize,
    pub place: Place,
    /// Numbers of the values: few, so that people get in each other's way.
    pub name: u8,
    pub mail: u8,
    pub display: u8,
    /// Member of the group of each pool.
    pub member: [bool; 3],
    /// Member of the group that comes first in every pool.
    pub first: bool,
    /// The entry cannot be used.
    pub spoiled: bool,
    /// Hour of the entry's creation; None: the directory does not tell.
    pub created: Option<i64>,
}

/// What goes wrong when a directory is read, once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    #[default]
    None,
    /// Nothing could be read.
    Fails,
    /// The read broke off, and said so: these people (a bit each) were not reached.
    Partial(u8),
    /// The read lost these people, and did not say so.
    Loses(u8),
    /// The same, and the lookup by anchor fails.
    LookupFails(u8),
    /// The last known parent of who is nowhere cannot be read.
    ParentGone,
}

impl Fault {
    /// Whether the read shows this person's entry, if it is under the base.
    pub const fn shows(self, index: usize) -> bool {
        match self {
            Self::None | Self::ParentGone => true,
            Self::Fails => false,
            Self::Partial(hidden) | Self::Loses(hidden) | Self::LookupFails(hidden) => hidden >> index & 1 == 0,
        }
    }
}

pub const WINDOW: SignedDuration = SignedDuration::from_hours(24);
pub const CONFIRM_WITHIN: SignedDuration = SignedDuration::from_hours(24);
pub const REMOVE_AFTER: SignedDuration = SignedDuration::from_hours(48);

/// The hour a history starts, since 1970.
const START: i64 = 470_000;

pub fn hour(hours: i64) -> Timestamp {
    Timestamp::from_second((START + hours) * 3600).expect("a time")
}

pub fn directory_name(index: usize) -> Name {
    Name::from(["east", "west"][index])
}

pub fn pool_name(index: usize) -> Name {
    Name::from(["gold", "iron", "tin"][index])
}

/// In another order than the people.
pub fn anchor(index: usize) -> Anchor {
    let mut bytes = [7; 16];
    bytes[0] = u8::try_from(index * 101 % 251).expect("few people");
    bytes[15] = u8::try_from(index).expect("few people");
    Anchor::from_bytes(bytes)
}

pub fn group_dn(directory: usize, group: &str) -> Arc<str> {
    format!("cn={group},dc={}", directory_name(directory)).into()
}

pub fn mail(number: u8) -> String {
    format!("m{number}@{}.test", if number % 2 == 0 { "even" } else { "odd" })
}

impl Setup {
    pub fn who(&self, index: usize) -> PersonId {
        PersonId::new(directory_name(self.people[index].directory), anchor(index))
    }

    pub fn rule(&self, cause: LeaveCause) -> LeaverRule {
        match cause {
            LeaveCause::Disabled | LeaveCause::Expired => self.disabled,
            LeaveCause::Deleted => self.deleted,
            LeaveCause::OutOfScope => self.out_of_scope,
        }
    }

    /// The pools whose group somebody is in, in order; the first alone, where one is enough.
    pub fn asks(&self, index: usize) -> Vec<usize> {
        let person = &self.people[index];
        let matching = (0..self.pools.len()).filter(|&pool| self.pools[pool].everyone || person.member[pool]);
        if self.match_all { matching.collect() } else { matching.take(1).collect() }
    }

    pub fn settings(&self, folder: &Path) -> Settings {
        Settings {
            agent: AgentSettings {
                name: "test".to_owned(),
                state_dir: folder.join("state"),
                poll: Duration::from_secs(300),
                full: Duration::from_secs(86400),
                dry_run: false,
            },
            directories: (0..self.directories).map(|index| directory(index, folder)).collect(),
            pools: (0..self.pools.len()).map(|index| self.pool(index)).collect(),
            seats: SeatSettings {
                match_: if self.match_all { Match::All } else { Match::First },
                approve_joiners: self.approve_joiners,
                promotion: if self.automatic { Promotion::Automatic } else { Promotion::Manual },
                approved_domains: self.approved_domains.then(|| vec!["even.test".to_owned()]),
            },
            leavers: LeaverSettings {
                disabled: self.disabled,
                deleted: self.deleted,
                out_of_scope: self.out_of_scope,
                remove_after: Some(REMOVE_AFTER),
                suspended_keeps_seat: self.suspended_keeps_seat,
            },
            guard: GuardSettings {
                percent: self.percent,
                floor: self.floor,
                window: WINDOW,
                confirm_within: CONFIRM_WITHIN,
            },
            backend: BackendSettings {
                kind: BackendKind::Embedded { path: folder.join("ledger.db") },
                company: Name::from("acme"),
                adopt: Adopt::None,
                drift: Drift::Repair,
            },
            log: LogSettings { format: LogFormat::Text, level: "off".to_owned() },
            digest: "test".to_owned(),
        }
    }

    fn pool(&self, index: usize) -> PoolSettings {
        let pool = &self.pools[index];
        let groups = |name: &str| {
            let group = |d| GroupRef { directory: directory_name(d), dn: group_dn(d, name) };
            (0..self.directories).map(group).collect::<Vec<_>>()
        };
        let name = pool_name(index);
        PoolSettings {
            groups: (!pool.everyone).then(|| groups(&name)),
            priority: groups("first"),
            fallback: pool.fallback.map(pool_name),
            seats: pool.seats,
            name,
        }
    }
}

fn directory(index: usize, folder: &Path) -> DirectorySettings {
    DirectorySettings {
        name: directory_name(index),
        kind: None,
        source: Source::Ldif { path: folder.join("unused.ldif") },
        bases: vec![format!("dc={}", directory_name(index)).into()],
        filter: None,
        groups: Vec::new(),
        exclude_groups: Vec::new(),
        attributes: AttributeSettings::default(),
    }
}
