//! Whether the backend's word is later than what it said before. A ledger that was restored from a backup shows an earlier
//! moment, and so does a proxy that keeps answers: who has no account there was deleted by nobody.

use super::{CycleError, Parts, succession};
use crate::model::change::BackendState;
use crate::model::lease::Moment;
use crate::ports::StateError;

/// How what was read follows what was known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It is later, or nothing was known.
    Later,
    /// It is earlier, and was read twice, the second time under a lease that it shows.
    Restored,
}

/// Judges what was just read.
///
/// # Errors
/// Where it is of an earlier moment for the first time: it may be an old answer that something between kept. Where more is
/// gone than the guard lets leave: whoever restores anything has to look first.
pub async fn judge(parts: &mut Parts<'_>, current: &BackendState) -> Result<Seen, CycleError> {
    let (Some(shown), Some(known)) = (parts.backend.moment(), parts.memory.moment()?) else { return Ok(Seen::Later) };
    if shown >= known.version {
        return Ok(Seen::Later);
    }
    succession::gone_within_limit(parts, current)?;
    if known.back.is_some_and(|back| shown >= back) {
        tracing::warn!(
            shown,
            known = known.version,
            "The ledger was restored from a backup; going on with what it has."
        );
        return Ok(Seen::Restored);
    }
    parts.memory.set_moment(Moment { back: Some(shown), ..known })?;
    parts.backend.doubt().await;
    Err(CycleError::WentBack { shown, known: known.version })
}

/// Remembers how far the backend came.
///
/// # Errors
/// Where the state cannot be written.
pub fn remember(parts: &mut Parts<'_>) -> Result<(), StateError> {
    parts.backend.moment().map_or(Ok(()), |version| parts.memory.set_moment(Moment { version, back: None }))
}
