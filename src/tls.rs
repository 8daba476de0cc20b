//! TLS as a client: always verified, with the operating system's authorities or one of our own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use thiserror::Error;

/// Why TLS cannot be set up; nothing was connected to yet.
#[derive(Debug, Error)]
pub enum TlsError {
    #[error("Could not set up TLS: {0}")]
    Protocol(rustls::Error),
    #[error("Could not load the system's certificate authorities; set `ca_file`: {0}")]
    System(rustls::Error),
    #[error("Could not read the certificate authority in {} (`ca_file`, PEM): {source}", path.display())]
    File { path: PathBuf, source: pem::Error },
    #[error("Could not use the certificate authority in {} (`ca_file`, PEM): {source}", path.display())]
    Certificate { path: PathBuf, source: rustls::Error },
    #[error("Could not read the certificate authority in {} (`ca_file`, PEM): there is no certificate in it", path.display())]
    Empty { path: PathBuf },
}

/// A client's TLS settings. With `ca_file` that authority alone is trusted, else those of the operating system.
///
/// # Errors
/// Where the authorities cannot be read; never "trust everybody".
pub fn client(ca_file: Option<&Path>) -> Result<ClientConfig, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Protocol)?;
    let builder = if let Some(file) = ca_file {
        builder.with_root_certificates(authorities(file)?)
    } else {
        let verifier = rustls_platform_verifier::Verifier::new(provider).map_err(TlsError::System)?;
        builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
    };
    Ok(builder.with_no_client_auth())
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

/// Every certificate of a PEM file; at least one.
fn authorities(path: &Path) -> Result<RootCertStore, TlsError> {
    let unreadable = |source| TlsError::File { path: path.to_owned(), source };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(unreadable)? {
        let added = roots.add(certificate.map_err(unreadable)?);
        added.map_err(|source| TlsError::Certificate { path: path.to_owned(), source })?;
    }
    if roots.is_empty() {
        return Err(TlsError::Empty { path: path.to_owned() });
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
    fn without_a_file_the_systems_authorities_are_used() {
        // A machine without any is told so; it is never "trust everybody".
        if let Err(error) = client(None) {
            assert!(error.to_string().contains("`ca_file`"), "{error}");
        }
    }
}
