//! Pools.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Malformed, name};
use crate::ledger::records;
use crate::ledger::rules::Purchase;
use crate::model::PoolCount;

/// Seats of one kind, bought by a company.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Pool {
    pub name: String,
    /// Bought.
    pub seats: u32,
    pub held: u32,
    /// People in the queue, whatever they wait for.
    pub waiting: u32,
    pub free: u32,
    /// The floor: fewer cannot be had.
    pub min_seats: u32,
    /// Seats paid for: all that were bought, until a reduction takes effect.
    pub billed: u32,
    pub reduction: Option<Reduction>,
    pub owned_by: OwnedBy,
    pub etag: String,
}

/// A lower number of seats, agreed for later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reduction {
    pub seats: u32,
    pub effective_at: Timestamp,
    pub scheduled_at: Timestamp,
}

/// Who says how many seats there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OwnedBy {
    Ledger,
    /// The config file of an embedded agent: shown, not edited.
    Config,
}

impl Pool {
    #[must_use]
    pub fn of(pool: &records::Pool, etag: String) -> Self {
        let records::Pool { count, terms } = pool;
        Self {
            name: count.name.to_string(),
            seats: count.seats,
            held: count.held,
            waiting: count.waiting,
            free: count.free(),
            min_seats: terms.min_seats,
            billed: count.seats,
            reduction: terms.reduction.map(|reduction| Reduction {
                seats: reduction.seats,
                effective_at: reduction.effective_at,
                scheduled_at: reduction.scheduled_at,
            }),
            owned_by: if terms.config_owned { OwnedBy::Config } else { OwnedBy::Ledger },
            etag,
        }
    }

    /// As an agent counts it.
    ///
    /// # Errors
    /// Where its name is none.
    pub fn count(&self) -> Result<PoolCount, Malformed> {
        Ok(PoolCount { name: name("pool", &self.name)?, seats: self.seats, held: self.held, waiting: self.waiting })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PoolPut {
    #[schema(maximum = 4_294_967_295_u32)]
    pub seats: u32,
    #[schema(maximum = 4_294_967_295_u32)]
    #[serde(default)]
    pub min_seats: u32,
}

/// What is left out stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PoolPatch {
    #[schema(maximum = 4_294_967_295_u32)]
    #[serde(default)]
    pub seats: Option<u32>,
    #[schema(maximum = 4_294_967_295_u32)]
    #[serde(default)]
    pub min_seats: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReductionPut {
    #[schema(maximum = 4_294_967_295_u32)]
    pub seats: u32,
    /// From when the lower number holds; left out: from the company's renewal.
    #[serde(default)]
    pub effective_at: Option<Timestamp>,
}

impl From<PoolPut> for Purchase {
    fn from(put: PoolPut) -> Self {
        Self { seats: Some(put.seats), min_seats: Some(put.min_seats) }
    }
}

impl From<PoolPatch> for Purchase {
    fn from(patch: PoolPatch) -> Self {
        Self { seats: patch.seats, min_seats: patch.min_seats }
    }
}
