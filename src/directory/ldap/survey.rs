//! What a server tells before there is a config for it: what it is, how it encrypts, where people and groups lie.

use serde::Serialize;

use super::budget::Budget;
use super::certificate::{self, Certificate};
use super::connect;
use super::decode::{self, Item};
use super::failure::tls_cause;
use super::family::RootDse;
use super::members::{self, LdapGroups};
use super::page::Pager;
use super::search::nothing;
use super::session::Session;
use super::url::ServerUrl;
use crate::directory::group::{GroupSource as _, group_attributes};
use crate::model::settings::{Bind, LdapSettings};
use crate::model::snapshot::Kind;
use crate::ports::ReadError;
use crate::tls::TlsError;

/// Timeouts that asking one server may take.
const TIMEOUTS: u32 = 5;
/// Places and groups that are shown; a person looks for one among them.
const MOST_SHOWN: usize = 500;

/// What a server says to anybody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Greeting {
    pub url: String,
    pub start_tls: bool,
    /// None: none that we know, or it does not tell strangers.
    pub kind: Option<Kind>,
    pub vendor: Option<String>,
    /// Where people may lie, the likeliest first.
    pub contexts: Vec<String>,
}

/// Why a server was not greeted.
#[derive(Debug)]
pub enum Unmet {
    /// Its certificate is not from an authority we trust: its own first, then what it shows of those above.
    Untrusted { url: String, start_tls: bool, certificates: Vec<Certificate> },
    /// Every way that was tried, with what became of it.
    Unreachable(Vec<ReadError>),
}

/// A group, as the server lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GroupFound {
    pub dn: String,
    /// Listed by the group itself. None: the account may not see them.
    pub members: Option<usize>,
}

/// What the account sees.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Catalogue {
    pub kind: Option<Kind>,
    /// The naming contexts for people, then the places within.
    pub bases: Vec<String>,
    /// The largest first; then those of which that cannot be told, before the empty ones.
    pub groups: Vec<GroupFound>,
    /// Why the lists are not whole.
    pub problem: Option<String>,
}

/// Greets a server by each way that keeps what is said from others, best first. `address` is a URL, or a host with a port
/// or without.
///
/// # Errors
/// Where none works.
pub async fn greet(template: &LdapSettings, address: &str) -> Result<Greeting, Unmet> {
    let mut failures = Vec::new();
    for (url, start_tls) in ways(address) {
        let settings = LdapSettings { urls: vec![url.clone()], start_tls, bind: Bind::Anonymous, ..template.clone() };
        let budget = Budget::new(settings.timeout, TIMEOUTS);
        match greet_by(&settings, &url, &budget).await {
            Ok(greeting) => return Ok(greeting),
            Err(error) if is_untrusted(&error) => {
                let certificates = certificate::shown(&settings, &url, &budget).await.unwrap_or_default();
                return Err(Unmet::Untrusted { url, start_tls, certificates });
            }
            // Before anything was connected to: what the server would show, or why it would show nothing, is still to be seen.
            Err(error) if trusts_nobody(&error) => match certificate::shown(&settings, &url, &budget).await {
                Ok(certificates) => return Err(Unmet::Untrusted { url, start_tls, certificates }),
                Err(why) => failures.push(why.unwrap_or(error)),
            },
            Err(error) => failures.push(error),
        }
    }
    Err(Unmet::Unreachable(failures))
}

/// What to try for an address. Only to this machine itself is anything said in the clear.
fn ways(address: &str) -> Vec<(String, bool)> {
    match ServerUrl::parse(address) {
        Some(url) if url.tls => vec![(url.text, false)],
        Some(url) => {
            let mut ways = vec![(url.text.clone(), true)];
            if url.is_loopback() {
                ways.push((url.text, false));
            }
            ways
        }
        // Whoever names a port means it. On these two no server begins with TLS.
        None if [":389", ":3268"].iter().any(|port| address.ends_with(port)) => {
            vec![(format!("ldap://{address}"), true)]
        }
        None => vec![(format!("ldaps://{address}"), false), (format!("ldap://{address}"), true)],
    }
}

async fn greet_by(settings: &LdapSettings, url: &str, budget: &Budget) -> Result<Greeting, ReadError> {
    let connection = connect::dial(settings, url, budget).await?;
    // Some servers refuse strangers even this; who binds may ask again.
    let root = RootDse::read(&connection, budget).await.unwrap_or_default();
    connection.close().await;
    Ok(Greeting {
        url: url.to_owned(),
        start_tls: settings.start_tls,
        kind: root.kind,
        contexts: root.people_contexts(),
        vendor: root.vendor,
    })
}

fn is_untrusted(error: &ReadError) -> bool {
    matches!(tls_cause(error), Some(rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer)))
}

