//! What changed since a watermark, asked of the server at the cost of that.
//!
//! An answer says no more than that somebody is to be looked at again: what an entry is now, and whether it is in scope, is
//! read of the entry itself. Where more may have changed than people, everything is read.
//!
//! | server | how | what it does not tell |
//! |---|---|---|
//! | Active Directory | DirSync (MS-ADTS 3.1.1.3.4.1.3), from a cookie that another controller takes, too | deletions, to whom may not list deleted objects: then everything is read |
//! | the same without a cookie | entries with a higher `uSNChanged`, tombstones among them (MS-ADTS 3.1.1.1.9) | the same |
//! | OpenLDAP with the overlay syncprov | content synchronisation (RFC 4533) | |
//! | 389 DS with its plugin for that, and a retro changelog | the same | |
//! | 389 DS with a retro changelog alone that may be read | what its numbers tell | |
//! | other servers | entries with a later `modifyTimestamp` | deletions, which the next full cycle sees |
//!
//! | what changed | then |
//! |---|---|
//! | a person | is looked at |
//! | a group of the config, or one within it | the groups are walked again, by the people who are known |
//! | a place under which others lie: it may have been renamed, and they do not say so | everything is read |
//! | anything else | nothing |

pub(super) mod changelog;
mod dirsync;
pub(super) mod ds389;
mod groups;
mod look;
pub(super) mod stamp;
pub(super) mod sync;
mod times;
mod usn;

pub(super) use dirsync::first as first_cookie;
pub(super) use groups::{groups, rests as rests_of_groups};
pub(super) use sync::shows_change_numbers;
pub(super) use usn::{BLIND, deleted_objects, sees_deleted};

use std::collections::BTreeSet;

use jiff::Timestamp;
use ldap3::Scope;

use super::budget::Budget;
use super::position::{self, Newest};
use super::replication::{self, Rests};
use super::scope;
use super::search::Query;
use super::session::Session;
use crate::directory::entry::{Entry as _, RawEntry};
use crate::directory::group::is_group;
use crate::directory::identity::own_anchor;
use crate::directory::person::PersonReader;
use crate::model::settings::DirectorySettings;
use crate::model::snapshot::{Changes, Followed, Kind, Role, ScopeKey, Watermark};
use crate::model::{Anchor, Dn};
use crate::ports::{ReadError, ReadRequest};

/// More entries than this are read faster with everything else.
const MOST: usize = 2_000;

/// What is to be followed.
pub(super) struct Asked<'a> {
    pub(super) settings: &'a DirectorySettings,
    pub(super) keys: &'a [ScopeKey],
    pub(super) request: &'a ReadRequest,
}

/// Why it cannot be told.
type Untold = String;

/// From where to where.
pub(super) struct Since<'a> {
    settings: &'a DirectorySettings,
    last: &'a Watermark,
    here: &'a Watermark,
    /// The naming contexts in which something could change that decides.
    contexts: &'a BTreeSet<Dn>,
    /// Those, and all of which a watermark notes something.
    databases: BTreeSet<&'a Dn>,
    now: Timestamp,
}

impl<'a> Since<'a> {
    /// Of several no one answer can tell.
    fn only_context(&self) -> Option<&'a Dn> {
        only(&self.databases)
    }
}

fn only<'a>(databases: &BTreeSet<&'a Dn>) -> Option<&'a Dn> {
    let mut all = databases.iter().copied();
    all.next().filter(|_| all.next().is_none())
}

fn subtree<'a>(base: &'a Dn, filter: &'a str, attributes: &'a [String]) -> Query<'a> {
    Query { base: base.as_str(), scope: Scope::Subtree, filter, attributes, controls: vec![] }
}

