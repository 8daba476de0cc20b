//! Many small requests in one.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ProfilePut;
use super::account::Account;
use super::problem::Problem;
use super::request::Verdict;

/// Carried out in order, each by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Bulk {
    #[schema(min_items = 1, max_items = 1000)]
    pub items: Vec<BulkItem>,
}

/// One request, with an idempotency key of its own. Which fields it has depends on `do`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkItem {
    #[schema(min_length = 1, max_length = 255)]
    pub key: String,
    #[serde(rename = "do")]
    pub verb: Do,
    /// Id of the account, or:
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// Of `put`, `delete`, `suspend`, `resume`: the account's etag; null: it must be new (`put`), or however it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_match: Option<String>,
    /// Of `put`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<ProfilePut>,
    /// Of `claim`, `release`, `transfer`; of `decide` null: every pool it fits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// Of `claim`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 4_294_967_295_u32)]
    pub rank: Option<u32>,
    /// Of `suspend`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_seats: Option<bool>,
    /// Of `decide`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// Of `transfer`: id of the account that gets the seat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Do {
    #[default]
    Put,
    Delete,
    Suspend,
    Resume,
    Claim,
    Release,
    Decide,
    Transfer,
}

/// One result an item, in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BulkAnswer {
    pub results: Vec<BulkResult>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BulkResult {
    pub key: String,
    pub status: u16,
    /// As it is afterwards; null where it was deleted, or nothing was done.
    pub account: Option<Account>,
    /// Why nothing was done.
    pub problem: Option<Problem>,
    /// The answer was given before, to the same item.
    pub replayed: bool,
}
