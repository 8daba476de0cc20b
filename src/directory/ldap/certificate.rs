//! The certificate that a server shows, for a person to look at where it is not trusted.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::budget::Budget;
use super::connect;
use crate::model::settings::LdapSettings;
use crate::ports::ReadError;

/// What is said of a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Certificate {
    pub subject: String,
    pub issuer: String,
    /// SHA-256 of the whole, as `openssl x509 -fingerprint -sha256` prints it.
    pub fingerprint: String,
    /// Until when it is good, in words.
    pub expires: String,
}

/// Looks at what a server shows: its own certificate first. Nothing is said to it, and nothing it says is believed: the
/// connection ends where the certificate would be verified.
///
/// # Errors
/// Where it shows none: why it does not come so far.
pub(super) async fn shown(
    settings: &LdapSettings,
    url: &str,
    budget: &Budget,
) -> Result<Vec<Certificate>, Option<ReadError>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let looker = Arc::new(Looker { provider: Arc::clone(&provider), seen: Mutex::new(Vec::new()) });
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|_| None)?;
    let verifier: Arc<dyn ServerCertVerifier> = Arc::<Looker>::clone(&looker);
    let config = builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
    // It fails, always: the looker lets nothing pass.
    let failure = connect::dial_with(settings, url, budget, || Ok(Arc::new(config))).await.err();
    let seen = looker.seen.lock().unwrap_or_else(PoisonError::into_inner);
    if seen.is_empty() {
        return Err(failure);
    }
    Ok(seen.iter().filter_map(|der| described(der)).collect())
}

fn described(der: &[u8]) -> Option<Certificate> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let digest = Sha256::digest(der);
    Some(Certificate {
        subject: certificate.subject().to_string(),
        issuer: certificate.issuer().to_string(),
        fingerprint: digest.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":"),
        expires: certificate.validity().not_after.to_string(),
    })
}

/// Looks at certificates and trusts none.
#[derive(Debug)]
struct Looker {
    provider: Arc<CryptoProvider>,
    seen: Mutex<Vec<Vec<u8>>>,
}

/// What ends the connection.
fn looked() -> Error {
    Error::General("only looked at".to_owned())
}

impl ServerCertVerifier for Looker {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let all = std::iter::once(end_entity).chain(intermediates).map(|certificate| certificate.to_vec());
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = all.collect();
        Err(looked())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(looked())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(looked())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
