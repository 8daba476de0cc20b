//! What the core asks of the world: a directory to read, a backend to change, and a memory between cycles.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use jiff::Timestamp;
use thiserror::Error;

use crate::model::change::{Answer, BackendState, Batch, Confirmation, Decision, Outcome};
use crate::model::lease::Lease;
use crate::model::memory::KnownEntry;
use crate::model::snapshot::{
    Compared, Followed, Listed, Nested, Pin, ScopeKey, Snapshot, Sought, Watermark, Whereabouts,
};
use crate::model::{Anchor, Name, PersonId};

mod memory;
pub mod plain;
mod progress;
mod pushes;
mod roster;
pub use memory::{
    Accounts, Excerpts, History, Journal, Left, Memory, Mirror, Outbox, Requests, StateError, Succession,
};
pub use progress::{Awaiting, Progress, Question, Silent, Stage};
pub use pushes::Pushes;
pub use roster::Roster;

/// Whether trying again can help: judged by the edge that made the error, by type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Persistence {
    /// Gone by itself, perhaps: try again with back-off.
    Transient,
    /// Stays until somebody changes something.
    Permanent,
    /// The credentials were refused: trying again can lock the account.
    Credentials,
    /// Another agent of the company works now: nothing was changed, and this one stands by.
    Superseded,
}

/// A read that did not happen. (One that happened in part is a `Snapshot` with `partial` set.)
#[derive(Debug, Error)]
#[error("{doing}")]
pub struct ReadError {
    /// What we were doing, to what, what went wrong, and what to do about it: all that a person need be told.
    pub doing: String,
    /// The end of `doing`, where that says what to do.
    pub advice: Option<String>,
    pub persistence: Persistence,
    /// For programs: its words are in `doing` already.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl ReadError {
    /// What went wrong alone.
    #[must_use]
    pub fn without_advice(&self) -> &str {
        let cut = self.advice.as_ref().and_then(|advice| self.doing.strip_suffix(advice.as_str()));
        cut.map_or(&self.doing, |said| said.trim_end_matches([' ', '.']))
    }
}

/// What one full read needs to know of the last.
#[derive(Clone, Debug)]
pub struct ReadRequest {
    pub now: Timestamp,
    pub pins: Pins,
    /// Groups within groups that were read before, or are missed.
    pub nested: Vec<Nested>,
    pub watermark: Option<Watermark>,
}

/// Scope objects found before, by what the config calls them.
pub type Pins = BTreeMap<ScopeKey, Pin>;

/// Somebody who was known and is not in the snapshot.
#[derive(Clone, Debug)]
pub struct Missing {
    pub anchor: Anchor,
    /// Where the entry was last, as text; none where only the backend remembers the person.
    pub dn: Option<String>,
}

pub use crate::model::report::Probe;

/// What a directory let us do.
#[derive(Clone, Debug, Default)]
pub struct Probed {
    pub probes: Vec<Probe>,
    /// Whether it let us in, or what it said as it refused the credentials; None: nobody was asked, or did not answer.
    pub bound: Option<Result<(), String>>,
}

/// A directory: read whole, or asked for single people.
#[async_trait]
pub trait Directory: Send {
    fn name(&self) -> &Name;

