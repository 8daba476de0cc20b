//! One bound connection to a server that is known: its kind, what it holds, what lies elsewhere.

use std::sync::Arc;

use super::budget::Budget;
use super::connect::{self, Connection};
use super::family::{self, RootDse, deepest};
use super::page::Granted;
use super::{filter, servers};
use crate::directory::entry::RawEntry;
use crate::directory::identity::{anchor_attributes, anchor_in, anchor_text};
use crate::model::settings::LdapSettings;
use crate::model::snapshot::Kind;
use crate::model::{Anchor, Dn};
use crate::ports::{Persistence, ReadError};

/// A connection and what the server said of itself.
pub(super) struct Session {
    pub(super) connection: Arc<Connection>,
    pub(super) kind: Kind,
    pub(super) root: RootDse,
    /// The naming contexts of the whole forest; empty outside Active Directory.
    forest: Vec<Dn>,
}

impl Session {
    /// Opens a session with the first server that gives us one. Who `failed` before is tried after all others.
    ///
    /// # Errors
    /// Where none does. Refused credentials end it at once: the next server would refuse, and count, them too.
    pub(super) async fn open(
        settings: &LdapSettings,
        configured: Option<Kind>,
        failed: Option<&str>,
        budget: &Budget,
    ) -> Result<Self, ReadError> {
        let mut servers = servers::all(settings, configured, budget).await;
        if let Some(last) = servers.iter().position(|server| server.as_deref().ok() == failed && failed.is_some()) {
            servers.rotate_left(last + 1);
        }
        let mut failures = Vec::new();
        for server in servers {
            let opened = match server {
                Ok(url) => Self::open_one(settings, configured, &url, budget).await,
                Err(error) => Err(error),
            };
            match opened {
                Ok(session) => return Ok(session),
                Err(error) if error.persistence == Persistence::Credentials => return Err(error),
                Err(error) => failures.push(error),
            }
        }
        Err(together(failures))
    }

    /// Opens a session with this server.
    pub(super) async fn open_one(
        settings: &LdapSettings,
        configured: Option<Kind>,
        url: &str,
        budget: &Budget,
    ) -> Result<Self, ReadError> {
        let connection = Arc::new(connect::open(settings, url, budget).await?);
        let root = RootDse::read(&connection, budget).await?;
        let kind = family::decide_kind(configured, &root, &connection.url)?;
        let forest = match kind {
            Kind::ActiveDirectory => family::forest(&connection, &root, budget).await?,
            _ => vec![],
        };
        Ok(Self { connection, kind, root, forest })
    }

    /// The same, with what the client knows of servers. (A session that was just opened shares its connection with nobody.)
    pub(super) fn knowing(mut self, granted: &Granted) -> Self {
        if let Some(connection) = Arc::get_mut(&mut self.connection) {
            connection.granted = granted.clone();
        }
        self
    }

    /// The attribute that holds this kind's own anchors.
    pub(super) fn anchor_attribute(&self) -> &'static str {
        anchor_attributes(self.kind).first().copied().unwrap_or("entryUUID")
    }

    /// The filter that finds this kind's own anchor.
    pub(super) fn has_anchor(&self, anchor: Anchor) -> String {
        let value = match self.kind {
            Kind::ActiveDirectory => filter::bytes(&anchor.to_guid_le()),
            kind => filter::text(&anchor_text(kind, anchor)),
        };
        format!("({}={value})", self.anchor_attribute())
    }

    /// The naming context of a DN, those of other domains included.
    pub(super) fn context_of(&self, dn: &Dn) -> Option<&Dn> {
        let here = self.root.context_of(dn);
        let forest = deepest(&self.forest, dn);
        match (here, forest) {
            (Some(here), Some(forest)) if forest.key().len() > here.key().len() => Some(forest),
            (None, forest) => forest,
            (here, _) => here,
        }
    }

    /// Whether what lies at a place has an anchor: in the kind's own attribute, or in the one that the config names.
    pub(super) async fn lies_at(
        &self,
        doing: &str,
        dn: &Dn,
        (anchor, configured): (Anchor, Option<&str>),
        budget: &Budget,
    ) -> Result<bool, ReadError> {
        let names: Vec<String> = [self.anchor_attribute()].into_iter().chain(configured).map(str::to_owned).collect();
        let entry = self.connection.entry(doing, dn.as_str(), &names, budget).await?;
        let has = |entry: &RawEntry| {
            names.iter().any(|name| anchor_in(self.kind, entry, name).is_ok_and(|found| found == anchor))
        };
        Ok(entry.as_ref().is_some_and(has))
    }

    /// Belongs to another domain: this server cannot tell what lies there. Where a server names no contexts, nothing
    /// does.
    pub(super) fn is_elsewhere(&self, dn: &Dn) -> bool {
        if self.root.naming_contexts.is_empty() {
            return false;
        }
        let Some(context) = self.context_of(dn) else { return true };
        if !self.root.naming_contexts.contains(context) {
            return true;
        }
        // Placeholders for members of other domains (MS-ADTS 6.1.1.4.9).
        let foreign = format!("CN=ForeignSecurityPrincipals,{}", context.as_str());
        self.kind == Kind::ActiveDirectory && Dn::parse(&foreign).is_ok_and(|foreign| dn.is_under(&foreign))
    }
}

/// One error out of those of all servers.
fn together(mut failures: Vec<ReadError>) -> ReadError {
    if failures.len() == 1 {
        return failures.remove(0);
    }
    let transient = failures.iter().any(|failure| failure.persistence == Persistence::Transient);
    let said: Vec<String> = failures.into_iter().map(|failure| failure.doing).collect();
    let doing = if said.is_empty() { "There is no server in `url`".to_owned() } else { said.join("; ") };
    let persistence = if transient { Persistence::Transient } else { Persistence::Permanent };
    ReadError { doing, advice: None, persistence, source: None }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::settings::Bind;

    #[tokio::test]
    async fn when_no_server_answers_each_is_named() {
        let settings = LdapSettings {
            urls: vec!["ldap://127.0.0.1:1".to_owned(), "ldap://127.0.0.1:2".to_owned()],
            ca_file: None,
            start_tls: false,
            allow_plaintext: false,
            bind: Bind::Anonymous,
            page_size: 1000,
            timeout: Duration::from_secs(1),
        };
        let budget = Budget::new(settings.timeout, 10);
        let Err(error) = Session::open(&settings, None, Some(&settings.urls[0]), &budget).await else {
            panic!("connected")
        };
        assert_eq!(error.persistence, Persistence::Transient);
        assert!(error.doing.contains("127.0.0.1:1:") && error.doing.contains("127.0.0.1:2:"), "{}", error.doing);
    }
}
