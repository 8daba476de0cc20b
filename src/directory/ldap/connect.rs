//! Connections: several servers in order, encrypted where it matters, bound as the config says.

use std::io;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::FutureExt as _;
use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, LdapError, StdStream};
use rustls::ClientConfig;
use secrecy::ExposeSecret as _;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::bind::bind;
use super::budget::{Budget, Overrun};
use super::certificate;
use super::failure::{advised, failed, fault, is_hung_up, tls_cause, tls_error};
use super::page::Granted;
use super::tls;
use super::url::ServerUrl;
use crate::model::settings::{Bind, LdapSettings};
use crate::ports::{Persistence, ReadError};

/// One bound connection: one identity, as long as it lives. Dropping it closes the socket, whatever is still coming.
pub(super) struct Connection {
    pub(super) ldap: Ldap,
    pub(super) url: String,
    /// What this server and others grant, as far as the client that opened it knows.
    pub(super) granted: Granted,
    driver: JoinHandle<()>,
    ended: Arc<OnceLock<End>>,
}

/// Of a server that hangs up as TLS begins.
const NO_TLS: &str =
    "Does that port speak TLS? If not, write `ldap://` with `start_tls = true`, or the port that does (636)";

/// How a connection ended.
#[derive(Debug)]
enum End {
    Said(String),
    /// In TLS 1.3 a server refuses our certificate when we have long begun to talk.
    Tls(rustls::Error),
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// Connects to one server and binds.
pub(super) async fn open(settings: &LdapSettings, url: &str, budget: &Budget) -> Result<Connection, ReadError> {
    let connection = dial(settings, url, budget).await?;
    bind(&connection, &settings.bind, budget).await?;
    Ok(connection)
}

/// Connects to one server, without binding yet.
pub(super) async fn dial(settings: &LdapSettings, url: &str, budget: &Budget) -> Result<Connection, ReadError> {
    match dial_with(settings, url, budget, || tls::config(settings)).await {
        Err(error) => Err(distrusted(settings, url, budget, error).await),
        dialled => dialled,
    }
}

/// An error that `ca_file` is the cause of names it, and whom the server's certificate is from.
async fn distrusted(settings: &LdapSettings, url: &str, budget: &Budget, error: ReadError) -> ReadError {
    use rustls::CertificateError::{BadSignature, UnknownIssuer};
    let is_of_authority =
        matches!(tls_cause(&error), Some(rustls::Error::InvalidCertificate(UnknownIssuer | BadSignature)));
    let Some(file) = settings.ca_file.as_ref().filter(|_| is_of_authority) else { return error };
    let shown = certificate::shown(settings, url, budget).await.unwrap_or_default();
    let issuer = shown.into_iter().next().map(|own| own.issuer);
    let issuer = issuer.filter(|issuer| !issuer.is_empty());
    let by = issuer.map_or_else(|| "another authority".to_owned(), |issuer| format!("{issuer:?}"));
    let file = file.display();
    advised(
        error,
        format!(
            "The server's certificate was issued by {by}; {file} (`ca_file`) holds others: put that authority's certificate (PEM) there"
        ),
    )
}

/// The same, with TLS set up as `config` says where there is any.
pub(super) async fn dial_with(
    settings: &LdapSettings,
    url: &str,
    budget: &Budget,
    config: impl FnOnce() -> Result<Arc<ClientConfig>, ReadError>,
) -> Result<Connection, ReadError> {
    const DOING: &str = "Could not connect to the directory";
    let server = allowed(settings, url)?;
    let stream = match budget.watch(reach(&server, settings.timeout)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return Err(failed(DOING, url, error.into())),
        Err(overrun) => return Err(overran(DOING, url, overrun)),
    };
    let mut options = LdapConnSettings::new()
        .set_conn_timeout(budget.silence())
        .set_starttls(settings.start_tls)
        .set_std_stream(StdStream::Tcp(stream));
    if server.tls || settings.start_tls {
        options = options.set_config(config()?);
    }
    // ldap3 panics on an odd answer to StartTLS.
    let dialled = AssertUnwindSafe(LdapConnAsync::with_settings(options, &server.text)).catch_unwind();
    let (driver, ldap) = match budget.watch(dialled).await {
        Ok(Ok(Ok(pair))) => pair,
        Ok(Ok(Err(LdapError::LdapResult { result }))) => {
            let said = format!("it refuses StartTLS (result code {}, {:?})", result.rc, result.text);
            let advice = "Use an ldaps:// URL, or set up TLS on the server";
            return Err(fault(DOING, url, &said, advice, Persistence::Permanent));
        }
        Ok(Ok(Err(error))) if server.tls && is_hung_up(&error) => {
            return Err(advised(failed(DOING, url, error), NO_TLS.to_owned()));
        }
        Ok(Ok(Err(error))) => return Err(failed(DOING, url, error)),
        Ok(Err(_)) => return Err(nonsense(DOING, url)),
        Err(overrun) => return Err(overran(DOING, url, overrun)),
    };
    let ended = Arc::new(OnceLock::new());
    let driver = tokio::spawn(drive(driver, Arc::clone(&ended)));
    Ok(Connection { ldap, url: server.text, granted: Granted::default(), driver, ended })
}

/// Tries each address of a host in turn, all of them within the timeout: a dead one must not hide the next.
async fn reach(server: &ServerUrl, timeout: Duration) -> io::Result<std::net::TcpStream> {
    let addresses: Vec<SocketAddr> = tokio::net::lookup_host((server.host.as_str(), server.port)).await?.collect();
    let share = timeout / u32::try_from(addresses.len().max(1)).unwrap_or(u32::MAX);
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the host name has no address");
    for address in addresses {
        match tokio::time::timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return stream.into_std(),
            Ok(Err(error)) => last = error,
            Err(_) => last = io::Error::new(io::ErrorKind::TimedOut, "no answer within the timeout"),
        }
    }
    Err(last)
}

