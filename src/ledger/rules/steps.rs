//! What each operation does to an account.

use std::collections::BTreeMap;

use serde_json::json;

use super::happenings::What;
use super::{Before, Declined, Entry, Excerpt, Terms, given_up, set_state};
use crate::model::change::{Batch, Claim, Operation, Step};
use crate::model::{
    Account, AccountId, Assignment, LeaveCause, Name, PersonId, PoolCount, Profile, SeatState, Suspension, WaitReason,
    fold, mail_domain,
};

/// Why a step was not done: a stable code, and a sentence that names anchors and account ids only.
#[derive(Debug)]
pub(super) struct Refusal {
    pub code: &'static str,
    pub message: String,
}

fn refuse<T>(code: &'static str, message: String) -> Result<T, Refusal> {
    Err(Refusal { code, message })
}

fn must_be_somebodys(person: &PersonId, profile: &Profile) -> Result<(), Refusal> {
    match profile.fault() {
        Some((name, why)) => refuse("invalid_profile", format!("{name} of {person} {why}")),
        None => Ok(()),
    }
}

impl Excerpt {
    pub(super) fn carry_out_step(&mut self, step: &Step, batch: &Batch) -> Result<(), Refusal> {
        if let Operation::SetSeats { pool, to, .. } = &step.operation {
            self.set_seats(pool, *to);
            return Ok(());
        }
        let Some(person) = &step.person else {
            return refuse("invalid", "the step names nobody".to_owned());
        };
        match &step.operation {
            Operation::SetSeats { .. } => Ok(()),
            Operation::Adopt { account } => self.adopt(person, account),
            Operation::Create { profile, .. } => self.create(person, profile),
            Operation::Update { desired, .. } => self.update(person, desired),
            Operation::Suspend { cause, keep_seats } => self.suspend(person, *cause, *keep_seats, batch),
            Operation::Resume => self.resume(person),
            Operation::Remove => self.remove(person),
            Operation::Claim(claim) => self.claim(person, claim),
            Operation::Release { pool } => self.release(person, pool),
        }
    }

    /// The number may be lower than the seats held: nobody is evicted, and nothing is granted until they fit.
    fn set_seats(&mut self, pool: &Name, to: u32) {
        let new = || PoolCount { name: pool.clone(), seats: 0, held: 0, waiting: 0 };
        self.pools.entry(pool.clone()).or_insert_with(new).seats = to;
        // Whoever says how many there are says it from now on: nothing else is agreed.
        self.terms.insert(pool.clone(), Terms { config_owned: true, ..Terms::default() });
        self.tell(What::PoolChanged, pool, json!({ "seats": to, "min_seats": 0 }));
    }

    fn adopt(&mut self, person: &PersonId, id: &AccountId) -> Result<(), Refusal> {
        self.must_be_new(person)?;
        let Some(entry) = self.accounts.get_mut(id) else {
            return refuse("not_found", format!("there is no account {id} to adopt for {person}"));
        };
        if let Some(owner) = &entry.account.owner {
            return refuse("conflict", format!("account {id} cannot be adopted for {person}: it belongs to {owner}"));
        }
        let account = entry.edit();
        account.owner = Some(person.clone());
        account.adopted = true;
        // What was asked for before was not asked for by the agent.
        account.seats.iter_mut().for_each(|seat| seat.ours = false);
        self.owners.insert(person.clone(), id.clone());
        Ok(())
    }

    fn create(&mut self, person: &PersonId, profile: &Profile) -> Result<(), Refusal> {
        self.must_be_new(person)?;
        must_be_somebodys(person, profile)?;
        let id = AccountId(self.next.to_string().into());
        self.take_names(person, &id, None, profile)?;
        self.next += 1;
        let account = Account {
            id: id.clone(),
            owner: Some(person.clone()),
            external: None,
            adopted: false,
            profile: profile.clone(),
            suspension: None,
            seats: Vec::new(),
        };
        self.owners.insert(person.clone(), id.clone());
        self.accounts.insert(id, Entry { account, before: Before::Nothing });
        Ok(())
    }

    fn update(&mut self, person: &PersonId, desired: &Profile) -> Result<(), Refusal> {
        must_be_somebodys(person, desired)?;
        let account = &self.known(person)?.account;
        let (id, old) = (account.id.clone(), account.profile.clone());
        self.take_names(person, &id, Some(&old), desired)?;
        self.known(person)?.edit().profile = desired.clone();
        Ok(())
    }

