//! The memory between cycles, as the core asks for it. One implementation: `state`, a file.
//!
//! Every method fails where the state cannot be read or written; after a failed write it is as it was before.
#![expect(clippy::missing_errors_doc, reason = "said once, above")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use jiff::Timestamp;
use thiserror::Error;

use crate::model::change::{Answer, Batch, Confirmation};
use crate::model::lease::{Moment, Standby};
use crate::model::memory::{
    CycleRecord, Heartbeat, Held, Known, KnownEntry, MirrorUpdate, OpenBatch, RefusedBind, Remembered, Request,
    RequestId, Taken,
};
use crate::model::notice::{News, Parcel, Told};
use crate::model::snapshot::{Members, Nested, Pin, ScopeKey, Watermark};
use crate::model::{Account, Anchor, Digest, Dn, Name, PersonId, Profile};

/// The state could not be read or written. None of these is the same as a state that is not there.
#[derive(Debug, Error)]
pub enum StateError {
    /// Cannot be done now: no right, no room, or another process holds the file too long.
    #[error("{doing}")]
    Failed {
        /// What we were doing, to what, and what to do about it.
        doing: String,
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// What lies there is damaged, or was never ours.
    #[error(
        "the state {} cannot be read while {doing}; it was kept as it is: restore a backup, or move the file away to \
         start without a memory",
        path.display()
    )]
    Unreadable {
        path: PathBuf,
        doing: String,
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// A newer version of the program wrote it.
    #[error(
        "the state {} has version {found}, and this program knows versions up to {known}; it was kept as it is: start \
         the newer program again",
        path.display()
    )]
    Newer { path: PathBuf, found: u32, known: u32 },
    /// An older version of the program wrote it, and is running.
    #[error(
        "the state {} has version {found}, and the agent that runs on it is older than this program: restart the agent",
        path.display()
    )]
    Older { path: PathBuf, found: u32 },
}

/// What is known of each directory.
pub trait Mirror: Send {
    /// Everyone known of a directory, by anchor.
    fn load(&self, directory: &str) -> Result<Vec<Known>, StateError>;

    /// Where these entries were last, as text; those who are not known are left out.
    fn dns(&self, directory: &str, anchors: &[Anchor]) -> Result<BTreeMap<Anchor, String>, StateError>;

    /// Scope objects found before.
    fn pins(&self, directory: &str) -> Result<BTreeMap<ScopeKey, Pin>, StateError>;

    /// Groups within groups, as the last read that walked them left them.
    fn nested(&self, directory: &str) -> Result<Vec<Nested>, StateError>;

    /// Where everyone known of a directory was last, as text.
    fn places(&self, directory: &str, visit: &mut dyn FnMut(Anchor, &str)) -> Result<(), StateError>;

    /// DNs that groups listed when they were last read, though somebody had left them; and who.
    fn former(&self, directory: &str) -> Result<Vec<(Anchor, Dn)>, StateError>;

    /// Who of these was listed by user id when groups were last read, and by which, where that is known.
    fn listed_by_uid(
        &self,
        directory: &str,
        anchors: &[Anchor],
    ) -> Result<BTreeMap<Anchor, Option<String>>, StateError>;

    /// Who was listed by one of these user ids when groups were last read, had it then or before, and by which.
    fn had_uid(&self, directory: &str, uids: &[&str]) -> Result<Vec<(Anchor, String)>, StateError>;

    /// Where the last complete read began.
    fn watermark(&self, directory: &str) -> Result<Option<Watermark>, StateError>;

    /// Stores a read, whole or not at all.
    fn store(&mut self, directory: &Name, update: &MirrorUpdate<'_>) -> Result<(), StateError>;

    /// Stores that no server of a directory could be reached.
    fn unreached(&mut self, directory: &Name, problem: &str, at: Timestamp) -> Result<(), StateError>;

    /// The credential last refused (LDAP 49), if none was accepted since.
    fn refused_bind(&self, directory: &str) -> Result<Option<RefusedBind>, StateError>;

    /// Stores which credential was refused, or that one was accepted.
    fn set_refused_bind(&mut self, directory: &Name, refused: Option<&RefusedBind>) -> Result<(), StateError>;
}

/// The backend's accounts as last known.
pub trait Accounts: Send {
    /// Every managed account.
    fn remembered(&self) -> Result<BTreeMap<PersonId, Remembered>, StateError>;

    /// People whose whole account another hand deleted: not recreated until approved (rule 13).
    fn taken(&self) -> Result<BTreeMap<PersonId, Taken>, StateError>;

    /// Stores all accounts that the backend has, and whose account another hand deleted since the last time.
    fn observe(&mut self, accounts: &[Account], taken: &[PersonId], at: Timestamp) -> Result<(), StateError>;

