//! One bound connection to a server that is known: its kind, what it holds, what lies elsewhere.

use super::budget::Budget;
use super::connect::{self, Connection};
use super::family::{self, RootDse, deepest};
use crate::directory::identity::anchor_attributes;
use crate::model::Dn;
use crate::model::settings::LdapSettings;
use crate::model::snapshot::Kind;
use crate::ports::ReadError;

/// A connection and what the server said of itself.
pub(super) struct Session {
    pub(super) connection: Connection,
    pub(super) kind: Kind,
    pub(super) root: RootDse,
    /// Which of the configured servers it is.
    pub(super) number: usize,
    /// The naming contexts of the whole forest; empty outside Active Directory.
    forest: Vec<Dn>,
}

impl Session {
    /// Connects to the first server that lets us, from number `first` on, and asks what it is.
    pub(super) async fn open(
        settings: &LdapSettings,
        configured: Option<Kind>,
        first: usize,
        budget: &Budget,
    ) -> Result<Self, ReadError> {
        let (connection, number) = connect::connect(settings, first, budget).await?;
        let root = RootDse::read(&connection, budget).await?;
        let kind = family::decide_kind(configured, &root, &connection.url)?;
        let forest = match kind {
            Kind::ActiveDirectory => family::forest(&connection, &root, budget).await?,
            _ => vec![],
        };
        Ok(Self { connection, kind, root, number, forest })
    }

    /// The attribute that holds this kind's own anchors.
    pub(super) fn anchor_attribute(&self) -> &'static str {
        anchor_attributes(self.kind).first().copied().unwrap_or("entryUUID")
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
