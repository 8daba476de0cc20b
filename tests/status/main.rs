//! What the running agent shows at `[status].listen`: its numbers, its health, and to whom.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on ends here")]

mod access;
#[cfg(target_os = "linux")]
mod disk;
mod harness;
mod health;
mod metrics;
mod monitoring;
mod page;
mod running;
#[path = "../support/mod.rs"]
mod support;
mod tls;