    /// Stores all accounts as another agent of the company left them: what is gone it gave up or removed, but for the
    /// accounts of these people, which another hand deleted.
    fn inherit(&mut self, accounts: &[Account], taken: &[PersonId], at: Timestamp) -> Result<(), StateError>;

    /// The managed accounts that are known and differ from these, each as it was and as it is; none where it is gone. Only
    /// those that differ are read.
    fn differing(&self, accounts: &[Account]) -> Result<Vec<(Account, Option<Account>)>, StateError>;

    /// Lets the agent create these people's accounts again, each with an approval for a pool, or for every pool; kept until
    /// the account is there.
    fn give_back(&mut self, approved: &[(PersonId, Option<Name>)]) -> Result<(), StateError>;

    /// Follows the backend's `relink`: what is remembered of the one is remembered of the other.
    fn relinked(&mut self, old: &PersonId, new: &PersonId) -> Result<(), StateError>;
}

/// Of what is known, the part that a delta cycle asks for: found by index, whatever else there is.
pub trait Excerpts: Send {
    /// What is known of these people of a directory, by anchor.
    fn known(&self, directory: &str, anchors: &[Anchor]) -> Result<Vec<Known>, StateError>;

    /// How everyone's entry looked who is known of a directory, by anchor.
    fn entries(&self, directory: &str) -> Result<Vec<KnownEntry>, StateError>;

    /// By what groups named these people when they were last read: `Sighting::naming`; nothing of who was not there.
    fn namings(&self, directory: &str, anchors: &[Anchor]) -> Result<BTreeMap<Anchor, Digest>, StateError>;

    /// How many of these people were wished for when the mirror was last written.
    fn wished(&self, directory: &str, anchors: &[Anchor]) -> Result<u64, StateError>;

    /// Which of these people each group of the config has as members; every group that was read is there.
    fn members_of(&self, directory: &str, anchors: &[Anchor]) -> Result<BTreeMap<ScopeKey, Members>, StateError>;

    /// Who lies at each of these places, as far as it was read; same order, same length.
    fn at(&self, directory: &str, dns: &[&Dn]) -> Result<Vec<Option<Anchor>>, StateError>;

    /// Whose user id this is, folded; whose `primaryGroupID`.
    fn with_uid(&self, directory: &str, uid: &str) -> Result<Vec<Anchor>, StateError>;
    fn with_primary_group(&self, directory: &str, token: u32) -> Result<Vec<Anchor>, StateError>;

    /// Who was there when last read, and is not among these.
    fn absent(&self, directory: &str, there: &BTreeSet<Anchor>) -> Result<Vec<Anchor>, StateError>;

    /// Who is in one of these groups and was not when they were last stored, or the other way round, or by another way.
    fn regrouped(&self, directory: &str, groups: &BTreeMap<ScopeKey, Members>) -> Result<BTreeSet<Anchor>, StateError>;

    /// Whose entry has an expiry that has come due.
    fn due(&self, directory: &str, by: Timestamp) -> Result<Vec<Anchor>, StateError>;

    /// Whoever has not just what is asked for: who waits, cannot be served, or is kept as a leaver.
    fn open(&self) -> Result<BTreeSet<PersonId>, StateError>;

    /// Stores who that is now, of everyone or of these.
    fn set_open(&mut self, of: Option<&BTreeSet<PersonId>>, open: &BTreeSet<PersonId>) -> Result<(), StateError>;

    /// Whose entry or account has a unique value of one of these profiles, whatever its case.
    fn sharing(&self, profiles: &[&Profile]) -> Result<BTreeSet<PersonId>, StateError>;

    /// All accounts that nobody manages.
    fn strangers(&self) -> Result<Vec<Account>, StateError>;

    /// The accounts of these people as last answered.
    fn accounts_of(&self, people: &BTreeSet<PersonId>) -> Result<Vec<Account>, StateError>;

    /// What `remembered` says of these.
    fn remembered_of(&self, people: &BTreeSet<PersonId>) -> Result<BTreeMap<PersonId, Remembered>, StateError>;
}

/// What is about to be done to the backend (rule 17).
pub trait Journal: Send {
    /// Stores the whole plan, before its first change is sent.
    fn begin(&mut self, cycle: u64, batches: &[Batch]) -> Result<(), StateError>;

    /// Stores that a batch is about to be sent: from here on it may have happened.
    fn sent(&mut self, key: &str) -> Result<(), StateError>;

    /// Stores the outcome of a batch, and the accounts as they are after it, in one step.
    fn finished(&mut self, key: &str, answer: &Answer) -> Result<(), StateError>;

    /// Batches without an outcome, in the order of their plans.
    fn open_batches(&self) -> Result<Vec<OpenBatch>, StateError>;

