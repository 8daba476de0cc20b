//! The licence ledger: who holds a seat, who waits for one, and what was asked of it; many companies in one file.
//!
//! `rules` decide and are pure; `records` is what they need of a store, and `store` keeps it, in SQLite, and decides
//! nothing; `operations` are the transactions, each written once.

mod error;
pub mod http;
pub mod mailer;
pub mod operations;
pub mod records;
pub mod rules;
pub mod secret;
pub mod service;
pub mod store;
pub mod wire;

pub use error::LedgerError;
pub use store::Ledger;
