//! The people under the bases: one page is parsed while the next one comes.

use std::sync::Arc;

use jiff::Timestamp;
use lber::structure::StructureTag;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::acquainted::Acquainted;
use super::budget::Budget;
use super::connect::Connection;
use super::decode::{self, Item, Misshapen};
use super::failure::fault;
use super::follow::stamp::Shown;
use super::page::Pager;
use super::places::{self, Parents};
use super::position::{Newest, TIMES};
use super::read::people_filter;
use super::reference;
use super::replication::Rests;
use super::session::Session;
use crate::directory::entry::Entry;
use crate::directory::person::PersonReader;
use crate::model::settings::DirectorySettings;
use crate::model::{Anchor, Dn, Sighting, Unidentified};
use crate::ports::{Persistence, ReadError};

/// Pages that may wait for the parser: enough to keep it busy, few enough to bound the memory.
const PAGES_WAITING: usize = 2;

/// More people than this with another entry are taken in with everyone else.
pub(super) const MOST_CHANGED: usize = 10_000;

type Page = Vec<StructureTag>;

/// What came of a search for people, complete or not.
#[derive(Debug, Default)]
pub(super) struct Harvest {
    pub(super) people: Vec<Sighting>,
    pub(super) unidentified: Vec<Unidentified>,
    pub(super) entries: u64,
    /// The URLs of each reference.
    references: Vec<Vec<String>>,
    misshapen: Option<Misshapen>,
    /// On which updates it rests, where they are numbered.
    pub(super) rests: Rests,
    parents: Parents,
    /// The latest time of a change, where that is asked for.
    newest: Newest,
    /// Somebody did not show when the entry was changed.
    hides_stamp: bool,
    /// Tells who is as before: they are not among the people.
    pub(super) known: Option<Acquainted>,
}

impl Harvest {
    /// One that takes in nobody who is as before.
    pub(super) fn besides(known: Acquainted) -> Self {
        Self { known: Some(known), ..Self::default() }
    }
}

/// What to ask for, and who makes people of what comes.
pub(super) struct Question {
    reader: PersonReader,
    filter: String,
    attributes: Vec<String>,
    /// By which the server tells who changed; None: it does so otherwise.
    stamp: Option<&'static str>,
}

impl Question {
    /// For everyone of a directory.
    pub(super) fn of(session: &Session, settings: &DirectorySettings, stamp: Option<&'static str>) -> Self {
        let reader = PersonReader::new(session.kind, &settings.attributes);
        let (filter, mut attributes) = (people_filter(&reader, settings), reader.wanted());
        attributes.extend(stamp.map(str::to_owned));
        Self { reader, filter, attributes, stamp }
    }

    /// The attribute by which everyone's changes are told, of all who came, and the places where they lie.
    ///
    /// # Errors
    /// Where the places could not be asked for.
    pub(super) async fn stamp_shown(
        &self,
        session: &Session,
        bases: &[Dn],
        harvest: &mut Harvest,
        budget: &Budget,
    ) -> Result<Shown, ReadError> {
        let Some(stamp) = self.stamp else { return Ok(Shown::default()) };
        let newest = std::mem::take(&mut harvest.newest);
        let Some(between) = std::mem::take(&mut harvest.parents).below(bases) else {
            harvest.rests.on_unseen();
            return Ok(Shown { name: None, newest });
        };
        let (rests, are_shown) = places::look(session, between, stamp, budget).await?;
        harvest.rests.join(rests);
        Ok(Shown { name: Some(stamp).filter(|_| are_shown && !harvest.hides_stamp), newest })
    }
}

/// A question, and how it is asked.
pub(super) struct Asked<'a> {
    pub(super) question: &'a Question,
    pub(super) page_size: u32,
    pub(super) now: Timestamp,
    pub(super) progress: &'a (dyn Fn(u64) + Send + Sync),
}

/// Reads the people under one base into `harvest`, which keeps what came also where the read breaks off.
///
/// # Errors
/// Where the read is not complete.
pub(super) async fn read(
    session: &Session,
    base: &Dn,
    asked: &Asked<'_>,
    harvest: &mut Harvest,
    budget: &Arc<Budget>,
) -> Result<(), ReadError> {
    let (pages, waiting) = mpsc::channel(PAGES_WAITING);
    let (counts, mut counted) = mpsc::unbounded_channel();
    let Question { reader, filter, attributes, stamp } = asked.question;
    let (reader, now, stamp, before) = (reader.clone(), asked.now, *stamp, std::mem::take(harvest));
    let mut entries = before.entries;
    let parser = tokio::task::spawn_blocking(move || parse(&reader, (now, stamp), waiting, before));
    // A task of its own runs where the socket is watched: no thread is woken for each packet.
    let receiver = Receiver {
        connection: Arc::clone(&session.connection),
        budget: Arc::clone(budget),
        base: base.as_str().to_owned(),
        filter: filter.clone(),
        attributes: attributes.clone(),
        size: session.root.pages().then_some(asked.page_size.max(1)),
    };
    let mut receiving = JoinSet::new();
    receiving.spawn(receiver.run(pages, counts));
    while let Some(count) = counted.recv().await {
        entries += count;
        (asked.progress)(entries);
    }
    let read = receiving.join_next().await;
    let parsed = parser.await;
    let doing = || format!("Could not read the people under {:?}", base.as_str());
    let (Some(Ok(read)), Ok(parsed)) = (read, parsed) else {
        let said = "an entry could not be taken apart";
        return Err(fault(&doing(), &session.connection.url, said, "", Persistence::Permanent));
    };
    *harvest = parsed;
    read?;
    match harvest.misshapen.take() {
        Some(error) => Err(session.connection.misshapen(&doing(), error)),
        None => outside(session, base, harvest),
    }
}

