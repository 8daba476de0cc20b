//! TLS to a directory server.

use std::path::Path;
use std::sync::Arc;

use rustls::ClientConfig;

use crate::ports::{Persistence, ReadError};
use crate::tls;

/// A client's TLS settings. With `ca_file` that authority alone is trusted, else those of the operating system.
pub(super) fn config(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, ReadError> {
    tls::client(ca_file).map(Arc::new).map_err(|error| ReadError {
        doing: error.to_string(),
        persistence: Persistence::Permanent,
        source: Some(Box::new(error)),
    })
}