/// Asks what changed.
///
/// # Errors
/// Where an answer did not come whole.
pub(super) async fn changes(session: &Session, asked: &Asked<'_>, budget: &Budget) -> Result<Followed, ReadError> {
    if let Some(why) = unfollowable(asked.settings) {
        return Ok(Followed::Untold(why.to_owned()));
    }
    let Some(last) = &asked.request.watermark else {
        return Ok(Followed::Untold("the last read noted nothing to follow from".to_owned()));
    };
    let bases: Vec<Dn> = asked.settings.bases.iter().filter_map(|base| Dn::parse(base).ok()).collect();
    let here = position::watermark(session, &bases, asked.request.now, budget).await?;
    let Some(mut here) = here else {
        return Ok(Followed::Untold("the server does not say where it stands".to_owned()));
    };
    if let Some(why) = is_another(session, (last, &here), &bases, asked.request.now, budget).await? {
        return Ok(Followed::Untold(why));
    }
    if let Some(back) = position::went_back(Some(last), Some(&here), asked.request.now) {
        return Ok(Followed::Untold(back));
    }
    let mut hints = Hints::of(session, asked);
    let Some(contexts) = contexts(session, asked) else {
        return Ok(Followed::Untold("a base or group lies on another server".to_owned()));
    };
    if let Some(why) = scope::moved(session, asked.keys, &asked.request.pins, budget).await? {
        return Ok(Followed::Untold(why));
    }
    let databases = bases.iter().filter_map(|base| session.root.context_of(base)).chain(&contexts).collect();
    let settings = asked.settings;
    let since = Since { settings, last, here: &here, contexts: &contexts, databases, now: asked.request.now };
    let told = ask(session, &since, &mut hints, budget).await?;
    if let Some(why) = told.err().or(hints.untold) {
        return Ok(Followed::Untold(why));
    }
    complete(&mut here, Some(last), hints.rests, asked.request.now);
    stamp::keep(&mut here, last);
    position::note_newest(&mut here, [position::newest(last), hints.newest.time()]);
    here.position.extend(hints.cookie.map(|(place, cookie)| (place.to_owned(), cookie)));
    Ok(Followed::Changes(Changes {
        kind: session.kind,
        server: session.connection.url.clone(),
        people: hints.people,
        deleted: hints.deleted,
        groups: hints.groups,
        entries: hints.entries,
        there: hints.there,
        watermark: Some(here),
    }))
}

/// Asks the way that this server tells it.
async fn ask(
    session: &Session,
    since: &Since<'_>,
    hints: &mut Hints<'_>,
    budget: &Budget,
) -> Result<Result<(), Untold>, ReadError> {
    match session.kind {
        Kind::ActiveDirectory => {
            let read = (since.last, since.contexts);
            match stamp::hidden(session, read, replication::CHANGED, &hints.scope, budget).await? {
                Some(why) => Ok(Err(why)),
                None => dirsync::changes(session, since, hints, budget).await,
            }
        }
        Kind::OpenLdap => sync::changes(session, since, hints, budget).await,
        Kind::Ds389 => ds389::changes(session, since, hints, budget).await,
        Kind::Ldif => Ok(Err("a file is read whole".to_owned())),
    }
}

/// Why no server can tell what is asked for.
fn unfollowable(settings: &DirectorySettings) -> Option<&'static str> {
    if settings.attributes.anchor.is_some() {
        Some("people are known by an attribute of the config")
    } else if settings.filter.as_deref().is_some_and(is_computed) {
        Some("the filter asks for what no entry's change tells")
    } else {
        None
    }
}

/// A filter by membership, or by a rule of matching: its answer changes while the entries stay.
fn is_computed(filter: &str) -> bool {
    let filter = filter.to_ascii_lowercase();
    filter.contains("memberof") || filter.contains(":=")
}

/// Why one cannot go on where another server was asked the last time. In Active Directory a cookie is of all controllers, and
/// this one can go on from it once it has got what the one before showed.
async fn is_another(
    session: &Session,
    (last, here): (&Watermark, &Watermark),
    bases: &[Dn],
    now: Timestamp,
    budget: &Budget,
) -> Result<Option<Untold>, ReadError> {
    if here.server == last.server {
        return Ok(None);
    }
    if !last.position.contains_key(dirsync::COOKIE) {
        return Ok(Some("another server answers than before".to_owned()));
    }
    replication::lags(session, Some(last), Some(here), bases, (now, budget)).await
}

/// Adds to a watermark what can be told after the read alone: on which updates it `rests`, and when. Up to which update the
/// server was ever seen to show something goes with every watermark; of another one than before nobody knows.
pub(super) fn complete(here: &mut Watermark, last: Option<&Watermark>, mut rests: Rests, now: Timestamp) {
    match last {
        Some(last) if last.server == here.server => {
            rests.on_number(last.position.get(replication::CHANGED).and_then(|number| number.parse().ok()));
        }
        Some(_) => rests.on_unseen(),
        None => {}
    }
    rests.note_in(here);
    here.at = Some(now);
}

/// The naming contexts in which something could change that decides. None: one of them is not this server's.
fn contexts(session: &Session, asked: &Asked<'_>) -> Option<BTreeSet<Dn>> {
    let pinned = asked.request.pins.values().filter_map(|pin| Dn::parse(&pin.dn).ok());
    let places = pinned.chain(asked.request.nested.iter().map(|group| group.dn.clone()));
    places.map(|dn| session.root.context_of(&dn).cloned()).collect()
}

