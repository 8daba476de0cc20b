//! Lists by pages: a cursor leads on, and tells when what it leads through has changed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use axum::http::StatusCode;

use super::fault::Fault;
use crate::ledger::rules::Declined;
use crate::ledger::wire::Page;

/// Items of a page where nothing is said.
const USUAL: u32 = 1000;
/// Items of a page at most.
pub const MOST: u32 = 10_000;

/// Which page of a list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Paging {
    /// Items of the page: 1 to 10000; 1000 where it is left out.
    #[param(minimum = 1, maximum = 10000, nullable = false)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(min_length = 1, nullable = false)]
    pub cursor: Option<String>,
}

/// What a cursor says: where to go on, in which query, as of which version.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Cursor {
    version: u64,
    query: String,
    after: String,
}

impl Paging {
    /// Items of the page.
    pub fn limit(&self) -> Result<u32, Fault> {
        let limit = self.limit.unwrap_or(USUAL);
        if (1..=MOST).contains(&limit) {
            Ok(limit)
        } else {
            Err(Fault::unreadable(format!("limit must be 1 to {MOST}")))
        }
    }

    /// After which item the page begins; none on the first. `query` is what is listed.
    pub fn after(&self, query: &str, version: u64) -> Result<Option<String>, Fault> {
        let Some(cursor) = self.place(query)? else { return Ok(None) };
        if cursor.version != version {
            return Err(Declined::ListChanged.into());
        }
        Ok(Some(cursor.after))
    }

    /// The same, whatever changed since the page before.
    pub fn after_any(&self, query: &str) -> Result<Option<String>, Fault> {
        Ok(self.place(query)?.map(|cursor| cursor.after))
    }

    fn place(&self, query: &str) -> Result<Option<Cursor>, Fault> {
        let Some(text) = &self.cursor else { return Ok(None) };
        let bad = || Fault::new(StatusCode::BAD_REQUEST, "invalid-cursor", "the cursor is none of this list's");
        let json = URL_SAFE_NO_PAD.decode(text).map_err(|_| bad())?;
        let cursor: Cursor = serde_json::from_slice(&json).map_err(|_| bad())?;
        if cursor.query != query {
            return Err(bad());
        }
        Ok(Some(cursor))
    }

    /// The page, of items that may be one more than it holds: then there is another. `name` says what follows what.
    pub fn page<T>(
        &self,
        (query, version, total): (&str, u64, u64),
        mut items: Vec<T>,
        name: impl Fn(&T) -> String,
    ) -> Result<Page<T>, Fault> {
        let limit = self.limit()? as usize;
        let more = items.len() > limit;
        items.truncate(limit);
        let last = items.last().filter(|_| more).map(name);
        let next_cursor = last.map(|after| encode(&Cursor { version, query: query.to_owned(), after }));
        Ok(Page { items, total, version, next_cursor })
    }

    /// A page of a list that is short enough to be had whole, by name.
    pub fn of_all<T>(
        &self,
        query: &str,
        version: u64,
        items: Vec<T>,
        name: impl Fn(&T) -> String,
    ) -> Result<Page<T>, Fault> {
        let total = items.len() as u64;
        let after = self.after(query, version)?;
        let rest = items.into_iter().filter(|item| after.as_ref().is_none_or(|after| name(item) > *after));
        let rest = rest.take(self.limit()? as usize + 1).collect();
        self.page((query, version, total), rest, name)
    }
}

fn encode(cursor: &Cursor) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(cursor).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(paging: &Paging, version: u64) -> Result<Page<u32>, Fault> {
        paging.of_all("numbers", version, vec![1, 2, 3, 4, 5], ToString::to_string)
    }

    fn paging(limit: u32, cursor: Option<String>) -> Paging {
        Paging { limit: Some(limit), cursor }
    }

    #[test]
    fn pages_together_are_the_list() {
        let (mut seen, mut cursor) = (Vec::new(), None);
        loop {
            let page = all(&paging(2, cursor), 7).unwrap();
            assert_eq!((page.total, page.version), (5, 7));
            seen.extend(page.items);
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen, [1, 2, 3, 4, 5]);
        assert_eq!(all(&paging(5, None), 7).unwrap().next_cursor, None, "the last page says so, also a full one");
    }

    #[test]
    fn a_list_that_changed_between_pages_is_an_error() {
        let next = all(&paging(2, None), 7).unwrap().next_cursor;
        let fault = all(&paging(2, next), 8).unwrap_err();
        assert_eq!(fault.problem.name(), "list-changed");
    }

    #[test]
    fn a_cursor_of_another_list_or_none_at_all_is_refused() {
        let next = all(&paging(2, None), 7).unwrap().next_cursor;
        let other = paging(2, next).of_all("letters", 7, vec![1], ToString::to_string).unwrap_err();
        let none = all(&paging(2, Some("???".to_owned())), 7).unwrap_err();
        assert_eq!((other.problem.name(), none.problem.name()), ("invalid-cursor", "invalid-cursor"));
    }

    #[test]
    fn a_page_has_one_to_ten_thousand_items() {
        for (limit, fits) in [(0, false), (1, true), (10_000, true), (10_001, false)] {
            assert_eq!(all(&paging(limit, None), 7).is_ok(), fits, "{limit}");
        }
    }
}
