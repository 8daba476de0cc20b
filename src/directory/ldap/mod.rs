//! Reading people from an LDAP server: whole, or not counted as whole.
//!
//! `servers` says whom to try, `connect` and `session` open a bound connection; `search` and `page` ask; `decode` takes apart what comes; `read` is
//! one full read, `compare` one that takes in nobody who is as before, `follow` asks what changed, `locate` a lookup of people who were missing, `watch` tells of
//! changes as they happen, `seek` looks somebody up by name for a person who asks, `probe` is a try of everything.

mod access;
mod acquainted;
mod bind;
mod budget;
mod certificate;
mod compare;
mod connect;
mod decode;
mod failure;
mod family;
mod filter;
mod follow;
mod kerberos;
mod locate;
mod members;
mod page;
mod people;
mod places;
mod position;
mod probe;
mod range;
mod read;
mod reference;
mod replication;
mod scope;
mod search;
mod seek;
mod servers;
mod session;
mod survey;
mod tls;
mod url;
mod watch;

pub use self::certificate::Certificate;
pub use self::survey::{Catalogue, Greeting, GroupFound, Unmet, greet, survey};

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;

use self::budget::Budget;
use self::locate::Locator;
use self::page::Granted;
use self::probe::Prober;
use self::read::{Draft, Read};
use self::replication::Rests;
use self::session::Session;
use self::watch::{Seen, Watch, Watcher};
use crate::model::memory::KnownEntry;
use crate::model::settings::{DirectorySettings, LdapSettings};
use crate::model::snapshot::{
    Compared, Followed, Listed, Pin, Role, ScopeKey, Snapshot, Sought, Watermark, Whereabouts,
};
use crate::model::{Anchor, Dn, Name};
use crate::ports::{Directory, Missing, Persistence, Pins, Probe, Probed, Pushes, ReadError, ReadRequest, Roster};
use crate::retry::{Policy, with_retries};

/// A read may take this many timeouts, besides what each entry adds; a lookup half of it.
const TIMEOUTS_A_READ: u32 = 10;
const TIMEOUTS_A_LOOKUP: u32 = 5;
const TIMEOUTS_A_SEARCH: u32 = 2;

/// A directory behind LDAP servers.
pub struct LdapDirectory {
    settings: DirectorySettings,
    ldap: LdapSettings,
    keys: Vec<ScopeKey>,
    /// Kept from a read that went well, for the lookups that follow it.
    session: Option<Session>,
    /// Where the last complete read searched.
    bases: Vec<Dn>,
    /// The server that was last read.
    server: Option<String>,
    /// What lookups since the last read rest on, and groups that were walked.
    rests: Rests,
    /// Of each server that cuts pages, how large they may be.
    granted: Granted,
    watch: Option<Watch>,
}

impl LdapDirectory {
    /// A directory that is not connected yet. `groups` are the DNs of all its groups that decide anything: those of the
    /// scope, excluded ones, those of pools and of priorities.
    #[must_use]
    pub fn new(settings: DirectorySettings, ldap: LdapSettings, groups: impl IntoIterator<Item = Arc<str>>) -> Self {
        let bases = settings.bases.iter().map(|dn| ScopeKey { role: Role::Base, dn: Arc::clone(dn) });
        let own = settings.groups.iter().chain(&settings.exclude_groups).map(Arc::clone);
        let groups = own.chain(groups).map(|dn| ScopeKey { role: Role::Group, dn });
        let keys: BTreeSet<ScopeKey> = bases.chain(groups).collect();
        let bases = settings.bases.iter().filter_map(|base| Dn::parse(base).ok()).collect();
        let (keys, rests, granted) = (keys.into_iter().collect(), Rests::default(), Granted::default());
        Self { settings, ldap, keys, session: None, bases, server: None, rests, granted, watch: None }
    }

    /// Refuses a config that names no place to search: nobody found there would mean that everybody is gone.
    fn has_bases(&self) -> Result<(), ReadError> {
        if self.settings.bases.is_empty() {
            let doing = format!("Will not read the directory {:?}: it has no `base`. Name one", &*self.settings.name);
            return Err(ReadError { doing, advice: None, persistence: Persistence::Permanent, source: None });
        }
        Ok(())
    }

    /// Each base and group of the config that a cycle could not go by, with what may be meant instead.
    ///
    /// # Errors
    /// Where no server could be asked.
    pub async fn unseen(&self) -> Result<Vec<Probe>, ReadError> {
        let budget = Budget::new(self.ldap.timeout, TIMEOUTS_A_LOOKUP);
        let session = Session::open(&self.ldap, self.settings.kind, None, &budget).await?;
        let pins = BTreeMap::new();
        let probes = self.prober(&pins).unseen(&session, &budget).await;
        session.connection.close().await;
        probes
    }

