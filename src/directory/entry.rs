//! One raw object of a directory: bytes as the server or the file gave them.

use std::str;

use thiserror::Error;

/// An entry before anybody has made sense of it. Any bytes may stand anywhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawEntry {
    pub dn: Vec<u8>,
    /// Names as the server spells them, options included; a name may come more than once, or without values.
    pub attributes: Vec<(String, Vec<Vec<u8>>)>,
}

/// A value that is no UTF-8 text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the value is not UTF-8")]
pub struct Malformed;

/// Part of an attribute with many values: `member;range=0-1499` (MS-ADTS 3.1.1.3.1.3.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range<'a> {
    pub low: u32,
    /// None: `*`, this is the last part.
    pub high: Option<u32>,
    pub values: &'a [Vec<u8>],
}

/// What an entry is asked, whether it owns its bytes or shows them where a server's answer has them.
pub trait Entry {
    /// As the server spells it.
    fn dn(&self) -> &[u8];

    /// All values of an attribute, whatever the case of its name and however often it comes. Attributes with options
    /// (`cn;lang-ja`, `member;range=0-9`) are others.
    fn values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]>;

    /// The first value, in the order given.
    fn first(&self, name: &str) -> Option<&[u8]> {
        self.values(name).next()
    }

    /// The first value as text.
    fn text(&self, name: &str) -> Option<Result<&str, Malformed>> {
        self.first(name).map(|value| str::from_utf8(value).map_err(|_| Malformed))
    }

    /// Has the attribute with at least one value.
    fn has(&self, name: &str) -> bool {
        self.first(name).is_some()
    }

    /// Has this value among those of the attribute, compared as ASCII without case (`objectClass`, `TRUE`).
    fn says(&self, name: &str, value: &str) -> bool {
        self.values(name).any(|theirs| theirs.eq_ignore_ascii_case(value.as_bytes()))
    }

    /// Deleted: Active Directory's own mark on a tombstone (MS-ADTS 3.1.1.5.5).
    fn is_deleted(&self) -> bool {
        self.says("isDeleted", "TRUE")
    }
}

impl Entry for RawEntry {
    fn dn(&self) -> &[u8] {
        &self.dn
    }

    fn values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        let same = move |(theirs, _): &&(String, Vec<Vec<u8>>)| theirs.eq_ignore_ascii_case(name);
        self.attributes.iter().filter(same).flat_map(|(_, values)| values.iter().map(Vec::as_slice))
    }
}

impl RawEntry {
    /// The part of an attribute that came under a range option, if one did. Of several, the first.
    #[must_use]
    pub fn ranged(&self, name: &str) -> Option<Range<'_>> {
        self.attributes.iter().find_map(|(theirs, values)| {
            let (low, high) = range_of(theirs, name)?;
            Some(Range { low, high, values })
        })
    }
}

/// The bounds in `NAME;range=LOW-HIGH`, where `theirs` is one for `name`.
fn range_of(theirs: &str, name: &str) -> Option<(u32, Option<u32>)> {
    const OPTION: &str = "range=";
    let mut parts = theirs.split(';');
    if !parts.next()?.eq_ignore_ascii_case(name) {
        return None;
    }
    let option = parts.find(|part| {
        part.len() >= OPTION.len() && part.as_bytes()[..OPTION.len()].eq_ignore_ascii_case(OPTION.as_bytes())
    })?;
    let (low, high) = option.get(OPTION.len()..)?.split_once('-')?;
    let high = if high == "*" { None } else { Some(high.parse().ok()?) };
    Some((low.parse().ok()?, high))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(attributes: &[(&str, &[&str])]) -> RawEntry {
        let attributes = attributes
            .iter()
            .map(|(name, values)| ((*name).to_owned(), values.iter().map(|value| value.as_bytes().to_vec()).collect()))
            .collect();
        RawEntry { dn: b"cn=x".to_vec(), attributes }
    }

    #[test]
    fn an_attribute_that_comes_twice_in_two_spellings_is_one() {
        let entry = entry(&[("MAIL", &["a"]), ("cn", &["x"]), ("mail", &["b"]), ("mail;lang-de", &["c"])]);
        assert_eq!(entry.values("Mail").collect::<Vec<_>>(), [b"a", b"b"]);
        assert_eq!(entry.first("mail"), Some(b"a".as_slice()));
    }

    #[test]
    fn an_attribute_without_values_is_not_had() {
        let empty = entry(&[("member", &[]), ("member;range=0-1", &["a", "b"])]);
        assert!(!empty.has("member"));
        assert!(entry(&[("member", &[]), ("Member", &["a"])]).has("member"));
    }

    #[test]
    fn a_range_tells_its_bounds_and_whether_it_is_the_last() {
        let part = entry(&[("member", &[]), ("Member;Range=0-1499", &["a"])]);
        let range = part.ranged("member").unwrap();
        assert_eq!((range.low, range.high, range.values.len()), (0, Some(1499), 1));
        let last = entry(&[("member;range=1500-*", &["a"])]);
        assert_eq!(last.ranged("member").map(|range| (range.low, range.high)), Some((1500, None)));
        assert_eq!(last.ranged("memberOf"), None);
    }

    #[test]
    fn an_odd_range_option_is_none() {
        for odd in
            ["member;range=", "member;range=1", "member;range=a-b", "member;rängé=0-1", "member;range=0-99999999999"]
        {
            assert_eq!(entry(&[(odd, &["a"])]).ranged("member"), None, "{odd}");
        }
    }

    #[test]
    fn a_value_that_is_no_text_is_malformed_and_none_is_none() {
        let mut odd = entry(&[]);
        odd.attributes.push(("cn".to_owned(), vec![vec![0xff]]));
        assert_eq!(odd.text("cn"), Some(Err(Malformed)));
        assert_eq!(odd.text("sn"), None);
    }
}
