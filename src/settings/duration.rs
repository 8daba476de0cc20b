//! Durations as people write them: `90s`, `5m`, `24h`, `30d`.

use std::time::Duration;

use jiff::SignedDuration;

use super::keys::Shape;
use super::reader::Reader;

pub const SECOND: Duration = Duration::from_secs(1);
pub const MINUTE: Duration = Duration::from_mins(1);
pub const HOUR: Duration = Duration::from_hours(1);
pub const DAY: Duration = Duration::from_hours(24);
/// The longest anything here may last.
pub const CENTURY: Duration = Duration::from_hours(24 * 36500);

/// A duration from one second to `longest`.
pub fn read(reader: &Reader, key: &'static str, longest: Duration) -> Option<Duration> {
    reader.is_known_as(key, |shape| matches!(shape, Shape::Duration(None)));
    let text = reader.text(key)?;
    check(reader, key, &text, longest, "")
}

/// The same for what is compared with points in time.
pub fn read_signed(reader: &Reader, key: &'static str, longest: Duration) -> Option<SignedDuration> {
    read(reader, key, longest).and_then(|duration| SignedDuration::try_from(duration).ok())
}

/// The same, where a word stands for no duration at all.
pub fn read_signed_unless(reader: &Reader, key: &'static str, word: &str, longest: Duration) -> Option<SignedDuration> {
    reader.is_known_as(key, |shape| matches!(shape, Shape::Duration(Some(known)) if known == word));
    let text = reader.text(key).filter(|text| text != word)?;
    check(reader, key, &text, longest, &format!("{word:?} or "))
        .and_then(|duration| SignedDuration::try_from(duration).ok())
}

fn check(reader: &Reader, key: &'static str, text: &str, longest: Duration, or: &str) -> Option<Duration> {
    let found = parse(text).filter(|duration| (SECOND..=longest).contains(duration));
    if found.is_none() {
        let longest = days(longest);
        reader.problem(
            key,
            format!("must be {or}a duration from 1s to {longest}, written like \"90s\", \"5m\", \"24h\" or \"30d\""),
        );
    }
    found
}

/// Seconds, minutes, hours, days and weeks. Not all that `humantime` takes: there `1M` is a month and `1m` a minute.
pub fn parse(text: &str) -> Option<Duration> {
    let known = |c: char| c.is_ascii_digit() || "smhdw ".contains(c);
    if !text.chars().all(known) || text.contains("ms") {
        return None;
    }
    humantime::parse_duration(text).ok()
}

fn days(longest: Duration) -> String {
    let hours = longest.as_secs() / HOUR.as_secs();
    if hours.is_multiple_of(24) { format!("{}d", hours / 24) } else { format!("{hours}h") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_of_the_design_are_read() {
        assert_eq!(parse("90s"), Some(Duration::from_secs(90)));
        assert_eq!(parse("5m"), Some(5 * MINUTE));
        assert_eq!(parse("24h"), Some(DAY));
        assert_eq!(parse("30d"), Some(30 * DAY));
        assert_eq!(parse("1h 30m"), Some(HOUR + 30 * MINUTE));
    }

    #[test]
    fn a_month_is_no_minute_and_a_number_no_duration() {
        for text in ["1M", "90", "5 parsecs", "-5m", "", "500ms", "1.5h"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
