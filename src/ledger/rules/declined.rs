//! Why the ledger did not do what somebody asked of it. Nothing of it happened.

use jiff::{SignedDuration, Timestamp};
use thiserror::Error;

use crate::model::{AccountId, Name};

/// How a pool stands, for whoever asked for what it does not allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbers {
    pub pool: Name,
    pub seats: u32,
    pub held: u32,
    pub min_seats: u32,
}

/// What stands in the way of a lower tier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Blocker {
    /// An advanced policy that is enabled.
    Policy(Name),
    /// A connector that is registered.
    Connector(Name),
}

/// A refusal that whoever asked can do something about.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Declined {
    #[error("the company has no {what} {name:?}")]
    NotFound { what: &'static str, name: String },
    #[error("{pool}: {held} seats are held: fewer cannot be had before some are released; a reduction can be scheduled",
        pool = .0.pool, held = .0.held)]
    SeatsBelowHeld(Numbers),
    #[error("{pool}: the floor is {min} seats", pool = .0.pool, min = .0.min_seats)]
    BelowFloor(Numbers),
    #[error("{pool}: {seats} seats are bought: a reduction must be lower", pool = .0.pool, seats = .0.seats)]
    NotLower(Numbers),
    #[error("{pool}: {} held and {waiting} waited for: a pool is removed only once nobody holds or waits for a seat of it",
        numbers.held, pool = numbers.pool)]
    PoolInUse { numbers: Numbers, waiting: u32 },
    #[error("company {company:?} has {accounts} accounts and {connectors} registered connectors: remove them first")]
    CompanyInUse { company: Name, accounts: u64, connectors: u64 },
    #[error("{pool}: no seat is free, or others come first", pool = .0.pool)]
    NoSeat(Numbers),
    #[error("{pool}: the company has no renewal date: name the time from which the lower number holds")]
    NoRenewal { pool: Name },
    #[error("{pool}: no reduction is scheduled")]
    NoReduction { pool: Name },
    #[error("{pool}: its seats are set by the config file of an embedded agent")]
    OwnedByConfig { pool: Name },
    #[error("account {account} already has this {what}")]
    Conflict { account: AccountId, what: &'static str },
    #[error("account {account} belongs to a connector: decide about its seats, or change the directory")]
    Managed { account: AccountId },
    #[error("account {account} holds seats: release them first")]
    SeatsHeld { account: AccountId },
    #[error("account {account} is suspended")]
    Suspended { account: AccountId },
    #[error("{pool}: the seat cannot go to account {account}: {why}")]
    NotTransferable { pool: Name, account: AccountId, why: &'static str },
    #[error("the tier of the company does not include {what}")]
    TierRequired { what: &'static str },
    #[error("the tier cannot be lowered: {} of its policies and connectors must be disabled or removed first", .0.len())]
    TierBlocked(Vec<Blocker>),
    #[error("the lease is at epoch {latest}: another agent took over")]
    StaleEpoch { latest: u64 },
    #[error("{holder} has the lease until {expires}")]
    LeaseHeld { holder: String, since: Timestamp, expires: Timestamp },
    #[error("it is there already, or is another than was expected: read it, and send its ETag as it is now")]
    PreconditionFailed { etag: Option<String> },
    #[error("expires must lie in the future")]
    AlreadyExpired,
    #[error("this machine's clock is {} the ledger's, which says {now}", off(*ahead))]
    ClockSkew { ahead: SignedDuration, now: Timestamp },
    #[error("this key was used for another request")]
    KeyReused,
    #[error("what was listed changed meanwhile: begin again")]
    ListChanged,
    #[error("events after this number are gone: the oldest is {oldest}")]
    EventsExpired { oldest: u64 },
    #[error(
        "there is no event of this number yet, the last is {last}: was the ledger restored from a backup? Read the \
         company anew, and follow from there"
    )]
    EventsAhead { oldest: u64, last: u64 },
}

/// How far a clock is from another, in words: "90 days behind".
fn off(ahead: SignedDuration) -> String {
    // Two hours and a second less are two hours to whoever reads it.
    let hours = (ahead.as_secs().unsigned_abs() + 1800) / 3600;
    let far = match hours {
        1 => "1 hour".to_owned(),
        2..=48 => format!("{hours} hours"),
        _ => format!("{} days", (hours + 12) / 24),
    };
    if ahead.is_negative() { format!("{far} behind") } else { format!("{far} ahead of") }
}
