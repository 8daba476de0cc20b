//! When the seats of a pool run out, if people go on joining as they did.

use jiff::{SignedDuration, Timestamp};

use crate::model::report::PoolRow;

/// Over less than this a rate means nothing.
const LEAST: SignedDuration = SignedDuration::from_hours(24);
/// Further ahead nobody believes it.
const FURTHEST: f64 = 730.0;
const DAY: f64 = 86_400.0;

/// The pools as they were.
#[derive(Clone, Debug)]
pub struct Earlier {
    pub at: Timestamp,
    pub pools: Vec<PoolRow>,
}

/// In words. Who waits is counted like who holds: joiners, less leavers, a day.
#[must_use]
pub fn forecast(pool: &PoolRow, earlier: Option<&Earlier>, now: Timestamp) -> String {
    if pool.free == 0 {
        return "used up".to_owned();
    }
    let before = earlier.filter(|earlier| now.duration_since(earlier.at) >= LEAST).and_then(|earlier| {
        let before = earlier.pools.iter().find(|before| before.name == pool.name)?;
        Some((before, now.duration_since(earlier.at).as_secs_f64() / DAY))
    });
    let Some((before, days)) = before else { return "too early to say".to_owned() };
    let asked = |pool: &PoolRow| f64::from(pool.held) + f64::from(pool.waiting);
    let rate = (asked(pool) - asked(before)) / days;
    if rate <= 0.0 {
        return "does not fill as things go".to_owned();
    }
    let left = f64::from(pool.free) / rate;
    if left > FURTHEST {
        return format!("lasts more than two years at {rate:.1} joiners a day");
    }
    let end = SignedDuration::try_from_secs_f64(left * DAY).ok().and_then(|left| now.checked_add(left).ok());
    let date = end.map(|end| end.strftime("%Y-%m-%d").to_string()).unwrap_or_default();
    format!("runs out about {date}, in {left:.0} days, at {rate:.1} joiners a day")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(held: u32, waiting: u32) -> PoolRow {
        PoolRow { name: "standard".into(), seats: 50, held, waiting, free: 50 - held }
    }

    fn told(days: i64, before: PoolRow, now: &PoolRow) -> String {
        let today: Timestamp = "2026-03-11T00:00:00Z".parse().unwrap();
        let at = today - SignedDuration::from_hours(24 * days);
        forecast(now, Some(&Earlier { at, pools: vec![before] }), today)
    }

    #[test]
    fn the_seats_run_out_when_the_joiners_of_the_past_go_on() {
        assert_eq!(told(10, pool(20, 0), &pool(40, 0)), "runs out about 2026-03-16, in 5 days, at 2.0 joiners a day");
        assert_eq!(told(10, pool(20, 0), &pool(30, 10)), "runs out about 2026-03-21, in 10 days, at 2.0 joiners a day");
    }

    #[test]
    fn without_joiners_or_without_a_past_nothing_is_foretold() {
        assert_eq!(told(10, pool(40, 0), &pool(40, 0)), "does not fill as things go");
        assert_eq!(told(10, pool(41, 0), &pool(40, 0)), "does not fill as things go");
        assert_eq!(told(0, pool(20, 0), &pool(40, 0)), "too early to say");
        assert_eq!(forecast(&pool(40, 0), None, Timestamp::UNIX_EPOCH), "too early to say");
        assert_eq!(told(10, pool(20, 0), &pool(50, 3)), "used up");
        assert!(told(30, pool(1, 0), &pool(2, 0)).starts_with("lasts more than two years"));
    }
}