/// What was told so far.
pub(super) struct Hints<'a> {
    session: &'a Session,
    /// Knows who is a person: a group may be one, too (user private groups).
    reader: PersonReader,
    people: BTreeSet<Anchor>,
    /// Of these the ones whose deletion is told.
    deleted: BTreeSet<Anchor>,
    groups: bool,
    entries: u64,
    /// To go on from the next time, and its place in the watermark.
    cookie: Option<(&'static str, String)>,
    /// Everyone who is there, where the server tells that instead of who is gone.
    there: Option<BTreeSet<Anchor>>,
    /// On which updates it rests.
    rests: Rests,
    /// The latest time of a change, where that is asked for.
    newest: Newest,
    /// In Active Directory, the number of the last update that was read before.
    since: Option<u64>,
    /// Why everything must be read.
    untold: Option<Untold>,
    /// Bases and groups of the config, and groups within them, by id; the groups by place, too.
    scope: BTreeSet<Anchor>,
    places: BTreeSet<Dn>,
    /// The id of one of these is not known.
    is_unsure: bool,
}

impl<'a> Hints<'a> {
    fn of(session: &'a Session, asked: &Asked<'_>) -> Self {
        let pins = || asked.request.pins.values().filter(|pin| pin.key.role == Role::Group);
        let nested = &asked.request.nested;
        Self {
            session,
            reader: PersonReader::new(session.kind, &asked.settings.attributes),
            people: BTreeSet::new(),
            deleted: BTreeSet::new(),
            groups: false,
            entries: 0,
            cookie: None,
            there: None,
            rests: Rests::default(),
            newest: Newest::default(),
            since: None,
            untold: None,
            scope: asked
                .request
                .pins
                .values()
                .map(|pin| pin.anchor)
                .chain(nested.iter().map(|group| group.anchor))
                .flatten()
                .collect(),
            places: pins()
                .filter_map(|pin| Dn::parse(&pin.dn).ok())
                .chain(nested.iter().map(|group| group.dn.clone()))
                .collect(),
            is_unsure: nested.iter().any(|group| group.anchor.is_none()),
        }
    }

    /// Attributes that tell which entry it is, and what it is.
    fn attributes(&self) -> Vec<String> {
        let kind = match self.session.kind {
            Kind::ActiveDirectory => [replication::CHANGED, usn::CREATED, "isDeleted"].as_slice(),
            Kind::OpenLdap | Kind::Ds389 | Kind::Ldif => &["hasSubordinates"],
        };
        let names = [self.session.anchor_attribute(), "objectClass"];
        names.iter().chain(kind).map(|name| (*name).to_owned()).collect()
    }

    /// Takes in an entry that changed. One that shows no id is nobody known, and a full read tells of it.
    fn note(&mut self, entry: &RawEntry) {
        self.entries += 1;
        self.rests.on_number(replication::changed(entry));
        self.newest.see(entry);
        let Some(dn) = std::str::from_utf8(&entry.dn).ok().and_then(|dn| Dn::parse(dn).ok()) else { return };
        let Ok(anchor) = own_anchor(self.session.kind, entry, &dn) else {
            self.untold = Some("an entry changed that shows no id".to_owned());
            return;
        };
        let is_group = is_group(entry);
        let is_listed = self.is_unsure || self.scope.contains(&anchor) || self.places.contains(&dn);
        if !is_group && self.scope.contains(&anchor) {
            self.untold = Some("a base changed, or a group is none any more".to_owned());
        } else if !is_group && self.holds_others(entry) {
            self.untold = Some("a place changed under which others lie".to_owned());
        } else if !entry.says("objectClass", "computer") && (!is_group || self.reader.is_person(entry)) {
            self.people.insert(anchor);
        }
        self.groups |= is_group && is_listed;
    }

    /// Takes in an entry that is not found any more.
    fn note_gone(&mut self, anchor: Anchor) {
        if self.is_unsure || self.scope.contains(&anchor) {
            self.untold = Some("a base or group is gone".to_owned());
        } else {
            self.people.insert(anchor);
        }
    }

    /// Takes in an entry whose deletion the server keeps a record of. Content synchronisation tells the same (RFC 4533, "delete") of
    /// entries that changed and are closed to the account: of them no more is known than that they are not found.
    fn note_deleted(&mut self, anchor: Anchor) {
        self.note_gone(anchor);
        self.deleted.insert(anchor);
    }

    /// Whether others may lie under this one that do not say so themselves. Active Directory does not tell, and has few kinds
    /// of such places; its domains are not renamed with an entry, and who is moved to a new place tells it.
    fn holds_others(&self, entry: &RawEntry) -> bool {
        match self.session.kind {
            Kind::ActiveDirectory => {
                let is_new = usn::created(entry).is_some_and(|created| self.since.is_some_and(|since| created > since));
                !is_new && usn::PLACES.iter().any(|class| entry.says("objectClass", class))
            }
            Kind::OpenLdap | Kind::Ds389 | Kind::Ldif => !entry.says("hasSubordinates", "FALSE"),
        }
    }
}
