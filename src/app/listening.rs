//! Where something is to be served: the address is taken, and the certificate read, or it is said what to do.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};

use axum_server::tls_rustls::RustlsConfig;

use super::{AppError, Code};
use crate::listen;
use crate::model::settings::TlsFiles;

/// Takes an address. `instead`: what else could be named in the config; `unit`: what serves it.
///
/// # Errors
/// Where somebody has it, it is none of this machine's, or its port is for those alone who have a right to it.
pub fn bind(address: SocketAddr, instead: &str, unit: &str) -> Result<TcpListener, AppError> {
    TcpListener::bind(address).map_err(|error| {
        AppError::new(Code::Failed, format!("could not listen on {address}")).caused_by(&error).with_next(advice(
            error.kind(),
            instead,
            unit,
        ))
    })
}

/// That the service may not, though whoever runs this may.
pub fn forbidden(address: SocketAddr, instead: &str, unit: &str) -> AppError {
    AppError::new(Code::Failed, format!("the service may not listen on {address}")).with_next(advice(
        ErrorKind::PermissionDenied,
        instead,
        unit,
    ))
}

fn advice(error: ErrorKind, instead: &str, unit: &str) -> String {
    match error {
        // The packaged unit takes all capabilities away, and a user namespace has none over the machine's ports.
        ErrorKind::PermissionDenied if cfg!(target_os = "linux") => format!(
            "a port below 1024 takes a right that the service has not: name {instead}, with a port above 1023, and let a proxy pass on to \
             it what comes to the other; or give it the right: `systemctl edit {unit}`, and under [Service] the three lines \
             AmbientCapabilities=CAP_NET_BIND_SERVICE, CapabilityBoundingSet=CAP_NET_BIND_SERVICE and PrivateUsers=no"
        ),
        ErrorKind::AddrNotAvailable => format!("it is no address of this machine: name {instead}"),
        _ => format!("end what listens there, or name {instead}"),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn what_helps_with_a_port_that_takes_a_right_fits_the_packaged_unit() {
        let told = advice(ErrorKind::PermissionDenied, "another status.listen", "seatsync");
        let unit = include_str!("../../systemd/seatsync.service");
        for (given, taken) in [
            ("AmbientCapabilities=CAP_NET_BIND_SERVICE", "AmbientCapabilities=\n"),
            ("CapabilityBoundingSet=CAP_NET_BIND_SERVICE", "CapabilityBoundingSet=\n"),
            ("PrivateUsers=no", "PrivateUsers=yes\n"),
        ] {
            assert!(told.contains(given) && unit.contains(taken), "{given}: {told}");
        }
        assert!(told.contains("a port above 1023") && !told.contains("end what listens"), "{told}");
        assert!(advice(ErrorKind::AddrInUse, "another", "seatsync").starts_with("end what listens there"));
    }
}
