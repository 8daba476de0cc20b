//! What people do to accounts in a portal: another hand than the agent's.

use jiff::Timestamp;

use super::declined::Declined;
use super::steps::give_up;
use super::{Before, Entry, Excerpt, given_up, set_state};
use crate::model::change::Claim;
use crate::model::{Account, AccountId, Assignment, Name, Profile, SeatState, Suspension, WaitReason, mail_domain};

/// The last rank there is: whoever no connector ranked comes after everyone it did.
pub const LAST: u32 = u32::MAX;

impl Excerpt {
    /// A new account that no connector manages, without seats.
    ///
    /// # Errors
    /// Where the user name or mail address is another's.
    pub fn create_unmanaged(&mut self, profile: &Profile) -> Result<AccountId, Declined> {
        let id = AccountId(self.next.to_string().into());
        self.take_values(&id, None, profile)?;
        self.next += 1;
        let account = Account {
            id: id.clone(),
            owner: None,
            external: None,
            adopted: false,
            profile: profile.clone(),
            suspension: None,
            seats: Vec::new(),
        };
        self.owners.insert(account.claimant(), id.clone());
        self.accounts.insert(id.clone(), Entry { account, before: Before::Nothing });
        Ok(id)
    }

    /// Gives an unmanaged account another profile.
    ///
    /// # Errors
    /// Where a connector owns it, or a value is another's.
    pub fn rewrite(&mut self, id: &AccountId, profile: &Profile) -> Result<(), Declined> {
        let old = self.unmanaged(id)?.account.profile.clone();
        self.take_values(id, Some(&old), profile)?;
        self.unmanaged(id)?.edit().profile = profile.clone();
        Ok(())
    }

    /// Suspends an account as another hand: no agent resumes it. Frees the seats unless told to keep them.
    ///
    /// # Errors
    /// Where there is no such account.
    pub fn suspend_by_hand(&mut self, id: &AccountId, keep_seats: bool, at: Timestamp) -> Result<(), Declined> {
        let pools = &mut self.pools;
        let entry = self.accounts.get_mut(id).ok_or_else(|| unknown(id))?;
        let account = entry.edit();
        account.suspension.get_or_insert(Suspension { by_agent: false, at, cause: None });
        for seat in account.seats.iter_mut().filter(|seat| !(keep_seats && seat.is_held())) {
            give_up(pools, seat);
        }
        Ok(())
    }

    /// Lifts a suspension, whoever's it was.
    ///
    /// # Errors
    /// Where there is no such account.
    pub fn resume_by_hand(&mut self, id: &AccountId) -> Result<(), Declined> {
        self.any(id)?.edit().suspension = None;
        Ok(())
    }

    /// Deletes an account that holds no seat.
    ///
    /// # Errors
    /// Where it holds one: a seat is freed before its user is deleted.
    pub fn delete(&mut self, id: &AccountId) -> Result<(), Declined> {
        if self.any(id)?.account.seats.iter().any(Assignment::is_held) {
            return Err(Declined::SeatsHeld { account: id.clone() });
        }
        self.take_out(id);
        Ok(())
    }

    /// Asks for a seat for an unmanaged account. Who holds, waits or is denied already stays so.
    ///
    /// # Errors
    /// Where there is no such pool, a connector owns the account, or it is suspended.
    pub fn ask(&mut self, id: &AccountId, pool: &Name, rank: u32, at: Timestamp) -> Result<(), Declined> {
        self.numbers(pool)?;
        let entry = self.unmanaged(id)?;
        if entry.account.suspension.is_some() {
            return Err(Declined::Suspended { account: id.clone() });
        }
        let person = entry.account.claimant();
        let claim = Claim {
            pool: pool.clone(),
            rank,
            since: at,
            created: at,
            gate: None,
            fallback_for: None,
            instead_of: Vec::new(),
            approved: false,
        };
        self.claim(&person, &claim).map_err(|_| Declined::Suspended { account: id.clone() })
    }

    /// Gives back the seat of an unmanaged account, or its place in the queue.
    ///
    /// # Errors
    /// Where there is no such account or pool, or a connector owns it.
    pub fn hand_back(&mut self, id: &AccountId, pool: &Name) -> Result<(), Declined> {
        self.numbers(pool)?;
        self.unmanaged(id)?;
        let pools = &mut self.pools;
        let Some(entry) = self.accounts.get_mut(id) else { return Err(unknown(id)) };
        if let Some(seat) = entry.edit().seats.iter_mut().find(|seat| seat.pool == *pool) {
            give_up(pools, seat);
        }
        Ok(())
    }

    /// Gives the seat of one account to another, whoever waits. The seats held stay as many.
    ///
    /// | | becomes |
    /// |---|---|
    /// | the giver | waiting, `removed_elsewhere`, until approved; unmanaged: without a place |
    /// | the taker | a holder, approved; gives up what it held instead of this seat |
    ///
    /// # Errors
    /// Where the giver has no seat, the taker has one, is denied, suspended or of another mail domain, or more seats
    /// are held than were bought.
    pub fn transfer(&mut self, pool: &Name, from: &AccountId, to: &AccountId, at: Timestamp) -> Result<(), Declined> {
        let numbers = self.numbers(pool)?;
        let refuse = |account: &AccountId, why| {
            Err(Declined::NotTransferable { pool: pool.clone(), account: account.clone(), why })
        };
        if from == to || !self.any(from)?.account.seat(pool).is_some_and(Assignment::is_held) {
            return refuse(from, "it has no seat to give to another");
        }
        if numbers.held > numbers.seats {
            return refuse(to, "more seats are held than were bought");
        }
        if let Some(why) = self.cannot_take(to, pool)? {
            return refuse(to, why);
        }
        self.give_away(from, pool);
        self.receive(to, pool, at);
        Ok(())
    }

