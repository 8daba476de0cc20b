//! `plan`: what a cycle would do.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use super::approval;
use super::args;
use super::console::Console;
use super::exit::Exit;
use super::html;
use super::page::{Page, Tone};
use super::parts::{self, PEOPLE, or_none};
use super::planned::{summary, why};
use super::progress::Foot;
use super::table::Grid;
use super::words::{self, NONE, number};
use crate::app::{App, AppError, Code, PlanOptions};
use crate::model::Name;
use crate::model::change::Promotion;
use crate::model::report::{PlanReport, PlanRow, Reach};

pub async fn plan(app: &App, asked: &args::Plan, console: &Console, foot: &Foot) -> Result<Exit, AppError> {
    let options = PlanOptions { full: asked.full, seats: asked.seats.clone() };
    // The bar is gone before anything is printed.
    let report = app.plan(&options, &foot.bar()).await?;
    if let Some(file) = &asked.html {
        write_private(file, &html::document(&report, app.promotion())).map_err(|error| {
            AppError::new(Code::Output, format!("could not write the plan to {}", file.display())).caused_by(&error)
        })?;
    }
    let tried: Vec<Name> = asked.seats.iter().map(|(pool, _)| Name::from(pool.as_str())).collect();
    let context = Context { promotion: app.promotion(), what_if: &tried };
    console.answer(&report, |report, page| render(report, context, page))?;
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

/// What a plan is read with.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    pub promotion: Promotion,
    /// The pools of `--seats`: they are not so yet.
    pub what_if: &'a [Name],
}

pub fn render(report: &PlanReport, context: Context<'_>, page: &mut Page) {
    let reach = Reach::of(report.waiting.iter().map(Into::into), &report.pools, context.promotion);
    parts::directories(page, &report.directories);
    parts::quarantined(page, &report.quarantined, PEOPLE);
    changes(page, &report.changes);
    parts::waiting(page, &report.waiting, &reach, usize::MAX);
    parts::pools(page, &report.pools);
    approval::tell(&reach, context.what_if, page);
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

#[cfg(test)]
mod tests;