    /// Who is suspended already stays so, by the same hand; for another cause, since now.
    fn suspend(
        &mut self,
        person: &PersonId,
        cause: LeaveCause,
        keep_seats: bool,
        batch: &Batch,
    ) -> Result<(), Refusal> {
        let account = self.known(person)?.edit();
        let new = || Suspension { by_agent: true, at: batch.at, cause: None };
        let suspension = account.suspension.get_or_insert_with(new);
        if suspension.by_agent && suspension.cause != Some(cause) {
            (suspension.cause, suspension.at) = (Some(cause), batch.at);
        }
        for index in 0..account.seats.len() {
            self.give_up_seat(person, index, keep_seats);
        }
        Ok(())
    }

    fn give_up_seat(&mut self, person: &PersonId, index: usize, keep_held: bool) {
        let Some(id) = self.owners.get(person) else { return };
        let Some(entry) = self.accounts.get_mut(id) else { return };
        let seat = &mut entry.edit().seats[index];
        if !(keep_held && seat.is_held()) {
            give_up(&mut self.pools, seat);
        }
    }

    fn resume(&mut self, person: &PersonId) -> Result<(), Refusal> {
        let entry = self.known(person)?;
        if entry.account.suspension.as_ref().is_some_and(|suspension| !suspension.by_agent) {
            let id = &entry.account.id;
            return refuse("suspended_elsewhere", format!("account {id} of {person} was suspended by another hand"));
        }
        entry.edit().suspension = None;
        Ok(())
    }

    fn remove(&mut self, person: &PersonId) -> Result<(), Refusal> {
        let account = &self.known(person)?.account;
        let id = account.id.clone();
        if account.adopted {
            return refuse("adopted", format!("account {id} of {person} was adopted: it is never removed"));
        }
        if !account.suspension.as_ref().is_some_and(|suspension| suspension.by_agent) {
            return refuse("not_suspended", format!("account {id} of {person} was not suspended by the agent"));
        }
        self.take_out(&id);
        Ok(())
    }

    /// Deletes an account, with its seats, places and values.
    pub(super) fn take_out(&mut self, id: &AccountId) {
        let Some(entry) = self.accounts.remove(id) else { return };
        for seat in &entry.account.seats {
            set_state(&mut self.pools, &seat.pool, Some(seat.state), SeatState::Past(None));
        }
        release_name(&mut self.user_names, &entry.account.profile.user_name, id);
        release_name(&mut self.emails, &entry.account.profile.email, id);
        let person = entry.account.claimant();
        self.owners.remove(&person);
        self.removed.insert(id.clone(), person);
    }

    pub(super) fn claim(&mut self, person: &PersonId, claim: &Claim) -> Result<(), Refusal> {
        if !self.pools.contains_key(&claim.pool) {
            return refuse(
                "no_pool",
                format!("{person} cannot ask for pool {}: the ledger has no such pool", claim.pool),
            );
        }
        let domains = self.domains.clone();
        let entry = self.known(person)?;
        if entry.account.suspension.is_some() {
            return refuse("suspended", format!("account {} of {person} is suspended", entry.account.id));
        }
        let account = entry.edit();
        let foreign = domains.is_some_and(|domains| !mail_domain::is_one_of(&domains, &account.profile.email));
        let gate = claim.gate.or(foreign.then_some(WaitReason::DomainNotApproved));
        let seats = &mut account.seats;
        let (before, after) = match seats.binary_search_by(|seat| seat.pool.cmp(&claim.pool)) {
            Ok(index) => renew(&mut seats[index], claim, gate),
            Err(index) => {
                seats.insert(index, first_asked(claim, gate));
                (None, seats[index].state)
            }
        };
        set_state(&mut self.pools, &claim.pool, before, after);
        if matches!(before, None | Some(SeatState::Past(_))) {
            self.joiners.insert((person.clone(), claim.pool.clone()));
        }
        Ok(())
    }

    fn release(&mut self, person: &PersonId, pool: &Name) -> Result<(), Refusal> {
        let seats = &self.known(person)?.account.seats;
        if let Some(index) = seats.iter().position(|seat| seat.pool == *pool) {
            self.give_up_seat(person, index, false);
        }
        Ok(())
    }

    fn known(&mut self, person: &PersonId) -> Result<&mut Entry, Refusal> {
        let message = || format!("there is no account of {person}");
        self.entry_of(person).ok_or_else(|| Refusal { code: "not_found", message: message() })
    }

