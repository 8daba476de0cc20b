//! Seatsync gives a directory's people their seats.
//!
//! The modules in the order in which data flows through them:
//! directory → desired → plan → apply → backend, with the state beside them.

pub mod backend;
pub mod clock;
pub mod fault;
pub mod ledger;
pub mod model;
pub mod plan;
pub mod ports;
