//! One search operation, read to its end or not at all.

use lber::structure::StructureTag;
use ldap3::controls::{Control, RawControl};
use ldap3::{LdapResult, ResultEntry, Scope};

use super::budget::Budget;
use super::connect::Connection;
use super::decode::{self, Item};
use super::failure::{failed, fault};
use crate::directory::entry::RawEntry;
use crate::ports::{Persistence, ReadError};

/// What a comparison ends with (RFC 4511 appendix A.1).
const COMPARE_FALSE: u32 = 5;
const COMPARE_TRUE: u32 = 6;
const NO_SUCH_ATTRIBUTE: u32 = 16;
const UNDEFINED_ATTRIBUTE: u32 = 17;
const INSUFFICIENT_ACCESS: u32 = 50;
/// No such object; a DN that is none. Both mean that there is nothing at that place.
const NO_SUCH_OBJECT: u32 = 32;
const INVALID_DN_SYNTAX: u32 = 34;

/// What is asked of the server.
#[derive(Clone, Debug)]
pub(super) struct Query<'a> {
    pub(super) base: &'a str,
    pub(super) scope: Scope,
    pub(super) filter: &'a str,
    pub(super) attributes: &'a [String],
    pub(super) controls: Vec<RawControl>,
}

/// Everything the server sent for one search operation; the result code is the caller's to judge.
pub(super) struct Answer {
    pub(super) messages: Vec<StructureTag>,
    pub(super) result: LdapResult,
}

/// What a comparison says of the attribute, whatever its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    /// It may be compared.
    Answered,
    /// It may not: nor may it be read (slapd.access(5): `read` implies `compare`).
    Denied,
    /// The server's schema does not have it.
    Unknown,
    /// The server says something else.
    Unclear,
}

/// Everything, whatever it is.
const ANYTHING: &str = "(objectClass=*)";

/// Only the entry's existence: the attribute that is none (RFC 4511 4.5.1.8).
pub(super) fn nothing() -> Vec<String> {
    vec!["1.1".to_owned()]
}

/// A critical control without a value.
pub(super) fn critical(oid: &str) -> RawControl {
    RawControl { ctype: oid.to_owned(), crit: true, val: None }
}

/// The same, each message with its controls.
pub(super) struct AnswerWithControls {
    pub(super) messages: Vec<(StructureTag, Vec<Control>)>,
    pub(super) result: LdapResult,
}

impl Connection {
    /// Sends one search and reads its answer to the end, with the controls of each message.
    pub(super) async fn search_with_controls(
        &self,
        doing: &str,
        query: &Query<'_>,
        budget: &Budget,
    ) -> Result<AnswerWithControls, ReadError> {
        let (messages, result) = self.send(doing, query, |message| (message.0, message.1), budget).await?;
        Ok(AnswerWithControls { messages, result })
    }

    /// Sends one search and reads its answer to the end.
    pub(super) async fn search(&self, doing: &str, query: &Query<'_>, budget: &Budget) -> Result<Answer, ReadError> {
        let (messages, result) = self.send(doing, query, |message| message.0, budget).await?;
        Ok(Answer { messages, result })
    }