    fn cannot_take(&mut self, id: &AccountId, pool: &Name) -> Result<Option<&'static str>, Declined> {
        let domains = self.domains.clone();
        let account = &self.any(id)?.account;
        let seat = account.seat(pool);
        let foreign = domains.is_some_and(|domains| !mail_domain::is_one_of(&domains, &account.profile.email));
        Ok(match seat.map(|seat| seat.state) {
            _ if account.suspension.is_some() => Some("it is suspended"),
            Some(SeatState::Held) => Some("it holds one already"),
            Some(SeatState::Denied) => Some("it was denied: approve it first"),
            _ if foreign && !seat.is_some_and(|seat| seat.approved) => Some("its mail domain is not approved"),
            _ => None,
        })
    }

    /// The giver's side: what `release` by hand does to a managed account, so that the agent does not ask again.
    fn give_away(&mut self, id: &AccountId, pool: &Name) {
        let Some(entry) = self.accounts.get_mut(id) else { return };
        let managed = entry.account.is_managed() && entry.account.suspension.is_none();
        let account = entry.edit();
        let Some(seat) = account.seats.iter_mut().find(|seat| seat.pool == *pool) else { return };
        let taken = SeatState::Waiting(WaitReason::RemovedElsewhere);
        let after = if managed { taken } else { given_up(seat.state) };
        set_state(&mut self.pools, pool, Some(seat.state), after);
        seat.state = after;
        seat.approved = false;
        seat.fallback_for = None;
        seat.instead_of.clear();
    }

    /// The taker's side. A seat it did not ask for is another hand's, and kept by the agent.
    fn receive(&mut self, id: &AccountId, pool: &Name, at: Timestamp) {
        let pools = &mut self.pools;
        let Some(entry) = self.accounts.get_mut(id) else { return };
        let account = entry.edit();
        let index = account.seats.binary_search_by(|seat| seat.pool.cmp(pool));
        let index = index.unwrap_or_else(|index| {
            account.seats.insert(index, by_hand(pool, at));
            index
        });
        let given_up = account.given_up_for(&account.seats[index]);
        let seat = &mut account.seats[index];
        set_state(pools, pool, Some(seat.state), SeatState::Held);
        seat.state = SeatState::Held;
        seat.approved = true;
        seat.instead_of.clear();
        let stood_in = |seat: &Assignment| seat.is_waiting() && seat.fallback_for.as_ref() == Some(pool);
        for seat in account.seats.iter_mut().filter(|seat| given_up.contains(&seat.pool) || stood_in(seat)) {
            give_up(pools, seat);
        }
    }

    /// Asks again for all that waits for its mail domain alone, of unmanaged accounts. A connector asks for its own.
    pub fn reopen_domains(&mut self) {
        let domains = self.domains.clone();
        for entry in self.accounts.values_mut().filter(|entry| !entry.account.is_managed()) {
            let email = entry.account.profile.email.clone();
            let open = domains.as_ref().is_none_or(|domains| mail_domain::is_one_of(domains, &email));
            let (from, to) = (WaitReason::DomainNotApproved, WaitReason::NoSeat);
            let (from, to) = if open { (from, to) } else { (to, from) };
            let changes = |seat: &Assignment| seat.ours && !seat.approved && seat.state == SeatState::Waiting(from);
            if entry.account.seats.iter().any(changes) {
                for seat in entry.edit().seats.iter_mut().filter(|seat| changes(seat)) {
                    seat.state = SeatState::Waiting(to);
                }
            }
        }
    }

    /// An account of the excerpt.
    ///
    /// # Errors
    /// Where there is none of this number.
    pub fn account(&self, id: &AccountId) -> Result<&Account, Declined> {
        self.accounts.get(id).map(|entry| &entry.account).ok_or_else(|| unknown(id))
    }

    fn any(&mut self, id: &AccountId) -> Result<&mut Entry, Declined> {
        self.accounts.get_mut(id).ok_or_else(|| unknown(id))
    }

    fn unmanaged(&mut self, id: &AccountId) -> Result<&mut Entry, Declined> {
        let entry = self.any(id)?;
        if entry.account.is_managed() { Err(Declined::Managed { account: id.clone() }) } else { Ok(entry) }
    }
}

fn unknown(id: &AccountId) -> Declined {
    Declined::NotFound { what: "account", name: id.to_string() }
}

fn by_hand(pool: &Name, at: Timestamp) -> Assignment {
    Assignment {
        pool: pool.clone(),
        state: SeatState::Past(None),
        since: at,
        approved: false,
        rank: LAST,
        created: at,
        fallback_for: None,
        instead_of: Vec::new(),
        ours: false,
    }
}
