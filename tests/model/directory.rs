//! A directory in memory that shows the world, and now and then not all of it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::Timestamp;
use seatsync::model::snapshot::{Kind, Members, Partial, Role, ScopeKey, Snapshot, Whereabouts};
use seatsync::model::{Anchor, Defect, Dn, Name, Profile, Quarantine, Sighting, Standing};
use seatsync::ports::{Directory, Missing, Persistence, Probe, ReadError, ReadRequest};

use super::setup::{Fault, Person, Place, Setup, anchor, directory_name, group_dn, hour, mail, pool_name};

/// What all directories look at.
#[derive(Debug)]
pub struct World {
    pub setup: Setup,
    /// What goes wrong at the next read, by directory.
    pub faults: [Fault; 2],
}

#[derive(Debug)]
pub struct InMemory {
    name: Name,
    index: usize,
    world: Arc<Mutex<World>>,
}

impl InMemory {
    pub fn new(index: usize, world: &Arc<Mutex<World>>) -> Self {
        Self { name: directory_name(index), index, world: Arc::clone(world) }
    }
}

pub fn profile(person: &Person) -> Profile {
    Profile {
        user_name: format!("n{}", person.name),
        email: mail(person.mail),
        given_name: None,
        family_name: None,
        display_name: Some(format!("d{}", person.display)),
    }
}

fn sighting(index: usize, person: &Person) -> Sighting {
    let spoiled =
        || Quarantine { attribute: "mail".to_owned(), reason: Defect::Missing, message: "no mail".to_owned() };
    let standing = if person.place == Place::Disabled { Standing::Disabled } else { Standing::Enabled };
    Sighting {
        anchor: anchor(index),
        dn: Dn::parse(&format!("uid=u{index},dc={}", directory_name(person.directory))).expect("a DN"),
        standing,
        profile: profile(person),
        quarantine: person.spoiled.then(spoiled),
        created: person.created.map(hour),
        due: None,
        uid: None,
        primary_group: None,
        member_of: Vec::new(),
    }
}

fn failure(doing: &str) -> ReadError {
    ReadError { doing: doing.to_owned(), persistence: Persistence::Transient, source: None }
}

impl World {
    fn people(&self, directory: usize) -> impl Iterator<Item = (usize, &Person)> {
        self.setup.people.iter().enumerate().filter(move |(_, person)| person.directory == directory)
    }

    fn members(&self, directory: usize) -> BTreeMap<ScopeKey, Members> {
        let group = |name: &str, is_in: &dyn Fn(&Person) -> bool| {
            let dn = group_dn(directory, name);
            let chain: Arc<[String]> = Arc::from(vec![dn.to_string()]);
            let members = self.people(directory).filter(|(_, person)| is_in(person));
            let members: Members =
                members.map(|(index, _)| (anchor(index), Arc::clone(&chain))).collect::<HashMap<_, _>>();
            (ScopeKey { role: Role::Group, dn }, members)
        };
        let pools = (0..self.setup.pools.len()).map(|pool| group(&pool_name(pool), &|person| person.member[pool]));
        pools.chain([group("first", &|person| person.first)]).collect()
    }
}

#[async_trait]
impl Directory for InMemory {
    fn name(&self) -> &Name {
        &self.name
    }

    async fn read(
        &mut self,
        request: &ReadRequest,
        _progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Snapshot, ReadError> {
        let world = self.world.lock().expect("the world");
        let fault = world.faults[self.index];
        if fault == Fault::Fails {
            return Err(failure("reading the directory"));
        }
        let visible = |(index, person): &(usize, &Person)| {
            matches!(person.place, Place::Enabled | Place::Disabled) && fault.shows(*index)
        };
        let people: Vec<Sighting> =
            world.people(self.index).filter(visible).map(|(index, person)| sighting(index, person)).collect();
        Ok(Snapshot {
            directory: self.name.clone(),
            kind: Kind::Ldif,
            server: "memory".to_owned(),
            read_at: request.now,
            entries: people.len() as u64,
            people,
            unidentified: Vec::new(),
            members: world.members(self.index),
            scope: BTreeMap::new(),
            foreign: 0,
            dangling: 0,
            partial: matches!(fault, Fault::Partial(_)).then(|| Partial { message: "broke off".to_owned() }),
            watermark: None,
        })
    }

    async fn locate(
        &mut self,
        missing: &[Missing],
        _now: Timestamp,
    ) -> Result<BTreeMap<Anchor, Whereabouts>, ReadError> {
        let world = self.world.lock().expect("the world");
        let fault = world.faults[self.index];
        if matches!(fault, Fault::LookupFails(_)) {
            return Err(failure("looking for people"));
        }
        let whereabouts = |missing: &Missing| {
            let (index, person) = world.people(self.index).find(|(index, _)| anchor(*index) == missing.anchor)?;
            let entry = Box::new(sighting(index, person));
            let found = match person.place {
                Place::Enabled => Whereabouts::Overlooked(entry),
                Place::Disabled => Whereabouts::Left(entry),
                Place::Outside => Whereabouts::OutOfScope(entry),
                Place::Tombstone => Whereabouts::Tombstone,
                Place::Nowhere => Whereabouts::Nowhere { parent_readable: fault != Fault::ParentGone },
            };
            Some((missing.anchor, found))
        };
        Ok(missing.iter().filter_map(whereabouts).collect())
    }

    async fn probe(&mut self) -> Vec<Probe> {
        Vec::new()
    }

    async fn close(&mut self) {}
}
