//! What kind of server it is, and what it holds: all out of its root DSE (RFC 4512 5.1).

use ldap3::Scope;

use super::budget::Budget;
use super::connect::Connection;
use super::failure::fault;
use super::page::PAGED_RESULTS;
use super::search::Query;
use crate::directory::entry::{Entry as _, RawEntry};
use crate::model::Dn;
use crate::model::snapshot::Kind;
use crate::ports::{Persistence, ReadError};

/// Says Active Directory (MS-ADTS 3.1.1.3.4.3.1); Samba says so too.
const ACTIVE_DIRECTORY: &str = "1.2.840.113556.1.4.800";
/// Content synchronisation (RFC 4533).
const CONTENT_SYNC: &str = "1.3.6.1.4.1.4203.1.9.1.1";
pub(super) const COMMITTED: &str = "highestCommittedUSN";
/// The last entry of the retro changelog (389 DS).
pub(super) const LAST_CHANGE: &str = "lastChangeNumber";
/// Another one with each start of a 389 DS (seen with 2.3), and after an import; its place in a watermark says nothing to people.
pub(super) const DATA_VERSION: &str = "_dataversion";
const FIRST_CHANGE: &str = "firstChangeNumber";

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
    pub(super) service: Option<String>,
    pub(super) committed: Option<String>,
    /// In 389 DS; None: it keeps no retro changelog.
    pub(super) last_change: Option<String>,
    /// The first that it still has.
    pub(super) first_change: Option<u64>,
    /// Of 389 DS: what it serves, as of its start.
    pub(super) data_version: Option<String>,
    /// What OpenLDAP tells of itself, where it does.
    pub(super) monitor: Option<String>,
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
            LAST_CHANGE,
            FIRST_CHANGE,
            "dataversion",
            "monitorContext",
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
        } else if entry.says("vendorName", "389 Project") {
            Some(Kind::Ds389)
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
            last_change: text(LAST_CHANGE),
            first_change: text(FIRST_CHANGE).and_then(|number| number.parse().ok()),
            data_version: text("dataversion"),
            monitor: text("monitorContext"),
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

    /// The server says that it knows how to synchronise: OpenLDAP's overlay syncprov is loaded, or 389 DS's plugin is on.
    pub(super) fn synchronises(&self) -> bool {
        self.offers(CONTENT_SYNC)
    }

    /// The server says that it has this control.
    pub(super) fn offers(&self, oid: &str) -> bool {
        self.controls.as_ref().is_some_and(|controls| controls.iter().any(|control| control == oid))
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

/// OpenLDAP's own databases (slapd-config(5), slapd-monitor(5), slapo-accesslog(5)), and those of 389 DS: no people lie there.
fn is_of_the_server(context: &Dn) -> bool {
    let name = context.as_str().to_ascii_lowercase();
    let own = [
        "cn=config",
        "cn=monitor",
        "cn=log",
        "cn=accesslog",
        "cn=changelog",
        "cn=deltalog",
        "cn=schema",
        "o=netscaperoot",
    ];
    own.contains(&name.as_str())
}

/// The deepest of the contexts that holds a DN.
pub(super) fn deepest<'a>(contexts: &'a [Dn], dn: &Dn) -> Option<&'a Dn> {
    contexts.iter().filter(|context| dn.is_under(context)).max_by_key(|context| context.key().len())
}

pub(super) fn texts(entry: &RawEntry, name: &str) -> Vec<String> {
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
            "its root DSE names neither Active Directory nor OpenLDAP nor 389 Directory Server",
            "Set `kind` to \"active-directory\", \"openldap\" or \"389ds\"",
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

    #[test]
    fn the_root_dse_tells_the_family() {
        let samba = entry(&[("supportedCapabilities", &["1.2.840.113556.1.4.800"]), ("objectClass", &["top"])]);
        assert_eq!(RootDse::of(&samba).kind, Some(Kind::ActiveDirectory));
        let slapd = entry(&[("objectClass", &["top", "OpenLDAProotDSE"])]);
        assert_eq!(RootDse::of(&slapd).kind, Some(Kind::OpenLdap));
        assert_eq!(RootDse::of(&entry(&[("vendorName", &["389 Project"])])).kind, Some(Kind::Ds389));
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
    fn the_deepest_context_holds_a_dn() {
        let contexts = ["DC=x", "CN=Configuration,DC=x"].map(|dn| Dn::parse(dn).unwrap());
        let root = RootDse { naming_contexts: contexts.to_vec(), ..RootDse::default() };
        let holds = |dn: &str| root.context_of(&Dn::parse(dn).unwrap()).map(Dn::as_str);
        assert_eq!(holds("CN=Sites,cn=configuration,dc=x"), Some("CN=Configuration,DC=x"));
        assert_eq!(holds("CN=a,DC=x"), Some("DC=x"));
        assert_eq!(holds("CN=a,DC=y"), None);
    }
}
