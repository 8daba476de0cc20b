//! What is agreed about a pool: its seats, its floor, and a lower number for later.

use jiff::Timestamp;
use serde_json::json;

use super::Excerpt;
use super::declined::{Declined, Numbers};
use super::happenings::{Happening, What};
use crate::model::{Name, PoolCount};

/// What holds for a pool besides the number of seats.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Terms {
    /// Fewer seats cannot be had.
    pub min_seats: u32,
    pub reduction: Option<Reduction>,
    /// A config file says how many seats there are.
    pub config_owned: bool,
}

/// A lower number of seats, agreed for later. Until then the higher one is bought, and billed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reduction {
    pub seats: u32,
    pub effective_at: Timestamp,
    pub scheduled_at: Timestamp,
}

/// Numbers somebody wants for a pool; what is left out stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purchase {
    pub seats: Option<u32>,
    pub min_seats: Option<u32>,
}

impl Excerpt {
    /// Makes a pool without seats.
    pub fn make_pool(&mut self, pool: &Name) {
        let new = PoolCount { name: pool.clone(), seats: 0, held: 0, waiting: 0 };
        self.pools.entry(pool.clone()).or_insert(new);
        self.terms.entry(pool.clone()).or_default();
        self.tell(What::PoolCreated, pool, json!({ "seats": 0, "min_seats": 0 }));
    }

    /// Changes seats and floor, at once. Lowering goes down to the seats held and to the floor, no further.
    ///
    /// | asked for | reduction |
    /// |---|---|
    /// | no more seats than it leaves | forgotten: there is nothing left to lower |
    /// | else | stays |
    ///
    /// # Errors
    /// Where the pool is not there, a config file owns it, or the number is too low.
    pub fn buy(&mut self, pool: &Name, purchase: Purchase) -> Result<(), Declined> {
        let numbers = self.own_numbers(pool)?;
        let seats = purchase.seats.unwrap_or(numbers.seats);
        let min_seats = purchase.min_seats.unwrap_or(numbers.min_seats);
        let wanted = Numbers { min_seats, ..numbers.clone() };
        if seats < numbers.seats && seats < numbers.held {
            return Err(Declined::SeatsBelowHeld(wanted));
        }
        if seats < min_seats {
            return Err(Declined::BelowFloor(wanted));
        }
        if (seats, min_seats) == (numbers.seats, numbers.min_seats) {
            return Ok(());
        }
        if let Some(count) = self.pools.get_mut(pool) {
            count.seats = seats;
        }
        let terms = self.terms.entry(pool.clone()).or_default();
        terms.min_seats = min_seats;
        let done = terms.reduction.take_if(|reduction| seats <= reduction.seats);
        self.tell(What::PoolChanged, pool, json!({ "seats": seats, "min_seats": min_seats }));
        if let Some(reduction) = done {
            self.tell_reduction(What::ReductionCancelled, pool, reduction);
        }
        Ok(())
    }

    /// Agrees on a lower number for later. It may be below the seats held: it is judged when it comes due.
    ///
    /// # Errors
    /// Where the pool is not there, a config file owns it, or the number is no lower or below the floor.
    pub fn schedule(&mut self, pool: &Name, reduction: Reduction) -> Result<(), Declined> {
        let numbers = self.own_numbers(pool)?;
        if reduction.seats >= numbers.seats {
            return Err(Declined::NotLower(numbers));
        }
        if reduction.seats < numbers.min_seats {
            return Err(Declined::BelowFloor(numbers));
        }
        self.terms.entry(pool.clone()).or_default().reduction = Some(reduction);
        self.tell_reduction(What::ReductionScheduled, pool, reduction);
        Ok(())
    }

    /// Takes back what was scheduled.
    ///
    /// # Errors
    /// Where the pool is not there, a config file owns it, or nothing is scheduled.
    pub fn cancel_reduction(&mut self, pool: &Name) -> Result<(), Declined> {
        self.own_numbers(pool)?;
        let scheduled = self.terms.get_mut(pool).and_then(|terms| terms.reduction.take());
        let reduction = scheduled.ok_or_else(|| Declined::NoReduction { pool: pool.clone() })?;
        self.tell_reduction(What::ReductionCancelled, pool, reduction);
        Ok(())
    }

