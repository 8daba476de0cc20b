//! TLS as a client: always verified, with the operating system's authorities or one of our own.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use rustls::client::WantsClientCert;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{CertificateError, ClientConfig, ConfigBuilder, RootCertStore};
use thiserror::Error;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// Why TLS cannot be set up; nothing was connected to yet.
#[derive(Debug, Error)]
pub enum TlsError {
    #[error("Could not set up TLS: {0}")]
    Protocol(rustls::Error),
    #[error(
        "Could not load the system's certificate authorities: {0}. Set `ca_file`, or install them (on Linux the package ca-certificates)"
    )]
    System(rustls::Error),
    #[error(
        "`ca_file` names no file: give the path of the authority's certificate (PEM), or leave `ca_file` out and trust the system's"
    )]
    Unnamed,
    #[error("Could not read the certificate authority in {} (`ca_file`, PEM): {source}", path.display())]
    File { path: PathBuf, source: pem::Error },
    #[error("Could not use the certificate authority in {} (`ca_file`, PEM): {source}", path.display())]
    Certificate { path: PathBuf, source: rustls::Error },
    #[error("Could not read the certificate authority in {} (`ca_file`, PEM): there is no certificate in it{}", path.display(), with_comma(*der, path))]
    Empty { path: PathBuf, der: bool },
    #[error("Could not use the certificate {} (`client_cert`): {what}", path.display())]
    Identity { path: PathBuf, what: String },
}

/// Who we are to a server that asks: two PEM files, read anew each time, so that a renewed certificate is shown at once.
#[derive(Clone, Copy, Debug)]
pub struct Identity<'a> {
    pub cert: &'a Path,
    pub key: &'a Path,
}

/// A client's TLS settings. With `ca_file` that authority alone is trusted, else those of the operating system.
///
/// # Errors
/// Where the authorities cannot be read; never "trust everybody".
pub fn client(ca_file: Option<&Path>) -> Result<ClientConfig, TlsError> {
    Ok(verifying(ca_file)?.with_no_client_auth())
}

/// The same, for one who shows a certificate to the server that asks for it.
///
/// # Errors
/// Where the authorities or the certificate cannot be used; a server would only hang up on one that has expired.
pub fn client_as(ca_file: Option<&Path>, identity: Identity<'_>, now: Timestamp) -> Result<ClientConfig, TlsError> {
    let builder = verifying(ca_file)?;
    let wrong = |what: String| TlsError::Identity { path: identity.cert.to_owned(), what };
    let chain = CertificateDer::pem_file_iter(identity.cert).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = chain.map_err(|error| wrong(format!("it cannot be read ({error})")))?;
    if let Some(what) = chain.first().and_then(|own| out_of_date(own, now)) {
        return Err(wrong(what));
    }
    let key = PrivateKeyDer::from_pem_file(identity.key)
        .map_err(|_| wrong(format!("its key in {} (`client_key`) cannot be read", identity.key.display())))?;
    builder.with_client_auth_cert(chain, key).map_err(|error| wrong(error.to_string()))
}

/// Why a certificate does not hold now. One that cannot be parsed the server will judge.
fn out_of_date(certificate: &CertificateDer<'_>, now: Timestamp) -> Option<String> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let day = |second: i64| Timestamp::from_second(second).map(|at| at.to_string()).unwrap_or_default();
    let (begins, ends) = (parsed.validity().not_before.timestamp(), parsed.validity().not_after.timestamp());
    if ends < now.as_second() {
        return Some(format!("it expired on {}. Put a renewed one in its place", day(ends)));
    }
    let early = || format!("it is not valid before {}. Check this machine's clock", day(begins));
    (now.as_second() < begins).then(early)
}

fn verifying(ca_file: Option<&Path>) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Protocol)?;
    Ok(if let Some(file) = ca_file {
        if file.as_os_str().is_empty() {
            return Err(TlsError::Unnamed);
        }
        builder.with_root_certificates(authorities(file)?)
    } else {
        let verifier = rustls_platform_verifier::Verifier::new(provider).map_err(TlsError::System)?;
        builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
    })
}

