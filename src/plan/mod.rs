//! What must change, who gets a seat, whether that is safe, and in which order it is done. Pure: no clock, no I/O, no log.
//!
//! `diff` compares desired and current person by person; `guard` holds back what is too much and alone can make a
//! `Plan`; `seats` settles the pools; `steps` puts the rest in order; `effects` tells people what it comes to.

pub mod attempt;
mod conflict;
mod departed;
pub mod diff;
pub mod effects;
pub mod fingerprint;
pub mod guard;
pub mod seats;
pub mod steps;
mod unmanaged;
mod unnamed;
pub mod values;
pub mod wants;
pub mod world;

pub use guard::{Held, Plan};
pub use world::{LastKnown, Remembered, World};

/// Plans one cycle: the same world gives the same plan, byte for byte.
#[must_use]
pub fn plan(world: &World<'_>) -> Plan {
    guard::check(world, diff::diff(world))
}

#[cfg(test)]
mod tests;
