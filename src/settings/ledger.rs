//! `[ledger]`: where the ledger listens, which database it serves, and how it sends mail.

use std::path::PathBuf;

use super::keys::{FIRST, SMTP};
use super::listen;
use super::naming;
use super::pool::MOST_SEATS;
use super::reader::Reader;
use super::secret;
use crate::model::Name;
use crate::model::settings::{FirstCompany, LedgerSettings, SmtpSettings, SmtpTls};

/// Where the ledger listens unless the config says otherwise: this machine alone.
const LISTEN: &str = "127.0.0.1:8760";

pub fn compile(reader: &Reader) -> LedgerSettings {
    let tls = listen::tls(reader);
    LedgerSettings {
        listen: listen::address(reader, LISTEN, tls.is_some()).0,
        tls,
        database: database(reader),
        first: reader.has("first").then(|| reader.section("first", &FIRST, first)),
        smtp: reader.has("smtp").then(|| reader.section("smtp", &SMTP, smtp)),
    }
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
        seats: reader.number("seats", &(0..=MOST_SEATS)).unwrap_or_default(),
        token_file: reader.path("token_file").unwrap_or_default(),
    }
}

fn smtp(reader: &Reader) -> SmtpSettings {
    let user = reader.text("user");
    let credentials = match user {
        Some(user) => Some((user, secret::required(reader, "password"))),
        None => {
            reader.refuse(&["password"], "has no meaning without user");
            None
        }
    };
    let (host, port, tls) = server(reader, credentials.is_some());
    let address = |text: &str| {
        text.parse::<lettre::message::Mailbox>()
            .map(|_| ())
            .map_err(|_| "must be a mail address, such as \"Seats <seats@corp.example>\"".to_owned())
    };
    let from = reader.required("from", "the sender of the mails", address);
    SmtpSettings { host, port, tls, from, credentials }
}

/// `smtps://HOST[:PORT]`, or `smtp://HOST[:PORT]`, which begins TLS before anything is said, unless it is this machine.
fn server(reader: &Reader, with_password: bool) -> (String, u16, SmtpTls) {
    const FORM: &str = "must be smtps://HOST or smtp://HOST, with :PORT where it is not 465 or 587";
    reader.require("url", "the mail server, such as \"smtps://mail.corp.example\"");
    let text = reader.text("url").unwrap_or_default();
    let parts = text.split_once("://").and_then(|(scheme, rest)| {
        let implicit = match scheme {
            "smtps" => true,
            "smtp" => false,
            _ => return None,
        };
        super::url::host_and_port(rest).map(|(host, port, loopback)| (implicit, host, port, loopback))
    });
    let Some((implicit, host, port, loopback)) = parts else {
        if reader.has("url") && !text.is_empty() {
            if text.contains('@') {
                let message = "must not carry a user or password; use user and password";
                reader.context.problem(&reader.place.key("url"), Some("\"[redacted]\"".to_owned()), message);
            } else {
                reader.problem("url", FORM);
            }
        }
        return (String::new(), 0, SmtpTls::Implicit);
    };
    let tls = match (implicit, loopback) {
        (true, _) => SmtpTls::Implicit,
        (false, true) if !with_password => SmtpTls::None,
        (false, _) => SmtpTls::StartTls,
    };
    let usual = if implicit { 465 } else { 587 };
    (host, port.unwrap_or(usual), tls)
}
