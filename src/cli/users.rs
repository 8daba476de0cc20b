//! `users`: accounts as last known, and quarantined people without one.

use super::console::Console;
use super::exit::Exit;
use super::page::{Page, Tone};
use super::parts::{or_none, who};
use super::table::Grid;
use super::words::{self, NONE, counted};
use crate::app::{App, AppError, UserFilter};
use crate::model::report::UserRow;

pub fn users(app: &App, filter: &UserFilter, console: &Console) -> Result<Exit, AppError> {
    let rows = app.users(filter)?;
    console.list(&rows, "nobody", app.has_run()?, render)?;
    Ok(Exit::Done)
}

fn render(rows: &[UserRow], page: &mut Page) {
    let mut grid = Grid::new(&["WHO", "USER NAME", "MAIL", "STATE", "SEATS"]);
    for row in rows {
        let user_name = or_none(row.user_name.as_deref());
        let tone = if row.quarantine.is_some() { Tone::Warn } else { Tone::Plain };
        let name = who(row.display_name.as_deref(), row.user_name.as_deref().or(row.dn.as_deref()).unwrap_or(NONE));
        grid.toned(tone, [name, user_name, or_none(row.email.as_deref()), &state(row), &seats(row)]);
    }
    page.table(grid);
    quarantined(page, rows);
    let count = rows.iter().filter(|row| row.quarantine.is_some()).count() as u64;
    let all = counted(rows.len() as u64, "person", "people");
    page.verdict(Tone::Good, "ok", &format!("{all}, {} quarantined", words::number(count)));
}

fn state(row: &UserRow) -> String {
    let state = words::state(row.state);
    match (row.quarantine.is_some(), row.managed || row.state.is_none()) {
        (true, _) => format!("{state}, quarantined"),
        (false, true) => state.to_owned(),
        (false, false) => format!("{state}, unmanaged"),
    }
}

fn seats(row: &UserRow) -> String {
    let said: Vec<String> = row.seats.iter().map(words::seat).collect();
    if said.is_empty() { NONE.to_owned() } else { said.join("; ") }
}

fn quarantined(page: &mut Page, rows: &[UserRow]) {
    if rows.iter().all(|row| row.quarantine.is_none()) {
        return;
    }
    page.heading("Quarantined");
    for row in rows {
        let Some(quarantine) = &row.quarantine else { continue };
        let entry = row.dn.as_deref().or(row.user_name.as_deref()).unwrap_or(NONE);
        page.bullet(words::quarantine(Some(entry), &quarantine.message));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::report::{SeatRow, SeatWord};
    use crate::model::{AccountState, Defect, Quarantine, WaitReason};

    fn row(name: &str, state: Option<AccountState>) -> UserRow {
        UserRow {
            anchor: None,
            directory: Some("corp".into()),
            dn: Some(format!("uid={name},dc=example")),
            user_name: Some(name.to_owned()),
            email: Some(format!("{name}@corp.example")),
            display_name: None,
            state,
            seats: Vec::new(),
            managed: state.is_some(),
            quarantine: None,
        }
    }

    #[test]
    fn a_list_shows_state_seats_and_what_is_wrong_with_entries() {
        let mut waiting = row("ada", Some(AccountState::Pending));
        waiting.display_name = Some("Ada Lovelace".to_owned());
        waiting.seats.push(SeatRow {
            pool: "standard".into(),
            state: SeatWord::Waiting,
            reason: Some(WaitReason::NoSeat),
            since: "2026-01-01T00:00:00Z".parse().unwrap(),
            position: Some(3),
            approved: true,
        });
        let mut broken = row("bob", None);
        broken.email = None;
        let (attribute, message) = ("mail".to_owned(), "mail of uid=bob,dc=example has no value".to_owned());
        broken.quarantine = Some(Quarantine { attribute, reason: Defect::Missing, message });
        let mut page = Page::default();
        render(&[waiting, broken], &mut page);
        let expected = "\
WHO           USER NAME  MAIL              STATE                    SEATS
Ada Lovelace  ada        ada@corp.example  pending                  standard: place 3, no free seat, approved
bob           bob        -                 no account, quarantined  -

Quarantined
  - mail of uid=bob,dc=example has no value

ok: 2 people, 1 quarantined
";
        assert_eq!(page.plain(), expected);
    }
}
