//! `[notify]`: who is told when something begins to be wrong, and by which way.

use config::ValueKind;
use jiff::civil::Time;
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};

use super::keys::{EMAIL, WEBHOOK};
use super::reader::{Reader, Split};
use super::{certificates, secret, smtp, url};
use crate::model::settings::{EmailSettings, NotifySettings, WebhookSettings};
use crate::model::webhook;

/// A failure is told once so many cycles in a row have seen it.
const CYCLES: u32 = 3;
/// When people begin to read.
const MORNING: Time = Time::constant(8, 0, 0, 0);
/// Standard Webhooks asks for 24 bytes to 64.
const SHORTEST_KEY: usize = 24;

pub fn compile(reader: &Reader) -> NotifySettings {
    let notify = NotifySettings {
        webhook: reader.has("webhook").then(|| reader.section("webhook", &WEBHOOK, hook)),
        email: reader.has("email").then(|| reader.section("email", &EMAIL, email)),
        after_failures: reader.number("after_failures").unwrap_or(CYCLES),
        digest: digest(reader),
    };
    if notify.webhook.is_none() && notify.email.is_none() {
        reader.context.problem(&reader.place, None, "names nobody: write [notify.email] or [notify.webhook]");
    }
    notify
}

/// A time of day, or none at all.
fn digest(reader: &Reader) -> Option<Time> {
    let Some(text) = reader.text("digest") else { return Some(MORNING) };
    if text == "off" {
        return None;
    }
    let is_form = text.len() == 5 && text.as_bytes()[2] == b':';
    let time = is_form.then(|| Time::strptime("%H:%M", &text).ok()).flatten();
    if time.is_none() {
        reader.problem("digest", "must be a time of day from \"00:00\" to \"23:59\", or \"off\"");
    }
    time
}

fn email(reader: &Reader) -> EmailSettings {
    let smtp = smtp::compile(reader, "smtp");
    reader.require("to", "who is told, such as [\"it@corp.example\"]");
    let mut to = reader.texts("to", Split::AtCommas).unwrap_or_default();
    if to.is_empty() && matches!(reader.raw("to").map(|to| &to.kind), Some(ValueKind::Array(items)) if items.is_empty())
    {
        reader.problem("to", "must name somebody");
    }
    for (index, address) in to.iter().enumerate() {
        if let Err(message) = smtp::address(address) {
            reader.item_problem("to", index, address, message);
        }
    }
    to.sort();
    to.dedup();
    EmailSettings { smtp, to }
}

fn hook(reader: &Reader) -> WebhookSettings {
    let (url, tls) = address(reader);
    WebhookSettings { url, key: key(reader), ca_file: certificates::file(reader, tls, "url is http://") }
}

/// Where messages are sent, and whether over TLS. Many such addresses are as good as a password: they are never shown.
fn address(reader: &Reader) -> (SecretString, bool) {
    reader.require("url", "where messages are sent, for instance \"https://alerts.corp.example/seatsync\"");
    let Some(text) = reader.text("url") else { return (SecretString::default(), true) };
    let refusal = match url::parse_webhook(&text) {
        Ok(url) if url.tls || url.loopback => return (SecretString::from(text), url.tls),
        Ok(_) => "would send messages in the clear; use https://".to_owned(),
        Err(refusal) => refusal.message,
    };
    reader.context.problem(&reader.place.key("url"), Some("\"[redacted]\"".to_owned()), refusal);
    (SecretString::default(), true)
}

fn key(reader: &Reader) -> SecretSlice<u8> {
    let secret = secret::required(reader, "secret");
    if secret.expose_secret().is_empty() {
        return SecretSlice::default();
    }
    let place = reader.place.key("secret");
    match webhook::key(secret.expose_secret()) {
        Some(key) if key.len() >= SHORTEST_KEY => return SecretSlice::from(key),
        Some(_) => {
            let message = format!(
                "holds a secret that can be guessed; make one of {SHORTEST_KEY} bytes or more: (umask 077; echo whsec_$(openssl rand -base64 32) >FILE)"
            );
            reader.context.problem(&place, None, message);
        }
        None => reader.context.problem(&place, None, "begins with whsec_, and what follows is no base64"),
    }
    SecretSlice::default()
}
