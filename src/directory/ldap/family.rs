//! What kind of server it is, what it holds, and where it stands: all out of its root DSE (RFC 4512 5.1).

use std::collections::BTreeMap;

use ldap3::Scope;

use super::budget::Budget;
use super::connect::Connection;
use super::failure::fault;
use super::page::PAGED_RESULTS;
use super::search::Query;
use crate::directory::entry::{Entry as _, RawEntry};
use crate::model::snapshot::{Kind, Watermark};
use crate::model::{Anchor, Dn};
use crate::ports::{Persistence, ReadError};

/// Says Active Directory (MS-ADTS 3.1.1.3.4.3.1); Samba says so too.
const ACTIVE_DIRECTORY: &str = "1.2.840.113556.1.4.800";
/// Content synchronisation (RFC 4533).
const CONTENT_SYNC: &str = "1.3.6.1.4.1.4203.1.9.1.1";
pub(super) const COMMITTED: &str = "highestCommittedUSN";
const STANDING: &str = "Could not find out where the server stands";

/// What a root DSE says, as far as we use it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct RootDse {
    /// What it seems to be; None: none that we know.
    pub(super) kind: Option<Kind>,
    pub(super) naming_contexts: Vec<Dn>,
    /// None: the server keeps its controls to itself.
    controls: Option<Vec<String>>,
    configuration: Option<String>,
    /// Where the schema's classes and attributes lie, in Active Directory.
    pub(super) schema: Option<String>,
    pub(super) vendor: Option<String>,
    /// The domain's own, in Active Directory.
    default_context: Option<String>,
    service: Option<String>,
    committed: Option<String>,
}

impl RootDse {
    /// Asks the server.
    pub(super) async fn read(connection: &Connection, budget: &Budget) -> Result<Self, ReadError> {
        let names = [
            "objectClass",
            "namingContexts",
            "configurationNamingContext",
            "schemaNamingContext",
            "defaultNamingContext",
            "vendorName",
            "supportedControl",
            "supportedCapabilities",
            "dsServiceName",
            COMMITTED,
        ];
        let entry = connection.entry("Could not read the root DSE", "", &names.map(str::to_owned), budget).await?;
        Ok(entry.as_ref().map(Self::of).unwrap_or_default())
    }

    fn of(entry: &RawEntry) -> Self {
        let text = |name| entry.text(name).and_then(Result::ok).map(str::to_owned);
        let kind = if entry.says("supportedCapabilities", ACTIVE_DIRECTORY) {
            Some(Kind::ActiveDirectory)
        } else if entry.says("objectClass", "OpenLDAProotDSE") {
            Some(Kind::OpenLdap)
        } else {
            None
        };
        Self {
            kind,
            naming_contexts: texts(entry, "namingContexts").iter().filter_map(|dn| Dn::parse(dn).ok()).collect(),
            controls: entry.has("supportedControl").then(|| texts(entry, "supportedControl")),
            configuration: text("configurationNamingContext"),
            schema: text("schemaNamingContext"),
            vendor: text("vendorName"),
            default_context: text("defaultNamingContext"),
            service: text("dsServiceName"),
            committed: text(COMMITTED),
        }
    }

    /// Whether to ask for pages. A server that says nothing of its controls is asked, and says no if it must.
    pub(super) fn pages(&self) -> bool {
        self.controls.as_ref().is_none_or(|controls| controls.iter().any(|control| control == PAGED_RESULTS))
    }

    /// Where people may lie: the domain, or all that a server holds.
    pub(super) fn people_contexts(&self) -> Vec<String> {
        match &self.default_context {
            Some(domain) => vec![domain.clone()],
            None => {
                let contexts = self.naming_contexts.iter().filter(|context| !is_of_the_server(context));
                contexts.map(|context| context.as_str().to_owned()).collect()
            }
        }
    }

    /// The domain controller is a Samba: other commands set it up than Windows'.
    pub(super) fn is_samba(&self) -> bool {
        self.vendor.as_ref().is_some_and(|vendor| vendor.starts_with("Samba"))
    }

    /// The server says that it knows how to synchronise: the overlay syncprov is loaded.
    pub(super) fn synchronises(&self) -> bool {
        self.controls.as_ref().is_some_and(|controls| controls.iter().any(|control| control == CONTENT_SYNC))
    }

