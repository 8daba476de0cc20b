//! Seats that are free and given to nobody before a person says so, and whom that word would reach.

use std::collections::BTreeMap;

use super::page::Page;
use super::words::{self, counted, number};
use crate::model::change::{Promotion, Verdict};
use crate::model::report::{PendingRow, PoolRow, WaitingRow};
use crate::model::{Name, WaitReason};

/// One place in a queue, as far as it matters here.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    pool: &'a Name,
    reason: WaitReason,
    approved: bool,
    passed_over: bool,
    /// Since the last cycle.
    decided: Option<Verdict>,
}

impl<'a> From<&'a WaitingRow> for Place<'a> {
    fn from(row: &'a WaitingRow) -> Self {
        let WaitingRow { pool, reason, approved, passed_over, .. } = row;
        Self { pool, reason: *reason, approved: *approved, passed_over: *passed_over, decided: None }
    }
}

impl<'a> From<&'a PendingRow> for Place<'a> {
    fn from(row: &'a PendingRow) -> Self {
        let PendingRow { pool, reason, approved, passed_over, decided, .. } = row;
        Self { pool, reason: *reason, approved: *approved, passed_over: *passed_over, decided: *decided }
    }
}

/// Places in the order of their queues, and which of them a free seat waits for.
#[derive(Debug)]
pub struct Reach<'a> {
    places: Vec<Place<'a>>,
    reached: Vec<bool>,
    /// By pool: free seats, and how many of them approval would give away.
    open: BTreeMap<&'a Name, (u32, u32)>,
}

impl<'a> Reach<'a> {
    /// The first of those who lack approval, as many as there are free seats, pool by pool.
    pub fn of(places: impl Iterator<Item = Place<'a>>, pools: &'a [PoolRow], promotion: Promotion) -> Self {
        let mut open: BTreeMap<&Name, (u32, u32)> = pools.iter().map(|pool| (&pool.name, (pool.free, 0))).collect();
        let lacks_approval = |place: &Place<'_>| {
            !place.passed_over && place.decided.is_none() && promotion.lacks_approval(place.reason, place.approved)
        };
        let places: Vec<Place<'_>> = places.collect();
        for place in places.iter().filter(|place| place.decided == Some(Verdict::Approve)) {
            // Spoken for.
            if let Some((free, _)) = open.get_mut(place.pool) {
                *free = free.saturating_sub(1);
            }
        }
        let mut reach = |place: &Place<'a>| match open.get_mut(place.pool) {
            Some((free, given)) if lacks_approval(place) && *given < *free => {
                *given += 1;
                true
            }
            _ => false,
        };
        let reached = places.iter().map(&mut reach).collect();
        Self { places, reached, open }
    }

    /// Why the place of this index waits.
    pub fn words(&self, index: usize) -> String {
        let Place { reason, approved, decided, .. } = self.places[index];
        let said = match (self.reached[index], reason) {
            (true, WaitReason::NoSeat) => "seat free, awaits approval",
            (true, WaitReason::ApprovalRequired) => "seat free, needs approval",
            _ => words::reason(reason),
        };
        match decided {
            Some(Verdict::Approve) => format!("{said}; approved, with the next cycle"),
            Some(Verdict::Deny) => format!("{said}; denied, with the next cycle"),
            Some(Verdict::Release) => format!("{said}; released, with the next cycle"),
            None if approved => format!("{said}, approved"),
            None => said.to_owned(),
        }
    }

    /// What a person can do about it, pool by pool; the seats of the pools in `what_if` are not bought yet.
    pub fn tell(&self, what_if: &[Name], page: &mut Page) {
        for (pool, (free, given)) in self.open.iter().filter(|(_, (_, given))| *given > 0) {
            let command = format!("pending approve --next {given} --pool {pool}");
            page.gap();
            if what_if.contains(pool) {
                let whom = counted((*given).into(), "person", "people");
                page.line(format!("{pool}: with these seats, approval would reach the first {whom} marked above."));
                page.command("once they are bought", &command);
            } else {
                let seats =
                    if *free == 1 { "1 seat is".to_owned() } else { format!("{} seats are", number((*free).into())) };
                page.line(format!("{pool}: {seats} free and given to nobody before a person approves it."));
                page.command("approve who comes first", &command);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::WaitReason::{ApprovalRequired, DomainNotApproved, NoSeat};
    use super::*;

    fn pool(free: u32) -> PoolRow {
        PoolRow { name: "standard".into(), seats: 9, held: 9 - free, waiting: 3, free }
    }

    fn said(pools: &[PoolRow], promotion: Promotion, what_if: &[Name]) -> (Vec<String>, String) {
        let name = Name::from("standard");
        let place = |reason, approved| Place { pool: &name, reason, approved, passed_over: false, decided: None };
        let places = [
            Place { passed_over: true, ..place(NoSeat, false) },
            place(NoSeat, true),
            place(NoSeat, false),
            place(DomainNotApproved, false),
            place(ApprovalRequired, false),
        ];
        let reach = Reach::of(places.into_iter(), pools, promotion);
        let mut page = Page::default();
        reach.tell(what_if, &mut page);
        ((0..5).map(|index| reach.words(index)).collect(), page.plain())
    }

    #[test]
    fn a_free_seat_reaches_the_first_who_lacks_approval_and_the_command_says_so() {
        let (words, told) = said(&[pool(1)], Promotion::Manual, &["advanced".into()]);
        let expected = [
            // Passed over: approval would give this person nothing now.
            "no free seat",
            "no free seat, approved",
            "seat free, awaits approval",
            "mail domain not approved",
            "needs approval",
        ];
        assert_eq!(words, expected);
        let expected = "standard: 1 seat is free and given to nobody before a person approves it.\n  \
                        approve who comes first: seatsync pending approve --next 1 --pool standard\n";
        assert_eq!(told, expected);
    }

    #[test]
    fn with_automatic_promotion_only_who_needs_approval_is_reached() {
        let (words, told) = said(&[pool(3)], Promotion::Automatic, &["standard".into()]);
        assert_eq!((words[2].as_str(), words[4].as_str()), ("no free seat", "seat free, needs approval"));
        assert!(told.contains("would reach the first 1 person") && told.contains("once they are bought"), "{told}");
    }

    #[test]
    fn who_is_approved_already_takes_the_free_seat_of_nobody_else() {
        let name = Name::from("standard");
        let place = |decided| Place { pool: &name, reason: NoSeat, approved: false, passed_over: false, decided };
        let places = [place(Some(Verdict::Approve)), place(Some(Verdict::Deny)), place(None), place(None)];
        let pools = [pool(2)];
        let reach = Reach::of(places.into_iter(), &pools, Promotion::Manual);
        let words: Vec<String> = (0..4).map(|index| reach.words(index)).collect();
        let expected = [
            "no free seat; approved, with the next cycle",
            "no free seat; denied, with the next cycle",
            "seat free, awaits approval",
            "no free seat",
        ];
        assert_eq!(words, expected);
    }

    #[test]
    fn where_no_seat_is_free_nothing_is_offered() {
        let (words, told) = said(&[pool(0)], Promotion::Manual, &[]);
        assert_eq!((words[2].as_str(), told.as_str()), ("no free seat", ""));
    }
}
