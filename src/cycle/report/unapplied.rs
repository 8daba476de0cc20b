//! What a plan comes to that nobody carried out: asked for is not given.

use std::collections::BTreeMap;

use super::counts;
use crate::model::report::ChangeCounts;
use crate::model::settings::Settings;
use crate::model::{PersonId, PoolCount};
use crate::plan::Plan;
use crate::plan::effects::Effect;

/// What a cycle of a dry run would have done; None where cycles do what they plan.
#[must_use]
pub fn would(settings: &Settings, plan: &Plan) -> Option<ChangeCounts> {
    settings.agent.dry_run.then(|| {
        let mut people: BTreeMap<&PersonId, Vec<Effect>> = BTreeMap::new();
        for change in plan.changes.iter().filter(|change| !change.held) {
            people.entry(&change.person).or_default().push(change.effect.clone());
        }
        let happening: Vec<_> = people.into_iter().map(|(person, effects)| (person.clone(), effects)).collect();
        counts(&happening)
    })
}

/// A pool that the backend neither had nor was told of: nobody holds a seat of it or waits for one, whatever is planned.
#[must_use]
pub fn still_empty(planned: &PoolCount) -> PoolCount {
    PoolCount { held: 0, waiting: 0, ..planned.clone() }
}
