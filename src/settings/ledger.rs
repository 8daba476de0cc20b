//! `[ledger]`: where the ledger listens, which database it serves, and how it sends mail.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::keys::{FIRST, SMTP};
use super::listen;
use super::naming;
use super::reader::Reader;
use super::smtp;
use crate::model::Name;
use crate::model::settings::{FirstCompany, LedgerSettings};

/// Where the ledger listens unless the config says otherwise: this machine alone.
const LISTEN: &str = "127.0.0.1:8760";

pub fn compile(reader: &Reader) -> LedgerSettings {
    let tls = listen::tls(reader);
    LedgerSettings {
        listen: listen::address(reader, LISTEN, tls.is_some()).0,
        tls,
        database: database(reader),
        first: reader.has("first").then(|| reader.section("first", &FIRST, first)),
        smtp: reader.has("smtp").then(|| reader.section("smtp", &SMTP, |reader| smtp::compile(reader, "url"))),
    }
}

/// An agent's own: nobody is served, and nobody gets mail.
pub fn embedded(database: &Path) -> LedgerSettings {
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    LedgerSettings { listen, tls: None, database: database.to_owned(), first: None, smtp: None }
}

fn database(reader: &Reader) -> PathBuf {
    reader.require("database", "the ledger's file, such as \"/var/lib/seatsync/ledger/ledger.db\"");
    let Some(path) = reader.path("database") else { return PathBuf::new() };
    if path.is_dir() || path.file_name().is_none() {
        reader.problem("database", "is a folder; name the ledger's file in it, for instance \"ledger.db\"");
    }
    path
}

fn first(reader: &Reader) -> FirstCompany {
    let name = |key, what| Name::from(reader.required(key, what, naming::check));
    reader.require("seats", "how many seats the pool has");
    reader.require("token_file", "the file that the agent's token is put into");
    FirstCompany {
        company: name("company", "the company that a new ledger begins with"),
        pool: name("pool", "the pool that the company begins with"),
        seats: reader.number("seats").unwrap_or_default(),
        token_file: reader.path("token_file").unwrap_or_default(),
    }
}
