//! `ca_file`: whom to trust instead of the authorities of the system.

use std::fs::File;
use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::reader::Reader;
use super::unreadable::unreadable;
use crate::tls;

const WHAT: &str = "name a PEM file with the CA's certificate";

/// A certificate file that can be read. Without TLS nothing would read it; `plain` says why there is none.
pub fn file(reader: &Reader, encrypted: bool, plain: &str) -> Option<PathBuf> {
    let file = reader.path("ca_file")?;
    reader.context.uses(&reader.place.key("ca_file"), &file);
    if let Err(error) = File::open(&file) {
        reader.problem("ca_file", unreadable(&error, WHAT));
    } else if file.is_dir() {
        reader.problem("ca_file", format!("is a folder; {WHAT}"));
    } else if tls::is_der(&file) {
        reader.problem("ca_file", tls::from_der(&file));
    } else if !holds_a_certificate(&file) {
        reader.problem("ca_file", format!("holds no certificate; {WHAT}"));
    } else if !encrypted {
        reader.warn("ca_file", format!("has no effect: {plain}"));
    }
    Some(file)
}

/// What each of them is worth is looked at where they are used.
fn holds_a_certificate(file: &Path) -> bool {
    CertificateDer::pem_file_iter(file).is_ok_and(|mut found| matches!(found.next(), Some(Ok(_))))
}
