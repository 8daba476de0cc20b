//! `/readyz`: whether the agent does its work.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::Facts;
use super::trouble::troubles;
use crate::model::report::{Awaited, ReadingRow};

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
    /// Reads that go on now for longer than a moment: what is said beside them is of the time before.
    pub reading: Vec<ReadingRow>,
    /// The ledger, where its answer is waited for for longer than a moment.
    pub awaited: Option<Awaited>,
}

/// Whether the last cycle did its work, the last good one is recent, and directories and backend can be read.
#[must_use]
pub fn readiness(facts: Option<&Facts>, now: Timestamp) -> Readiness {
    let Some(facts) = facts else {
        return Readiness {
            ready: false,
            reasons: vec!["the agent is starting".to_owned()],
            last_good_cycle: None,
            reading: Vec::new(),
            awaited: None,
        };
    };
    let stops = troubles(facts).into_iter().filter(|trouble| trouble.stops);
    let reasons: Vec<String> = stops.map(|trouble| trouble.said).chain(late(facts, now)).collect();
    let (reading, awaited) = (facts.status.reading.clone(), facts.status.awaited.clone());
    Readiness { ready: reasons.is_empty(), reasons, last_good_cycle: facts.tally.last_good, reading, awaited }
}

/// What takes longer than it may.
pub fn late(facts: &Facts, now: Timestamp) -> impl Iterator<Item = String> {
    let silent = facts.status.going_on(now).filter_map(|(said, is_silent)| is_silent.then_some(said));
    silent.chain(stale(facts, now))
}

/// Three cycles in a row may be partial before it is said.
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
