//! From what the rules decided to orders for the backend, and from its replies to the answer.

use std::collections::{BTreeMap, BTreeSet};

use super::Book;
use crate::model::change::{Answer, Batch, Operation, Outcome};
use crate::model::{Account, AccountId, Assignment, Name, PersonId, PoolCount, SeatState, WaitReason};
use crate::ports::plain::{Order, PlainBackend, Reply};
use crate::ports::{BackendError, Capabilities};

/// Seats that people decided to take away.
pub fn taken(before: &[Account], after: &[Account]) -> Vec<Order> {
    let lost = |account: &Account| {
        let was = before.iter().find(|known| known.id == account.id)?;
        let lost: Vec<Name> = held(was).difference(&held(account)).cloned().collect();
        Some(lost.into_iter().map(|pool| Order::Release { account: account.id.clone(), pool }).collect::<Vec<_>>())
    };
    after.iter().filter_map(lost).flatten().collect()
}

/// The accounts as they stand before the first order: who is to be granted a seat waits for it, so that a crash costs
/// nobody the place. Those that are not made yet cannot be kept.
pub fn standing(before: &[Account], planned: &Answer) -> Vec<Account> {
    let stands = |account: &Account| {
        let was = before.iter().find(|known| known.id == account.id)?;
        let mut account = account.clone();
        for seat in account.seats.iter_mut().filter(|seat| seat.is_held()) {
            if !was.seat(&seat.pool).is_some_and(Assignment::is_held) {
                seat.state = SeatState::Waiting(WaitReason::NoSeat);
            }
        }
        Some(account)
    };
    planned.accounts.iter().filter_map(stands).collect()
}

fn held(account: &Account) -> BTreeSet<Name> {
    account.seats.iter().filter(|seat| seat.is_held()).map(|seat| seat.pool.clone()).collect()
}

/// One batch on its way.
pub struct Carrier<'a, P> {
    plain: &'a mut P,
    capabilities: Capabilities,
    outcomes: Vec<Outcome>,
    /// As decided; what the backend replies is written into them.
    accounts: BTreeMap<PersonId, Account>,
    removed: Vec<PersonId>,
    pools: BTreeMap<Name, PoolCount>,
    /// People whose account the backend would not make.
    unborn: BTreeSet<PersonId>,
    /// The backend's own ids.
    ids: BTreeMap<PersonId, AccountId>,
    /// Seats held as the backend said last.
    held: BTreeMap<PersonId, BTreeSet<Name>>,
}

impl<'a, P: PlainBackend> Carrier<'a, P> {
    /// From the book as it was to what the rules made of it.
    pub fn new(plain: &'a mut P, before: &Book, planned: Answer) -> Self {
        let capabilities = plain.capabilities();
        let Answer { outcomes, accounts, removed, pools } = planned;
        let owned = |account: &Account| Some((account.owner.clone()?, account.id.clone()));
        let was_held = before.accounts.iter().filter_map(|account| Some((account.owner.clone()?, held(account))));
        // As many are held as before the first order, of as many seats as there are from now on.
        let held_before = |name: &Name| before.pools.get(name).map_or(0, |pool| pool.held);
        let pools = pools.into_iter().map(|pool| {
            let held = held_before(&pool.name);
            (pool.name.clone(), PoolCount { held, ..pool })
        });
        let accounts = accounts.into_iter().filter_map(|account| Some((account.owner.clone()?, account)));
        Self {
            plain,
            capabilities,
            outcomes,
            accounts: accounts.collect(),
            removed,
            pools: pools.collect(),
            unborn: BTreeSet::new(),
            ids: before.accounts.iter().filter_map(owned).collect(),
            held: was_held.collect(),
        }
    }

    /// Sends everything, and says what came of it.
    pub async fn carry_out(mut self, batch: &Batch) -> Result<Answer, BackendError> {
        for (index, step) in batch.steps.iter().enumerate() {
            let Some(person) = step.person.as_ref().filter(|_| self.outcomes[index] == Outcome::Done) else { continue };
            if let Some(refusal) = self.step(person, &step.operation).await? {
                self.outcomes[index] = refusal;
            }
        }
        self.grant_all().await?;
        Ok(self.answer())
    }

