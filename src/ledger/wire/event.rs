//! Events.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ledger::records;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// Without gaps within a company.
    pub seq: u64,
    pub at: Timestamp,
    /// Such as `seat.held`.
    #[serde(rename = "type")]
    pub kind: String,
    pub account: Option<String>,
    pub pool: Option<String>,
    #[schema(value_type = Object)]
    pub data: serde_json::Value,
}

/// Events in their order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Events {
    pub events: Vec<Event>,
    /// Number of the company's last event, which may be beyond these.
    pub last: u64,
}

impl From<records::Event> for Event {
    fn from(event: records::Event) -> Self {
        let data = if event.data.is_null() { serde_json::json!({}) } else { event.data };
        Self {
            seq: event.seq,
            at: event.at,
            kind: event.what,
            account: event.account.map(|id| id.to_string()),
            pool: event.pool.map(|pool| pool.to_string()),
            data,
        }
    }
}
