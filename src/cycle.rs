//! One pass: read, desire, plan (which heeds the guard), remember what was read, apply, remember what came of it, report. All
//! stages in order, in `pass`; each is a file of its own.

pub mod baseline;
pub mod current;
mod delta;
mod elsewhere;
pub mod last_known;
mod lost_ids;
mod moment;
pub mod people;
mod pins;
pub mod reading;
pub mod remember;
pub mod report;
mod succession;

use std::collections::BTreeMap;
use std::time::Instant;

use jiff::Timestamp;
use thiserror::Error;
use tokio::sync::watch;

use self::baseline::{Baseline, End};
use self::delta::Touch;
use self::elsewhere::Elsewhere;
use self::last_known::AccountsLastKnown;
use self::reading::Sources;
use self::succession::Turn;
use crate::apply::{self, Applied, ApplyError};
use crate::desired::Desired;
use crate::model::change::BackendState;
use crate::model::report::SyncReport;
use crate::model::settings::Settings;
use crate::model::{Account, Digest, Name};
use crate::plan::guard::Lost;
use crate::plan::{self, Plan, World};
use crate::ports::{Backend, BackendError, Directory, Memory, Persistence, Progress, Stage, StateError};

/// All that a pass works with.
pub struct Parts<'a> {
    pub settings: &'a Settings,
    /// One for each directory of the settings, in their order.
    pub directories: &'a mut [Source],
    pub backend: &'a mut dyn Backend,
    pub memory: &'a mut dyn Memory,
    pub progress: &'a dyn Progress,
    pub asked: Asked,
    /// How the last pass of this process left things; None: everything must be read.
    pub baseline: &'a mut Option<Baseline>,
    /// Says when to give up reading.
    pub stop: Option<watch::Receiver<bool>>,
    /// Says when to send no further wave: a pass that somebody ends, and not one that only gives way to a decision.
    pub halt: Option<watch::Receiver<bool>>,
}

/// How a pass came about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// A person asked for it; for everything, and a credential that was refused is tried all the same.
    pub by_person: bool,
    /// Everything is to be read, not only what changed.
    pub full: bool,
}

/// A directory, and the credential it is read with.
pub struct Source {
    pub directory: Box<dyn Directory>,
    /// Of address, name and secret; another one is tried at once though the last was refused.
    pub credentials: Digest,
}

/// Why a pass came to nothing. What was applied before it failed is in the journal and in the state.
#[derive(Debug, Error)]
pub enum CycleError {
    #[error(transparent)]
    State(#[from] StateError),
    #[error("the backend could not be read, so nothing was changed")]
    Backend(#[from] BackendError),
    #[error(transparent)]
    Apply(#[from] ApplyError),
    #[error("asked to stop while reading; nothing was changed")]
    Stopped,
    #[error(
        "{} accounts or seats of people of {} are gone from the backend at once, and the guard lets {} pass: nothing was \
         recorded or changed. Restore the backend's data. If the loss is meant, stop the agent, move its state_dir away and start it: \
         it takes the backend as it is then",
        lost.count, lost.directory, lost.limit
    )]
    BackendLost { lost: Lost },
    #[error(
        "the ledger was restored from a backup to an earlier moment, and {} accounts of people of {} that were there before are \
         not in it; the guard lets {} pass: nothing was recorded or changed. Restore a later backup. If this is the best there is, stop \
         the agent, move its state_dir away and start it: who holds a seat there keeps it, and the others are given accounts anew",
        lost.count, lost.directory, lost.limit
    )]
    RestoredTooFar { lost: Lost },
    #[error(
        "the ledger shows an earlier moment than before, its change {shown} instead of {known}; nothing was changed. If it \
         was restored from a backup, the next cycle goes on with what it has then; else something between keeps its old answers"
    )]
    WentBack { shown: u64, known: u64 },
    #[error(
        "the ledger's change {known} is another one than before: the ledger was restored from a backup, and has changed since; \
         nothing was changed. The next cycle goes on with what it has then"
    )]
    AnotherHistory { known: u64 },
    #[error(
        "the backend has no pool {pool:?}, which the config names (it has {known}): correct pool.name, or make the pool \
         there; nothing was changed"
    )]
    NoPool { pool: Name, known: String },
    #[error(
        "the ledger has no pool {new:?} yet, and {people} a seat of {old:?}, which the config does not name: one pool with another \
         name would give its seats twice, so nothing was changed. Write the old name again. Where {old:?} is given up and {new:?} is \
         another pool, name both for now, {old:?} last and with `seats = 0`: its people move to the pools they belong to"
    )]
    PoolRenamed { new: Name, old: Name, people: String },
}

