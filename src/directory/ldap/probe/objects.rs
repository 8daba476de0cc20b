//! The bases and groups of the config, found as a cycle finds them: one that was found before by its id, wherever it lies now.

use super::super::budget::Budget;
use super::super::members::hidden_members;
use super::super::scope::{self, Resolved};
use super::super::session::Session;
use super::account::Account;
use super::grant;
use super::mistakes::{Mistake, Unseen};
use super::people::Place;
use super::{PARTIAL, Prober};
use crate::directory::group::group_attributes;
use crate::directory::person::PersonReader;
use crate::model::snapshot::{Found, Role, ScopeKey};
use crate::model::{Anchor, Dn};
use crate::ports::{Probe, ReadError};

impl Prober<'_> {
    /// Every base and group; gives the bases that are there.
    pub(super) async fn scope(&mut self, session: &Session, account: &Account, budget: &Budget) -> Vec<Dn> {
        let mut bases = Vec::new();
        for key in self.keys {
            let what = format!("{} {}", scope::word(key.role), key.dn);
            match scope::resolve(session, std::slice::from_ref(key), self.pins, budget).await {
                Ok(resolved) if resolved.problems.is_empty() => {
                    bases.extend_from_slice(&resolved.bases);
                    self.there(&what, key, &resolved, (session, account, budget)).await;
                }
                Ok(resolved) => {
                    self.absent(&what, key, &resolved, (session, account, budget)).await;
                }
                Err(error) => self.failed(&what, &error, PARTIAL),
            }
        }
        bases
    }

    /// Those that a cycle cannot go by.
    pub(in super::super) async fn unseen(
        mut self,
        session: &Session,
        budget: &Budget,
    ) -> Result<Vec<Probe>, ReadError> {
        let Some(some) = self.settings.bases.iter().find_map(|base| Dn::parse(base).ok()) else {
            return Ok(Vec::new());
        };
        let account = Account::find(session, &self.ldap.bind, &some, budget).await?;
        self.scope(session, &account, budget).await;
        Ok(self.probes.into_iter().filter(|probe| !probe.ok).collect())
    }

    /// One that a cycle cannot go by: misspelt, another kind of object, gone, or closed to the account.
    async fn absent(
        &mut self,
        what: &str,
        key: &ScopeKey,
        resolved: &Resolved,
        (session, account, budget): (&Session, &Account, &Budget),
    ) {
        let unseen = match resolved.found.get(key) {
            Some(Found::Nowhere) => self.seen_beside(session, key, budget).await,
            Some(Found::Here { .. }) => {
                self.no_group(session, key, budget).await.map(|found| found.map_or(Unseen::Dark, Unseen::Misspelt))
            }
            _ => Ok(Unseen::Dark),
        };
        let beside = match unseen {
            Ok(Unseen::Misspelt(Mistake { message, remedy })) => {
                return self.missing(what, message, PARTIAL, Some(&remedy));
            }
            Ok(Unseen::Beside(there)) => Some(there),
            Ok(Unseen::Dark) => None,
            Err(error) => return self.failed(what, &error, PARTIAL),
        };
        let let_in = self.let_in(session, account, key, budget).await;
        let remedy = match (resolved.found.get(key), &beside) {
            (Some(Found::Replaced { .. }), _) => Some(put_back(let_in)),
            (_, Some(_)) => Some(corrected_or(&format!("the name of the {}", scope::word(key.role)), let_in)),
            _ => let_in,
        };
        let mut message = resolved.problems.join(". ");
        if matches!(resolved.found.get(key), Some(Found::Nowhere)) {
            let look = account.grantee.look_first(&key.dn, &self.reached_by(session));
            message = [Some(message), beside, Some(look)].into_iter().flatten().collect::<Vec<_>>().join(". ");
        }
        self.missing(what, message, PARTIAL, remedy.as_deref());
    }

    /// The beginning of an `ldapsearch` that reaches the server that answered, and trusts it as the agent does.
    fn reached_by(&self, session: &Session) -> String {
        let start_tls = if self.ldap.start_tls { " -ZZ" } else { "" };
        grant::ldapsearch(self.ldap.ca_file.as_deref(), &format!("{}{start_tls}", session.connection.url))
    }

    /// What is said of one that a cycle can go by.
    async fn there(
        &mut self,
        what: &str,
        key: &ScopeKey,
        resolved: &Resolved,
        (session, account, budget): (&Session, &Account, &Budget),
    ) {
        let Some(Found::Here { anchor, dn }) = resolved.found.get(key) else {
            return self.passed(what, "gone, and confirmed to be: the agent does without it".to_owned());
        };
        let Some((_, group)) = resolved.groups.first() else {
            return self.found(what, key, (*anchor, dn), "");
        };
        let closed = if group.is_empty() { hidden_members(session, &group.dn, budget).await } else { Ok(None) };
        match closed {
            Ok(None) => self.found(what, key, (*anchor, dn), &format!(", {} members", group.listed())),
            Ok(Some(attribute)) => {
                let message = format!("found, {anchor}, but the account may not read {attribute}");
                let remedy = self.let_in(session, account, key, budget).await;
                self.missing(what, message, PARTIAL, remedy.as_deref());
            }
            Err(error) => self.failed(what, &error, PARTIAL),
        }
    }

    /// Where the config says, or where it went since.
    fn found(&mut self, what: &str, key: &ScopeKey, (anchor, dn): (Anchor, &Dn), more: &str) {
        if Dn::parse(&key.dn).is_ok_and(|named| named == *dn) {
            return self.passed(what, format!("found, {anchor}{more}"));
        }
        let word = scope::word(key.role);
        let message = format!("found, {anchor}{more}; it was renamed or moved, and is followed to {:?}", dn.as_str());
        let lost = format!("An agent that begins without this state does not find the {word} by the old name");
        let remedy = format!("Write {:?} in the config, instead of {:?}", dn.as_str(), &*key.dn);
        self.less(what, message, &lost, Some(&remedy));
    }

    /// The command that lets the account read a base or group, should it be there.
    async fn let_in(&self, session: &Session, account: &Account, key: &ScopeKey, budget: &Budget) -> Option<String> {
        let named = self.pins.get(key).map_or(&*key.dn, |pin| &pin.dn);
        let dn = Dn::parse(named).ok()?;
        let place = Place { session, account, base: &dn };
        match key.role {
            Role::Base => {
                let reader = PersonReader::new(session.kind, &self.settings.attributes);
                self.read_tree(&place, &reader, budget).await
            }
            Role::Group => {
                let names = group_attributes(session.kind).iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
                let attributes = place.attributes(&names, budget).await.ok()?;
                Some(account.grantee.read_tree(dn.as_str(), place.suffix(), &attributes))
            }
        }
    }
}

/// The mistake is likelier than the missing right, whose command may name an object that is not there.
pub(super) fn corrected_or(what: &str, let_in: Option<String>) -> String {
    match let_in {
        Some(command) => {
            format!("Correct {what}; or, if it is right and the account may only not read what is there:\n{command}")
        }
        None => format!("Correct {what}"),
    }
}

/// What helps with one that is not there any more, or another one.
fn put_back(let_in: Option<String>) -> String {
    let meant = "If it was deleted by mistake, restore it; if it is meant, let the next cycle hold it back, and confirm what \
                 `seatsync status` names";
    match let_in {
        Some(command) => format!("{meant}. If the account may only not read it any more:\n{command}"),
        None => meant.to_owned(),
    }
}
