//! Death at any call: the ledger and the state behind a fuse that burns before or after the call of a given number.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::Timestamp;
use seatsync::model::change::{Answer, BackendState, Batch, Confirmation, Decision};
use seatsync::model::lease::{Lease, Moment, Standby};
use seatsync::model::memory::{
    CycleRecord, Heartbeat, Held, Known, KnownEntry, MirrorUpdate, OpenBatch, RefusedBind, Remembered, Request,
    RequestId, Taken,
};
use seatsync::model::notice::{News, Told};
use seatsync::model::snapshot::{Members, Nested, Pin, ScopeKey, Watermark};
use seatsync::model::{Account, Anchor, Digest, Dn, Name, PersonId, Profile};
use seatsync::ports::{
    Accounts, Backend, BackendError, Capabilities, Excerpts, History, Journal, Left, Mirror, Persistence, Requests,
    StateError, Succession,
};
use seatsync::state::State;

/// Which call does not come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// It never happened.
    Before(u32),
    /// It happened, and nobody heard the answer.
    After(u32),
}

/// Counts the calls of a pass, and breaks one.
#[derive(Debug, Default)]
pub struct Fuse {
    death: Option<Death>,
    calls: u32,
    pub burnt: bool,
    /// Batches that were carried out.
    pub batches: usize,
}

/// A call that does not come back.
struct Burnt;

impl From<Burnt> for StateError {
    fn from(Burnt: Burnt) -> Self {
        Self::Failed { doing: "dying".to_owned(), source: None }
    }
}

impl From<Burnt> for BackendError {
    fn from(Burnt: Burnt) -> Self {
        Self { doing: "dying".to_owned(), persistence: Persistence::Transient, source: None }
    }
}

impl Fuse {
    pub fn new(death: Option<Death>) -> Self {
        Self { death, ..Self::default() }
    }

    fn before(&mut self) -> Result<(), Burnt> {
        self.calls += 1;
        self.burn(Death::Before(self.calls))
    }

    fn after(&mut self) -> Result<(), Burnt> {
        self.burn(Death::After(self.calls))
    }

    fn burn(&mut self, here: Death) -> Result<(), Burnt> {
        self.burnt |= self.death == Some(here);
        // The dead do nothing more.
        if self.burnt { Err(Burnt) } else { Ok(()) }
    }
}

pub type SharedFuse = Arc<Mutex<Fuse>>;

fn lit(fuse: &SharedFuse) -> std::sync::MutexGuard<'_, Fuse> {
    fuse.lock().expect("the fuse")
}

pub struct MortalBackend<B> {
    pub inner: B,
    pub fuse: SharedFuse,
}

#[async_trait]
impl<B: Backend> Backend for MortalBackend<B> {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn lease(&mut self, insist: bool) -> Result<Lease, BackendError> {
        self.inner.lease(insist).await
    }

    async fn read(&mut self) -> Result<BackendState, BackendError> {
        lit(&self.fuse).before()?;
        let read = self.inner.read().await?;
        lit(&self.fuse).after()?;
        Ok(read)
    }

    fn generation(&self) -> Option<u64> {
        self.inner.generation()
    }

    async fn unchanged(&mut self, generation: u64) -> Result<Option<BackendState>, BackendError> {
        lit(&self.fuse).before()?;
        self.inner.unchanged(generation).await
    }

    async fn seal(&mut self) -> Option<String> {
        self.inner.seal().await
    }

    async fn unsealed(&mut self, seal: &str) -> Result<Option<u64>, BackendError> {
        lit(&self.fuse).before()?;
        self.inner.unsealed(seal).await
    }

    async fn apply(&mut self, batch: &Batch) -> Result<Answer, BackendError> {
        lit(&self.fuse).before()?;
        let answer = self.inner.apply(batch).await?;
        lit(&self.fuse).batches += 1;
        lit(&self.fuse).after()?;
        Ok(answer)
    }

    async fn answer(&mut self, key: &str) -> Result<Option<Answer>, BackendError> {
        lit(&self.fuse).before()?;
        let answer = self.inner.answer(key).await?;
        lit(&self.fuse).after()?;
        Ok(answer)
    }

    async fn decide(&mut self, decisions: &[Decision], at: Timestamp) -> Result<(), BackendError> {
        self.inner.decide(decisions, at).await
    }

    async fn confirm(&mut self, confirmation: &Confirmation) -> Result<(), BackendError> {
        self.inner.confirm(confirmation).await
    }

    async fn relink(&mut self, old: &PersonId, new: &PersonId) -> Result<(), BackendError> {
        self.inner.relink(old, new).await
    }
}

pub struct MortalMemory<'a> {
    pub state: &'a mut State,
    pub fuse: SharedFuse,
}

/// Each call is passed on, unless the fuse burns before it; the answer is passed back, unless it burns after it.
macro_rules! mortal {
    ($port:ident {
        $(fn $name:ident([$me:ident: $($receiver:tt)+] $(, $argument:ident: $type:ty)*) -> $result:ty;)*
    }) => {
        impl $port for MortalMemory<'_> {
            $(fn $name($($receiver)+ $(, $argument: $type)*) -> Result<$result, StateError> {
                lit(&$me.fuse).before()?;
                let result = $me.state.$name($($argument),*)?;
                lit(&$me.fuse).after()?;
                Ok(result)
            })*
        }
    };
}