/// Asks for page after page and hands each to the parser.
struct Receiver {
    connection: Arc<Connection>,
    budget: Arc<Budget>,
    base: String,
    filter: String,
    attributes: Vec<String>,
    /// None: the server has no paging.
    size: Option<u32>,
}

impl Receiver {
    async fn run(self, pages: mpsc::Sender<Page>, counts: mpsc::UnboundedSender<u64>) -> Result<(), ReadError> {
        let mut search = Pager::new(&self.connection, &self.base, &self.filter, &self.attributes, self.size);
        while let Some(page) = search.next(&self.budget).await? {
            let _ = counts.send(u64::try_from(page.len()).unwrap_or(u64::MAX));
            // The parser went away with something it could not take apart: it will say so.
            if pages.send(page).await.is_err() {
                break;
            }
        }
        Ok(())
    }
}

/// Makes people of pages until there are no more.
fn parse(
    reader: &PersonReader,
    (now, stamp): (Timestamp, Option<&str>),
    mut pages: mpsc::Receiver<Page>,
    mut harvest: Harvest,
) -> Harvest {
    while let Some(page) = pages.blocking_recv() {
        if harvest.known.is_some() && harvest.people.len() > MOST_CHANGED {
            return harvest;
        }
        for message in page {
            match decode::item(&message) {
                Ok(Item::Entry(entry)) => {
                    harvest.entries += 1;
                    harvest.rests.on(&entry);
                    harvest.parents.note(entry.dn());
                    if stamp == Some(TIMES) {
                        harvest.newest.see(&entry);
                    }
                    harvest.hides_stamp |= stamp.is_some_and(|stamp| !entry.has(stamp));
                    if harvest.known.as_mut().is_some_and(|known| known.has(reader, &entry)) {
                        continue;
                    }
                    match reader.read(&entry, now) {
                        Ok(person) => harvest.people.push(person),
                        Err(nobody) => harvest.unidentified.push(nobody),
                    }
                }
                Ok(Item::Reference(urls)) => harvest.references.push(urls),
                Ok(Item::Intermediate) => {}
                Err(error) => {
                    harvest.misshapen = Some(error);
                    return harvest;
                }
            }
        }
    }
    harvest
}

/// A part of the base that another server holds was not read.
fn outside(session: &Session, base: &Dn, harvest: &mut Harvest) -> Result<(), ReadError> {
    let references = std::mem::take(&mut harvest.references);
    let Some(urls) = references.iter().find(|urls| reference::is_in_scope(session, base, urls)) else { return Ok(()) };
    let doing = format!("Could not read all of {:?}", base.as_str());
    let said = format!("a part of it is held by another server ({})", urls.join(", "));
    let advice = "Read that part as a directory of its own, and narrow `base` to what this server holds";
    Err(fault(&doing, &session.connection.url, &said, advice, Persistence::Permanent))
}

/// Somebody who came more than once with different DNs, by index into the people.
pub(super) type Moved = Vec<(Anchor, Vec<usize>)>;

/// Sorts people by anchor, keeps one of each that came twice in the same place, and names the others.
pub(super) fn sort_out(people: &mut Vec<Sighting>) -> Moved {
    // Sorts anchors, then moves everybody once: people are large.
    people.sort_by_cached_key(|person| person.anchor);
    for same in people.chunk_by_mut(|one, other| one.anchor == other.anchor).filter(|same| same.len() > 1) {
        same.sort_unstable_by(|one, other| one.dn.cmp(&other.dn));
    }
    people.dedup_by(|one, other| one.anchor == other.anchor && one.dn == other.dn);
    let mut moved: Moved = Vec::new();
    for (index, pair) in people.windows(2).enumerate() {
        if pair[0].anchor != pair[1].anchor {
            continue;
        }
        match moved.last_mut() {
            Some((anchor, places)) if *anchor == pair[0].anchor => places.push(index + 1),
            _ => moved.push((pair[0].anchor, vec![index, index + 1])),
        }
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Digest, Profile, Standing};

    fn person(anchor: u8, dn: &str) -> Sighting {
        Sighting {
            anchor: Anchor::from_bytes([anchor; 16]),
            dn: Dn::parse(dn).unwrap(),
            standing: Standing::Enabled,
            sign: None,
            profile: Profile::default(),
            quarantine: None,
            created: None,
            due: None,
            uids: Vec::new(),
            logon: None,
            entry: Digest::of(&()),
            primary_group: None,
            member_of: vec![],
        }
    }

    #[test]
    fn who_came_twice_in_one_place_is_one_person() {
        let mut people = vec![person(2, "cn=b"), person(1, "cn=a"), person(2, "CN=B")];
        assert!(sort_out(&mut people).is_empty());
        assert_eq!(people.len(), 2);
    }

    #[test]
    fn who_came_in_two_places_is_named_and_never_two_people_unseen() {
        let mut people =
            vec![person(2, "cn=b"), person(1, "cn=a"), person(2, "cn=c"), person(3, "cn=d"), person(2, "cn=e")];
        assert_eq!(sort_out(&mut people), [(Anchor::from_bytes([2; 16]), vec![1, 2, 3])]);
    }
}