/// What is wrong with a server's certificate, and what to do about it.
#[must_use]
pub fn blame(certificate: &CertificateError) -> (&'static str, &'static str) {
    match certificate {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            ("its certificate is for another host name", "Use a name from the certificate in `url`")
        }
        CertificateError::UnknownIssuer => {
            ("its certificate is not from an authority we trust", "Set `ca_file` to the authority's certificate (PEM)")
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            ("its certificate has expired", "Renew it on the server, or check this machine's clock")
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            ("its certificate is not valid yet", "Check the clock of this machine and of the server")
        }
        CertificateError::Revoked => ("its certificate is revoked", "Renew it on the server"),
        // The verifier's own error, which rustls passes on as one of another kind.
        other if format!("{other:?}").contains("CaUsedAsEndEntity") => (
            "its certificate is that of an authority, which may not stand for a server",
            "Give the server a certificate of its own (openssl req -x509 makes one with `-addext basicConstraints=CA:FALSE`)",
        ),
        _ => ("its certificate cannot be verified", "Renew it on the server, or set `ca_file`"),
    }
}

/// A certificate as Windows exports it by default: binary (X.690), a sequence of some length.
#[must_use]
pub fn is_der(path: &Path) -> bool {
    let mut start = [0; 2];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut start));
    read.is_ok() && start[0] == 0x30 && start[1] > 0x80
}

/// How one becomes PEM.
#[must_use]
pub fn from_der(path: &Path) -> String {
    let shown = path.display();
    format!(
        "it is binary (DER), not PEM: run: openssl x509 -inform der -in {shown} -out {shown}.pem, and name {shown}.pem"
    )
}

fn with_comma(der: bool, path: &Path) -> String {
    if der { format!(", {}", from_der(path)) } else { String::new() }
}

/// Every certificate of a PEM file; at least one.
fn authorities(path: &Path) -> Result<RootCertStore, TlsError> {
    let unreadable = |source| TlsError::File { path: path.to_owned(), source };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(unreadable)? {
        let added = roots.add(certificate.map_err(unreadable)?);
        added.map_err(|source| TlsError::Certificate { path: path.to_owned(), source })?;
    }
    if roots.is_empty() {
        return Err(TlsError::Empty { path: path.to_owned(), der: is_der(path) });
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_certificate_is_named_in_the_error() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for content in ["", "no PEM at all\n"] {
            std::fs::write(file.path(), content).unwrap();
            let error = client(Some(file.path())).unwrap_err().to_string();
            assert!(error.contains(&file.path().display().to_string()), "{error}");
            assert!(error.contains("`ca_file`"), "{error}");
        }
    }

    #[test]
    fn our_own_certificate_is_not_shown_before_or_after_its_time() {
        let made = rcgen::generate_simple_self_signed(["client".to_owned()]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (cert, key) = (folder.path().join("cert"), folder.path().join("key"));
        std::fs::write(&cert, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        let ca = cert.clone();
        let told = |at: &str| {
            let identity = Identity { cert: &cert, key: &key };
            client_as(Some(&ca), identity, at.parse().unwrap()).map(|_| ()).map_err(|error| error.to_string())
        };
        // rcgen's are valid from 1975 to 4096.
        assert_eq!(told("2026-01-01T00:00:00Z"), Ok(()));
        assert!(told("1974-12-31T00:00:00Z").unwrap_err().contains("not valid before 1975-01-01"));
        assert!(told("4096-01-02T00:00:00Z").unwrap_err().contains("expired on 4096-01-01"));
        std::fs::write(&key, "none").unwrap();
        assert!(told("2026-01-01T00:00:00Z").unwrap_err().contains("`client_key`"));
    }

    #[test]
    fn without_a_file_the_systems_authorities_are_used() {
        // A machine without any is told so; it is never "trust everybody".
        if let Err(error) = client(None) {
            assert!(error.to_string().contains("`ca_file`"), "{error}");
        }
    }

    #[test]
    fn a_binary_certificate_is_told_from_none_with_the_command() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.cer");
        std::fs::write(&file, [0x30, 0x82, 0x03, 0x0f, 0x30, 0x82]).unwrap();
        let said = client(Some(&file)).unwrap_err().to_string();
        let command = format!("openssl x509 -inform der -in {0} -out {0}.pem", file.display());
        assert!(said.contains(&command), "{said}");
        std::fs::write(&file, "0 is no certificate").unwrap();
        assert!(!client(Some(&file)).unwrap_err().to_string().contains("openssl"));
    }
}