    /// What is kept of each message, and the result.
    async fn send<T>(
        &self,
        doing: &str,
        query: &Query<'_>,
        keep: impl Fn(ResultEntry) -> T,
        budget: &Budget,
    ) -> Result<(Vec<T>, LdapResult), ReadError> {
        let mut ldap = self.ldap.clone();
        if !query.controls.is_empty() {
            ldap.with_controls(query.controls.clone());
        }
        let whole = async {
            let mut stream = ldap.streaming_search(query.base, query.scope, query.filter, query.attributes).await?;
            let mut messages = Vec::new();
            while let Some(message) = stream.next().await? {
                budget.hear();
                messages.push(keep(message));
            }
            budget.hear();
            Ok((messages, stream.finish().await))
        };
        match budget.watch(whole).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(self.error(doing, error).await),
            Err(overrun) => Err(self.overran(doing, overrun)),
        }
    }

    /// Reads one search whole; None where its base is not there. References are left out.
    pub(super) async fn entries_if_there(
        &self,
        doing: &str,
        query: &Query<'_>,
        budget: &Budget,
    ) -> Result<Option<Vec<RawEntry>>, ReadError> {
        let answer = self.search(doing, query, budget).await?;
        if matches!(answer.result.rc, NO_SUCH_OBJECT | INVALID_DN_SYNTAX) {
            return Ok(None);
        }
        self.succeeded(doing, answer.result)?;
        self.decoded(doing, answer.messages).map(Some)
    }

    /// Reads one search whole; nothing where its base is not there. References are left out.
    pub(super) async fn entries(
        &self,
        doing: &str,
        query: &Query<'_>,
        budget: &Budget,
    ) -> Result<Vec<RawEntry>, ReadError> {
        Ok(self.entries_if_there(doing, query, budget).await?.unwrap_or_default())
    }

    /// Reads the one entry at a DN; None where there is none, or no right to see it.
    pub(super) async fn entry(
        &self,
        doing: &str,
        dn: &str,
        attributes: &[String],
        budget: &Budget,
    ) -> Result<Option<RawEntry>, ReadError> {
        let query = Query { base: dn, scope: Scope::Base, filter: ANYTHING, attributes, controls: vec![] };
        let entries = self.entries_if_there(doing, &query, budget).await?;
        Ok(entries.and_then(|entries| entries.into_iter().next()))
    }

    /// Whether a search finds anything; a server that found more than it may tell found something.
    pub(super) async fn finds(&self, doing: &str, query: &Query<'_>, budget: &Budget) -> Result<bool, ReadError> {
        let answer = self.search(doing, query, budget).await?;
        if !self.decoded(doing, answer.messages)?.is_empty() {
            return Ok(true);
        }
        self.succeeded(doing, answer.result).map(|_| false)
    }

    /// Compares an attribute of an entry that can be read with a value. `value` must be one its syntax allows.
    pub(super) async fn compare(
        &self,
        dn: &str,
        attribute: &str,
        value: &str,
        budget: &Budget,
    ) -> Result<Comparison, ReadError> {
        let doing = format!("Could not find out whether {attribute} may be read");
        let mut ldap = self.ldap.clone();
        match budget.watch(ldap.compare(dn, attribute, value)).await {
            Ok(Ok(answer)) => Ok(match answer.0.rc {
                COMPARE_FALSE | COMPARE_TRUE | NO_SUCH_ATTRIBUTE => Comparison::Answered,
                // A server that must not even tell that the entry is there says that it is not.
                INSUFFICIENT_ACCESS | NO_SUCH_OBJECT => Comparison::Denied,
                UNDEFINED_ATTRIBUTE => Comparison::Unknown,
                _ => Comparison::Unclear,
            }),
            Ok(Err(error)) => Err(self.error(&doing, error).await),
            Err(overrun) => Err(self.overran(&doing, overrun)),
        }
    }

    /// Any result code but success is an error.
    pub(super) fn succeeded(&self, doing: &str, result: LdapResult) -> Result<LdapResult, ReadError> {
        result.success().map_err(|error| failed(doing, &self.url, error))
    }

    pub(super) fn decoded(&self, doing: &str, messages: Vec<StructureTag>) -> Result<Vec<RawEntry>, ReadError> {
        let mut entries = Vec::with_capacity(messages.len());
        for message in messages {
            match decode::item(&message) {
                Ok(Item::Entry(entry)) => entries.push(entry.to_owned()),
                Ok(Item::Reference(_) | Item::Intermediate) => {}
                Err(error) => return Err(self.misshapen(doing, error)),
            }
        }
        Ok(entries)
    }

    /// Words for a message that could not be taken apart.
    pub(super) fn misshapen(&self, doing: &str, error: decode::Misshapen) -> ReadError {
        fault(doing, &self.url, &error.to_string(), "", Persistence::Transient)
    }
}
