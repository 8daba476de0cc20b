//! A backend in memory that knows accounts and seats and no queue. It is strict: what cannot be is refused, loudly.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use seatsync::model::{AccountId, Name, PoolCount, fold};
use seatsync::ports::plain::{Order, Plain, PlainBackend, Reply};
use seatsync::ports::{BackendError, Capabilities, Persistence};

/// What it can do by itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Talents {
    pub swaps: bool,
    pub suspended_keeps_seat: bool,
    pub counts_seats: bool,
}

#[derive(Debug, Default)]
pub struct World {
    pub accounts: BTreeMap<AccountId, Plain>,
    /// Bought; it refuses one seat more, whoever counts them.
    pub seats: BTreeMap<Name, u32>,
    next: u32,
    /// Orders so far.
    pub orders: Vec<Order>,
    /// After so many orders the connection is lost, before or after the last is carried out.
    pub fuse: Option<(usize, bool)>,
}

#[derive(Clone, Debug)]
pub struct InMemory {
    pub world: Arc<Mutex<World>>,
    talents: Talents,
}

impl InMemory {
    pub fn new(talents: Talents) -> Self {
        Self { world: Arc::default(), talents }
    }
}

#[async_trait]
impl PlainBackend for InMemory {
    fn capabilities(&self) -> Capabilities {
        let Talents { swaps, suspended_keeps_seat, counts_seats } = self.talents;
        Capabilities {
            allocates: false,
            counts_seats,
            batch: usize::MAX,
            idempotent: true,
            swaps,
            suspended_keeps_seat,
            validates: false,
        }
    }

    async fn read(&mut self) -> Result<(Vec<Plain>, Vec<PoolCount>), BackendError> {
        let world = self.world.lock().unwrap();
        let pool = |(name, seats): (&Name, &u32)| PoolCount {
            name: name.clone(),
            seats: *seats,
            held: world.held(name),
            waiting: 0,
        };
        let pools = if self.talents.counts_seats { world.seats.iter().map(pool).collect() } else { Vec::new() };
        Ok((world.accounts.values().cloned().collect(), pools))
    }

    async fn carry_out(&mut self, order: &Order) -> Result<Reply, BackendError> {
        let mut world = self.world.lock().unwrap();
        world.orders.push(order.clone());
        let burns = world.fuse.filter(|(after, _)| *after == world.orders.len());
        if let Some((_, false)) = burns {
            return Err(lost());
        }
        let reply = world.carry_out(order, self.talents);
        if burns.is_some() { Err(lost()) } else { Ok(reply) }
    }
}

fn lost() -> BackendError {
    BackendError { doing: "the connection was lost".to_owned(), persistence: Persistence::Transient, source: None }
}

fn refused(code: &str) -> Reply {
    Reply::Refused { code: code.to_owned(), message: format!("not done: {code}") }
}

impl World {
    fn held(&self, pool: &Name) -> u32 {
        let holds = |account: &&Plain| account.held.contains(pool);
        u32::try_from(self.accounts.values().filter(holds).count()).unwrap()
    }

    fn is_taken(&self, id: Option<&AccountId>, profile: &seatsync::model::Profile) -> bool {
        let same = |a: &str, b: &str| fold(a) == fold(b);
        self.accounts.values().filter(|account| Some(&account.id) != id).any(|account| {
            same(&account.profile.user_name, &profile.user_name) || same(&account.profile.email, &profile.email)
        })
    }

    fn carry_out(&mut self, order: &Order, talents: Talents) -> Reply {
        if let Order::Create { person, profile } = order {
            let anchor = Some(person.anchor);
            if let Some(made) = self.accounts.values().find(|account| account.external == anchor) {
                // The same again.
                return Reply::Done(Some(made.clone()));
            }
            if self.is_taken(None, profile) {
                return refused("conflict");
            }
            self.next += 1;
            let id = AccountId(format!("acc-{}", self.next).into());
            let made = Plain {
                id: id.clone(),
                external: anchor,
                profile: profile.clone(),
                suspended: false,
                held: BTreeSet::new(),
            };
            self.accounts.insert(id, made.clone());
            return Reply::Done(Some(made));
        }
        let id = match order {
            Order::Create { .. } => unreachable!("done above"),
            Order::Update { account, .. }
            | Order::Suspend { account }
            | Order::Resume { account }
            | Order::Remove { account }
            | Order::Grant { account, .. }
            | Order::Release { account, .. }
            | Order::Swap { account, .. } => account.clone(),
        };
        let Some(account) = self.accounts.get(&id).cloned() else { return refused("not_found") };
        self.change(id, account, order, talents)
    }

    fn change(&mut self, id: AccountId, mut account: Plain, order: &Order, talents: Talents) -> Reply {
        match order {
            Order::Create { .. } => {}
            Order::Update { desired, .. } if self.is_taken(Some(&id), desired) => return refused("conflict"),
            Order::Update { desired, .. } => account.profile = desired.clone(),
            Order::Suspend { .. } => {
                account.suspended = true;
                if !talents.suspended_keeps_seat {
                    account.held.clear();
                }
            }
            Order::Resume { .. } => account.suspended = false,
            Order::Remove { .. } if !account.held.is_empty() => return refused("seats_held"),
            Order::Remove { .. } => {
                self.accounts.remove(&id);
                return Reply::Done(None);
            }
            Order::Grant { pool, .. } => {
                if account.suspended {
                    return refused("suspended");
                }
                if !account.held.contains(pool) && self.held(pool) >= self.seats.get(pool).copied().unwrap_or(0) {
                    return Reply::NoSeat;
                }
                account.held.insert(pool.clone());
            }
            Order::Release { pool, .. } => {
                account.held.remove(pool);
            }
            Order::Swap { from, to, .. } => {
                assert!(talents.swaps, "never asked to swap");
                if self.held(to) >= self.seats.get(to).copied().unwrap_or(0) {
                    return Reply::NoSeat;
                }
                account.held.remove(from);
                account.held.insert(to.clone());
            }
        }
        self.accounts.insert(id, account.clone());
        Reply::Done(Some(account))
    }
}
