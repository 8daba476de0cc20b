//! Content synchronisation (RFC 4533) as a client asks for it once and not to stay: `refreshOnly`.
//!
//! Where OpenLDAP remembers what was deleted (the session log of the overlay syncprov), it tells that. Where it does not, it
//! tells by their ids everyone who is still there instead: whoever is known and not among them is looked at, and nobody is
//! believed to be gone for it.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use ldap3::Scope;
use ldap3::controls::{Control, MakeCritical as _, RawControl, RefreshMode, SyncRequest};

use super::{Hints, Since, Untold, only, stamp, subtree, times};
use crate::directory::entry::{Entry as _, RawEntry};
use crate::directory::ldap::budget::Budget;
use crate::directory::ldap::decode::{self, Item, Misshapen, SyncInfo};
use crate::directory::ldap::filter;
use crate::directory::ldap::position;
use crate::directory::ldap::search::{Query, nothing};
use crate::directory::ldap::session::Session;
use crate::model::snapshot::Watermark;
use crate::model::{Anchor, Dn};
use crate::ports::ReadError;

/// Sync State and Sync Done (RFC 4533 2.3, 2.4).
const SYNC_STATE: &str = "1.3.6.1.4.1.4203.1.9.1.2";
const SYNC_DONE: &str = "1.3.6.1.4.1.4203.1.9.1.3";
/// `e-syncRefreshRequired` (RFC 4533 2.1); OpenLDAP refuses a cookie that it never gave by the other.
const REFRESH_REQUIRED: [u32; 2] = [4096, 53];

/// What is asked for, of all that is there.
const ANYTHING: &str = "(objectClass=*)";

/// Clocks may differ by this much.
const AHEAD: SignedDuration = SignedDuration::from_mins(1);

/// Entries of an OpenLDAP server that were changed after the last read, and which are gone or there.
pub(super) async fn changes(
    session: &Session,
    since: &Since<'_>,
    hints: &mut Hints<'_>,
    budget: &Budget,
) -> Result<Result<(), Untold>, ReadError> {
    let context = match fit(session, since, budget).await? {
        Ok(context) => context,
        Err(why) => {
            tracing::debug!(why, "Changes are told by their times.");
            return times::changes(session, since, hints, budget).await;
        }
    };
    if let Some(why) = stamp::hidden(session, (since.last, since.contexts), stamp::NUMBER, &hints.scope, budget).await?
    {
        return Ok(Err(why));
    }
    let cookie = Some(cookie(since.last).into_bytes());
    let told = refresh(session, context, (Scope::Subtree, cookie), &hints.attributes(), budget).await?;
    let told = match told {
        Ok(told) => told,
        Err(why) => return Ok(Err(why)),
    };
    if let Some(why) = falls_short(session, since, (context, &told), budget).await? {
        return Ok(Err(why));
    }
    // Nothing came, for nothing happened.
    let is_silent = told.is_empty() && position::csns(since.last).eq(position::csns(since.here));
    told.entries.iter().for_each(|(_, entry)| hints.note(entry));
    told.gone.iter().for_each(|id| hints.note_gone(*id));
    if !told.by_deletions && !is_silent {
        let changed = told.entries.iter().map(|(id, _)| *id);
        let there: BTreeSet<Anchor> = told.present.into_iter().chain(changed).collect();
        if hints.scope.iter().any(|anchor| !there.contains(anchor)) {
            return Ok(Err("the server does not say that a base or group is still there".to_owned()));
        }
        hints.there = Some(there);
    }
    Ok(Ok(()))
}

/// The cookie of a client who has what was there at this watermark: the number of the last change of each server.
pub(in crate::directory::ldap) fn cookie(mark: &Watermark) -> String {
    let numbers: Vec<&str> = position::csns(mark).map(|(_, csn)| csn).collect();
    format!("rid=000,csn={}", numbers.join(";"))
}

/// The one of these databases that can be asked, where the server is one to ask.
pub(super) fn database<'a>(session: &Session, databases: &BTreeSet<&'a Dn>) -> Result<&'a Dn, Untold> {
    if !session.root.synchronises() {
        return Err("the server does not synchronise (overlay syncprov)".to_owned());
    }
    let context = only(databases).ok_or("bases and groups lie in several databases")?;
    if session.root.has_below(context) {
        return Err(format!("another database lies under {:?}", context.as_str()));
    }
    Ok(context)
}

