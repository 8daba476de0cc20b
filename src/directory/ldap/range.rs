//! Range retrieval (MS-ADTS 3.1.1.3.1.3.3): an attribute with many values comes in parts until one ends in `*`.

use super::budget::Budget;
use super::failure::fault;
use super::session::Session;
use crate::directory::entry::RawEntry;
use crate::ports::{Persistence, ReadError};

/// More parts than any group has: a server that sends one value a part is not followed for ever.
const MOST_PARTS: u32 = 100_000;

/// Makes a ranged attribute whole: reads the parts that are missing and puts all values under the plain name.
pub(super) async fn complete(
    session: &Session,
    entry: &mut RawEntry,
    name: &str,
    budget: &Budget,
) -> Result<(), ReadError> {
    let Some(mut part) = take(entry, name) else { return Ok(()) };
    let dn = String::from_utf8_lossy(&entry.dn).into_owned();
    let doing = format!("Could not read all values of {name:?} of {dn:?}");
    let broken = |said: &str| fault(&doing, &session.connection.url, said, "", Persistence::Transient);
    let mut values = Vec::new();
    for _ in 0..MOST_PARTS {
        if part.low != count(&values) {
            return Err(broken("the server left some out"));
        }
        values.append(&mut part.values);
        let Some(high) = part.high else {
            entry.attributes.push((name.to_owned(), values));
            return Ok(());
        };
        if u64::from(high) + 1 != count(&values) {
            return Err(broken("the server sent another number than it said"));
        }
        let asked = [format!("{name};range={}-*", count(&values))];
        let mut next = session
            .connection
            .entry(&doing, &dn, &asked, budget)
            .await?
            .ok_or_else(|| broken("the entry went away meanwhile"))?;
        part = take(&mut next, name).ok_or_else(|| broken("the server stopped in the middle"))?;
    }
    Err(broken("there is no end of parts"))
}

struct Part {
    low: u64,
    /// None: the last one.
    high: Option<u32>,
    values: Vec<Vec<u8>>,
}

fn count(values: &[Vec<u8>]) -> u64 {
    u64::try_from(values.len()).unwrap_or(u64::MAX)
}

/// Takes the ranged part out of an entry, and with it the empty plain attribute that comes beside it.
fn take(entry: &mut RawEntry, name: &str) -> Option<Part> {
    let range = entry.ranged(name)?;
    let (low, high) = (u64::from(range.low), range.high);
    let is_part = |theirs: &str| theirs.split(';').next().is_some_and(|base| base.eq_ignore_ascii_case(name));
    let values = entry
        .attributes
        .iter_mut()
        .find(|(theirs, values)| theirs.contains(';') && is_part(theirs) && !values.is_empty())
        .map(|(_, values)| std::mem::take(values))
        .unwrap_or_default();
    entry.attributes.retain(|(theirs, _)| !is_part(theirs));
    Some(Part { low, high, values })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(attributes: &[(&str, &[&str])]) -> RawEntry {
        let attributes = attributes
            .iter()
            .map(|(name, values)| ((*name).to_owned(), values.iter().map(|value| value.as_bytes().to_vec()).collect()))
            .collect();
        RawEntry { dn: b"cn=g".to_vec(), attributes }
    }

    #[test]
    fn a_part_is_taken_with_the_empty_attribute_beside_it() {
        let mut group = entry(&[("member", &[]), ("cn", &["g"]), ("Member;range=0-1", &["a", "b"])]);
        let part = take(&mut group, "member").unwrap();
        assert_eq!((part.low, part.high, part.values.len()), (0, Some(1), 2));
        assert_eq!(group, entry(&[("cn", &["g"])]));
    }

    #[test]
    fn an_attribute_that_came_whole_stays_as_it_is() {
        let mut group = entry(&[("member", &["a"])]);
        assert!(take(&mut group, "member").is_none());
        assert_eq!(group, entry(&[("member", &["a"])]));
    }
}
