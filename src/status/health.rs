//! `/readyz`: whether the agent does its work.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::Facts;

/// A cycle that takes long, or is tried again, is no alarm yet.
const PATIENCE: Duration = Duration::from_mins(10);

/// The answer, and why it is no.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Readiness {
    pub ready: bool,
    /// Sentences; none where it is ready.
    pub reasons: Vec<String>,
    /// When the last cycle that could read everything ended.
    pub last_good_cycle: Option<Timestamp>,
}

/// Whether the last good cycle is recent, and directories and backend can be reached.
#[must_use]
pub fn readiness(facts: Option<&Facts>, now: Timestamp) -> Readiness {
    let Some(facts) = facts else {
        return Readiness { ready: false, reasons: vec!["the agent is starting".to_owned()], last_good_cycle: None };
    };
    let status = &facts.status;
    let backend = status.backend.as_ref().filter(|backend| backend.reachable == Some(false));
    let directories = status.directories.iter().filter(|directory| directory.reachable == Some(false));
    let unreachable = directories.map(|directory| format!("the directory {} cannot be reached", directory.name));
    let backend = backend.map(|backend| format!("the backend ({}) cannot be reached", backend.kind));
    let reasons: Vec<String> = stale(facts, now).into_iter().chain(unreachable).chain(backend).collect();
    Readiness { ready: reasons.is_empty(), reasons, last_good_cycle: facts.tally.last_good }
}

/// Three cycles in a row may fail before it is said.
fn stale(facts: &Facts, now: Timestamp) -> Option<String> {
    let limit = SignedDuration::try_from(facts.poll * 3 + PATIENCE).unwrap_or(SignedDuration::MAX);
    match facts.tally.last_good {
        None => Some("no cycle has read everything yet".to_owned()),
        Some(last) if now.duration_since(last) > limit => Some(format!(
            "the last cycle that read everything ended at {last:.0}, longer than {} minutes ago",
            limit.as_mins()
        )),
        Some(_) => None,
    }
}
