//! `check --connect`: each thing a cycle needs of a directory, tried without changing anything.

mod account;
mod changes;
mod grant;
mod limits;
mod mistakes;
mod objects;
mod people;
mod sid;

use std::collections::BTreeMap;

use self::account::Account;
use self::grant::Attribute;
use self::people::Place;
use super::bind::bind;
use super::budget::Budget;
use super::connect::dial;
use super::follow::{deleted_objects, sees_deleted};
use super::session::Session;
use super::url::srv_domain;
use super::{position, replication, servers, watch};
use crate::directory::entry::Entry as _;
use crate::model::Dn;
use crate::model::settings::{DirectorySettings, LdapSettings};
use crate::model::snapshot::{Kind, Pin, ScopeKey};
use crate::ports::{Persistence, Probe, Probed, ReadError};

/// What to do where nothing better is known.
const ASK_AGAIN: &str = "look at the server and its log, and ask again: `seatsync check --connect`";

/// What follows from a directory that cannot be read whole.
const PARTIAL: &str =
    "The read is partial: who is known keeps account, seat and place; nobody leaves, and nobody new gets a seat";

/// Everything that is asked, in the order in which a cycle needs it.
pub(super) struct Prober<'a> {
    pub(super) settings: &'a DirectorySettings,
    pub(super) ldap: &'a LdapSettings,
    pub(super) keys: &'a [ScopeKey],
    /// What the agent that works here found before: a cycle follows it.
    pub(super) pins: &'a BTreeMap<ScopeKey, Pin>,
    /// Those of the config, with those that DNS names.
    pub(super) servers: Vec<String>,
    pub(super) probes: Vec<Probe>,
    pub(super) bound: Option<Result<(), String>>,
}

