//! A paged search (RFC 2696), by hand: every page must end with success and bring its paging control.

use std::collections::{BTreeMap, HashSet};
use std::hash::Hasher as _;
use std::sync::{Arc, Mutex, PoisonError};

use lber::structure::{PL, StructureTag};
use ldap3::Scope;
use ldap3::controls::{MakeCritical as _, PagedResults, RawControl};
use xxhash_rust::xxh3::Xxh3;

use super::budget::Budget;
use super::connect::Connection;
use super::decode::paging_cookie;
use super::failure::{fault, page_is_too_large};
use super::search::Query;
use crate::ports::{Persistence, ReadError};

/// The paged results control.
pub(super) const PAGED_RESULTS: &str = "1.2.840.113556.1.4.319";
const UNAVAILABLE_CRITICAL_EXTENSION: u32 = 12;
/// More than any directory has, at the smallest pages a server grants.
const MOST_PAGES: u32 = 1_000_000;
/// A server may send an empty page with a new cookie (it filtered everything out), but not for ever.
const MOST_EMPTY_PAGES: u32 = 10_000;

/// The largest pages that servers grant, by their URLs, of those that refused larger ones: each read would learn it anew.
#[derive(Clone, Debug, Default)]
pub(super) struct Granted(Arc<Mutex<BTreeMap<String, u32>>>);

impl Granted {
    fn at_most(&self, url: &str, size: u32) -> u32 {
        let granted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        granted.get(url).map_or(size, |most| size.min(*most))
    }

    fn note(&self, url: &str, size: u32) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(url.to_owned(), size);
    }
}

/// What to read, page by page.
pub(super) struct Pager<'a> {
    connection: &'a Connection,
    doing: String,
    base: &'a str,
    filter: &'a str,
    attributes: &'a [String],
    /// None: the server has no paging, so everything comes at once.
    size: Option<u32>,
    /// The first size that was refused.
    refused: Option<u32>,
    /// Sent with every page.
    control: Option<RawControl>,
    cookie: Vec<u8>,
    state: State,
    pages: u32,
    empty: u32,
    /// Digests of the pages so far: one that comes again means that the server goes round in circles.
    seen: HashSet<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Fresh,
    Underway,
    Done,
}

impl<'a> Pager<'a> {
    /// A subtree search under `base`.
    pub(super) fn new(
        connection: &'a Connection,
        base: &'a str,
        filter: &'a str,
        attributes: &'a [String],
        size: Option<u32>,
    ) -> Self {
        Self {
            connection,
            doing: format!("Could not read the people under {base:?} to the end"),
            base,
            filter,
            attributes,
            size: size.map(|size| connection.granted.at_most(&connection.url, size)),
            refused: None,
            control: None,
            cookie: Vec::new(),
            state: State::Fresh,
            pages: 0,
            empty: 0,
            seen: HashSet::new(),
        }
    }

    /// The same, for something else than people.
    pub(super) fn doing(self, doing: String) -> Self {
        Self { doing, ..self }
    }

    /// The same, with a control besides.
    pub(super) fn with(self, control: RawControl) -> Self {
        Self { control: Some(control), ..self }
    }

    /// The messages of the next page; None after the last.
    ///
    /// # Errors
    /// Where the read is not complete: then what came before is all that is known.
    pub(super) async fn next(&mut self, budget: &Budget) -> Result<Option<Vec<StructureTag>>, ReadError> {
        loop {
            if self.state == State::Done {
                return Ok(None);
            }
            let query = Query {
                base: self.base,
                scope: Scope::Subtree,
                filter: self.filter,
                attributes: self.attributes,
                controls: self.control(),
            };
            let answer = self.connection.search(&self.doing, &query, budget).await?;
            let is_first = self.state == State::Fresh;
            if is_first && self.adapts(&answer.result) {
                continue;
            }
            self.state = State::Underway;
            let result = self.connection.succeeded(&self.doing, answer.result)?;
            if is_first {
                self.note_granted();
            }
            self.advance(&result.ctrls)?;
            self.check_progress(&answer.messages)?;
            return Ok(Some(answer.messages));
        }
    }

    fn control(&self) -> Vec<RawControl> {
        let page = self.size.map(|size| paged(size, &self.cookie));
        page.into_iter().chain(self.control.clone()).collect()
    }

    /// Does as a server wishes that refuses the first page for its size, or paging altogether.
    fn adapts(&mut self, result: &ldap3::LdapResult) -> bool {
        match self.size {
            Some(size) if size > 1 && page_is_too_large(result) => {
                self.refused.get_or_insert(size);
                self.size = Some(size / 2);
                true
            }
            Some(_) if result.rc == UNAVAILABLE_CRITICAL_EXTENSION => {
                tracing::warn!("The server cannot send its answer in pages; reading it at once");
                self.size = None;
                true
            }
            _ => false,
        }
    }

    /// Once for all reads by way of the same client.
    fn note_granted(&self) {
        let Connection { url, granted, .. } = self.connection;
        if let (Some(size), Some(refused)) = (self.size, self.refused) {
            tracing::warn!(
                server = url,
                page_size = refused,
                granted = size,
                "The server allows smaller pages only, and is asked for those"
            );
            granted.note(url, size);
        }
    }

    /// Takes over the cookie for the next page. An empty one ends the search.
    fn advance(&mut self, controls: &[ldap3::controls::Control]) -> Result<(), ReadError> {
        if self.size.is_none() {
            self.state = State::Done;
            return Ok(());
        }
        let control = controls.iter().find(|control| control.1.ctype == PAGED_RESULTS).ok_or_else(|| {
            self.fault("a page came without its paging control, so nobody knows whether there is more")
        })?;
        self.cookie =
            paging_cookie(control.1.val.as_deref()).map_err(|error| self.connection.misshapen(&self.doing, error))?;
        if self.cookie.is_empty() {
            self.state = State::Done;
        }
        Ok(())
    }

    /// Stops where a server would go on for ever. A cookie may repeat (Samba's names the search); a page may not.
    fn check_progress(&mut self, messages: &[StructureTag]) -> Result<(), ReadError> {
        self.pages += 1;
        if self.pages > MOST_PAGES {
            return Err(self.fault("there is no end of pages"));
        }
        if messages.is_empty() {
            self.empty += 1;
            if self.empty > MOST_EMPTY_PAGES {
                return Err(self.fault("there is no end of empty pages"));
            }
        } else if !self.seen.insert(digest(messages)) {
            return Err(self.fault("the same page came twice"));
        }
        Ok(())
    }

    fn fault(&self, said: &str) -> ReadError {
        fault(&self.doing, &self.connection.url, said, "Report it to the server's maker", Persistence::Transient)
    }
}

/// The request control for one page.
pub(super) fn paged(size: u32, cookie: &[u8]) -> RawControl {
    let size = i32::try_from(size).unwrap_or(i32::MAX);
    RawControl::from(PagedResults { size, cookie: cookie.to_vec() }.critical())
}

/// Tells pages apart by the DNs in them.
fn digest(messages: &[StructureTag]) -> u64 {
    let mut hasher = Xxh3::new();
    for message in messages {
        if let PL::C(fields) = &message.payload
            && let Some(StructureTag { payload: PL::P(dn), .. }) = fields.first()
        {
            hasher.write(dn);
        }
        hasher.write_u8(0);
    }
    hasher.finish()
}
