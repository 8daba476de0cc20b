//! A server's administrator, by OpenLDAP's own tools, over plain LDAP.

use std::process::Command;

use super::process::{tool, try_tool};

/// How a private server is reached; its people lie under `ou=people`.
#[derive(Debug)]
pub struct LdapClient {
    pub url: String,
    pub base: String,
    pub admin_dn: String,
    /// May read everything, without limits.
    pub sync_dn: String,
    /// Of every account here.
    pub password: String,
}

impl LdapClient {
    /// The DN of a person of `ldif::person`.
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
        let mut command = self.client("ldapsearch");
        tool(command.args(["-LLL", "-o", "ldif-wrap=no", "-b", &self.base, filter]).args(attributes), "")
    }

    /// One of the tools, told whom to ask and as whom.
    pub fn client(&self, name: &str) -> Command {
        let mut command = Command::new(name);
        command.args(["-x", "-H", &self.url, "-D", &self.admin_dn, "-w", &self.password]);
        command
    }
}