    /// Carries out the reductions that have come due. Where more seats are held, or the floor is higher, the old number
    /// stays.
    pub fn reduce(&mut self, now: Timestamp) {
        let due = |terms: &Terms| terms.reduction.filter(|reduction| reduction.effective_at <= now);
        let due: Vec<(Name, Reduction)> =
            self.terms.iter().filter_map(|(pool, terms)| Some((pool.clone(), due(terms)?))).collect();
        for (pool, reduction) in due {
            let Some(terms) = self.terms.get_mut(&pool) else { continue };
            terms.reduction = None;
            let Some(count) = self.pools.get_mut(&pool) else { continue };
            let fits = reduction.seats >= count.held && reduction.seats >= terms.min_seats;
            if fits {
                count.seats = count.seats.min(reduction.seats);
            }
            let what = if fits { What::ReductionApplied } else { What::ReductionRefused };
            self.tell_reduction(what, &pool, reduction);
        }
    }

    /// Cancels the reductions whose seats were assigned again: a seat was granted, and more are held than would be left.
    pub fn cancel_overtaken(&mut self) {
        let over = |pool: &Name, reduction: &Reduction| {
            self.granted.contains(pool) && self.pools.get(pool).is_some_and(|count| count.held > reduction.seats)
        };
        let overtaken = |(pool, terms): (&Name, &Terms)| {
            terms.reduction.filter(|reduction| over(pool, reduction)).map(|reduction| (pool.clone(), reduction))
        };
        let overtaken: Vec<(Name, Reduction)> = self.terms.iter().filter_map(overtaken).collect();
        for (pool, reduction) in overtaken {
            if let Some(terms) = self.terms.get_mut(&pool) {
                terms.reduction = None;
            }
            self.tell_reduction(What::ReductionCancelled, &pool, reduction);
        }
    }

    /// Removes a pool that nobody needs. Whom it was denied or taken from keeps that, should it be made again.
    ///
    /// # Errors
    /// Where the pool is not there, a config file owns it, a floor is agreed, or somebody holds or waits for a seat.
    pub fn remove_pool(&mut self, pool: &Name) -> Result<(), Declined> {
        let numbers = self.own_numbers(pool)?;
        let waiting = self.pools.get(pool).map_or(0, |count| count.waiting);
        if numbers.held > 0 || waiting > 0 {
            return Err(Declined::PoolInUse { numbers, waiting });
        }
        if numbers.min_seats > 0 {
            return Err(Declined::BelowFloor(numbers));
        }
        self.pools.remove(pool);
        self.terms.remove(pool);
        self.dropped.insert(pool.clone());
        self.tell(What::PoolRemoved, pool, json!({ "seats": numbers.seats, "min_seats": 0 }));
        Ok(())
    }

    /// Lets the ledger's own people say how many seats a pool has, whoever did so before.
    ///
    /// # Errors
    /// Where there is no such pool.
    pub fn take_over(&mut self, pool: &Name) -> Result<(), Declined> {
        let numbers = self.numbers(pool)?;
        let terms = self.terms.entry(pool.clone()).or_default();
        if std::mem::take(&mut terms.config_owned) {
            self.tell(What::PoolChanged, pool, json!({ "seats": numbers.seats, "min_seats": numbers.min_seats }));
        }
        Ok(())
    }

    /// What holds for a pool.
    #[must_use]
    pub fn terms(&self, pool: &Name) -> Terms {
        self.terms.get(pool).cloned().unwrap_or_default()
    }

    /// How a pool stands.
    ///
    /// # Errors
    /// Where there is no such pool.
    pub fn numbers(&self, pool: &Name) -> Result<Numbers, Declined> {
        let unknown = || Declined::NotFound { what: "pool", name: pool.to_string() };
        let count = self.pools.get(pool).ok_or_else(unknown)?;
        let min_seats = self.terms.get(pool).map_or(0, |terms| terms.min_seats);
        Ok(Numbers { pool: pool.clone(), seats: count.seats, held: count.held, min_seats })
    }

    /// The same of a pool that is the ledger's own.
    fn own_numbers(&self, pool: &Name) -> Result<Numbers, Declined> {
        let numbers = self.numbers(pool)?;
        if self.terms.get(pool).is_some_and(|terms| terms.config_owned) {
            return Err(Declined::OwnedByConfig { pool: pool.clone() });
        }
        Ok(numbers)
    }

    pub(super) fn tell(&mut self, what: What, pool: &Name, data: serde_json::Value) {
        self.happened.push(Happening { what, account: None, pool: Some(pool.clone()), data });
    }

    fn tell_reduction(&mut self, what: What, pool: &Name, reduction: Reduction) {
        let held = self.pools.get(pool).map_or(0, |count| count.held);
        let data = json!({ "seats": reduction.seats, "held": held, "effective_at": reduction.effective_at });
        self.tell(what, pool, data);
    }
}
