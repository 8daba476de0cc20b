//! Pools that are full, and pools that somebody waits for.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::House;
use super::letter::{Letter, some_of};
use super::watch::{AT_ONCE, Turn, observe};
use crate::model::change::Promotion;
use crate::model::notice::{NoticeKind, PoolTold};
use crate::model::report::{PoolRow, SyncReport, WaitingRow};
use crate::model::text::counted;
use crate::model::{Name, WaitReason};

/// At most one message a pool for each of the two; where both change together, one says both.
pub fn pools(
    told: &mut BTreeMap<Name, PoolTold>,
    report: &SyncReport,
    house: &House<'_>,
    now: Timestamp,
) -> Vec<Letter> {
    told.retain(|name, _| report.pools.iter().any(|pool| pool.name == *name));
    let mut letters = Vec::new();
    for pool in &report.pools {
        let known = told.entry(pool.name.clone()).or_default();
        let is_full = pool.seats > 0 && pool.free == 0;
        let full = observe(&mut known.full, is_full, AT_ONCE, house.patience(), now);
        let waits = observe(&mut known.waits, pool.waiting > 0, AT_ONCE, house.patience(), now);
        (known.seats, known.held, known.free, known.waiting) = (pool.seats, pool.held, pool.free, pool.waiting);
        match (full, waits) {
            (_, Some(Turn::Began { .. })) => letters.push(waiting(pool, report, house)),
            (Some(Turn::Began { .. }), Some(Turn::Ended { .. })) => letters.extend([nobody_waits(pool), filled(pool)]),
            (Some(Turn::Began { .. }), None) => letters.push(filled(pool)),
            (_, Some(Turn::Ended { .. })) => letters.push(nobody_waits(pool)),
            (Some(Turn::Ended { .. }), None) => letters.push(freed(pool, house)),
            (None, None) => {}
        }
    }
    letters
}

/// `50 of 50 seats are held: none is free.`
pub fn seats(held: u32, seats: u32, free: u32) -> String {
    let free = match free {
        0 => "none is free".to_owned(),
        1 => "1 is free".to_owned(),
        free => format!("{free} are free"),
    };
    format!("{held} of {} held: {free}.", counted(seats.into(), "seat is", "seats are"))
}

fn waiting(pool: &PoolRow, report: &SyncReport, house: &House<'_>) -> Letter {
    let rows: Vec<&WaitingRow> = report.waiting.iter().filter(|row| row.pool == pool.name).collect();
    let names: Vec<&str> = rows.iter().map(|row| row.user_name.as_str()).collect();
    let who = counted(pool.waiting.into(), "person waits", "people wait");
    let reasons = reasons(&rows);
    let mut lines =
        vec![format!("{who} for a seat of the pool \"{}\".", pool.name), seats(pool.held, pool.seats, pool.free)];
    lines.extend(reasons.iter().map(|(reason, count)| format!("{}: {count}.", because(*reason))));
    if !names.is_empty() {
        lines.push(format!("First in line: {}.", some_of(&names)));
    }
    lines.push(format!("Nobody lost a seat. Who waits keeps the place, and gets a seat that is free {}.", when(house)));
    lines.push("This is told once, and you hear when nobody waits any more.".to_owned());
    let mut data = counts(pool);
    data["reasons"] = reasons.iter().map(|(reason, count)| (reason.as_str().to_owned(), json!(count))).collect();
    Letter {
        kind: NoticeKind::PoolWaiting,
        subject: format!("{who} for a seat of {}", pool.name),
        lines,
        run: vec![("see who waits, and to decide", "seatsync pending".to_owned())],
        data,
    }
}

fn filled(pool: &PoolRow) -> Letter {
    let mut lines = vec![
        format!("The pool \"{}\" is full.", pool.name),
        seats(pool.held, pool.seats, pool.free),
        "Nobody lost a seat. Whoever comes next waits for one.".to_owned(),
    ];
    if pool.waiting > 0 {
        lines.push(format!("{} for a seat of it.", counted(pool.waiting.into(), "person waits", "people wait")));
    }
    Letter {
        kind: NoticeKind::PoolFull,
        subject: format!("{} is full, {} of {} seats are held", pool.name, pool.held, pool.seats),
        lines,
        run: vec![("see all pools", "seatsync status".to_owned())],
        data: counts(pool),
    }
}

fn nobody_waits(pool: &PoolRow) -> Letter {
    Letter {
        kind: NoticeKind::PoolNobodyWaits,
        subject: format!("nobody waits for a seat of {} any more", pool.name),
        lines: vec![
            format!("Nobody waits for a seat of the pool \"{}\" any more.", pool.name),
            seats(pool.held, pool.seats, pool.free),
        ],
        run: vec![("see all pools", "seatsync status".to_owned())],
        data: counts(pool),
    }
}

fn freed(pool: &PoolRow, house: &House<'_>) -> Letter {
    let mut lines =
        vec![format!("The pool \"{}\" has seats again.", pool.name), seats(pool.held, pool.seats, pool.free)];
    let mut run = vec![("see all pools", "seatsync status".to_owned())];
    if pool.waiting > 0 {
        let who = counted(pool.waiting.into(), "person waits for one, and gets it", "people wait for one, and get it");
        lines.push(format!("{who} {}.", when(house)));
        run = vec![("see who waits, and to decide", "seatsync pending".to_owned())];
    }
    let subject = format!("{} has {} again", pool.name, counted(pool.free.into(), "free seat", "free seats"));
    Letter { kind: NoticeKind::PoolFree, subject, lines, run, data: counts(pool) }
}

const fn when(house: &House<'_>) -> &'static str {
    match house.promotion {
        Promotion::Manual => "once somebody approves",
        Promotion::Automatic => "when it is the turn",
    }
}

fn reasons(rows: &[&WaitingRow]) -> BTreeMap<WaitReason, u64> {
    let mut reasons = BTreeMap::new();
    for row in rows {
        *reasons.entry(row.reason).or_default() += 1;
    }
    reasons
}

const fn because(reason: WaitReason) -> &'static str {
    match reason {
        WaitReason::NoSeat => "Because no seat was free",
        WaitReason::ApprovalRequired => "Because somebody has to approve them",
        WaitReason::DomainNotApproved => "Because the mail domain is not approved",
        WaitReason::RemovedElsewhere => "Because somebody took the seat or the account away in the backend",
    }
}

fn counts(pool: &PoolRow) -> Value {
    json!({ "pool": pool.name, "seats": pool.seats, "held": pool.held, "free": pool.free, "waiting": pool.waiting })
}
