//! Where a server stands: taken before a read, and compared with what the last one noted.
//!
//! | server | position |
//! |---|---|
//! | Active Directory | `highestCommittedUSN` of one `invocationId` |
//! | OpenLDAP with the overlay syncprov | the CSNs in `contextCSN` of the suffixes |
//! | 389 DS with a retro changelog | `lastChangeNumber` of the root DSE |
//!
//! Outside Active Directory the time goes with it from which on to look where a server tells changes by their time alone:
//! its own, or ours where it does not show its own. Earlier by an overlap, since what a replica gets late it notes with the
//! time of the change. Times are never compared: clocks are set back. With 389 DS, a digest of its roles goes with it, too.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use ldap3::Scope;
use sha2::{Digest as _, Sha256};

use super::budget::Budget;
use super::connect::Connection;
use super::family::{COMMITTED, DATA_VERSION, LAST_CHANGE, RootDse, texts};
use super::follow::changelog;
use super::search::Query;
use super::session::Session;
use crate::directory::entry::Entry;
use crate::directory::generalized_time;
use crate::model::snapshot::{Kind, Watermark};
use crate::model::{Anchor, Dn};
use crate::ports::ReadError;

/// The place of the time in a watermark.
pub(super) const TIMES: &str = "modifyTimestamp";
/// The places in a watermark that say that this time is by our clock, and when the latest change happened that was seen.
const OUR_CLOCK: &str = "_clock";
const NEWEST: &str = "_newest";
/// The place of the digest of roles in a watermark.
pub(super) const ROLES: &str = "_roles";
/// The place in a watermark that says that the log of changes of 389 DS could be read.
pub(super) const LOG: &str = "_log";
/// As a server writes it (RFC 4517 3.3.13), in UTC.
const TIME_FORM: &str = "%Y%m%d%H%M%SZ";
/// How far back to look from the server's time, and from ours, which may be ahead of it. Who is looked at twice is none the worse.
const BY_THEIR_CLOCK: SignedDuration = SignedDuration::from_mins(10);
const BY_OUR_CLOCK: SignedDuration = SignedDuration::from_mins(30);
const STANDING: &str = "Could not find out where the server stands";

/// Where the server stands now: to be taken before the read. None where nothing of that can be told.
///
/// From when on a change would be seen by its time goes with it.
pub(super) async fn watermark(
    session: &Session,
    bases: &[Dn],
    now: Timestamp,
    budget: &Budget,
) -> Result<Option<Watermark>, ReadError> {
    let mut mark = standing(session, &session.root, bases, budget).await?;
    let roles = roles(session, bases, budget).await?;
    if let Some(mark) = mark.as_mut().filter(|_| session.kind == Kind::Ds389) {
        mark.position.extend(session.root.data_version.clone().map(|version| (DATA_VERSION.to_owned(), version)));
        if changelog::is_open(session, budget).await? {
            mark.position.insert(LOG.to_owned(), "open".to_owned());
        }
    }
    if let Some((time, is_ours)) = times(session, now, budget).await? {
        let server = session.connection.url.clone();
        let mark = mark.get_or_insert_with(|| Watermark { server, position: BTreeMap::new(), at: None });
        mark.position.insert(TIMES.to_owned(), time.strftime(TIME_FORM).to_string());
        mark.position.extend(is_ours.then(|| (OUR_CLOCK.to_owned(), "ours".to_owned())));
        mark.position.extend(roles.map(|digest| (ROLES.to_owned(), digest)));
    }
    Ok(mark)
}

/// A digest of all that says in 389 DS who has which role, and what follows from it: people are locked by it, or are not any
/// more, while their own entries stay as they are.
async fn roles(session: &Session, bases: &[Dn], budget: &Budget) -> Result<Option<String>, ReadError> {
    if session.kind != Kind::Ds389 {
        return Ok(None);
    }
    let contexts: BTreeSet<&Dn> = bases.iter().filter_map(|base| session.root.context_of(base)).collect();
    let mut shown = Vec::new();
    for context in contexts {
        let query = Query {
            base: context.as_str(),
            scope: Scope::Subtree,
            filter: "(|(objectClass=ldapSubentry)(objectClass=nsRoleDefinition)(objectClass=cosSuperDefinition)\
                     (objectClass=cosTemplate))",
            attributes: &["*".to_owned()],
            controls: vec![],
        };
        shown.extend(session.connection.entries("Could not read who is locked by a role", &query, budget).await?);
    }
    shown.sort_unstable_by(|one, other| one.dn.cmp(&other.dn));
    let mut digest = Sha256::new();
    for entry in shown {
        digest.update(format!("{:?}", (&entry.dn, &entry.attributes)));
    }
    Ok(Some(format!("{:x}", digest.finalize())))
}

