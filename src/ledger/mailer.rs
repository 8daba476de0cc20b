//! Confirmation mails: whoever got a seat is told so. They lie in the ledger until the mail server took them.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use lettre::Message;
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, MessageBuilder};

use super::records::{Listed, Mail, Records};
use super::service::{Failure, Service};
use crate::clock;
use crate::model::Assignment;
use crate::model::settings::SmtpSettings;
use crate::retry::next_try;
use crate::smtp::{MailError, Post, Unsent};

/// Mails sent before looking again.
const AT_ONCE: u32 = 20;
/// A mail that cannot be sent for so long is given up.
const GIVE_UP: SignedDuration = SignedDuration::from_hours(3 * 24);
/// A mail server must answer within this time.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Sends what is due.
pub struct Mailer {
    post: Post,
}

impl Mailer {
    /// Nothing is connected to yet.
    ///
    /// # Errors
    /// Where the settings cannot be used.
    pub fn new(settings: &SmtpSettings) -> Result<Self, MailError> {
        Ok(Self { post: Post::new(settings, TIMEOUT)? })
    }

    /// Talks to the mail server without sending anything.
    ///
    /// # Errors
    /// Why it cannot be talked to.
    pub async fn probe(&self) -> Result<(), String> {
        self.post.probe().await
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
        self.post.send(self.write(mail, listed)?).await
    }

    fn write(&self, mail: &Mail, listed: &Listed) -> Result<Message, Unsent> {
        let profile = &listed.account.profile;
        let name = profile.display_name.as_deref().unwrap_or(&profile.user_name);
        let address = profile.email.parse().map_err(Unsent::unwritable)?;
        let builder: MessageBuilder = Message::builder().from(self.post.from.clone()).to(Mailbox::new(None, address));
        let text = format!(
            "Hello {name},\n\nyou have a seat of {pool} now, given by {company}.\nYour user name is {user}.\n",
            pool = mail.pool,
            company = mail.company,
            user = profile.user_name,
        );
        builder
            .subject(format!("You have a seat of {}, given by {}", mail.pool, mail.company))
            .header(ContentType::TEXT_PLAIN)
            .body(text)
            .map_err(Unsent::unwritable)
    }
}

/// What became of a mail.
fn note(records: &dyn Records, mail: &Mail, sent: Result<bool, Unsent>, now: Timestamp) -> Result<(), Failure> {
    let (account, company) = (&mail.account, &mail.company);
    let too_old = mail.made.checked_add(GIVE_UP).is_ok_and(|end| end < now);
    match sent {
        Ok(sent) => records.mail_done(mail, sent)?,
        Err(error) if error.is_final() || too_old => {
            tracing::error!(%account, %company, reason = error.reason(), "A confirmation mail is given up.");
            records.mail_done(mail, false)?;
        }
        Err(error) => {
            tracing::warn!(%account, %company, reason = error.reason(), "A confirmation mail was not taken; it is tried again.");
            records.mail_failed(mail, next_try(now, mail.attempts))?;
        }
    }
    Ok(())
}
