//! What a person decides: about somebody's place in a queue, and whose an account is.

use super::{Excerpt, RuleError, given_up, set_state, verb};
use crate::model::change::{Decision, Verdict};
use crate::model::{Account, Assignment, PersonId, SeatState, WaitReason};

impl Excerpt {
    /// Carries out a decision; settling is left to the next batch.
    ///
    /// | | from | to |
    /// |---|---|---|
    /// | approve | waiting for anything, denied | waiting for `no_seat`, approved: kept where no seat is free |
    /// | approve | past, but kept from a seat by a reason | past, approved, the reason forgotten |
    /// | approve | an account another hand suspended | as if the agent had: the next cycle resumes it |
    /// | deny | waiting | denied, until approved |
    /// | release | held | waiting, `removed_elsewhere`, until approved |
    ///
    /// What is so already is left so. A suspended account stands in no queue: what would wait is remembered as past.
    ///
    /// # Errors
    /// Where there is no such account, or nothing of it that the verdict fits; the message says what it has.
    pub fn decide(&mut self, decision: &Decision) -> Result<(), RuleError> {
        let unknown = || RuleError::UnknownPerson { person: decision.person.clone() };
        let id = self.owners.get(&decision.person).ok_or_else(unknown)?;
        let account = self.accounts.get_mut(id).ok_or_else(unknown)?.edit();
        let mut decided = decision.verdict == Verdict::Approve && lift(account);
        let suspended = account.suspension.is_some();
        let wanted = |seat: &&mut Assignment| decision.pool.as_ref().is_none_or(|pool| seat.pool == *pool);
        for seat in account.seats.iter_mut().filter(wanted) {
            let Some((state, approved)) = decided_state(seat, decision.verdict) else { continue };
            let state = if suspended { given_up(state) } else { state };
            decided = true;
            if state != seat.state {
                set_state(&mut self.pools, &seat.pool, Some(seat.state), state);
                seat.state = state;
            }
            seat.approved = approved;
        }
        if decided {
            return Ok(());
        }
        let has = standing(account);
        Err(RuleError::NothingToDecide { person: decision.person.clone(), verdict: verb(decision.verdict), has })
    }

    /// Makes the account of one person that of another. Seats, places and `since` go with it.
    ///
    /// # Errors
    /// Where the old owner has no account, or the new one has.
    pub fn relink(&mut self, old: &PersonId, new: &PersonId) -> Result<(), RuleError> {
        if let Some(account) = self.owners.get(new) {
            return Err(RuleError::Occupied { person: new.clone(), account: account.clone() });
        }
        let unknown = || RuleError::UnknownPerson { person: old.clone() };
        let entry = self.entry_of(old).ok_or_else(unknown)?;
        entry.edit().owner = Some(new.clone());
        let id = entry.account.id.clone();
        self.owners.remove(old);
        self.owners.insert(new.clone(), id);
        Ok(())
    }
}

/// Makes another hand's suspension the agent's own, to be resumed like any other.
fn lift(account: &mut Account) -> bool {
    match &mut account.suspension {
        Some(suspension) if !suspension.by_agent => {
            suspension.by_agent = true;
            true
        }
        _ => false,
    }
}

/// State and approval after the verdict; none where it does not fit.
const fn decided_state(seat: &Assignment, verdict: Verdict) -> Option<(SeatState, bool)> {
    match (verdict, seat.state) {
        (Verdict::Approve, SeatState::Waiting(_) | SeatState::Denied) => {
            Some((SeatState::Waiting(WaitReason::NoSeat), true))
        }
        (Verdict::Approve, SeatState::Past(Some(_))) => Some((SeatState::Past(None), true)),
        (Verdict::Deny, SeatState::Waiting(_) | SeatState::Denied) => Some((SeatState::Denied, false)),
        (Verdict::Release, SeatState::Held | SeatState::Waiting(WaitReason::RemovedElsewhere)) => {
            Some((SeatState::Waiting(WaitReason::RemovedElsewhere), false))
        }
        _ => None,
    }
}

/// What somebody has, for the person who decided about it.
fn standing(account: &Account) -> String {
    let state = |seat: &Assignment| {
        let what = match seat.state {
            SeatState::Held => "holds a seat",
            SeatState::Waiting(WaitReason::NoSeat) => "waits for a seat",
            SeatState::Waiting(WaitReason::ApprovalRequired) => "waits for approval",
            SeatState::Waiting(WaitReason::DomainNotApproved) => "waits, the mail domain is not approved",
            SeatState::Waiting(WaitReason::RemovedElsewhere) => "waits, the seat was taken away by hand",
            SeatState::Denied => "is denied",
            SeatState::Past(_) => return None,
        };
        Some(format!("{what} (pool {})", seat.pool))
    };
    let mut parts: Vec<String> = account.seats.iter().filter_map(state).collect();
    if account.suspension.is_some() {
        parts.insert(0, "is suspended".to_owned());
    }
    if parts.is_empty() { "has no seat and waits for none".to_owned() } else { parts.join(", ") }
}