/// The system has no authorities, and none was named.
fn trusts_nobody(error: &ReadError) -> bool {
    let source = error.source.as_ref().and_then(|source| source.downcast_ref::<TlsError>());
    matches!(source, Some(TlsError::System(_)))
}

/// Binds, and lists where people and groups may be. What cannot be listed is only missing from the lists: whether the account
/// may read what a config names, `check` tells.
///
/// # Errors
/// Where the account is refused, or no server answers.
pub async fn survey(settings: &LdapSettings) -> Result<Catalogue, ReadError> {
    let budget = Budget::new(settings.timeout, TIMEOUTS);
    let session = Session::open(settings, None, None, &budget).await?;
    let contexts = session.root.people_contexts();
    let mut found = Catalogue { kind: Some(session.kind), bases: contexts.clone(), ..Catalogue::default() };
    for context in &contexts {
        let listed = match places(&session, context, &mut found.bases, &budget).await {
            Ok(()) => groups_in(&session, context, &mut found.groups, &budget).await,
            Err(error) => Err(error),
        };
        found.problem = found.problem.or(listed.err().map(|error| error.doing));
    }
    let size = |group: &GroupFound| group.members.map_or((0, true), |members| (members, false));
    found.groups.sort_by(|one, other| size(other).cmp(&size(one)).then_with(|| one.dn.cmp(&other.dn)));
    session.connection.close().await;
    Ok(found)
}

/// Organizational units, and in Active Directory the container where people are put by default.
async fn places(session: &Session, context: &str, found: &mut Vec<String>, budget: &Budget) -> Result<(), ReadError> {
    let filter = "(|(objectClass=organizationalUnit)(&(objectClass=container)(cn=Users)))";
    let doing = format!("Could not list the places under {context:?}");
    let attributes = nothing();
    let mut pager = Pager::new(&session.connection, context, filter, &attributes, page_size(session)).doing(doing);
    while let Some(page) = pager.next(budget).await? {
        for message in &page {
            if let Ok(Item::Entry(entry)) = decode::item(message)
                && let Ok(dn) = String::from_utf8(entry.to_owned().dn)
                && dn != context
                && found.len() < MOST_SHOWN
            {
                found.push(dn);
            }
        }
        if found.len() >= MOST_SHOWN {
            break;
        }
    }
    Ok(())
}

async fn groups_in(
    session: &Session,
    context: &str,
    found: &mut Vec<GroupFound>,
    budget: &Budget,
) -> Result<(), ReadError> {
    let filter = match session.kind {
        // Those that every domain has for itself are no company's teams.
        Kind::ActiveDirectory => "(&(objectClass=group)(!(isCriticalSystemObject=TRUE)))",
        _ => {
            "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=groupOfMembers)(objectClass=posixGroup))"
        }
    };
    let mut empty = Vec::new();
    let doing = format!("Could not list the groups under {context:?}");
    let attributes: Vec<String> = group_attributes(session.kind).iter().map(|name| (*name).to_owned()).collect();
    let mut pager = Pager::new(&session.connection, context, filter, &attributes, page_size(session)).doing(doing);
    while let Some(page) = pager.next(budget).await? {
        for message in &page {
            let Ok(Item::Entry(entry)) = decode::item(message) else { continue };
            if let Some(group) = members::group_of(session, entry.to_owned(), budget).await?
                && found.len() < MOST_SHOWN
            {
                found.push(GroupFound { dn: group.dn.to_string(), members: Some(group.listed()) });
                empty.extend(group.is_empty().then_some(group.dn));
            }
        }
        if found.len() >= MOST_SHOWN {
            break;
        }
    }
    let hidden = LdapGroups { session, anchor: None, budget }.hidden(&empty).await?;
    for (dn, _) in empty.iter().zip(hidden).filter(|(_, attribute)| attribute.is_some()) {
        found.iter_mut().filter(|group| group.dn == dn.as_str()).for_each(|group| group.members = None);
    }
    Ok(())
}

fn page_size(session: &Session) -> Option<u32> {
    session.root.pages().then_some(100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_to_another_machine_is_encrypted_by_every_way_that_is_tried() {
        let told = |address: &str| ways(address);
        assert_eq!(told("ldaps://dc:1636"), [("ldaps://dc:1636".to_owned(), false)]);
        assert_eq!(told("dc"), [("ldaps://dc".to_owned(), false), ("ldap://dc".to_owned(), true)]);
        assert_eq!(told("dc:1636"), [("ldaps://dc:1636".to_owned(), false), ("ldap://dc:1636".to_owned(), true)]);
        assert_eq!(told("dc:389"), [("ldap://dc:389".to_owned(), true)]);
        assert_eq!(told("ldap://dc"), [("ldap://dc".to_owned(), true)]);
        assert_eq!(told("ldap://localhost").last(), Some(&("ldap://localhost".to_owned(), false)));
    }
}
