//! What a person, or a file in their stead, has answered.

use std::path::PathBuf;

use secrecy::{ExposeSecret as _, SecretString};

use crate::model::Dn;
use crate::model::filter::check_filter;
use crate::settings::{self, MOST_SEATS};

/// What a question asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    Servers,
    CaFile,
    BindDn,
    BindPassword,
    Name,
    Bases,
    Groups,
    StateDir,
    Backend,
    Company,
    LedgerUrl,
    LedgerToken,
    PoolName,
    PoolSeats,
    LedgerPool,
    Write,
}

impl Key {
    /// Where a file with answers says it.
    #[must_use]
    pub const fn place(self) -> &'static str {
        match self {
            Self::Servers => "directory.url",
            Self::CaFile => "directory.ca_file",
            Self::BindDn => "directory.bind_dn",
            Self::BindPassword => "directory.bind_password",
            Self::Name => "directory.name",
            Self::Bases => "directory.base",
            Self::Groups => "directory.groups",
            Self::StateDir => "agent.state_dir",
            Self::Backend => "backend.kind",
            Self::Company => "backend.company",
            Self::LedgerUrl => "backend.url",
            Self::LedgerToken => "backend.token",
            Self::PoolName | Self::LedgerPool => "pool.name",
            Self::PoolSeats => "pool.seats",
            Self::Write => "",
        }
    }
}

/// One answer.
#[derive(Clone, Debug)]
pub enum Value {
    Text(String),
    Many(Vec<String>),
    Secret(SecretString),
    Yes(bool),
}

/// Who keeps the seats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackendAsked {
    Embedded,
    Ledger,
}

/// A pool of seats.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PoolAsked {
    pub name: String,
    /// None: the ledger knows, or it is still to be asked.
    pub seats: Option<u32>,
    /// None: everyone.
    pub groups: Option<Vec<String>>,
}

/// Everything answered so far.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    pub domain: Option<String>,
    /// URLs, or hosts with a port or without.
    pub servers: Option<Vec<String>>,
    pub ca_file: Option<PathBuf>,
    pub bind_dn: Option<String>,
    pub bind_password: Option<SecretString>,
    pub name: Option<String>,
    pub bases: Option<Vec<String>>,
    pub filter: Option<String>,
    /// Empty: everyone under the bases.
    pub groups: Option<Vec<String>>,
    pub state_dir: Option<PathBuf>,
    pub backend: Option<BackendAsked>,
    /// The embedded ledger's file.
    pub ledger_path: Option<PathBuf>,
    pub company: Option<String>,
    pub ledger_url: Option<String>,
    pub ledger_token: Option<SecretString>,
    pub ledger_ca_file: Option<PathBuf>,
    pub pools: Vec<PoolAsked>,
    /// A base or group that is not seen is written all the same.
    pub anyway: bool,
    pub write: Option<bool>,
    /// The password's file may have a line more than the password.
    pub doubt: Option<String>,
}

impl Answers {
    /// Takes an answer, or says what is wrong with it.
    pub fn put(&mut self, key: Key, value: Value) -> Result<(), String> {
        match (key, value) {
            (Key::Servers, Value::Text(text)) => self.servers = Some(filled(split(&text), "name a server")?),
            (Key::Servers, Value::Many(servers)) => self.servers = Some(filled(servers, "name a server")?),
            (Key::CaFile, Value::Text(path)) => self.ca_file = Some(ca_file(&path)?),
            (Key::BindDn, Value::Text(text)) => self.bind_dn = Some(some(&text, "name an account")?),
            (Key::BindPassword, Value::Secret(secret)) => self.bind_password = Some(secret_of(secret)?),
            (Key::Name, Value::Text(name)) => self.name = Some(word(&name)?),
            (Key::Bases, Value::Many(dns)) => self.bases = Some(filled(all_dns(dns)?, "name a base")?),
            (Key::Bases, Value::Text(dn)) => self.bases = Some(all_dns(vec![some(&dn, "name a base")?])?),
            (Key::Groups, Value::Many(dns)) => self.groups = Some(all_dns(dns)?),
            (Key::StateDir, Value::Text(path)) => self.state_dir = Some(state_dir(&path)?),
            (Key::Backend, Value::Text(kind)) => self.backend = Some(backend(&kind)?),
            (Key::Company, Value::Text(name)) => self.company = Some(word(&name)?),
            (Key::LedgerUrl, Value::Text(url)) => self.ledger_url = Some(some(&url, "name the ledger's URL")?),
            (Key::LedgerToken, Value::Secret(secret)) => self.ledger_token = Some(secret_of(secret)?),
            (Key::PoolName | Key::LedgerPool, Value::Text(name)) => {
                let name = self.new_pool(&name)?;
                self.pools.push(PoolAsked { name, ..PoolAsked::default() });
            }
            (Key::PoolSeats, Value::Text(text)) => {
                let seats = text.trim().parse().ok().filter(|seats| *seats <= MOST_SEATS).ok_or_else(of_seats)?;
                if let Some(pool) = self.pools.iter_mut().find(|pool| pool.seats.is_none()) {
                    pool.seats = Some(seats);
                }
            }
            (Key::Write, Value::Yes(write)) => self.write = Some(write),
            (key, _) => return Err(format!("{} cannot be answered so", key.place())),
        }
        Ok(())
    }

