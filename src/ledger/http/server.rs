//! Listening: with TLS or, on loopback, without; and stopping so that nobody is cut off.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use tokio::sync::watch;

use super::{Hub, Limits, router};
use crate::ledger::service::Service;

/// After the signal to stop, requests in hand may go on for so long.
pub const GRACE: Duration = Duration::from_secs(10);
/// A client must have sent the head of a request within this time.
const HEAD: Duration = Duration::from_secs(30);

/// Reads certificate chain and key, in PEM.
///
/// # Errors
/// Where a file cannot be read, or is not what it must be.
pub async fn tls(cert: &Path, key: &Path) -> io::Result<RustlsConfig> {
    RustlsConfig::from_pem_file(cert, key).await
}

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
    listener.set_nonblocking(true)?;
    let handle = Handle::new();
    let watching = tokio::spawn(stop_when(stopping.clone(), handle.clone()));
    let app = router(Hub::new(service.clone(), limits, stopping)).into_make_service();
    let served = match tls {
        Some(tls) => {
            let mut server = axum_server::from_tcp_rustls(listener, tls)?.handle(handle);
            limit(server.http_builder());
            server.serve(app).await
        }
        None => {
            let mut server = axum_server::from_tcp(listener)?.handle(handle);
            limit(server.http_builder());
            server.serve(app).await
        }
    };
    watching.abort();
    service.stop().await;
    served
}

async fn stop_when(mut stopping: watch::Receiver<bool>, handle: Handle<SocketAddr>) {
    // Where nobody can say it any more, it is said.
    let _ = stopping.wait_for(|stop| *stop).await;
    handle.graceful_shutdown(Some(GRACE));
}

fn limit(builder: &mut hyper_util::server::conn::auto::Builder<hyper_util::rt::TokioExecutor>) {
    builder.http1().timer(hyper_util::rt::TokioTimer::new()).header_read_timeout(HEAD);
    builder.http2().timer(hyper_util::rt::TokioTimer::new()).keep_alive_interval(Some(HEAD));
}
