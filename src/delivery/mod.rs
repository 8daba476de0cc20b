//! The way of messages to those who look after the agent: by mail, and to a webhook.

mod mail;
mod round;
#[cfg(test)]
mod tests;
mod webhook;

use std::time::Duration;

use thiserror::Error;

use self::mail::Mail;
use self::webhook::Webhook;
use crate::model::notice::{Channel, Parcel};
use crate::model::report::Probe;
use crate::model::settings::NotifySettings;
use crate::smtp::MailError;
use crate::tls::TlsError;

pub use round::{Round, Sent};

/// A receiver must answer within this time.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Why nothing can be sent one way.
#[derive(Debug, Error)]
pub enum DeliveryError {
    #[error(transparent)]
    Mail(#[from] MailError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("HTTP cannot be set up")]
    Http(#[source] reqwest::Error),
}

/// Why one message did not arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undelivered {
    /// For a log: names nobody.
    pub reason: String,
    pub extent: Extent,
    /// Asked for by the receiver.
    pub rest: Option<Duration>,
}

/// What does not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// This message is not taken.
    Message,
    /// This receiver takes none now.
    Receiver,
    /// Nothing gets through this way.
    Way,
}

/// Both ways, as far as the config has them.
pub struct Courier {
    webhook: Option<Webhook>,
    mail: Option<Mail>,
}

impl Courier {
    /// Nothing is connected to yet. `agent`: how this agent names itself.
    ///
    /// # Errors
    /// Where a way cannot be set up as the config says.
    pub fn new(settings: &NotifySettings, agent: &str) -> Result<Self, DeliveryError> {
        Ok(Self {
            webhook: settings.webhook.as_ref().map(|settings| Webhook::new(settings, agent)).transpose()?,
            mail: settings.email.as_ref().map(Mail::new).transpose()?,
        })
    }

    /// Sends one message to one receiver; None: the config has no such way any more.
    async fn deliver(&self, parcel: &Parcel) -> Option<Result<(), Undelivered>> {
        match &parcel.channel {
            Channel::Webhook => Some(self.webhook.as_ref()?.send(parcel).await),
            Channel::Mail(to) => Some(self.mail.as_ref()?.send(parcel, to).await),
        }
    }

    /// What `check --connect` asks. Nobody is sent anything.
    pub async fn probe(&self) -> Vec<Probe> {
        let mut probes = Vec::new();
        if let Some(mail) = &self.mail {
            probes.push(probe("notify: log in to the mail server", mail.probe().await));
        }
        if let Some(webhook) = &self.webhook {
            probes.push(probe("notify: reach the webhook", webhook.probe().await));
        }
        probes
    }
}

fn probe(what: &str, answered: Result<String, String>) -> Probe {
    let ok = answered.is_ok();
    Probe {
        what: what.to_owned(),
        ok,
        message: answered.unwrap_or_else(|reason| reason),
        lost: (!ok).then(|| "nobody is told when something is wrong".to_owned()),
        remedy: (!ok).then(|| "correct [notify], or see whether a firewall lets this machine there".to_owned()),
    }
}

/// As people are told which way.
#[must_use]
pub const fn way(channel: &Channel) -> &'static str {
    match channel {
        Channel::Webhook => "webhook",
        Channel::Mail(_) => "mail",
    }
}
