//! `sync`: one cycle and its report.

use std::collections::BTreeSet;

use super::approval;
use super::console::Console;
use super::exit::Exit;
use super::page::{Page, Tone};
use super::parts::{self, PEOPLE, and_more};
use super::progress::Foot;
use super::signals;
use super::table::Grid;
use super::words::{self, counted, number};
use crate::app::{App, AppError};
use crate::model::change::Promotion;
use crate::model::report::{CycleOutcome, Deed, ElsewhereRow, GrantedRow, LostRow, Reach, SyncReport};

pub async fn sync(app: &App, full: bool, console: &Console, foot: &Foot) -> Result<Exit, AppError> {
    // The bar is gone before anything is printed.
    let report = app.sync(full, &foot.bar(), signals::of_a_verb()?).await?;
    let calm = report.outcome == CycleOutcome::Ok;
    if !console.spares(calm) {
        console.answer(&report, |report, page| render(report, console.quiet, app.promotion(), page))?;
    }
    Ok(report.outcome.into())
}

/// With `brief` only what needs attention.
pub fn render(report: &SyncReport, brief: bool, promotion: Promotion, page: &mut Page) {
    if let Some(standby) = &report.standby {
        parts::pools(page, &report.pools);
        page.verdict(Tone::Plain, words::outcome(report.outcome), &parts::standby(standby));
        return;
    }
    if !brief {
        let reach = Reach::of(report.waiting.iter().map(Into::into), &report.pools, promotion);
        page.pieces(&[(Tone::Strong, &format!("Cycle {}", number(report.cycle)))]);
        parts::directories(page, &report.directories);
        if report.directories.iter().any(|one| one.quarantined > 0) {
            page.command("who is quarantined, and why", "users --state quarantined");
        }
        granted(page, &report.granted);
        lost(page, &report.lost);
        elsewhere(page, &report.elsewhere);
        parts::waiting(page, &report.waiting, &reach, PEOPLE);
        parts::pools(page, &report.pools);
        approval::tell(&reach, &[], page);
        changes(page, report);
    }
    // What was only left alone, another hand's work or a conflict, is no failure.
    let failed = matches!(report.outcome, CycleOutcome::SomeFailed | CycleOutcome::Failed);
    parts::problems(page, if failed { "Failed" } else { "To look at" }, &report.problems);
    parts::next(page, report.outcome);
    parts::held(page, report.held.as_deref(), report.fingerprint.as_deref());
    let dry = if report.would.is_some() { "a dry run, " } else { "" };
    let sentence = format!("{dry}{} ({})", summary(report), words::duration(report.seconds));
    page.verdict(parts::tone(report.outcome), words::outcome(report.outcome), &sentence);
}

fn granted(page: &mut Page, granted: &[GrantedRow]) {
    if granted.is_empty() {
        return;
    }
    page.heading("Got a seat");
    let mut grid = Grid::new(&["POOL", "WHO", "USER NAME", "MAIL"]);
    for row in granted.iter().take(PEOPLE) {
        grid.row([&*row.pool, parts::who(row.display_name.as_deref(), &row.user_name), &*row.user_name, &*row.email]);
    }
    page.table(grid);
    and_more(page, granted.len(), PEOPLE, "users --state active");
}

fn lost(page: &mut Page, lost: &[LostRow]) {
    if lost.is_empty() {
        return;
    }
    page.heading("Lost a seat");
    let mut grid = Grid::new(&["POOL", "WHO", "USER NAME", "WHY"]);
    for row in lost.iter().take(PEOPLE) {
        let why = row.cause.as_deref().map_or("the pool takes this person no more", words::reason_code);
        grid.row([&*row.pool, parts::who(row.display_name.as_deref(), &row.user_name), &*row.user_name, why]);
    }
    page.table(grid);
    if lost.len() > PEOPLE {
        page.line(format!("and {} more (--json lists them all)", number((lost.len() - PEOPLE) as u64)));
    }
}

/// What people decided and others did: it is in none of the counts.
fn elsewhere(page: &mut Page, rows: &[ElsewhereRow]) {
    if rows.is_empty() {
        return;
    }
    page.heading("Done by hand, or by others, since the last cycle");
    let mut grid = Grid::new(&["POOL", "WHO", "USER NAME", "WHAT"]);
    for row in rows.iter().take(PEOPLE) {
        let pool = parts::pool_change(row.from_pool.as_ref(), row.pool.as_ref());
        let who = parts::who(row.display_name.as_deref(), &row.user_name);
        grid.row([&*pool, who, &*row.user_name, deed(row.change)]);
    }
    page.table(grid);
    if rows.len() > PEOPLE {
        page.line(format!("and {} more (--json lists them all)", number((rows.len() - PEOPLE) as u64)));
    }
}

const fn deed(deed: Deed) -> &'static str {
    match deed {
        Deed::Promoted => "waited, and got the seat",
        Deed::Granted => "got a seat",
        Deed::Moved => "got another seat",
        Deed::Released => "released: lost the seat",
        Deed::Approved => "approved, and waits",
        Deed::Denied => "denied",
        Deed::Suspended => "suspended",
        Deed::Resumed => "suspension lifted",
        Deed::Removed => "account deleted",
    }
}

fn changes(page: &mut Page, report: &SyncReport) {
    page.gap();
    page.line(format!("Changes: {}", parts::changes(&report.changes)));
    if report.changes.adopted > 0 {
        page.line("Nothing else is done to an account in the cycle that adopts it: the next one asks for the seats they lack.");
    }
    if let Some(would) = &report.would {
        page.line(format!("This is a dry run (agent.dry_run). Without it: {}", parts::changes(would)));
        page.command("who, and why", "plan");
    }
}

/// "50 got a seat, 10 wait, nothing held back".
#[must_use]
pub fn summary(report: &SyncReport) -> String {
    let changes = &report.changes;
    let mut said = vec![format!("{} got a seat", number(people(report.granted.iter().map(|row| &*row.user_name))))];
    let lost = people(report.lost.iter().map(|row| &*row.user_name));
    if lost > 0 {
        said.push(format!("{} lost one", number(lost)));
    }
    for (count, word) in [(changes.suspended, "suspended"), (changes.removed, "removed"), (changes.failed, "failed")] {
        if count > 0 {
            said.push(format!("{} {word}", number(count)));
        }
    }
    let waiting = people(report.waiting.iter().map(|row| &*row.user_name));
    said.push(format!("{} {}", number(waiting), if waiting == 1 { "waits" } else { "wait" }));
    said.push(match (&report.held, changes.held) {
        (None, _) => "nothing held back".to_owned(),
        (Some(_), 0) => "held back until confirmed".to_owned(),
        (Some(_), held) => format!("{} held back", counted(held, "person", "people")),
    });
    said.join(", ")
}

/// Each once, however many pools they are in.
fn people<'a>(names: impl Iterator<Item = &'a str>) -> u64 {
    names.collect::<BTreeSet<_>>().len() as u64
}

#[cfg(test)]
mod tests;