/// The one database that can be asked; a sentence says why there is none.
async fn fit<'a>(session: &Session, since: &Since<'a>, budget: &Budget) -> Result<Result<&'a Dn, Untold>, ReadError> {
    let context = match database(session, &since.databases) {
        Ok(context) => context,
        Err(why) => return Ok(Err(why)),
    };
    if position::csns(since.last).next().is_none() {
        return Ok(Err("the last read noted no change number".to_owned()));
    }
    if !shows_change_numbers(session, context, budget).await? {
        return Ok(Err("the account may not read entryCSN, by which the server tells what changed".to_owned()));
    }
    if position::csns(since.here).any(|(_, csn)| is_ahead(csn, since.now)) {
        return Ok(Err("the server's last change lies ahead of the clock".to_owned()));
    }
    Ok(Ok(context))
}

/// Whether the account sees when entries were changed: the server leaves out whatever it does not.
pub(in crate::directory::ldap) async fn shows_change_numbers(
    session: &Session,
    context: &Dn,
    budget: &Budget,
) -> Result<bool, ReadError> {
    let doing = "Could not find out whether changes are told";
    let entry = session.connection.entry(doing, context.as_str(), &[stamp::NUMBER.to_owned()], budget).await?;
    Ok(entry.is_some_and(|entry| entry.has(stamp::NUMBER)))
}

/// Why an answer cannot be all that happened: the server said before that it stands further on.
///
/// | the answer | then |
/// |---|---|
/// | has a cookie from before that (RFC 4533 3.3.1 has it tell up to where the answer goes), or none | it lacks something |
/// | has nothing but its cookie, though the very entry is there that was changed last | it lost that |
/// | the same, and no such entry: it is gone, or hidden from the account | it is believed |
async fn falls_short(
    session: &Session,
    since: &Since<'_>,
    (context, told): (&Dn, &Refreshed),
    budget: &Budget,
) -> Result<Option<Untold>, ReadError> {
    let moved: Vec<&str> = moved(since.last, since.here).collect();
    let reached = told.cookie.as_deref().map(numbers).unwrap_or_default();
    if moved.iter().any(|csn| !reached.iter().any(|end| writer(end) == writer(csn) && end.as_str() >= *csn)) {
        return Ok(Some("the answer does not reach to where the server said that it stands".to_owned()));
    }
    if moved.is_empty() || !told.is_empty() {
        return Ok(None);
    }
    let latest: Vec<String> = moved.iter().map(|csn| format!("({}={csn})", stamp::NUMBER)).collect();
    let filter = filter::all([ANYTHING, filter::any(latest.iter().map(String::as_str)).as_str()]);
    let (doing, attributes) = ("Could not find out whether an answer lost something", nothing());
    let found = session.connection.entries(doing, &subtree(context, &filter, &attributes), budget).await?;
    Ok((!found.is_empty()).then(|| "the answer tells of no change, and an entry shows one".to_owned()))
}

/// The latest number of each server that has another one than at the last read.
fn moved<'a>(last: &Watermark, here: &'a Watermark) -> impl Iterator<Item = &'a str> {
    let before: BTreeSet<String> = position::csns(last).map(|(_, csn)| csn.to_owned()).collect();
    position::csns(here).map(|(_, csn)| csn).filter(move |csn| !before.contains(*csn))
}

/// The numbers in a cookie of the server's: `rid=000,csn=NUMBER;NUMBER`.
fn numbers(cookie: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(cookie);
    let numbers = text.split(',').find_map(|part| part.strip_prefix("csn="));
    numbers.into_iter().flat_map(|numbers| numbers.split(';')).map(str::to_owned).collect()
}

/// The server that gave a number: TIME#COUNT#SERVER#CHANGE.
fn writer(csn: &str) -> Option<&str> {
    csn.split('#').nth(2)
}

/// A number made by a clock that was wrong: until its time has come the server gives no higher one.
fn is_ahead(csn: &str, now: Timestamp) -> bool {
    let latest = now.saturating_add(AHEAD).unwrap_or(now).strftime("%Y%m%d%H%M%S").to_string();
    csn.get(..latest.len()).is_none_or(|time| time > latest.as_str())
}

