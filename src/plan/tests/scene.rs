//! A company in memory: directories, config, backend and what the agent remembers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::memory::Memory;
pub use super::source::{Source, anchor, at, number, profile, sighting, who};
use crate::desired::{Reading, desire};
use crate::model::change::{Batch, Confirmation, Decision, GuardMark, HeldChange, Operation, Promotion, Step, Verdict};
use crate::model::settings::*;
use crate::model::snapshot::{Dangling, FormerName, Kind, ListedAs, Role, ScopeKey, Snapshot, Whereabouts};
use crate::model::user::{Defect, Quarantine, Sighting, Standing};
use crate::model::{Account, Dn, Name, PersonId, PoolCount, WaitReason};
use crate::plan::effects::Verb;
use crate::plan::{LastKnown, Plan, Remembered, World, plan};

pub const HOUR: SignedDuration = SignedDuration::from_hours(1);

#[derive(Clone, Debug, Default)]
pub struct Memories(pub BTreeMap<PersonId, LastKnown>);

impl Remembered for Memories {
    fn of(&self, person: &PersonId) -> Option<LastKnown> {
        self.0.get(person).cloned()
    }

    fn active(&self) -> Box<dyn Iterator<Item = &PersonId> + '_> {
        Box::new(self.0.iter().filter(|(_, last)| !last.suspended && !last.taken).map(|(person, _)| person))
    }
}

#[derive(Clone, Debug)]
pub struct Scene {
    pub now: Timestamp,
    pub settings: Settings,
    pub sources: BTreeMap<Name, Source>,
    pub backend: Memory,
    pub memories: Memories,
    pub marks: Vec<GuardMark>,
    pub confirmations: Vec<Confirmation>,
}

fn dn(text: &str) -> Dn {
    Dn::parse(text).unwrap()
}

fn settings() -> Settings {
    let minute = std::time::Duration::from_mins(1);
    Settings {
        agent: AgentSettings { poll: minute, full: minute, ..AgentSettings::default() },
        directories: Vec::new(),
        pools: Vec::new(),
        seats: SeatSettings {
            match_: Match::First,
            approve_joiners: false,
            promotion: Promotion::Manual,
            approved_domains: None,
        },
        leavers: LeaverSettings {
            disabled: LeaverRule::Suspend,
            deleted: LeaverRule::Suspend,
            out_of_scope: LeaverRule::Suspend,
            remove_after: None,
            suspended_keeps_seat: false,
        },
        guard: GuardSettings { percent: 10, floor: 3, window: HOUR * 24, confirm_within: HOUR * 24 },
        backend: BackendSettings {
            kind: BackendKind::Embedded { path: "/".into() },
            company: "acme".into(),
            adopt: Adopt::Anchor,
            drift: Drift::Repair,
        },
        log: LogSettings { format: LogFormat::Auto, level: "info".into() },
        status: StatusSettings { listen: None, tls: None, token: None },
        notify: None,
        digest: String::new(),
    }
}

impl Scene {
    /// The directory `corp` without people, and pools that take everyone.
    pub fn new(pools: &[(&str, u32)]) -> Self {
        let mut scene = Self {
            now: at(0),
            settings: settings(),
            sources: BTreeMap::new(),
            backend: Memory::default(),
            memories: Memories::default(),
            marks: Vec::new(),
            confirmations: Vec::new(),
        };
        scene.add_directory("corp");
        for &(name, seats) in pools {
            let (name, groups) = (name.into(), None);
            scene.settings.pools.push(PoolSettings {
                name,
                groups,
                priority: Vec::new(),
                fallback: None,
                seats: Some(seats),
            });
        }
        scene
    }

    /// So many people in `corp`, numbered from 1, who have been provisioned.
    pub fn staffed(pools: &[(&str, u32)], people: u32) -> Self {
        let mut scene = Self::new(pools);
        scene.hire(1..=people);
        scene.cycle();
        scene
    }

