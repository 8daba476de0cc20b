//! One request to a ledger.

use std::time::Duration;

use reqwest::{Method, Url};
use serde::Serialize;

/// One request, the same however often it is sent.
#[derive(Debug)]
pub struct Request<'a> {
    /// "read the accounts".
    pub doing: &'a str,
    pub(super) method: Method,
    pub(super) url: Url,
    /// None: it carries nothing.
    pub(super) body: Option<serde_json::Result<Vec<u8>>>,
    pub(super) key: Option<&'a str>,
    pub(super) epoch: Option<u64>,
    /// The answer is not longer, in bytes, unpacked.
    pub(super) most: usize,
    /// In whole; else the server may take `timeout` between any two bytes.
    pub(super) within: Option<Duration>,
    pub(super) tries: Tries,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tries {
    Once,
    Several,
}

impl<'a> Request<'a> {
    /// Carries this.
    #[must_use]
    pub fn body(mut self, body: &impl Serialize) -> Self {
        self.body = Some(serde_json::to_vec(body));
        self
    }

    /// Done once, however often it is sent.
    #[must_use]
    pub fn key(mut self, key: &'a str) -> Self {
        self.key = Some(key);
        self
    }

    /// Done under this lease alone.
    #[must_use]
    pub fn epoch(mut self, epoch: u64) -> Self {
        self.epoch = Some(epoch);
        self
    }

    /// Sent once, and given so long in whole: whoever sends it has a rhythm of its own.
    #[must_use]
    pub fn once(mut self, within: Duration) -> Self {
        self.within = Some(within);
        self.tries = Tries::Once;
        self
    }

    /// Its answer may be so long.
    #[must_use]
    pub fn at_most(mut self, bytes: usize) -> Self {
        self.most = bytes;
        self
    }

    /// With this in the query.
    #[must_use]
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.url.query_pairs_mut().append_pair(name, value);
        self
    }
}
