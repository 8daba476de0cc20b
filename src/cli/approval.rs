//! Seats that are free and given to nobody before a person says so, and the command that says it.

use super::page::Page;
use super::words::{counted, number};
use crate::model::Name;
use crate::model::report::Reach;

/// What a person can do about it, pool by pool; the seats of the pools in `what_if` are not bought yet.
pub fn tell(reach: &Reach<'_>, what_if: &[Name], page: &mut Page) {
    for (pool, free, given) in reach.open() {
        let command = format!("pending approve --next {given} --pool {pool}");
        page.gap();
        if what_if.contains(pool) {
            let whom = counted(given.into(), "person", "people");
            page.line(format!("{pool}: with these seats, approval would reach the first {whom} marked above."));
            page.command("once they are bought", &command);
        } else {
            let seats = if free == 1 { "1 seat is".to_owned() } else { format!("{} seats are", number(free.into())) };
            page.line(format!("{pool}: {seats} free and given to nobody before a person approves it."));
            page.command("approve who comes first", &command);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::WaitReason;
    use crate::model::change::Promotion;
    use crate::model::report::{PoolRow, WaitingRow};

    fn told(what_if: &[Name]) -> String {
        let pools = [PoolRow { name: "standard".into(), seats: 9, held: 8, waiting: 1, free: 1 }];
        let waiting = WaitingRow {
            anchor: None,
            user_name: "ada".to_owned(),
            display_name: None,
            email: "ada@x.example".to_owned(),
            pool: "standard".into(),
            position: 1,
            reason: WaitReason::NoSeat,
            since: "2026-01-01T00:00:00Z".parse().unwrap(),
            approved: false,
            passed_over: false,
            stopped: None,
        };
        let mut page = Page::default();
        tell(&Reach::of(std::iter::once((&waiting).into()), &pools, Promotion::Manual), what_if, &mut page);
        page.plain()
    }

    #[test]
    fn a_free_seat_that_awaits_approval_comes_with_the_command() {
        let expected = "standard: 1 seat is free and given to nobody before a person approves it.\n  \
                        approve who comes first: seatsync pending approve --next 1 --pool standard\n";
        assert_eq!(told(&["advanced".into()]), expected);
    }

    #[test]
    fn seats_that_are_not_bought_yet_are_promised_to_nobody() {
        let told = told(&["standard".into()]);
        assert!(told.contains("would reach the first 1 person") && told.contains("once they are bought"), "{told}");
    }
}
