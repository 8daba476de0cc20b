//! `/readyz`: whether the agent does its work.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::Facts;
use super::trouble::troubles;

/// A cycle that takes long, or was not whole, is no alarm yet.
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

/// Whether the last cycle did its work, the last good one is recent, and directories and backend can be read.
#[must_use]
pub fn readiness(facts: Option<&Facts>, now: Timestamp) -> Readiness {
    let Some(facts) = facts else {
        return Readiness { ready: false, reasons: vec!["the agent is starting".to_owned()], last_good_cycle: None };
    };
    let stops = troubles(facts).into_iter().filter(|trouble| trouble.stops);
    let reasons: Vec<String> = stops.map(|trouble| trouble.said).chain(stale(facts, now)).collect();
    Readiness { ready: reasons.is_empty(), reasons, last_good_cycle: facts.tally.last_good }
}

/// Three cycles in a row may be partial before it is said.
pub fn stale(facts: &Facts, now: Timestamp) -> Option<String> {
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
