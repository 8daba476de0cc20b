//! What people and others did since the last cycle: somebody approves, denies or releases, a raised pool promotes people, a
//! portal takes seats away. The plan sees only what became of it; what is remembered of the accounts tells it from what the
//! cycle does.

use crate::model::change::BackendState;
use crate::model::report::{Deed, ElsewhereRow, people_by_deed};
use crate::model::{Account, Assignment, Name, PersonId, SeatState};
use crate::plan::effects::{Effect, Verb, compare};
use crate::ports::StateError;

use super::Parts;

/// Accounts that are not as they were last: each as it was and as it is, in the order of the people.
#[derive(Debug, Default)]
pub struct Elsewhere(Vec<(Account, Option<Account>)>);

impl Elsewhere {
    /// An account that is not remembered is nobody's news: the state is new, or another agent made it.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn since_last(parts: &Parts<'_>, current: &BackendState) -> Result<Self, StateError> {
        // Whose account has another owner now lost nothing.
        let relinked = |gone: &Account| current.accounts.iter().any(|account| account.id == gone.id);
        let mut pairs = parts.memory.differing(&current.accounts)?;
        pairs.retain(|(before, after)| after.is_some() || !relinked(before));
        pairs.sort_by(|(one, _), (other, _)| one.owner.cmp(&other.owner));
        Ok(Self(pairs))
    }

    /// Seats that a backend took back with the grant of others, as where a pool was raised: nobody took them away.
    pub fn exchanged(&self) -> impl Iterator<Item = (&PersonId, Vec<Name>)> {
        let known = self.0.iter().filter_map(|(before, after)| Some((before.owner.as_ref()?, before, after.as_ref()?)));
        known.map(|(owner, before, after)| (owner, before.exchanged(after))).filter(|(_, pools)| !pools.is_empty())
    }

    /// What to tell of it.
    #[must_use]
    pub fn rows(&self) -> Vec<ElsewhereRow> {
        self.0.iter().flat_map(|(before, after)| rows(before, after.as_ref())).collect()
    }
}

/// Says it once in the log, without names.
pub fn log(cycle: u64, rows: &[ElsewhereRow]) {
    if rows.is_empty() {
        return;
    }
    let said: Vec<String> =
        people_by_deed(rows).into_iter().map(|(deed, count)| format!("{count} {}", deed.as_str())).collect();
    tracing::info!(cycle, people = %said.join(", "), "Accounts were changed by hand, or by others, since the last cycle.");
}

type Happened = (Deed, Option<Name>, Option<Name>);

fn rows(before: &Account, after: Option<&Account>) -> Vec<ElsewhereRow> {
    let profile = &after.unwrap_or(before).profile;
    let row = |(change, pool, from_pool): Happened| ElsewhereRow {
        anchor: before.owner.as_ref().map(|owner| owner.anchor),
        user_name: profile.user_name.clone(),
        display_name: profile.display_name.clone(),
        email: profile.email.clone(),
        change,
        pool,
        from_pool,
    };
    deeds(before, after).into_iter().map(row).collect()
}

fn deeds(before: &Account, after: Option<&Account>) -> Vec<Happened> {
    let mut deeds: Vec<Happened> = compare(Some(before), after).into_iter().filter_map(of_effect).collect();
    if let Some(after) = after {
        deeds.extend(after.seats.iter().filter_map(|seat| decided(before.seat(&seat.pool), seat)));
    }
    deeds
}

/// A name, a place or a reason that changed is no outcome.
fn of_effect(effect: Effect) -> Option<Happened> {
    let deed = match effect.verb {
        Verb::Promote => Deed::Promoted,
        Verb::Grant => Deed::Granted,
        Verb::Move => Deed::Moved,
        Verb::Release => Deed::Released,
        Verb::Suspend => Deed::Suspended,
        Verb::Resume => Deed::Resumed,
        Verb::Remove => Deed::Removed,
        Verb::Provision | Verb::Wait | Verb::Update | Verb::Adopt => return None,
    };
    Some((deed, effect.pool, effect.from_pool))
}

/// A word about a place in a queue, as long as no seat came of it: that is told as such.
fn decided(before: Option<&Assignment>, after: &Assignment) -> Option<Happened> {
    let deed = match after.state {
        SeatState::Denied if before?.state != SeatState::Denied => Deed::Denied,
        SeatState::Waiting(_) if after.approved && !before?.approved => Deed::Approved,
        _ => return None,
    };
    Some((deed, Some(after.pool.clone()), None))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AccountId, Anchor, Profile, Suspension, WaitReason};

    fn account(seats: &[(&str, SeatState, bool)]) -> Account {
        let time = "2026-01-01T00:00:00Z".parse().unwrap();
        let seat = |(pool, state, approved): &(&str, SeatState, bool)| Assignment {
            pool: (*pool).into(),
            state: *state,
            since: time,
            approved: *approved,
            rank: 0,
            created: time,
            fallback_for: None,
            instead_of: Vec::new(),
            ours: true,
        };
        Account {
            id: AccountId("1".into()),
            owner: Some(PersonId::new("corp".into(), Anchor::from_bytes([1; 16]))),
            external: None,
            adopted: false,
            profile: Profile::default(),
            suspension: None,
            seats: seats.iter().map(seat).collect(),
        }
    }

    const WAITS: SeatState = SeatState::Waiting(WaitReason::NoSeat);
    const TAKEN: SeatState = SeatState::Waiting(WaitReason::RemovedElsewhere);

    #[test]
    fn of_one_seat_the_outcome_is_told_and_nothing_else() {
        use SeatState::{Denied, Held, Past};
        for (before, after, told) in [
            (vec![("a", WAITS, false)], vec![("a", Held, true)], vec![Deed::Promoted]),
            (vec![("a", WAITS, false)], vec![("a", WAITS, true)], vec![Deed::Approved]),
            (vec![("a", WAITS, false)], vec![("a", Denied, false)], vec![Deed::Denied]),
            (vec![("a", Held, false)], vec![("a", TAKEN, false)], vec![Deed::Released]),
            (vec![], vec![("a", Held, false)], vec![Deed::Granted]),
            (
                vec![("a", WAITS, false), ("b", Held, false)],
                vec![("a", Held, false), ("b", Past(None), false)],
                vec![Deed::Promoted],
            ),
            (vec![("a", WAITS, false)], vec![("a", TAKEN, false)], vec![]),
        ] {
            let happened = deeds(&account(&before), Some(&account(&after)));
            assert_eq!(happened.iter().map(|one| one.0).collect::<Vec<_>>(), told, "{before:?} {after:?}");
        }
    }

    #[test]
    fn an_account_that_is_suspended_or_gone_is_told_without_its_seats() {
        let before = account(&[("a", SeatState::Held, false)]);
        let mut after = account(&[("a", SeatState::Past(None), false)]);
        after.suspension =
            Some(Suspension { by_agent: false, at: "2026-01-01T00:00:00Z".parse().unwrap(), cause: None });
        let told = |after| deeds(&before, after).iter().map(|one| one.0).collect::<Vec<_>>();
        assert_eq!(told(Some(&after)), [Deed::Suspended]);
        assert_eq!(told(None), [Deed::Removed]);
    }
}
