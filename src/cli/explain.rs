//! `explain`: why one person has a seat or not.

use super::console::Console;
use super::exit::Exit;
use super::page::{Page, Tone};
use super::parts::{or_none, who};
use super::words;
use crate::app::{App, AppError};
use crate::model::report::{EntryRow, ExplainReport, UserRow};

pub async fn explain(app: &App, user: &str, console: &Console) -> Result<Exit, AppError> {
    let report = app.explain_asking(user).await?;
    console.answer(&report, render)?;
    Ok(Exit::Done)
}

fn render(report: &ExplainReport, page: &mut Page) {
    person(page, &report.user);
    match &report.entry {
        Some(entry) => tell_entry(page, entry),
        None => page.labelled("entry", "no directory shows this person any more"),
    }
    page.heading(if report.scope.in_scope { "In scope, because" } else { "Not in scope, because" });
    report.scope.because.iter().for_each(|reason| page.bullet(reason));
    match &report.pool {
        Some(pool) => {
            page.heading(format!("Pool {}, because", pool.name));
            pool.because.iter().for_each(|reason| page.bullet(reason));
        }
        // Who is out of scope, or leaves, is told so and why: that no pool is asked for follows from it.
        None if report.scope.in_scope && report.leaving.is_empty() => page.heading("No pool matches"),
        None => {}
    }
    if let Some(rank) = report.rank {
        page.bullet(format!("rank {rank} in the pool's order; 0 comes first"));
    }
    if !report.leaving.is_empty() {
        page.heading("Leaving");
        report.leaving.iter().for_each(|reason| page.bullet(reason));
    }
    seats(page, &report.user);
    if !report.would_change.is_empty() {
        page.heading("What would change it");
        report.would_change.iter().for_each(|reason| page.bullet(reason));
    }
    page.gap();
    page.pieces(&[(Tone::Strong, "So: "), (Tone::Plain, &report.decision)]);
}

fn person(page: &mut Page, user: &UserRow) {
    let user_name = or_none(user.user_name.as_deref());
    page.pieces(&[(Tone::Strong, who(user.display_name.as_deref(), user_name))]);
    page.labelled("user name", user_name);
    page.labelled("mail", or_none(user.email.as_deref()));
    if let Some(anchor) = user.anchor {
        page.labelled("anchor", anchor.to_string());
    }
    let managed = match (user.state, user.managed) {
        (None, _) => "",
        (_, true) => ", managed",
        (_, false) => ", not managed: read, and never changed",
    };
    page.labelled("account", format!("{}{managed}", words::state(user.state)));
    if let Some(quarantine) = &user.quarantine {
        page.labelled("quarantined", format!("{}: {}", quarantine.attribute, words::defect(quarantine.reason)));
    }
}

fn tell_entry(page: &mut Page, entry: &EntryRow) {
    page.labelled("entry", &entry.dn);
    page.labelled("directory", &*entry.directory);
    let server = or_none(entry.server.as_deref());
    page.labelled(
        "read from",
        entry.read_at.map_or_else(|| server.to_owned(), |at| format!("{server}, {}", words::time(at))),
    );
}

fn seats(page: &mut Page, user: &UserRow) {
    if user.seats.is_empty() {
        return;
    }
    page.heading("Seats and places");
    for seat in &user.seats {
        page.bullet(format!("{}; first asked for {}", seat_words(seat), words::time(seat.since)));
    }
}

fn seat_words(seat: &crate::model::report::SeatRow) -> String {
    use crate::model::report::SeatWord::Held;
    if seat.state == Held { format!("{}: has a seat", seat.pool) } else { words::seat(seat) }
}

#[cfg(test)]
mod tests;
