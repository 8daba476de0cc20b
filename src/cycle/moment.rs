//! Whether the backend's word is later than what it said before. A ledger that was restored from a backup shows an earlier
//! moment, and so does a proxy that keeps answers: who has no account there was deleted by nobody. Where such a ledger has come
//! further meanwhile than it ever was, the change of the number known last is another one.

use super::last_known::AccountsLastKnown;
use super::{CycleError, Parts, succession};
use crate::model::Account;
use crate::model::change::BackendState;
use crate::model::lease::Moment;
use crate::ports::StateError;

/// How what was read follows what was known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It is later, or nothing was known.
    Later,
    /// It is earlier, or of another history, and was read twice, the second time under a lease that it shows.
    Restored,
}

/// A moment that does not follow the one known.
struct Break {
    shown: u64,
    known: Moment,
    is_earlier: bool,
}

impl Break {
    /// Shown for the second time: by the ledger itself, and by nothing that keeps old answers.
    fn is_sure(&self) -> bool {
        self.known.back.is_some_and(|back| self.shown >= back)
    }

    const fn error(&self) -> CycleError {
        let (shown, known) = (self.shown, self.known.version);
        if self.is_earlier { CycleError::WentBack { shown, known } } else { CycleError::AnotherHistory { known } }
    }
}

/// Judges what was just read.
///
/// # Errors
/// Where it is of an earlier moment, or of another history, for the first time: it may be an old answer that something between kept. Where more is
/// gone than the guard lets leave: whoever restores anything has to look first.
pub async fn judge(parts: &mut Parts<'_>, current: &BackendState) -> Result<Seen, CycleError> {
    let Some(found) = look(parts, current).await? else { return Ok(Seen::Later) };
    if found.is_sure() {
        tracing::warn!(
            shown = found.shown,
            known = found.known.version,
            "The ledger was restored from a backup; going on with what it has."
        );
        return Ok(Seen::Restored);
    }
    parts.memory.set_moment(Moment { back: Some(found.shown), ..found.known })?;
    parts.backend.doubt().await;
    Err(found.error())
}

/// The same for a preview, which changes nothing: what is remembered becomes what the cycle that goes on will remember.
/// Where one has to fail before that, its error is returned.
///
/// # Errors
/// Where more is gone than the guard lets leave.
pub async fn foresee(
    parts: &mut Parts<'_>,
    current: &BackendState,
    remembered: &mut AccountsLastKnown,
) -> Result<Option<CycleError>, CycleError> {
    let Some(found) = look(parts, current).await? else { return Ok(None) };
    remembered.inherit(&current.accounts);
    Ok((!found.is_sure()).then(|| found.error()))
}

/// None: what was read follows what was known.
async fn look(parts: &mut Parts<'_>, current: &BackendState) -> Result<Option<Break>, CycleError> {
    let (Some(shown), Some(known)) = (parts.backend.moment(), parts.memory.moment()?) else { return Ok(None) };
    let is_earlier = shown < known.version;
    if !is_earlier && !is_another(parts, known).await? {
        return Ok(None);
    }
    succession::gone_within_limit(parts, current).map_err(|error| match error {
        // One without anybody was emptied, or is another one.
        CycleError::BackendLost { lost } if current.accounts.iter().any(Account::is_managed) => {
            CycleError::RestoredTooFar { lost }
        }
        other => other,
    })?;
    Ok(Some(Break { shown, known, is_earlier }))
}

/// Whether the change known last is another one now than it was.
async fn is_another(parts: &mut Parts<'_>, known: Moment) -> Result<bool, CycleError> {
    let Some(before) = known.made else { return Ok(false) };
    let now = parts.backend.moment_made(known.version).await?;
    Ok(now.is_some_and(|now| now != before))
}

/// Remembers how far the backend came.
///
/// # Errors
/// Where the state cannot be written.
pub async fn remember(parts: &mut Parts<'_>) -> Result<(), StateError> {
    let Some(version) = parts.backend.moment() else { return Ok(()) };
    let known = parts.memory.moment()?.filter(|known| known.version == version && known.back.is_none());
    let made = match known.and_then(|known| known.made) {
        Some(made) => Some(made),
        // All is done: a ledger that does not answer any more fails the next cycle, not this one.
        None => parts.backend.moment_made(version).await.unwrap_or_default(),
    };
    parts.memory.set_moment(Moment { version, made, back: None })
}