/// From when on to look for entries that were changed since, and whether by our own clock; None where that is told otherwise.
async fn times(session: &Session, now: Timestamp, budget: &Budget) -> Result<Option<(Timestamp, bool)>, ReadError> {
    let (place, attribute) = match session.kind {
        Kind::ActiveDirectory | Kind::Ldif => return Ok(None),
        Kind::Ds389 => (Some("cn=monitor".to_owned()), "currentTime"),
        Kind::OpenLdap => {
            (session.root.monitor.as_ref().map(|at| format!("cn=Current,cn=Time,{at}")), "monitorTimestamp")
        }
    };
    let mut told = None;
    if let Some(place) = place {
        let entry = session.connection.entry(STANDING, &place, &[attribute.to_owned()], budget).await?;
        told = entry.and_then(|entry| generalized_time::parse(entry.first(attribute)?));
    }
    let (time, overlap) = told.map_or((now, BY_OUR_CLOCK), |theirs| (theirs, BY_THEIR_CLOCK));
    Ok(time.checked_sub(overlap).ok().map(|time| (time, told.is_none())))
}

/// The latest time of a change among entries, as the server wrote it.
#[derive(Clone, Debug, Default)]
pub(super) struct Newest(Option<String>);

impl Newest {
    /// Takes in an entry; one that does not show it says nothing.
    pub(super) fn see(&mut self, entry: &impl Entry) {
        let time = entry.text(TIMES).and_then(Result::ok);
        if time > self.time() {
            self.0 = time.map(str::to_owned);
        }
    }

