//! Faults on demand, from `tests/lab/fault.py`; its head lists the rules and modes.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use super::process::{Server, lab};

/// Something that stands where the directory server should, on a port of its own; it ends on drop.
#[derive(Debug)]
pub struct FaultProxy {
    pub url: String,
    _server: Server,
}

impl FaultProxy {
    /// A real server at `to` (`HOST:PORT`, plain LDAP), with faults before it: `cut=250`, `rc=4@2,once`...
    pub fn start(to: &str, rules: &str) -> Self {
        Self::listen(&["proxy", "0", to, rules])
    }

    /// The same, with rules that can be changed: those in `file` count for each connection from its beginning.
    pub fn with_rules_in(file: &Path, to: &str) -> Self {
        Self::start(to, &format!("@{}", file.display()))
    }

    /// No server, only broken answers: `deep`, `garbage`, `loopcookie`...
    pub fn serve(mode: &str) -> Self {
        Self::listen(&["serve", "0", mode])
    }

    fn listen(arguments: &[&str]) -> Self {
        let mut python = Command::new("/usr/bin/python3");
        let mut server = Server::start(python.arg(lab("fault.py")).args(arguments).stdout(Stdio::piped()));
        let mut line = String::new();
        BufReader::new(server.stdout()).read_line(&mut line).expect("reading what fault.py says");
        let port = line.trim_end().strip_prefix("listening on ");
        let port = port.unwrap_or_else(|| panic!("fault.py {arguments:?} did not start: {line:?}"));
        Self { url: format!("ldap://127.0.0.1:{port}"), _server: server }
    }
}
