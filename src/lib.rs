//! Seatsync gives a directory's people their seats.
//!
//! The modules in the order in which data flows through them:
//! directory → desired → plan → apply → backend, with the state beside them.

pub mod model;
pub mod ports;

pub mod directory;

pub mod desired;
pub mod notify;
pub mod plan;

pub mod agent;
pub mod apply;
pub mod cycle;

pub mod backend;
pub mod delivery;
pub mod ledger;
pub mod state;

pub mod app;
pub mod cli;
pub mod service;
pub mod settings;
pub mod status;

pub mod bulk;
pub mod clock;
pub mod fault;
#[cfg(feature = "kerberos")]
pub mod kerberos;
pub mod listen;
pub mod logging;
pub mod retry;
pub mod smtp;
pub mod tls;
pub mod web;
#[cfg(windows)]
pub mod windows;
