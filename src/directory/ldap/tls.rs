//! TLS: always verified, with the operating system's authorities or one of our own.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use crate::ports::{Persistence, ReadError};

/// A client's TLS settings. With `ca_file` that authority alone is trusted, else those of the operating system.
pub(super) fn config(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, ReadError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| failed("Could not set up TLS", error))?;
    let builder = if let Some(file) = ca_file {
        builder.with_root_certificates(authorities(file)?)
    } else {
        let verifier = rustls_platform_verifier::Verifier::new(provider)
            .map_err(|error| failed("Could not load the system's certificate authorities; set `ca_file`", error))?;
        builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
    };
    Ok(Arc::new(builder.with_no_client_auth()))
}

/// Every certificate of a PEM file; at least one.
fn authorities(file: &Path) -> Result<RootCertStore, ReadError> {
    let doing = || format!("Could not read the certificate authority in {} (`ca_file`, PEM)", file.display());
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|error| failed(&doing(), error))? {
        let certificate = certificate.map_err(|error| failed(&doing(), error))?;
        roots.add(certificate).map_err(|error| failed(&doing(), error))?;
    }
    if roots.is_empty() {
        let doing = format!("{}: there is no certificate in it", doing());
        return Err(ReadError { doing, persistence: Persistence::Permanent, source: None });
    }
    Ok(roots)
}

fn failed(doing: &str, error: impl std::error::Error + Send + Sync + 'static) -> ReadError {
    let doing = format!("{doing}: {error}");
    ReadError { doing, persistence: Persistence::Permanent, source: Some(Box::new(error)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_certificate_is_named_in_the_error() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for content in ["", "no PEM at all\n"] {
            std::fs::write(file.path(), content).unwrap();
            let error = config(Some(file.path())).unwrap_err();
            assert!(error.doing.contains(&file.path().display().to_string()), "{}", error.doing);
            assert!(error.doing.contains("`ca_file`"), "{}", error.doing);
        }
    }

    #[test]
    fn without_a_file_the_systems_authorities_are_used() {
        // A machine without any is told so; it is never "trust everybody".
        if let Err(error) = config(None) {
            assert!(error.doing.contains("`ca_file`"), "{}", error.doing);
        }
    }
}
