//! The binary: everything it does is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    // Fails only where a provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let arguments: Vec<_> = std::env::args_os().collect();
    seatsync::cli::main(&arguments)
}
