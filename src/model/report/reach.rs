//! Why each place in a queue waits, in words: the same in every verb and on the page; and whom a person's word would give a
//! seat that is free.

use std::collections::BTreeMap;

use super::{PendingRow, PoolRow, Stopped, WaitingRow};
use crate::model::change::{Promotion, Verdict};
use crate::model::{Name, WaitReason};

/// One place in a queue, as far as it matters here.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    pool: &'a Name,
    reason: WaitReason,
    approved: bool,
    stopped: Option<Stopped>,
    /// Since the last cycle.
    decided: Option<Verdict>,
}

impl<'a> From<&'a WaitingRow> for Place<'a> {
    fn from(row: &'a WaitingRow) -> Self {
        let WaitingRow { pool, reason, approved, stopped, .. } = row;
        Self { pool, reason: *reason, approved: *approved, stopped: *stopped, decided: None }
    }
}

impl<'a> From<&'a PendingRow> for Place<'a> {
    fn from(row: &'a PendingRow) -> Self {
        let PendingRow { pool, reason, approved, stopped, decided, .. } = row;
        Self { pool, reason: *reason, approved: *approved, stopped: *stopped, decided: *decided }
    }
}

/// Places in the order of their queues, and which of them a free seat waits for.
#[derive(Debug)]
pub struct Reach<'a> {
    places: Vec<Place<'a>>,
    reached: Vec<bool>,
    /// Who was approved since the last cycle, and for whom a seat is free.
    given: Vec<bool>,
    /// By pool: free seats, and how many of them approval would give away.
    open: BTreeMap<&'a Name, (u32, u32)>,
}

impl<'a> Reach<'a> {
    /// The first of those who lack approval, as many as there are free seats, pool by pool.
    #[must_use]
    pub fn of(places: impl Iterator<Item = Place<'a>>, pools: &'a [PoolRow], promotion: Promotion) -> Self {
        let mut open: BTreeMap<&Name, (u32, u32)> = pools.iter().map(|pool| (&pool.name, (pool.free, 0))).collect();
        let lacks_approval = |place: &Place<'_>| {
            place.stopped.is_none() && place.decided.is_none() && promotion.lacks_approval(place.reason, place.approved)
        };
        let places: Vec<Place<'_>> = places.collect();
        let mut give = |place: &Place<'a>| match open.get_mut(place.pool) {
            // Spoken for.
            Some((free, _)) if place.decided == Some(Verdict::Approve) && *free > 0 => {
                *free -= 1;
                place.stopped.is_none()
            }
            _ => false,
        };
        let given = places.iter().map(&mut give).collect();
        let mut reach = |place: &Place<'a>| match open.get_mut(place.pool) {
            Some((free, given)) if lacks_approval(place) && *given < *free => {
                *given += 1;
                true
            }
            _ => false,
        };
        let reached = places.iter().map(&mut reach).collect();
        Self { places, reached, given, open }
    }

    /// Why the place of this index waits.
    #[must_use]
    pub fn words(&self, index: usize) -> String {
        let Place { reason, approved, stopped, decided, .. } = self.places[index];
        let said = match (stopped, self.reached[index], reason) {
            (Some(stopped), _, _) => stopped.in_words(),
            (None, true, WaitReason::NoSeat) => "seat free, awaits approval",
            (None, true, WaitReason::ApprovalRequired) => "seat free, needs approval",
            _ => in_words(reason),
        };
        match decided {
            Some(Verdict::Approve) if self.given[index] => "approved: gets a seat with the next cycle".to_owned(),
            Some(Verdict::Approve) => format!("{said}; approved, with the next cycle"),
            Some(Verdict::Deny) => format!("{said}; denied, with the next cycle"),
            Some(Verdict::Release) => format!("{said}; released, with the next cycle"),
            None if approved => format!("{said}, approved"),
            None => said.to_owned(),
        }
    }

    /// Pools with seats that only approval gives away: how many are free, and how many of them it would give.
    pub fn open(&self) -> impl Iterator<Item = (&Name, u32, u32)> {
        self.open.iter().filter(|(_, (_, given))| *given > 0).map(|(pool, (free, given))| (*pool, *free, *given))
    }
}

