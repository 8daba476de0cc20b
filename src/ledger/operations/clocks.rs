//! Whether whoever sends something has the time that the ledger has: what is kept for a while is kept by the ledger's clock,
//! and looked at by the agent's.

use jiff::{SignedDuration, Timestamp};

use crate::ledger::rules::Declined;

/// So far ahead of the ledger a clock may be: the guard's window shrinks by as much.
const AHEAD: SignedDuration = SignedDuration::from_hours(1);
/// And so far behind: a cycle over a large directory takes a while from its start to its last batch.
const BEHIND: SignedDuration = SignedDuration::from_hours(24);

/// Refuses what is of another time than the ledger's. What was carried out before is found by its key, however old.
///
/// # Errors
/// Where the clocks are too far from each other.
pub fn check(at: Timestamp, now: Timestamp) -> Result<(), Declined> {
    let ahead = at.duration_since(now);
    if ahead > AHEAD || ahead < -BEHIND { Err(Declined::ClockSkew { ahead, now }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_may_be_an_hour_ahead_or_a_day_behind() {
        let now: Timestamp = "2026-06-01T12:00:00Z".parse().unwrap();
        let second = SignedDuration::from_secs(1);
        let at = |ahead: SignedDuration| check(now.checked_add(ahead).unwrap(), now);
        for good in [AHEAD, -BEHIND, SignedDuration::ZERO] {
            assert_eq!(at(good), Ok(()));
        }
        let said = [at(AHEAD + second), at(-BEHIND - second), at(SignedDuration::from_hours(-24 * 90))];
        let said = said.map(|refused| refused.unwrap_err().to_string());
        assert!(
            said[0].starts_with("this machine's clock is 1 hour ahead of the ledger's, which says 2026-06-01T12"),
            "{said:?}"
        );
        assert!(said[1].starts_with("this machine's clock is 24 hours behind the ledger's"), "{said:?}");
        assert!(said[2].starts_with("this machine's clock is 90 days behind the ledger's"), "{said:?}");
    }
}
