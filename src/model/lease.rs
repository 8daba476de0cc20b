//! Who of a company's agents may write.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How far a backend came that counts its changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    pub version: u64,
    /// When this change was made, where that is known: a ledger restored from a backup makes another one of its number later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<Timestamp>,
    /// It showed this earlier one since, or this one of another history, once: restored from a backup, or kept by something
    /// between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back: Option<u64>,
}

/// Of several agents one works, and the others stand by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lease {
    /// This one. The epoch grows each time the lease is taken; none where there can be only one agent. `others` is the
    /// latest that another agent had.
    Ours { epoch: Option<u64>, others: u64 },
    /// Another one.
    Others(Standby),
}

/// That another agent of the company works.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standby {
    /// As the agent at work calls itself.
    pub holder: String,
    /// Since then, where the ledger says it.
    #[serde(default)]
    pub since: Option<Timestamp>,
    /// Until then the lease is its own; it renews it as long as it lives.
    pub expires: Timestamp,
    /// It calls itself as this one does: one of the two works on a copy of the other's state.
    #[serde(default)]
    pub copy: bool,
}
