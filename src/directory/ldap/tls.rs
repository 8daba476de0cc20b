//! TLS to a directory server.

use std::sync::Arc;

use rustls::ClientConfig;

use crate::clock;
use crate::model::settings::{Bind, LdapSettings};
use crate::ports::{Persistence, ReadError};
use crate::tls::{self, Identity};

/// A client's TLS settings. With `ca_file` that authority alone is trusted, else those of the operating system.
pub(super) fn config(settings: &LdapSettings) -> Result<Arc<ClientConfig>, ReadError> {
    let ca_file = settings.ca_file.as_deref();
    let config = match &settings.bind {
        Bind::External(files) => {
            let identity = Identity { cert: &files.cert, key: &files.key };
            tls::client_as(ca_file, identity, clock::now())
        }
        Bind::Anonymous | Bind::Simple { .. } | Bind::Kerberos { .. } => tls::client(ca_file),
    };
    config.map(Arc::new).map_err(|error| ReadError {
        doing: error.to_string(),
        advice: None,
        persistence: Persistence::Permanent,
        source: Some(Box::new(error)),
    })
}
