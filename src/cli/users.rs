//! `users`: accounts as last known, people whose account another hand deleted, and quarantined ones.

use super::console::Console;
use super::exit::Exit;
use super::page::{Page, Tone};
use super::parts::{or_none, who};
use super::table::Grid;
use super::words::{self, NONE, counted};
use crate::app::{App, AppError, UserFilter};
use crate::model::report::{SeatWord, UserRow};

pub fn users(app: &App, filter: &UserFilter, console: &Console) -> Result<Exit, AppError> {
    let rows = app.users(filter)?;
    console.list(&rows, "nobody", app.has_run()?, render)?;
    Ok(Exit::Done)
}

fn render(rows: &[UserRow], page: &mut Page) {
    let mut grid = Grid::new(&["WHO", "USER NAME", "MAIL", "STATE", "SEATS"]);
    let mut rows: Vec<&UserRow> = rows.iter().collect();
    rows.sort_by_cached_key(|row| order(row));
    for row in &rows {
        let user_name = or_none(row.user_name.as_deref());
        let tone = if row.quarantine.is_some() { Tone::Warn } else { Tone::Plain };
        let name = who(row.display_name.as_deref(), row.user_name.as_deref().or(row.dn.as_deref()).unwrap_or(NONE));
        grid.toned(tone, [name, user_name, or_none(row.email.as_deref()), &state(row), &seats(row)]);
    }
    page.table(grid);
    quarantined(page, &rows);
    let count = rows.iter().filter(|row| row.quarantine.is_some()).count() as u64;
    let all = counted(rows.len() as u64, "person", "people");
    page.verdict(Tone::Good, "ok", &format!("{all}, {} quarantined", words::number(count)));
}

/// By pool, holders first, then by place, then by name; people without a seat or place come last.
fn order(row: &UserRow) -> impl Ord + use<> {
    let seat = row.seats.first();
    let pool = seat.map(|seat| (seat.pool.clone(), seat.state != SeatWord::Held, seat.position));
    let name = row.display_name.as_ref().or(row.user_name.as_ref()).map(|name| name.to_lowercase());
    (pool.is_none(), pool, row.state, name)
}

fn state(row: &UserRow) -> String {
    let state = words::state(row.state);
    if row.state.is_none() && !row.seats.is_empty() {
        return format!("{state}, deleted by hand");
    }
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

fn quarantined(page: &mut Page, rows: &[&UserRow]) {
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
    use crate::model::report::SeatRow;
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
    fn people_come_by_pool_then_holders_then_places_then_names() {
        let with = |name: &str, pool: &str, position: Option<u64>| {
            let state = if position.is_some() { AccountState::Pending } else { AccountState::Active };
            let mut row = row(name, Some(state));
            row.seats.push(SeatRow {
                pool: pool.into(),
                state: if position.is_some() { SeatWord::Waiting } else { SeatWord::Held },
                reason: position.map(|_| WaitReason::NoSeat),
                since: "2026-01-01T00:00:00Z".parse().unwrap(),
                position,
                approved: false,
                why: None,
            });
            row
        };
        let rows = [
            row("gone", Some(AccountState::Suspended)),
            with("w2", "blue", Some(2)),
            with("r", "red", None),
            with("w10", "blue", Some(10)),
            with("Zoe", "blue", None),
            with("adam", "blue", None),
        ];
        let mut page = Page::default();
        render(&rows, &mut page);
        let text = page.plain();
        let names: Vec<&str> = text.lines().skip(1).take(6).filter_map(|line| line.split_whitespace().next()).collect();
        assert_eq!(names, ["adam", "Zoe", "w2", "w10", "r", "gone"]);
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
            why: Some("no free seat, approved".to_owned()),
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
