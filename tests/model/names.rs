//! The company in the product's words: names, times and the compiled config.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use seatsync::model::change::Promotion;
use seatsync::model::settings::{
    Adopt, AgentSettings, AttributeSettings, BackendKind, BackendSettings, DirectorySettings, Drift, GroupRef,
    GuardSettings, LeaverSettings, LogFormat, LogSettings, Match, PoolSettings, SeatSettings, Settings, Source,
    StatusSettings,
};
use seatsync::model::{Anchor, Name, PersonId};

use super::company::{Company, DAY, Pool, REMOVE_AFTER, Time, Who};

/// The approved mail domain, and another.
pub const DOMAINS: [&str; 2] = ["inside.example", "outside.example"];

/// Minute 0 of every history, in seconds since 1970.
const START: i64 = 1_800_000_000;

pub fn time(minutes: Time) -> Timestamp {
    Timestamp::from_second(START + minutes * 60).expect("a time")
}

pub fn minutes(time: Timestamp) -> Time {
    (time.as_second() - START) / 60
}

/// Not in the order of their names, so that nothing can depend on it.
pub fn directory_name(index: usize) -> Name {
    Name::from(["west", "east"][index])
}

/// As `directory_name`.
pub fn pool_name(pool: Pool) -> Name {
    Name::from(["silver", "gold", "bronze"][pool])
}

pub fn pool_of(name: &str) -> Option<Pool> {
    (0..3).find(|pool| &*pool_name(*pool) == name)
}

/// In the order of the people.
pub fn anchor(who: Who) -> Anchor {
    let mut bytes = [7; 16];
    bytes[0] = u8::try_from(who).expect("few people");
    Anchor::from_bytes(bytes)
}

pub fn who_of(anchor: Anchor) -> Who {
    usize::from(anchor.as_bytes()[0])
}

pub fn person(company: &Company, who: Who) -> PersonId {
    PersonId::new(directory_name(company.directory_of(who)), anchor(who))
}

pub fn mail(who: Who, (mail, outsider): (u8, bool)) -> String {
    format!("u{who}.{mail}@{}", DOMAINS[usize::from(outsider)])
}

pub fn group_dn(directory: usize, group: &str) -> Arc<str> {
    format!("cn={group},dc={}", directory_name(directory)).into()
}

fn long(minutes: Time) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

pub fn settings(company: &Company, folder: &Path) -> Settings {
    Settings {
        agent: AgentSettings {
            name: "model".to_owned(),
            state_dir: folder.join("state"),
            poll: Duration::from_mins(5),
            full: Duration::from_hours(24),
            push: false,
            dry_run: false,
            options: String::new(),
        },
        directories: (0..company.directories).map(|index| directory(index, folder)).collect(),
        pools: (0..company.pools.len()).map(|pool| pool_settings(company, pool)).collect(),
        seats: SeatSettings {
            match_: if company.match_all { Match::All } else { Match::First },
            approve_joiners: company.approve_joiners,
            promotion: if company.automatic { Promotion::Automatic } else { Promotion::Manual },
            approved_domains: company.approved_domains.then(|| vec![DOMAINS[0].to_owned()]),
        },
        leavers: LeaverSettings {
            disabled: company.disabled,
            deleted: company.deleted,
            out_of_scope: company.out_of_scope,
            remove_after: Some(long(REMOVE_AFTER)),
            suspended_keeps_seat: company.suspended_keeps_seat,
        },
        guard: GuardSettings {
            percent: u32::try_from(company.percent).expect("a percentage"),
            floor: u32::try_from(company.floor).expect("a small number"),
            window: long(DAY),
            confirm_within: long(DAY),
        },
        backend: BackendSettings {
            kind: BackendKind::Embedded { path: folder.join("ledger.db") },
            company: Name::from("acme"),
            adopt: Adopt::None,
            drift: Drift::Repair,
        },
        log: LogSettings { format: LogFormat::Text, level: "off".to_owned() },
        status: StatusSettings { listen: None, tls: None, token: None },
        notify: None,
        digest: "model".to_owned(),
    }
}

fn pool_settings(company: &Company, pool: Pool) -> PoolSettings {
    let groups = |name: &str| {
        let of = |directory| GroupRef { directory: directory_name(directory), dn: group_dn(directory, name) };
        (0..company.directories).map(of).collect::<Vec<_>>()
    };
    let rule = &company.pools[pool];
    PoolSettings {
        name: pool_name(pool),
        groups: (!rule.everyone).then(|| groups(&pool_name(pool))),
        priority: [groups("first"), groups("second")].concat(),
        fallback: rule.fallback.map(pool_name),
        seats: Some(rule.seats),
    }
}

fn directory(index: usize, folder: &Path) -> DirectorySettings {
    DirectorySettings {
        name: directory_name(index),
        kind: None,
        source: Source::Ldif { path: folder.join("never-read.ldif") },
        bases: vec![format!("dc={}", directory_name(index)).into()],
        filter: None,
        groups: Vec::new(),
        exclude_groups: Vec::new(),
        attributes: AttributeSettings::default(),
    }
}
