//! The first stage: every directory read, and everyone with an account who was not seen looked for.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Notify, watch};

use super::baseline::Touched;
use super::last_known::AccountsLastKnown;
use super::people::{KnownPeople, former, missing, overlooked, unplaced};
use super::pins::confirmed_pins;
use super::{Asked, CycleError, Parts, Source, current, lost_ids};
use crate::desired::{self, Desired, Reading, accounts_of};
use crate::model::change::BackendState;
use crate::model::memory::RefusedBind;
use crate::model::report::ReadMode;
use crate::model::settings::Settings;
use crate::model::snapshot::{Nested, Partial, Pin, ScopeKey, Snapshot, Watermark, Whereabouts};
use crate::model::text::is_number_of_error;
use crate::model::{Account, Anchor, Dn, Name};
use crate::ports::{Memory, Missing, Persistence, Progress, ReadError, ReadRequest, Stage, StateError};

/// A refused credential is not tried again for so long, but where a person asks for a cycle: retries lock the account.
const REFUSED_FOR: SignedDuration = SignedDuration::from_hours(1);

/// One directory as this cycle found it.
#[derive(Debug)]
pub struct DirectoryRead {
    pub name: Name,
    /// Its people in the order of their anchors. None: nothing could be read.
    pub snapshot: Option<Snapshot>,
    pub located: BTreeMap<Anchor, Whereabouts>,
    pub known: KnownPeople,
    pub pins: BTreeMap<ScopeKey, Pin>,
    /// Groups within groups, as the last read left them.
    pub nested: Vec<Nested>,
    /// Of the last complete read.
    pub watermark: Option<Watermark>,
    /// Everything, or what changed.
    pub mode: ReadMode,
    /// People in scope who were not looked at.
    pub others: u64,
    /// Why nothing could be read.
    pub problem: Option<String>,
    pub elapsed: Duration,
}

