//! `[ledger]`: where the ledger listens, which database it serves, and how it sends mail.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};

use super::keys::{FIRST, SMTP};
use super::naming;
use super::permissions::{self, Right};
use super::pool::MOST_SEATS;
use super::reader::Reader;
use super::secret;
use crate::model::Name;
use crate::model::settings::{FirstCompany, LedgerSettings, SmtpSettings, SmtpTls, TlsFiles};

/// Where the ledger listens unless the config says otherwise: this machine alone.
const LISTEN: &str = "127.0.0.1:8760";

pub fn compile(reader: &Reader) -> LedgerSettings {
    let tls = tls(reader);
    LedgerSettings {
        listen: listen(reader, tls.is_some()),
        tls,
        database: database(reader),
        first: reader.has("first").then(|| reader.section("first", &FIRST, first)),
        smtp: reader.has("smtp").then(|| reader.section("smtp", &SMTP, smtp)),
    }
}

/// Loopback may go without TLS; on a wire tokens do not travel in the clear.
fn listen(reader: &Reader, tls: bool) -> SocketAddr {
    let text = reader.text("listen").unwrap_or_else(|| LISTEN.to_owned());
    let Ok(address) = text.parse::<SocketAddr>() else {
        reader.problem("listen", "must be an address and a port, such as \"127.0.0.1:8760\" or \"[::]:8443\"");
        return SocketAddr::from(([127, 0, 0, 1], 0));
    };
    if !address.ip().is_loopback() && !tls {
        let message = "would take tokens in the clear; give tls_cert and tls_key, or listen on 127.0.0.1";
        reader.problem("listen", message);
    }
    address
}

fn tls(reader: &Reader) -> Option<TlsFiles> {
    let (cert, key) = (reader.path("tls_cert"), reader.path("tls_key"));
    match (cert, key) {
        (None, None) => None,
        (Some(cert), Some(key)) => {
            let (certificates, private) = (check_cert(reader, &cert), check_key(reader, &key));
            if let (Some(certificates), Some(private)) = (certificates, private) {
                check_pair(reader, certificates, private);
            }
            Some(TlsFiles { cert, key })
        }
        (Some(cert), None) => {
            reader.problem("tls_key", "is missing: the PEM file with the key of tls_cert");
            Some(TlsFiles { cert, key: PathBuf::new() })
        }
        (None, Some(key)) => {
            reader.problem("tls_cert", "is missing: the PEM file with the certificate of tls_key");
            Some(TlsFiles { cert: PathBuf::new(), key })
        }
    }
}

fn check_cert(reader: &Reader, file: &Path) -> Option<Vec<CertificateDer<'static>>> {
    const WHAT: &str = "name a PEM file with the server's certificate, and those of its issuers after it";
    let certificates = match CertificateDer::pem_file_iter(file) {
        Ok(certificates) => certificates,
        Err(error) => {
            reader.problem("tls_cert", format!("cannot be read ({error}); {WHAT}"));
            return None;
        }
    };
    match certificates.collect::<Result<Vec<_>, _>>() {
        Err(error) => reader.problem("tls_cert", format!("is no PEM file ({error}); {WHAT}")),
        Ok(found) if found.is_empty() => reader.problem("tls_cert", format!("holds no certificate; {WHAT}")),
        Ok(found) => return Some(found),
    }
    None
}

/// A key is a secret: nobody but its owner may read it.
fn check_key(reader: &Reader, file: &Path) -> Option<PrivateKeyDer<'static>> {
    const WHAT: &str = "name a PEM file with the private key of tls_cert";
    let metadata = match File::open(file).and_then(|opened| opened.metadata()) {
        Ok(metadata) if metadata.is_file() => metadata,
        Ok(_) => {
            reader.problem("tls_key", format!("is no file; {WHAT}"));
            return None;
        }
        Err(error) => {
            reader.problem("tls_key", format!("cannot be read ({error}); {WHAT}"));
            return None;
        }
    };
    if let Some(told) = permissions::refusal(file, &metadata, Right::Any, "use it") {
        reader.problem("tls_key", told);
    }
    // What is wrong with a key is not shown: it could be part of it.
    let key = PrivateKeyDer::from_pem_file(file).ok();
    if key.is_none() {
        reader.problem("tls_key", format!("holds no private key; {WHAT}"));
    }
    key
}

/// A server with the key of another certificate starts, and nobody can talk to it.
fn check_pair(reader: &Reader, certificates: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) {
    let why = match CertifiedKey::from_der(certificates, key, &ring::default_provider()) {
        // Where a key does not show its public half, the server will say.
        Ok(_) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => return,
        Err(Error::InconsistentKeys(_)) => "is not the key of tls_cert, whose first certificate must be the server's",
        Err(_) => "cannot be used with tls_cert: a server's certificate and its RSA, ECDSA or Ed25519 key are needed",
    };
    reader.problem("tls_key", why);
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
