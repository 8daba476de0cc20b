//! `listen`, `tls_cert` and `tls_key`: where something is served over HTTP, and how it is kept from others' eyes.

use std::net::SocketAddr;

use super::pair;
use super::reader::Reader;
use crate::model::settings::TlsFiles;

/// Where to listen, and whether others than this machine can come there. Loopback may go without TLS; on a wire tokens do
/// not travel in the clear.
pub fn address(reader: &Reader, default: &str, tls: bool) -> (SocketAddr, bool) {
    let text = reader.text("listen").unwrap_or_else(|| default.to_owned());
    let Ok(address) = text.parse::<SocketAddr>() else {
        reader.problem("listen", format!("must be an address and a port, such as \"{default}\" or \"[::]:8443\""));
        return (SocketAddr::from(([127, 0, 0, 1], 0)), false);
    };
    let open = !address.ip().is_loopback();
    if open && !tls {
        let message = "would take tokens in the clear; give tls_cert and tls_key, or listen on 127.0.0.1";
        reader.problem("listen", message);
    }
    (address, open)
}

/// The certificate we show, and its key.
pub fn tls(reader: &Reader) -> Option<TlsFiles> {
    pair::read(reader, &pair::Keys { cert: "tls_cert", key: "tls_key", whose: "server" })
}
