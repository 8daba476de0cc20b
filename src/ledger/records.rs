//! What the ledger asks of a store. SQLite is the one there is; another must do no more than keep what it is told: who gets
//! a seat, and what may be done, is decided in `rules`.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::LedgerError;
use super::rules::company::{Company, Policy};
use super::rules::{Excerpt, Folded, Happening, Terms};
use crate::model::change::{Answer, BackendState, Batch, Confirmation};
use crate::model::{Account, AccountId, AccountState, Name, PersonId, PoolCount};

/// A pool, counted, and what holds for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    pub count: PoolCount,
    pub terms: Terms,
}

/// An account, and what only the portal and the product know of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub account: Account,
    /// Of an unmanaged account.
    pub external: Option<String>,
    pub invitation: Invitation,
    pub last_active: Option<Timestamp>,
}

/// How far an invitation came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Invitation {
    None,
    /// A confirmation mail was sent.
    Mailed,
    /// As the product reported it.
    Accepted,
}

/// Which accounts are touched, and whose unique values must be known.
#[derive(Clone, Debug, Default)]
pub struct Touched<'a> {
    pub people: BTreeSet<&'a PersonId>,
    pub accounts: BTreeSet<AccountId>,
    pub values: Folded,
}

/// Which accounts to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    pub state: Option<AccountState>,
    pub pool: Option<Name>,
}

/// An event as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub seq: u64,
    pub at: Timestamp,
    pub what: String,
    pub account: Option<AccountId>,
    pub pool: Option<Name>,
    pub data: serde_json::Value,
}

/// A run of events.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Events {
    /// The oldest that is kept; one more than the last where none is.
    pub oldest: u64,
    pub last: u64,
    pub events: Vec<Event>,
}

/// What whoever holds a token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// An agent.
    Connector,
    /// Somebody who decides about people who wait.
    Approver,
    /// Whoever runs the company's portal.
    Admin,
}

/// A token as it is kept: without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub id: String,
    pub company: Name,
    pub role: Role,
    pub connector: Option<Name>,
    pub label: String,
    /// SHA-256 of the secret half, in hexadecimal.
    pub hash: String,
    pub made: Timestamp,
    pub expires: Option<Timestamp>,
    /// Its connector was removed.
    pub ended: bool,
}

/// A registered connector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connector {
    pub name: Name,
    pub added: Timestamp,
}

/// The answer to a request that was carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    /// SHA-256 of what was asked.
    pub request: String,
    pub status: u16,
    pub body: String,
}

/// What is known of a batch by its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// No batch of this key was carried out.
    Never,
    /// One was, and nobody noted what it asked.
    Unnoted,
    /// SHA-256 of what it asked.
    Just(String),
}

/// A confirmation mail to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    pub id: i64,
    pub company: Name,
    pub account: AccountId,
    pub pool: Name,
    pub made: Timestamp,
    pub attempts: u32,
}

type Result<T> = std::result::Result<T, LedgerError>;

/// What can be read, all as of one moment. Where a row cannot be read, nothing is known.
pub trait View {
    /// Another number than before once another connection wrote anything.
    fn generation(&self) -> Result<i64>;
    /// How many events were ever told, of all companies together.
    fn events_told(&self) -> Result<i64>;
    fn companies(&self) -> Result<Vec<String>>;
    /// # Errors
    /// Where there is no such company.
    fn company(&self, company: &str) -> Result<Company>;
    fn pools(&self, company: &str) -> Result<Vec<Pool>>;
    /// What the guard counts, and what was confirmed; no accounts and no pools.
    fn memory(&self, company: &str) -> Result<BackendState>;
    fn count_accounts(&self, company: &str, wanted: &Wanted) -> Result<u64>;
    /// Accounts by number, above the one given.
    fn accounts(&self, company: &str, wanted: &Wanted, after: u64, limit: u32) -> Result<Vec<Listed>>;
    fn account(&self, company: &str, id: &AccountId) -> Result<Option<Listed>>;
    /// By the external id of an unmanaged account, or the anchor of a managed one.
    fn by_external(&self, company: &str, external: &str) -> Result<Option<AccountId>>;
    /// Those of a pool who wait, with the excerpt's own function in mind: whole accounts.
    fn waiting_accounts(&self, company: &str) -> Result<Vec<Account>>;
    /// The place of an account in the queue of a pool, from 1; none where it does not wait.
    fn position(&self, company: &str, id: &AccountId, pool: &str) -> Result<Option<u32>>;
    fn policies(&self, company: &str) -> Result<Vec<Policy>>;
    fn connectors(&self, company: &str) -> Result<Vec<Connector>>;
    fn tokens(&self, company: &str) -> Result<Vec<Token>>;
    fn token(&self, id: &str) -> Result<Option<Token>>;
    fn events(&self, company: &str, after: u64, limit: u32) -> Result<Events>;
    fn answer(&self, company: &str, key: &str) -> Result<Option<Answer>>;
    fn batch_request(&self, company: &str, key: &str) -> Result<Asked>;
    fn replay(&self, company: &str, key: &str) -> Result<Option<Replay>>;
    fn mails_due(&self, now: Timestamp, limit: u32) -> Result<Vec<Mail>>;
}

