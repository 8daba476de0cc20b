//! The config as the program uses it: compiled, every value valid, every path absolute. Made by `settings` alone.

use core::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::civil::Time;
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};

use super::anchor::Name;
use super::change::Promotion;
use super::snapshot::Kind;

/// The whole config.
#[derive(Clone, Debug)]
pub struct Settings {
    pub agent: AgentSettings,
    pub directories: Vec<DirectorySettings>,
    /// In the order of the file.
    pub pools: Vec<PoolSettings>,
    pub seats: SeatSettings,
    pub leavers: LeaverSettings,
    pub guard: GuardSettings,
    pub backend: BackendSettings,
    pub log: LogSettings,
    pub status: StatusSettings,
    /// None: nobody is told.
    pub notify: Option<NotifySettings>,
    /// Digest of everything that decides who has a seat: another one forces a full cycle.
    pub digest: String,
}

impl Settings {
    /// Whether the config names this directory.
    #[must_use]
    pub fn has_directory(&self, name: &str) -> bool {
        self.directories.iter().any(|known| *known.name == *name)
    }
}

#[derive(Clone, Debug, Default)]
pub struct AgentSettings {
    pub name: String,
    pub state_dir: PathBuf,
    pub poll: Duration,
    pub full: Duration,
    /// What a server tells of is followed at once.
    pub push: bool,
    pub dry_run: bool,
    /// Follows each command that people are told, so that it means this config: ` --config PATH`; nothing at the usual place.
    pub options: String,
}

#[derive(Clone, Debug)]
pub struct DirectorySettings {
    pub name: Name,
    /// None: asked of the server.
    pub kind: Option<Kind>,
    pub source: Source,
    /// As written; compared parsed.
    pub bases: Vec<Arc<str>>,
    /// And-ed to the kind's own filter for people; checked to be a filter.
    pub filter: Option<String>,
    /// Members, nested ones too; empty: everyone under the bases.
    pub groups: Vec<Arc<str>>,
    pub exclude_groups: Vec<Arc<str>>,
    pub attributes: AttributeSettings,
}

/// Where a directory is read from.
#[derive(Clone, Debug)]
pub enum Source {
    Ldap(LdapSettings),
    Ldif { path: PathBuf },
}

#[derive(Clone, Debug)]
pub struct LdapSettings {
    /// `ldap://`, `ldaps://`, or `srv:DOMAIN` for those that DNS names; tried in order.
    pub urls: Vec<String>,
    pub ca_file: Option<PathBuf>,
    pub start_tls: bool,
    /// A simple bind may cross a plain connection. (Loopback always may.)
    pub allow_plaintext: bool,
    pub bind: Bind,
    pub page_size: u32,
    /// Without an answer.
    pub timeout: Duration,
}

#[derive(Clone, Debug)]
pub enum Bind {
    Anonymous,
    Simple {
        dn: String,
        password: SecretString,
    },
    /// SASL EXTERNAL (RFC 4422 appendix A): the certificate that we show in TLS says who we are.
    External(TlsFiles),
    /// SASL GSSAPI (RFC 4752). Without a keytab the account of the process logs on.
    Kerberos {
        keytab: Option<PathBuf>,
        principal: Option<String>,
    },
}

impl Bind {
    /// Whether a name has none of the forms that servers know: DN, user principal name, `DOMAIN\NAME`.
    #[must_use]
    pub fn is_bare(name: &str) -> bool {
        !name.contains(['=', '@', '\\'])
    }
}

/// The directory's attribute names; None: the default of the kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttributeSettings {
    pub user_name: Option<String>,
    pub email: Option<String>,
    pub given_name: Option<String>,
    pub family_name: Option<String>,
    pub display_name: Option<String>,
    /// Another attribute of 16 bytes or a UUID's text; the kind's own anchor where it has no value.
    pub anchor: Option<String>,
}

/// A group of one directory, as a pool names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRef {
    pub directory: Name,
    pub dn: Arc<str>,
}

#[derive(Clone, Debug)]
pub struct PoolSettings {
    pub name: Name,
    /// None: everyone in scope.
    pub groups: Option<Vec<GroupRef>>,
    /// Who comes first, in this order.
    pub priority: Vec<GroupRef>,
    pub fallback: Option<Name>,
    /// How many were bought; None: the backend says it.
    pub seats: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    First,
    All,
}

