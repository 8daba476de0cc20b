//! `listen`, `tls_cert` and `tls_key`: where something is served over HTTP, and how it is kept from others' eyes.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};

use super::permissions::{self, Right};
use super::reader::Reader;
use crate::model::settings::TlsFiles;

/// Where to listen, and whether others than this machine can come there. Loopback may go without TLS; on a wire tokens do
/// not travel in the clear.
pub fn address(reader: &Reader, default: &str, tls: bool) -> (SocketAddr, bool) {
    let text = reader.text("listen").unwrap_or_else(|| default.to_owned());
    let Ok(address) = text.parse::<SocketAddr>() else {
        reader.problem("listen", format!("must be an address and a port, such as \"{default}\" or \"[::]:8443\""));
        return (SocketAddr::from(([127, 0, 0, 1], 0)), false);
    };
    let open = !address.ip().is_loopback();
    if open && !tls {
        let message = "would take tokens in the clear; give tls_cert and tls_key, or listen on 127.0.0.1";
        reader.problem("listen", message);
    }
    (address, open)
}

/// Certificate and key, checked to belong together.
pub fn tls(reader: &Reader) -> Option<TlsFiles> {
    let (cert, key) = (reader.path("tls_cert"), reader.path("tls_key"));
    match (cert, key) {
        (None, None) => None,
        (Some(cert), Some(key)) => {
            reader.context.uses(&reader.place.key("tls_cert"), &cert);
            reader.context.uses(&reader.place.key("tls_key"), &key);
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
