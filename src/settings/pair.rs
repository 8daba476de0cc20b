//! A certificate and its private key, in two PEM files: `tls_cert` and `tls_key` of what we serve, `client_cert` and
//! `client_key` of who we are elsewhere.

use std::fs::File;
use std::path::{Path, PathBuf};

use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};

use super::permissions::{self, Right};
use super::reader::Reader;
use super::unreadable::unreadable;
use crate::model::settings::TlsFiles;

/// What the two are called, and whose they are: "server" or "client".
#[derive(Debug)]
pub struct Keys {
    pub cert: &'static str,
    pub key: &'static str,
    pub whose: &'static str,
}

/// Certificate and key, checked to belong together. None where neither is named.
pub fn read(reader: &Reader, keys: &Keys) -> Option<TlsFiles> {
    match (reader.path(keys.cert), reader.path(keys.key)) {
        (None, None) => None,
        (Some(cert), Some(key)) => {
            reader.context.uses(&reader.place.key(keys.cert), &cert);
            reader.context.uses(&reader.place.key(keys.key), &key);
            let (certificates, private) = (check_cert(reader, keys, &cert), check_key(reader, keys, &key));
            if let (Some(certificates), Some(private)) = (certificates, private) {
                check_pair(reader, keys, certificates, private);
            }
            Some(TlsFiles { cert, key })
        }
        (Some(cert), None) => {
            reader.problem(keys.key, format!("is missing: the PEM file with the key of {}", keys.cert));
            Some(TlsFiles { cert, key: PathBuf::new() })
        }
        (None, Some(key)) => {
            reader.problem(keys.cert, format!("is missing: the PEM file with the certificate of {}", keys.key));
            Some(TlsFiles { cert: PathBuf::new(), key })
        }
    }
}

fn cannot_read(error: pem::Error, what: &str) -> String {
    match error {
        pem::Error::Io(error) => unreadable(&error, what),
        other => format!("cannot be read ({other}); {what}"),
    }
}

fn check_cert(reader: &Reader, keys: &Keys, file: &Path) -> Option<Vec<CertificateDer<'static>>> {
    let what = || format!("name a PEM file with the {}'s certificate, and those of its issuers after it", keys.whose);
    let certificates = match CertificateDer::pem_file_iter(file) {
        Ok(certificates) => certificates,
        Err(error) => {
            reader.problem(keys.cert, cannot_read(error, &what()));
            return None;
        }
    };
    match certificates.collect::<Result<Vec<_>, _>>() {
        Err(error) => reader.problem(keys.cert, format!("is no PEM file ({error}); {}", what())),
        Ok(found) if found.is_empty() => reader.problem(keys.cert, format!("holds no certificate; {}", what())),
        Ok(found) => return Some(found),
    }
    None
}

/// A key is a secret: nobody but its owner may read it.
fn check_key(reader: &Reader, keys: &Keys, file: &Path) -> Option<PrivateKeyDer<'static>> {
    let what = || format!("name a PEM file with the private key of {}", keys.cert);
    let metadata = match File::open(file).and_then(|opened| opened.metadata()) {
        Ok(metadata) if metadata.is_file() => metadata,
        Ok(_) => {
            reader.problem(keys.key, format!("is no file; {}", what()));
            return None;
        }
        Err(error) => {
            reader.problem(keys.key, unreadable(&error, &what()));
            return None;
        }
    };
    if let Some(told) = permissions::refusal(file, &metadata, Right::Any, "use it") {
        reader.problem(keys.key, told);
    }
    // What is wrong with a key is not shown: it could be part of it.
    let key = PrivateKeyDer::from_pem_file(file).ok();
    if key.is_none() {
        reader.problem(keys.key, format!("holds no private key; {}", what()));
    }
    key
}

/// With the key of another certificate nobody can be talked to.
fn check_pair(reader: &Reader, keys: &Keys, certificates: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) {
    let Keys { cert, whose, .. } = keys;
    let why = match CertifiedKey::from_der(certificates, key, &ring::default_provider()) {
        // Where a key does not show its public half, the other side will say.
        Ok(_) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => return,
        Err(Error::InconsistentKeys(_)) => {
            format!("is not the key of {cert}, whose first certificate must be the {whose}'s")
        }
        Err(_) => {
            format!("cannot be used with {cert}: a {whose}'s certificate and its RSA, ECDSA or Ed25519 key are needed")
        }
    };
    reader.problem(keys.key, why);
}