    fn prober<'a>(&'a self, pins: &'a BTreeMap<ScopeKey, Pin>) -> Prober<'a> {
        let (settings, ldap, keys) = (&self.settings, &self.ldap, &*self.keys);
        Prober { settings, ldap, keys, pins, servers: Vec::new(), probes: Vec::new(), bound: None }
    }

    /// The session that is there, or one with another server than `failed`, where there is another.
    async fn session(&mut self, failed: Option<&str>, budget: &Budget) -> Result<Session, ReadError> {
        let session = match self.session.take() {
            Some(session) => session,
            None => Session::open(&self.ldap, self.settings.kind, failed, budget).await?.knowing(&self.granted),
        };
        self.server = Some(session.connection.url.clone());
        Ok(session)
    }

    /// Looks for people, with retries.
    async fn find(
        &mut self,
        missing: &[Missing],
        any_standing: bool,
        now: Timestamp,
    ) -> Result<BTreeMap<Anchor, Whereabouts>, ReadError> {
        if missing.is_empty() {
            return Ok(BTreeMap::new());
        }
        let policy = Policy::for_timeout(self.ldap.timeout);
        let budget = Budget::new(self.ldap.timeout, TIMEOUTS_A_LOOKUP);
        let mut locating = Locating { directory: self, missing, any_standing, now, budget: &budget, failed: None };
        with_retries(&policy, None, &mut locating, may_pass, |locating, _| Box::pin(locating.attempt())).await
    }
}

/// The tries of one full read.
struct Reading<'a> {
    directory: &'a mut LdapDirectory,
    request: &'a ReadRequest,
    progress: &'a (dyn Fn(u64) + Send + Sync),
    budget: &'a Arc<Budget>,
    /// The server of the try before.
    failed: Option<String>,
    /// The fullest so far.
    draft: Draft,
    /// What the first try said that broke off.
    problem: Option<String>,
}

impl Reading<'_> {
    /// One read from its beginning, on a connection of its own.
    async fn attempt(&mut self) -> Result<(), ReadError> {
        self.directory.session = None;
        let session = self.directory.session(self.failed.as_deref(), self.budget).await?;
        self.failed = Some(session.connection.url.clone());
        let read = Read {
            settings: &self.directory.settings,
            page_size: self.directory.ldap.page_size,
            keys: &self.directory.keys,
            request: self.request,
            progress: self.progress,
            budget: self.budget,
        };
        let mut draft = Draft::default();
        let outcome = read.run(&session, &mut draft).await;
        if outcome.is_ok() {
            self.directory.bases.clone_from(&draft.bases);
            self.directory.session = Some(session);
        }
        if outcome.is_ok() || draft.has_people() || !self.draft.has_people() {
            self.draft = draft;
        }
        outcome
    }
}

/// The tries of one lookup.
struct Locating<'a> {
    directory: &'a mut LdapDirectory,
    missing: &'a [Missing],
    /// Whoever a read would show is told as such, though they left.
    any_standing: bool,
    now: Timestamp,
    budget: &'a Budget,
    failed: Option<String>,
}

impl Locating<'_> {
    async fn attempt(&mut self) -> Result<BTreeMap<Anchor, Whereabouts>, ReadError> {
        let session = self.directory.session(self.failed.as_deref(), self.budget).await?;
        self.failed = Some(session.connection.url.clone());
        let (settings, bases) = (&self.directory.settings, &self.directory.bases);
        let locator = Locator::new(&session, settings, bases, self.now, self.budget).of_any_standing(self.any_standing);
        let (found, rests) = locator.all(self.missing).await?;
        self.directory.rests.join(rests);
        self.directory.session = Some(session);
        Ok(found)
    }
}

fn may_pass(error: &ReadError) -> bool {
    error.persistence == Persistence::Transient
}

#[async_trait]
impl Directory for LdapDirectory {
    fn name(&self) -> &Name {
        &self.settings.name
    }

