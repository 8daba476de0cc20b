//! All that a plan is made of: values, read before planning began.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use jiff::Timestamp;

use crate::desired::Desired;
use crate::model::change::{Confirmation, GuardMark};
use crate::model::memory::Approval;
use crate::model::settings::Settings;
use crate::model::{Account, Digest, Name, PersonId, PoolCount};

/// The touched part of the world: everything in a full cycle, whoever is touched or waits in a pool that moved in
/// another. Counts are always of the whole.
#[derive(Clone, Copy, Debug)]
pub struct World<'a> {
    /// Start of the cycle.
    pub now: Timestamp,
    pub settings: &'a Settings,
    pub desired: &'a Desired<'a>,
    /// Managed and unmanaged ones, by owner.
    pub accounts: &'a [Account],
    pub pools: &'a BTreeMap<Name, PoolCount>,
    pub remembered: &'a dyn Remembered,
    /// Guarded changes applied before, confirmed or not.
    pub marks: &'a [GuardMark],
    pub confirmations: &'a [Confirmation],
    /// Managed accounts that are not suspended, by directory.
    pub managed: &'a BTreeMap<Name, u32>,
}

/// What the agent last knew of somebody's account, to tell another hand's work from its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastKnown {
    /// Digest of the profile as the backend last answered it.
    pub profile: Digest,
    /// Pools of which the agent's word gave a seat.
    pub held: Arc<[Name]>,
    pub suspended: bool,
    /// Another hand took the whole account away.
    pub taken: bool,
    /// And a person approved that it be made again.
    pub approval: Option<Approval>,
}

/// The agent's memory of accounts.
pub trait Remembered: Debug + Sync {
    /// None where nothing was ever known of this person's account.
    fn of(&self, person: &PersonId) -> Option<LastKnown>;

    /// Everyone who had an account last that was not suspended, in order.
    fn active(&self) -> Box<dyn Iterator<Item = &PersonId> + '_>;
}