    /// Another naming context lies under this one.
    pub(super) fn has_below(&self, context: &Dn) -> bool {
        self.naming_contexts.iter().any(|other| other != context && other.is_under(context))
    }

    /// The naming context that holds a DN: the deepest of those known.
    pub(super) fn context_of(&self, dn: &Dn) -> Option<&Dn> {
        deepest(&self.naming_contexts, dn)
    }
}

/// OpenLDAP's own databases (slapd-config(5), slapd-monitor(5), slapo-accesslog(5)): no people lie there.
fn is_of_the_server(context: &Dn) -> bool {
    let name = context.as_str().to_ascii_lowercase();
    ["cn=config", "cn=monitor", "cn=log", "cn=accesslog", "cn=changelog", "cn=deltalog", "cn=schema"]
        .contains(&name.as_str())
}

/// The deepest of the contexts that holds a DN.
pub(super) fn deepest<'a>(contexts: &'a [Dn], dn: &Dn) -> Option<&'a Dn> {
    contexts.iter().filter(|context| dn.is_under(context)).max_by_key(|context| context.key().len())
}

fn texts(entry: &RawEntry, name: &str) -> Vec<String> {
    entry.values(name).filter_map(|value| std::str::from_utf8(value).ok()).map(str::to_owned).collect()
}

/// The kind to read by: the configured one wins, and a server that says otherwise is reported.
pub(super) fn decide_kind(configured: Option<Kind>, root: &RootDse, url: &str) -> Result<Kind, ReadError> {
    match (configured, root.kind) {
        (Some(configured), Some(found)) if configured != found => {
            tracing::warn!(
                name: "directory.other_kind",
                server = url,
                configured = configured.as_str(),
                found = found.as_str(),
                "The server is of another kind than the config says; reading it as configured"
            );
            Ok(configured)
        }
        (Some(kind), _) | (None, Some(kind)) => Ok(kind),
        (None, None) => Err(fault(
            "Could not tell what kind of directory this is",
            url,
            "its root DSE names neither Active Directory nor OpenLDAP",
            "Set `kind` to \"active-directory\" or \"openldap\"",
            Persistence::Permanent,
        )),
    }
}

/// All naming contexts of an AD forest, those of other domains included; none where they cannot be read.
pub(super) async fn forest(connection: &Connection, root: &RootDse, budget: &Budget) -> Result<Vec<Dn>, ReadError> {
    let Some(configuration) = &root.configuration else { return Ok(vec![]) };
    let base = format!("CN=Partitions,{configuration}");
    let (filter, attributes) = ("(objectClass=crossRef)", ["nCName".to_owned()]);
    let query = Query { base: &base, scope: Scope::OneLevel, filter, attributes: &attributes, controls: vec![] };
    match connection.entries("Could not read the domains of the forest", &query, budget).await {
        Ok(entries) => Ok(entries
            .iter()
            .filter_map(|entry| entry.text("nCName").and_then(Result::ok))
            .filter_map(|dn| Dn::parse(dn).ok())
            .collect()),
        Err(error) if error.persistence == Persistence::Permanent => Ok(vec![]),
        Err(error) => Err(error),
    }
}

