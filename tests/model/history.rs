//! One history: operations on the world and on the engine, and after each pass the questions that must have one answer.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use seatsync::model::change::{BackendState, Decision, Operation as Change, Verdict};
use seatsync::model::report::SyncReport;
use seatsync::model::{Account, PersonId};

use super::checks::{self, Problem};
use super::directory::World;
use super::engine::{Death, Engine};
use super::reference::{Pass, Reference};
use super::setup::{CONFIRM_WITHIN, Fault, Place, Setup, hour, pool_name};

/// Something that happens. Numbers are taken modulo what there is.
#[derive(Clone, Copy, Debug)]
pub enum Operation {
    /// Somebody joins, comes back or leaves, this way.
    Place(usize, Place),
    /// Into or out of the group of a pool.
    Group(usize, usize),
    /// Into or out of the group that comes first.
    First(usize),
    Name(usize, u8),
    Mail(usize, u8),
    Display(usize, u8),
    /// Two people swap mail address and user name.
    Swap(usize, usize),
    /// An entry becomes unusable, or usable again.
    Spoil(usize),
    Seats(usize, u32),
    /// Automatic promotion on or off.
    Promotion,
    Decide(usize, Verdict),
    Confirm,
    Hours(i64),
    LoseState,
    Restart,
    /// At the next pass.
    Fault(usize, Fault),
    /// One pass; the process dies at a batch, or not.
    Pass(Option<(usize, Death)>),
}

pub struct History {
    engine: Engine,
    world: Arc<Mutex<World>>,
    pub setup: Setup,
    reference: Reference,
    hours: i64,
    /// Passes that came to their end, to say what was tested.
    pub passes: u32,
}

impl History {
    pub fn new(setup: &Setup, on_disk: bool) -> Self {
        let world = Arc::new(Mutex::new(World { setup: setup.clone(), faults: [Fault::None; 2] }));
        let engine = Engine::new(setup, &world, on_disk);
        let reference = Reference::default();
        Self { engine, world, setup: setup.clone(), reference, hours: 0, passes: 0 }
    }

    fn now(&self) -> Timestamp {
        hour(self.hours)
    }

    pub fn play(&mut self, operations: &[Operation]) -> Result<(), Problem> {
        for (index, operation) in operations.iter().enumerate() {
            self.step(*operation).map_err(|problem| format!("at operation {index} ({operation:?}): {problem}"))?;
        }
        self.step(Operation::Pass(None)).map_err(|problem| format!("at the last pass: {problem}"))
    }

    fn step(&mut self, operation: Operation) -> Result<(), Problem> {
        self.change_world(operation);
        match operation {
            Operation::Decide(index, verdict) => {
                let who = self.setup.who(index % self.setup.people.len());
                self.decide(who, verdict)
            }
            Operation::Confirm => {
                let expires = self.now() + CONFIRM_WITHIN;
                self.engine.confirm(expires);
                self.reference.confirm(expires);
                Ok(())
            }
            Operation::Hours(hours) => {
                self.hours += hours;
                Ok(())
            }
            Operation::LoseState => {
                self.engine.lose_state();
                self.reference.lose_state();
                Ok(())
            }
            Operation::Restart => {
                self.engine.restart();
                Ok(())
            }
            Operation::Pass(death) => self.pass(death),
            _ => Ok(()),
        }
    }

    fn change_world(&mut self, operation: Operation) {
        let mut world = self.world.lock().expect("the world");
        let (people, pools) = (world.setup.people.len(), world.setup.pools.len());
        let toggle = |flag: &mut bool| *flag = !*flag;
        let setup = &mut world.setup;
        match operation {
            Operation::Place(index, place) => setup.people[index % people].place = place,
            Operation::Group(index, pool) => toggle(&mut setup.people[index % people].member[pool % pools]),
            Operation::First(index) => toggle(&mut setup.people[index % people].first),
            Operation::Name(index, name) => setup.people[index % people].name = name,
            Operation::Mail(index, mail) => setup.people[index % people].mail = mail,
            Operation::Display(index, display) => setup.people[index % people].display = display,
            Operation::Swap(a, b) => {
                let (a, b) = (a % people, b % people);
                let (first, second) = (setup.people[a].clone(), setup.people[b].clone());
                (setup.people[a].name, setup.people[a].mail) = (second.name, second.mail);
                (setup.people[b].name, setup.people[b].mail) = (first.name, first.mail);
            }
            Operation::Spoil(index) => toggle(&mut setup.people[index % people].spoiled),
            Operation::Seats(pool, seats) => setup.pools[pool % pools].seats = seats,
            Operation::Promotion => toggle(&mut setup.automatic),
            Operation::Fault(directory, fault) => {
                let directory = directory % setup.directories;
                world.faults[directory] = fault;
            }
            _ => {}
        }
        self.setup = world.setup.clone();
    }