impl CycleError {
    /// How the backend failed, where it did.
    #[must_use]
    pub const fn persistence(&self) -> Option<Persistence> {
        match self {
            Self::Backend(error) | Self::Apply(ApplyError::Backend(error)) => Some(error.persistence),
            _ => None,
        }
    }
}

/// Makes one pass and says how it went.
///
/// # Errors
/// Where the state or the backend failed. A directory that fails is reported, and its people keep what they have.
pub async fn run_once(parts: &mut Parts<'_>, now: Timestamp) -> Result<SyncReport, CycleError> {
    let before = parts.baseline.take();
    let turn = match succession::turn(parts).await? {
        Turn::Others(standby) => return succession::stand_by(parts, standby, now).await,
        ours => ours,
    };
    match pass(parts, &turn, before, now).await {
        // Another agent took over meanwhile, and what we sent after that was not done.
        Err(error) if error.persistence() == Some(Persistence::Superseded) => match succession::turn(parts).await? {
            Turn::Others(standby) => succession::stand_by(parts, standby, now).await,
            _ => Err(error),
        },
        report => report,
    }
}

/// All stages of a pass, in order.
async fn pass(
    parts: &mut Parts<'_>,
    turn: &Turn,
    before: Option<Baseline>,
    now: Timestamp,
) -> Result<SyncReport, CycleError> {
    let clock = Instant::now();
    let recovered = apply::recover(parts.memory, parts.backend).await?;
    let before = match before {
        None => baseline::recall(parts).await?,
        ours => ours,
    };
    let number = parts.memory.begin_cycle(now)?;
    let Sources { current, readings, mut remembered, touched } = sources(parts, turn, before, now).await?;
    let elsewhere = match touched {
        None => compare(parts, turn, &current, &mut remembered, now).await?,
        // Nobody else changed anything, or all would have been read.
        Some(_) => Elsewhere::default(),
    };
    parts.progress.tell(Stage::Planning);
    let desired = readings.desire(parts.settings, &current.accounts, now);
    let managed = touched.as_ref().map_or_else(|| managed(&current.accounts), |touched| touched.before.managed.clone());
    let plan = plan_for(parts, &current, &remembered, &desired, &managed, now)?;
    tracing::debug!(cycle = number, changes = plan.changes.len(), waves = plan.waves().len(), "A plan was made.");
    remember::directories(parts.memory, parts.settings, &readings, &desired, &plan, &current.accounts, now)?;
    reading::close(parts).await;
    let applied = if parts.settings.agent.dry_run {
        Applied::default()
    } else {
        remember::confirmations(parts, &current, &plan).await?;
        let halt = parts.halt.as_ref();
        apply::apply(parts.memory, parts.backend, &plan, number, now, parts.progress, halt).await?
    };
    let after = applied.accounts_after(&current.accounts);
    if touched.is_none() && !parts.settings.agent.dry_run {
        remember::accounts(parts, &after, &plan, now)?;
    }
    moment::remember(parts).await?;
    // A cycle that remembers nothing would tell the same again and again.
    let elsewhere = if parts.settings.agent.dry_run { Vec::new() } else { elsewhere.rows() };
    elsewhere::log(number, &elsewhere);
    let elapsed = clock.elapsed();
    let report = report::of_cycle(number, now, elapsed, &readings, &desired, &plan, &current, &applied, &after);
    let report = report::with_recovered(report, &recovered, &applied.effects(&current.accounts));
    let report = SyncReport { elsewhere, would: report::would(parts.settings, &plan), ..report };
    let (readings, desired, plan, touched) = (&readings, &desired, &plan, touched.as_ref());
    let end = End { readings, desired, plan, before: &current.accounts, after: &after, report: &report, touched, now };
    let next = baseline::take(parts, &end)?;
    let kept = baseline::to_keep(parts, next.as_ref()).await;
    remember::cycle(parts, &report, plan, readings, kept.as_deref())?;
    *parts.baseline = next;
    Ok(report)
}

