//! Which directories are watched for changes that their servers push, and when a pass follows them.
//!
//! A directory is watched once a pass read it whole: then the credentials are good, and it is known what was seen. Whoever stands by
//! for another agent watches nothing.

use std::time::Instant;

use super::engine::Engine;
use crate::clock;
use crate::cycle::{CycleError, reading};
use crate::model::report::SyncReport;
use crate::ports::{Mirror as _, Pushes, StateError};

#[derive(Debug, Default)]
pub struct Pushing(Pushes);

impl Pushing {
    /// Ready once a pass is to follow what was pushed, at `from` at the earliest.
    pub async fn due(&self, from: Instant) {
        self.0.due(from).await;
    }

    /// A pass begins. Says whether anything was pushed that it follows.
    pub fn begin(&self) -> bool {
        self.0.take()
    }

    /// After a pass: watches what it could read whole, from where it saw everything; and no more what refuses us.
    pub fn keep_watch(&self, engine: &mut Engine, result: &Result<SyncReport, CycleError>) {
        if let Err(error) = self.arrange(engine, result.as_ref().ok()) {
            tracing::warn!(%error, "It could not be found out which directories to watch.");
        }
    }

    fn arrange(&self, engine: &mut Engine, report: Option<&SyncReport>) -> Result<(), StateError> {
        let wanted = engine.settings.agent.push && report.is_none_or(|report| report.standby.is_none());
        for source in &mut engine.directories {
            let name = source.directory.name().clone();
            if !wanted || engine.state.refused_bind(&name)?.is_some() {
                source.directory.watch(None, None);
            } else if report.is_some_and(|report| {
                report.directories.iter().any(|directory| directory.name == name && directory.complete)
            }) {
                source.directory.watch(Some(&self.0), engine.state.watermark(&name)?);
            }
        }
        Ok(())
    }
}

/// What was refused to a watch is not to be tried by the next pass either: that locks accounts.
pub fn note_refused(engine: &mut Engine) {
    let now = clock::now();
    for source in &mut engine.directories {
        let Some(said) = source.directory.watch_refusal() else { continue };
        source.directory.watch(None, None);
        if let Err(error) = reading::note_bind(&mut engine.state, source, Some(&said), now) {
            tracing::warn!(%error, directory = %source.directory.name(), "A refused credential could not be noted.");
        }
    }
}