    async fn read(
        &mut self,
        request: &ReadRequest,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Snapshot, ReadError> {
        self.has_bases()?;
        self.rests = Rests::default();
        let policy = Policy::for_timeout(self.ldap.timeout);
        let budget = Arc::new(Budget::new(self.ldap.timeout, TIMEOUTS_A_READ));
        let name = Arc::clone(&self.settings.name);
        let draft = Draft::default();
        let mut reading =
            Reading { directory: self, request, progress, budget: &budget, failed: None, draft, problem: None };
        let outcome = with_retries(&policy, None, &mut reading, may_pass, |reading, attempt| {
            Box::pin(async move {
                let outcome = reading.attempt().await;
                if let Err(error) = &outcome {
                    tracing::debug!(directory = %reading.directory.settings.name, attempt, "{}", error.doing);
                    reading.problem.get_or_insert_with(|| error.doing.clone());
                }
                outcome
            })
        })
        .await;
        let Reading { mut draft, problem, .. } = reading;
        // What no further try mended is said by whoever asked for the read.
        if let Some(problem) = problem.filter(|_| outcome.is_ok()) {
            tracing::warn!(name: "directory.retried", directory = %name, problem, "A read broke off, was made again, and came to its end.");
        }
        match outcome {
            Err(error) if error.persistence == Persistence::Credentials || !draft.has_people() => return Err(error),
            Err(error) => draft.blame(error.doing),
            Ok(()) => {}
        }
        Ok(draft.finish(name, request.now))
    }

    /// Tried once: where it fails everything is read, and tried again.
    async fn follow(&mut self, request: &ReadRequest) -> Result<Followed, ReadError> {
        let budget = Budget::new(self.ldap.timeout, TIMEOUTS_A_READ);
        let session = self.session(None, &budget).await?;
        let asked = follow::Asked { settings: &self.settings, keys: &self.keys, request };
        let followed = follow::changes(&session, &asked, &budget).await?;
        self.session = Some(session);
        Ok(followed)
    }

    /// Tried once, as `follow`.
    async fn compare(
        &mut self,
        request: &ReadRequest,
        known: Vec<KnownEntry>,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Compared, ReadError> {
        self.has_bases()?;
        self.rests = Rests::default();
        let budget = Arc::new(Budget::new(self.ldap.timeout, TIMEOUTS_A_READ));
        let session = self.session(None, &budget).await?;
        self.bases = scope::pinned_bases(&self.keys, &request.pins);
        let asked = follow::Asked { settings: &self.settings, keys: &self.keys, request };
        let how = compare::How { page_size: self.ldap.page_size, bases: &self.bases, progress, budget: &budget };
        let compared = compare::run(&session, &asked, &how, known).await?;
        self.session = Some(session);
        Ok(compared)
    }

    /// Tried once, as `follow`.
    async fn groups(&mut self, request: &ReadRequest, roster: &mut dyn Roster) -> Result<Listed, ReadError> {
        let budget = Budget::new(self.ldap.timeout, TIMEOUTS_A_READ);
        let session = self.session(None, &budget).await?;
        let asked = follow::Asked { settings: &self.settings, keys: &self.keys, request };
        let (listed, rests) = follow::groups(&session, &asked, roster, &budget).await?;
        self.rests.join(rests);
        self.session = Some(session);
        Ok(listed)
    }

    async fn locate(
        &mut self,
        missing: &[Missing],
        now: Timestamp,
    ) -> Result<BTreeMap<Anchor, Whereabouts>, ReadError> {
        self.find(missing, false, now).await
    }

    async fn look(&mut self, people: &[Missing], now: Timestamp) -> Result<BTreeMap<Anchor, Whereabouts>, ReadError> {
        self.find(people, true, now).await
    }

    /// Tried once, and briefly: a person waits for the answer.
    async fn seek(&mut self, name: &str, pins: &Pins, now: Timestamp) -> Result<Vec<Sought>, ReadError> {
        let followed = scope::pinned_bases(&self.keys, pins);
        let bases = if followed.is_empty() { self.bases.clone() } else { followed };
        let budget = Budget::new(self.ldap.timeout, TIMEOUTS_A_SEARCH);
        let session = self.session(None, &budget).await?;
        let found = seek::entries(&session, &self.settings, &bases, (name, now), &budget).await;
        self.session = Some(session);
        found
    }

    fn vouch(&self, read: &mut Watermark) {
        self.rests.note_in(read);
    }

    async fn probe(&mut self, pins: &BTreeMap<ScopeKey, Pin>) -> Probed {
        self.prober(pins).run().await
    }

    fn watch(&mut self, pushes: Option<&Pushes>, known: Option<Watermark>) {
        let Some(pushes) = pushes else {
            self.watch = None;
            return;
        };
        let seen = Seen { server: self.server.clone(), mark: known };
        match &self.watch {
            Some(watch) => watch.tell(seen),
            None => {
                let (settings, ldap, keys) = (self.settings.clone(), self.ldap.clone(), self.keys.clone());
                self.watch = Some(Watch::begin(Watcher { settings, ldap, keys, pushes: pushes.clone() }, seen));
            }
        }
    }

    fn watch_refusal(&self) -> Option<String> {
        self.watch.as_ref().and_then(Watch::refusal)
    }

    async fn close(&mut self) {
        if let Some(session) = self.session.take() {
            session.connection.close().await;
        }
    }
}

#[cfg(test)]
mod tests;
