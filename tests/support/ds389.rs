//! A private 389 Directory Server per test, from `tests/lab/ds389.sh`.

use std::fs::{self, File};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::ldap_client::LdapClient;
use super::process::{Server, free_port, lab, tool, try_tool, wait_until};

/// A running server with base `dc=lab,dc=test`, `ou=people` and `ou=groups`; it ends, and is forgotten, on drop.
#[derive(Debug)]
pub struct Ds389 {
    client: LdapClient,
    /// May read everything, without limits.
    pub sync_dn: String,
    port: u16,
    server: Option<Server>,
    folder: TempDir,
}

impl Ds389 {
    /// Starts one that has these entries under `ou=people` and `ou=groups`, and what the marks of `tests/lab/ds389.sh` name.
    pub fn start(ldif: &str, marks: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the server");
        for mark in marks {
            File::create(folder.path().join(mark)).expect("marking the folder");
        }
        fs::write(folder.path().join("seed.ldif"), ldif).expect("writing seed.ldif");
        let (port, base) = (free_port(), "dc=lab,dc=test".to_owned());
        let sync_dn = format!("cn=sync,{base}");
        let client = LdapClient {
            url: format!("ldap://127.0.0.1:{port}"),
            admin_dn: "cn=Directory Manager".to_owned(),
            password: "secret".to_owned(),
            ca: None,
            base,
        };
        let mut ds = Self { client, sync_dn, port, server: None, folder };
        ds.up();
        ds
    }

    /// Starts it again after `down`, with what it had, on the same port.
    pub fn up(&mut self) {
        let mut script = Command::new(lab("ds389.sh"));
        let mut server = Server::start(script.arg(self.folder.path()).arg(self.port.to_string()));
        wait_until("389 Directory Server answers", Duration::from_mins(1), || {
            if let Some(code) = server.ended() {
                let log = fs::read_to_string(self.folder.path().join("log/errors")).unwrap_or_default();
                panic!("389 Directory Server ended with {code}: {log}");
            }
            let mut asked = self.client("ldapsearch");
            asked.args(["-s", "base", "-b", &self.base, "1.1"]).output().is_ok_and(|answer| answer.status.success())
        });
        self.server = Some(server);
    }

    /// Stops it; its data stays.
    pub fn down(&mut self) {
        self.server = None;
    }

    /// Runs a command of its administrator, written for the one server of a machine, in a shell.
    pub fn administer(&self, command: &str) {
        let socket = self.folder.path().join("ldapi").display().to_string();
        let here = command.replace("/run/slapd-*.socket", &socket);
        assert_ne!(here, command, "a command that asks no server: {command}");
        tool(Command::new("sh").arg("-c").arg(format!("set -e\n{here}")), "");
    }

    /// `127.0.0.1:PORT`, for a `FaultProxy` before it.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Logs on with a wrong password.
    pub fn fail_to_log_on(&self, dn: &str) {
        let mut command = Command::new("ldapwhoami");
        try_tool(command.args(["-x", "-H", &self.url, "-D", dn, "-w", "wrong"]), "");
    }
}

impl std::ops::Deref for Ds389 {
    type Target = LdapClient;

    fn deref(&self) -> &LdapClient {
        &self.client
    }
}