mortal! { Mirror {
    fn load([self: &self], directory: &str) -> Vec<Known>;
    fn dns([self: &self], directory: &str, anchors: &[Anchor]) -> BTreeMap<Anchor, String>;
    fn pins([self: &self], directory: &str) -> BTreeMap<ScopeKey, Pin>;
    fn nested([self: &self], directory: &str) -> Vec<Nested>;
    fn places([self: &self], directory: &str, visit: &mut dyn FnMut(Anchor, &str)) -> ();
    fn former([self: &self], directory: &str) -> Vec<(Anchor, Dn)>;
    fn listed_by_uid([self: &self], directory: &str, anchors: &[Anchor]) -> BTreeMap<Anchor, Option<String>>;
    fn had_uid([self: &self], directory: &str, uids: &[&str]) -> Vec<(Anchor, String)>;
    fn watermark([self: &self], directory: &str) -> Option<Watermark>;
    fn store([self: &mut self], directory: &Name, update: &MirrorUpdate<'_>) -> ();
    fn unreached([self: &mut self], directory: &Name, problem: &str, at: Timestamp) -> ();
    fn refused_bind([self: &self], directory: &str) -> Option<RefusedBind>;
    fn set_refused_bind([self: &mut self], directory: &Name, refused: Option<&RefusedBind>) -> ();
}}

mortal! { Excerpts {
    fn known([self: &self], directory: &str, anchors: &[Anchor]) -> Vec<Known>;
    fn entries([self: &self], directory: &str) -> Vec<KnownEntry>;
    fn namings([self: &self], directory: &str, anchors: &[Anchor]) -> BTreeMap<Anchor, Digest>;
    fn wished([self: &self], directory: &str, anchors: &[Anchor]) -> u64;
    fn members_of([self: &self], directory: &str, anchors: &[Anchor]) -> BTreeMap<ScopeKey, Members>;
    fn at([self: &self], directory: &str, dns: &[&Dn]) -> Vec<Option<Anchor>>;
    fn with_uid([self: &self], directory: &str, uid: &str) -> Vec<Anchor>;
    fn with_primary_group([self: &self], directory: &str, token: u32) -> Vec<Anchor>;
    fn absent([self: &self], directory: &str, there: &BTreeSet<Anchor>) -> Vec<Anchor>;
    fn regrouped([self: &self], directory: &str, groups: &BTreeMap<ScopeKey, Members>) -> BTreeSet<Anchor>;
    fn due([self: &self], directory: &str, by: Timestamp) -> Vec<Anchor>;
    fn open([self: &self]) -> BTreeSet<PersonId>;
    fn set_open([self: &mut self], of: Option<&BTreeSet<PersonId>>, open: &BTreeSet<PersonId>) -> ();
    fn sharing([self: &self], profiles: &[&Profile]) -> BTreeSet<PersonId>;
    fn strangers([self: &self]) -> Vec<Account>;
    fn accounts_of([self: &self], people: &BTreeSet<PersonId>) -> Vec<Account>;
    fn remembered_of([self: &self], people: &BTreeSet<PersonId>) -> BTreeMap<PersonId, Remembered>;
}}

mortal! { Accounts {
    fn remembered([self: &self]) -> BTreeMap<PersonId, Remembered>;
    fn taken([self: &self]) -> BTreeMap<PersonId, Taken>;
    fn observe([self: &mut self], accounts: &[Account], taken: &[PersonId], at: Timestamp) -> ();
    fn inherit([self: &mut self], accounts: &[Account], taken: &[PersonId], at: Timestamp) -> ();
    fn give_back([self: &mut self], approved: &[(PersonId, Option<Name>)]) -> ();
    fn differing([self: &self], accounts: &[Account]) -> Vec<(Account, Option<Account>)>;
    fn relinked([self: &mut self], old: &PersonId, new: &PersonId) -> ();
}}

mortal! { Journal {
    fn begin([self: &mut self], cycle: u64, batches: &[Batch]) -> ();
    fn sent([self: &mut self], key: &str) -> ();
    fn finished([self: &mut self], key: &str, answer: &Answer) -> ();
    fn open_batches([self: &self]) -> Vec<OpenBatch>;
    fn drop_batch([self: &mut self], key: &str) -> ();
    fn decision_sent([self: &mut self], key: &str) -> ();
    fn decision_settled([self: &mut self], key: &str, answer: Option<&Answer>) -> ();
    fn open_decisions([self: &self]) -> Vec<String>;
}}

mortal! { Requests {
    fn next_request([self: &mut self], now: Timestamp) -> Option<(RequestId, Request)>;
    fn answer([self: &mut self], id: RequestId, answer: &str, now: Timestamp) -> ();
    fn beat([self: &mut self], heartbeat: &Heartbeat) -> ();
}}

mortal! { Succession {
    fn epoch([self: &self]) -> Option<u64>;
    fn set_epoch([self: &mut self], epoch: u64) -> ();
    fn moment([self: &self]) -> Option<Moment>;
    fn set_moment([self: &mut self], moment: Moment) -> ();
    fn set_standby([self: &mut self], standby: Option<&Standby>) -> ();
}}

mortal! { History {
    fn begin_cycle([self: &mut self], started: Timestamp) -> u64;
    fn finish_cycle([self: &mut self], cycle: &CycleRecord, held: Option<&Held>, left: Left<'_>, news: Option<&News>) -> ();
    fn baseline([self: &self]) -> Option<String>;
    fn forget_baseline([self: &mut self]) -> ();
    fn told([self: &self]) -> Told;
    fn config_digest([self: &self]) -> Option<String>;
    fn held([self: &self]) -> Option<Held>;
    fn keep_confirmation([self: &mut self], confirmation: &Confirmation) -> ();
    fn confirmations([self: &self], now: Timestamp) -> Vec<Confirmation>;
}}
