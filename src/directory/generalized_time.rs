//! Generalized time (RFC 4517 section 3.3.13): `20240229120000.5+0130`.

use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

/// Reads a generalized time; None where it is none, or lies outside the years 0 to 9999.
#[must_use]
pub fn parse(text: &[u8]) -> Option<Timestamp> {
    let mut rest = text;
    let (year, month, day) = (digits(&mut rest, 4)?, digits(&mut rest, 2)?, digits(&mut rest, 2)?);
    let hour = digits(&mut rest, 2)?;
    if hour > 23 {
        return None;
    }
    let (mut unit, mut seconds) = (3600, i64::from(hour) * 3600);
    for (size, most) in [(60, 59), (1, 60)] {
        if !rest.first().is_some_and(u8::is_ascii_digit) {
            break;
        }
        let value = digits(&mut rest, 2).filter(|value| *value <= most)?;
        seconds += i64::from(value) * size;
        unit = size;
    }
    let fraction = fraction(&mut rest, unit)?;
    let day = date_of(year, month, day)?;
    let offset = offset(rest)?;
    let start = offset.to_timestamp(day).ok()?;
    start.checked_add(SignedDuration::from_secs(seconds)).ok()?.checked_add(fraction).ok()
}

/// Midnight of a day, if the calendar has it.
fn date_of(year: i16, month: i16, day: i16) -> Option<DateTime> {
    let day = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    Some(day.at(0, 0, 0, 0))
}

/// The next `count` digits as a number.
fn digits(rest: &mut &[u8], count: usize) -> Option<i16> {
    let (these, after) = rest.split_at_checked(count)?;
    *rest = after;
    these.iter().try_fold(0, |value, byte| byte.is_ascii_digit().then(|| value * 10 + i16::from(byte - b'0')))
}

/// A fraction of the last unit given, of `unit` seconds.
fn fraction(rest: &mut &[u8], unit: i64) -> Option<SignedDuration> {
    let [b'.' | b',', after @ ..] = *rest else { return Some(SignedDuration::ZERO) };
    let length = after.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if length == 0 {
        return None;
    }
    let (mut nanoseconds, mut place) = (0, unit * 1_000_000_000);
    for digit in &after[..length] {
        place /= 10;
        nanoseconds += place * i64::from(digit - b'0');
    }
    *rest = &after[length..];
    Some(SignedDuration::from_nanos(nanoseconds))
}

/// `Z`, or hours and perhaps minutes east or west of Greenwich. Nothing may follow.
fn offset(rest: &[u8]) -> Option<Offset> {
    let (sign, mut rest) = match rest {
        [b'Z'] => return Some(Offset::UTC),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let hours = digits(&mut rest, 2).filter(|hours| *hours <= 23)?;
    let minutes = if rest.is_empty() { 0 } else { digits(&mut rest, 2).filter(|minutes| *minutes <= 59)? };
    let seconds = sign * (i32::from(hours) * 3600 + i32::from(minutes) * 60);
    rest.is_empty().then(|| Offset::from_seconds(seconds).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Option<String> {
        parse(text.as_bytes()).map(|time| time.to_string())
    }

    #[test]
    fn every_form_of_the_standard_is_read() {
        for (text, time) in [
            ("20240229123456Z", "2024-02-29T12:34:56Z"),
            ("20240229123456.0Z", "2024-02-29T12:34:56Z"),
            ("20240229123456.25Z", "2024-02-29T12:34:56.25Z"),
            ("20240229123456,123456789123Z", "2024-02-29T12:34:56.123456789Z"),
            ("202402291234Z", "2024-02-29T12:34:00Z"),
            ("2024022912Z", "2024-02-29T12:00:00Z"),
            ("2024022912.5Z", "2024-02-29T12:30:00Z"),
            ("202402291234.5Z", "2024-02-29T12:34:30Z"),
            ("20240229123456+0130", "2024-02-29T11:04:56Z"),
            ("20240229123456-05", "2024-02-29T17:34:56Z"),
            ("20161231235960Z", "2017-01-01T00:00:00Z"),
            ("16010101000000.0Z", "1601-01-01T00:00:00Z"),
            ("000001010000Z", "0000-01-01T00:00:00Z"),
        ] {
            assert_eq!(read(text).as_deref(), Some(time), "{text}");
        }
    }

    #[test]
    fn anything_else_is_none() {
        for odd in [
            "",
            "Z",
            "20240229",
            "20240229123456",
            "20230229000000Z",
            "20240001000000Z",
            "20240229240000Z",
            "20240229126000Z",
            "20240229123461Z",
            "20240229123456.Z",
            "20240229123456Z ",
            "20240229123456+",
            "20240229123456+0160",
            "2024022912345Z",
            "20240229123456+01300",
            "-0240229123456Z",
            "2024-02-29T12:34:56Z",
        ] {
            assert_eq!(read(odd), None, "{odd}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(text in "[0-9]{8,17}[.,]?[0-9]{0,25}[Z+-]?[0-9]{0,5}") {
            let _ = parse(text.as_bytes());
        }

        #[test]
        fn every_whole_second_comes_back(second in -62_167_219_200_i64..253_402_207_200) {
            let time = Timestamp::from_second(second).unwrap();
            let text = time.strftime("%Y%m%d%H%M%SZ").to_string();
            prop_assert_eq!(parse(text.as_bytes()), Some(time));
        }
    }
}
