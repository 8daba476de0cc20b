//! One history: what happens to the company and to the engine, and after each cycle the comparison with the reference.

use std::sync::{Arc, Mutex};

use seatsync::model::change::Verdict;

use super::company::{Company, Fault, Person, Place, Pool, Time, Who};
use super::compare::{self, Problem, same};
use super::directory::World;
use super::engine::Engine;
use super::fuse::Death;
use super::names;
use super::reference::{Foresight, Reference};
use super::sight::Sight;

/// What another hand does in the ledger's file.
#[derive(Clone, Copy, Debug)]
pub enum Hand {
    TakesAccount(Who),
    TakesSeat(Who, Pool),
    /// An account that is not the agent's holds one more seat of the pool.
    AddsStranger(Pool),
    RemovesStrangers,
}

/// Something that happens.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// Somebody joins, comes back or leaves, this way.
    Place(Who, Place),
    /// Into or out of the group of a pool.
    Group(Who, Pool),
    Priority(Who, Option<usize>),
    /// The entry loses its mail address, or gets it back.
    Spoil(Who),
    /// To the other mail domain.
    Domain(Who),
    Nickname(Who, u8),
    /// To another mail address.
    Mail(Who, u8),
    Seats(Pool, u32),
    /// Automatic promotion on or off.
    Promotion,
    Decide(Who, Verdict),
    Confirm,
    Hand(Hand),
    Wait(Time),
    Restart,
    LoseState,
    Cycle([Fault; 2]),
    /// The process dies at a call, or only loses it and goes on.
    Dies(Death, bool),
}

pub struct History {
    engine: Engine,
    world: Arc<Mutex<World>>,
    company: Company,
    reference: Reference,
    now: Time,
    /// Cycles that came to their end.
    pub cycles: u64,
}

impl History {
    /// With `network` its seed, over HTTP through a bad one.
    pub fn new(company: &Company, network: Option<u64>) -> Self {
        let world = Arc::new(Mutex::new(World { company: company.clone(), faults: vec![Fault::None; 2] }));
        let engine = Engine::new(&world, network);
        Self { engine, world, company: company.clone(), reference: Reference::default(), now: 0, cycles: 0 }
    }

    /// Plays it to its end, which is one more cycle.
    pub fn play(&mut self, steps: &[Step]) -> Result<(), Problem> {
        for (index, step) in steps.iter().enumerate() {
            for step in self.with_cycles(*step) {
                self.step(step).map_err(|problem| format!("step {index}, {step:?}: {problem}"))?;
            }
        }
        self.step(Step::Cycle([Fault::None; 2])).map_err(|problem| format!("the cycle at the end: {problem}"))
    }

    /// A ledger that is served settles with the decision, by what the agent said last: then nothing may happen between.
    fn with_cycles(&self, step: Step) -> Vec<Step> {
        let cycle = Step::Cycle([Fault::None; 2]);
        match step {
            Step::Decide(..) if self.engine.is_served() => vec![cycle, step, cycle],
            _ => vec![step],
        }
    }

    fn step(&mut self, step: Step) -> Result<(), Problem> {
        self.change_company(step);
        match step {
            Step::Decide(who, verdict) => {
                let decided = self.engine.decide(names::person(&self.company, who), verdict);
                let fits = self.reference.decide(who, verdict);
                return same("whether the decision fits anything", &decided, &fits);
            }
            Step::Confirm => {
                self.engine.confirm(self.now);
                self.reference.confirm(self.now);
            }
            Step::Hand(hand) => {
                self.engine.by_hand(&self.company, hand);
                self.reference.by_hand(hand);
            }
            Step::Wait(time) => self.now += time,
            Step::Restart => self.engine.restart(),
            Step::LoseState => {
                self.engine.lose_state();
                self.reference.lose_state();
            }
            Step::Cycle(faults) => return self.cycle(faults, None, false),
            Step::Dies(death, restarts) => return self.cycle([Fault::None; 2], Some(death), restarts),
            _ => {}
        }
        Ok(())
    }

