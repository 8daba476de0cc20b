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
    let (old, new) = (report.old.anchor, report.new.anchor);
    let owner = report.dn.as_deref().map_or_else(|| new.to_string(), |dn| format!("{dn} ({new})"));
    let sentence = format!("the account{account}, so far of {old}, is now that of {owner}");
    if !report.running {
        page.command("carry out what follows from it", "sync");
    }
    page.verdict(Tone::Good, "ok", &sentence);
}
