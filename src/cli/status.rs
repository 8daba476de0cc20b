//! `status`: how things stand, from the state alone.

use jiff::Timestamp;

use super::console::Console;
use super::exit::Exit;
use super::page::{Page, Tone};
use super::parts::{self, or_none};
use super::table::Grid;
use super::words;
use crate::app::{App, AppError};
use crate::model::report::{CycleOutcome, StatusReport};

pub fn status(app: &App, now: Timestamp, console: &Console) -> Result<Exit, AppError> {
    let report = app.status()?;
    console.answer(&report, |report, page| render(report, now, page))?;
    Ok(Exit::Done)
}

fn render(report: &StatusReport, now: Timestamp, page: &mut Page) {
    page.pieces(&[(Tone::Strong, &report.agent), (Tone::Plain, &format!(", seatsync {}", report.version))]);
    page.labelled("agent", if report.running { "running" } else { "not running" });
    page.labelled("last cycle", last_cycle(report, now));
    page.labelled("next cycle", next_cycle(report, now));
    if let Some(backend) = &report.backend {
        page.labelled("backend", format!("{}, reachable: {}", backend.kind, words::reachable(backend.reachable)));
    }
    directories(page, report);
    parts::pools(page, &report.pools);
    parts::held(page, report.held.as_deref(), report.fingerprint.as_deref());
    let (tone, word, sentence) = verdict(report);
    page.verdict(tone, word, &sentence);
}

fn last_cycle(report: &StatusReport, now: Timestamp) -> String {
    report.last_cycle.as_ref().map_or_else(
        || "none yet".to_owned(),
        |cycle| {
            let (number, outcome) = (words::number(cycle.cycle), words::outcome(cycle.outcome));
            let (when, took) = (words::distance(cycle.started, now), words::duration(cycle.seconds));
            format!("{number}, {when}: {outcome}, took {took}")
        },
    )
}

fn next_cycle(report: &StatusReport, now: Timestamp) -> String {
    match report.next_cycle {
        Some(next) if next <= now => "is being made now".to_owned(),
        Some(next) => format!("{}, {}", words::time(next), words::distance(next, now)),
        None if report.running => "not known yet".to_owned(),
        None => "none: no agent runs".to_owned(),
    }
}

fn directories(page: &mut Page, report: &StatusReport) {
    let mut grid = Grid::new(&["DIRECTORY", "KIND", "SERVER", "REACHABLE", "WATERMARK"]);
    for one in &report.directories {
        grid.row([
            &*one.name,
            one.kind.map_or("not asked yet", crate::model::snapshot::Kind::as_str),
            or_none(one.server.as_deref()),
            words::reachable(one.reachable),
            or_none(one.watermark.as_deref()),
        ]);
    }
    page.gap();
    page.table(grid);
    let last = report.last_cycle.iter().flat_map(|cycle| &cycle.directories);
    for (name, problem) in last.filter_map(|one| Some((&one.name, one.problem.as_ref()?))) {
        page.line(format!("  {name}: {problem}"));
    }
}

fn verdict(report: &StatusReport) -> (Tone, &'static str, String) {
    let waiting: u64 = report.pools.iter().map(|pool| u64::from(pool.waiting)).sum();
    let waiting = words::counted(waiting, "place in a queue", "places in queues");
    if let Some(standby) = &report.standby {
        return (Tone::Plain, "standby", parts::standby(standby));
    }
    match &report.last_cycle {
        None => (Tone::Plain, "new", "no cycle yet; `seatsync sync` does the first".to_owned()),
        Some(_) if report.held.is_some() => (Tone::Warn, "held back", format!("changes wait for a person; {waiting}")),
        Some(cycle) if cycle.outcome == CycleOutcome::Ok => (Tone::Good, "ok", waiting),
        Some(cycle) => {
            (parts::tone(cycle.outcome), words::outcome(cycle.outcome), format!("the last cycle; {waiting}"))
        }
    }
}

#[cfg(test)]
mod tests;
