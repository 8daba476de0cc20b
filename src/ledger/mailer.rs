//! Confirmation mails: whoever got a seat is told so. They lie in the ledger until the mail server took them.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, MessageBuilder};
use lettre::transport::smtp::AsyncSmtpTransportBuilder;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use secrecy::ExposeSecret as _;
use thiserror::Error;

use super::records::{Listed, Mail, Records};
use super::service::{Failure, Service};
use crate::clock;
use crate::model::Assignment;
use crate::model::settings::{SmtpSettings, SmtpTls};

/// Mails sent before looking again.
const AT_ONCE: u32 = 20;
/// A mail that cannot be sent for so long is given up.
const GIVE_UP: SignedDuration = SignedDuration::from_hours(3 * 24);
/// The longest wait between two tries.
const LONGEST: SignedDuration = SignedDuration::from_hours(4);
/// A mail server must answer within this time.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Why no mail can be sent at all.
#[derive(Debug, Error)]
pub enum MailError {
    #[error("TLS to the mail server {host} cannot be set up")]
    Tls { host: String, source: lettre::transport::smtp::Error },
    #[error("{from:?} is no mail address")]
    From { from: String, source: lettre::address::AddressError },
}

/// Why one mail was not sent.
#[derive(Debug, Error)]
enum Unsent {
    /// It cannot be written: no try can help.
    #[error("it cannot be written")]
    Unwritable(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the mail server did not take it")]
    Refused(#[source] lettre::transport::smtp::Error),
}

impl Unsent {
    /// Whether no later try can help.
    fn is_final(&self) -> bool {
        match self {
            Self::Unwritable(_) => true,
            Self::Refused(error) => error.is_permanent(),
        }
    }
}

/// Sends what is due.
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Mailer {
    /// Nothing is connected to yet.
    ///
    /// # Errors
    /// Where the settings cannot be used.
    pub fn new(settings: &SmtpSettings) -> Result<Self, MailError> {
        let SmtpSettings { host, port, tls, from, credentials } = settings;
        let from = from.parse().map_err(|source| MailError::From { from: from.clone(), source })?;
        let parameters =
            || TlsParameters::new(host.clone()).map_err(|source| MailError::Tls { host: host.clone(), source });
        let tls = match tls {
            SmtpTls::Implicit => Tls::Wrapper(parameters()?),
            SmtpTls::StartTls => Tls::Required(parameters()?),
            SmtpTls::None => Tls::None,
        };
        let builder: AsyncSmtpTransportBuilder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host);
        let mut builder = builder.port(*port).tls(tls).timeout(Some(TIMEOUT));
        if let Some((user, password)) = credentials {
            builder = builder.credentials(Credentials::new(user.clone(), password.expose_secret().to_owned()));
        }
        Ok(Self { transport: builder.build(), from })
    }

    /// Talks to the mail server without sending anything.
    ///
    /// # Errors
    /// Why it cannot be talked to.
    pub async fn probe(&self) -> Result<(), String> {
        match self.transport.test_connection().await {
            Ok(true) => Ok(()),
            Ok(false) => Err("the mail server does not answer as it must".to_owned()),
            Err(error) => Err(format!("the mail server cannot be talked to: {error}")),
        }
    }

    /// Sends the mails that are due now; how many it dealt with.
    ///
    /// # Errors
    /// Where the ledger cannot be read or written. A mail that is not taken is tried again later.
    pub async fn send_due(&self, service: &Service) -> Result<usize, Failure> {
        let now = clock::now();
        let due = service.read(move |view| Ok::<_, Failure>(view.mails_due(now, AT_ONCE)?)).await?;
        let count = due.len();
        for mail in due {
            self.deal_with(service, mail, now).await?;
        }
        Ok(count)
    }

    async fn deal_with(&self, service: &Service, mail: Mail, now: Timestamp) -> Result<(), Failure> {
        let (company, account) = (mail.company.clone(), mail.account.clone());
        let listed = service.read(move |view| Ok::<_, Failure>(view.account(&company, &account)?)).await?;
        // Whoever lost the seat meanwhile, or the whole account, gets no mail any more.
        let holder = listed.filter(|listed| listed.account.seat(&mail.pool).is_some_and(Assignment::is_held));
        let sent = match &holder {
            Some(listed) => self.send(&mail, listed).await.map(|()| true),
            None => Ok(false),
        };
        service.write(move |records| note(records, &mail, sent, now)).await
    }

    async fn send(&self, mail: &Mail, listed: &Listed) -> Result<(), Unsent> {
        let message = self.write(mail, listed)?;
        self.transport.send(message).await.map(|_| ()).map_err(Unsent::Refused)
    }

    fn write(&self, mail: &Mail, listed: &Listed) -> Result<Message, Unsent> {
        let profile = &listed.account.profile;
        let name = profile.display_name.as_deref().unwrap_or(&profile.user_name);
        let address = profile.email.parse().map_err(|error| Unsent::Unwritable(Box::new(error)))?;
        let builder: MessageBuilder = Message::builder().from(self.from.clone()).to(Mailbox::new(None, address));
        let text = format!(
            "Hello {name},\n\nyou have a seat of {pool} now, given by {company}.\nYour user name is {user}.\n",
            pool = mail.pool,
            company = mail.company,
            user = profile.user_name,
        );
        builder
            .subject(format!("You have a seat of {}", mail.pool))
            .header(ContentType::TEXT_PLAIN)
            .body(text)
            .map_err(|error| Unsent::Unwritable(Box::new(error)))
    }
}

/// What became of a mail.
fn note(records: &dyn Records, mail: &Mail, sent: Result<bool, Unsent>, now: Timestamp) -> Result<(), Failure> {
    let (account, company) = (&mail.account, &mail.company);
    let too_old = mail.made.checked_add(GIVE_UP).is_ok_and(|end| end < now);
    match sent {
        Ok(sent) => records.mail_done(mail, sent)?,
        Err(error) if error.is_final() || too_old => {
            tracing::error!(%account, %company, reason = reason(&error), "A confirmation mail is given up.");
            records.mail_done(mail, false)?;
        }
        Err(error) => {
            tracing::warn!(%account, %company, reason = reason(&error), "A confirmation mail was not taken; it is tried again.");
            records.mail_failed(mail, next_try(now, mail.attempts))?;
        }
    }
    Ok(())
}

/// After 1, 2, 4, ... minutes.
fn next_try(now: Timestamp, attempts: u32) -> Timestamp {
    let wait = SignedDuration::from_mins(1 << attempts.min(8)).min(LONGEST);
    now.checked_add(wait).unwrap_or(now)
}

/// What may be logged: a mail server's own words name the address.
fn reason(unsent: &Unsent) -> String {
    match unsent {
        Unsent::Unwritable(_) => "it cannot be written".to_owned(),
        Unsent::Refused(error) => match error.status() {
            Some(code) => format!("the mail server answered {code}"),
            None => format!("the mail server cannot be talked to: {error}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_grow_apart_and_not_without_end() {
        let minutes = |attempts| {
            let wait = next_try(Timestamp::UNIX_EPOCH, attempts).duration_since(Timestamp::UNIX_EPOCH);
            wait.as_secs() / 60
        };
        assert_eq!([minutes(0), minutes(1), minutes(5), minutes(9), minutes(4_000_000)], [1, 2, 32, 240, 240]);
    }
}