    /// Takes back what turned out wrong, so that it is asked again.
    pub fn forget(&mut self, keys: &[Key]) {
        for key in keys {
            match key {
                Key::Servers => self.servers = None,
                Key::CaFile => self.ca_file = None,
                Key::BindDn => self.bind_dn = None,
                Key::BindPassword => self.bind_password = None,
                Key::Bases => self.bases = None,
                Key::Groups => self.groups = None,
                Key::LedgerUrl => self.ledger_url = None,
                Key::LedgerToken => self.ledger_token = None,
                Key::Company => self.company = None,
                _ => {}
            }
        }
    }

    fn new_pool(&self, name: &str) -> Result<String, String> {
        let name = some(name, "name a pool")?;
        if self.pools.iter().any(|pool| pool.name == name) {
            return Err(format!("there is a pool {name:?} already"));
        }
        Ok(name)
    }
}

fn split(text: &str) -> Vec<String> {
    text.split([',', ' ']).map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

fn filled(list: Vec<String>, otherwise: &str) -> Result<Vec<String>, String> {
    if list.is_empty() { Err(otherwise.to_owned()) } else { Ok(list) }
}

fn some(text: &str, otherwise: &str) -> Result<String, String> {
    let text = text.trim().to_owned();
    if text.is_empty() { Err(otherwise.to_owned()) } else { Ok(text) }
}

fn word(name: &str) -> Result<String, String> {
    let name = some(name, "write a name")?;
    settings::check_word(&name).map(|()| name)
}

/// What a number of seats is.
pub fn of_seats() -> String {
    format!("write a whole number of seats, from 0 to {MOST_SEATS}")
}

/// Rule 23: an empty password is never sent.
fn secret_of(secret: SecretString) -> Result<SecretString, String> {
    let text = secret.expose_secret();
    if text.is_empty() || text.contains('\0') { Err("it is empty, or no text".to_owned()) } else { Ok(secret) }
}

fn ca_file(path: &str) -> Result<PathBuf, String> {
    let path = super::absolute(some(path, "name the PEM file that has the authority's certificate")?.as_ref());
    match crate::tls::client(Some(&path)) {
        Ok(_) => Ok(path),
        Err(error) => Err(error.to_string()),
    }
}

fn state_dir(path: &str) -> Result<PathBuf, String> {
    let path = super::absolute(some(path, "name a folder")?.as_ref());
    match (path.file_name(), path.is_file()) {
        (None, _) => Err("name a folder of its own, not \"/\"".to_owned()),
        (_, true) => Err(format!("{} is a file; name a folder", path.display())),
        _ => Ok(path),
    }
}

fn all_dns(dns: Vec<String>) -> Result<Vec<String>, String> {
    match dns.iter().find_map(|dn| Dn::parse(dn).err()) {
        Some(error) => Err(error.to_string()),
        None => Ok(dns),
    }
}

fn backend(kind: &str) -> Result<BackendAsked, String> {
    match kind {
        "embedded" => Ok(BackendAsked::Embedded),
        "ledger" => Ok(BackendAsked::Ledger),
        _ => Err("must be \"embedded\" or \"ledger\"".to_owned()),
    }
}

/// What is wrong with a filter.
pub fn checked_filter(filter: String) -> Result<String, String> {
    check_filter(&filter).map(|()| filter).map_err(|why| format!("is no filter (RFC 4515): {why}"))
}
