//! `[guard]`: how much may change at once without a person's word.

use super::duration::{self, DAY};
use super::reader::Reader;
use crate::model::settings::GuardSettings;

pub fn compile(reader: &Reader) -> GuardSettings {
    let day = jiff::SignedDuration::from_hours(24);
    GuardSettings {
        percent: reader.number("percent").unwrap_or(10),
        floor: reader.number("floor").unwrap_or(3),
        window: duration::read_signed(reader, "window", 366 * DAY).unwrap_or(day),
        confirm_within: duration::read_signed(reader, "confirm_within", 366 * DAY).unwrap_or(day),
    }
}
