//! Every option of the config, section by section: what may stand there, what it means, and what only a later version reads.
//!
//! A key that is in no list is refused with the nearest one; a reader refuses to leave a key of a list unread, and to read
//! it as something else than stands here. `schema` tells editors the same.

use std::ops::RangeInclusive;

mod later;
mod sections;

pub use self::sections::*;

/// The keys of one table.
#[derive(Debug)]
pub struct Section {
    /// As the file spells the table, for people.
    pub name: &'static str,
    pub says: &'static str,
    pub keys: &'static [Key],
    /// Keys of later versions, and what there is instead.
    pub later: &'static [(&'static str, &'static str)],
    /// Values of later versions: key, value, and what there is instead.
    pub later_values: &'static [(&'static str, &'static str, &'static str)],
}

/// One option.
#[derive(Debug)]
pub struct Key {
    pub name: &'static str,
    pub shape: Shape,
    pub says: &'static str,
    pub without: Without,
}

/// What may stand under a key.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    Text,
    /// Of a file or folder; a relative one starts at the config's folder.
    Path,
    /// `true` or `false`.
    Flag,
    /// One of a few words.
    Words(&'static [&'static str]),
    /// A whole number, from the one to the other.
    Number(u32, u32),
    /// Such as "5m"; or this word, where there is one.
    Duration(Option<&'static str>),
    /// A list of texts.
    Texts,
    /// Where a secret is taken from: one key of `SECRET`.
    Secret,
    Table(&'static Section),
    /// `[[...]]`
    Tables(&'static Section),
}

/// What holds where a key is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Without {
    /// It must not be.
    Refused,
    /// This, as the shape spells it.
    Default(&'static str),
    /// What `says` tells of it.
    Other,
}

impl Shape {
    /// Of a number.
    pub fn range(self) -> Option<RangeInclusive<u32>> {
        match self {
            Self::Number(low, high) => Some(low..=high),
            _ => None,
        }
    }
}

impl Section {
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.keys.iter().map(|key| key.name)
    }

    /// What there is instead of a key that only a later version reads.
    pub fn later_key(&self, key: &str) -> Option<&'static str> {
        self.later.iter().find(|(later, _)| *later == key).map(|(_, instead)| *instead)
    }

    /// What there is instead of a value that only a later version knows.
    pub fn later_value(&self, key: &str, value: &str) -> Option<&'static str> {
        self.later_values.iter().find(|later| (later.0, later.1) == (key, value)).map(|(_, _, instead)| *instead)
    }
}

/// What only a ledger has that is asked over HTTP.
pub const HTTP_KEYS: &[&str] = &["url", "token", "ca_file", "timeout"];

/// What only a server has, and an LDIF file has not.
pub const SERVER_KEYS: &[&str] = &[
    "url",
    "ca_file",
    "start_tls",
    "allow_plaintext",
    "bind",
    "bind_dn",
    "bind_password",
    "client_cert",
    "client_key",
    "keytab",
    "principal",
    "page_size",
    "timeout",
];

/// Tables without which there is no agent: a config that has none of them is a ledger's alone.
pub const OF_AN_AGENT: &[&str] =
    &["agent", "directory", "pool", "seats", "leavers", "guard", "backend", "status", "notify"];

/// Every table, to tell where a misplaced key belongs.
pub const ALL: &[&Section] = &[
    &ROOT,
    &AGENT,
    &DIRECTORY,
    &ATTRIBUTES,
    &SECRET,
    &POOL,
    &SEATS,
    &LEAVERS,
    &GUARD,
    &BACKEND,
    &LOG,
    &STATUS,
    &NOTIFY,
    &WEBHOOK,
    &EMAIL,
    &LEDGER,
    &FIRST,
    &SMTP,
];