    pub fn add_directory(&mut self, name: &str) {
        self.settings.directories.push(DirectorySettings {
            name: name.into(),
            kind: Some(Kind::Ldif),
            source: crate::model::settings::Source::Ldif { path: "/".into() },
            bases: vec!["DC=acme".into()],
            filter: None,
            groups: Vec::new(),
            exclude_groups: Vec::new(),
            attributes: AttributeSettings::default(),
        });
        self.sources.insert(name.into(), Source::default());
    }

    pub fn source(&mut self, name: &str) -> &mut Source {
        self.sources.get_mut(name).unwrap()
    }

    pub fn hire(&mut self, people: impl IntoIterator<Item = u32>) {
        self.source("corp").people.extend(people.into_iter().map(sighting));
    }

    /// What the entry of somebody in `corp` says.
    pub fn entry(&mut self, n: u32) -> &mut Sighting {
        self.source("corp").people.iter_mut().find(|sighting| sighting.anchor == anchor(n)).unwrap()
    }

    pub fn disable(&mut self, people: impl IntoIterator<Item = u32>) {
        people.into_iter().for_each(|n| self.entry(n).standing = Standing::Disabled);
    }

    pub fn enable(&mut self, n: u32) {
        self.entry(n).standing = Standing::Enabled;
    }

    /// Not among the people any more; a lookup says where instead.
    pub fn vanish(&mut self, n: u32, whereabouts: Whereabouts) {
        let source = self.source("corp");
        source.people.retain(|sighting| sighting.anchor != anchor(n));
        source.elsewhere.insert(anchor(n), whereabouts);
    }

    pub fn quarantine(&mut self, n: u32) {
        let quarantine = Quarantine { attribute: "mail".into(), reason: Defect::Missing, message: String::new() };
        self.entry(n).quarantine = Some(quarantine);
    }

    /// Both unique values of somebody's entry.
    pub fn rename(&mut self, n: u32, name: &str) {
        self.entry(n).profile = profile(name);
    }

    pub fn pool(&mut self, name: &str) -> &mut PoolSettings {
        self.settings.pools.iter_mut().find(|pool| &*pool.name == name).unwrap()
    }

    /// A pool takes these people of `corp` only, through a group of its own.
    pub fn pool_takes(&mut self, pool: &str, people: impl IntoIterator<Item = u32>) {
        let dn: Arc<str> = format!("CN={pool}").into();
        self.source("corp").groups.insert(dn.clone(), people.into_iter().collect());
        self.pool(pool).groups = Some(vec![GroupRef { directory: "corp".into(), dn }]);
    }

    /// These people of `corp` come first in a pool, after those named before.
    pub fn prefers(&mut self, pool: &str, people: impl IntoIterator<Item = u32>) {
        let dn: Arc<str> = format!("CN={pool}-first-{}", self.pool(pool).priority.len()).into();
        self.source("corp").groups.insert(dn.clone(), people.into_iter().collect());
        self.pool(pool).priority.push(GroupRef { directory: "corp".into(), dn });
    }

    /// Only these people of `corp` are in scope, through a group.
    pub fn only_members(&mut self, dn: &str, people: impl IntoIterator<Item = u32>) {
        self.source("corp").groups.insert(dn.into(), people.into_iter().collect());
        self.settings.directories[0].groups = vec![dn.into()];
    }

    /// These people of `corp` are out of scope, through a group.
    pub fn exclude(&mut self, dn: &str, people: impl IntoIterator<Item = u32>) {
        self.source("corp").groups.insert(dn.into(), people.into_iter().collect());
        self.settings.directories[0].exclude_groups = vec![dn.into()];
    }

    /// A group lists somebody of `corp` by a name of before.
    pub fn lists_by_former_name(&mut self, group: &str, n: u32) {
        let key = ScopeKey { role: Role::Group, dn: group.into() };
        let dangling = Dangling { listed_by: BTreeSet::from([dn(group)]), of: BTreeSet::from([key]) };
        let source = self.source("corp");
        if let Some(members) = source.groups.get_mut(group) {
            members.remove(&n);
        }
        source
            .former
            .entry(anchor(n))
            .or_default()
            .push(FormerName { name: ListedAs::Dn(dn(&format!("CN=old{n}"))), dangling });
    }

