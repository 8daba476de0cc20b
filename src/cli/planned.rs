//! A plan in sentences, for the terminal and for the web page alike.

use super::parts::or_none;
use super::words::{self, NONE, number};
use crate::model::report::{CycleOutcome, PlanReport, PlanRow};

/// Reason, attributes that change, and whether the guard holds it back.
pub fn why(row: &PlanRow) -> String {
    let mut said: Vec<String> = row.reason.iter().map(|code| words::reason_code(code).to_owned()).collect();
    for (field, (old, new)) in &row.fields {
        said.push(format!("{field}: {} -> {}", or_none(old.as_deref()), or_none(new.as_deref())));
    }
    if row.held {
        said.push("held back".to_owned());
    }
    if said.is_empty() { NONE.to_owned() } else { said.join("; ") }
}

/// "60 changes, 10 people wait, nothing would be held back; nothing was changed".
pub fn summary(report: &PlanReport) -> String {
    let held = report.changes.iter().filter(|row| row.held).count() as u64;
    let held = match (&report.held, held) {
        (None, _) => "nothing would be held back".to_owned(),
        (Some(_), 0) => "held back until confirmed".to_owned(),
        (Some(_), held) => format!("{} held back", number(held)),
    };
    let changes = match report.changes.len() {
        0 if report.outcome == CycleOutcome::Ok => "nothing to do".to_owned(),
        count => words::counted(count as u64, "change", "changes"),
    };
    let places = words::counted(report.waiting.len() as u64, "place in a queue", "places in queues");
    format!("{changes}, {places}, {held}; nothing was changed ({})", words::duration(report.seconds))
}
