//! A private OpenLDAP server per test, from `tests/lab/slapd.sh`.

use std::fs::File;
use std::io::{self, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::ldap_client::LdapClient;
use super::ldif;
use super::process::{Server, free_port, lab, tool, wait_until};

/// A running slapd with base `dc=lab,dc=test`, `ou=people` and `ou=groups`; it ends, and is forgotten, on drop.
#[derive(Debug)]
pub struct Slapd {
    client: LdapClient,
    /// May read everything, without limits.
    pub sync_dn: String,
    pub ldaps_url: String,
    /// The certificate authority that signed the server's certificate.
    pub ca: PathBuf,
    ports: (u16, u16),
    server: Option<Server>,
    folder: TempDir,
}

impl Slapd {
    /// Starts an empty one.
    pub fn start() -> Self {
        Self::start_with("")
    }

    /// Starts one that already has these entries under `ou=people` and `ou=groups`: much quicker than `add`.
    pub fn start_with(ldif: &str) -> Self {
        Self::start_filled(|file| file.write_all(ldif.as_bytes()))
    }

    /// Starts one that does not say where it stands: without the overlay syncprov. Its entries were last changed long ago.
    pub fn start_without_syncprov(ldif: &str) -> Self {
        Self::start_in(|file| file.write_all(ldif.as_bytes()), &["no-syncprov", "long-ago"])
    }

    /// Starts one that remembers nothing of what was deleted: its overlay syncprov has no session log.
    pub fn start_without_session_log(ldif: &str) -> Self {
        Self::start_in(|file| file.write_all(ldif.as_bytes()), &["no-sessionlog"])
    }

    /// Starts one whose configuration is a database, as packages set it up: see `administer`.
    pub fn start_configurable(ldif: &str, marks: &[&str]) -> Self {
        let marks: Vec<&str> = marks.iter().copied().chain(["config-database"]).collect();
        Self::start_in(|file| file.write_all(ldif.as_bytes()), &marks)
    }

    /// Runs a command of its administrator, written for a server at the usual socket, in a shell.
    pub fn administer(&self, command: &str) {
        let socket = self.folder.path().join("ldapi").to_string_lossy().replace('/', "%2F");
        let here = command.replace("ldapi:///", &format!("ldapi://{socket}"));
        assert_ne!(here, command, "a command that asks no server: {command}");
        tool(Command::new("sh").arg("-c").arg(format!("set -e\n{here}")), "");
    }

    /// The same, with entries too many to be held in one text.
    pub fn start_filled(write: impl FnOnce(&mut File) -> io::Result<()>) -> Self {
        Self::start_in(write, &[])
    }

    fn start_in(write: impl FnOnce(&mut File) -> io::Result<()>, marks: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder for slapd");
        for mark in marks {
            File::create(folder.path().join(mark)).expect("marking the folder");
        }
        File::create(folder.path().join("seed.ldif")).and_then(|mut file| write(&mut file)).expect("writing seed.ldif");
        let ports = (free_port(), free_port());
        let base = "dc=lab,dc=test".to_owned();
        let sync_dn = format!("cn=sync,{base}");
        let client = LdapClient {
            url: format!("ldap://127.0.0.1:{}", ports.0),
            admin_dn: format!("cn=admin,{base}"),
            password: "secret".to_owned(),
            ca: None,
            base,
        };
        let mut slapd = Self {
            client,
            sync_dn,
            ldaps_url: format!("ldaps://127.0.0.1:{}", ports.1),
            ca: folder.path().join("tls/ca.crt"),
            ports,
            server: None,
            folder,
        };
        slapd.up();
        slapd
    }

    /// Starts it again after `down`, with what it had, on the same ports.
    pub fn up(&mut self) {
        let mut script = Command::new(lab("slapd.sh"));
        script.arg(self.folder.path()).arg(self.ports.0.to_string()).arg(self.ports.1.to_string());
        let mut server = Server::start(&mut script);
        wait_until("slapd answers", self.patience(), || {
            if let Some(code) = server.ended() {
                let log = std::fs::read_to_string(self.folder.path().join("slapd.log")).unwrap_or_default();
                panic!("slapd ended with {code}: {log}");
            }
            TcpStream::connect(("127.0.0.1", self.ports.1)).is_ok()
        });
        self.server = Some(server);
    }

    /// An empty database is filled first, some megabytes a second.
    fn patience(&self) -> Duration {
        let seed = std::fs::metadata(self.folder.path().join("seed.ldif")).map_or(0, |seed| seed.len());
        Duration::from_secs(30 + seed / 1_000_000)
    }

    /// Stops it; its data stays.
    pub fn down(&mut self) {
        self.server = None;
    }

    /// Starts it again with an access rule before all others, as slapd.conf has it after `access`.
    pub fn restrict(&mut self, rule: &str) {
        let config = std::fs::read_to_string(self.config()).expect("slapd.conf");
        let (above, rules) = config.split_once("access ").expect("an access rule");
        self.configure(&format!("{above}access {rule}\naccess {rules}"));
        std::fs::write(self.config().with_extension("before"), config).expect("writing slapd.before");
    }

    /// Starts it again with one text of its configuration instead of another.
    pub fn reconfigure(&mut self, from: &str, to: &str) {
        let config = std::fs::read_to_string(self.config()).expect("slapd.conf");
        assert!(config.contains(from), "{config}");
        self.configure(&config.replace(from, to));
    }

    /// Makes `FILE.crt` and `FILE.key`, by which the server knows us as `cn=NAME`.
    pub fn client_certificate(&self, name: &str, file: &Path) {
        let script = format!(". '{}' && client_certificate \"$0\" \"$1\" \"$2\"", lab("certificates.sh").display());
        let mut bash = Command::new("bash");
        bash.arg("-c").arg(script).arg(self.folder.path().join("tls")).arg(name).arg(file);
        tool(&mut bash, "");
    }

    /// Starts it again without that rule.
    pub fn unrestrict(&mut self) {
        let before = std::fs::read_to_string(self.config().with_extension("before")).expect("slapd.before");
        self.configure(&before);
    }

    fn configure(&mut self, config: &str) {
        self.down();
        std::fs::write(self.config(), config).expect("writing slapd.conf");
        self.up();
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("slapd.conf")
    }

    /// `127.0.0.1:PORT`, for a `FaultProxy` before it.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.ports.0)
    }

    /// Adds people u0000001 to u000000N.
    pub fn seed(&self, count: usize) {
        self.add(&ldif::people(&self.base, count));
    }
}

impl std::ops::Deref for Slapd {
    type Target = LdapClient;

    fn deref(&self) -> &LdapClient {
        &self.client
    }
}
