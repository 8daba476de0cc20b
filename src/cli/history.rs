//! `history`: past cycles.

use super::console::Console;
use super::exit::Exit;
use super::page::{Page, Tone};
use super::parts;
use super::table::Grid;
use super::words::{self, NONE, counted, number};
use crate::app::{App, AppError};
use crate::model::report::HistoryRow;

pub fn history(app: &App, console: &Console) -> Result<Exit, AppError> {
    let rows = app.history()?;
    console.list(&rows, "no cycle yet", false, render)?;
    Ok(Exit::Done)
}

fn render(rows: &[HistoryRow], page: &mut Page) {
    let mut grid = Grid::new(&[">CYCLE", "STARTED", ">TOOK", "OUTCOME", "CHANGES"]);
    for row in rows {
        let tone = match parts::tone(row.outcome) {
            Tone::Good => Tone::Plain,
            other => other,
        };
        let changes: Vec<String> = row
            .changes
            .named()
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .map(|(word, count)| format!("{} {word}", number(count)))
            .collect();
        let others: Vec<String> =
            row.elsewhere.iter().map(|(deed, count)| format!("{} {}", number(*count), deed.as_str())).collect();
        let others = (!others.is_empty()).then(|| format!("by hand or others: {}", others.join(", ")));
        let ours = (!changes.is_empty()).then(|| changes.join(", "));
        let changes: Vec<String> = ours.into_iter().chain(others).collect();
        let changes = if changes.is_empty() { NONE.to_owned() } else { changes.join("; ") };
        let outcome = words::outcome(row.outcome).to_owned();
        grid.toned(tone, [number(row.cycle), words::time(row.started), words::duration(row.seconds), outcome, changes]);
    }
    page.table(grid);
    if let Some(last) = rows.last() {
        let outcome = words::outcome(last.outcome);
        page.verdict(
            parts::tone(last.outcome),
            outcome,
            &format!("the last of {}", counted(rows.len() as u64, "cycle", "cycles")),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::report::{ChangeCounts, CycleOutcome, Deed};

    #[test]
    fn a_cycle_is_a_row_and_counts_of_nought_are_left_out() {
        let row = |cycle, outcome, changes| HistoryRow {
            cycle,
            started: "2026-01-01T00:00:00Z".parse().unwrap(),
            seconds: 0.42,
            outcome,
            changes,
            elsewhere: std::collections::BTreeMap::new(),
        };
        let busy = ChangeCounts { provisioned: 50, waiting: 10, ..ChangeCounts::default() };
        let mut rows = [row(9, CycleOutcome::Ok, busy), row(10, CycleOutcome::Partial, ChangeCounts::default())];
        rows[0].elsewhere = [(Deed::Promoted, 2), (Deed::Denied, 1)].into();
        let mut page = Page::default();
        render(&rows, &mut page);
        let expected = "\
CYCLE  STARTED                   TOOK  OUTCOME  CHANGES
    9  2026-01-01 00:00:00 UTC  0.4 s  ok       50 provisioned, 10 waiting; by hand or others: 2 promoted, 1 denied
   10  2026-01-01 00:00:00 UTC  0.4 s  partial  -

partial: the last of 2 cycles
";
        assert_eq!(page.plain(), expected);
    }
}