    pub fn falls_back(&mut self, pool: &str, to: &str) {
        self.pool(pool).fallback = Some(to.into());
    }

    pub fn decide(&mut self, n: u32, verdict: Verdict) {
        self.backend.decide(&Decision { person: who(n), pool: None, verdict });
    }

    /// Lets what is held back now through, as `seatsync confirm` does.
    pub fn confirm(&mut self) {
        let plan = self.plan();
        let (fingerprint, changes) = (plan.fingerprint.expect("something is held back"), plan.held_changes);
        let expires = self.now.checked_add(self.settings.guard.confirm_within).unwrap();
        self.confirmations.push(Confirmation { fingerprint, changes, expires });
    }

    pub fn wait(&mut self, duration: SignedDuration) {
        self.now = self.now.checked_add(duration).unwrap();
    }

    fn snapshots(&self) -> Vec<Snapshot> {
        let read = self.sources.iter().filter(|(_, source)| !source.unread);
        read.map(|(name, source)| source.snapshot(name, self.now)).collect()
    }

    /// The plan of a cycle that begins now.
    pub fn plan(&self) -> Plan {
        self.plan_by(plan)
    }

    /// What is made of the world of a cycle that begins now.
    pub fn plan_by(&self, choose: impl Fn(&World<'_>) -> Plan) -> Plan {
        let snapshots = self.snapshots();
        let settings = |name: &Name| self.settings.directories.iter().find(|known| known.name == *name);
        let reading = |snapshot| {
            let Snapshot { directory, .. }: &Snapshot = snapshot;
            let source = &self.sources[directory];
            let settings = settings(directory)?;
            Some(Reading {
                settings,
                snapshot,
                located: &source.elsewhere,
                known: &source.mirror,
                former: &source.former,
            })
        };
        let readings: Vec<Reading<'_>> = snapshots.iter().filter_map(reading).collect();
        let unread = self.sources.iter().filter(|(_, source)| source.unread).map(|(name, _)| name.clone()).collect();
        let desired = desire(&self.settings, &readings, &unread, &self.backend.accounts, self.now);
        let mut managed: BTreeMap<Name, u32> = BTreeMap::new();
        for account in self.backend.accounts.iter().filter(|account| account.suspension.is_none()) {
            if let Some(owner) = &account.owner {
                *managed.entry(owner.directory.clone()).or_default() += 1;
            }
        }
        choose(&World {
            now: self.now,
            settings: &self.settings,
            desired: &desired,
            accounts: &self.backend.accounts,
            pools: &self.backend.pools,
            remembered: &self.memories,
            marks: &self.marks,
            confirmations: &self.confirmations,
            managed: &managed,
        })
    }

    /// Plans, carries out, remembers; a minute passes.
    pub fn cycle(&mut self) -> Plan {
        let plan = self.plan();
        self.apply(&plan);
        self.wait(SignedDuration::from_mins(1));
        plan
    }

    /// Carries out a plan, wave by wave, and compares the answer with the forecast.
    pub fn apply(&mut self, plan: &Plan) {
        for (index, steps) in plan.waves().iter().enumerate() {
            let key = format!("{}-{index}", self.now);
            let batch = Batch { key, at: self.now, steps: steps.clone(), allocation: plan.allocation().clone() };
            self.backend.apply(&batch);
            self.marks.extend(steps.iter().filter_map(|step| mark(step, self.now)));
            let spent: BTreeSet<HeldChange> = steps.iter().filter_map(HeldChange::confirmed_by).collect();
            self.confirmations.iter_mut().for_each(|kept| kept.changes.retain(|change| !spent.contains(change)));
        }
        self.confirmations.iter_mut().for_each(|kept| kept.changes.retain(|change| !plan.moot.contains(change)));
        self.remember(plan);
        let answered: Vec<PoolCount> = self.backend.pools.values().cloned().collect();
        assert_eq!(plan.pools, answered, "the forecast is what the backend made of it");
    }

    fn remember(&mut self, plan: &Plan) {
        let drifted = |person: &PersonId| {
            plan.problems.iter().any(|problem| problem.code == "drift" && problem.person.as_ref() == Some(person))
        };
        for step in plan.waves().iter().flatten().filter(|step| matches!(step.operation, Operation::Remove)) {
            self.memories.0.remove(step.person.as_ref().unwrap());
        }
        for account in &self.backend.accounts {
            let Some(owner) = account.owner.clone() else { continue };
            let old = self.memories.0.get(&owner).filter(|_| drifted(&owner)).map(|last| last.profile);
            let held = account.seats.iter().filter(|seat| seat.is_held() && seat.ours).map(|seat| seat.pool.clone());
            let last = LastKnown {
                profile: old.unwrap_or_else(|| account.profile.digest()),
                held: held.collect(),
                suspended: account.suspension.is_some(),
                taken: false,
                approval: None,
            };
            self.memories.0.insert(owner, last);
        }
        // Whatever account is gone without the agent's doing is noted, wished for or not.
        for (owner, last) in &mut self.memories.0 {
            last.taken |= self.backend.of(owner).is_none();
        }
        for source in self.sources.values_mut() {
            for sighting in &source.people {
                source.mirror.first_seen.entry(sighting.anchor).or_insert(self.now);
            }
        }
    }

    pub fn account(&self, n: u32) -> &Account {
        self.backend.of(&who(n)).unwrap_or_else(|| panic!("{n} has no account"))
    }

    pub fn has_account(&self, n: u32) -> bool {
        self.backend.of(&who(n)).is_some()
    }

    pub fn is_suspended(&self, n: u32) -> bool {
        self.account(n).suspension.is_some()
    }

    /// Who holds a seat of a pool, unmanaged accounts left out.
    pub fn holders(&self, pool: &str) -> Vec<u32> {
        let holds = |account: &&Account| account.seat(pool).is_some_and(crate::model::Assignment::is_held);
        let owners = self.backend.accounts.iter().filter(holds).filter_map(|account| account.owner.as_ref());
        owners.map(|owner| number(owner.anchor)).collect()
    }

    /// Who waits for a pool, in order, and for what.
    pub fn queue(&self, pool: &str) -> Vec<(u32, WaitReason)> {
        let plan = self.plan();
        let rows = plan.waiting.iter().filter(|row| &*row.pool == pool);
        rows.map(|row| (number(row.person.anchor), row.reason)).collect()
    }
}

/// `advanced` takes those named, `standard` everyone else.
pub fn two_pools(advanced: u32, standard: u32, chosen: &[u32], people: u32) -> Scene {
    let mut scene = Scene::new(&[("advanced", advanced), ("standard", standard)]);
    scene.pool_takes("advanced", chosen.iter().copied());
    scene.hire(1..=people);
    scene.cycle();
    scene
}

fn mark(step: &Step, at: Timestamp) -> Option<GuardMark> {
    let counted = step.counted?;
    let pool = match &step.operation {
        Operation::Release { pool } => Some(pool.clone()),
        _ => None,
    };
    Some(GuardMark { person: step.person.clone()?, kind: counted.kind, pool, confirmed: counted.confirmed, at })
}

/// What a plan comes to, for short: verb, person, pool; held changes left out.
pub fn story(plan: &Plan) -> Vec<(Verb, u32, &str)> {
    let told = plan.changes.iter().filter(|change| !change.held);
    told.map(|change| (change.effect.verb, number(change.person.anchor), change.effect.pool.as_deref().unwrap_or("")))
        .collect()
}

/// Who is told of by this code.
pub fn told(plan: &Plan, code: &str) -> Vec<u32> {
    let problems = plan.problems.iter().filter(|problem| problem.code == code);
    problems.filter_map(|problem| problem.person.as_ref()).map(|person| number(person.anchor)).collect()
}

/// The parts of a plan that apply and people see, byte for byte. (Debug alone would hide the profiles.)
pub fn bytes(plan: &Plan) -> String {
    format!("{plan:?}\n{}", serde_json::to_string(plan.waves()).unwrap())
}