#[derive(Clone, Debug)]
pub struct SeatSettings {
    pub match_: Match,
    /// A person approves every newcomer.
    pub approve_joiners: bool,
    pub promotion: Promotion,
    /// As `mail_domain` writes them; None: any mail domain.
    pub approved_domains: Option<Vec<String>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaverRule {
    Keep,
    Suspend,
    Remove,
}

#[derive(Clone, Debug)]
pub struct LeaverSettings {
    /// For people who are disabled or expired.
    pub disabled: LeaverRule,
    pub deleted: LeaverRule,
    pub out_of_scope: LeaverRule,
    /// None: never.
    pub remove_after: Option<SignedDuration>,
    pub suspended_keeps_seat: bool,
}

#[derive(Clone, Debug)]
pub struct GuardSettings {
    /// Of the managed accounts that are not suspended; 0 to 100.
    pub percent: u32,
    pub floor: u32,
    pub window: SignedDuration,
    pub confirm_within: SignedDuration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adopt {
    None,
    Anchor,
    Email,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drift {
    Repair,
    Report,
}

#[derive(Clone, Debug)]
pub struct BackendSettings {
    pub kind: BackendKind,
    pub company: Name,
    pub adopt: Adopt,
    pub drift: Drift,
}

#[derive(Clone, Debug)]
pub enum BackendKind {
    Embedded { path: PathBuf },
    Ledger(LedgerAccess),
}

/// How a licence ledger is asked over HTTP.
#[derive(Clone, Debug)]
pub struct LedgerAccess {
    /// `https://`, or `http://` to this very machine; without a slash at its end.
    pub url: String,
    /// A connector's.
    pub token: SecretString,
    pub ca_file: Option<PathBuf>,
    /// Without an answer.
    pub timeout: Duration,
}

/// What `ledger serve` and the verbs beside it use.
#[derive(Clone, Debug)]
pub struct LedgerSettings {
    pub listen: SocketAddr,
    /// None on loopback only.
    pub tls: Option<TlsFiles>,
    pub database: PathBuf,
    /// What it begins with where it is not there yet.
    pub first: Option<FirstCompany>,
    /// None: no mails are sent.
    pub smtp: Option<SmtpSettings>,
}

/// Where the running agent shows how it is doing, and to whom.
#[derive(Clone, Debug)]
pub struct StatusSettings {
    /// None: nowhere.
    pub listen: Option<StatusAddress>,
    /// None on loopback only.
    pub tls: Option<TlsFiles>,
    /// What a caller must know; None on loopback only.
    pub token: Option<SecretString>,
}

impl StatusSettings {
    /// Nothing differs, the token's text included.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let token = |settings: &Self| settings.token.as_ref().map(|token| token.expose_secret().to_owned());
        (self.listen, &self.tls) == (other.listen, &other.tls) && token(self) == token(other)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusAddress {
    pub address: SocketAddr,
    /// By the config: where it cannot be had, the agent does not start. The default one is not worth that.
    pub named: bool,
}

/// The first company of a new ledger: a pool, and an agent's way in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstCompany {
    pub company: Name,
    pub pool: Name,
    pub seats: u32,
    /// Where the token of its connector `main` is put.
    pub token_file: PathBuf,
}

/// Certificate chain and key, in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    pub cert: PathBuf,
    pub key: PathBuf,
}

#[derive(Clone, Debug)]
pub struct SmtpSettings {
    pub host: String,
    pub port: u16,
    pub tls: SmtpTls,
    /// A mail address, with a name before it or without.
    pub from: String,
    pub ca_file: Option<PathBuf>,
    /// User and password.
    pub credentials: Option<(String, SecretString)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpTls {
    /// From the first byte.
    Implicit,
    /// Before anything is said.
    StartTls,
    /// This machine alone.
    None,
}

/// Who is told when something begins to be wrong, and when it is over.
#[derive(Clone, Debug)]
pub struct NotifySettings {
    pub webhook: Option<WebhookSettings>,
    pub email: Option<EmailSettings>,
    /// So many cycles in a row make a failure, and the end of anything, worth telling; at least 1.
    pub after_failures: u32,
    /// When the daily digest is due, by this machine's clock; None: there is none.
    pub digest: Option<Time>,
}

#[derive(Clone, Debug)]
pub struct WebhookSettings {
    /// `https://`, or `http://` to this very machine. What follows the host may be as good as a password.
    pub url: SecretString,
    /// What messages are signed with.
    pub key: SecretSlice<u8>,
    pub ca_file: Option<PathBuf>,
}

#[derive(Clone, Debug)]
pub struct EmailSettings {
    pub smtp: SmtpSettings,
    /// Mail addresses, each once.
    pub to: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Auto,
    Text,
    Json,
    Journald,
    EventLog,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSettings {
    pub format: LogFormat,
    /// A level, or filters as tracing-subscriber reads them.
    pub level: String,
}
