//! What several reports share: pools, what is held back, people.

use super::page::{Page, Tone};
use super::table::Grid;
use super::words::{self, NONE, number};
use crate::model::Name;
use crate::model::lease::Standby;
use crate::model::report::{
    ChangeCounts, CycleOutcome, DirectoryReport, HeldRow, PoolRow, ProblemRow, QuarantinedRow, Reach, WaitingRow,
};

/// Rows of people a report of a cycle prints.
pub const PEOPLE: usize = 100;

/// Rows of trouble a report prints.
pub const TROUBLES: usize = 3;

pub fn pools(page: &mut Page, pools: &[PoolRow]) {
    let mut grid = Grid::new(&["POOL", ">SEATS", ">HELD", ">WAITING", ">FREE"]);
    for pool in pools {
        let numbers = [pool.seats, pool.held, pool.waiting, pool.free].map(|count| number(count.into()));
        let tone = if pool.held > pool.seats { Tone::Warn } else { Tone::Plain };
        grid.toned(tone, std::iter::once(pool.name.to_string()).chain(numbers));
    }
    page.gap();
    page.table(grid);
    for pool in pools.iter().filter(|pool| pool.held > pool.seats) {
        let over = words::counted(u64::from(pool.held - pool.seats), "seat", "seats");
        page.line(format!("{} holds {over} more than were bought: nobody gets one until they fit.", pool.name));
    }
}

pub fn directories(page: &mut Page, directories: &[DirectoryReport]) {
    let mut grid =
        Grid::new(&["DIRECTORY", "READ", ">ENTRIES", ">PEOPLE", ">QUARANTINED", ">FOREIGN", ">DANGLING", ">TIME"]);
    for directory in directories {
        let read = match (directory.complete, directory.entries) {
            (true, _) => words::mode(directory.mode).to_owned(),
            (false, 0) => "not read".to_owned(),
            (false, _) => format!("{}, partial", words::mode(directory.mode)),
        };
        let tone = if directory.complete { Tone::Plain } else { Tone::Bad };
        let numbers =
            [directory.entries, directory.users, directory.quarantined, directory.foreign, directory.dangling];
        let first = [directory.name.to_string(), read];
        let last = [words::duration(directory.seconds)];
        grid.toned(tone, first.into_iter().chain(numbers.map(number)).chain(last));
    }
    page.gap();
    page.table(grid);
    for (name, problem) in directories.iter().filter_map(|one| Some((&one.name, one.problem.as_ref()?))) {
        page.pieces(&[(Tone::Bad, &format!("{name}: ")), (Tone::Plain, problem)]);
    }
    serve_nobody(page, directories);
}

/// Directories that give nobody a seat, though all is read.
pub fn serve_nobody(page: &mut Page, directories: &[DirectoryReport]) {
    for (directory, nobody) in directories.iter().filter_map(|one| Some((one, one.serves_nobody()?))) {
        page.pieces(&[(Tone::Warn, &format!("{}: ", directory.name)), (Tone::Plain, &nobody)]);
        page.line(format!("  next: {}", directory.serves_nobody_next()));
    }
}

/// What to run where a cycle failed, or a directory was not read whole.
pub fn next(page: &mut Page, outcome: CycleOutcome) {
    if matches!(outcome, CycleOutcome::Partial | CycleOutcome::Failed) {
        page.line(
            "  next: mend what is named above; `seatsync check --connect` tries every server and says what mends it",
        );
    }
}

/// What could not be done, under a heading of its own.
pub fn problems(page: &mut Page, heading: &str, problems: &[ProblemRow]) {
    if problems.is_empty() {
        return;
    }
    page.gap();
    page.pieces(&[(Tone::Bad, heading)]);
    for row in problems.iter().take(TROUBLES) {
        let whom = match (&row.user_name, row.anchor) {
            (Some(name), Some(anchor)) => format!("{name} ({anchor}): "),
            (None, Some(anchor)) => format!("{anchor}: "),
            (_, None) => String::new(),
        };
        let pool = row.pool.as_ref().map(|pool| format!(", pool {pool}")).unwrap_or_default();
        page.bullet(format!("{whom}{} ({}{pool})", row.message, row.code));
    }
    if problems.len() > TROUBLES {
        page.line(format!("and {} more (--json lists them all)", number((problems.len() - TROUBLES) as u64)));
    }
}