impl Prober<'_> {
    /// Tries everything; what depends on something that failed is left out.
    pub(super) async fn run(mut self) -> Probed {
        self.name_servers().await;
        if let Some(first) = self.bound().await {
            self.beyond(&first).await;
        }
        Probed { probes: self.probes, bound: self.bound }
    }

    async fn beyond(&mut self, first: &str) {
        let budget = self.budget();
        match Session::open_one(self.ldap, self.settings.kind, first, &budget).await {
            Ok(session) => self.ask(&session, &budget).await,
            Err(error) => self.failed("kind", &error, "Nothing can be read"),
        }
    }

    fn budget(&self) -> Budget {
        Budget::new(self.ldap.timeout, 5)
    }

    /// Whom the config means, DNS asked where it is to say.
    async fn name_servers(&mut self) {
        for text in &self.ldap.urls {
            if srv_domain(text).is_none() {
                self.servers.push(text.clone());
                continue;
            }
            match servers::named(self.ldap, text, self.settings.kind, &self.budget()).await {
                Ok(named) => {
                    self.passed(text, format!("DNS names {}", named.join(", ")));
                    self.servers.extend(named);
                }
                Err(error) => self.failed(text, &error, "The servers of this domain are not found"),
            }
        }
    }

    /// Connects and binds to each server. Refused credentials are not shown to the next one. Gives the first that works.
    async fn bound(&mut self) -> Option<String> {
        let mut first = None;
        for url in self.servers.clone() {
            let budget = self.budget();
            let what = format!("server {url}");
            let bound = match dial(self.ldap, &url, &budget).await {
                Ok(connection) => bind(&connection, &self.ldap.bind, &budget).await,
                Err(error) => Err(error),
            };
            match bound {
                Ok(()) => {
                    self.passed(&what, "connected and bound".to_owned());
                    self.bound = Some(Ok(()));
                    first = first.or(Some(url));
                }
                Err(error) => {
                    let lost = "Nothing can be read from this server";
                    self.failed(&what, &error, lost);
                    if error.persistence == Persistence::Credentials {
                        self.bound = Some(Err(error.doing));
                        return None;
                    }
                }
            }
        }
        first
    }

    async fn ask(&mut self, session: &Session, budget: &Budget) {
        if let Some(found) = session.root.kind.filter(|found| *found != session.kind) {
            return self.other_kind(session, found);
        }
        self.passed("kind", format!("{} at {}", session.kind.as_str(), session.connection.url));
        self.paging(session);
        let configured: Vec<Dn> = self.settings.bases.iter().filter_map(|base| Dn::parse(base).ok()).collect();
        // One that lies in no domain of this server is told by its own name alone.
        let placed: Vec<Dn> = configured.iter().filter(|base| is_placed(session, base)).cloned().collect();
        let Some(some) = placed.first().or(configured.first()) else { return };
        let account = match Account::find(session, &self.ldap.bind, some, budget).await {
            Ok(account) => account,
            Err(error) => return self.failed("account", &error, "Nobody knows what it may do"),
        };
        self.might(session, &account, budget).await;
        let bases = self.scope(session, &account, budget).await;
        let first = Place { session, account: &account, base: some };
        if !placed.is_empty() {
            self.watermark(&first, &placed, budget).await;
            self.changes(&first, (&placed, &bases), budget).await;
        }
        for base in &bases {
            let place = Place { session, account: &account, base };
            self.people(&place, budget).await;
            self.limits(&place, budget).await;
        }
        if session.kind == Kind::ActiveDirectory {
            self.domains(session, &account, &bases, budget).await;
        }
        // Last on its connection, on which these searches do not end.
        if !placed.is_empty() {
            self.push(&first, budget).await;
        }
    }

    /// What is asked for after it would be looked for by the wrong names.
    fn other_kind(&mut self, session: &Session, found: Kind) {
        let (found, configured) = (found.as_str(), session.kind.as_str());
        let message =
            format!("the server {} says that it is {found}, and `kind` is {configured}", session.connection.url);
        let lost = "People, groups and leavers are looked for by the names of another kind of server";
        self.missing("kind", message, lost, Some(&format!("Write kind = \"{found}\", or leave `kind` out")));
    }

    /// Whether changes are told as they happen.
    async fn push(&mut self, place: &Place<'_>, budget: &Budget) {
        let lost = "A change is seen by the next cycle, one every `agent.poll`, and not at once";
        match watch::probe(place.session, self.settings, self.keys, budget).await {
            Ok(None) => self.passed("push", "changes are told as they happen".to_owned()),
            Ok(Some(why)) => {
                let is_of_overlay = matches!(why, watch::Unable::NoSynchronisation | watch::Unable::NoStanding);
                let remedy = is_of_overlay.then(|| stands(place));
                self.less("push", format!("the server does not push changes: {why}"), lost, remedy.as_deref());
            }
            Err(error) => self.less("push", error.doing, lost, Some(ASK_AGAIN)),
        }
    }

    /// What is asked once a domain.
    async fn domains(&mut self, session: &Session, account: &Account, bases: &[Dn], budget: &Budget) {
        let mut contexts: Vec<&Dn> = bases.iter().filter_map(|base| session.context_of(base)).collect();
        contexts.sort_unstable();
        contexts.dedup();
        for context in contexts {
            let place = Place { session, account, base: context };
            self.deleted(&place, budget).await;
            self.received(&place, budget).await;
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
                Some("Enable paged results on the server (RFC 2696)"),
            );
        }
    }

    async fn watermark(&mut self, place: &Place<'_>, bases: &[Dn], budget: &Budget) {
        let lost = "Neither a server whose old database was put back nor a replica that lags behind is noticed";
        let session = place.session;
        match position::standing(session, &session.root, bases, budget).await {
            Ok(Some(mark)) => {
                let at: Vec<String> = mark.position.iter().map(|(key, value)| format!("{key} {value}")).collect();
                self.passed("watermark", at.join(", "));
            }
            Ok(None) => {
                let remedy = stands(place);
                self.less("watermark", "the server does not say where it stands".to_owned(), lost, Some(&remedy));
            }
            Err(error) => self.failed("watermark", &error, lost),
        }
    }

    /// Whether deletions can be seen as such, as a delta asks it.
    async fn deleted(&mut self, place: &Place<'_>, budget: &Budget) {
        let lost =
            "Who was deleted is taken for a leaver only when a second complete read, a cycle later, says so again";
        match sees_deleted(place.session, place.base, budget).await {
            Ok(true) => self.passed("deleted objects", "can be seen".to_owned()),
            Ok(false) => {
                let remedy = place.account.grantee.see_deleted(&deleted_objects(place.base));
                let message = "none can be seen: the account has no right to, or nothing was deleted yet".to_owned();
                self.less("deleted objects", message, lost, Some(&remedy));
            }
            Err(error) => self.failed("deleted objects", &error, lost),
        }
    }

    /// Whether another domain controller can be told to have caught up. One alone has nobody to hear from.
    async fn received(&mut self, place: &Place<'_>, budget: &Budget) {
        if self.servers.len() < 2 {
            return;
        }
        let what = replication::RECEIVED;
        let lost = "When another of the servers in `url` answers, nobody leaves for a day: it may lag behind";
        let names = [what.to_owned()];
        let doing = "Could not find out what the server has got from others";
        let seen = match place.session.connection.entry(doing, place.base.as_str(), &names, budget).await {
            Ok(entry) => entry.is_some_and(|entry| entry.has(what)),
            Err(error) => return self.failed(what, &error, lost),
        };
        if seen {
            return self.passed(what, "can be read".to_owned());
        }
        let attributes = place.attributes(&names, budget).await.unwrap_or_default();
        let remedy = attributes.first().map(|of| place.account.grantee.read_at(place.base.as_str(), "", of));
        let message = "cannot be seen: the account may not read it, or the domain has one controller only".to_owned();
        self.less(what, message, lost, remedy.as_deref());
    }

    fn passed(&mut self, what: &str, message: String) {
        self.probes.push(Probe { what: self.named(what), ok: true, message, lost: None, remedy: None });
    }

    fn failed(&mut self, what: &str, error: &ReadError, lost: &str) {
        let message = error.without_advice().to_owned();
        let remedy = error.advice.clone().unwrap_or_else(|| ASK_AGAIN.to_owned());
        self.missing(what, message, lost, Some(&remedy));
    }

    fn missing(&mut self, what: &str, message: String, lost: &str, remedy: Option<&str>) {
        let (lost, remedy) = (Some(lost.to_owned()), remedy.map(str::to_owned));
        self.probes.push(Probe { what: self.named(what), ok: false, message, lost, remedy });
    }

    /// A cycle works without it, only less well.
    fn less(&mut self, what: &str, message: String, lost: &str, remedy: Option<&str>) {
        let (lost, remedy) = (Some(lost.to_owned()), remedy.map(str::to_owned));
        self.probes.push(Probe { what: self.named(what), ok: true, message, lost, remedy });
    }

    fn named(&self, what: &str) -> String {
        format!("{}: {what}", self.settings.name)
    }
}

/// Whether a place can be at this server, as far as it tells.
fn is_placed(session: &Session, dn: &Dn) -> bool {
    session.root.naming_contexts.is_empty() || session.context_of(dn).is_some()
}

/// What makes a server say where it stands.
fn stands(place: &Place<'_>) -> String {
    let suffix = place.suffix();
    let csn = Attribute { name: "contextCSN".to_owned(), schema_id: String::new() };
    match place.session.kind {
        Kind::ActiveDirectory => {
            "Let the account read the root DSE, and invocationId of the server's dsServiceName".to_owned()
        }
        Kind::Ds389 => grant::keep_changelog(),
        _ if place.session.root.synchronises() => place.account.grantee.read_at(suffix, suffix, &csn),
        _ => grant::load_syncprov(suffix),
    }
}
