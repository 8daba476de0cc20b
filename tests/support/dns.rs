//! A name server of a test's own, from `tests/lab/dns.sh`.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use super::process::{Server, lab};

/// A name server on port 53 of a loopback address (root only); `Agent::asks` lets an agent ask it.
#[derive(Debug)]
pub struct Dns {
    pub ip: String,
    server: Option<Server>,
}

impl Dns {
    /// Starts one that knows this and nothing else: options of dnsmasq, without the dashes.
    pub fn start(records: &[String]) -> Self {
        static STARTED: AtomicU32 = AtomicU32::new(1);
        let (process, number) = (std::process::id(), STARTED.fetch_add(1, Ordering::Relaxed));
        // No two tests of this machine choose the same.
        let ip = format!("127.{}.{}.{number}", 64 + process / 256 % 64, process % 256);
        let mut dns = Self { ip, server: None };
        dns.know(records);
        dns
    }

    /// Lets it know this instead.
    pub fn know(&mut self, records: &[String]) {
        self.stop();
        let mut script = Command::new(lab("dns.sh"));
        script.arg(&self.ip).args(records.iter().map(|record| format!("--{record}"))).stdout(Stdio::piped());
        let mut server = Server::start(&mut script);
        let mut line = String::new();
        BufReader::new(server.stdout()).read_line(&mut line).expect("reading what dns.sh says");
        assert_eq!(line, "answering\n", "dnsmasq did not start at {}; tests/run installs it", self.ip);
        self.server = Some(server);
    }

    /// Nobody answers any more.
    pub fn stop(&mut self) {
        self.server = None;
    }
}
