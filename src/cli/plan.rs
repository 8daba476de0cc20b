//! `plan`: what a cycle would do.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use super::args;
use super::console::Console;
use super::exit::Exit;
use super::html;
use super::page::{Page, Tone};
use super::parts::{self, or_none};
use super::progress::Foot;
use super::table::Grid;
use super::words::{self, NONE, number};
use crate::app::{App, AppError, Code, PlanOptions};
use crate::model::report::{CycleOutcome, PlanReport, PlanRow};

pub async fn plan(app: &App, asked: &args::Plan, console: &Console, foot: &Foot) -> Result<Exit, AppError> {
    let options = PlanOptions { full: asked.full, seats: asked.seats.clone() };
    // The bar is gone before anything is printed.
    let report = app.plan(&options, &foot.bar()).await?;
    if let Some(file) = &asked.html {
        write_private(file, &html::document(&report)).map_err(|error| {
            AppError::new(Code::Output, format!("could not write the plan to {}", file.display())).caused_by(&error)
        })?;
    }
    console.answer(&report, render)?;
    Ok(report.outcome.into())
}

/// Names and mail addresses are for whoever asked for them: a new file is its owner's alone.
fn write_private(file: &Path, text: &str) -> io::Result<()> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)?.write_all(text.as_bytes())
}

pub fn render(report: &PlanReport, page: &mut Page) {
    parts::directories(page, &report.directories);
    changes(page, &report.changes);
    parts::waiting(page, &report.waiting, usize::MAX);
    parts::pools(page, &report.pools);
    parts::problems(page, "Cannot be done", &report.problems);
    parts::held(page, report.held.as_deref(), report.fingerprint.as_deref());
    page.verdict(parts::tone(report.outcome), words::outcome(report.outcome), &summary(report));
}

fn changes(page: &mut Page, changes: &[PlanRow]) {
    if changes.is_empty() {
        return;
    }
    page.heading("Changes");
    let mut grid = Grid::new(&["CHANGE", "WHO", "USER NAME", "POOL", ">PLACE", "WHY"]);
    for row in changes {
        let user_name = or_none(row.user_name.as_deref());
        let cells = [
            row.change.as_str().to_owned(),
            parts::who(row.display_name.as_deref(), user_name).to_owned(),
            user_name.to_owned(),
            parts::pool_change(row.from_pool.as_ref(), row.pool.as_ref()),
            row.position.map_or_else(|| NONE.to_owned(), number),
            why(row),
        ];
        grid.toned(if row.held { Tone::Warn } else { Tone::Plain }, cells);
    }
    page.table(grid);
}

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

#[cfg(test)]
mod tests;