    fn must_be_new(&self, person: &PersonId) -> Result<(), Refusal> {
        match self.owners.get(person) {
            Some(id) => refuse("conflict", format!("{person} already has account {id}")),
            None => Ok(()),
        }
    }

    /// Both values or none: they must be nobody else's, case-folded.
    fn take_names(
        &mut self,
        person: &PersonId,
        id: &AccountId,
        old: Option<&Profile>,
        new: &Profile,
    ) -> Result<(), Refusal> {
        self.take_values(id, old, new).or_else(|declined| match declined {
            Declined::Conflict { account, what } => {
                refuse("conflict", format!("account {account} already has the {what} of {person}"))
            }
            other => refuse("conflict", other.to_string()),
        })
    }

    /// The same, whoever asks.
    pub(super) fn take_values(&mut self, id: &AccountId, old: Option<&Profile>, new: &Profile) -> Result<(), Declined> {
        let (user_name, email) = (fold(&new.user_name), fold(&new.email));
        let wanted = [("user name", self.user_names.get(&user_name)), ("mail address", self.emails.get(&email))];
        for (what, holder) in wanted {
            if let Some(holder) = holder.filter(|holder| *holder != id) {
                return Err(Declined::Conflict { account: holder.clone(), what });
            }
        }
        if let Some(old) = old {
            release_name(&mut self.user_names, &old.user_name, id);
            release_name(&mut self.emails, &old.email, id);
        }
        self.user_names.insert(user_name, id.clone());
        self.emails.insert(email, id.clone());
        Ok(())
    }
}

fn release_name(names: &mut std::collections::HashMap<String, AccountId>, name: &str, id: &AccountId) {
    let folded = fold(name);
    if names.get(&folded) == Some(id) {
        names.remove(&folded);
    }
}

/// Frees the seat or leaves the queue. What was asked for is remembered, not in whose place.
pub(super) fn give_up(pools: &mut BTreeMap<Name, PoolCount>, seat: &mut Assignment) {
    let after = given_up(seat.state);
    if after != seat.state {
        set_state(pools, &seat.pool, Some(seat.state), after);
        seat.state = after;
        seat.fallback_for = None;
        seat.instead_of.clear();
    }
}

fn first_asked(claim: &Claim, gate: Option<WaitReason>) -> Assignment {
    let gate = gate.filter(|_| !claim.approved);
    Assignment {
        pool: claim.pool.clone(),
        state: SeatState::Waiting(gate.unwrap_or(WaitReason::NoSeat)),
        since: claim.since,
        approved: claim.approved,
        rank: claim.rank,
        created: claim.created,
        fallback_for: claim.fallback_for.clone(),
        instead_of: claim.instead_of.clone(),
        ours: true,
    }
}

/// Asks again. `since` stays: nobody loses a place by asking.
fn renew(seat: &mut Assignment, claim: &Claim, gate: Option<WaitReason>) -> (Option<SeatState>, SeatState) {
    let before = seat.state;
    seat.rank = claim.rank;
    seat.created = claim.created;
    seat.fallback_for.clone_from(&claim.fallback_for);
    seat.ours = true;
    let taken_away = gate == Some(WaitReason::RemovedElsewhere);
    if taken_away && matches!(before, SeatState::Past(_)) {
        // An approval from before somebody took the seat away does not give it back.
        seat.approved = false;
    }
    seat.approved |= claim.approved;
    seat.state = asked_again(before, gate, seat.approved);
    if matches!(seat.state, SeatState::Waiting(_)) {
        seat.instead_of.clone_from(&claim.instead_of);
    }
    (Some(before), seat.state)
}

/// | before | gate | approved | after |
/// |---|---|---|---|
/// | held, denied | any | either | the same |
/// | waiting or past | any | yes | waiting for `no_seat` |
/// | waiting or past, `removed_elsewhere` | any | no | waiting, `removed_elsewhere` |
/// | waiting or past | any | no | waiting for the gate, `no_seat` without one |
fn asked_again(before: SeatState, gate: Option<WaitReason>, approved: bool) -> SeatState {
    match before {
        SeatState::Held | SeatState::Denied => before,
        _ if approved => SeatState::Waiting(WaitReason::NoSeat),
        SeatState::Waiting(WaitReason::RemovedElsewhere) | SeatState::Past(Some(WaitReason::RemovedElsewhere)) => {
            SeatState::Waiting(WaitReason::RemovedElsewhere)
        }
        _ => SeatState::Waiting(gate.unwrap_or(WaitReason::NoSeat)),
    }
}
