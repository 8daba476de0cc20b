//! Cycles that come to nothing, directories that cannot be read to their end, accounts that the backend refuses.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::json;

use super::House;
use super::letter::Letter;
use super::watch::{AT_ONCE, Turn, is_clearly_more, observe};
use crate::model::Name;
use crate::model::notice::{CycleTold, FailedTold, NoticeKind, Watch};
use crate::model::report::{DirectoryReport, SyncReport};
use crate::model::text::counted;

/// Failures that no later cycle mends by itself.
const URGENT: &[&str] = &["backend_lost", "no_pool"];

/// Told after some cycles in a row, and at once where only a person can help.
pub fn cycles(told: &mut CycleTold, report: &SyncReport, house: &House<'_>, now: Timestamp) -> Option<Letter> {
    let failure = report.problems.first().filter(|_| !super::came_to_something(report));
    let code = failure.map(|problem| problem.code.clone());
    let is_urgent = code.as_deref().is_some_and(|code| URGENT.contains(&code));
    let begin = if is_urgent { AT_ONCE } else { house.patience() };
    let is_another = is_urgent && told.watch.told && told.code != code;
    let turn = observe(&mut told.watch, failure.is_some(), begin, house.patience(), now);
    match (turn, failure) {
        (Some(Turn::Ended { since }), _) => {
            told.code = None;
            Some(working(&house.moment(since)))
        }
        (Some(Turn::Began { since, .. }), Some(failure)) => {
            told.code = code;
            Some(failing(&failure.code, &failure.message, &house.moment(since)))
        }
        (None, Some(failure)) if is_another => {
            told.code = code;
            Some(failing(&failure.code, &failure.message, &house.moment(now)))
        }
        _ => None,
    }
}

fn failing(code: &str, message: &str, since: &str) -> Letter {
    let what = match code {
        "backend_failed" => "the backend does not do what is asked",
        "backend_lost" => "accounts are gone from the backend",
        "no_pool" => "the backend does not have a pool of the config",
        _ => "a cycle cannot be made",
    };
    Letter {
        kind: NoticeKind::CycleFailing,
        subject: what.to_owned(),
        lines: vec![
            format!("No cycle came to its end since {since}: {what}."),
            message.to_owned(),
            "Everybody keeps what they have, in the backend as it is. Nobody new gets an account or a seat, and nobody's is taken."
                .to_owned(),
            "The agent goes on trying; you hear when it works again.".to_owned(),
        ],
        run: vec![("see what can be reached, and what to do", "seatsync check --connect".to_owned())],
        data: json!({ "code": code }),
    }
}

fn working(since: &str) -> Letter {
    Letter {
        kind: NoticeKind::CycleWorking,
        subject: "cycles are made again".to_owned(),
        lines: vec![format!("Cycles come to their end again. They did not since {since}.")],
        run: vec![("see how things stand", "seatsync status".to_owned())],
        data: json!({}),
    }
}

/// Each told after some cycles in a row.
pub fn directories(
    told: &mut BTreeMap<Name, Watch>,
    report: &SyncReport,
    house: &House<'_>,
    now: Timestamp,
) -> Vec<Letter> {
    told.retain(|name, _| report.directories.iter().any(|directory| directory.name == *name));
    let mut letters = Vec::new();
    for directory in &report.directories {
        let watch = told.entry(directory.name.clone()).or_default();
        match observe(watch, !directory.complete, house.patience(), house.patience(), now) {
            Some(Turn::Began { cycles, since }) => letters.push(unreadable(directory, cycles, &house.moment(since))),
            Some(Turn::Ended { since }) => letters.push(readable(directory, &house.moment(since))),
            None => {}
        }
    }
    letters
}

fn unreadable(directory: &DirectoryReport, cycles: u32, since: &str) -> Letter {
    let name = &directory.name;
    let times = counted(cycles.into(), "cycle", "cycles in a row");
    let mut lines = vec![format!("The directory \"{name}\" could not be read to its end in {times}, since {since}.")];
    lines.extend(directory.problem.clone());
    lines.extend([
        "Its people keep accounts, seats and places. Until it can be read nobody of it leaves or gets a seat."
            .to_owned(),
        "The agent goes on trying; you hear when it is read again.".to_owned(),
    ]);
    Letter {
        kind: NoticeKind::DirectoryUnreadable,
        subject: format!("the directory {name} cannot be read"),
        lines,
        run: vec![("see what can be reached, and what to do", "seatsync check --connect".to_owned())],
        data: json!({ "directory": name, "cycles": cycles }),
    }
}

fn readable(directory: &DirectoryReport, since: &str) -> Letter {
    let name = &directory.name;
    Letter {
        kind: NoticeKind::DirectoryReadable,
        subject: format!("the directory {name} is read again"),
        lines: vec![
            format!("The directory \"{name}\" is read to its end again. It was not since {since}."),
            format!("{} of it are in scope.", counted(directory.users, "person", "people")),
        ],
        run: vec![("see how things stand", "seatsync status".to_owned())],
        data: json!({ "directory": name, "users": directory.users }),
    }
}

/// Told at once, and again when they are clearly more.
pub fn accounts(told: &mut FailedTold, report: &SyncReport, house: &House<'_>, now: Timestamp) -> Option<Letter> {
    let failed = report.changes.failed;
    let is_more = told.watch.told && is_clearly_more(failed, told.count);
    match observe(&mut told.watch, failed > 0, AT_ONCE, house.patience(), now) {
        Some(Turn::Ended { .. }) => {
            told.count = 0;
            Some(accounts_well())
        }
        Some(Turn::Began { .. }) => Some(accounts_failed(told, failed)),
        None if is_more => Some(accounts_failed(told, failed)),
        None => None,
    }
}

fn accounts_failed(told: &mut FailedTold, failed: u64) -> Letter {
    told.count = failed;
    let accounts = counted(failed, "account", "accounts");
    Letter {
        kind: NoticeKind::AccountsFailed,
        subject: format!("the backend refused {accounts}"),
        lines: vec![
            format!("The backend refused what was asked for {accounts}. All others were dealt with."),
            "It is asked again in every cycle; you hear when it refuses none any more.".to_owned(),
        ],
        run: vec![("see which, and why", "seatsync status".to_owned())],
        data: json!({ "failed": failed }),
    }
}

fn accounts_well() -> Letter {
    Letter {
        kind: NoticeKind::AccountsWell,
        subject: "the backend refuses no account any more".to_owned(),
        lines: vec!["The backend refuses no account any more.".to_owned()],
        run: vec![("see how things stand", "seatsync status".to_owned())],
        data: json!({ "failed": 0 }),
    }
}
