//! Which program this is, and on which system.

use jiff::Timestamp;
use serde_json::{Value, json};

pub fn versions(now: Timestamp) -> Value {
    json!({
        "seatsync": env!("CARGO_PKG_VERSION"),
        "made": now.to_string(),
        "system": system(),
        "machine": std::env::consts::ARCH,
        "variables": variables(),
    })
}

/// "Debian GNU/Linux 13 (trixie)", as os-release(5) has it; elsewhere the kind of system.
fn system() -> String {
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let pretty = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    pretty.map_or_else(|| std::env::consts::OS.to_owned(), |name| name.trim_matches('"').to_owned())
}

/// Which variables stand over the config; not what they say.
fn variables() -> Vec<String> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let mut ours: Vec<String> =
        names.filter(|name| name.starts_with("SEATSYNC__") || name.ends_with("_PROXY")).collect();
    ours.sort_unstable();
    ours
}
