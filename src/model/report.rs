//! What is said to people and programs: the JSON of the command line, one type a shape.
//!
//! Fields are added, never renamed. Every report can be read back, since the agent answers other verbs through the state.

mod agent;
mod cycle;
mod elsewhere;
mod person;
mod plan;
mod reach;
mod stopped;

pub use agent::{
    Awaited, BackendStatus, CONFIG_REFUSED, CheckProblem, CheckReport, ConfirmReport, ConfirmationRow, DirectoryStatus,
    Failing, HistoryRow, OtherState, PAGE_MISSED, Probe, ReadingRow, RelinkReport, StatusReport,
};
pub use cycle::{
    ChangeCounts, CycleOutcome, DirectoryReport, GrantedRow, HeldKind, HeldRow, LostRow, PoolRow, ProblemRow,
    QuarantinedRow, ReadMode, SyncReport, WaitingRow,
};
pub use elsewhere::{Deed, ElsewhereRow, people_by_deed};
pub use person::{
    DecisionRow, EntryRow, ExplainReport, PendingRow, PoolExplained, ScopeExplained, SeatRow, SeatWord, UserRow,
};
pub use plan::{ChangeKind, PlanReport, PlanRow};
pub use reach::{Reach, in_words};
pub use stopped::Stopped;

/// A duration as reports give it: seconds, to the millisecond.
#[must_use]
pub fn seconds(duration: std::time::Duration) -> f64 {
    (duration.as_secs_f64() * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests;
