//! A page of a list.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Some of the items of a list, as of one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Items of all pages.
    pub total: u64,
    /// The company's version. All pages of one list have the same.
    pub version: u64,
    /// Leads to the next page; null on the last.
    pub next_cursor: Option<String>,
}
