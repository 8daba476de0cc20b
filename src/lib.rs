//! Seatsync gives a directory's people their seats.
//!
//! The modules in the order in which data flows through them:
//! directory → desired → plan → apply → backend, with the state beside them.

pub mod app;
pub mod cli;
pub mod clock;
pub mod desired;
pub mod directory;
pub mod fault;
pub mod logging;
pub mod model;
pub mod plan;
pub mod ports;
pub mod retry;
pub mod state;
