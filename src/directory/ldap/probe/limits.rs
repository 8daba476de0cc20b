//! Whether the server gives everything, or cuts.

use super::super::budget::Budget;
use super::super::page::Pager;
use super::super::read::people_filter;
use super::super::search::nothing;
use super::Prober;
use super::people::Place;
use crate::directory::person::PersonReader;
use crate::model::text::counted;
use crate::ports::ReadError;

/// What came of counting everybody under a base.
struct Count {
    entries: u64,
    pages: u64,
    /// Of the first page, where another followed.
    size: Option<usize>,
    cut: Option<ReadError>,
}

impl Prober<'_> {
    /// Counts everybody under one base, as a cycle reads them but without a single attribute.
    pub(super) async fn limits(&mut self, place: &Place<'_>, budget: &Budget) {
        let what = format!("limits under {}", place.base.as_str());
        let count = self.count(place, budget).await;
        let (pages, entries) = (counted(count.pages, "page", "pages"), counted(count.entries, "entry", "entries"));
        let so_far = format!("{entries} in {pages}");
        match (count.cut, count.size) {
            (None, Some(size)) if size < self.ldap.page_size as usize => {
                self.passed(&what, format!("{so_far}, everything; the server cuts pages at {size}"));
            }
            (None, _) => self.passed(&what, format!("{so_far}, everything")),
            (Some(error), _) => {
                let lost = super::PARTIAL;
                let remedy = place.account.grantee.read_without_limit(place.suffix());
                let message = format!("the server cut after {so_far}: {}", error.doing);
                self.missing(&what, message, lost, remedy.as_deref());
            }
        }
    }

    async fn count(&self, place: &Place<'_>, budget: &Budget) -> Count {
        let session = place.session;
        let filter = people_filter(&PersonReader::new(session.kind, &self.settings.attributes), self.settings);
        let size = session.root.pages().then_some(self.ldap.page_size.max(1));
        let attributes = nothing();
        let mut pager = Pager::new(&session.connection, place.base.as_str(), &filter, &attributes, size);
        let mut count = Count { entries: 0, pages: 0, size: None, cut: None };
        let mut first = 0;
        loop {
            match pager.next(budget).await {
                Ok(Some(page)) => {
                    count.pages += 1;
                    count.entries += page.len() as u64;
                    match count.pages {
                        1 => first = page.len(),
                        _ => count.size = Some(first),
                    }
                }
                Ok(None) => return count,
                Err(error) => {
                    count.cut = Some(error);
                    return count;
                }
            }
        }
    }
}
