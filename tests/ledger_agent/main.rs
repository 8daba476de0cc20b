//! The agent as the client of a licence ledger: both real, and between them a network that does what networks do.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on ends here")]

#[path = "../support/mod.rs"]
mod support;

mod by_hand;
mod crowd;
mod hostile;
mod ledger;
mod network;
mod others;
mod pools;
mod restored;
mod standby;
mod together;