/// What changed and whoever is touched by it, where that can be told; else everything.
async fn sources(
    parts: &mut Parts<'_>,
    turn: &Turn,
    before: Option<Baseline>,
    now: Timestamp,
) -> Result<Sources, CycleError> {
    match delta::read(parts, turn, before, now).await? {
        Touch::Some(sources) => Ok(*sources),
        Touch::All(failed) => reading::read_all(parts, failed, now).await,
    }
}

/// What others did to the accounts since the last pass, and what is remembered of them from here on.
async fn compare(
    parts: &mut Parts<'_>,
    turn: &Turn,
    current: &BackendState,
    remembered: &mut AccountsLastKnown,
    now: Timestamp,
) -> Result<Elsewhere, CycleError> {
    let seen = moment::judge(parts, current).await?;
    if succession::begin(parts, turn, seen, current, now)? {
        *remembered = AccountsLastKnown::load(parts.memory)?;
    }
    let elsewhere = Elsewhere::since_last(parts, current)?;
    remembered.forget_seats(elsewhere.exchanged());
    Ok(elsewhere)
}

/// What a pass would do now, if the backend's pools had so many seats more, or fewer. Changes nothing, and remembers
/// nothing.
///
/// # Errors
/// As `run_once`.
pub async fn preview(
    parts: &mut Parts<'_>,
    more: &BTreeMap<Name, i64>,
    now: Timestamp,
) -> Result<report::Preview, CycleError> {
    let clock = Instant::now();
    let Sources { mut current, readings, mut remembered, .. } = reading::read_all(parts, None, now).await?;
    let fails_first = moment::foresee(parts, &current, &mut remembered).await?;
    remembered.forget_seats(Elsewhere::since_last(parts, &current)?.exchanged());
    learn_unheard(parts, &mut remembered).await?;
    current::suppose(&mut current, more);
    parts.progress.tell(Stage::Planning);
    let desired = readings.desire(parts.settings, &current.accounts, now);
    let plan = plan_for(parts, &current, &remembered, &desired, &managed(&current.accounts), now)?;
    reading::close(parts).await;
    let refusals = apply::validate(parts.backend, &plan, now).await?;
    let mut preview = report::of_plan(clock.elapsed(), &readings, &desired, &plan, &current.accounts, refusals);
    if let Some(error) = fails_first {
        preview.comes_after(&error);
    }
    Ok(preview)
}

/// What an earlier run sent without hearing of it was nobody else's doing. A pass settles it first; a preview only knows of it.
async fn learn_unheard(parts: &mut Parts<'_>, remembered: &mut AccountsLastKnown) -> Result<(), CycleError> {
    for open in parts.memory.open_batches()?.into_iter().filter(|open| open.sent) {
        if let Some(answer) = parts.backend.answer(&open.batch.key).await? {
            remembered.learn(&answer);
        }
    }
    Ok(())
}

fn plan_for(
    parts: &Parts<'_>,
    current: &BackendState,
    remembered: &AccountsLastKnown,
    desired: &Desired<'_>,
    managed: &BTreeMap<Name, u32>,
    now: Timestamp,
) -> Result<Plan, CycleError> {
    let plan = plan::plan(&World {
        now,
        settings: parts.settings,
        desired,
        accounts: &current.accounts,
        pools: &current.pools,
        remembered,
        marks: &current.marks,
        confirmations: &current.confirmations,
        managed,
    });
    match plan.backend_lost.clone() {
        Some(lost) => Err(CycleError::BackendLost { lost }),
        None => Ok(plan),
    }
}

/// Managed accounts that are not suspended, by directory.
fn managed(accounts: &[Account]) -> BTreeMap<Name, u32> {
    let mut counts = BTreeMap::new();
    for owner in
        accounts.iter().filter(|account| account.suspension.is_none()).filter_map(|account| account.owner.as_ref())
    {
        match counts.get_mut(&owner.directory) {
            Some(count) => *count += 1,
            None => drop(counts.insert(owner.directory.clone(), 1)),
        }
    }
    counts
}
