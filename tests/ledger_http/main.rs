//! The licence ledger over real HTTP: a server on a port of its own, a client that knows nothing of its inside.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on ends here")]

mod access;
mod accounts;
mod agents;
mod by_hand;
mod events;
mod group_commit;
mod harness;
mod hostile;
mod mail;
mod pools;
mod reading;
mod reductions;
mod saving;
#[path = "../support/mod.rs"]
mod support;
mod tiers;