/// What a server told.
#[derive(Debug, Default)]
pub(super) struct Refreshed {
    /// Added or changed.
    pub(super) entries: Vec<(Anchor, RawEntry)>,
    pub(super) gone: Vec<Anchor>,
    /// Not changed, and there.
    pub(super) present: Vec<Anchor>,
    /// Who is in none of these did not change; else: is not there. 389 DS 2.3 never says so, though it tells who is gone.
    pub(super) by_deletions: bool,
    /// To go on from, as the server gave it.
    pub(super) cookie: Option<Vec<u8>>,
}

impl Refreshed {
    fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.gone.is_empty() && self.present.is_empty()
    }
}

/// Asks once, and reads the answer to its end.
pub(super) async fn refresh(
    session: &Session,
    context: &Dn,
    (scope, cookie): (Scope, Option<Vec<u8>>),
    attributes: &[String],
    budget: &Budget,
) -> Result<Result<Refreshed, Untold>, ReadError> {
    let doing = format!("Could not ask what changed in {:?}", context.as_str());
    let request = SyncRequest { mode: RefreshMode::RefreshOnly, cookie, reload_hint: false };
    let controls = vec![RawControl::from(request.critical())];
    let query = Query { base: context.as_str(), scope, filter: ANYTHING, attributes, controls };
    let answer = session.connection.search_with_controls(&doing, &query, budget).await?;
    if REFRESH_REQUIRED.contains(&answer.result.rc) {
        return Ok(Err(format!("the server asks to be read anew (code {})", answer.result.rc)));
    }
    let misshapen = |error| session.connection.misshapen(&doing, error);
    let mut told = Refreshed::default();
    for (message, controls) in &answer.messages {
        match decode::item(message).map_err(misshapen)? {
            Item::Reference(_) => {}
            Item::Intermediate => match decode::sync_info(message).map_err(misshapen)? {
                SyncInfo::Ids { deleted: true, ids } => told.gone.extend(ids),
                SyncInfo::Ids { deleted: false, ids } => told.present.extend(ids),
                SyncInfo::Other => {}
            },
            Item::Entry(entry) => match state(controls).map_err(misshapen)? {
                Some((decode::DELETED, id)) => told.gone.push(id),
                Some((decode::PRESENT, id)) => told.present.push(id),
                Some((_, id)) => told.entries.push((id, entry.to_owned())),
                None => return Ok(Err("an entry came without its state".to_owned())),
            },
        }
    }
    let result = session.connection.succeeded(&doing, answer.result)?;
    let Some(done) = value_of(&result.ctrls, SYNC_DONE) else {
        return Ok(Err("the answer ended without its control".to_owned()));
    };
    (told.by_deletions, told.cookie) = decode::sync_done(done).map_err(misshapen)?;
    Ok(Ok(told))
}

/// What is said of an entry, and its id; None where it came without.
pub(in crate::directory::ldap) fn state(controls: &[Control]) -> Result<Option<(i64, Anchor)>, Misshapen> {
    value_of(controls, SYNC_STATE).map(decode::sync_state).transpose()
}

fn value_of<'a>(controls: &'a [Control], oid: &str) -> Option<&'a [u8]> {
    controls.iter().find(|control| control.1.ctype == oid).and_then(|control| control.1.val.as_deref())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn csn(writer: &str, day: &str) -> String {
        format!("202601{day}000000.000000Z#000000#{writer}#000000")
    }

    fn at(numbers: &[(&str, &str)]) -> Watermark {
        let position: BTreeMap<String, String> =
            numbers.iter().map(|(writer, day)| ((*writer).to_owned(), csn(writer, day))).collect();
        Watermark { server: "ldap://h".to_owned(), position, at: None }
    }

    #[test]
    fn what_moved_is_the_number_of_each_server_that_wrote_since() {
        let (last, here) = (at(&[("001", "02"), ("002", "01")]), at(&[("001", "02"), ("002", "03"), ("003", "01")]));
        assert_eq!(moved(&last, &here).collect::<Vec<_>>(), [csn("002", "03"), csn("003", "01")]);
        assert_eq!(moved(&here, &here).count(), 0);
    }

    #[test]
    fn a_cookie_holds_one_number_of_each_server_and_an_odd_one_none() {
        let both = format!("rid=000,sid=001,csn={};{}", csn("001", "02"), csn("002", "01"));
        assert_eq!(numbers(both.as_bytes()), [csn("001", "02"), csn("002", "01")]);
        assert_eq!(writer(&csn("002", "01")), Some("002"));
        assert!(numbers(b"").is_empty() && numbers(b"rid=000").is_empty());
        assert_eq!(writer("nonsense"), None);
    }
}
