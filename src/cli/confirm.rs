//! `confirm`: let what is held back through.

use jiff::Timestamp;

use super::console::Console;
use super::exit::Exit;
use super::page::{Page, Tone};
use super::words::{counted, distance, time};
use crate::app::{App, AppError};
use crate::model::report::ConfirmReport;

pub async fn confirm(app: &App, fingerprint: &str, now: Timestamp, console: &Console) -> Result<Exit, AppError> {
    let report = app.confirm(fingerprint).await?;
    if !console.spares(true) {
        console.answer(&report, |report, page| render(report, now, page))?;
    }
    Ok(Exit::Done)
}

fn render(report: &ConfirmReport, now: Timestamp, page: &mut Page) {
    if report.running {
        page.line("The agent carries this out now.");
    } else {
        page.command("carry it out", "sync");
    }
    let count = counted(report.count, "change", "changes");
    let until = format!("{} ({})", time(report.expires), distance(report.expires, now));
    page.verdict(Tone::Good, "ok", &format!("{count} may pass until {until}, and nothing else"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_how_many_changes_may_pass_until_when_and_what_to_do() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let expires = "2026-01-02T00:00:00Z".parse().unwrap();
        let report = ConfirmReport { fingerprint: "3f9a".to_owned(), count: 12, expires, running: false };
        let mut page = Page::default();
        render(&report, now, &mut page);
        let expected = "  carry it out: seatsync sync\n\nok: 12 changes may pass until 2026-01-02 00:00:00 UTC (in 24 h), \
                        and nothing else\n";
        assert_eq!(page.plain(), expected);
    }
}
