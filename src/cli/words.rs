//! The words people read for what reports say in codes.

use jiff::Timestamp;

use crate::model::report::{CycleOutcome, ReadMode, SeatRow, SeatWord, in_words};
pub use crate::model::text::number;
use crate::model::{AccountState, Defect, WaitReason};

/// What a report shows where there is nothing.
pub const NONE: &str = "-";

pub const fn outcome(outcome: CycleOutcome) -> &'static str {
    match outcome {
        CycleOutcome::Ok => "ok",
        CycleOutcome::Standby => "standby",
        CycleOutcome::SomeFailed => "some failed",
        CycleOutcome::Held => "held back",
        CycleOutcome::Partial => "partial",
        CycleOutcome::Failed => "failed",
    }
}

/// The reason of a planned change: its code in the report, in words where we know it.
pub fn reason_code(code: &str) -> &str {
    match code {
        "no_seat" => in_words(WaitReason::NoSeat),
        "approval_required" => in_words(WaitReason::ApprovalRequired),
        "domain_not_approved" => in_words(WaitReason::DomainNotApproved),
        "removed_elsewhere" => in_words(WaitReason::RemovedElsewhere),
        "disabled" => "disabled in the directory",
        "expired" => "expired in the directory",
        "deleted" => "deleted from the directory",
        "out_of_scope" => "no longer in scope",
        other => other,
    }
}

/// What is wrong with an entry: the entry's name, where the message does not say it itself.
pub fn quarantine(entry: Option<&str>, message: &str) -> String {
    match entry.filter(|entry| !message.contains(*entry)) {
        Some(entry) => format!("{entry}: {message}"),
        None => message.to_owned(),
    }
}

/// What is wrong with a value, in a word or two.
pub const fn defect(defect: Defect) -> &'static str {
    match defect {
        Defect::Missing => "missing",
        Defect::Malformed => "not usable",
        Defect::Duplicate => "somebody else's, too",
        Defect::Conflict => "another account's",
    }
}

pub const fn state(state: Option<AccountState>) -> &'static str {
    match state {
        Some(AccountState::Suspended) => "suspended",
        Some(AccountState::Active) => "active",
        Some(AccountState::Pending) => "pending",
        Some(AccountState::Denied) => "denied",
        None => "no account",
    }
}

/// "standard", "standard: place 3, no free seat", "standard: denied".
pub fn seat(seat: &SeatRow) -> String {
    let mut words = match seat.state {
        SeatWord::Held => return seat.pool.to_string(),
        SeatWord::Denied => return format!("{}: denied", seat.pool),
        SeatWord::Waiting => format!("{}: waits", seat.pool),
    };
    if let Some(position) = seat.position {
        words = format!("{}: place {position}", seat.pool);
    }
    seat.why.iter().fold(words, |words, why| format!("{words}, {why}"))
}

pub const fn mode(mode: ReadMode) -> &'static str {
    match mode {
        ReadMode::Full => "full",
        ReadMode::Delta => "delta",
    }
}

/// "yes", "no", or that nobody asked.
pub const fn reachable(reachable: Option<bool>) -> &'static str {
    match reachable {
        Some(true) => "yes",
        Some(false) => "no",
        None => "not asked yet",
    }
}

/// UTC to the second, without the letters between.
pub fn time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// UTC to the minute, for a column that says so.
pub fn minute(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M").to_string()
}

/// How far a time lies from now, roughly: "in 4 min", "3 h ago".
pub fn distance(time: Timestamp, now: Timestamp) -> String {
    let seconds = time.as_second() - now.as_second();
    let away = seconds.unsigned_abs();
    let span = match away {
        0..=89 => format!("{away} s"),
        90..=5_399 => format!("{} min", (away + 30) / 60),
        5_400..=172_799 => format!("{} h", (away + 1_800) / 3_600),
        _ => format!("{} days", (away + 43_200) / 86_400),
    };
    if seconds > 0 { format!("in {span}") } else { format!("{span} ago") }
}

/// Seconds as a person says them: "0.4 s", "12 s", "3 min 5 s".
pub fn duration(seconds: f64) -> String {
    if seconds < 0.05 {
        return "0.0 s".to_owned();
    }
    if seconds < 9.95 {
        return format!("{seconds:.1} s");
    }
    let whole = std::time::Duration::try_from_secs_f64(seconds).unwrap_or_default().as_secs_f64().round();
    if whole < 120.0 {
        format!("{whole:.0} s")
    } else {
        format!("{:.0} min {:.0} s", (whole / 60.0).floor(), whole % 60.0)
    }
}

/// "1 change", "2 changes".
pub fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(count), if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_a_person_says_them() {
        let said = [0.0, 0.44, 9.94, 9.96, 119.4, 120.0, 185.2].map(duration);
        assert_eq!(said, ["0.0 s", "0.4 s", "9.9 s", "10 s", "119 s", "2 min 0 s", "3 min 5 s"]);
    }

    #[test]
    fn distances_say_before_or_after() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let at = |seconds: i64| Timestamp::from_second(now.as_second() + seconds).unwrap();
        assert_eq!(distance(at(89), now), "in 89 s");
        assert_eq!(distance(at(90), now), "in 2 min");
        assert_eq!(distance(at(-7_200), now), "2 h ago");
        assert_eq!(distance(at(-864_000), now), "10 days ago");
    }
}
