//! A server's administrator, by OpenLDAP's own tools.

use std::path::PathBuf;
use std::process::Command;

use super::process::{tool, try_tool};

/// How a server is reached.
#[derive(Debug)]
pub struct LdapClient {
    pub url: String,
    pub base: String,
    pub admin_dn: String,
    /// Of every account here.
    pub password: String,
    /// Who vouches for it where the URL is one of TLS.
    pub ca: Option<PathBuf>,
}

impl LdapClient {
    /// The DN of a person of `ldif::person`, where people lie under `ou=people`.
    pub fn dn(&self, uid: &str) -> String {
        format!("uid={uid},ou=people,{}", self.base)
    }

    /// Adds entries.
    pub fn add(&self, ldif: &str) {
        tool(&mut self.client("ldapadd"), ldif);
    }

    /// Carries out LDIF change records; `ldif::replace` and `ldif::rename` make them.
    pub fn modify(&self, ldif: &str) {
        tool(&mut self.client("ldapmodify"), ldif);
    }

    /// The same where it need not fit the server as it is.
    pub fn try_modify(&self, ldif: &str) {
        try_tool(&mut self.client("ldapmodify"), ldif);
    }

    pub fn delete(&self, dn: &str) {
        tool(self.client("ldapdelete").arg(dn), "");
    }

    /// The entries of a search as LDIF, unfolded.
    pub fn search(&self, filter: &str, attributes: &[&str]) -> String {
        self.search_under(&self.base, filter, attributes)
    }

    /// The same of a part of the server.
    pub fn search_under(&self, base: &str, filter: &str, attributes: &[&str]) -> String {
        let mut command = self.client("ldapsearch");
        tool(command.args(["-LLL", "-o", "ldif-wrap=no", "-b", base, filter]).args(attributes), "")
    }

    /// One of the tools, told whom to ask and as whom.
    pub fn client(&self, name: &str) -> Command {
        let mut command = Command::new(name);
        command.envs(self.ca.iter().map(|ca| ("LDAPTLS_CACERT", ca)));
        command.args(["-x", "-H", &self.url, "-D", &self.admin_dn, "-w", &self.password]);
        command
    }
}
