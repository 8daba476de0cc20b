//! What the integration tests share: real directory servers, faults in front of them, and the real binary.
//!
//! `tests/run` installs what this needs. Tests that start OpenLDAP live in `tests/slapd_*.rs`, those that start 389 Directory
//! Server in `tests/ds389_*.rs`, those that use the Samba domain controller in `tests/samba_*.rs`, so that each kind can be run by
//! itself.
#![allow(dead_code, unused_imports, reason = "each test binary uses another part of this")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on ends here")]

pub mod agent;
pub mod company;
pub mod counting_proxy;
pub mod dns;
pub mod ds389;
pub mod fault_proxy;
pub mod http_proxy;
pub mod ldap_client;
pub mod ldif;
pub mod ledger_process;
pub mod ledger_service;
pub mod mail_sink;
pub mod oracle;
pub mod process;
pub mod rights;
pub mod samba;
pub mod slapd;
pub mod spoiled;
pub mod twins;

pub use agent::Agent;
pub use dns::Dns;
pub use ds389::Ds389;
pub use fault_proxy::FaultProxy;
pub use http_proxy::{Fault, HttpProxy};
pub use ledger_service::LedgerService;
pub use mail_sink::MailSink;
pub use samba::Samba;
pub use slapd::Slapd;
pub use spoiled::Spoiled;
