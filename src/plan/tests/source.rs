//! A directory in memory, and the people in it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;

use crate::desired::Known;
use crate::model::snapshot::{FormerNames, Kind, Partial, Role, ScopeKey, Snapshot, Whereabouts};
use crate::model::user::{Sighting, Standing};
use crate::model::{Anchor, Digest, Dn, Name, PersonId, Profile};

/// Seconds after the scene begins.
pub fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

/// Anchors are numbers here.
pub fn anchor(n: u32) -> Anchor {
    let mut bytes = [0; 16];
    bytes[12..].copy_from_slice(&n.to_be_bytes());
    Anchor::from_bytes(bytes)
}

pub fn number(anchor: Anchor) -> u32 {
    u32::from_be_bytes(anchor.as_bytes()[12..].try_into().unwrap())
}

/// Number `n` of the directory `corp`.
pub fn who(n: u32) -> PersonId {
    PersonId::new("corp".into(), anchor(n))
}

pub fn profile(name: &str) -> Profile {
    Profile { user_name: name.to_owned(), email: format!("{name}@acme.example"), ..Profile::default() }
}

pub fn sighting(n: u32) -> Sighting {
    Sighting {
        anchor: anchor(n),
        dn: Dn::parse(&format!("CN=p{n},DC=acme")).unwrap(),
        standing: Standing::Enabled,
        sign: None,
        profile: profile(&format!("p{n}")),
        quarantine: None,
        created: Some(at(-1000)),
        due: None,
        uids: Vec::new(),
        logon: None,
        entry: Digest::of(&()),
        primary_group: None,
        member_of: Vec::new(),
    }
}

/// One directory as it would be read now.
#[derive(Clone, Debug, Default)]
pub struct Source {
    pub people: Vec<Sighting>,
    pub groups: BTreeMap<Arc<str>, BTreeSet<u32>>,
    pub partial: bool,
    /// Cannot be reached at all.
    pub unread: bool,
    /// What a lookup finds of those who are not among the people.
    pub elsewhere: BTreeMap<Anchor, Whereabouts>,
    pub mirror: Mirror,
    pub former: FormerNames,
}

#[derive(Clone, Debug, Default)]
pub struct Mirror {
    pub first_seen: BTreeMap<Anchor, Timestamp>,
    pub missed: BTreeSet<Anchor>,
    pub unplaced: BTreeSet<Anchor>,
}

impl Known for Mirror {
    fn first_seen(&self, anchor: &Anchor) -> Option<Timestamp> {
        self.first_seen.get(anchor).copied()
    }
    fn missed_before(&self, anchor: &Anchor) -> bool {
        self.missed.contains(anchor)
    }
    fn is_unplaced(&self, anchor: &Anchor) -> bool {
        self.unplaced.contains(anchor)
    }
}

impl Source {
    pub fn snapshot(&self, name: &Name, now: Timestamp) -> Snapshot {
        let none: Arc<[String]> = Arc::new([]);
        let members = |(dn, people): (&Arc<str>, &BTreeSet<u32>)| {
            let members: HashMap<Anchor, Arc<[String]>> = people.iter().map(|&n| (anchor(n), none.clone())).collect();
            (ScopeKey { role: Role::Group, dn: dn.clone() }, members)
        };
        Snapshot {
            directory: name.clone(),
            kind: Kind::Ldif,
            server: "test".into(),
            read_at: now,
            people: self.people.clone(),
            unidentified: Vec::new(),
            members: self.groups.iter().map(members).collect(),
            by_uid: Vec::new(),
            gone: BTreeMap::new(),
            gone_uids: BTreeMap::new(),
            computed: false,
            nested: None,
            followed: BTreeMap::new(),
            scope: BTreeMap::new(),
            entries: self.people.len() as u64,
            foreign: 0,
            dangling: 0,
            partial: self.partial.then(|| Partial { message: "a page is missing".into() }),
            watermark: None,
        }
    }
}
