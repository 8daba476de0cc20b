//! The first stage: every directory read, and everyone with an account who was not seen looked for.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use super::{CycleError, Parts};
use crate::desired::{self, Desired, Reading, accounts_of};
use crate::model::change::{BackendState, Confirmation};
use crate::model::memory::{Absence, Known, RefusedBind};
use crate::model::settings::Settings;
use crate::model::snapshot::{Found, Partial, Pin, ScopeKey, Snapshot, Whereabouts};
use crate::model::{Account, Anchor, Name};
use crate::plan::diff;
use crate::ports::{Missing, Persistence, ReadRequest, Stage, StateError};

/// A refused credential is not tried again by itself for so long: retries lock the account.
const REFUSED_FOR: SignedDuration = SignedDuration::from_hours(1);

/// One directory as this cycle found it.
#[derive(Debug)]
pub struct DirectoryRead {
    pub name: Name,
    /// None: nothing could be read.
    pub snapshot: Option<Snapshot>,
    pub located: BTreeMap<Anchor, Whereabouts>,
    pub known: KnownPeople,
    pub pins: BTreeMap<ScopeKey, Pin>,
    /// Why nothing could be read.
    pub problem: Option<String>,
    pub elapsed: Duration,
}

/// All directories, in the order of the config.
#[derive(Debug)]
pub struct Readings(pub Vec<DirectoryRead>);

impl Readings {
    /// The wishes that follow.
    #[must_use]
    pub fn desire<'a>(&'a self, settings: &'a Settings, accounts: &[Account], now: Timestamp) -> Desired<'a> {
        let pairs = settings.directories.iter().zip(&self.0);
        let reading = |(settings, read): (&'a _, &'a DirectoryRead)| {
            let snapshot = read.snapshot.as_ref()?;
            Some(Reading { settings, snapshot, located: &read.located, known: &read.known })
        };
        let readings: Vec<Reading<'a>> = pairs.filter_map(reading).collect();
        let unread = self.0.iter().filter(|read| read.snapshot.is_none()).map(|read| read.name.clone()).collect();
        desired::desire(settings, &readings, &unread, accounts, now)
    }

    /// Everything was read whole.
    #[must_use]
    pub fn are_complete(&self) -> bool {
        self.0.iter().all(|read| read.snapshot.as_ref().is_some_and(|snapshot| snapshot.partial.is_none()))
    }
}

/// People of one directory as the mirror knew them, by anchor.
#[derive(Debug, Default)]
pub struct KnownPeople(pub Vec<Known>);

impl KnownPeople {
    /// What is known of one person.
    #[must_use]
    pub fn get(&self, anchor: &Anchor) -> Option<&Known> {
        self.0.binary_search_by(|known| known.anchor.cmp(anchor)).ok().map(|index| &self.0[index])
    }
}

impl desired::Known for KnownPeople {
    fn first_seen(&self, anchor: &Anchor) -> Option<Timestamp> {
        self.get(anchor).map(|known| known.first_seen)
    }

    fn missed_before(&self, anchor: &Anchor) -> bool {
        use crate::model::LeaveCause::Deleted;
        let absence = self.get(anchor).and_then(|known| known.absence);
        matches!(absence, Some(Absence::Missing { .. } | Absence::Gone(Deleted)))
    }
}

/// Reads every directory. One that fails does not stop the others.
///
/// # Errors
/// Where the state cannot be read.
pub async fn read_all(parts: &mut Parts<'_>, current: &BackendState, now: Timestamp) -> Result<Readings, CycleError> {
    let mut reads = Vec::new();
    for index in 0..parts.directories.len() {
        reads.push(read_one(parts, index, current, now).await?);
        if parts.stop.as_ref().is_some_and(|stop| *stop.borrow()) {
            return Err(CycleError::Stopped);
        }
    }
    Ok(Readings(reads))
}

/// Ends every connection.
pub async fn close(parts: &mut Parts<'_>) {
    for source in parts.directories.iter_mut() {
        source.directory.close().await;
    }
}

