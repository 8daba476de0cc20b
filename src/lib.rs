//! Seatsync gives a directory's people their seats.
//!
//! The modules in the order in which data flows through them:
//! directory → desired → plan → apply → backend, with the state beside them.

pub mod clock;
pub mod fault;
pub mod model;
pub mod ports;
pub mod settings;
