//! Kerberos on a thread of its own: its library blocks while a Kerberos server (KDC) is silent, for longer than our timeout.

use std::path::{Path, PathBuf};

use ldap3::{Ldap, LdapError};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, oneshot};

use super::super::budget::{Budget, Overrun};
use super::super::connect::Connection;
use super::super::url::ServerUrl;
use crate::kerberos::Credentials;

/// Threads that may wait for Kerberos servers at once, those included that nobody waits for any more. The library gives
/// each up in the end, some minutes later at most.
static AT_ONCE: Semaphore = Semaphore::const_new(8);

/// Why it came to nothing.
#[derive(Debug)]
pub(super) enum Failure {
    /// No credentials, in the words of the library.
    Credentials(String),
    Ldap(LdapError),
    /// Neither the server nor a KDC answered.
    Overrun(Overrun),
    /// So many threads wait already.
    Crowded,
    /// The thread came to no end of its own.
    Broken,
}

/// Gets credentials and binds with them. Where our patience ends first, the thread is left to itself: the connection ends, and
/// with it whatever the thread still waits for there.
pub(super) async fn log_on(
    connection: &Connection,
    keytab: Option<&Path>,
    principal: Option<&str>,
    budget: &Budget,
) -> Result<(), Failure> {
    let permit = AT_ONCE.try_acquire().map_err(|_| Failure::Crowded)?;
    let attempt = Attempt {
        ldap: connection.ldap.clone(),
        host: ServerUrl::parse(&connection.url).map(|server| server.host).unwrap_or_default(),
        keytab: keytab.map(Path::to_owned),
        principal: principal.map(str::to_owned),
    };
    let (runtime, (done, outcome)) = (Handle::current(), oneshot::channel());
    std::thread::Builder::new()
        .name("kerberos".to_owned())
        .spawn(move || {
            let _permit = permit;
            // Nobody may wait for it any more.
            let _ = done.send(attempt.run(&runtime));
        })
        .map_err(|_| Failure::Broken)?;
    match budget.watch(outcome).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => Err(Failure::Broken),
        Err(overrun) => Err(Failure::Overrun(overrun)),
    }
}

struct Attempt {
    ldap: Ldap,
    host: String,
    keytab: Option<PathBuf>,
    principal: Option<String>,
}

impl Attempt {
    fn run(mut self, runtime: &Handle) -> Result<(), Failure> {
        let Credentials { cred, tickets } =
            Credentials::acquire(self.keytab.as_deref(), self.principal.as_deref()).map_err(Failure::Credentials)?;
        let bound = runtime.block_on(self.ldap.sasl_gssapi_cred_bind(cred, &self.host));
        drop(tickets);
        bound.and_then(ldap3::LdapResult::success).map(drop).map_err(Failure::Ldap)
    }
}
