//! Logging on by Kerberos: SASL GSSAPI (RFC 4752) within TLS, where it says who we are and encrypts nothing itself.

#[cfg(feature = "kerberos")]
mod thread;
#[cfg(feature = "kerberos")]
mod words;

use std::path::Path;

use super::budget::Budget;
use super::connect::Connection;
#[cfg(not(feature = "kerberos"))]
use super::failure::fault;
#[cfg(not(feature = "kerberos"))]
use crate::ports::Persistence;
use crate::ports::ReadError;

/// Binds with a ticket for the server, got with a keytab or else by the account of this process.
#[cfg(feature = "kerberos")]
pub(super) async fn bind(
    connection: &Connection,
    keytab: Option<&Path>,
    principal: Option<&str>,
    budget: &Budget,
) -> Result<(), ReadError> {
    let doing = match (principal, keytab) {
        (Some(principal), _) => format!("Could not log on by Kerberos as {principal}"),
        (None, Some(keytab)) => format!("Could not log on by Kerberos with {}", keytab.display()),
        (None, None) => "Could not log on by Kerberos as the account this runs as".to_owned(),
    };
    match thread::log_on(connection, keytab, principal, budget).await {
        Ok(()) => Ok(()),
        Err(failure) => Err(words::error(connection, &doing, failure, keytab.is_some()).await),
    }
}

/// The config refuses it before.
#[cfg(not(feature = "kerberos"))]
#[expect(clippy::unused_async, reason = "as where there is Kerberos")]
pub(super) async fn bind(
    connection: &Connection,
    _keytab: Option<&Path>,
    _principal: Option<&str>,
    _budget: &Budget,
) -> Result<(), ReadError> {
    let said = "this program was built without Kerberos";
    let advice = "Install a package of Seatsync, or set another `bind`";
    Err(fault("Could not log on by Kerberos", &connection.url, said, advice, Persistence::Permanent))
}
