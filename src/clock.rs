//! The one place that asks what time it is. Everything else takes the time as an argument.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The time now, to the millisecond: fine enough to tell the cycles of one second apart, for whoever asks first is first.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the clock")]
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

/// The time zone of this machine; UTC where it has none that is known.
#[must_use]
pub fn zone() -> TimeZone {
    TimeZone::system()
}