    /// Everything but grants. None: it was done.
    async fn step(&mut self, person: &PersonId, operation: &Operation) -> Result<Option<Outcome>, BackendError> {
        match operation {
            Operation::SetSeats { .. } => Ok(None),
            Operation::Create { profile, .. } => {
                let order = Order::Create { person: person.clone(), profile: profile.clone() };
                let refusal = self.send(person, &order).await?;
                if refusal.is_some() {
                    self.accounts.remove(person);
                    self.unborn.insert(person.clone());
                }
                Ok(refusal)
            }
            Operation::Adopt { account } => {
                self.ids.insert(person.clone(), account.clone());
                let held = self.accounts.get(person).map(held).unwrap_or_default();
                self.held.insert(person.clone(), held);
                Ok(None)
            }
            Operation::Update { current, desired } => {
                let update = |account| Order::Update { account, current: current.clone(), desired: desired.clone() };
                self.about(person, update).await
            }
            Operation::Suspend { keep_seats, .. } => self.suspend(person, *keep_seats).await,
            Operation::Resume => self.about(person, |account| Order::Resume { account }).await,
            Operation::Remove => self.remove(person).await,
            Operation::Release { pool } => self.release(person, pool).await,
            Operation::Claim(_) => Ok(self.unborn.contains(person).then(no_account)),
        }
    }

    /// Where a suspended account keeps its seats they are given up first, unless it is to keep them.
    async fn suspend(&mut self, person: &PersonId, keep_seats: bool) -> Result<Option<Outcome>, BackendError> {
        if self.capabilities.suspended_keeps_seat && !keep_seats {
            self.release_all(person).await?;
        }
        self.about(person, |account| Order::Suspend { account }).await
    }

    /// A seat is freed before its user is deleted.
    async fn remove(&mut self, person: &PersonId) -> Result<Option<Outcome>, BackendError> {
        self.release_all(person).await?;
        let refusal = self.about(person, |account| Order::Remove { account }).await?;
        if refusal.is_some() {
            self.removed.retain(|removed| removed != person);
        }
        Ok(refusal)
    }

    async fn release_all(&mut self, person: &PersonId) -> Result<(), BackendError> {
        for pool in self.held.get(person).cloned().unwrap_or_default() {
            self.release(person, &pool).await?;
        }
        Ok(())
    }

    async fn release(&mut self, person: &PersonId, pool: &Name) -> Result<Option<Outcome>, BackendError> {
        if !self.holds(person, pool) {
            return Ok(None);
        }
        self.about(person, |account| Order::Release { account, pool: pool.clone() }).await
    }

    fn holds(&self, person: &PersonId, pool: &Name) -> bool {
        self.held.get(person).is_some_and(|held| held.contains(pool))
    }

    /// Grants in turn, as long as there are seats: what one gives up in exchange may be the next one's.
    async fn grant_all(&mut self) -> Result<(), BackendError> {
        let mut due = self.due();
        loop {
            let before = due.len();
            let mut later = Vec::new();
            for (pool, person) in due {
                if self.pools.get(&pool).is_some_and(|count| count.free() > 0) {
                    self.grant(&person, &pool).await?;
                } else {
                    later.push((pool, person));
                }
            }
            if later.is_empty() || later.len() == before {
                return Ok(());
            }
            due = later;
        }
    }

    /// Who is to get which seat, by pool and in the order of its queue.
    fn due(&self) -> Vec<(Name, PersonId)> {
        let mut due = Vec::new();
        for (person, account) in &self.accounts {
            for seat in account.seats.iter().filter(|seat| seat.is_held() && !self.holds(person, &seat.pool)) {
                let place =
                    (seat.rank, !seat.approved, seat.since, seat.created, person.anchor, person.directory.clone());
                due.push((seat.pool.clone(), place, person.clone()));
            }
        }
        due.sort();
        due.into_iter().map(|(pool, _, person)| (pool, person)).collect()
    }