    fn change_company(&mut self, step: Step) {
        let mut world = self.world.lock().expect("the world");
        let company = &mut world.company;
        let mut person = |who: Who, change: &dyn Fn(&mut Person)| change(&mut company.people[who]);
        match step {
            Step::Place(who, place) => person(who, &|person| person.place = place),
            Step::Group(who, pool) => person(who, &|person| person.member[pool] ^= true),
            Step::Priority(who, priority) => person(who, &|person| person.priority = priority),
            Step::Spoil(who) => person(who, &|person| person.spoiled ^= true),
            Step::Domain(who) => person(who, &|person| person.outsider ^= true),
            Step::Nickname(who, nickname) => person(who, &|person| person.nickname = nickname),
            Step::Mail(who, mail) => person(who, &|person| person.mail = mail),
            Step::Seats(pool, seats) => company.pools[pool].seats = seats,
            Step::Promotion => company.automatic ^= true,
            _ => {}
        }
        self.company = company.clone();
    }

    fn cycle(&mut self, faults: [Fault; 2], death: Option<Death>, restarts: bool) -> Result<(), Problem> {
        self.world.lock().expect("the world").faults = faults.to_vec();
        self.now += 1;
        let foresight = self.reference.foresee(&self.company, &faults, self.now);
        let before = self.reference.clone();
        let forecast = death.is_none().then(|| self.engine.preview(self.now));
        let outcome = self.engine.cycle(self.now, death);
        match outcome {
            Ok(report) => {
                self.cycles += 1;
                self.reference = foresight.after.clone();
                self.compare(Some(&before))?;
                compare::report(&self.company, &self.reference, &foresight, &report)?;
                if let Some(forecast) = forecast {
                    compare::forecast(&forecast, &report)?;
                }
                self.nothing_is_left_to_do(&foresight)
            }
            Err((_, Some(batches))) => {
                self.died(&foresight, batches);
                if restarts {
                    self.engine.restart();
                }
                self.compare(None)
            }
            Err((error, None)) => Err(format!("the cycle failed: {error}")),
        }
    }

    /// All releases and claims are one batch: what was carried out before the death is all of it, or nothing.
    fn died(&mut self, foresight: &Foresight, batches: usize) {
        if batches > 0 {
            self.reference.accounts = foresight.after.accounts.clone();
            self.reference.marks.clone_from(&foresight.after.marks);
            self.reference.confirmed.clone_from(&foresight.after.confirmed);
        }
        if self.engine.finished_at(self.now) {
            self.reference.held.clone_from(&foresight.after.held);
        }
        // Whether the mirror was written before the death, and the attributes after it, is for the engine to say.
        (self.reference.first_seen, self.reference.missed) = compare::mirror(&self.company, self.engine.state());
        for (who, attributes) in compare::attributes(&self.engine.read()) {
            let account = self.reference.accounts.entry(who);
            account.and_modify(|account| (account.nickname, account.address) = attributes);
        }
    }

    fn compare(&mut self, before: Option<&Reference>) -> Result<(), Problem> {
        let after = self.engine.read();
        compare::accounts(&self.company, &self.reference.accounts, &after)?;
        compare::counts(&after)?;
        if let Some(before) = before {
            compare::limits(&self.company, before, &after)?;
            compare::remembered(self.engine.state(), &self.reference, &after)?;
        }
        Ok(())
    }

    /// Planning again gives an empty plan, unless seeing the same again proves what one look did not. (A seat that stays
    /// free for somebody who was not read may also go to who joined in this cycle and comes first from now on.)
    fn nothing_is_left_to_do(&mut self, foresight: &Foresight) -> Result<(), Problem> {
        let sights = &foresight.sights;
        if sights.of.values().any(|sight| *sight == Sight::Missing)
            || (self.company.automatic && !sights.frozen.is_empty())
        {
            return Ok(());
        }
        let again = self.engine.preview(self.now);
        let changes: Vec<_> = again.changes.iter().filter(|change| !change.held).collect();
        same("what planning again would change", &changes, &Vec::new())
    }
}
