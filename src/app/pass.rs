//! One pass of whoever owns the state, also where it comes to nothing: a cycle that failed is history, too.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::engine::{Engine, Stop};
use super::own::{PUT_BACK, is_spoilt};
use super::{AppError, Code, room};
use crate::apply::ApplyError;
use crate::clock;
use crate::cycle::reading::with_causes;
use crate::cycle::remember;
use crate::cycle::report::to_json;
use crate::cycle::{self, Asked, CycleError};
use crate::model::memory::CycleRecord;
use crate::model::report::{SyncReport, seconds};
use crate::model::settings::BackendKind;
use crate::ports::{History as _, Left, Progress, StateError};

/// What a cycle's report says where the backend did not answer.
pub const BACKEND_FAILED: &str = "backend_failed";

const NEXT: &str = "mend what is named above; `seatsync check --connect` tries every server and says what mends it";

/// Makes a pass and remembers its failure; being asked to stop is none.
///
/// # Errors
/// As `cycle::run_once`.
pub async fn pass(
    engine: &mut Engine,
    asked: Asked,
    progress: &dyn Progress,
    stop: Stop,
) -> Result<SyncReport, CycleError> {
    let (started, stopwatch) = (clock::now(), Instant::now());
    let result = cycle::run_once(&mut engine.parts(progress, asked, stop), started).await;
    match &result {
        Ok(report) => {
            if let Err(error) = note(engine, report) {
                tracing::warn!(%error, "What the next verbs are to know of this cycle could not be noted.");
            }
        }
        Err(CycleError::Stopped) => {}
        Err(failure) => {
            if let Err(error) = record(engine, started, stopwatch.elapsed(), failure) {
                tracing::error!(name: "state.cycle_unrecorded", %error, "The failed cycle could not be recorded.");
            }
        }
    }
    result
}

/// Where the ledger lies, so that one which is gone can be looked for there; and that decisions wait no more.
fn note(engine: &mut Engine, report: &SyncReport) -> Result<(), StateError> {
    if let BackendKind::Embedded { path } = &engine.settings.backend.kind {
        engine.state.set_ledger_place(&path.display().to_string())?;
    }
    let remembers = !engine.settings.agent.dry_run && report.standby.is_none();
    if remembers { engine.state.forget_decided() } else { Ok(()) }
}

/// What was held back before stays held back.
fn record(engine: &mut Engine, started: Timestamp, elapsed: Duration, failure: &CycleError) -> Result<(), StateError> {
    let number = engine.state.begin_cycle(started)?;
    let code = match failure {
        CycleError::Backend(_) | CycleError::Apply(ApplyError::Backend(_)) => BACKEND_FAILED,
        CycleError::BackendLost { .. } | CycleError::RestoredTooFar { .. } => "backend_lost",
        CycleError::NoPool { .. } | CycleError::PoolRenamed { .. } => "no_pool",
        CycleError::WentBack { .. } | CycleError::AnotherHistory { .. } => "went_back",
        CycleError::State(_) | CycleError::Apply(ApplyError::State(_)) => "state_failed",
        CycleError::Stopped => "stopped",
    };
    let report = SyncReport {
        seconds: seconds(elapsed),
        ..SyncReport::of_failure(number, started, code, &with_causes(failure))
    };
    let record = CycleRecord {
        number,
        started,
        seconds: report.seconds,
        outcome: report.outcome.as_str().to_owned(),
        report: to_json(&report),
    };
    let held = engine.state.held()?;
    let news = remember::news(&engine.state, &engine.settings, &report)?;
    engine.state.finish_cycle(&record, held.as_ref(), Left::default(), news.as_ref())
}

/// A cycle's failure, as people are told.
pub fn cycle_error(error: &CycleError) -> AppError {
    let code = match error {
        CycleError::State(_) => Code::State,
        CycleError::Stopped => Code::Failed,
        CycleError::Backend(_)
        | CycleError::Apply(_)
        | CycleError::BackendLost { .. }
        | CycleError::RestoredTooFar { .. }
        | CycleError::WentBack { .. }
        | CycleError::AnotherHistory { .. }
        | CycleError::NoPool { .. }
        | CycleError::PoolRenamed { .. } => Code::Backend,
    };
    let told = AppError::new(code, error.to_string()).caused_by(error);
    match error {
        CycleError::Stopped => told,
        full if room::is_full(full) => told.with_next(room::NEXT),
        spoilt if code == Code::Backend && is_spoilt(spoilt) => told.with_next(PUT_BACK),
        _ => told.with_next(NEXT),
    }
}
