//! A directory in memory that shows the company's people, and now and then not all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::Timestamp;
use seatsync::model::memory::KnownEntry;
use seatsync::model::snapshot::{
    Changes, Compared, Comparison, Followed, Groups, Kind, Listed, Members, Partial, Pin, Role, ScopeKey, Snapshot,
    Sought, Watermark, Whereabouts,
};
use seatsync::model::{Anchor, Defect, Digest, Dn, Name, Profile, Quarantine, Sighting, Standing};
use seatsync::ports::{Directory, Missing, Persistence, Pins, Probed, ReadError, ReadRequest, Roster};

use super::company::{Company, Fault, Person, Place, Who};
use super::names::{anchor, directory_name, group_dn, mail, pool_name, time};

/// What all directories look at.
#[derive(Debug)]
pub struct World {
    pub company: Company,
    /// What goes wrong at the next read of each.
    pub faults: Vec<Fault>,
}

#[derive(Debug)]
pub struct InMemory {
    pub name: Name,
    pub index: usize,
    pub world: Arc<Mutex<World>>,
    /// Everyone as they were whenever somebody looked: what a watermark counts.
    pub moments: Vec<Vec<Person>>,
}

fn place(who: Who) -> Dn {
    Dn::parse(&format!("uid=u{who},dc=example")).expect("a DN")
}

fn sighting(who: Who, person: &Person) -> Sighting {
    let spoiled =
        || Quarantine { attribute: "mail".to_owned(), reason: Defect::Missing, message: "has no mail".to_owned() };
    Sighting {
        anchor: anchor(who),
        dn: place(who),
        standing: if person.place == Place::Disabled { Standing::Disabled } else { Standing::Enabled },
        sign: None,
        profile: Profile {
            user_name: format!("u{who}"),
            email: if person.spoiled { String::new() } else { mail(who, person.address()) },
            display_name: Some(format!("nickname {}", person.nickname)),
            ..Profile::default()
        },
        quarantine: person.spoiled.then(spoiled),
        created: person.created.map(time),
        due: None,
        uids: Vec::new(),
        logon: None,
        entry: Digest::of(&(who, format!("{:?}", Person { member: [false; 3], priority: None, ..person.clone() }))),
        primary_group: None,
        member_of: Vec::new(),
    }
}

/// The moment that it is now.
fn moment(moments: &mut Vec<Vec<Person>>, world: &World) -> Watermark {
    moments.push(world.company.people.clone());
    let position = BTreeMap::from([("moment".to_owned(), (moments.len() - 1).to_string())]);
    Watermark { server: "memory".to_owned(), position, at: None }
}

fn failure(doing: &str) -> ReadError {
    ReadError { doing: doing.to_owned(), advice: None, persistence: Persistence::Transient, source: None }
}

impl World {
    fn people(&self, directory: usize) -> impl DoubleEndedIterator<Item = (Who, &Person)> {
        self.company.people.iter().enumerate().filter(move |(who, _)| self.company.directory_of(*who) == directory)
    }

    fn group(&self, directory: usize, name: &str, has: impl Fn(&Person) -> bool) -> (ScopeKey, Members) {
        let dn = group_dn(directory, name);
        let chain: Arc<[String]> = Arc::from(vec![dn.to_string()]);
        let members = self.people(directory).filter(|(_, person)| has(person));
        let members = members.map(|(who, _)| (anchor(who), Arc::clone(&chain))).collect();
        (ScopeKey { role: Role::Group, dn }, members)
    }

    fn groups(&self, directory: usize) -> BTreeMap<ScopeKey, Members> {
        let of_pool = |pool: usize| self.group(directory, &pool_name(pool), move |person| person.member[pool]);
        let first = self.group(directory, "first", |person| person.priority == Some(0));
        let second = self.group(directory, "second", |person| person.priority == Some(1));
        (0..self.company.pools.len()).map(of_pool).chain([first, second]).collect()
    }
}

