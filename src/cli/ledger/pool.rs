//! `ledger pool`: seats bought, and fewer of them.

use jiff::Timestamp;

use super::args::PoolSet;
use super::{done, made};
use crate::app::AppError;
use crate::app::ledger::{LedgerApp, Made, wire};
use crate::cli::console::Console;
use crate::cli::exit::Exit;
use crate::cli::page::Page;
use crate::cli::table::Grid;
use crate::cli::words::{self, NONE, counted, number};

pub fn list(app: &LedgerApp, company: Option<&str>, console: &Console) -> Result<Exit, AppError> {
    console.list(&app.pools(company)?, "no pool yet", true, render)?;
    Ok(Exit::Done)
}

pub fn set(app: &LedgerApp, company: Option<&str>, set: &PoolSet, console: &Console) -> Result<Exit, AppError> {
    let (Made { it: pool, others }, granted) =
        app.set_pool(company, &set.pool, (set.seats, set.min_seats), set.take_over)?;
    if !console.spares(true) {
        console.answer(&pool, |pool, page| {
            render(std::slice::from_ref(pool), page);
            if let Some(others) = &others {
                made("pool", &pool.name, others, page);
            }
            settled(pool, granted, page);
            if set.take_over {
                taken_over(&pool.name, page);
            }
        })?;
    }
    Ok(Exit::Done)
}

/// What became of the seats, now: the ledger waits for no agent.
fn settled(pool: &wire::Pool, granted: u32, page: &mut Page) {
    if granted > 0 {
        page.line(format!("{} at once to people who waited.", went(granted)));
    }
    if pool.free > 0 && pool.waiting > 0 {
        let free = counted(pool.free.into(), "seat stays", "seats stay");
        page.line(format!("{free} free though people wait: they need approval, or cannot be served now."));
    }
}

fn went(seats: u32) -> String {
    counted(seats.into(), "seat went", "seats went")
}

/// Of an embedded ledger the agent's config is the authority: where one is left, it has the last word.
fn taken_over(pool: &str, page: &mut Page) {
    page.line(format!(
        "An agent with backend.kind = \"embedded\" whose config has `seats` for {pool} takes it back with its next cycle: let \
         it ask this ledger as it is served (backend.kind = \"ledger\"), or set the number in its config instead."
    ));
}

pub fn reduce(
    app: &LedgerApp,
    company: Option<&str>,
    (pool, seats, at): (&str, u32, Option<Timestamp>),
    console: &Console,
) -> Result<Exit, AppError> {
    shown(&app.reduce_pool(company, pool, seats, at)?, console)
}

pub fn cancel(app: &LedgerApp, company: Option<&str>, pool: &str, console: &Console) -> Result<Exit, AppError> {
    shown(&app.cancel_reduction(company, pool)?, console)
}

pub fn remove(app: &LedgerApp, company: Option<&str>, pool: &str, console: &Console) -> Result<Exit, AppError> {
    app.remove_pool(company, pool)?;
    done(console, &format!("the company has no pool {pool} any more"))
}

fn shown(pool: &wire::Pool, console: &Console) -> Result<Exit, AppError> {
    if !console.spares(true) {
        console.answer(pool, |pool, page| render(std::slice::from_ref(pool), page))?;
    }
    Ok(Exit::Done)
}

fn render(pools: &[wire::Pool], page: &mut Page) {
    let mut grid = Grid::new(&["POOL", ">SEATS", ">HELD", ">WAITING", ">FREE", ">FLOOR", ">BILLED", "LATER", "SET BY"]);
    for pool in pools {
        let numbers = [pool.seats, pool.held, pool.waiting, pool.free, pool.min_seats, pool.billed];
        let later = pool.reduction.map_or_else(
            || NONE.to_owned(),
            |reduction| format!("{} from {}", number(reduction.seats.into()), words::time(reduction.effective_at)),
        );
        let owner = match pool.owned_by {
            wire::OwnedBy::Ledger => "the ledger",
            wire::OwnedBy::Config => "a config file",
        };
        let numbers = numbers.map(|count| number(count.into()));
        grid.row(std::iter::once(pool.name.clone()).chain(numbers).chain([later, owner.to_owned()]));
    }
    page.table(grid);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool() -> wire::Pool {
        wire::Pool {
            name: "standard".to_owned(),
            seats: 50,
            held: 48,
            waiting: 3,
            free: 2,
            min_seats: 10,
            billed: 50,
            reduction: Some(wire::Reduction {
                seats: 40,
                effective_at: "2027-01-01T00:00:00Z".parse().unwrap(),
                scheduled_at: "2026-01-01T00:00:00Z".parse().unwrap(),
            }),
            owned_by: wire::OwnedBy::Ledger,
            etag: String::new(),
        }
    }

    #[test]
    fn a_raised_pool_says_who_got_a_seat_at_once_and_that_others_stay_free() {
        let said = |free, granted| {
            let mut page = Page::default();
            settled(&wire::Pool { free, ..pool() }, granted, &mut page);
            page.plain()
        };
        let free = "2 seats stay free though people wait: they need approval, or cannot be served now.\n";
        assert_eq!(said(2, 1), format!("1 seat went at once to people who waited.\n{free}"));
        assert_eq!(said(2, 0), free);
        assert_eq!(said(0, 4), "4 seats went at once to people who waited.\n");
        assert_eq!(said(0, 0), "");
    }

    #[test]
    fn a_pool_shows_what_is_billed_and_what_comes_later() {
        let mut page = Page::default();
        render(&[pool()], &mut page);
        let expected = "\
POOL      SEATS  HELD  WAITING  FREE  FLOOR  BILLED  LATER                            SET BY
standard     50    48        3     2     10      50  40 from 2027-01-01 00:00:00 UTC  the ledger
";
        assert_eq!(page.plain(), expected);
    }
}
