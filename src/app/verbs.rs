//! The verbs that make a pass or change something: by the running agent where there is one, else by themselves.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use tokio::sync::watch;

use super::engine::{Engine, Stop, state_error, state_error_in};
use super::pass::{cycle_error, pass};
use super::requests::{self, Reply};
use super::{App, AppError, Code, PlanOptions, sending};
use crate::clock;
use crate::cycle::{self, Asked};
use crate::model::Name;
use crate::model::change::Confirmation;
use crate::model::memory::Request;
use crate::model::report::{ConfirmReport, PlanReport, SyncReport};
use crate::ports::{History as _, Progress, Silent, Stage};
use crate::state::{Holder, Lock, Ownership, State};

/// A `sync` waits so long for another one.
const PATIENCE: Duration = Duration::from_mins(1);
/// An agent that gave no sign of life for so long does not answer.
pub(super) const SILENCE: SignedDuration = SignedDuration::from_secs(30);

/// The tables whose secrets a cycle needs, its messages included.
const FOR_A_CYCLE: &[&str] = &["directory", "backend", "notify"];
/// Those of what reads everything and tells nobody.
const FOR_A_PLAN: &[&str] = &["directory", "backend"];
/// Those of what changes something in the ledger alone.
const FOR_A_DECISION: &[&str] = &["backend"];

/// Who carries out what a verb asks for.
pub enum Hands {
    /// This process, which owns the state now.
    Ours(Box<Engine>, Lock),
    /// The agent that owns it.
    Agent(State),
}

impl App {
    /// One cycle. Done by the agent where one runs. Told to stop it gives up waiting and reading, and ends after the wave
    /// in hand.
    ///
    /// # Errors
    /// Where no cycle could be made, or the agent does not answer.
    pub async fn sync(
        &self,
        full: bool,
        progress: &dyn Progress,
        stop: watch::Receiver<bool>,
    ) -> Result<SyncReport, AppError> {
        match self.hands("sync", FOR_A_CYCLE, progress, Some(&stop))? {
            Hands::Ours(mut engine, _lock) => {
                requests::take_pending(&mut engine).await?;
                let asked = Asked { by_person: true, full };
                let halt = stop.clone();
                let stop = Stop { reading: Some(stop.clone()), applying: Some(stop) };
                let report = pass(&mut engine, asked, progress, stop).await.map_err(|error| cycle_error(&error));
                engine.backend.end_lease().await;
                sending::at_the_end(&mut engine, &halt).await;
                report
            }
            Hands::Agent(state) => match self.ask(state, &Request::Sync { full }, progress, Some(&stop))? {
                Reply::Synced(report) => Ok(*report),
                other => Err(other.unexpected()),
            },
        }
    }

    /// What a cycle would do. Beside a running agent, and without leaving anything behind.
    ///
    /// # Errors
    /// Where the backend or the state cannot be read, or `--seats` names no pool.
    pub async fn plan(&self, options: &PlanOptions, progress: &dyn Progress) -> Result<PlanReport, AppError> {
        Ok(self.preview(options, progress).await?.report)
    }

    async fn preview(
        &self,
        options: &PlanOptions,
        progress: &dyn Progress,
    ) -> Result<cycle::report::Preview, AppError> {
        let mut settings = self.settings.clone();
        // Seats that the backend counts are there to be read first.
        let mut elsewhere: BTreeMap<Name, i64> = BTreeMap::new();
        for (pool, more) in &options.seats {
            let known: Vec<String> = settings.pools.iter().map(|pool| pool.name.to_string()).collect();
            let found = settings.pools.iter_mut().find(|known| *known.name == **pool);
            let found = found.ok_or_else(|| unknown_pool(pool, &known))?;
            match &mut found.seats {
                Some(seats) => *seats = cycle::current::with_more(*seats, *more),
                None => *elsewhere.entry(found.name.clone()).or_default() += *more,
            }
        }
        let state = self.state_that_counts()?;
        self.needs(FOR_A_PLAN)?;
        let mut engine = Engine::new(&settings, state)?;
        let mut parts = engine.parts(progress, Asked { by_person: false, full: options.full }, Stop::default());
        cycle::preview(&mut parts, &elsewhere, clock::now()).await.map_err(|error| cycle_error(&error))
    }

