//! The one place that asks what time it is. Everything else takes the time as an argument.

use jiff::Timestamp;

/// The time now, to the whole second: what is stored and compared needs no more.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the clock")]
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}