    /// The new seat first, then the old ones; or one for the other, where the backend can.
    async fn grant(&mut self, person: &PersonId, pool: &Name) -> Result<(), BackendError> {
        let exchanged = self.exchanged(person);
        if let Some(from) = exchanged.first().filter(|_| self.capabilities.swaps) {
            let swap = |account| Order::Swap { account, from: from.clone(), to: pool.clone() };
            self.about(person, swap).await?;
        } else {
            self.about(person, |account| Order::Grant { account, pool: pool.clone() }).await?;
        }
        if self.holds(person, pool) {
            for pool in exchanged {
                self.release(person, &pool).await?;
            }
        }
        Ok(())
    }

    /// Seats held that were to be given up.
    fn exchanged(&self, person: &PersonId) -> Vec<Name> {
        let wanted = self.accounts.get(person).map(held).unwrap_or_default();
        self.held.get(person).map(|held| held.difference(&wanted).cloned().collect()).unwrap_or_default()
    }

    /// An order about somebody's account; nothing where there is none.
    async fn about(
        &mut self,
        person: &PersonId,
        order: impl FnOnce(AccountId) -> Order,
    ) -> Result<Option<Outcome>, BackendError> {
        match self.ids.get(person).cloned() {
            Some(account) => self.send(person, &order(account)).await,
            None => Ok(Some(no_account())),
        }
    }

    /// Sends an order, and takes the reply for true. None: it was done.
    async fn send(&mut self, person: &PersonId, order: &Order) -> Result<Option<Outcome>, BackendError> {
        let now = match self.plain.carry_out(order).await? {
            Reply::Done(now) => now,
            // To wait is an outcome of a grant, and no failure.
            Reply::NoSeat => {
                if let Order::Grant { pool, .. } | Order::Swap { to: pool, .. } = order
                    && let Some(count) = self.pools.get_mut(pool)
                {
                    count.held = count.held.max(count.seats);
                }
                return Ok(None);
            }
            Reply::Refused { code, message } => return Ok(Some(Outcome::Refused { code, message })),
        };
        let held = now.as_ref().map(|now| now.held.clone()).unwrap_or_default();
        self.count(person, &held);
        self.held.insert(person.clone(), held);
        if let Some(now) = now {
            if let Some(account) = self.accounts.get_mut(person) {
                account.id = now.id.clone();
                account.profile = now.profile;
            }
            self.ids.insert(person.clone(), now.id);
        }
        Ok(None)
    }

    fn count(&mut self, person: &PersonId, held: &BTreeSet<Name>) {
        let before = self.held.get(person).cloned().unwrap_or_default();
        for pool in before.difference(held) {
            if let Some(count) = self.pools.get_mut(pool) {
                count.held = count.held.saturating_sub(1);
            }
        }
        for pool in held.difference(&before) {
            if let Some(count) = self.pools.get_mut(pool) {
                count.held += 1;
            }
        }
    }

    /// The accounts as decided, with the seats that they really hold.
    fn answer(mut self) -> Answer {
        for (person, account) in &mut self.accounts {
            let held = self.held.remove(person).unwrap_or_default();
            for seat in &mut account.seats {
                match (held.contains(&seat.pool), seat.state) {
                    (true, _) => seat.state = SeatState::Held,
                    (false, SeatState::Held) => seat.state = SeatState::Waiting(WaitReason::NoSeat),
                    (false, _) => {}
                }
            }
        }
        let accounts = self.accounts.into_values().collect();
        let pools = self.pools.into_values().collect();
        Answer { outcomes: self.outcomes, accounts, removed: self.removed, pools }
    }
}

fn no_account() -> Outcome {
    Outcome::Refused { code: "not_found".to_owned(), message: "there is no account to do it to".to_owned() }
}