/// What can be written besides, all in one transaction.
pub trait Records: View {
    fn add_company(&self, company: &str) -> Result<()>;
    /// Everything of it goes.
    fn delete_company(&self, company: &str) -> Result<()>;
    /// Sets right what a change by another hand left behind, such as counts of pools. Whether anything was.
    fn repair(&self, company: &str) -> Result<bool>;
    fn save_company(&self, company: &Company) -> Result<()>;
    /// The touched part of a company.
    fn excerpt(&self, company: &str, touched: &Touched<'_>) -> Result<Excerpt>;
    /// Adds everyone who waits in any pool.
    fn add_waiting(&self, company: &str, excerpt: &mut Excerpt) -> Result<()>;
    fn save(&self, company: &str, excerpt: &Excerpt) -> Result<()>;
    fn set_external(&self, company: &str, id: &AccountId, external: &str) -> Result<()>;
    fn set_activity(
        &self,
        company: &str,
        id: &AccountId,
        invitation: Invitation,
        last: Option<Timestamp>,
    ) -> Result<()>;
    /// `at`: by the ledger's own clock. From then on it counts how long batch and marks are kept.
    fn remember_batch(
        &self,
        company: &str,
        batch: &Batch,
        answer: &Answer,
        request: Option<&str>,
        at: Timestamp,
    ) -> Result<()>;
    fn remember_confirmation(&self, company: &str, confirmation: &Confirmation) -> Result<()>;
    fn remember_reply(&self, company: &str, key: &str, replay: &Replay, at: Timestamp) -> Result<()>;
    /// Drops what is too old to matter.
    fn forget_old(&self, company: &str, at: Timestamp) -> Result<()>;
    /// Appends events, numbered without gaps.
    fn record(&self, company: &str, at: Timestamp, happenings: &[Happening]) -> Result<()>;
    fn put_policy(&self, company: &str, policy: &Policy) -> Result<()>;
    fn delete_policy(&self, company: &str, name: &str) -> Result<()>;
    fn put_connector(&self, company: &str, connector: &Connector) -> Result<()>;
    /// Its tokens end.
    fn delete_connector(&self, company: &str, name: &str, at: Timestamp) -> Result<()>;
    fn put_token(&self, token: &Token) -> Result<()>;
    /// Whether there was one.
    fn delete_token(&self, company: &str, id: &str) -> Result<bool>;
    fn queue_mail(&self, company: &str, account: &AccountId, pool: &Name, at: Timestamp) -> Result<()>;
    fn mail_done(&self, mail: &Mail, sent: bool) -> Result<()>;
    fn mail_failed(&self, mail: &Mail, next: Timestamp) -> Result<()>;
    /// Begins a part of the transaction that can be undone by itself. What comes before it must be parts, too.
    fn begin_part(&self) -> Result<()>;
    fn keep_part(&self) -> Result<()>;
    fn undo_part(&self) -> Result<()>;
}

/// Something that keeps ledgers. Several may be open on one database.
pub trait Store: Send {
    /// Reads as of one moment.
    fn view<T>(&mut self, work: impl FnOnce(&dyn View) -> Result<T>) -> Result<T>;

    /// Writes in one transaction, durable when this returns. Where the work fails, nothing of it happened.
    fn write<T>(&mut self, work: impl FnOnce(&dyn Records) -> Result<T>) -> Result<T>;

    /// Nothing more will be written: leaves what is kept in the shape in which people copy it.
    fn close(self);
}
