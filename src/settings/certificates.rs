//! `ca_file`: whom to trust instead of the authorities of the system.

use std::fs::File;
use std::path::PathBuf;

use super::reader::Reader;

/// A certificate file that can be read. Without TLS nothing would read it; `plain` says why there is none.
pub fn file(reader: &Reader, tls: bool, plain: &str) -> Option<PathBuf> {
    let file = reader.path("ca_file")?;
    reader.context.uses(&reader.place.key("ca_file"), &file);
    if let Err(error) = File::open(&file) {
        reader.problem("ca_file", format!("cannot be read ({error}); name a PEM file with the CA's certificate"));
    } else if file.is_dir() {
        reader.problem("ca_file", "is a folder; name a PEM file with the CA's certificate");
    } else if !tls {
        reader.warn("ca_file", format!("has no effect: {plain}"));
    }
    Some(file)
}
