//! Serving HTTP: with TLS or, on loopback, without; and stopping so that nobody is cut off.

mod connections;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum_server::Handle;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use tokio::sync::watch;

use crate::model::settings::TlsFiles;

pub use connections::Connections;

/// After the signal to stop, requests in hand may go on for so long.
pub const GRACE: Duration = Duration::from_secs(10);
/// Look for a renewed certificate this often.
const LOOK: Duration = Duration::from_secs(2);

/// Reads certificate chain and key, in PEM.
///
/// # Errors
/// Where a file cannot be read, or is not what it must be.
pub async fn tls(files: &TlsFiles) -> io::Result<RustlsConfig> {
    RustlsConfig::from_pem_file(&files.cert, &files.key).await
}

/// Answers requests on a listener until `stopping` is set; then finishes what is in hand, and returns.
///
/// # Errors
/// Where the listener cannot be used.
pub async fn serve(
    listener: TcpListener,
    tls: Option<RustlsConfig>,
    app: Router,
    connections: &Connections,
    stopping: watch::Receiver<bool>,
) -> io::Result<()> {
    let (handle, door) = (Handle::new(), connections.door());
    let watching = tokio::spawn(stop_when(stopping, handle.clone()));
    let app = app.into_make_service();
    let mut server = axum_server::from_tcp(listener)?.handle(handle).first_request_timeout(connections.silence());
    limit(server.http_builder(), connections.rest());
    let served = match tls {
        Some(tls) => {
            let tls = RustlsAcceptor::new(tls).handshake_timeout(connections.silence());
            server.acceptor(tls.acceptor(door)).serve(app).await
        }
        None => server.acceptor(door).serve(app).await,
    };
    watching.abort();
    served
}

async fn stop_when(mut stopping: watch::Receiver<bool>, handle: Handle<SocketAddr>) {
    // Where nobody can say it any more, it is said.
    let _ = stopping.wait_for(|stop| *stop).await;
    handle.graceful_shutdown(Some(GRACE));
}

/// From the second request of a connection on. (Until the first, neither of these counts.)
fn limit(builder: &mut hyper_util::server::conn::auto::Builder<hyper_util::rt::TokioExecutor>, rest: Duration) {
    builder.http1().timer(hyper_util::rt::TokioTimer::new()).header_read_timeout(rest);
    builder.http2().timer(hyper_util::rt::TokioTimer::new()).keep_alive_interval(Some(rest));
}

/// Takes a renewed certificate without a restart, until `stopping` is set. One that cannot be used is told once, and tried
/// again when it or its key is another file: they are rarely written at one moment.
pub async fn renew(files: Option<TlsFiles>, config: Option<RustlsConfig>, mut stopping: watch::Receiver<bool>) {
    let (Some(TlsFiles { cert, key }), Some(config)) = (files, config) else { return };
    let mut last = [stamp(&cert), stamp(&key)];
    while !*stopping.borrow() {
        // Late or woken: look.
        let _ = tokio::time::timeout(LOOK, stopping.changed()).await;
        let now = [stamp(&cert), stamp(&key)];
        if now == last {
            continue;
        }
        last = now;
        match config.reload_from_pem_file(&cert, &key).await {
            Ok(()) => tracing::info!("The renewed certificate is used from now on."),
            Err(error) => {
                tracing::error!(%error, cert = %cert.display(), "The renewed certificate cannot be used; the old one stays.");
            }
        }
    }
}

/// The token that a request shows (RFC 6750, section 2.1).
#[must_use]
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Differs where a file was written anew.
fn stamp(file: &Path) -> Option<(SystemTime, u64)> {
    let metadata = std::fs::metadata(file).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}