impl DirectoryRead {
    /// What is asked of the directory.
    #[must_use]
    pub fn request(&self, now: Timestamp) -> ReadRequest {
        let (pins, nested, watermark) = (self.pins.clone(), self.nested.clone(), self.watermark.clone());
        ReadRequest { now, pins, nested, watermark }
    }
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
            Some(Reading { settings, snapshot, located: &read.located, known: &read.known, former: &read.known.former })
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

/// Everything a plan is made of that has to be read.
#[derive(Debug)]
pub struct Sources {
    /// The backend's word, with its accounts by owner.
    pub current: BackendState,
    pub readings: Readings,
    pub remembered: AccountsLastKnown,
    /// None: everything was looked at.
    pub touched: Option<Touched>,
}

/// Reads backend and directories at the same time, and what we remember while they send; then looks for everyone with an
/// account who was not seen. A directory that fails does not stop the others; one that just `failed` is not tried again.
///
/// # Errors
/// Where the backend or the state cannot be read, or a stop was asked for.
pub async fn read_all(
    parts: &mut Parts<'_>,
    failed: Option<(usize, ReadError)>,
    now: Timestamp,
) -> Result<Sources, CycleError> {
    let mut reads = Vec::with_capacity(parts.directories.len());
    for index in 0..parts.directories.len() {
        reads.push(prepare(parts, index, now)?);
    }
    let underway = Notify::new();
    let Parts { directories, backend, memory, progress, stop, .. } = &mut *parts;
    let (current, fetched, (known, remembered)) = tokio::try_join!(
        async { Ok(current::read(&mut **backend).await?) },
        fetch_all(directories, (&reads, failed), now, *progress, stop.as_mut(), &underway),
        recall(&mut **memory, &reads, &underway),
    )?;
    current::check_pools(parts, &current)?;
    let mut readings = Vec::with_capacity(reads.len());
    for (index, ((mut read, fetched), known)) in reads.into_iter().zip(fetched).zip(known).enumerate() {
        read.known = known;
        settle(parts, index, &current, &mut read, fetched, now).await?;
        readings.push(read);
    }
    Ok(Sources { current, readings: Readings(readings), remembered, touched: None })
}

/// What we remember of people and of accounts. Nothing is to keep the servers waiting, so it is read once the first
/// entries have come.
async fn recall(
    memory: &mut dyn Memory,
    reads: &[DirectoryRead],
    underway: &Notify,
) -> Result<(Vec<KnownPeople>, AccountsLastKnown), CycleError> {
    underway.notified().await;
    let mut known = Vec::with_capacity(reads.len());
    for read in reads {
        known.push(KnownPeople::of(memory.load(&read.name)?));
        tokio::task::yield_now().await;
    }
    Ok((known, AccountsLastKnown::load(memory)?))
}

/// Ends every connection.
pub async fn close(parts: &mut Parts<'_>) {
    for source in parts.directories.iter_mut() {
        source.directory.close().await;
    }
}

/// A directory before it is read: what the read needs to know, or why there will be none.
///
/// # Errors
/// Where the state cannot be read.
pub fn prepare(parts: &Parts<'_>, index: usize, now: Timestamp) -> Result<DirectoryRead, CycleError> {
    let name = parts.directories[index].directory.name().clone();
    Ok(DirectoryRead {
        snapshot: None,
        located: BTreeMap::new(),
        known: KnownPeople::default(),
        pins: confirmed_pins(parts.memory.pins(&name)?, &name, &parts.memory.confirmations(now)?, now),
        nested: parts.memory.nested(&name)?,
        watermark: parts.memory.watermark(&name)?,
        mode: ReadMode::Full,
        others: 0,
        problem: refused(parts.memory, &parts.directories[index], parts.asked, now)?,
        elapsed: Duration::ZERO,
        name,
    })
}

/// Why a credential that was refused is not tried again now.
///
/// # Errors
/// Where the state cannot be read.
pub fn refused(
    memory: &dyn Memory,
    source: &Source,
    asked: Asked,
    now: Timestamp,
) -> Result<Option<String>, StateError> {
    let Some(refused) = memory.refused_bind(source.directory.name())? else { return Ok(None) };
    let again = refused.at.saturating_add(REFUSED_FOR).unwrap_or(refused.at);
    // One that lies ahead was noted by a clock that was wrong.
    let is_over = again <= now || refused.at > now;
    if asked.by_person || refused.credentials != source.credentials || is_over {
        return Ok(None);
    }
    let at = refused.at;
    Ok(Some(match &refused.said {
        Some(said) => format!(
            "{said}. So it was at {at}, and the server is not asked again before {again}, so that the account is not locked: other \
             credentials are tried at once, and the same ones by `seatsync sync`",
            said = said.trim_end_matches('.')
        ),
        None => format!(
            "Could not bind: the server refused the credentials at {at}, and is not asked again before {again}, so that the account is \
             not locked. Mend `bind_dn` or `bind_password` where they are wrong, and the next cycle tries them; where the account was \
             only disabled, locked or expired, mend that, and `seatsync sync` tries at once"
        ),
    }))
}

/// Notes whether a directory let us in, or what it said as it refused.
///
/// # Errors
/// Where the state cannot be written.
pub fn note_bind(
    memory: &mut dyn Memory,
    source: &Source,
    refused: Option<&str>,
    now: Timestamp,
) -> Result<(), StateError> {
    let refused = refused.map(|said| {
        let said = Some(said.to_owned());
        RefusedBind { credentials: source.credentials, at: now, said }
    });
    memory.set_refused_bind(source.directory.name(), refused.as_ref())
}

/// What came of reading one directory, and how long it took; None where it was not to be read.
type Fetched = Option<(Result<Snapshot, ReadError>, Duration)>;

/// Reads the directories one after another, and tells once the first one sends.
async fn fetch_all(
    directories: &mut [Source],
    (reads, mut failed): (&[DirectoryRead], Option<(usize, ReadError)>),
    now: Timestamp,
    progress: &dyn Progress,
    mut stop: Option<&mut watch::Receiver<bool>>,
    underway: &Notify,
) -> Result<Vec<Fetched>, CycleError> {
    let mut all = Vec::with_capacity(reads.len());
    for (index, (source, read)) in directories.iter_mut().zip(reads).enumerate() {
        if read.problem.is_some() {
            all.push(None);
            continue;
        }
        let clock = Instant::now();
        if let Some((_, error)) = failed.take_if(|(failed, _)| *failed == index) {
            progress.tell(Stage::Unread { directory: &read.name });
            all.push(Some((Err(error), clock.elapsed())));
            continue;
        }
        let request = read.request(now);
        // Said before the first answer: there may never be one.
        progress.tell(Stage::Reading { directory: &read.name, entries: 0 });
        let tell = |entries| {
            underway.notify_one();
            progress.tell(Stage::Reading { directory: &read.name, entries });
        };
        let result = tokio::select! {
            result = source.directory.read(&request, &tell) => result,
            () = stopped(stop.as_deref_mut()) => return Err(CycleError::Stopped),
        };
        if stop.as_ref().is_some_and(|stop| *stop.borrow()) {
            return Err(CycleError::Stopped);
        }
        progress.tell(match &result {
            Ok(snapshot) => {
                let (entries, complete) = (snapshot.entries, snapshot.partial.is_none());
                Stage::Read { directory: &read.name, entries, complete }
            }
            Err(_) => Stage::Unread { directory: &read.name },
        });
        all.push(Some((result, clock.elapsed())));
    }
    underway.notify_one();
    Ok(all)
}

/// Takes over what came of reading a directory, remembers whether it let us in, and looks for who was not seen.
async fn settle(
    parts: &mut Parts<'_>,
    index: usize,
    current: &BackendState,
    read: &mut DirectoryRead,
    fetched: Fetched,
    now: Timestamp,
) -> Result<(), CycleError> {
    let Some((result, elapsed)) = fetched else { return Ok(()) };
    let clock = Instant::now();
    match result {
        Ok(mut snapshot) => {
            snapshot.people.sort_by_key(|person| person.anchor);
            read.known.unplaced = unplaced(parts.memory, accounts_of(&current.accounts, &read.name), &snapshot)?;
            read.known.former = former(parts.memory, &snapshot)?;
            lost_ids::quarantine_changed(parts.memory, accounts_of(&current.accounts, &read.name), &mut snapshot)?;
            read.snapshot = Some(snapshot);
            note_bind(parts.memory, &parts.directories[index], None, now)?;
        }
        Err(error) => {
            if error.persistence == Persistence::Credentials {
                note_bind(parts.memory, &parts.directories[index], Some(&error.doing), now)?;
            }
            read.problem = Some(error.doing);
        }
    }
    if read.snapshot.as_ref().is_some_and(|snapshot| snapshot.partial.is_none()) {
        locate(parts, index, current, read, now).await?;
    }
    read.elapsed = elapsed + clock.elapsed();
    if let Some(snapshot) = &read.snapshot {
        let (entries, located, complete) = (snapshot.entries, read.located.len(), snapshot.partial.is_none());
        tracing::debug!(directory = %read.name, server = snapshot.server, entries, located, complete, "A directory was read.");
    }
    Ok(())
}

/// Ready once a stop was asked for; never, where nobody can ask.
pub async fn stopped(stop: Option<&mut watch::Receiver<bool>>) {
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
        if !text.contains(&cause_text) && !is_number_of_error(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

/// People and where their entries were last.
///
/// # Errors
/// Where the state cannot be read.
pub fn with_places(memory: &dyn Memory, directory: &Name, people: Vec<Anchor>) -> Result<Vec<Missing>, StateError> {
    let mut dns = memory.dns(directory, &people)?;
    Ok(people.into_iter().map(|anchor| Missing { anchor, dn: dns.remove(&anchor) }).collect())
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
    let missing = with_places(parts.memory, &read.name, missing)?;
    let result = tokio::select! {
        result = parts.directories[index].directory.locate(&missing, now) => result,
        () = stopped(parts.stop.as_mut()) => return Err(CycleError::Stopped),
    };
    match result {
        Ok(mut located) => {
            keep_nameless(&mut located, &missing, snapshot);
            snapshot.watermark.iter_mut().for_each(|mark| parts.directories[index].directory.vouch(mark));
            read.located = located;
        }
        Err(error) => {
            let looked = missing.len();
            snapshot.partial = Some(Partial {
                message: format!("looking for {looked} people who were not in the read failed: {}", error.doing),
            });
        }
    }
    if let Some(partial) = overlooked(&read.located) {
        snapshot.partial = Some(partial);
    }
    Ok(())
}

/// Whoever lies where a missing person was, and shows no id, may be that person: nobody is gone while such an entry is there.
fn keep_nameless(located: &mut BTreeMap<Anchor, Whereabouts>, missing: &[Missing], snapshot: &Snapshot) {
    let nameless: Vec<Dn> = snapshot.unidentified.iter().filter_map(|entry| Dn::parse(&entry.dn).ok()).collect();
    if nameless.is_empty() {
        return;
    }
    for person in missing {
        let last = person.dn.as_deref().and_then(|dn| Dn::parse(dn).ok());
        if last.is_some_and(|last| nameless.contains(&last))
            && let Some(Whereabouts::Nowhere { parent_readable }) = located.get_mut(&person.anchor)
        {
            *parent_readable = false;
        }
    }
}
