//! The words of the program, each with its invariants. Nothing here reads, writes or asks the time.

pub mod account;
pub mod anchor;
pub mod change;
pub mod digest;
pub mod dn;
pub mod filter;
pub mod lease;
pub mod mail_domain;
pub mod memory;
pub mod notice;
pub mod report;
pub mod settings;
pub mod snapshot;
pub mod text;
pub mod user;
pub mod value;
pub mod webhook;

pub use account::{Account, AccountId, AccountState, Assignment, PoolCount, SeatState, Suspension, WaitReason};
pub use anchor::{Anchor, Name, PersonId};
pub use digest::Digest;
pub use dn::Dn;
pub use user::{Defect, LeaveCause, Profile, Quarantine, Sighting, Standing, Unidentified, fold, folded};
