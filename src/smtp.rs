//! Mail over SMTP: how a server is talked to, whatever is sent.

use std::path::{Path, PathBuf};
use std::time::Duration;

use lettre::message::Mailbox;
use lettre::transport::smtp::AsyncSmtpTransportBuilder;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use secrecy::ExposeSecret as _;
use thiserror::Error;

use crate::model::settings::{SmtpSettings, SmtpTls};

/// Why no mail can be sent at all.
#[derive(Debug, Error)]
pub enum MailError {
    #[error("TLS to the mail server {host} cannot be set up")]
    Tls { host: String, source: lettre::transport::smtp::Error },
    #[error("the certificate authority in {} (`ca_file`, PEM) cannot be read", path.display())]
    Authority { path: PathBuf, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("{from:?} is no mail address")]
    From { from: String, source: lettre::address::AddressError },
}

/// Why one mail was not sent.
#[derive(Debug, Error)]
pub enum Unsent {
    /// It cannot be written: no try can help.
    #[error("it cannot be written")]
    Unwritable(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the mail server did not take it")]
    Refused(#[source] lettre::transport::smtp::Error),
}

impl Unsent {
    /// Something in it is nothing that a mail may have.
    pub fn unwritable(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Unwritable(Box::new(error))
    }

    /// Whether no later try can help.
    #[must_use]
    pub fn is_final(&self) -> bool {
        match self {
            Self::Unwritable(_) => true,
            Self::Refused(error) => error.is_permanent(),
        }
    }

    /// Whether the server said so, and will take other mails all the same, perhaps.
    #[must_use]
    pub fn is_answer(&self) -> bool {
        match self {
            Self::Unwritable(_) => true,
            Self::Refused(error) => error.status().is_some(),
        }
    }

    /// Whether the server does not let us in: it wants another password, or one at all (RFC 4954 section 6).
    #[must_use]
    pub fn is_about_login(&self) -> bool {
        let Self::Refused(error) = self else { return false };
        error.status().is_some_and(|code| ["432", "454", "530", "534", "535", "538"].contains(&&*code.to_string()))
    }

    /// What may be logged: a mail server's own words name the address.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::Unwritable(_) => "it cannot be written".to_owned(),
            Self::Refused(error) => match error.status() {
                Some(code) => format!("the mail server answered {code}"),
                None => format!("the mail server cannot be talked to: {error}"),
            },
        }
    }
}

/// A mail server, and who sends.
pub struct Post {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    pub from: Mailbox,
}

impl Post {
    /// Nothing is connected to yet. The server must answer within `timeout`.
    ///
    /// # Errors
    /// Where the settings cannot be used.
    pub fn new(settings: &SmtpSettings, timeout: Duration) -> Result<Self, MailError> {
        let SmtpSettings { host, port, tls, from, ca_file, credentials } = settings;
        let from = from.parse().map_err(|source| MailError::From { from: from.clone(), source })?;
        let tls = match tls {
            SmtpTls::Implicit => Tls::Wrapper(parameters(host, ca_file.as_deref())?),
            SmtpTls::StartTls => Tls::Required(parameters(host, ca_file.as_deref())?),
            SmtpTls::None => Tls::None,
        };
        let builder: AsyncSmtpTransportBuilder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host);
        let mut builder = builder.port(*port).tls(tls).timeout(Some(timeout));
        if let Some((user, password)) = credentials {
            builder = builder.credentials(Credentials::new(user.clone(), password.expose_secret().to_owned()));
        }
        Ok(Self { transport: builder.build(), from })
    }

    /// Logs in, and sends nothing.
    ///
    /// # Errors
    /// Why that is not possible.
    pub async fn probe(&self) -> Result<(), String> {
        match self.transport.test_connection().await {
            Ok(true) => Ok(()),
            Ok(false) => Err("the mail server does not answer as it must".to_owned()),
            Err(error) => Err(format!("the mail server cannot be talked to: {error}")),
        }
    }

    /// Hands one mail over.
    ///
    /// # Errors
    /// Where the server cannot be talked to, or does not take it.
    pub async fn send(&self, message: Message) -> Result<(), Unsent> {
        self.transport.send(message).await.map(|_| ()).map_err(Unsent::Refused)
    }
}

/// With `ca_file` that authority alone is trusted, else those of the operating system.
fn parameters(host: &str, ca_file: Option<&Path>) -> Result<TlsParameters, MailError> {
    let mut builder = TlsParameters::builder(host.to_owned());
    if let Some(path) = ca_file {
        let unreadable = |source| MailError::Authority { path: path.to_owned(), source };
        let pem = std::fs::read(path).map_err(|error| unreadable(error.into()))?;
        let certificate = Certificate::from_pem(&pem).map_err(|error| unreadable(error.into()))?;
        builder = builder.certificate_store(CertificateStore::None).add_root_certificate(certificate);
    }
    builder.build().map_err(|source| MailError::Tls { host: host.to_owned(), source })
}