/// What the guard holds back, its numbers, and the way out.
pub fn held(page: &mut Page, held: Option<&[HeldRow]>, fingerprint: Option<&str>) {
    let Some(held) = held.filter(|rows| !rows.is_empty()) else { return };
    page.gap();
    page.pieces(&[(Tone::Warn, "Held back until confirmed; so far nobody has lost anything by it")]);
    for row in held {
        page.bullet(format!("{}.", row.in_words()));
    }
    page.command("look at it", "plan");
    if let Some(fingerprint) = fingerprint {
        page.command("if this is right", &format!("confirm {fingerprint}"));
        page.line("  if it is wrong: mend the directory or the config; what is right again is held back no more");
    }
}

/// A page's list of people who wait, by pool and place.
pub fn waiting(page: &mut Page, waiting: &[WaitingRow], reach: &Reach<'_>, most: usize) {
    if waiting.is_empty() {
        return;
    }
    page.heading("Waiting");
    let mut grid = Grid::new(&["POOL", ">PLACE", "WHO", "USER NAME", "REASON"]);
    for (index, row) in waiting.iter().enumerate().take(most) {
        let who = who(row.display_name.as_deref(), &row.user_name).to_owned();
        let place = number(row.position);
        grid.row([&*row.pool, &*place, &*who, &*row.user_name, &*reach.words(index)]);
    }
    page.table(grid);
    and_more(page, waiting.len(), most, "pending");
}

/// Whose entry cannot be used, and why.
pub fn quarantined(page: &mut Page, rows: &[QuarantinedRow], most: usize) {
    if rows.is_empty() {
        return;
    }
    page.heading("Quarantined: they keep what they have and get nothing new until the entry is mended");
    for row in rows.iter().take(most) {
        page.bullet(words::quarantine(row.dn.as_deref(), &row.message));
    }
    if rows.len() > most {
        page.line(format!("and {} more (--json lists them all)", number((rows.len() - most) as u64)));
    }
}

/// "and 12 more", and the command that lists them all.
pub fn and_more(page: &mut Page, count: usize, shown: usize, command: &str) {
    if count > shown {
        let command = page.spelt(command);
        page.line(format!("and {} more ({command})", number((count - shown) as u64)));
    }
}

/// The name a person goes by.
pub fn who<'a>(display_name: Option<&'a str>, user_name: &'a str) -> &'a str {
    display_name.filter(|name| !name.is_empty()).unwrap_or(user_name)
}

/// A value that may not be there.
pub fn or_none(value: Option<&str>) -> &str {
    value.filter(|text| !text.is_empty()).unwrap_or(NONE)
}

/// "standard", "standard -> advanced", or nothing.
pub fn pool_change(from: Option<&Name>, to: Option<&Name>) -> String {
    match (from, to) {
        (Some(from), Some(to)) => format!("{from} -> {to}"),
        (None, Some(pool)) | (Some(pool), None) => pool.to_string(),
        (None, None) => NONE.to_owned(),
    }
}

/// Who works, and what becomes of this agent.
pub fn standby(standby: &Standby) -> String {
    let Standby { holder, since, expires, copy } = standby;
    let until = words::time(*expires);
    if *copy {
        let since = since.map_or_else(String::new, |since| format!(" since {}", words::time(since)));
        return format!(
            "another agent with this one's identity, {holder}, works for the company{since}: one state directory is a copy \
             of the other, and this agent changes nothing. Stop one of the two for good; or, where both shall stay, stop \
             this one, delete state.db in its state_dir and start it: it gets an identity of its own and reads all anew"
        );
    }
    format!(
        "{holder} works for the company (its lease holds until {until}, or longer); an agent that runs here takes over when it ends"
    )
}

pub const fn tone(outcome: CycleOutcome) -> Tone {
    match outcome {
        CycleOutcome::Ok => Tone::Good,
        CycleOutcome::Standby => Tone::Plain,
        CycleOutcome::SomeFailed | CycleOutcome::Held => Tone::Warn,
        CycleOutcome::Partial | CycleOutcome::Failed => Tone::Bad,
    }
}

/// Every count that is not nought, in words.
#[must_use]
pub fn changes(changes: &ChangeCounts) -> String {
    let counts = changes.named().into_iter().filter(|(_, count)| *count > 0);
    let said: Vec<String> = counts.map(|(word, count)| change(word, count)).collect();
    if said.is_empty() { "none".to_owned() } else { said.join(", ") }
}

fn change(word: &str, count: u64) -> String {
    match word {
        "waiting" => format!("{} began to wait", number(count)),
        "held" => format!("{} held back", number(count)),
        _ => format!("{} {word}", number(count)),
    }
}