/// A reason for waiting.
#[must_use]
pub const fn in_words(reason: WaitReason) -> &'static str {
    match reason {
        WaitReason::NoSeat => "no free seat",
        WaitReason::ApprovalRequired => "needs approval",
        WaitReason::DomainNotApproved => "mail domain not approved",
        WaitReason::RemovedElsewhere => "released by hand",
    }
}

#[cfg(test)]
mod tests {
    use super::WaitReason::{ApprovalRequired, DomainNotApproved, NoSeat};
    use super::*;

    fn pool(free: u32) -> PoolRow {
        PoolRow { name: "standard".into(), seats: 9, held: 9 - free, waiting: 3, free }
    }

    fn said(pools: &[PoolRow], promotion: Promotion) -> (Vec<String>, Vec<(String, u32, u32)>) {
        let name = Name::from("standard");
        let place = |reason, approved| Place { pool: &name, reason, approved, stopped: None, decided: None };
        let places = [
            Place { stopped: Some(Stopped::Quarantined), ..place(NoSeat, false) },
            place(NoSeat, true),
            place(NoSeat, false),
            place(DomainNotApproved, false),
            place(ApprovalRequired, false),
        ];
        let reach = Reach::of(places.into_iter(), pools, promotion);
        let open = reach.open().map(|(pool, free, given)| (pool.to_string(), free, given)).collect();
        ((0..5).map(|index| reach.words(index)).collect(), open)
    }

    #[test]
    fn who_was_approved_while_a_seat_is_free_is_told_that_it_comes() {
        let name = Name::from("standard");
        let decided = Some(Verdict::Approve);
        let place = |stopped| Place { pool: &name, reason: NoSeat, approved: false, stopped, decided };
        let words = |free, stopped| {
            let pools = [pool(free)];
            let reach = Reach::of([place(stopped), place(None)].into_iter(), &pools, Promotion::Manual);
            [reach.words(0), reach.words(1)]
        };
        let comes = "approved: gets a seat with the next cycle";
        assert_eq!(words(2, None), [comes, comes]);
        assert_eq!(words(1, None), [comes, "no free seat; approved, with the next cycle"]);
        assert!(words(1, Some(Stopped::Quarantined))[0].starts_with("gets nothing now"));
    }

    #[test]
    fn a_free_seat_reaches_the_first_who_lacks_approval() {
        let (words, open) = said(&[pool(1)], Promotion::Manual);
        let expected = [
            // Approval would give this person nothing now.
            "gets nothing now: quarantined",
            "no free seat, approved",
            "seat free, awaits approval",
            "mail domain not approved",
            "needs approval",
        ];
        assert_eq!(words, expected);
        assert_eq!(open, [("standard".to_owned(), 1, 1)]);
    }

    #[test]
    fn with_automatic_promotion_only_who_needs_approval_is_reached() {
        let (words, open) = said(&[pool(3)], Promotion::Automatic);
        assert_eq!((words[2].as_str(), words[4].as_str()), ("no free seat", "seat free, needs approval"));
        assert_eq!(open, [("standard".to_owned(), 3, 1)]);
    }

    #[test]
    fn who_is_approved_already_takes_the_free_seat_of_nobody_else() {
        let name = Name::from("standard");
        let place = |decided| Place { pool: &name, reason: NoSeat, approved: false, stopped: None, decided };
        let places = [place(Some(Verdict::Approve)), place(Some(Verdict::Deny)), place(None), place(None)];
        let pools = [pool(2)];
        let reach = Reach::of(places.into_iter(), &pools, Promotion::Manual);
        let words: Vec<String> = (0..4).map(|index| reach.words(index)).collect();
        let expected = [
            "approved: gets a seat with the next cycle",
            "no free seat; denied, with the next cycle",
            "seat free, awaits approval",
            "no free seat",
        ];
        assert_eq!(words, expected);
    }

    #[test]
    fn where_no_seat_is_free_nothing_is_offered() {
        let (words, open) = said(&[pool(0)], Promotion::Manual);
        assert_eq!((words[2].as_str(), open.len()), ("no free seat", 0));
    }
}
