//! When something that was seen is worth a message: once when it begins, once when it is over, and not each time it flickers.

use jiff::{SignedDuration, Timestamp};

use crate::model::notice::Watch;

/// How many cycles in a row must agree, and for how long, before anybody is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    pub cycles: u32,
    pub span: SignedDuration,
}

/// Told as soon as it is seen.
pub const AT_ONCE: Patience = Patience { cycles: 1, span: SignedDuration::ZERO };

/// What there is to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Wrong for so many cycles in a row, since then.
    Began { cycles: u32, since: Timestamp },
    /// It was wrong since then.
    Ended { since: Timestamp },
}

/// Takes in what a cycle saw. What it could not see is not to be taken in: then nothing changes.
///
/// | told | seen now | |
/// |---|---|---|
/// | no | right | all is well |
/// | no | wrong | counted; told once `begin` is over |
/// | yes | wrong | as told |
/// | yes | right | counted; its end is told once `end` is over |
pub fn observe(watch: &mut Watch, wrong: bool, begin: Patience, end: Patience, now: Timestamp) -> Option<Turn> {
    let since = if wrong || watch.told { *watch.since.get_or_insert(now) } else { now };
    if wrong == watch.told {
        *watch = Watch { told: watch.told, since: watch.told.then_some(since), ..Watch::default() };
        return None;
    }
    let turned = *watch.turned.get_or_insert(now);
    watch.run = watch.run.saturating_add(1);
    let patience = if wrong { begin } else { end };
    if watch.run < patience.cycles || now.duration_since(turned) < patience.span {
        return None;
    }
    let cycles = watch.run;
    *watch = Watch { told: wrong, since: wrong.then_some(since), ..Watch::default() };
    Some(if wrong { Turn::Began { cycles, since } } else { Turn::Ended { since } })
}

/// So many more than were told that it is another matter: twice as many, and not just one or two.
pub const fn is_clearly_more(now: u64, told: u64) -> bool {
    const AT_LEAST: u64 = 5;
    now / 2 >= told && now.saturating_sub(told) >= AT_LEAST
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(minute * 60).unwrap()
    }

    const THREE: Patience = Patience { cycles: 3, span: SignedDuration::from_mins(10) };

    /// What is told of a row of observations, one every so many minutes: `+` wrong, `-` right.
    fn told(seen: &str, every: i64, begin: Patience) -> String {
        let mut watch = Watch::default();
        let turn = |(minute, seen)| match observe(&mut watch, seen == '+', begin, THREE, at(minute * every)) {
            None => '.',
            Some(Turn::Began { .. }) => 'B',
            Some(Turn::Ended { .. }) => 'E',
        };
        (0..).zip(seen.chars()).map(turn).collect()
    }

    #[test]
    fn what_begins_is_told_once_and_what_ends_too() {
        assert_eq!(told("--+++++---++++", 5, AT_ONCE), "..B......EB...");
        assert_eq!(told("-++++++---+++", 5, THREE), "...B.....E..B");
    }

    #[test]
    fn what_flickers_is_not_told_again_and_again() {
        assert_eq!(told("+-+-+--+-+---", 5, AT_ONCE), "B...........E");
        assert_eq!(told("+-++-+-++-", 5, THREE), "..........");
    }

    #[test]
    fn cycles_that_follow_fast_on_a_failure_do_not_make_it_a_long_one() {
        assert_eq!(told("+++++++++++++", 1, THREE), "..........B..");
    }

    #[test]
    fn since_when_is_told_from_the_first_time_it_was_seen() {
        let mut watch = Watch::default();
        for minute in [0, 5] {
            assert_eq!(observe(&mut watch, true, THREE, THREE, at(minute)), None);
        }
        let began = observe(&mut watch, true, THREE, THREE, at(10));
        assert_eq!(began, Some(Turn::Began { cycles: 3, since: at(0) }));
        for minute in [15, 20] {
            assert_eq!(observe(&mut watch, false, THREE, THREE, at(minute)), None);
        }
        assert_eq!(observe(&mut watch, false, THREE, THREE, at(25)), Some(Turn::Ended { since: at(0) }));
        assert_eq!(watch, Watch::default());
    }

    #[test]
    fn twice_as_many_and_five_more_are_clearly_more() {
        for (now, told, more) in
            [(8, 4, false), (9, 4, true), (10, 5, true), (19, 10, false), (20, 10, true), (1, 0, false)]
        {
            assert_eq!(is_clearly_more(now, told), more, "{now} after {told}");
        }
    }
}