    /// Lets exactly what is held back now through.
    ///
    /// # Errors
    /// Where another fingerprint, or none, is held back.
    pub async fn confirm(&self, fingerprint: &str) -> Result<ConfirmReport, AppError> {
        let confirmation = self.confirmation(fingerprint).await?;
        let running = self.carry_out(Request::Confirm(confirmation.clone())).await?.1;
        Ok(ConfirmReport {
            fingerprint: confirmation.fingerprint,
            count: confirmation.changes.len() as u64,
            expires: confirmation.expires,
            running,
        })
    }

    /// What the last cycle held back, or what a plan made now would.
    async fn confirmation(&self, fingerprint: &str) -> Result<Confirmation, AppError> {
        let wanted = fingerprint.trim().to_ascii_lowercase();
        let held = self.state_that_counts()?.held().map_err(|error| state_error(&error))?;
        let mut held = held.filter(|held| held.fingerprint == wanted);
        if held.is_none() {
            // Without its secrets no plan can be made; what the last cycle held back is known all the same.
            self.needs(FOR_A_PLAN)
                .map_err(|missing| no_such_fingerprint(fingerprint).with_details(unplanned(missing)))?;
            held = self.preview(&PlanOptions::default(), &Silent).await?.held.filter(|held| held.fingerprint == wanted);
        }
        let held = held.ok_or_else(|| no_such_fingerprint(fingerprint))?;
        let now = clock::now();
        let expires = now.saturating_add(self.settings.guard.confirm_within).unwrap_or(now);
        Ok(Confirmation { fingerprint: held.fingerprint, changes: held.changes, expires })
    }

    /// Has a request carried out, and says whether a running agent did.
    pub(super) async fn carry_out(&self, request: Request) -> Result<(Reply, bool), AppError> {
        match self.hands("request", FOR_A_DECISION, &Silent, None)? {
            Hands::Ours(mut engine, _lock) => Ok((requests::carry_out(&mut engine, request).await?, false)),
            Hands::Agent(state) => Ok((self.ask(state, &request, &Silent, None)?, true)),
        }
    }