    pub(super) fn time(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

/// Adds to a watermark the latest time of a change that its read saw, as the server wrote it, or an earlier one.
pub(super) fn note_newest(here: &mut Watermark, times: [Option<&str>; 2]) {
    let newest = times.into_iter().flatten().max();
    here.position.extend(newest.map(|time| (NEWEST.to_owned(), time.to_owned())));
}

/// The latest time of a change that was seen before.
pub(super) fn newest(mark: &Watermark) -> Option<&str> {
    mark.position.get(NEWEST).map(String::as_str)
}

/// From when on to look for changes after this watermark; None: it notes no time. Our clock may be far ahead of the server's, and
/// what was changed after the last change that was seen is later by the server's own. (Not from that change on: a whole
/// directory may have been made in its second.)
pub(super) fn changed_since(last: &Watermark) -> Option<String> {
    let noted = last.position.get(TIMES)?;
    let time = generalized_time::parse(noted.as_bytes())?;
    let after = newest(last).filter(|_| last.position.contains_key(OUR_CLOCK));
    let after = after.and_then(|newest| generalized_time::parse(newest.as_bytes()));
    match after.and_then(|newest| newest.checked_add(SignedDuration::from_secs(1)).ok()) {
        Some(after) if after < time => Some(after.strftime(TIME_FORM).to_string()),
        _ => Some(noted.clone()),
    }
}

/// Where the server says that it stands, by its root DSE. None where it does not say.
pub(super) async fn standing(
    session: &Session,
    root: &RootDse,
    bases: &[Dn],
    budget: &Budget,
) -> Result<Option<Watermark>, ReadError> {
    let connection = &*session.connection;
    match session.kind {
        Kind::ActiveDirectory => update_sequence(connection, root, budget).await,
        Kind::OpenLdap => change_sequence(connection, root, bases, budget).await,
        Kind::Ds389 => Ok(root.last_change.clone().map(|number| Watermark {
            server: connection.url.clone(),
            position: BTreeMap::from([(LAST_CHANGE.to_owned(), number)]),
            at: None,
        })),
        Kind::Ldif => Ok(None),
    }
}

/// AD counts updates per database; the database is known by its invocationId (MS-ADTS 3.1.1.1.9).
async fn update_sequence(
    connection: &Connection,
    root: &RootDse,
    budget: &Budget,
) -> Result<Option<Watermark>, ReadError> {
    let (Some(service), Some(committed)) = (&root.service, &root.committed) else { return Ok(None) };
    let Some(entry) = connection.entry(STANDING, service, &["invocationId".to_owned()], budget).await? else {
        return Ok(None);
    };
    let invocation = entry.first("invocationId").and_then(|value| <[u8; 16]>::try_from(value).ok());
    Ok(invocation.map(|bytes| Watermark {
        server: Anchor::from_guid_le(bytes).to_string(),
        position: BTreeMap::from([(COMMITTED.to_owned(), committed.clone())]),
        at: None,
    }))
}

/// A slapd keeps one CSN a server that writes, at the suffix (RFC 4533; slapd's syncprov overlay).
async fn change_sequence(
    connection: &Connection,
    root: &RootDse,
    bases: &[Dn],
    budget: &Budget,
) -> Result<Option<Watermark>, ReadError> {
    let mut suffixes: Vec<&Dn> = bases.iter().filter_map(|base| root.context_of(base)).collect();
    suffixes.sort_unstable();
    suffixes.dedup();
    let mut position = BTreeMap::new();
    for suffix in &suffixes {
        let Some(entry) = connection.entry(STANDING, suffix.as_str(), &["contextCSN".to_owned()], budget).await? else {
            continue;
        };
        for csn in texts(&entry, "contextCSN") {
            if let Some(server) = csn.split('#').nth(2) {
                let key = if suffixes.len() == 1 { server.to_owned() } else { format!("{server} {}", suffix.key()) };
                position.insert(key, csn.clone());
            }
        }
    }
    let server = connection.url.clone();
    Ok((!position.is_empty()).then_some(Watermark { server, position, at: None }))
}

/// The sentence to report where the server stands lower than it did, or behind the one that was read before it.
pub(super) fn went_back(last: Option<&Watermark>, now: Option<&Watermark>, at: Timestamp) -> Option<String> {
    let (last, now) = (last?, now?);
    if last.server != now.server {
        return lags(last, now).filter(|_| !is_old(last, at));
    }
    let counts = |(key, text): &(&String, &String)| *key == COMMITTED || *key == LAST_CHANGE || text.contains('#');
    let (key, before) =
        last.position.iter().filter(counts).find(|(key, before)| {
            now.position.get(*key).is_some_and(|after| position_of(after) < position_of(before))
        })?;
    let after = now.position.get(key)?;
    Some(format!(
        "The server went back in time ({key} was {before} and is {after}): an old database was put back. \
         Nobody leaves until it has caught up"
    ))
}

/// After so long a change reaches every server that is still to get it: one that died with its last changes must not stop its
/// heirs for ever.
const REPLICATED: SignedDuration = SignedDuration::from_hours(24);

/// So long ago that whatever it showed is everywhere by now, or nowhere any more.
pub(super) fn is_old(last: &Watermark, now: Timestamp) -> bool {
    last.at.is_none_or(|at| at.checked_add(REPLICATED).is_ok_and(|end| end <= now))
}

/// A replica that has not got yet what another server already showed: who joined since is not there. CSNs are the same
/// on all replicas (of AD's controllers see `replication`), and each server that is written to counts for itself: of several, one
/// may be behind while another is ahead.
fn lags(last: &Watermark, now: &Watermark) -> Option<String> {
    if last.position.contains_key(COMMITTED) {
        return None;
    }
    let reached: BTreeMap<&str, &str> = csns(now).collect();
    let suffixes: BTreeSet<&str> = reached.keys().map(|key| suffix_of(key)).collect();
    let is_behind = |(key, before): &(&str, &str)| match reached.get(key) {
        Some(after) => after < before,
        None => suffixes.contains(suffix_of(key)),
    };
    let (key, before) = csns(last).find(is_behind)?;
    let (here, after, there) = (&now.server, reached.get(key).unwrap_or(&"none of that server's"), &last.server);
    Some(format!(
        "The replica {here} lags behind {there} (it stands at {after}, and {before} was seen there). Nobody leaves until \
         it has caught up, or a day has passed since the last whole read"
    ))
}

/// The CSNs of a watermark, by their keys. Numbers of a server's own mean nothing on another one.
pub(super) fn csns(mark: &Watermark) -> impl Iterator<Item = (&str, &str)> {
    mark.position.iter().filter(|(_, csn)| csn.contains('#')).map(|(key, csn)| (key.as_str(), csn.as_str()))
}

/// The suffix of a CSN by its key; empty where there is but one.
fn suffix_of(key: &str) -> &str {
    key.split_once(' ').map_or("", |(_, suffix)| suffix)
}

/// Numbers are compared as such; CSNs have one width, so their text has their order.
fn position_of(text: &str) -> (Option<u64>, &str) {
    match text.parse() {
        Ok(number) => (Some(number), ""),
        Err(_) => (None, text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(server: &str, key: &str, position: &str) -> Watermark {
        let position = BTreeMap::from([(key.to_owned(), position.to_owned())]);
        Watermark { server: server.to_owned(), position, at: Some(Timestamp::UNIX_EPOCH) }
    }

    fn went_back(last: Option<&Watermark>, now: Option<&Watermark>) -> Option<String> {
        super::went_back(last, now, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn lower_on_the_same_server_is_back_in_time_and_equal_is_not() {
        let usn = |position| at("id", COMMITTED, position);
        assert!(went_back(Some(&usn("5163")), Some(&usn("5160"))).is_some());
        assert!(went_back(Some(&usn("999")), Some(&usn("1000"))).is_none(), "numbers, not text");
        assert!(went_back(Some(&usn("1000")), Some(&usn("1000"))).is_none());
        assert!(went_back(Some(&usn("5163")), Some(&at("other", COMMITTED, "1"))).is_none());
        assert!(went_back(None, Some(&usn("1"))).is_none());
        let csn = |time: &str| at("ldap://h", "001", &format!("{time}.000000Z#000000#001#000000"));
        assert!(went_back(Some(&csn("20260102000000")), Some(&csn("20260101000000"))).is_some());
        assert!(went_back(Some(&csn("20260101000000")), Some(&csn("20260102000000"))).is_none());
    }

    #[test]
    fn a_replica_that_has_not_caught_up_with_the_server_read_before_is_behind() {
        let csn = |server: &str, writer: &str, day: &str| {
            at(server, writer, &format!("202601{day}000000.000000Z#000000#{writer}#000000"))
        };
        let master = csn("ldap://one", "001", "02");
        let lagging = went_back(Some(&master), Some(&csn("ldap://two", "001", "01"))).unwrap();
        assert!(lagging.contains("ldap://two lags behind ldap://one"), "{lagging}");
        assert!(went_back(Some(&master), Some(&csn("ldap://two", "001", "02"))).is_none());
        // Another server was written to since, and says nothing of the first one's changes.
        let mut other = csn("ldap://two", "001", "01");
        other.position.extend(csn("ldap://two", "002", "03").position);
        assert!(went_back(Some(&master), Some(&other)).is_some());
        let stranger = went_back(Some(&master), Some(&csn("ldap://two", "002", "03"))).unwrap();
        assert!(stranger.contains("none of that server's"), "{stranger}");
        // The first server died with its last changes.
        let day = |seconds| super::went_back(Some(&master), Some(&other), Timestamp::from_second(seconds).unwrap());
        assert!(day(24 * 3600 - 1).is_some());
        assert!(day(24 * 3600).is_none());
        assert!(
            went_back(Some(&csn("ldap://one", "001 dc=x", "02")), Some(&csn("ldap://two", "001 dc=y", "01"))).is_none()
        );
    }

    #[test]
    fn changes_are_looked_for_after_the_last_that_was_seen_where_the_server_s_clock_may_be_slow() {
        let mut last = at("ldap://h", TIMES, "20260101120000Z");
        note_newest(&mut last, [Some("20260101090000Z"), Some("20260101095959Z")]);
        assert_eq!(changed_since(&last).unwrap(), "20260101120000Z", "by the server's own clock");
        last.position.insert(OUR_CLOCK.to_owned(), "ours".to_owned());
        assert_eq!(changed_since(&last).unwrap(), "20260101100000Z");
        note_newest(&mut last, [Some("20260101130000Z"), None]);
        assert_eq!(changed_since(&last).unwrap(), "20260101120000Z");
        assert_eq!(changed_since(&at("ldap://h", TIMES, "nonsense")), None);
    }

    #[test]
    fn a_clock_that_was_set_back_is_no_server_that_went_back_in_time() {
        let time = |time: &str| at("ldap://h", TIMES, time);
        assert!(went_back(Some(&time("20260102000000Z")), Some(&time("20260101000000Z"))).is_none());
    }

    #[test]
    fn numbers_of_two_servers_are_not_compared() {
        let here = at("ldap://two", LAST_CHANGE, "7");
        assert!(went_back(Some(&at("ldap://one", LAST_CHANGE, "900")), Some(&here)).is_none());
        assert!(went_back(Some(&at("ldap://two", LAST_CHANGE, "900")), Some(&here)).is_some());
    }
}