async fn read_one(
    parts: &mut Parts<'_>,
    index: usize,
    current: &BackendState,
    now: Timestamp,
) -> Result<DirectoryRead, CycleError> {
    let clock = Instant::now();
    let name = parts.directories[index].directory.name().clone();
    let pins = confirmed_pins(parts.memory.pins(&name)?, &name, &current.confirmations, now);
    let mut read = DirectoryRead {
        snapshot: None,
        located: BTreeMap::new(),
        known: KnownPeople(parts.memory.load(&name)?),
        pins,
        problem: refused(parts, index, now)?,
        elapsed: Duration::ZERO,
        name,
    };
    if read.problem.is_none() {
        fetch(parts, index, &mut read, now).await?;
    }
    if read.snapshot.as_ref().is_some_and(|snapshot| snapshot.partial.is_none()) {
        locate(parts, index, current, &mut read, now).await?;
    }
    read.elapsed = clock.elapsed();
    if let Some(snapshot) = &read.snapshot {
        let (entries, located, complete) = (snapshot.entries, read.located.len(), snapshot.partial.is_none());
        tracing::debug!(directory = %read.name, server = snapshot.server, entries, located, complete, "A directory was read.");
    }
    Ok(read)
}

/// Why a credential that was refused is not tried again now.
fn refused(parts: &Parts<'_>, index: usize, now: Timestamp) -> Result<Option<String>, StateError> {
    let source = &parts.directories[index];
    let Some(refused) = parts.memory.refused_bind(source.directory.name())? else { return Ok(None) };
    let again = refused.at.saturating_add(REFUSED_FOR).unwrap_or(refused.at);
    if parts.asked.by_person || refused.credentials != source.credentials || again <= now {
        return Ok(None);
    }
    let message = "the server refused the bind credentials, and trying them again could lock the account: correct \
                   bind_dn or bind_password, then `seatsync sync`; tried again by itself at";
    Ok(Some(format!("{message} {again}")))
}

async fn fetch(
    parts: &mut Parts<'_>,
    index: usize,
    read: &mut DirectoryRead,
    now: Timestamp,
) -> Result<(), CycleError> {
    let request = ReadRequest { now, pins: read.pins.clone(), watermark: parts.memory.watermark(&read.name)? };
    tracing::debug!(directory = %read.name, full = parts.asked.full, "Reading everything: no pass follows changes only.");
    let source = &mut parts.directories[index];
    let progress = parts.progress;
    let tell = |entries| progress.tell(Stage::Reading { directory: &read.name, entries });
    let result = tokio::select! {
        result = source.directory.read(&request, &tell) => result,
        () = stopped(parts.stop.as_mut()) => return Err(CycleError::Stopped),
    };
    match result {
        Ok(snapshot) => {
            let (entries, complete) = (snapshot.entries, snapshot.partial.is_none());
            progress.tell(Stage::Read { directory: &read.name, entries, complete });
            read.snapshot = Some(snapshot);
            parts.memory.set_refused_bind(&read.name, None)?;
        }
        Err(error) => {
            tracing::warn!(directory = %read.name, error = %error, "A directory could not be read; its people keep what they have.");
            if error.persistence == Persistence::Credentials {
                let refused = RefusedBind { credentials: source.credentials, at: now };
                parts.memory.set_refused_bind(&read.name, Some(&refused))?;
            }
            read.problem = Some(with_causes(&error));
        }
    }
    Ok(())
}

/// Ready once a stop was asked for; never, where nobody can ask.
async fn stopped(stop: Option<&mut watch::Receiver<bool>>) {
    if let Some(stop) = stop
        && stop.wait_for(|stop| *stop).await.is_ok()
    {
        return;
    }
    std::future::pending::<()>().await;
}

/// An error with all its causes, in one line.
#[must_use]
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

