//! Kerberos credentials for one bind: of a keytab, or those that the account of this process has.
//!
//! On Linux MIT's library does it, and `keytab` calls its C; on Windows it is SSPI, behind the same crate. All of it blocks,
//! for as long as Kerberos servers (KDCs) do not answer: call it on a thread that may wait.

#[cfg(unix)]
mod keytab;

use std::path::Path;

use cross_krb5::{Cred, InitiateFlags, K5Cred as _};

/// Credentials to log on with.
#[derive(Debug)]
pub struct Credentials {
    /// What the LDAP library takes.
    pub cred: Cred,
    /// Keep it until the bind has ended.
    pub tickets: Tickets,
}

/// Tickets that were got with a keytab, and are forgotten with this: the next bind gets new ones, so none is ever too old,
/// nor left over from before a server changed its key.
#[derive(Debug, Default)]
pub struct Tickets {
    #[cfg(unix)]
    _cache: Option<keytab::Cache>,
}

impl Credentials {
    /// Gets them: of the keytab (Linux alone) or else of this process's account, for `principal` or else the first there
    /// is. No variable of the environment is changed for it: each directory may have a keytab of its own.
    ///
    /// # Errors
    /// What the library says, in its own words.
    pub fn acquire(keytab: Option<&Path>, principal: Option<&str>) -> Result<Self, String> {
        match keytab {
            Some(keytab) => of_keytab(keytab, principal),
            None => {
                let cred =
                    Cred::client_acquire(InitiateFlags::empty(), principal).map_err(|error| format!("{error:#}"))?;
                Ok(Self { cred, tickets: Tickets::default() })
            }
        }
    }
}

#[cfg(unix)]
fn of_keytab(keytab: &Path, principal: Option<&str>) -> Result<Credentials, String> {
    let (cred, cache) = keytab::acquire(keytab, principal)?;
    Ok(Credentials { cred: cred.into(), tickets: Tickets { _cache: Some(cache) } })
}

#[cfg(not(unix))]
fn of_keytab(_: &Path, _: Option<&str>) -> Result<Credentials, String> {
    Err("there are no keytabs on this system".to_owned())
}
