//! Where something is to be served: the address is taken, and the certificate read, or it is said what to do.

use std::net::{SocketAddr, TcpListener};

use axum_server::tls_rustls::RustlsConfig;

use super::{AppError, Code};
use crate::listen;
use crate::model::settings::TlsFiles;

/// Takes an address. `instead`: what else could be named in the config.
///
/// # Errors
/// Where somebody has it, or it is none of this machine's.
pub fn bind(address: SocketAddr, instead: &str) -> Result<TcpListener, AppError> {
    TcpListener::bind(address).map_err(|error| {
        AppError::new(Code::Failed, format!("could not listen on {address}"))
            .caused_by(&error)
            .with_next(format!("end what listens there, or name {instead}"))
    })
}

/// Certificate and key, where there are some.
///
/// # Errors
/// Where they cannot be used.
pub async fn certificate(files: Option<&TlsFiles>) -> Result<Option<RustlsConfig>, AppError> {
    let Some(files) = files else { return Ok(None) };
    let used = listen::tls(files).await.map_err(|error| {
        AppError::new(Code::Config, format!("could not use the certificate {} and its key", files.cert.display()))
            .caused_by(&error)
    })?;
    Ok(Some(used))
}