    /// Takes the state for this process, or finds the agent that has it, and the secrets of these tables.
    fn hands(
        &self,
        verb: &str,
        secrets: &[&str],
        progress: &dyn Progress,
        stop: Option<&watch::Receiver<bool>>,
    ) -> Result<Hands, AppError> {
        self.refuse_beside_other_state()?;
        let dir = &self.settings.agent.state_dir;
        let holder = Holder::this_process(&self.settings.agent.name, verb);
        let start = Instant::now();
        loop {
            if let Some(lock) = Lock::try_acquire(dir, &holder).map_err(|error| state_error_in(dir, &error))? {
                self.needs(secrets)?;
                let state = State::open(&lock).map_err(|error| state_error_in(dir, &error))?;
                return Ok(Hands::Ours(Box::new(Engine::new(&self.settings, state)?), lock));
            }
            let owner = Lock::ownership(dir).map_err(|error| state_error(&error))?;
            if matches!(&owner, Ownership::By(holder) if holder.verb == "run")
                && let Some(state) = State::open_beside(dir).map_err(|error| state_error(&error))?
            {
                return Ok(Hands::Agent(state));
            }
            if is_asked(stop) {
                return Err(AppError::new(
                    Code::Failed,
                    "asked to stop while waiting for another seatsync; nothing was changed",
                ));
            }
            if start.elapsed() > PATIENCE {
                return Err(busy(&owner));
            }
            progress.tell(Stage::Waiting("another seatsync works on this state; waiting for it to end"));
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Leaves a request with the agent and waits while it gives signs of life.
    fn ask(
        &self,
        mut state: State,
        request: &Request,
        progress: &dyn Progress,
        stop: Option<&watch::Receiver<bool>>,
    ) -> Result<Reply, AppError> {
        use crate::state::Progress as Step;
        let id = state.ask(request, clock::now(), None).map_err(|error| state_error(&error))?;
        let asked = clock::now();
        loop {
            match state.wait_for(id, Duration::from_secs(1)).map_err(|error| state_error(&error))? {
                Step::Answered(answer) => return requests::read_reply(&answer),
                Step::Expired => return Err(AppError::new(Code::Busy, "the agent did not take the request in time")),
                Step::Waiting | Step::Taken => {}
            }
            progress.tell(Stage::Waiting("asked the running agent; waiting for its answer"));
            let heartbeat = state.heartbeat().map_err(|error| state_error(&error))?;
            let silent = clock::now().duration_since(heartbeat.map_or(asked, |heart| heart.beat.max(asked))) > SILENCE;
            let owner = Lock::ownership(&self.settings.agent.state_dir);
            let gone = !matches!(owner, Ok(Ownership::By(_) | Ownership::Unknown));
            if silent || gone || is_asked(stop) {
                let taken_back = state.withdraw(id).map_err(|error| state_error(&error))?;
                return Err(if silent || gone { no_answer(gone, taken_back) } else { gave_up(taken_back) });
            }
        }
    }

    /// The state as it is, or an empty one that is never written.
    pub(super) fn state_beside(&self) -> Result<State, AppError> {
        let folder = &self.settings.agent.state_dir;
        let found = State::open_beside(folder).map_err(|error| state_error_in(folder, &error))?;
        found.map_or_else(|| State::in_memory().map_err(|error| state_error(&error)), Ok)
    }
}

fn no_such_fingerprint(fingerprint: &str) -> AppError {
    AppError::new(Code::WrongFingerprint, format!("nothing that is held back now has the fingerprint {fingerprint}"))
        .with_next("`seatsync plan` shows what is held back now, and its fingerprint")
}

/// Why only the last cycle was asked.
fn unplanned(missing: AppError) -> impl Iterator<Item = String> {
    let looked = format!("looked for in what the last cycle held back alone: {}", missing.message);
    std::iter::once(looked).chain(missing.details)
}

fn is_asked(stop: Option<&watch::Receiver<bool>>) -> bool {
    stop.is_some_and(|stop| *stop.borrow())
}

fn no_answer(gone: bool, taken_back: bool) -> AppError {
    let what = if gone { "the agent stopped before it answered" } else { "the agent runs and does not answer" };
    let fate =
        if taken_back { "nothing was changed" } else { "it may have carried the request out: `seatsync status`" };
    AppError::new(Code::Busy, what).with_next(format!("{fate}; look at its log, or start it again"))
}

/// Who asked the agent for a cycle was told to stop.
fn gave_up(taken_back: bool) -> AppError {
    let fate = if taken_back {
        "it had not begun, and does not begin for this request"
    } else {
        "it goes on with the cycle; `seatsync status` shows it"
    };
    AppError::new(Code::Failed, "asked to stop while waiting for the running agent").with_next(fate)
}

fn busy(owner: &Ownership) -> AppError {
    let who = match owner {
        Ownership::By(holder) => format!("{} (`{}`, process {})", holder.name, holder.verb, holder.pid),
        _ => "another process".to_owned(),
    };
    AppError::new(Code::Busy, format!("{who} works on this state directory and did not end in time"))
        .with_next("try again when it has ended")
}

/// A pool that is none, and those there are.
pub(super) fn unknown_pool(pool: &str, known: &[String]) -> AppError {
    AppError::new(Code::UnknownPool, format!("there is no pool {pool:?}"))
        .with_details(known.iter().map(|name| format!("pool: {name}")))
}
