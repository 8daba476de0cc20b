//! The licence ledger: who holds a seat, who waits for one, and what was asked of it; many companies in one file.
//!
//! `rules` decide and are pure; `store` keeps, in SQLite, and decides nothing.

mod error;
pub mod rules;
pub mod store;

pub use error::LedgerError;
pub use store::Ledger;