/// Where the server stands now: to be taken before the read. None where it does not say.
pub(super) async fn watermark(
    connection: &Connection,
    kind: Kind,
    root: &RootDse,
    bases: &[Dn],
    budget: &Budget,
) -> Result<Option<Watermark>, ReadError> {
    match kind {
        Kind::ActiveDirectory => update_sequence(connection, root, budget).await,
        Kind::OpenLdap => change_sequence(connection, root, bases, budget).await,
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
pub(super) fn went_back(last: Option<&Watermark>, now: Option<&Watermark>) -> Option<String> {
    let (last, now) = (last?, now?);
    if last.server != now.server {
        return lags(last, now);
    }
    let (key, before) = last
        .position
        .iter()
        .find(|(key, before)| now.position.get(*key).is_some_and(|after| position_of(after) < position_of(before)))?;
    let after = now.position.get(key)?;
    Some(format!(
        "The server went back in time ({key} was {before} and is {after}): an old database was put back. \
         Nobody leaves until it has caught up"
    ))
}

/// A replica that has not got yet what another server already showed: who joined since is not there. CSNs are the same
/// on all replicas (of AD's controllers see `replication`). Only the newest is compared: a server that died with its last changes must not stop its heirs.
fn lags(last: &Watermark, now: &Watermark) -> Option<String> {
    if last.position.contains_key(COMMITTED) {
        return None;
    }
    let reached = newest(now);
    let (suffix, before) =
        newest(last).into_iter().find(|(suffix, before)| reached.get(suffix).is_some_and(|after| after < before))?;
    let (here, after, there) = (&now.server, reached.get(suffix)?, &last.server);
    Some(format!(
        "The replica {here} lags behind {there} (it stands at {after}, and {before} was seen there). Nobody leaves until \
         it has caught up"
    ))
}

/// The newest CSN of each suffix.
fn newest(mark: &Watermark) -> BTreeMap<&str, &str> {
    let mut newest: BTreeMap<&str, &str> = BTreeMap::new();
    for (key, csn) in &mark.position {
        let suffix = key.split_once(' ').map_or("", |(_, suffix)| suffix);
        let so_far = newest.entry(suffix).or_default();
        *so_far = csn.as_str().max(so_far);
    }
    newest
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

    fn entry(attributes: &[(&str, &[&str])]) -> RawEntry {
        let attributes = attributes
            .iter()
            .map(|(name, values)| ((*name).to_owned(), values.iter().map(|value| value.as_bytes().to_vec()).collect()))
            .collect();
        RawEntry { dn: vec![], attributes }
    }

    fn at(server: &str, key: &str, position: &str) -> Watermark {
        let position = BTreeMap::from([(key.to_owned(), position.to_owned())]);
        Watermark { server: server.to_owned(), position, at: None }
    }

    #[test]
    fn the_root_dse_tells_the_family() {
        let samba = entry(&[("supportedCapabilities", &["1.2.840.113556.1.4.800"]), ("objectClass", &["top"])]);
        assert_eq!(RootDse::of(&samba).kind, Some(Kind::ActiveDirectory));
        let slapd = entry(&[("objectClass", &["top", "OpenLDAProotDSE"])]);
        assert_eq!(RootDse::of(&slapd).kind, Some(Kind::OpenLdap));
        assert_eq!(RootDse::of(&entry(&[])).kind, None);
    }

    #[test]
    fn an_unknown_server_needs_a_kind_and_the_configured_one_wins() {
        let unknown = RootDse::default();
        let error = decide_kind(None, &unknown, "ldap://h").unwrap_err();
        assert!(error.doing.contains("active-directory") && error.doing.contains("openldap"), "{}", error.doing);
        assert_eq!(decide_kind(Some(Kind::OpenLdap), &unknown, "ldap://h").unwrap(), Kind::OpenLdap);
        let samba = RootDse { kind: Some(Kind::ActiveDirectory), ..RootDse::default() };
        assert_eq!(decide_kind(Some(Kind::OpenLdap), &samba, "ldap://h").unwrap(), Kind::OpenLdap);
        assert_eq!(decide_kind(None, &samba, "ldap://h").unwrap(), Kind::ActiveDirectory);
    }

    #[test]
    fn paging_is_asked_for_unless_the_server_says_it_has_none() {
        assert!(RootDse::of(&entry(&[])).pages());
        assert!(RootDse::of(&entry(&[("supportedControl", &["1.2.3", PAGED_RESULTS])])).pages());
        assert!(!RootDse::of(&entry(&[("supportedControl", &["1.2.3"])])).pages());
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
        // The first server died with its last changes; the second has been written to since.
        let mut heir = csn("ldap://two", "001", "01");
        heir.position.extend(csn("ldap://two", "002", "03").position);
        assert!(went_back(Some(&master), Some(&heir)).is_none());
        assert!(
            went_back(Some(&csn("ldap://one", "001 dc=x", "02")), Some(&csn("ldap://two", "001 dc=y", "01"))).is_none()
        );
    }

    #[test]
    fn the_deepest_context_holds_a_dn() {
        let contexts = ["DC=x", "CN=Configuration,DC=x"].map(|dn| Dn::parse(dn).unwrap());
        let root = RootDse { naming_contexts: contexts.to_vec(), ..RootDse::default() };
        let holds = |dn: &str| root.context_of(&Dn::parse(dn).unwrap()).map(Dn::as_str);
        assert_eq!(holds("CN=Sites,cn=configuration,dc=x"), Some("CN=Configuration,DC=x"));
        assert_eq!(holds("CN=a,DC=x"), Some("DC=x"));
        assert_eq!(holds("CN=a,DC=y"), None);
    }
}
