//! A message as an HTTP request, signed after the Standard Webhooks specification.

use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, StatusCode, Url};
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};

use super::{DeliveryError, Extent, TIMEOUT, Undelivered};
use crate::model::notice::Parcel;
use crate::model::settings::WebhookSettings;
use crate::model::webhook::signature;
use crate::{clock, tls, web};

pub struct Webhook {
    client: Client,
    url: SecretString,
    key: SecretSlice<u8>,
}

impl Webhook {
    pub fn new(settings: &WebhookSettings, agent: &str) -> Result<Self, DeliveryError> {
        let tls = tls::client(settings.ca_file.as_deref())?;
        let client = web::client(tls, agent, TIMEOUT).timeout(TIMEOUT).build().map_err(DeliveryError::Http)?;
        Ok(Self { client, url: settings.url.clone(), key: settings.key.clone() })
    }

    /// Asks for nothing in particular: any answer shows that the way is open.
    pub async fn probe(&self) -> Result<String, String> {
        let answer = self.client.head(self.url.expose_secret()).send().await.map_err(unanswered)?;
        let host = self.host();
        Ok(format!("{host} answers ({}); no message was sent, so whether it takes one is not known", answer.status()))
    }

    pub async fn send(&self, parcel: &Parcel) -> Result<(), Undelivered> {
        let (id, seconds) = (format!("msg_{}", parcel.message), clock::now().as_second());
        let body = parcel.notice.body.clone();
        let signature = signature(self.key.expose_secret(), &id, seconds, body.as_bytes());
        let request = self
            .client
            .post(self.url.expose_secret())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", seconds)
            .header("webhook-signature", signature)
            .body(body);
        let answer = request.send().await.map_err(|error| Undelivered {
            reason: unanswered(error),
            extent: Extent::Way,
            rest: None,
        })?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let (reason, rest) = (format!("the webhook answered {}", status.as_u16()), web::retry_after(&answer));
        Err(Undelivered { reason, extent: extent(status), rest })
    }

    /// What follows it in the URL may be secret.
    fn host(&self) -> String {
        let url = Url::parse(self.url.expose_secret()).ok();
        url.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
    }
}

/// Which answers are about the message alone: it is malformed, too long, or not understood.
fn extent(status: StatusCode) -> Extent {
    match status.as_u16() {
        400 | 411 | 413 | 415 | 422 => Extent::Message,
        _ => Extent::Way,
    }
}

/// Why there was no answer, without the URL.
fn unanswered(error: reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("the webhook did not answer within {} seconds", TIMEOUT.as_secs());
    }
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    format!("the webhook cannot be reached: {cause}")
}