/// Looks for everyone with an account who was not seen and about whom something may have to be decided.
async fn locate(
    parts: &mut Parts<'_>,
    index: usize,
    current: &BackendState,
    read: &mut DirectoryRead,
    now: Timestamp,
) -> Result<(), CycleError> {
    let Some(snapshot) = read.snapshot.as_mut() else { return Ok(()) };
    let missing = missing(parts.settings, accounts_of(&current.accounts, &read.name), snapshot, now);
    if missing.is_empty() {
        return Ok(());
    }
    let mut dns = parts.memory.dns(&read.name, &missing)?;
    let missing: Vec<Missing> = missing.into_iter().map(|anchor| Missing { anchor, dn: dns.remove(&anchor) }).collect();
    let result = tokio::select! {
        result = parts.directories[index].directory.locate(&missing, now) => result,
        () = stopped(parts.stop.as_mut()) => return Err(CycleError::Stopped),
    };
    match result {
        Ok(located) => read.located = located,
        Err(error) => {
            let looked = missing.len();
            snapshot.partial = Some(Partial {
                message: format!(
                    "looking for {looked} people who were not in the read failed: {}",
                    with_causes(&error)
                ),
            });
        }
    }
    if let Some(partial) = overlooked(&read.located) {
        snapshot.partial = Some(partial);
    }
    Ok(())
}

/// Owners of accounts who were not seen: those not suspended, and those who may be removed now.
fn missing(settings: &Settings, accounts: &[Account], snapshot: &Snapshot, now: Timestamp) -> Vec<Anchor> {
    let wanted = |account: &&Account| account.suspension.is_none() || diff::removal_due(settings, account, now);
    let mut missing: BTreeSet<Anchor> =
        accounts.iter().filter(wanted).filter_map(|account| account.owner.as_ref()).map(|owner| owner.anchor).collect();
    for sighting in &snapshot.people {
        if missing.is_empty() {
            break;
        }
        missing.remove(&sighting.anchor);
    }
    missing.into_iter().collect()
}

/// Somebody is there after all: the read lost entries, and nobody knows how many.
fn overlooked(located: &BTreeMap<Anchor, Whereabouts>) -> Option<Partial> {
    let found: Vec<String> = located
        .iter()
        .filter(|(_, whereabouts)| matches!(whereabouts, Whereabouts::Overlooked(_)))
        .map(|(anchor, _)| anchor.to_string())
        .collect();
    let more = found.len().saturating_sub(3);
    let and_more = if more > 0 { format!(" and {more} more") } else { String::new() };
    (!found.is_empty()).then(|| Partial {
        message: format!(
            "the server left out entries that are there when asked for by id ({}{and_more}); the read does not count as \
             complete, and nobody of this directory leaves or gets a seat before one does",
            found[..found.len().min(3)].join(", ")
        ),
    })
}

/// The pins, with those replaced or dropped that a person confirmed.
fn confirmed_pins(
    mut pins: BTreeMap<ScopeKey, Pin>,
    directory: &Name,
    confirmations: &[Confirmation],
    now: Timestamp,
) -> BTreeMap<ScopeKey, Pin> {
    let live = confirmations.iter().filter(|confirmation| confirmation.expires > now);
    for change in live.flat_map(|confirmation| &confirmation.changes).filter(|change| change.change == "scope") {
        for pin in pins.values_mut().filter(|pin| pin.anchor == Some(change.person.anchor)) {
            if change.person.directory == *directory {
                pin.anchor = change.value.parse().ok();
                pin.dn = pin.key.dn.to_string();
            }
        }
    }
    pins
}

/// The pins that hold after this read.
#[must_use]
pub fn pins_after(read: &DirectoryRead, snapshot: &Snapshot) -> Vec<Pin> {
    let pin = |(key, found): (&ScopeKey, &Found)| {
        let before = || read.pins.get(key).cloned();
        match found {
            Found::Here { anchor, dn } => Some(Pin { key: key.clone(), anchor: Some(*anchor), dn: dn.to_string() }),
            Found::Replaced { .. } | Found::Nowhere | Found::DoneWithout => before(),
        }
    };
    snapshot.scope.iter().filter_map(pin).collect()
}
