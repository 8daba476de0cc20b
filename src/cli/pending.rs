//! `pending`: who waits, in order; and what people decide about it.

use super::approval;
use super::args::{Approval, Decision, People};
use super::console::Console;
use super::exit::Exit;
use super::page::{Page, Tone};
use super::parts::{TROUBLES, who};
use super::table::Grid;
use super::words::{self, counted, number};
use crate::app::{App, AppError};
use crate::model::change::Verdict;
use crate::model::report::{DecisionRow, PendingRow, Reach};

pub fn list(app: &App, pool: Option<&str>, console: &Console) -> Result<Exit, AppError> {
    let rows = app.pending(pool)?;
    let (pools, promotion) = (app.pools()?, app.promotion());
    console.list(&rows, "nobody waits for a seat", app.has_run()?, |rows, page| {
        render_list(rows, &Reach::of(rows.iter().map(Into::into), &pools, promotion), page);
    })?;
    Ok(Exit::Done)
}

pub async fn decide(app: &App, decision: &Decision, pool: Option<&str>, console: &Console) -> Result<Exit, AppError> {
    let mut nothing = "nobody waits for approval, so nothing was approved";
    let (verdict, rows) = match decision {
        Decision::Approve(Approval { next: Some(next), .. }) => {
            let done = app.approve_next(*next, pool).await?;
            if !done.skipped.is_empty() {
                tell_skipped(&done.skipped, console);
                nothing = "who waits for approval can get no seat now, so nothing was approved";
            }
            (Verdict::Approve, done.rows)
        }
        Decision::Approve(Approval { users, .. }) => {
            (Verdict::Approve, app.decide(Verdict::Approve, users, pool).await?)
        }
        Decision::Deny(People { users }) => (Verdict::Deny, app.decide(Verdict::Deny, users, pool).await?),
        Decision::Release(People { users }) => (Verdict::Release, app.decide(Verdict::Release, users, pool).await?),
    };
    if !console.spares(true) {
        console.list(&rows, nothing, true, |rows, page| render_decisions(rows, verdict, page))?;
    }
    Ok(Exit::Done)
}

/// Whom `--next` skipped, and why: no part of the answer, and an approval of them is possible all the same.
fn tell_skipped(skipped: &[PendingRow], console: &Console) {
    for row in skipped.iter().take(TROUBLES) {
        console.aside(&format!(
            "skipped {}, place {} of {}: {}",
            row.user_name,
            number(row.position),
            row.pool,
            row.why
        ));
    }
    if skipped.len() > TROUBLES {
        console.aside(&format!("and {} more", number((skipped.len() - TROUBLES) as u64)));
    }
}

fn render_list(rows: &[PendingRow], reach: &Reach<'_>, page: &mut Page) {
    let mut grid = Grid::new(&["POOL", ">PLACE", "WHO", "USER NAME", "REASON", "SINCE (UTC)"]);
    for row in rows {
        grid.row([
            &*row.pool,
            &*number(row.position),
            who(row.display_name.as_deref(), &row.user_name),
            &*row.user_name,
            &*row.why,
            &*words::minute(row.since),
        ]);
    }
    page.table(grid);
    approval::tell(reach, &[], page);
    let places = counted(rows.len() as u64, "place in a queue", "places in queues");
    page.verdict(Tone::Good, "ok", &places);
}

fn render_decisions(rows: &[DecisionRow], verdict: Verdict, page: &mut Page) {
    for row in rows {
        let pool = row.pool.as_ref().map(|pool| format!(", pool {pool}")).unwrap_or_default();
        page.line(format!("{}{pool}", row.user_name));
    }
    let waiting = rows.iter().any(|row| !row.carried_out);
    if waiting {
        page.command("carry it out", "sync");
    } else if rows.iter().any(|row| !row.known) {
        page.command("read what came of it", "sync");
    } else if let [row] = rows {
        page.command("what came of it", &format!("explain {}", row.user_name));
    } else {
        page.command("what came of it", "pending");
    }
    let word = match verdict {
        Verdict::Approve => "approved",
        Verdict::Deny => "denied",
        Verdict::Release => "released",
    };
    let when = match rows {
        _ if waiting => ", with the next cycle",
        rows if rows.iter().any(|row| !row.known) => " in the ledger, which gives free seats at once",
        _ => "",
    };
    page.verdict(Tone::Good, "ok", &format!("{} {word}{when}", number(rows.len() as u64)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::WaitReason;
    use crate::model::change::Promotion;

    #[test]
    fn the_queue_is_shown_in_order_with_places() {
        let row = |user_name: &str, position| PendingRow {
            anchor: None,
            user_name: user_name.to_owned(),
            display_name: None,
            email: format!("{user_name}@x.example"),
            pool: "standard".into(),
            position,
            reason: WaitReason::NoSeat,
            why: "no free seat".to_owned(),
            since: "2026-01-01T00:00:00Z".parse().unwrap(),
            approved: position == 1,
            passed_over: false,
            stopped: None,
            decided: None,
        };
        let mut page = Page::default();
        let rows = [row("ada", 1), row("grace", 2)];
        render_list(&rows, &Reach::of(rows.iter().map(Into::into), &[], Promotion::Manual), &mut page);
        let expected = "\
POOL      PLACE  WHO    USER NAME  REASON        SINCE (UTC)
standard      1  ada    ada        no free seat  2026-01-01 00:00
standard      2  grace  grace      no free seat  2026-01-01 00:00

ok: 2 places in queues
";
        assert_eq!(page.plain(), expected);
    }

    #[test]
    fn a_decision_says_whether_it_was_carried_out_and_where_that_shows() {
        let row = DecisionRow {
            anchor: None,
            user_name: "ada".to_owned(),
            pool: Some("standard".into()),
            verdict: Verdict::Approve,
            carried_out: false,
            known: false,
        };
        let said = |row: &DecisionRow| {
            let mut page = Page::default();
            render_decisions(std::slice::from_ref(row), Verdict::Approve, &mut page);
            page.plain()
        };
        let expected = "\
ada, pool standard
  carry it out: seatsync sync

ok: 1 approved, with the next cycle
";
        assert_eq!(said(&row), expected);
        let expected = "\
ada, pool standard
  read what came of it: seatsync sync

ok: 1 approved in the ledger, which gives free seats at once
";
        assert_eq!(said(&DecisionRow { carried_out: true, ..row.clone() }), expected);
        let expected = "\
ada, pool standard
  what came of it: seatsync explain ada

ok: 1 approved
";
        assert_eq!(said(&DecisionRow { carried_out: true, known: true, ..row }), expected);
    }
}