impl InMemory {
    fn find(&self, missing: &[Missing], any_standing: bool) -> Result<BTreeMap<Anchor, Whereabouts>, ReadError> {
        let world = self.world.lock().expect("the world");
        let fault = world.faults[self.index];
        if matches!(fault, Fault::LookupFails(_)) {
            return Err(failure("looking for people"));
        }
        let whereabouts = |missing: &Missing| {
            let (who, person) = world.people(self.index).find(|(who, _)| anchor(*who) == missing.anchor)?;
            let entry = Box::new(sighting(who, person));
            let found = match person.place {
                Place::Enabled => Whereabouts::Overlooked(entry),
                Place::Disabled if any_standing => Whereabouts::Overlooked(entry),
                Place::Disabled => Whereabouts::Left(entry),
                Place::Outside => Whereabouts::OutOfScope(entry),
                Place::Tombstone => Whereabouts::Tombstone,
                Place::Nowhere => Whereabouts::Nowhere { parent_readable: fault != Fault::ParentGone },
            };
            Some((missing.anchor, found))
        };
        Ok(missing.iter().filter_map(whereabouts).collect())
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
            return Err(failure("reaching the directory"));
        }
        let under_base = |person: &Person| matches!(person.place, Place::Enabled | Place::Disabled);
        let shown = world.people(self.index).filter(|(who, person)| under_base(person) && fault.reaches(*who));
        // A read that lost somebody unnoticed is followed by a whole one, as it is once a day: no change tells of them.
        let watermark = (fault == Fault::None).then(|| moment(&mut self.moments, &world));
        // Not in the order of the anchors: no plan may depend on it.
        let people: Vec<Sighting> = shown.rev().map(|(who, person)| sighting(who, person)).collect();
        // A group is walked by the people of the read: whoever was not seen is in none.
        let seen: BTreeSet<Anchor> = people.iter().map(|person| person.anchor).collect();
        let mut members = world.groups(self.index);
        for members in members.values_mut() {
            members.retain(|anchor, _| seen.contains(anchor));
        }
        Ok(Snapshot {
            directory: self.name.clone(),
            kind: Kind::OpenLdap,
            server: "memory".to_owned(),
            read_at: request.now,
            entries: people.len() as u64,
            people,
            unidentified: Vec::new(),
            members,
            by_uid: Vec::new(),
            gone: BTreeMap::new(),
            gone_uids: BTreeMap::new(),
            computed: false,
            nested: None,
            followed: BTreeMap::new(),
            scope: BTreeMap::new(),
            foreign: 0,
            dangling: 0,
            partial: matches!(fault, Fault::Partial(_)).then(|| Partial { message: "broke off".to_owned() }),
            watermark,
        })
    }

    async fn follow(&mut self, request: &ReadRequest) -> Result<Followed, ReadError> {
        let world = self.world.lock().expect("the world");
        let now = &world.company.people;
        let at = request.watermark.as_ref().and_then(|last| last.position["moment"].parse::<usize>().ok());
        let last = at.and_then(|at| self.moments.get(at).cloned());
        let Some(last) = last.filter(|_| world.faults[self.index] == Fault::None) else {
            return Ok(Followed::Untold("something is out of order".to_owned()));
        };
        let groups = |person: &Person| (person.member, person.priority);
        let other_groups = last.iter().zip(now).any(|(before, now)| groups(before) != groups(now));
        // Who came into a group, or left it, did not change.
        let entry = |person: &Person| Person { member: [false; 3], priority: None, ..person.clone() };
        let changed = last.iter().zip(now).enumerate().filter(|(_, (before, now))| entry(before) != entry(now));
        let mine = changed.filter(|(who, _)| world.company.directory_of(*who) == self.index);
        let people: BTreeSet<Anchor> = mine.map(|(who, _)| anchor(who)).collect();
        let entries = people.len() as u64;
        Ok(Followed::Changes(Changes {
            kind: Kind::OpenLdap,
            server: "memory".to_owned(),
            people,
            deleted: BTreeSet::new(),
            there: None,
            groups: other_groups,
            entries,
            watermark: Some(moment(&mut self.moments, &world)),
        }))
    }

    async fn compare(
        &mut self,
        request: &ReadRequest,
        known: Vec<KnownEntry>,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Compared, ReadError> {
        let Snapshot { kind, server, people, partial, entries, watermark, .. } = self.read(request, progress).await?;
        if let Some(Partial { message }) = partial {
            return Ok(Compared::Untold(message));
        }
        let came: BTreeSet<Anchor> = people.iter().map(|person| person.anchor).collect();
        let gone = known.iter().filter(|known| !known.is_gone && !came.contains(&known.anchor));
        let unseen = gone.map(|known| known.anchor).collect();
        let before: BTreeMap<Anchor, Option<Digest>> = known.iter().map(|known| (known.anchor, known.entry)).collect();
        let is_other = |person: &Sighting| before.get(&person.anchor) != Some(&Some(person.entry));
        let mut changed: Vec<Sighting> = people.into_iter().filter(is_other).collect();
        changed.sort_by_key(|person| person.anchor);
        Ok(Compared::Whole(Comparison { kind, server, changed, unseen, entries, watermark }))
    }

    async fn groups(&mut self, _request: &ReadRequest, roster: &mut dyn Roster) -> Result<Listed, ReadError> {
        let world = self.world.lock().expect("the world");
        let people: Vec<Who> = world.people(self.index).map(|(who, _)| who).collect();
        let places: Vec<Dn> = people.iter().map(|who| place(*who)).collect();
        let here = roster.at(&places.iter().collect::<Vec<_>>()).map_err(|_| failure("asking who lies where"))?;
        let mut members = world.groups(self.index);
        for (who, here) in people.into_iter().zip(here) {
            assert!(here.is_none_or(|here| here == anchor(who)), "{here:?} lies at the place of {who}");
            if here.is_none() {
                for members in members.values_mut() {
                    members.remove(&anchor(who));
                }
            }
        }
        Ok(Listed::Groups(Groups { members, nested: Some(Vec::new()), ..Groups::default() }))
    }

    async fn locate(
        &mut self,
        missing: &[Missing],
        _now: Timestamp,
    ) -> Result<BTreeMap<Anchor, Whereabouts>, ReadError> {
        self.find(missing, false)
    }

    async fn look(&mut self, people: &[Missing], _now: Timestamp) -> Result<BTreeMap<Anchor, Whereabouts>, ReadError> {
        self.find(people, true)
    }

    async fn seek(&mut self, _: &str, _: &Pins, _: Timestamp) -> Result<Vec<Sought>, ReadError> {
        Ok(Vec::new())
    }

    async fn probe(&mut self, _pins: &BTreeMap<ScopeKey, Pin>) -> Probed {
        Probed::default()
    }

    async fn close(&mut self) {}
}

/// The directory of this place in the config.
pub fn directory(index: usize, world: &Arc<Mutex<World>>) -> Box<dyn Directory> {
    Box::new(InMemory { name: directory_name(index), index, world: Arc::clone(world), moments: Vec::new() })
}
