//! `check --connect`: each thing a cycle needs of a directory, tried without changing anything.

use std::collections::BTreeMap;

use jiff::Timestamp;
use ldap3::Scope;

use super::budget::Budget;
use super::connect::{bind, dial};
use super::decode::{self, Item};
use super::family;
use super::locate::SHOW_DELETED;
use super::page::{Pager, paged};
use super::read::people_filter;
use super::scope;
use super::search::{Query, critical, nothing};
use super::session::Session;
use crate::directory::entry::RawEntry;
use crate::directory::person::PersonReader;
use crate::model::Dn;
use crate::model::settings::{DirectorySettings, LdapSettings};
use crate::model::snapshot::{Found, Kind, ScopeKey};
use crate::ports::{Persistence, Probe, ReadError};

/// Everything that is asked, in the order in which a cycle needs it.
pub(super) struct Prober<'a> {
    pub(super) settings: &'a DirectorySettings,
    pub(super) ldap: &'a LdapSettings,
    pub(super) keys: &'a [ScopeKey],
    pub(super) now: Timestamp,
    pub(super) probes: Vec<Probe>,
}

impl Prober<'_> {
    /// Tries everything; what depends on something that failed is left out.
    pub(super) async fn run(mut self) -> Vec<Probe> {
        let Some(first) = self.servers().await else { return self.probes };
        let budget = self.budget();
        match Session::open(self.ldap, self.settings.kind, first, &budget).await {
            Ok(session) => self.ask(&session, &budget).await,
            Err(error) => self.failed("kind", &error, "Nothing can be read"),
        }
        self.probes
    }

    fn budget(&self) -> Budget {
        Budget::new(self.ldap.timeout, 5)
    }

    /// Connects and binds to each server. Refused credentials are not shown to the next one.
    async fn servers(&mut self) -> Option<usize> {
        let mut first = None;
        for (number, url) in self.ldap.urls.iter().enumerate() {
            let budget = self.budget();
            let what = format!("server {url}");
            let bound = match dial(self.ldap, url, &budget).await {
                Ok(connection) => bind(&connection, &self.ldap.bind, &budget).await,
                Err(error) => Err(error),
            };
            match bound {
                Ok(()) => {
                    self.passed(&what, "connected and bound".to_owned());
                    first = first.or(Some(number));
                }
                Err(error) => {
                    let lost = "Nothing can be read from this server";
                    self.failed(&what, &error, lost);
                    if error.persistence == Persistence::Credentials {
                        return None;
                    }
                }
            }
        }
        first
    }

    async fn ask(&mut self, session: &Session, budget: &Budget) {
        self.passed("kind", format!("{} at {}", session.kind.as_str(), session.connection.url));
        self.paging(session);
        let bases = self.scope(session, budget).await;
        self.watermark(session, &bases, budget).await;
        if let Some(base) = bases.first() {
            self.person(session, base, budget).await;
            if session.kind == Kind::ActiveDirectory {
                self.deleted(session, base, budget).await;
            }
        }
    }

    fn paging(&mut self, session: &Session) {
        if session.root.pages() {
            self.passed("paging", format!("pages of {}", self.ldap.page_size));
        } else {
            self.less(
                "paging",
                "the server has no paged results".to_owned(),
                "Large directories meet the server's size limit, and need more memory",
                "Enable paged results on the server (RFC 2696)",
            );
        }
    }

    /// Every base and group; gives the bases that are there.
    async fn scope(&mut self, session: &Session, budget: &Budget) -> Vec<Dn> {
        let mut bases = Vec::new();
        for key in self.keys {
            let what = format!("{} {}", scope::word(key.role), key.dn);
            let lost = "The directory is partial: nobody leaves and nobody gets a seat";
            match scope::resolve(session, std::slice::from_ref(key), &BTreeMap::new(), budget).await {
                Ok(resolved) if resolved.problems.is_empty() => {
                    let anchor = match resolved.found.get(key) {
                        Some(Found::Here { anchor, .. }) => anchor.to_string(),
                        _ => String::new(),
                    };
                    let members = resolved.groups.first().map(|(_, group)| group.members.len());
                    let members = members.map(|count| format!(", {count} members")).unwrap_or_default();
                    self.passed(&what, format!("found, {anchor}{members}"));
                    bases.extend(resolved.bases);
                }
                Ok(resolved) => {
                    let remedy = "Mend the name in the config, or grant the account read access";
                    self.missing(&what, resolved.problems.join(". "), lost, remedy);
                }
                Err(error) => self.failed(&what, &error, lost),
            }
        }
        bases
    }

    async fn watermark(&mut self, session: &Session, bases: &[Dn], budget: &Budget) {
        let lost = "A server whose old database was put back is not noticed";
        match family::watermark(&session.connection, session.kind, &session.root, bases, budget).await {
            Ok(Some(mark)) => {
                let at: Vec<String> = mark.position.iter().map(|(key, value)| format!("{key} {value}")).collect();
                self.passed("watermark", at.join(", "));
            }
            Ok(None) => {
                let remedy = match session.kind {
                    Kind::ActiveDirectory => "Let the account read the root DSE and invocationId",
                    _ => "Load the syncprov overlay, and let the account read contextCSN at the suffix",
                };
                self.less("watermark", "the server does not say where it stands".to_owned(), lost, remedy);
            }
            Err(error) => self.failed("watermark", &error, lost),
        }
    }

    /// Reads one person and looks whether all that decides can be seen.
    async fn person(&mut self, session: &Session, base: &Dn, budget: &Budget) {
        let reader = PersonReader::new(session.kind, &self.settings.attributes);
        match self.sample(session, base, &reader, budget).await {
            Ok(Some(entry)) => match reader.read(&entry, self.now) {
                Ok(person) => match person.quarantine {
                    None => self.passed("person", format!("read {}", person.anchor)),
                    Some(quarantine) => self.missing(
                        "person",
                        quarantine.message,
                        "An entry like this is quarantined: it gets no seat",
                        "Mend the entry, or grant the account the right to read the attribute",
                    ),
                },
                Err(nobody) => self.missing(
                    "person",
                    nobody.quarantine.message,
                    "Nobody can be told from an entry without an anchor",
                    "Grant the account the right to read the anchor's attribute",
                ),
            },
            Ok(None) => self.missing(
                "person",
                format!("nobody under {:?} matches the filter", base.as_str()),
                "There is nobody to give a seat to",
                "Mend `base` or `filter`, or grant the account read access",
            ),
            Err(error) => self.failed("person", &error, "Nobody can be read"),
        }
    }

    async fn sample(
        &self,
        session: &Session,
        base: &Dn,
        reader: &PersonReader,
        budget: &Budget,
    ) -> Result<Option<RawEntry>, ReadError> {
        let filter = people_filter(reader, self.settings);
        let attributes = reader.wanted();
        let size = session.root.pages().then_some(1);
        let mut pager = Pager::new(&session.connection, base.as_str(), &filter, &attributes, size);
        while let Some(page) = pager.next(budget).await? {
            let entry = page.iter().find_map(|message| match decode::item(message) {
                Ok(Item::Entry(entry)) => Some(entry.to_owned()),
                _ => None,
            });
            if entry.is_some() {
                return Ok(entry);
            }
        }
        Ok(None)
    }

    /// Whether deletions can be seen as such (MS-ADTS 3.1.1.5.5). Anybody may read the container; what is in it, only
    /// who was granted it.
    async fn deleted(&mut self, session: &Session, base: &Dn, budget: &Budget) {
        let Some(context) = session.context_of(base) else { return };
        let container = format!("CN=Deleted Objects,{}", context.as_str());
        let lost = "Who was deleted is taken for a leaver only after a second look";
        let doing = "Could not read the deleted objects";
        let attributes = nothing();
        let query = Query {
            base: &container,
            scope: Scope::OneLevel,
            filter: "(objectClass=*)",
            attributes: &attributes,
            controls: vec![critical(SHOW_DELETED), paged(1, &[])],
        };
        match session.connection.entries(doing, &query, budget).await {
            Ok(entries) if !entries.is_empty() => self.passed("deleted objects", "can be seen".to_owned()),
            Ok(_) => {
                let remedy = format!(
                    "dsacls \"{container}\" /takeownership, then dsacls \"{container}\" /g ACCOUNT:LCRP, \
                     as a domain administrator"
                );
                let message = "none can be seen: the account has no right to, or nothing was deleted yet".to_owned();
                self.less("deleted objects", message, lost, &remedy);
            }
            Err(error) => self.failed("deleted objects", &error, lost),
        }
    }

    fn passed(&mut self, what: &str, message: String) {
        self.probes.push(Probe { what: self.named(what), ok: true, message, lost: None, remedy: None });
    }

    fn failed(&mut self, what: &str, error: &ReadError, lost: &str) {
        let (what, message, lost) = (self.named(what), error.doing.clone(), Some(lost.to_owned()));
        self.probes.push(Probe { what, ok: false, message, lost, remedy: None });
    }

    fn missing(&mut self, what: &str, message: String, lost: &str, remedy: &str) {
        let (lost, remedy) = (Some(lost.to_owned()), Some(remedy.to_owned()));
        self.probes.push(Probe { what: self.named(what), ok: false, message, lost, remedy });
    }

    /// A cycle works without it, only less well.
    fn less(&mut self, what: &str, message: String, lost: &str, remedy: &str) {
        let (lost, remedy) = (Some(lost.to_owned()), Some(remedy.to_owned()));
        self.probes.push(Probe { what: self.named(what), ok: true, message, lost, remedy });
    }

    fn named(&self, what: &str) -> String {
        format!("{}: {what}", self.settings.name)
    }
}