    fn decide(&mut self, person: PersonId, verdict: Verdict) -> Result<(), Problem> {
        let expected = match verdict {
            Verdict::Approve => self.reference.approve(&person),
            Verdict::Deny => self.reference.deny(&person),
            Verdict::Release => self.reference.release(&person),
        };
        let now = self.now();
        let decided = self.engine.decide(Decision { person, pool: None, verdict }, now);
        checks::same("whether there was anything to decide", &decided, &expected)
    }

    /// A pass, and if it lived, another one at once: that one must find nothing to do.
    fn pass(&mut self, death: Option<(usize, Death)>) -> Result<(), Problem> {
        let settled = self.one_pass(death)?;
        if let Some(settled) = settled {
            let before = self.engine.read();
            self.one_pass(None).map_err(|problem| format!("planning again: {problem}"))?;
            if settled {
                let after = self.engine.read();
                checks::same("the accounts, planned again", &after.accounts, &before.accounts)?;
            }
        }
        self.world.lock().expect("the world").faults = [Fault::None; 2];
        self.hours += 1;
        Ok(())
    }

    /// None: the process died. Else whether the next pass should find nothing to do.
    fn one_pass(&mut self, death: Option<(usize, Death)>) -> Result<Option<bool>, Problem> {
        let now = self.now();
        let before = self.engine.read();
        let faults = self.world.lock().expect("the world").faults;
        let expected = self.reference.pass(&self.setup, &faults, now);
        self.engine.die_at(death);
        let preview = death.is_none().then(|| self.engine.preview(&self.setup, now));
        let result = self.engine.cycle(&self.setup, now);
        let lived = result.is_ok();
        self.remember(&expected, lived);
        let after = self.engine.read();
        self.check(&before, &after, &faults)?;
        let Ok(report) = result else {
            if death.is_none() {
                return Err(format!("the pass failed: {:?}", result.err()));
            }
            self.engine.restart();
            return Ok(None);
        };
        self.passes += 1;
        self.check_report(&report, &after, &expected)?;
        if let Some(preview) = preview {
            checks::forecast(&preview, &report)?;
        }
        Ok(Some(!expected.unsettled))
    }

    /// Tells the reference how much of the pass was carried out.
    fn remember(&mut self, expected: &Pass, lived: bool) {
        let batches = self.engine.carried_out();
        let is_detail = |change: &Change| match change {
            Change::Update { current, desired } => {
                (current.user_name.to_lowercase(), current.email.to_lowercase())
                    == (desired.user_name.to_lowercase(), desired.email.to_lowercase())
            }
            _ => false,
        };
        let detailed = |batch: &&_| {
            let batch: &seatsync::model::change::Batch = batch;
            batch.steps.iter().all(|step| is_detail(&step.operation))
        };
        let details = batches.iter().filter(detailed).count();
        let core = batches.len() > details;
        self.reference.carry_out(expected, lived || core, lived || details > 0, lived);
    }

    fn check(&self, before: &BackendState, after: &BackendState, faults: &[Fault]) -> Result<(), Problem> {
        checks::accounts(&self.reference, after, self.setup.pools.len())?;
        checks::pools(&self.setup, before, after)?;
        checks::strangers(before, after)?;
        checks::holders(&self.setup, before, after, faults)
    }

    fn check_report(&self, report: &SyncReport, after: &BackendState, expected: &Pass) -> Result<(), Problem> {
        checks::same("the accounts that failed", &report.changes.failed, &0)?;
        checks::queues(&self.reference, report, self.setup.pools.len())?;
        checks::held(expected, report, &self.engine.held())?;
        let counts: BTreeMap<_, _> = report.pools.iter().map(|pool| (pool.name.clone(), pool.held)).collect();
        for pool in (0..self.setup.pools.len()).map(pool_name) {
            let held = after.accounts.iter().filter(|account| holds(account, &pool)).count();
            checks::same("the seats held, as reported", &counts.get(&pool).map(|held| *held as usize), &Some(held))?;
        }
        Ok(())
    }
}

fn holds(account: &Account, pool: &str) -> bool {
    account.seat(pool).is_some_and(seatsync::model::Assignment::is_held)
}
