//! What the guard holds back.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::House;
use super::letter::Letter;
use super::watch::{AT_ONCE, Turn, is_clearly_more, observe};
use crate::model::notice::{HeldTold, NoticeKind, Told, Watch};
use crate::model::report::{HeldRow, SyncReport};
use crate::model::text::counted;

/// Told when something is held back that was not, when it comes again as something else after a read without it, and when
/// it is clearly more than was told. A few more or fewer of the same are no news, though the fingerprint is another one: the
/// digest has the latest.
///
/// That it is over is told after some reads without it: two servers that disagree make no message each.
pub fn changes(told: &mut Told, report: &SyncReport, house: &House<'_>, now: Timestamp) -> Option<Letter> {
    let rows = report.held.as_deref().unwrap_or_default();
    let mut is_news = false;
    for row in rows {
        let known = told.held.entry(key(row)).or_insert_with(|| HeldTold {
            watch: Watch::default(),
            directory: row.directory.clone(),
            count: 0,
        });
        let came_again = known.watch.run > 0 && told.fingerprint != report.fingerprint;
        let began = matches!(observe(&mut known.watch, true, AT_ONCE, house.patience(), now), Some(Turn::Began { .. }));
        is_news |= began || came_again || is_clearly_more(row.count, known.count);
    }
    let was_held = !told.held.is_empty();
    told.held.retain(|known, held| rows.iter().any(|row| key(row) == *known) || !is_over(held, report, house, now));
    if is_news {
        for row in rows {
            told.held.entry(key(row)).and_modify(|known| known.count = row.count);
        }
        told.fingerprint.clone_from(&report.fingerprint);
        return Some(began(rows, report.fingerprint.as_deref().unwrap_or_default()));
    }
    if was_held && told.held.is_empty() {
        told.fingerprint = None;
        return Some(over());
    }
    None
}

fn key(row: &HeldRow) -> String {
    let anchor = |anchor: Option<crate::model::Anchor>| anchor.map(|anchor| anchor.to_string()).unwrap_or_default();
    format!("{} {} {} {}", row.directory, row.kind.as_str(), anchor(row.old), anchor(row.new))
}

/// Only a read to the end shows that something is held back no more. A directory that the config names no more never does.
fn is_over(held: &mut HeldTold, report: &SyncReport, house: &House<'_>, now: Timestamp) -> bool {
    match report.directories.iter().find(|directory| directory.name == held.directory) {
        Some(directory) if !directory.complete => false,
        Some(_) => observe(&mut held.watch, false, AT_ONCE, house.patience(), now).is_some(),
        None => true,
    }
}

fn began(rows: &[HeldRow], fingerprint: &str) -> Letter {
    let people: u64 = rows.iter().map(|row| row.count).sum();
    let mut lines = vec!["The guard holds back what would be too much at once:".to_owned()];
    lines.extend(rows.iter().map(|row| format!("  {}", row.in_words())));
    lines.extend([
        "None of this was done: nobody of them lost anything. All other changes go on.".to_owned(),
        "Where it is a mistake, mend the directory: the next cycle then holds nothing back.".to_owned(),
        "Where it is meant, let it through. A fingerprint that is refused means that the changes are others by now: look again."
            .to_owned(),
    ]);
    let held: Vec<Value> = rows.iter().map(data).collect();
    Letter {
        kind: NoticeKind::ChangesHeld,
        subject: format!("changes are held back ({})", counted(people, "change", "changes")),
        lines,
        run: vec![
            ("see each of them", "seatsync plan".to_owned()),
            ("let exactly these through", format!("seatsync confirm {fingerprint}")),
        ],
        data: json!({ "fingerprint": fingerprint, "held": held }),
    }
}

fn data(row: &HeldRow) -> Value {
    json!({
        "directory": row.directory,
        "kind": row.kind.as_str(),
        "count": row.count,
        "recent": row.recent,
        "of": row.of,
        "limit": row.limit,
    })
}

fn over() -> Letter {
    Letter {
        kind: NoticeKind::ChangesFree,
        subject: "nothing is held back any more".to_owned(),
        lines: vec![
            "The guard holds nothing back any more: the changes were confirmed, or are not wanted now.".to_owned(),
        ],
        run: vec![("see how things stand", "seatsync status".to_owned())],
        data: json!({}),
    }
}
