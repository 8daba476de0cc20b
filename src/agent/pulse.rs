//! How a pass gets on, by what it tells of its progress: whether it hangs, and what it reads.

use std::cmp::Ordering;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use crate::clock;
use crate::model::report::{Awaited, ReadingRow};
use crate::ports::{Awaiting, Progress, Stage};

/// A read that goes on for longer is told of.
const MOMENT: SignedDuration = SignedDuration::from_secs(3);

/// When work last went on, so that a pass that hangs is noticed, and one that only takes long is not; and the read that is
/// being made.
#[derive(Debug)]
pub struct Pulse {
    beat: Mutex<Beat>,
    reading: Mutex<Option<ReadingRow>>,
    /// The backend, where it is somebody who may not answer.
    awaiting: Mutex<Option<Awaiting>>,
    /// Why the status page is not where the config says.
    page: Mutex<Option<String>>,
    pub(super) moment: SignedDuration,
}

#[derive(Clone, Copy, Debug)]
struct Beat {
    last: Instant,
    patience: Duration,
}

impl Pulse {
    /// `patience`: the longest that a pass may rightly wait for one answer.
    #[must_use]
    pub fn new(patience: Duration) -> Self {
        let beat = Mutex::new(Beat { last: Instant::now(), patience });
        Self { beat, reading: Mutex::default(), awaiting: Mutex::default(), page: Mutex::default(), moment: MOMENT }
    }

    /// Another config may have other limits.
    pub fn be_patient(&self, patience: Duration) {
        self.change(|beat| beat.patience = patience);
    }

    pub(super) fn beats(&self) {
        self.change(|beat| beat.last = Instant::now());
    }

    pub(super) fn goes_on(&self) -> bool {
        let beat = *self.beat.lock().unwrap_or_else(PoisonError::into_inner);
        beat.last.elapsed() <= beat.patience
    }

    /// The pass came to its end, however it did.
    pub(super) fn rests(&self) {
        self.read(|reading| *reading = None);
    }

    /// The read that is being made, where it goes on for longer than a moment.
    #[must_use]
    pub fn reading(&self, now: Timestamp) -> Option<ReadingRow> {
        let reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner).clone();
        reading.filter(|reading| now.duration_since(reading.since) >= self.moment)
    }

    /// Passes ask this backend from now on.
    pub fn asks(&self, backend: Option<Awaiting>) {
        *self.awaiting.lock().unwrap_or_else(PoisonError::into_inner) = backend;
    }

    /// The backend, where its answer is waited for for longer than a moment.
    #[must_use]
    pub fn awaited(&self, now: Timestamp) -> Option<Awaited> {
        let awaited = self.awaiting.lock().unwrap_or_else(PoisonError::into_inner).as_ref()?.awaited()?;
        (now.duration_since(awaited.since) >= self.moment).then_some(awaited)
    }

    /// Why the status page is not where the config says; None: it is.
    pub fn page_is_missed(&self, problem: Option<String>) {
        *self.page.lock().unwrap_or_else(PoisonError::into_inner) = problem;
    }

    /// Why the status page is not where the config says.
    #[must_use]
    pub fn page_problem(&self) -> Option<String> {
        self.page.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self, change: impl FnOnce(&mut Beat)) {
        change(&mut self.beat.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn read(&self, change: impl FnOnce(&mut Option<ReadingRow>)) {
        change(&mut self.reading.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// A read that is asked for once more has heard no more by it: a directory that hangs may be asked for ever.
    fn hear(&self, stage: Stage<'_>, now: Timestamp) {
        self.read(|reading| match (stage, reading) {
            (Stage::Reading { directory, entries }, Some(row)) if *row.name == *directory => {
                match entries.cmp(&row.entries) {
                    Ordering::Greater => row.heard = now,
                    Ordering::Equal => {}
                    // It begins anew, and nothing has come since.
                    Ordering::Less => row.since = row.heard,
                }
                row.entries = entries;
            }
            (Stage::Reading { directory, entries }, reading) => {
                *reading = Some(ReadingRow { name: directory.into(), since: now, entries, heard: now });
            }
            // The agent does not wait for others while it reads.
            (Stage::Waiting(_), _) => {}
            (_, reading) => *reading = None,
        });
    }
}

impl Progress for Pulse {
    fn tell(&self, stage: Stage<'_>) {
        self.beats();
        self.hear(stage, clock::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn told(pulse: &Pulse, second: i64) -> Option<String> {
        pulse.reading(at(second)).map(|reading| reading.in_words(at(second)))
    }

    #[test]
    fn a_directory_that_hangs_is_silent_however_often_it_is_asked_anew() {
        let pulse = Pulse::new(Duration::ZERO);
        let asked = |second, entries| pulse.hear(Stage::Reading { directory: "corp", entries }, at(second));
        asked(0, 0);
        asked(40, 0);
        assert!(pulse.reading(at(41)).unwrap().is_silent(at(41)));
        assert_eq!(told(&pulse, 41).unwrap(), "reading corp for 41 s, and nothing has come yet");
        asked(50, 7);
        assert!(!pulse.reading(at(51)).unwrap().is_silent(at(51)));
        asked(81, 7);
        assert_eq!(told(&pulse, 81).unwrap(), "reading corp for 81 s, and nothing after 7 entries for 31 s");
        asked(85, 0);
        assert!(pulse.reading(at(86)).unwrap().is_silent(at(86)));
        assert_eq!(told(&pulse, 86).unwrap(), "reading corp for 36 s, and nothing has come yet");
        asked(87, 1);
        assert!(!pulse.reading(at(88)).unwrap().is_silent(at(88)));
    }

    #[test]
    fn a_read_is_told_of_once_it_goes_on_for_longer_than_a_moment_and_until_it_ends() {
        let pulse = Pulse::new(Duration::ZERO);
        pulse.hear(Stage::Reading { directory: "corp", entries: 0 }, at(0));
        assert_eq!(told(&pulse, 2), None);
        assert_eq!(told(&pulse, 42).unwrap(), "reading corp for 42 s, and nothing has come yet");
        pulse.hear(Stage::Reading { directory: "corp", entries: 500 }, at(43));
        assert_eq!(told(&pulse, 50).unwrap(), "reading corp for 50 s, and 500 entries came so far");
        assert!(!pulse.reading(at(72)).unwrap().is_silent(at(72)));
        assert!(pulse.reading(at(73)).unwrap().is_silent(at(73)));
        assert_eq!(told(&pulse, 90).unwrap(), "reading corp for 90 s, and nothing after 500 entries for 47 s");
        pulse.hear(Stage::Reading { directory: "lab", entries: 0 }, at(91));
        assert_eq!(told(&pulse, 95).unwrap(), "reading lab for 4 s, and nothing has come yet");
        for end in [
            Stage::Read { directory: "lab", entries: 3, complete: true },
            Stage::Unread { directory: "lab" },
            Stage::Planning,
        ] {
            pulse.hear(Stage::Reading { directory: "lab", entries: 0 }, at(100));
            assert!(told(&pulse, 110).is_some());
            pulse.hear(end, at(111));
            assert_eq!(told(&pulse, 120), None, "{end:?}");
        }
    }
}
