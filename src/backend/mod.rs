//! Licensing backends: where seats are bought, held and waited for.

pub mod embedded;
pub mod ledger;
pub mod queue;
