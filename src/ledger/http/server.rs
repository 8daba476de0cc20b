//! The ledger, listening.

use std::io;
use std::net::TcpListener;

use axum_server::tls_rustls::RustlsConfig;
use tokio::sync::watch;

use super::{Hub, Limits, router};
use crate::ledger::service::Service;
use crate::listen;

/// Answers requests on a listener until `stopping` is set; then finishes what is in hand, writes all that was asked, and
/// returns.
///
/// # Errors
/// Where the listener cannot be used.
pub async fn serve(
    listener: TcpListener,
    tls: Option<RustlsConfig>,
    service: Service,
    limits: Limits,
    stopping: watch::Receiver<bool>,
) -> io::Result<()> {
    let connections = limits.connections.clone();
    let app = router(Hub::new(service.clone(), limits, stopping.clone()));
    let served = listen::serve(listener, tls, app, &connections, stopping).await;
    service.stop().await;
    served
}
