//! `relink`: the account of one anchor becomes that of another.

use super::console::Console;
use super::exit::Exit;
use super::page::{Page, Tone};
use crate::app::{App, AppError};
use crate::model::Anchor;
use crate::model::report::RelinkReport;

pub async fn relink(app: &App, old: Anchor, new: Anchor, console: &Console) -> Result<Exit, AppError> {
    let report = app.relink(old, new).await?;
    if !console.spares(true) {
        console.answer(&report, render)?;
    }
    Ok(Exit::Done)
}

fn render(report: &RelinkReport, page: &mut Page) {
    let account = report.user_name.as_deref().map(|name| format!(" {name}")).unwrap_or_default();
    let sentence = format!("the account{account} of {} is now that of {}", report.old, report.new);
    page.verdict(Tone::Good, "ok", &sentence);
}