    /// One full read: complete, or marked partial with the reason. `progress` hears how many entries have come.
    ///
    /// # Errors
    /// Where nothing could be read at all: no server reached, credentials refused.
    async fn read(
        &mut self,
        request: &ReadRequest,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Snapshot, ReadError>;

    /// What changed since the watermark of the last complete read, at the cost of that. `request`: as for a read.
    ///
    /// # Errors
    /// Where the answer did not come whole: then nothing is known.
    async fn follow(&mut self, request: &ReadRequest) -> Result<Followed, ReadError> {
        let _ = request;
        Ok(Followed::Untold("this directory can only be read whole".to_owned()))
    }

    /// Reads everything, and gives those alone whose entry is not as `known` has it, in the order of the anchors: at the cost of
    /// the read, and no memory for everyone. `request` and `progress`: as for a read.
    ///
    /// # Errors
    /// Where the read did not come to its end: then nothing is known.
    async fn compare(
        &mut self,
        request: &ReadRequest,
        known: Vec<KnownEntry>,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Compared, ReadError> {
        let _ = (request, known, progress);
        Ok(Compared::Untold("this directory is read whole".to_owned()))
    }

    /// Who is in the groups of the config, of the people in `roster`; nobody's entry is read. `request`: as for a read.
    ///
    /// # Errors
    /// Where the answer did not come whole: then nothing is known.
    async fn groups(&mut self, request: &ReadRequest, roster: &mut dyn Roster) -> Result<Listed, ReadError> {
        let _ = (request, roster);
        Ok(Listed::Untold("this directory can only be read whole".to_owned()))
    }

    /// Looks for people who were not in the last snapshot, by anchor, wherever they are; one answer for each asked.
    ///
    /// # Errors
    /// Where a lookup failed: then nobody is known to be gone.
    async fn locate(&mut self, missing: &[Missing], now: Timestamp)
    -> Result<BTreeMap<Anchor, Whereabouts>, ReadError>;

    /// Looks for people who may have changed; whoever a read would show comes as `Overlooked`, whatever their standing.
    ///
    /// # Errors
    /// As `locate`.
    async fn look(&mut self, people: &[Missing], now: Timestamp) -> Result<BTreeMap<Anchor, Whereabouts>, ReadError> {
        self.locate(people, now).await
    }

    /// Adds to the watermark of the last whole read what was learnt since, of groups and of people who were looked for: another
    /// server has to know of that, too.
    fn vouch(&self, read: &mut Watermark) {
        let _ = read;
    }

    /// Tries each thing a cycle needs, without changing anything. `pins`: the scope objects that a cycle would follow.
    async fn probe(&mut self, pins: &Pins) -> Probed;

    /// Looks somebody up by anchor, DN, user name or mail address, else by display name, for a person who asks. `pins`: as for a read.
    ///
    /// # Errors
    /// Where it could not be asked.
    async fn seek(&mut self, name: &str, pins: &Pins, now: Timestamp) -> Result<Vec<Sought>, ReadError>;

    /// Keeps watch beside the cycles from now on, where the server pushes changes, and tells of them; None ends it. `known`: up to
    /// where the last whole read saw everything.
    fn watch(&mut self, pushes: Option<&Pushes>, known: Option<Watermark>) {
        let _ = (pushes, known);
    }

    /// What the server said where the watch showed the credentials and they were refused, by which it ended.
    fn watch_refusal(&self) -> Option<String> {
        None
    }

    /// Ends the connection: a long apply must not hold it.
    async fn close(&mut self);
}

/// A backend that did not do what was asked.
#[derive(Debug, Error)]
#[error("{doing}")]
pub struct BackendError {
    pub doing: String,
    pub persistence: Persistence,
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What a decision is about is not there. As the `source` of a `BackendError` it says so by its type.
#[derive(Debug, Error)]
#[error("there is no such account")]
pub struct NoAccount;

impl BackendError {
    /// Whether the backend has no account of somebody who was decided on.
    #[must_use]
    pub fn is_no_account(&self) -> bool {
        self.source.as_ref().is_some_and(|source| source.is::<NoAccount>())
    }
}

/// What a backend does by itself. What it does not, the agent does, or goes without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// It keeps the queue and settles its pools; else the agent does (`backend::queue`).
    pub allocates: bool,
    /// It knows how many seats were bought; else the config says it.
    pub counts_seats: bool,
    /// Steps that it takes at once; a longer wave is sent in parts.
    pub batch: usize,
    /// The same again, after an answer was lost, changes nothing.
    pub idempotent: bool,
    /// One account gives a seat up for another in one step.
    pub swaps: bool,
    /// An account that is suspended keeps its seats; else it loses them.
    pub suspended_keeps_seat: bool,
    /// It says what a batch would come to without carrying it out.
    pub validates: bool,
}

/// The licensing system of one company.
#[async_trait]
pub trait Backend: Send {
    fn capabilities(&self) -> Capabilities;

    /// What the steps of a batch would come to, each as if those before it had been done. Changes nothing. Only where
    /// `validates`: others say nothing.
    ///
    /// # Errors
    /// Where the backend cannot be asked.
    async fn validate(&mut self, batch: &Batch) -> Result<Vec<Outcome>, BackendError> {
        let _ = batch;
        Ok(Vec::new())
    }

    /// Tries, without changing anything, what a cycle needs besides reading.
    async fn probe(&mut self) -> Vec<Probe> {
        Vec::new()
    }

    /// Takes the lease, or keeps it, so that no other agent of the company writes beside this one: everything that
    /// `apply` sends until the next call is sent under it. `insist`: a person asked, so what was refused is asked again.
    /// Where one agent alone can write there is none, and it is always ours.
    ///
    /// # Errors
    /// Where the backend cannot be asked, or refuses.
    async fn lease(&mut self, insist: bool) -> Result<Lease, BackendError> {
        let _ = insist;
        Ok(Lease::Ours { epoch: None, others: 0 })
    }

    /// Gives the lease back, so that another agent can work at once: this one ends.
    async fn end_lease(&mut self) {}

    /// Keeps watch from the first call on, beside the passes, and says with each whether one is due before its time.
    fn news(&mut self) -> News {
        News::None
    }

    /// Everything the backend knows of the company: complete, or an error.
    ///
    /// # Errors
    /// Where any part could not be read.
    async fn read(&mut self) -> Result<BackendState, BackendError>;

    /// Names how things are once everything was read, and the batches of this pass were carried out; None where anybody else
    /// changed anything meanwhile, or that cannot be told.
    fn generation(&self) -> Option<u64> {
        None
    }

    /// All but the accounts, as it is now, where things are still as this names them: then its accounts are as they were
    /// answered. None: that is not so, or cannot be told.
    ///
    /// # Errors
    /// Where the backend cannot be asked.
    async fn unchanged(&mut self, generation: u64) -> Result<Option<BackendState>, BackendError> {
        let _ = generation;
        Ok(None)
    }

    /// Names how things are now, for a process that begins later; None where `generation` names them no more, or no name would
    /// outlive this process.
    async fn seal(&mut self) -> Option<String> {
        None
    }

    /// The generation of now, where things are still as the seal of an earlier process names them.
    ///
    /// # Errors
    /// Where the backend cannot be asked.
    async fn unsealed(&mut self, seal: &str) -> Result<Option<u64>, BackendError> {
        let _ = seal;
        Ok(None)
    }

    /// The moment of what was last read or answered: a number that grows with every change of the company. None where the
    /// backend has none, or said nothing yet.
    fn moment(&self) -> Option<u64> {
        None
    }

    /// When the change of this number was made, as far as the backend still knows: another time than it said before is that
    /// of another history. None where it has no moments, or forgot this one.
    ///
    /// # Errors
    /// Where the backend cannot be asked.
    async fn moment_made(&mut self, moment: u64) -> Result<Option<Timestamp>, BackendError> {
        let _ = moment;
        Ok(None)
    }

    /// What was read is doubted: the next lease is a new one, and what is read under it must show it.
    async fn doubt(&mut self) {}

    /// Carries out a batch and says how each step went. The same key again gets the stored answer.
    ///
    /// # Errors
    /// Where it is not known what happened: ask `answer` with the key.
    async fn apply(&mut self, batch: &Batch) -> Result<Answer, BackendError>;

    /// What was answered to the batch of this key, if it ever arrived.
    ///
    /// # Errors
    /// Where the backend cannot be asked.
    async fn answer(&mut self, key: &str) -> Result<Option<Answer>, BackendError>;

    /// Carries out what people decided of the queue, without settling it: the cycle that follows does.
    ///
    /// # Errors
    /// Where a decision could not be stored.
    async fn decide(&mut self, decisions: &[Decision], at: Timestamp) -> Result<(), BackendError>;

    /// The same under a key. Where the backend settles at once it says what changed; else the answer is empty.
    ///
    /// # Errors
    /// As `decide`; where it is not known what happened, ask `decided` with the key.
    async fn decide_keyed(&mut self, key: &str, decisions: &[Decision], at: Timestamp) -> Result<Answer, BackendError> {
        let _ = key;
        self.decide(decisions, at).await?;
        Ok(Answer::default())
    }

    /// What came of the decisions of this key, if they ever arrived. A backend in this process always answered.
    ///
    /// # Errors
    /// Where the backend cannot be asked.
    async fn decided(&mut self, key: &str) -> Result<Option<Answer>, BackendError> {
        let _ = key;
        Ok(None)
    }

    /// Remembers that a person let changes through, so that losing our state does not lose it. The same fingerprint again
    /// replaces what was let through by it; nothing ends it.
    ///
    /// # Errors
    /// Where it could not be stored.
    async fn confirm(&mut self, confirmation: &Confirmation) -> Result<(), BackendError>;

    /// Makes the account of one person that of another (`relink OLD NEW`).
    ///
    /// # Errors
    /// Where there is no such account, or the new owner has one.
    async fn relink(&mut self, old: &PersonId, new: &PersonId) -> Result<(), BackendError>;
}

/// Whether a pass is due before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    None,
    /// Another hand changed something, the lease came to this agent, or the backend does not answer any more.
    Some,
    /// It answers again: no rest that a failure began need be waited for. Said once.
    Back,
}

/// People, once each.
pub type People = BTreeSet<PersonId>;
