//! Active Directory as its own replicas ask it, without taking part (DirSync; MS-ADTS 3.1.1.3.4.1.3).
//!
//! Asked from a cookie on, a controller tells which objects of a naming context changed since, those deleted among them. The
//! cookie notes what was received from every controller: another one can go on from it, where a `uSNChanged` is of one alone.
//! Whatever only a controller notes for itself, as each logon, is not told.
//!
//! | the account may | asked |
//! |---|---|
//! | replicate directory changes | as that |
//! | no more than read | for what it may read (the flag object security) |
//!
//! Which objects is all that is taken from an answer: it has only what changed of each, which may say neither what it is nor
//! whether it is in scope. The scope never goes into the filter: who left it would be left out. Of attributes all are asked for
//! that decide anything: a change of others is not told.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ldap3::Scope;
use ldap3::controls::{Control, RawControl};

use super::{Hints, MOST, Since, Untold, look, usn};
use crate::directory::identity::own_anchor;
use crate::directory::ldap::budget::Budget;
use crate::directory::ldap::decode::{self, Item};
use crate::directory::ldap::search::Query;
use crate::directory::ldap::session::Session;
use crate::directory::person::PersonReader;
use crate::model::filter::Filter;
use crate::model::{Anchor, Dn};
use crate::ports::ReadError;

const DIRSYNC: &str = "1.2.840.113556.1.4.841";
/// The place of the cookie in a watermark; it says nothing to people.
pub(super) const COOKIE: &str = "_dirsync";
/// `LDAP_DIRSYNC_OBJECT_SECURITY`.
const OBJECT_SECURITY: u8 = 1;
const INSUFFICIENT_ACCESS: u32 = 50;
/// Answers to one question; a controller that has always more goes round in circles.
const MOST_ANSWERS: u32 = 10_000;
/// Nobody: to be told where the controller stands, and nothing else.
const NOBODY: &str = "(&(objectClass=user)(!(objectClass=*)))";

/// What a group or a place is decided by, besides what people are.
const OTHERS: [&str; 6] = ["name", "isDeleted", "objectClass", "objectCategory", "member", "groupType"];

/// Who changed, and the cookie to go on from.
type Told = (BTreeSet<Anchor>, Vec<u8>);

/// Objects that were changed after the last read.
pub(super) async fn changes(
    session: &Session,
    since: &Since<'_>,
    hints: &mut Hints<'_>,
    budget: &Budget,
) -> Result<Result<(), Untold>, ReadError> {
    let Some(context) = since.only_context() else { return usn::changes(session, since, hints, budget).await };
    let cookie = since.last.position.get(COOKIE).and_then(|text| BASE64.decode(text).ok());
    if let Some(cookie) = cookie.filter(|cookie| !cookie.is_empty()) {
        if !usn::sees_deleted(session, context, budget).await? {
            return Ok(Err(usn::BLIND.to_owned()));
        }
        let question = (usn::watched(), deciding(session, since));
        if let Some((ids, cookie)) = ask(session, context, &question, cookie, budget).await? {
            hints.since = usn::number(since.last).filter(|_| since.here.server == since.last.server);
            hints.cookie = Some((COOKIE, BASE64.encode(cookie)));
            let told = look::Told { moved: ids.clone(), ids, ..look::Told::default() };
            return look::look(session, context, told, hints, budget).await;
        }
    }
    if let Some(cookie) = first(session, context, budget).await? {
        hints.cookie = Some((COOKIE, BASE64.encode(cookie)));
    }
    usn::changes(session, since, hints, budget).await
}

/// A cookie of now; None where the controller gives none. It looks through everything for it, and sends nothing.
pub(in crate::directory::ldap) async fn first(
    session: &Session,
    context: &Dn,
    budget: &Budget,
) -> Result<Option<Vec<u8>>, ReadError> {
    let question = (NOBODY.to_owned(), vec!["name".to_owned()]);
    Ok(ask(session, context, &question, Vec::new(), budget).await?.map(|(_, cookie)| cookie))
}

/// The attributes by which anybody can come into scope, leave it, or be another.
fn deciding(session: &Session, since: &Since<'_>) -> Vec<String> {
    let own = since.settings.filter.as_deref().map(Filter::parse);
    let Some(own) = own.transpose().ok() else { return vec!["*".to_owned()] };
    let mut names = PersonReader::new(session.kind, &since.settings.attributes).wanted();
    names.extend(own.iter().flat_map(Filter::attributes).map(str::to_owned));
    names.extend(OTHERS.map(str::to_owned));
    names.sort_unstable();
    names.dedup();
    names
}

/// Asks from a cookie on, until there is no more, or more than is looked at. None: the controller refuses it.
async fn ask(
    session: &Session,
    context: &Dn,
    (filter, attributes): &(String, Vec<String>),
    mut cookie: Vec<u8>,
    budget: &Budget,
) -> Result<Option<Told>, ReadError> {
    let doing = format!("Could not ask what changed in {:?}", context.as_str());
    let (mut flags, mut ids) = (0, BTreeSet::new());
    for _ in 0..MOST_ANSWERS {
        let controls = vec![request(flags, &cookie)];
        let query = Query { base: context.as_str(), scope: Scope::Subtree, filter, attributes, controls };
        let answer = session.connection.search(&doing, &query, budget).await?;
        if answer.result.rc == INSUFFICIENT_ACCESS && flags == 0 {
            flags = OBJECT_SECURITY;
            continue;
        }
        if answer.result.rc != 0 {
            tracing::debug!(code = answer.result.rc, "DirSync is refused.");
            return Ok(None);
        }
        let misshapen = |error| session.connection.misshapen(&doing, error);
        for message in &answer.messages {
            if let Item::Entry(entry) = decode::item(message).map_err(misshapen)? {
                ids.extend(own_anchor(session.kind, &entry, context));
            }
        }
        let (more, next) = response(&answer.result.ctrls).map_err(misshapen)?;
        cookie = next;
        if !more || ids.len() > MOST {
            return Ok(Some((ids, cookie)));
        }
    }
    Ok(None)
}

/// SEQUENCE { flags, the most bytes to send (none said), cookie }.
fn request(flags: u8, cookie: &[u8]) -> RawControl {
    let number = |value: u8| vec![2, 1, value];
    let value = [number(flags), number(0), tlv(4, cookie)].concat();
    RawControl { ctype: DIRSYNC.to_owned(), crit: true, val: Some(tlv(0x30, &value)) }
}

/// One BER value, of a length below 16 MiB.
fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = u32::try_from(value.len()).unwrap_or(u32::MAX).to_be_bytes();
    let head = match value.len() {
        0..=127 => vec![tag, length[3]],
        _ => vec![tag, 0x83, length[1], length[2], length[3]],
    };
    [head.as_slice(), value].concat()
}

/// Whether there is more, and the cookie to go on from: never an empty one.
fn response(controls: &[Control]) -> Result<(bool, Vec<u8>), decode::Misshapen> {
    let control = controls.iter().find(|control| control.1.ctype == DIRSYNC);
    decode::dirsync(control.and_then(|control| control.1.val.as_deref()))
}
