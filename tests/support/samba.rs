//! A real Samba domain controller, from `tests/lab/samba.sh`: one for all tests of a run, or one of a test's own.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

use super::ldap_client::LdapClient;
use super::process::{Server, lab, tool};

/// A domain controller of the domain lab.test.
#[derive(Debug)]
pub struct Samba {
    client: LdapClient,
    pub url: String,
    pub ldaps_url: String,
    /// The certificate authority that signed the server's certificate.
    pub ca: PathBuf,
    pub ip: String,
    /// Its name in the domain, which no name server knows.
    pub host: String,
    folder: PathBuf,
    own: Option<(Server, TempDir)>,
}

impl Samba {
    /// The one that `tests/run` started for all tests. Each test makes an OU of its own there: see `ou`.
    pub fn shared() -> Self {
        Self::at(setting("SEATSYNC_TEST_SAMBA_IP"), setting("SEATSYNC_TEST_SAMBA_DIR").into(), None)
    }

    /// One for this test alone, new and empty, on a loopback address of its own: for tests that stop or restore it.
    pub fn own() -> Self {
        let base = setting("SEATSYNC_TEST_SAMBA_BASE");
        let ip = free_address();
        let home = tempfile::tempdir().expect("a folder for samba");
        let folder = home.path().join("dc");
        tool(Command::new(lab("samba.sh")).arg("copy").arg(base).arg(&folder).arg(&ip), "");
        let server = run(&folder);
        Self::at(ip, folder, Some((server, home)))
    }

    /// Another controller of the domain of this one, for the same test. Neither gets what happens at the other but by `pull`.
    pub fn joined(&self) -> Self {
        let ip = free_address();
        let home = tempfile::tempdir().expect("a folder for samba");
        let folder = home.path().join("dc");
        tool(Command::new(lab("samba.sh")).arg("join").arg(&self.folder).arg(&folder).arg(&ip), "");
        let server = run(&folder);
        Self::at(ip, folder, Some((server, home)))
    }

    /// Gets from another one what happened there.
    pub fn pull(&self, from: &Self) {
        tool(Command::new(lab("samba.sh")).arg("pull").arg(&from.folder).arg(&self.folder), "");
    }

    fn at(ip: String, folder: PathBuf, own: Option<(Server, TempDir)>) -> Self {
        let (ldaps_url, ca) = (format!("ldaps://{ip}"), folder.join("tls/ca.crt"));
        let client = LdapClient {
            url: ldaps_url.clone(),
            base: "DC=lab,DC=test".to_owned(),
            // A UPN, as people write it for AD.
            admin_dn: "Administrator@lab.test".to_owned(),
            password: "Passw0rd.lab".to_owned(),
            ca: Some(ca.clone()),
        };
        Self { client, url: format!("ldap://{ip}"), ldaps_url, ca, ip, host: "dc1.lab.test".to_owned(), folder, own }
    }

    /// Stops one's own and starts it again; `between` may change what is in its folder.
    pub fn restart(&mut self, between: impl FnOnce(&Path)) {
        let (server, _) = self.own.as_mut().expect("only a controller of one's own is restarted");
        drop(std::mem::replace(server, Server::start(&mut Command::new("cat"))));
        between(&self.folder);
        *server = run(&self.folder);
    }

    /// By its name, which its certificate and Kerberos know.
    pub fn named_url(&self) -> String {
        format!("ldaps://{}", self.host)
    }

    /// `IP:389`, for a `FaultProxy` before it.
    pub fn address(&self) -> String {
        format!("{}:389", self.ip)
    }

    /// Makes an OU that no other test has, and gives its DN.
    pub fn ou(&self, name: &str) -> String {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let dn = format!("OU={name} {} {number},{}", std::process::id(), self.base);
        self.add(&format!("dn: {dn}\nobjectClass: organizationalUnit\n\n"));
        dn
    }

    /// Adds entries to the database itself, in one transaction: quicker for hundreds of them.
    pub fn load(&self, ldif: &str) {
        let file = tempfile::NamedTempFile::new().expect("a file for LDIF");
        std::fs::write(file.path(), ldif).expect("writing LDIF");
        tool(Command::new(lab("samba.sh")).arg("load").arg(&self.folder).arg(file.path()), "");
    }

    /// Runs a command of its administrator in a root shell of the server.
    pub fn administer(&self, command: &str) {
        let mut shell = Command::new("sh");
        tool(shell.arg("-c").arg(command).env("SMB_CONF_PATH", self.folder.join("etc/smb.conf")), "");
    }
}

impl std::ops::Deref for Samba {
    type Target = LdapClient;

    fn deref(&self) -> &LdapClient {
        &self.client
    }
}

fn setting(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: these tests need the Samba domain controller that `tests/run samba` starts")
    })
}

fn run(folder: &Path) -> Server {
    let mut server = Server::start(Command::new(lab("samba.sh")).arg("run").arg(folder).stdout(Stdio::piped()));
    let mut line = String::new();
    BufReader::new(server.stdout()).read_line(&mut line).expect("reading what samba.sh says");
    assert_eq!(line, "answering\n", "samba did not start; its log is in {}", folder.display());
    server
}

/// An address that no other test of this process was given: several start at one time.
fn free_address() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(50);
    std::iter::repeat_with(|| NEXT.fetch_add(1, Ordering::Relaxed))
        .take_while(|last| *last < 250)
        .map(|last| format!("127.0.0.{last}"))
        .find(|ip| TcpListener::bind((ip.as_str(), 389)).is_ok())
        .expect("a loopback address with port 389 free; only root may use that port")
}