    /// Forgets a batch of which nothing happened.
    fn drop_batch(&mut self, key: &str) -> Result<(), StateError>;

    /// Stores that decisions are about to be sent under this key: from here on they may have been carried out.
    fn decision_sent(&mut self, key: &str) -> Result<(), StateError>;

    /// Stores what came of them, in one step: None where nothing did.
    fn decision_settled(&mut self, key: &str, answer: Option<&Answer>) -> Result<(), StateError>;

    /// Keys of decisions of which nobody heard what came.
    fn open_decisions(&self) -> Result<Vec<String>, StateError>;
}

/// What other verbs ask of the agent, and its signs of life.
pub trait Requests: Send {
    /// The oldest request that nobody took; taken from now on. One that was left for too long is forgotten.
    fn next_request(&mut self, now: Timestamp) -> Result<Option<(RequestId, Request)>, StateError>;

    /// Answers a request, in JSON.
    fn answer(&mut self, id: RequestId, answer: &str, now: Timestamp) -> Result<(), StateError>;

    /// Stores a sign of life.
    fn beat(&mut self, heartbeat: &Heartbeat) -> Result<(), StateError>;
}

/// What a cycle leaves to the next.
#[derive(Clone, Copy, Debug, Default)]
pub struct Left<'a> {
    /// The digest of the config that now holds everywhere; None where the last one stays.
    pub config: Option<&'a str>,
    /// What the next one can count on, for `baseline`.
    pub baseline: Option<&'a str>,
}

/// Past cycles, and what they left for the next.
pub trait History: Send {
    /// Starts a cycle and gives it its number, from 1 without gaps: one that came to no end leaves its number to the next. What
    /// the last one left to count on is forgotten.
    fn begin_cycle(&mut self, started: Timestamp) -> Result<u64, StateError>;

    /// Ends a cycle and replaces what is held back, in one step. `news`: what is to be sent, and what counts as told; None:
    /// nobody is told anything, and what was not sent yet is forgotten.
    fn finish_cycle(
        &mut self,
        cycle: &CycleRecord,
        held: Option<&Held>,
        left: Left<'_>,
        news: Option<&News>,
    ) -> Result<(), StateError>;

    /// What the last cycle left to count on, as it was given.
    fn baseline(&self) -> Result<Option<String>, StateError>;

    /// Forgets it: something was changed beside the cycles.
    fn forget_baseline(&mut self) -> Result<(), StateError>;

    /// What was told so far; nothing at first.
    fn told(&self) -> Result<Told, StateError>;

    /// The config of the last cycle that carried one through: another one forces a full cycle.
    fn config_digest(&self) -> Result<Option<String>, StateError>;

    /// What is held back now.
    fn held(&self) -> Result<Option<Held>, StateError>;

    /// Keeps a copy of a confirmation, beside the backend's.
    fn keep_confirmation(&mut self, confirmation: &Confirmation) -> Result<(), StateError>;

    /// Confirmations that still hold.
    fn confirmations(&self, now: Timestamp) -> Result<Vec<Confirmation>, StateError>;
}

/// Messages that were not sent yet.
pub trait Outbox: Send {
    /// All, the oldest first.
    fn parcels(&self) -> Result<Vec<Parcel>, StateError>;

    /// Forgets one that was sent, or is given up.
    fn parcel_done(&mut self, id: i64) -> Result<(), StateError>;

    /// Stores that these are not tried before then, for one of them was and came to nothing.
    fn postpone_parcels(&mut self, ids: &[i64], next: Timestamp) -> Result<(), StateError>;

    /// Stores that a try came to nothing, and when the next is due. `refused`: the receiver does not take this one.
    fn parcel_failed(&mut self, id: i64, next: Timestamp, refused: bool) -> Result<(), StateError>;
}

/// Which agent of the company worked, and which stands by.
pub trait Succession: Send {
    /// The epoch of the lease under which what is remembered of accounts was learnt.
    fn epoch(&self) -> Result<Option<u64>, StateError>;

    /// From here on it is learnt under this one.
    fn set_epoch(&mut self, epoch: u64) -> Result<(), StateError>;

    /// The latest moment that the backend showed.
    fn moment(&self) -> Result<Option<Moment>, StateError>;

    /// From here on it is this one.
    fn set_moment(&mut self, moment: Moment) -> Result<(), StateError>;

    /// Stores that another agent works, or that this one does.
    fn set_standby(&mut self, standby: Option<&Standby>) -> Result<(), StateError>;
}

/// All of it.
pub trait Memory: Mirror + Excerpts + Accounts + Journal + Requests + History + Succession {}

impl<T: Mirror + Excerpts + Accounts + Journal + Requests + History + Succession> Memory for T {}
