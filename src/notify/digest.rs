//! The daily digest: seats, what was done, and what is wrong still.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde_json::{Map, Value, json};

use super::House;
use super::letter::{Letter, some_of};
use super::pools::seats;
use crate::model::notice::{Day, NoticeKind, Told, Watch};
use crate::model::report::{ChangeCounts, CycleOutcome, SyncReport};
use crate::model::text::counted;

/// Counts a cycle, and sums up where a digest is due: the first one the day after the first cycle, and after a rest of some
/// days one for all of them.
pub fn digest(told: &mut Told, report: &SyncReport, house: &House<'_>, now: Timestamp) -> Option<Letter> {
    let Some(at) = house.notify.digest else {
        (told.digest, told.day) = (None, Day::default());
        return None;
    };
    told.day.since.get_or_insert(now);
    count(&mut told.day, report);
    if told.digest.is_none() {
        told.digest = Some(first(at, &house.zone, now));
    }
    let last = told.digest?;
    if latest(at, &house.zone, now)? <= last {
        return None;
    }
    let letter = sum_up(told, report, house, told.day.since.unwrap_or(last));
    (told.digest, told.day) = (Some(now), Day { since: Some(now), ..Day::default() });
    Some(letter)
}

/// That of the day of the first cycle is left out, if its time is still to come.
fn first(at: Time, zone: &TimeZone, now: Timestamp) -> Timestamp {
    due(now.to_zoned(zone.clone()).date(), at, zone).filter(|due| *due > now).unwrap_or(now)
}

/// When a digest was last due.
fn latest(at: Time, zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
    let today = now.to_zoned(zone.clone()).date();
    due(today, at, zone).filter(|due| *due <= now).or_else(|| due(today.checked_sub(1.day()).ok()?, at, zone))
}

/// A time that a change of the clock leaves out is meant an hour later.
fn due(date: Date, at: Time, zone: &TimeZone) -> Option<Timestamp> {
    Some(date.to_datetime(at).to_zoned(zone.clone()).ok()?.timestamp())
}

fn count(day: &mut Day, report: &SyncReport) {
    day.cycles += 1;
    day.failed += u64::from(report.outcome == CycleOutcome::Failed);
    day.partial += u64::from(report.outcome == CycleOutcome::Partial);
    day.elsewhere += report.elsewhere.len() as u64;
    let (sum, more) = (&mut day.changes, &report.changes);
    let ChangeCounts {
        provisioned,
        waiting,
        promoted,
        moved,
        released,
        updated,
        suspended,
        resumed,
        removed,
        adopted,
        failed: _,
        held: _,
    } = sum;
    for (sum, more) in [
        (provisioned, more.provisioned),
        (waiting, more.waiting),
        (promoted, more.promoted),
        (moved, more.moved),
        (released, more.released),
        (updated, more.updated),
        (suspended, more.suspended),
        (resumed, more.resumed),
        (removed, more.removed),
        (adopted, more.adopted),
    ] {
        *sum = sum.saturating_add(more);
    }
}

fn sum_up(told: &Told, report: &SyncReport, house: &House<'_>, since: Timestamp) -> Letter {
    let open = open(told, report, house);
    let mut lines = vec![format!("Since {}: {}.", house.moment(since), cycles(&told.day))];
    lines.extend([String::new(), "Seats".to_owned()]);
    lines.extend(told.pools.iter().map(|(name, pool)| {
        let waiting = counted(pool.waiting.into(), "person waits", "people wait");
        format!("  {name}: {} {waiting}.", seats(pool.held, pool.seats, pool.free))
    }));
    let names: Vec<&str> = report.waiting.iter().map(|row| row.user_name.as_str()).collect();
    if !names.is_empty() {
        lines.push(format!("  Waiting: {}.", some_of(&names)));
    }
    lines.extend([String::new(), "Done".to_owned(), format!("  {}", done(&told.day))]);
    lines.extend([String::new(), "Open".to_owned()]);
    if open.is_empty() {
        lines.push("  nothing: all is well".to_owned());
    }
    lines.extend(open.iter().map(|open| format!("  {open}")));
    let subject = match open.len() as u64 {
        0 => "daily digest, all is well".to_owned(),
        open => format!("daily digest, {}", counted(open, "thing is open", "things are open")),
    };
    let mut run = vec![("see how things stand", "seatsync status".to_owned())];
    if let Some(fingerprint) = &report.fingerprint {
        run.push(("let through exactly what is held back", format!("seatsync confirm {fingerprint}")));
    }
    Letter { kind: NoticeKind::Digest, subject, lines, run, data: data(told, report, since, open.len()) }
}

/// "290 cycles, 3 failed, 1 did not read everything".
fn cycles(day: &Day) -> String {
    let cycles = counted(day.cycles, "cycle", "cycles");
    let failed = if day.failed == 0 { "none".to_owned() } else { day.failed.to_string() };
    let partial = match day.partial {
        0 => String::new(),
        partial => format!(", {partial} did not read everything"),
    };
    format!("{cycles}, {failed} failed{partial}")
}

/// What is wrong, as far as it was told.
fn open(told: &Told, report: &SyncReport, house: &House<'_>) -> Vec<String> {
    let since = |watch: &Watch| watch.since.filter(|_| watch.told).map(|since| house.moment(since));
    let mut open = Vec::new();
    open.extend(since(&told.cycles.watch).map(|since| format!("no cycle came to its end since {since}")));
    let held = told.held.values().filter(|held| held.watch.run == 0).filter_map(|held| held.watch.since).min();
    open.extend(held.map(|at| format!("changes are held back since {}", house.moment(at))));
    open.extend(told.directories.iter().filter_map(|(name, watch)| {
        since(watch).map(|since| format!("the directory {name} was not read to its end since {since}"))
    }));
    open.extend(since(&told.failed.watch).map(|since| format!("the backend refuses accounts since {since}")));
    let quarantined: u64 = report.directories.iter().map(|directory| directory.quarantined).sum();
    if quarantined > 0 {
        let entries = counted(quarantined, "entry cannot be used", "entries cannot be used");
        open.push(format!("{entries}: `seatsync users --state quarantined`"));
    }
    open.extend(told.pools.iter().filter_map(|(name, pool)| {
        since(&pool.waits).map(|since| format!("somebody waits for a seat of {name} since {since}"))
    }));
    open
}

fn done(day: &Day) -> String {
    let counts: Vec<String> = day
        .changes
        .named()
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| format!("{count} {}", if name == "waiting" { "began to wait" } else { name }))
        .chain((day.elsewhere > 0).then(|| format!("{} by hand or by others", day.elsewhere)))
        .collect();
    if counts.is_empty() { "no changes".to_owned() } else { counts.join(", ") }
}

fn data(told: &Told, report: &SyncReport, since: Timestamp, open: usize) -> Value {
    let pools: Vec<Value> = told
        .pools
        .iter()
        .map(|(name, pool)| {
            json!({ "name": name, "seats": pool.seats, "held": pool.held, "free": pool.free, "waiting": pool.waiting })
        })
        .collect();
    let sums = told.day.changes.named().into_iter().filter(|(name, _)| !["failed", "held"].contains(name));
    let changes: Map<String, Value> = sums.map(|(name, count)| (name.to_owned(), json!(count))).collect();
    json!({
        "since": since.to_string(),
        "cycles": told.day.cycles,
        "failed_cycles": told.day.failed,
        "partial_cycles": told.day.partial,
        "pools": pools,
        "changes": changes,
        "elsewhere": told.day.elsewhere,
        "open": open,
        "fingerprint": report.fingerprint,
    })
}
