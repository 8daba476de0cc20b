//! What an earlier cycle did without hearing of it is told by the one that asked.

use std::collections::BTreeMap;

use super::{counts, people};
use crate::apply::Recovered;
use crate::model::PersonId;
use crate::model::report::{ChangeCounts, SyncReport};
use crate::plan::effects::Effect;

/// The report, with what was recovered; `happened` is what the cycle itself did. A person counts once a verb.
#[must_use]
pub fn with_recovered(
    mut report: SyncReport,
    recovered: &Recovered,
    happened: &[(PersonId, Vec<Effect>)],
) -> SyncReport {
    let earlier = recovered.happened();
    if earlier.is_empty() {
        return report;
    }
    let (before, after) = (recovered.before(), recovered.after());
    report.granted.splice(0..0, people::granted(&earlier, &after));
    report.lost.splice(0..0, people::lost(&earlier, &before, &after));
    let mut together: BTreeMap<PersonId, Vec<Effect>> = BTreeMap::new();
    for (person, effects) in earlier.into_iter().chain(happened.iter().cloned()) {
        together.entry(person).or_default().extend(effects);
    }
    let together: Vec<_> = together.into_iter().collect();
    let ChangeCounts { failed, held, .. } = report.changes;
    report.changes = ChangeCounts { failed, held, ..counts(&together) };
    report
}