/// Refuses, before a byte is sent, what would show a password to the network.
fn allowed(settings: &LdapSettings, url: &str) -> Result<ServerUrl, ReadError> {
    const DOING: &str = "Will not connect to the directory";
    let refuse = |said: &str, advice: &str| fault(DOING, url, said, advice, Persistence::Permanent);
    let server =
        ServerUrl::parse(url).ok_or_else(|| refuse("the URL is none", "Use ldap://HOST:PORT or ldaps://HOST:PORT"))?;
    let encrypted = server.tls || settings.start_tls;
    if encrypted && server.is_ipv6_literal() {
        return Err(refuse("TLS to an IPv6 address cannot be verified", "Use a host name from the certificate"));
    }
    if let Bind::Simple { password, .. } = &settings.bind {
        if password.expose_secret().is_empty() {
            return Err(refuse(
                "the password is empty, which many servers take for an anonymous bind",
                "Set `bind_password`, or `bind = \"anonymous\"`",
            ));
        }
        if !encrypted && !settings.allow_plaintext && !server.is_loopback() {
            return Err(refuse(
                "the password would cross the network in the clear",
                "Use ldaps:// or `start_tls = true`; or, on a network you trust, `allow_plaintext = true`",
            ));
        }
    }
    if matches!(settings.bind, Bind::External(_)) && !encrypted {
        return Err(refuse("without TLS no certificate can be shown", "Use ldaps:// or `start_tls = true`"));
    }
    if matches!(settings.bind, Bind::Kerberos { .. }) && !encrypted {
        return Err(refuse("Kerberos is used within TLS alone", "Use ldaps:// or `start_tls = true`"));
    }
    Ok(server)
}

/// Runs the connection to its end and remembers how it ended.
async fn drive(connection: LdapConnAsync, ended: Arc<OnceLock<End>>) {
    let end = match AssertUnwindSafe(connection.drive()).catch_unwind().await {
        Ok(Ok(())) => End::Said("the server closed the connection".to_owned()),
        Ok(Err(error)) => match &error {
            LdapError::Io { source } if let Some(tls) = tls_error(source) => End::Tls(tls.clone()),
            _ => End::Said(format!("the connection was lost ({error})")),
        },
        Err(_) => End::Said("the server sent what no LDAP server may send".to_owned()),
    };
    let _ = ended.set(end);
}

impl Connection {
    /// Words for an error on this connection, with the reason why it ended where it did.
    pub(super) async fn error(&self, doing: &str, error: LdapError) -> ReadError {
        let lost = matches!(
            error,
            LdapError::EndOfStream
                | LdapError::ResultRecv { .. }
                | LdapError::OpSend { .. }
                | LdapError::IdScrubSend { .. }
        );
        if !lost {
            return failed(doing, &self.url, error);
        }
        // The driver hangs up on us a moment before it ends itself.
        for _ in 0..20 {
            match self.ended.get() {
                Some(End::Said(end)) => return fault(doing, &self.url, end, "", Persistence::Transient),
                Some(End::Tls(error)) => return failed(doing, &self.url, io::Error::other(error.clone()).into()),
                None => {}
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        failed(doing, &self.url, error)
    }

    /// Words for a wait that ended before the answer did.
    pub(super) fn overran(&self, doing: &str, overrun: Overrun) -> ReadError {
        overran(doing, &self.url, overrun)
    }

    /// Says goodbye, if the server listens at all.
    pub(super) async fn close(&self) {
        let mut ldap = self.ldap.clone();
        let _ = tokio::time::timeout(Duration::from_millis(500), ldap.unbind()).await;
    }
}

pub(super) fn overran(doing: &str, url: &str, overrun: Overrun) -> ReadError {
    match overrun {
        Overrun::Silent(waited) => {
            let said = format!("no answer within {}", humantime::format_duration(waited));
            let advice = "Check that the server is well, or raise `timeout`";
            fault(doing, url, &said, advice, Persistence::Transient)
        }
        // Not again: a second read would be as slow.
        Overrun::Slow(took) => {
            let took = humantime::format_duration(Duration::from_secs(took.as_secs()));
            let said = format!("it answers too slowly (gave up after {took})");
            fault(doing, url, &said, "Raise `timeout`, or read from a server nearby", Persistence::Permanent)
        }
    }
}

pub(super) fn nonsense(doing: &str, url: &str) -> ReadError {
    let advice = "Check that the port is that of an LDAP server";
    fault(doing, url, "the server sent what no LDAP server may send", advice, Persistence::Transient)
}

#[cfg(test)]
mod tests;
