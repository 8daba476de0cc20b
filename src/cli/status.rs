//! `status`: how things stand, from the state alone.

use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;

use super::console::Console;
use super::exit::Exit;
use super::page::{Page, Tone};
use super::parts::{self, or_none};
use super::table::Grid;
use super::words;
use crate::app::{App, AppError, moved};
use crate::model::report::{
    CONFIG_REFUSED, ConfirmationRow, CycleOutcome, Failing, PAGE_MISSED, PoolRow, ProblemRow, StatusReport, SyncReport,
};

pub fn status(app: &App, now: Timestamp, console: &Console) -> Result<Exit, AppError> {
    let report = app.status(now)?;
    console.answer(&report, |report, page| render(report, now, page))?;
    Ok(Exit::Done)
}

/// How things stand though the config is wrong, as far as the state can be found; and the problem.
pub fn despite(problem: &AppError, config: &Path, now: Timestamp, console: &Console) -> Result<Exit, AppError> {
    let Some(app) = App::glimpse(config) else { return Err(problem.clone()) };
    let status = app.status(now)?;
    console.answer(&Despite { error: problem, status: &status }, |both, page| render(both.status, now, page))?;
    if !console.json {
        console.fail(problem);
    }
    Ok(Exit::Wrong)
}

/// One object: the error every failure has, and the status beside it.
#[derive(Serialize)]
struct Despite<'a> {
    error: &'a AppError,
    #[serde(flatten)]
    status: &'a StatusReport,
}

fn render(report: &StatusReport, now: Timestamp, page: &mut Page) {
    page.pieces(&[(Tone::Strong, &report.agent), (Tone::Plain, &format!(", seatsync {}", report.version))]);
    page.labelled("agent", agent(report));
    page.labelled("last cycle", last_cycle(report, now));
    page.labelled("next cycle", next_cycle(report, now));
    dry_run(page, report);
    report.going_on(now).for_each(|(said, _)| page.labelled("now", said));
    if let Some(backend) = &report.backend {
        page.labelled("backend", format!("{}, reachable: {}", backend.kind, words::reachable(backend.reachable)));
        if let Some(problem) = &backend.problem {
            page.pieces(&[(Tone::Bad, problem)]);
        }
    }
    for problem in &report.cannot_start {
        page.pieces(&[(Tone::Bad, problem)]);
    }
    directories(page, report);
    problems(page, report);
    if let Some(cycle) = report.last_cycle.as_ref().filter(|_| report.standby.is_none()) {
        parts::next(page, cycle.outcome);
    }
    full_disks(page, report);
    unwritten(page, report, now);
    config_refused(page, report);
    page_missed(page, report);
    parts::pools(page, &report.pools);
    free_yet_waited_for(page, &report.pools);
    quarantined(page, report);
    let is_confirmed = report.confirmations.iter().any(|one| Some(&one.fingerprint) == report.fingerprint.as_ref());
    parts::held(page, report.held.as_deref(), report.fingerprint.as_deref().filter(|_| !is_confirmed));
    confirmed(page, &report.confirmations, now);
    let (tone, word, sentence) = verdict(report, now);
    page.verdict(tone, word, &sentence);
}

fn agent(report: &StatusReport) -> String {
    match (&report.other_state, report.running) {
        (Some(other), _) => format!("running, with its state in {}", other.state_dir.display()),
        (None, true) => "running".to_owned(),
        (None, false) => "not running".to_owned(),
    }
}

