//! Somebody looked up by name, for a person who asks why there is no seat: nothing is decided by it.

use jiff::Timestamp;
use ldap3::Scope;

use super::budget::Budget;
use super::filter;
use super::page::paged;
use super::read::people_filter;
use super::search::{Query, nothing};
use super::session::Session;
use crate::directory::entry::{Entry as _, RawEntry};
use crate::directory::person::PersonReader;
use crate::model::settings::DirectorySettings;
use crate::model::snapshot::{Kind, Sought};
use crate::model::{Anchor, Dn};
use crate::ports::ReadError;

/// More than a person reads, and no strain on a server.
const AT_MOST: u32 = 20;
const DOING: &str = "Could not look somebody up by name";

/// Entries that go by the name, in the naming contexts of the bases: the first few of them.
///
/// # Errors
/// Where the server could not be asked.
pub(super) async fn entries(
    session: &Session,
    settings: &DirectorySettings,
    bases: &[Dn],
    (name, now): (&str, Timestamp),
    budget: &Budget,
) -> Result<Vec<Sought>, ReadError> {
    let reader = PersonReader::new(session.kind, &settings.attributes);
    let mut attributes = reader.wanted();
    for own in [session.anchor_attribute(), "objectClass"] {
        if !attributes.iter().any(|known| known.eq_ignore_ascii_case(own)) {
            attributes.push(own.to_owned());
        }
    }
    let mut sought = Vec::new();
    for entry in found(session, &reader, bases, (name.trim(), &attributes), budget).await? {
        let Ok(sighting) = reader.read(&entry, now) else { continue };
        let place = sighting.dn.as_str().to_owned();
        sought.push(Sought {
            server: session.connection.url.clone(),
            is_person: fits(session, &place, reader.filter(), budget).await?,
            is_under_base: bases.iter().any(|base| sighting.dn.is_under(base)),
            fits_filter: fits(session, &place, &people_filter(&reader, settings), budget).await?,
            sighting,
        });
    }
    sought.sort_by_key(|found| found.sighting.anchor);
    sought.dedup_by_key(|found| found.sighting.anchor);
    Ok(sought)
}

/// A DN says where to look; any other name is searched for.
async fn found(
    session: &Session,
    reader: &PersonReader,
    bases: &[Dn],
    (name, attributes): (&str, &[String]),
    budget: &Budget,
) -> Result<Vec<RawEntry>, ReadError> {
    if let Some(dn) = Dn::parse(name).ok().filter(|_| name.contains('=')) {
        let entry = session.connection.entry(DOING, dn.as_str(), attributes, budget).await?;
        return Ok(entry.into_iter().filter(|entry| !entry.is_deleted()).collect());
    }
    let mut contexts: Vec<&Dn> = bases.iter().map(|base| session.root.context_of(base).unwrap_or(base)).collect();
    contexts.sort_unstable();
    contexts.dedup();
    // As the state is asked: by name, else by the whole display name, else by its beginning.
    for filter in [named(session, reader, name), called(reader, name, ""), called(reader, name, "*")] {
        let mut entries = Vec::new();
        for context in &contexts {
            entries.extend(some(session, context.as_str(), (&filter, attributes), budget).await?);
        }
        if !entries.is_empty() || name.is_empty() {
            return Ok(entries);
        }
    }
    Ok(Vec::new())
}

/// The first page of a search. A server that holds more than it may tell told enough.
async fn some(
    session: &Session,
    base: &str,
    (filter, attributes): (&str, &[String]),
    budget: &Budget,
) -> Result<Vec<RawEntry>, ReadError> {
    const SIZE_LIMIT_EXCEEDED: u32 = 4;
    let controls = if session.root.pages() { vec![paged(AT_MOST, &[])] } else { vec![] };
    let query = Query { base, scope: Scope::Subtree, filter, attributes, controls };
    let answer = session.connection.search(DOING, &query, budget).await?;
    if answer.result.rc != SIZE_LIMIT_EXCEEDED {
        session.connection.succeeded(DOING, answer.result)?;
    }
    session.connection.decoded(DOING, answer.messages)
}

/// The filter for people who go by a name: an anchor, else a user name, mail address or (in Active Directory) logon name.
fn named(session: &Session, reader: &PersonReader, name: &str) -> String {
    let value = filter::text(name);
    let mut filters: Vec<String> = reader.required().map(|attribute| format!("({attribute}={value})")).collect();
    if let Ok(anchor) = name.parse::<Anchor>() {
        filters.push(session.has_anchor(anchor));
    }
    if session.kind == Kind::ActiveDirectory {
        let logon = name.rsplit('\\').next().unwrap_or_default();
        filters.push(format!("(sAMAccountName={})", filter::text(logon)));
    }
    let any = filter::any(filters.iter().map(String::as_str));
    filter::all([reader.filter(), any.as_str()])
}

/// The filter for people whose display name this is; with `*` as its `end`, begins so.
fn called(reader: &PersonReader, name: &str, end: &str) -> String {
    let value = filter::text(name);
    let filters: Vec<String> = reader.called().map(|attribute| format!("({attribute}={value}{end})")).collect();
    let any = filter::any(filters.iter().map(String::as_str));
    filter::all([reader.filter(), any.as_str()])
}

/// Whether an entry fits a filter, as far as the account sees it.
async fn fits(session: &Session, dn: &str, filter: &str, budget: &Budget) -> Result<bool, ReadError> {
    let attributes = nothing();
    let query = Query { base: dn, scope: Scope::Base, filter, attributes: &attributes, controls: vec![] };
    session.connection.finds(DOING, &query, budget).await
}
