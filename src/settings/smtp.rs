//! A mail server, and who sends: `[ledger.smtp]` and `[notify.email]`.

use super::reader::{Reader, show};
use super::{certificates, secret, url};
use crate::model::settings::{SmtpSettings, SmtpTls};

const FORM: &str = "must be smtps://HOST or smtp://HOST, with :PORT where it is not 465 or 587";

/// The keys of a table that names a mail server; `server` is the one that has its URL.
pub fn compile(reader: &Reader, server: &'static str) -> SmtpSettings {
    reader.require(server, "the mail server, such as \"smtps://mail.corp.example\"");
    let url = reader.text(server).and_then(|text| parse(reader, server, &text));
    let user = user(reader, server, url.as_ref().and_then(|url| url.user.clone()));
    let credentials = match user {
        Some(user) => Some((user, secret::required(reader, "password"))),
        None => {
            reader.refuse(&["password"], "has no meaning without user");
            None
        }
    };
    let from = reader.required("from", "the sender of the mails", address);
    let Some(Server { implicit, host, port, loopback, user: _ }) = url else {
        let (host, ca_file) = (String::new(), reader.path("ca_file"));
        return SmtpSettings { host, port: 0, tls: SmtpTls::Implicit, from, ca_file, credentials };
    };
    let tls = match (implicit, loopback) {
        (true, _) => SmtpTls::Implicit,
        (false, true) if credentials.is_none() => SmtpTls::None,
        (false, _) => SmtpTls::StartTls,
    };
    let usual = if implicit { 465 } else { 587 };
    let ca_file =
        certificates::file(reader, tls != SmtpTls::None, "there is no TLS to this machine without a password");
    SmtpSettings { host, port: port.unwrap_or(usual), tls, from, ca_file, credentials }
}

/// A mail address, with a name before it or without.
pub fn address(text: &str) -> Result<(), String> {
    text.parse::<lettre::message::Mailbox>()
        .map(|_| ())
        .map_err(|_| "must be a mail address, such as \"Seats <seats@corp.example>\"".to_owned())
}

/// What a URL says.
struct Server {
    /// TLS from the first byte.
    implicit: bool,
    host: String,
    port: Option<u16>,
    loopback: bool,
    user: Option<String>,
}

/// `smtps://[USER@]HOST[:PORT]`, or `smtp://`, which begins TLS before anything is said, unless it is this machine.
fn parse(reader: &Reader, key: &'static str, text: &str) -> Option<Server> {
    let refuse = |message: &str, hidden: bool| {
        let value = if hidden { "\"[redacted]\"".to_owned() } else { show(&text.into()) };
        reader.context.problem(&reader.place.key(key), Some(value), message);
        None
    };
    // What stands before the last @ is a user, and may be a mail address itself.
    let (scheme, rest) = text.split_once("://").unwrap_or_default();
    let (user, rest) = rest.rsplit_once('@').map_or((None, rest), |(user, rest)| (Some(user), rest));
    if user.is_some_and(|user| user.contains(':')) {
        return refuse("must not carry a user or password; use user and password", true);
    }
    if user.is_some_and(|user| user.is_empty() || user.contains('%')) {
        return refuse("has a user that cannot stand in a URL as it is; use user and password", true);
    }
    let implicit = match scheme {
        "smtps" => true,
        "smtp" => false,
        _ => return refuse(FORM, text.contains('@')),
    };
    match url::host_and_port(rest) {
        Some((host, port, loopback)) => Some(Server { implicit, host, port, loopback, user: user.map(str::to_owned) }),
        None => refuse(FORM, text.contains('@')),
    }
}

fn user(reader: &Reader, server: &str, of_url: Option<String>) -> Option<String> {
    let user = reader.text("user");
    if user.is_some() && of_url.is_some() {
        reader.problem("user", format!("{server} names a user, too; leave one of them out"));
    }
    user.or(of_url)
}
