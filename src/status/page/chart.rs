//! The last cycles as bars: how much each changed, and how it went.

use crate::model::report::{CycleOutcome, HistoryRow};

/// A bar, the room beside it included.
const STEP: usize = 10;
const HEIGHT: f64 = 60.0;
/// Few cycles are as wide as many.
const ROOM: usize = 60;
/// A cycle that changed nothing is seen, too.
const LOWEST: f64 = 4.0;

pub struct Chart {
    pub bars: Vec<Bar>,
    pub width: usize,
    /// The most that one cycle changed.
    pub most: u64,
}

pub struct Bar {
    pub class: &'static str,
    pub x: usize,
    pub y: String,
    pub height: String,
    pub title: String,
}

/// The oldest first.
pub fn chart(cycles: &[HistoryRow]) -> Chart {
    let most = cycles.iter().map(changed).max().unwrap_or_default();
    let bar = |(index, cycle): (usize, &HistoryRow)| {
        let height = (HEIGHT * changed(cycle) as f64 / most.max(1) as f64).max(LOWEST);
        let HistoryRow { cycle: number, started, seconds, outcome, .. } = cycle;
        let (word, count) = (outcome.as_str().replace('_', " "), changed(cycle));
        Bar {
            class: class(*outcome),
            x: index * STEP,
            y: format!("{:.1}", HEIGHT - height),
            height: format!("{height:.1}"),
            title: format!("cycle {number}, {started:.0}: {word}, {count} changes, {seconds:.1} s"),
        }
    };
    Chart { bars: cycles.iter().enumerate().map(bar).collect(), width: cycles.len().max(ROOM) * STEP, most }
}

fn changed(cycle: &HistoryRow) -> u64 {
    cycle
        .changes
        .named()
        .into_iter()
        .filter(|(word, _)| !matches!(*word, "failed" | "held"))
        .map(|(_, count)| count)
        .sum()
}

pub const fn class(outcome: CycleOutcome) -> &'static str {
    match outcome {
        CycleOutcome::Ok | CycleOutcome::Standby => "good",
        CycleOutcome::SomeFailed | CycleOutcome::Held => "warn",
        CycleOutcome::Partial | CycleOutcome::Failed => "bad",
    }
}