fn last_cycle(report: &StatusReport, now: Timestamp) -> String {
    report.last_cycle.as_ref().map_or_else(
        || "none yet".to_owned(),
        |cycle| {
            let (number, outcome) = (words::number(cycle.cycle), words::outcome(cycle.outcome));
            let (when, took) = (words::distance(cycle.started, now), words::duration(cycle.seconds));
            let of = if is_behind(report) { " (the last that could be written down)" } else { "" };
            format!("{number}, {when}: {outcome}, took {took}{of}")
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

fn dry_run(page: &mut Page, report: &StatusReport) {
    let would = report.last_cycle.as_ref().and_then(|cycle| cycle.would.as_ref());
    let would = would.map(|would| format!("the last one changed nothing; without it: {}", parts::changes(would)));
    match (report.dry_run, would) {
        (true, None) => page.labelled("dry run", "no cycle changes anything (agent.dry_run)"),
        (true, Some(would)) => page.labelled("dry run", format!("no cycle changes anything (agent.dry_run); {would}")),
        (false, Some(would)) => page.labelled("dry run", format!("{would}. The next one is none")),
        (false, None) => return,
    }
    page.command("what it would do, and why", "plan");
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
    if let Some(cycle) = &report.last_cycle {
        parts::serve_nobody(page, &cycle.directories);
    }
}

/// The last cycle that could be written down says nothing of it.
fn full_disks(page: &mut Page, report: &StatusReport) {
    if report.full_disks.is_empty() {
        return;
    }
    page.gap();
    for said in &report.full_disks {
        page.pieces(&[(Tone::Bad, said), (Tone::Plain, ".")]);
    }
    let then = if report.running {
        "the agent goes on by itself once it can write"
    } else {
        "an agent that is started goes on where it was once it can write"
    };
    page.line(format!("  nobody loses anything meanwhile, and {then}"));
}

/// Cycles were made, or should have been, of which the state says nothing.
const fn is_behind(report: &StatusReport) -> bool {
    report.failing.is_some() || report.silent_since.is_some() || !report.full_disks.is_empty()
}

/// What the last cycle that could be written down does not say.
fn unwritten(page: &mut Page, report: &StatusReport, now: Timestamp) {
    if let Some(Failing { since, problem }) = &report.failing {
        page.gap();
        let said = format!("Since {} each cycle fails, and cannot be written down: {problem}", words::time(*since));
        page.pieces(&[(Tone::Bad, &said)]);
    }
    if let Some(last) = report.silent_since {
        page.gap();
        let said = format!(
            "The agent runs, and its last sign of life was {}: it cannot write to its state, or hangs. Its log says why.",
            words::distance(last, now)
        );
        page.pieces(&[(Tone::Bad, &said)]);
    }
}

fn config_refused(page: &mut Page, report: &StatusReport) {
    if let Some(problem) = &report.config_problem {
        page.gap();
        page.pieces(&[(Tone::Warn, CONFIG_REFUSED), (Tone::Plain, &format!(": {problem}"))]);
    }
}

fn page_missed(page: &mut Page, report: &StatusReport) {
    if let Some(problem) = &report.page_problem {
        page.gap();
        page.pieces(&[(Tone::Warn, PAGE_MISSED), (Tone::Plain, &format!(": {problem}"))]);
    }
}

/// Of a cycle in which nothing failed, only what is no single person's.
fn problems(page: &mut Page, report: &StatusReport) {
    let Some(cycle) = &report.last_cycle else { return };
    let is_shown = |problem: &&ProblemRow| cycle.outcome != CycleOutcome::Ok || problem.anchor.is_none();
    let shown: Vec<ProblemRow> = cycle.problems.iter().filter(is_shown).cloned().collect();
    parts::problems(page, "The last cycle", &shown);
}

/// Seats that are free although people wait: the queue says for what.
fn free_yet_waited_for(page: &mut Page, pools: &[PoolRow]) {
    for pool in pools.iter().filter(|pool| pool.free > 0 && pool.waiting > 0) {
        let (free, waiting) = (words::counted(pool.free.into(), "free seat", "free seats"), pool.waiting);
        let wait =
            if waiting == 1 { "1 person waits".to_owned() } else { format!("{} wait", words::number(waiting.into())) };
        page.line(format!("{} has {free} while {wait}: `seatsync pending` says for what.", pool.name));
    }
}

/// How many people get nothing new until their entry is mended.
fn quarantined(page: &mut Page, report: &StatusReport) {
    let count = report.last_cycle.iter().flat_map(|cycle| &cycle.directories).map(|one| one.quarantined).sum();
    match count {
        0 => {}
        1 => page.line("1 entry is quarantined: `seatsync users --state quarantined` says why."),
        count => page.line(format!(
            "{} entries are quarantined: `seatsync users --state quarantined` says why.",
            words::number(count)
        )),
    }
}

fn confirmed(page: &mut Page, confirmations: &[ConfirmationRow], now: Timestamp) {
    if confirmations.is_empty() {
        return;
    }
    page.heading("Confirmed, and not carried out yet");
    for one in confirmations {
        let kinds = [(one.leaving, "leaving"), (one.renaming, "renamed"), (one.scope, "of the scope")];
        let said: Vec<String> = kinds
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{} {word}", words::counted(count, "change", "changes")))
            .collect();
        let until = format!("{} ({})", words::time(one.expires), words::distance(one.expires, now));
        page.bullet(format!("{}: {} may pass until {until}", one.fingerprint, said.join(", ")));
    }
    page.line(
        "  if it is wrong after all: mend the directory or the config before the next cycle, and nobody loses anything",
    );
}

fn serves_nobody(cycle: &SyncReport) -> bool {
    cycle.directories.iter().any(|directory| directory.serves_nobody().is_some())
}

/// Why no cycle does what it should.
fn unable(report: &StatusReport) -> Option<&'static str> {
    let spoilt = report.backend.as_ref().is_some_and(|backend| backend.problem.is_some());
    let why = [
        (!report.cannot_start.is_empty(), "the service could not start"),
        (spoilt, "the licence ledger cannot be opened"),
        (report.failing.is_some(), "cycles fail, and cannot be written down"),
        (report.silent_since.is_some(), "the agent gives no sign of life"),
    ];
    why.into_iter().find_map(|(is_so, what)| is_so.then_some(what))
}

/// From whom nothing comes.
fn silent(report: &StatusReport, now: Timestamp) -> Option<String> {
    report.going_on(now).find_map(|(said, is_silent)| is_silent.then_some(said))
}

fn verdict(report: &StatusReport, now: Timestamp) -> (Tone, &'static str, String) {
    let waiting: u64 = report.pools.iter().map(|pool| u64::from(pool.waiting)).sum();
    let waiting = words::counted(waiting, "place in a queue", "places in queues");
    if let Some(standby) = &report.standby {
        return (Tone::Plain, "standby", parts::standby(standby));
    }
    if !report.full_disks.is_empty() {
        return (Tone::Bad, "not well", format!("nothing can be written down; {waiting}"));
    }
    if let Some(other) = &report.other_state {
        let next = "`seatsync check` says what to do";
        return (Tone::Bad, "not well", format!("{}: {next}", moved::sentence(other)));
    }
    if let Some(what) = unable(report) {
        return (Tone::Bad, "not well", format!("{what}; {waiting}"));
    }
    if let Some(silent) = silent(report, now) {
        let held = if report.held.is_some() { "; changes wait for a person" } else { "" };
        return (Tone::Warn, "look at it", format!("{silent}{held}; {waiting}"));
    }
    match &report.last_cycle {
        None if report.running => (Tone::Plain, "new", "no cycle yet; the agent makes the first now".to_owned()),
        None => (Tone::Plain, "new", "no cycle yet; `seatsync sync` does the first".to_owned()),
        Some(_) if report.held.is_some() => (Tone::Warn, "held back", format!("changes wait for a person; {waiting}")),
        Some(cycle) if cycle.outcome == CycleOutcome::Ok && serves_nobody(cycle) => {
            (Tone::Warn, "look at it", format!("a directory gives nobody a seat; {waiting}"))
        }
        Some(cycle) if cycle.outcome == CycleOutcome::Ok && report.config_problem.is_some() => {
            (Tone::Warn, "look at it", format!("{CONFIG_REFUSED}; {waiting}"))
        }
        Some(cycle) if cycle.outcome == CycleOutcome::Ok && report.page_problem.is_some() => {
            (Tone::Warn, "look at it", format!("{PAGE_MISSED}; {waiting}"))
        }
        Some(cycle) if cycle.outcome == CycleOutcome::Ok && cycle.would.is_some() => {
            (Tone::Good, "ok", format!("a dry run; {waiting}"))
        }
        Some(cycle) if cycle.outcome == CycleOutcome::Ok => (Tone::Good, "ok", waiting),
        Some(cycle) => {
            (parts::tone(cycle.outcome), words::outcome(cycle.outcome), format!("the last cycle; {waiting}"))
        }
    }
}

#[cfg(test)]
mod tests;
