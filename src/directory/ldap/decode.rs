//! What comes back from a search, taken apart without copying a value and without trusting its shape.
//!
//! ldap3's own parsers panic on anything odd (`SearchEntry::construct` on a DN that is not UTF-8, for one).

use lber::common::TagClass;
use lber::structure::{PL, StructureTag};
use thiserror::Error;

use crate::directory::entry::{Entry, RawEntry};
use crate::model::Anchor;

/// `SearchResultEntry`, `SearchResultReference` and `IntermediateResponse` (RFC 4511 4.5.2, 4.13).
const ENTRY: u64 = 4;
const REFERENCE: u64 = 19;
const INTERMEDIATE: u64 = 25;

/// One message of a search, its result apart.
#[derive(Debug)]
pub(super) enum Item<'a> {
    Entry(SentEntry<'a>),
    /// The URLs of a part of the tree that lies elsewhere.
    Reference(Vec<String>),
    Intermediate,
}

/// An entry as it lies in a message; its shape was looked through.
#[derive(Debug)]
pub(super) struct SentEntry<'a> {
    dn: &'a [u8],
    attributes: Vec<(&'a str, &'a [StructureTag])>,
}

/// A message that no LDAP server may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the server sent a search message of a broken shape ({0})")]
pub(super) struct Misshapen(&'static str);

/// Takes one message apart.
pub(super) fn item(message: &StructureTag) -> Result<Item<'_>, Misshapen> {
    match message.id {
        ENTRY => entry(message).map(Item::Entry),
        REFERENCE => {
            let urls = parts(message, "reference")?.iter().map(|url| octets(url, "reference URL"));
            let texts = urls.map(|url| url.map(|url| String::from_utf8_lossy(url).into_owned()));
            texts.collect::<Result<_, _>>().map(Item::Reference)
        }
        INTERMEDIATE => Ok(Item::Intermediate),
        _ => Err(Misshapen("unknown kind of message")),
    }
}

/// A name that is not UTF-8 is none we asked for: left out. An attribute that comes twice is kept twice.
fn entry(message: &StructureTag) -> Result<SentEntry<'_>, Misshapen> {
    let [dn, listed, ..] = parts(message, "entry")? else { return Err(Misshapen("entry without a DN or attributes")) };
    let dn = octets(dn, "DN")?;
    let listed = parts(listed, "attributes")?;
    let mut attributes = Vec::with_capacity(listed.len());
    for attribute in listed {
        let [name, values, ..] = parts(attribute, "attribute")? else {
            return Err(Misshapen("attribute without a name or values"));
        };
        let (name, values) = (octets(name, "attribute name")?, parts(values, "attribute values")?);
        for value in values {
            octets(value, "attribute value")?;
        }
        if let Ok(name) = std::str::from_utf8(name) {
            attributes.push((name, values));
        }
    }
    Ok(SentEntry { dn, attributes })
}

fn parts<'a>(tag: &'a StructureTag, what: &'static str) -> Result<&'a [StructureTag], Misshapen> {
    match &tag.payload {
        PL::C(parts) => Ok(parts),
        PL::P(_) => Err(Misshapen(what)),
    }
}

fn octets<'a>(tag: &'a StructureTag, what: &'static str) -> Result<&'a [u8], Misshapen> {
    match &tag.payload {
        PL::P(bytes) => Ok(bytes),
        PL::C(_) => Err(Misshapen(what)),
    }
}

fn bytes(values: &[StructureTag]) -> impl Iterator<Item = &[u8]> {
    values.iter().filter_map(|value| octets(value, "attribute value").ok())
}

impl Entry for SentEntry<'_> {
    fn dn(&self) -> &[u8] {
        self.dn
    }

    fn values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        let same = move |(theirs, _): &&(&str, &'a [StructureTag])| theirs.eq_ignore_ascii_case(name);
        self.attributes.iter().filter(same).flat_map(|(_, values)| bytes(values))
    }
}

impl SentEntry<'_> {
    /// A copy that outlives the message.
    pub(super) fn to_owned(&self) -> RawEntry {
        let copy = |(name, values): &(&str, &[StructureTag])| {
            ((*name).to_owned(), bytes(values).map(<[u8]>::to_vec).collect())
        };
        RawEntry { dn: self.dn.to_vec(), attributes: self.attributes.iter().map(copy).collect() }
    }
}

/// The cookie in the value of a paged results response control (RFC 2696): SEQUENCE { size, cookie }.
pub(super) fn paging_cookie(value: Option<&[u8]>) -> Result<Vec<u8>, Misshapen> {
    const WHAT: &str = "paging control";
    let (rest, tag) = lber::parse::parse_tag(value.ok_or(Misshapen(WHAT))?).map_err(|_| Misshapen(WHAT))?;
    if !rest.is_empty() || tag.class != TagClass::Universal {
        return Err(Misshapen(WHAT));
    }
    match parts(&tag, WHAT)? {
        [_, cookie] => Ok(octets(cookie, WHAT)?.to_vec()),
        _ => Err(Misshapen(WHAT)),
    }
}

/// Whether there is more, and the cookie to go on from, in the response control of DirSync: SEQUENCE { more, unused, cookie }.
pub(super) fn dirsync(value: Option<&[u8]>) -> Result<(bool, Vec<u8>), Misshapen> {
    const WHAT: &str = "DirSync control";
    let Ok(([], control)) = lber::parse::parse_tag(value.ok_or(Misshapen(WHAT))?) else { return Err(Misshapen(WHAT)) };
    let [more, _, cookie] = parts(&control, WHAT)? else { return Err(Misshapen(WHAT)) };
    let cookie = octets(cookie, WHAT)?.to_vec();
    if cookie.is_empty() {
        Err(Misshapen("DirSync control without a cookie"))
    } else {
        Ok((is_true(octets(more, WHAT)?), cookie))
    }
}

/// What an intermediate message of a synchronisation says (RFC 4533 2.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SyncInfo {
    /// Ids of entries that are gone, or of such as are still there.
    Ids { deleted: bool, ids: Vec<Anchor> },
    /// A cookie, or the end of a phase.
    Other,
}

/// The states of an entry that are not a change of it (RFC 4533 2.2).
pub(super) const PRESENT: i64 = 0;
pub(super) const DELETED: i64 = 3;

const SYNC_INFO: &[u8] = b"1.3.6.1.4.1.4203.1.9.1.4";
const SYNC: &str = "message of a synchronisation";
/// `syncIdSet`, the fourth of the choices.
const ID_SET: u64 = 3;
const BOOLEAN: u64 = 1;
const OCTET_STRING: u64 = 4;

/// Takes an intermediate message apart.
pub(super) fn sync_info(message: &StructureTag) -> Result<SyncInfo, Misshapen> {
    let [name, value, ..] = parts(message, SYNC)? else { return Err(Misshapen(SYNC)) };
    if octets(name, SYNC)? != SYNC_INFO {
        return Err(Misshapen(SYNC));
    }
    let info = whole(octets(value, SYNC)?)?;
    if info.id != ID_SET {
        return Ok(SyncInfo::Other);
    }
    let (mut deleted, mut ids) = (false, Vec::new());
    for part in parts(&info, SYNC)? {
        match (part.id, &part.payload) {
            (BOOLEAN, PL::P(value)) => deleted = is_true(value),
            (_, PL::C(set)) => ids.extend(set.iter().map(id).collect::<Result<Vec<_>, _>>()?),
            _ => {}
        }
    }
    Ok(SyncInfo::Ids { deleted, ids })
}

/// State and id of an entry, from its Sync State control.
pub(super) fn sync_state(value: &[u8]) -> Result<(i64, Anchor), Misshapen> {
    let control = whole(value)?;
    let [state, entry, ..] = parts(&control, SYNC)? else { return Err(Misshapen(SYNC)) };
    let [state] = octets(state, SYNC)? else { return Err(Misshapen(SYNC)) };
    Ok((i64::from(*state), id(entry)?))
}

/// Whether the refresh told who is gone, and not who is there, and the cookie to go on from; from the Sync Done control.
pub(super) fn sync_done(value: &[u8]) -> Result<(bool, Option<Vec<u8>>), Misshapen> {
    let control = whole(value)?;
    let (mut by_deletions, mut cookie) = (false, None);
    for part in parts(&control, SYNC)? {
        match part.id {
            BOOLEAN => by_deletions = is_true(octets(part, SYNC)?),
            OCTET_STRING => cookie = Some(octets(part, SYNC)?.to_vec()),
            _ => {}
        }
    }
    Ok((by_deletions, cookie))
}

fn is_true(value: &[u8]) -> bool {
    value.iter().any(|byte| *byte != 0)
}

fn id(tag: &StructureTag) -> Result<Anchor, Misshapen> {
    if tag.id != OCTET_STRING {
        return Err(Misshapen(SYNC));
    }
    <[u8; 16]>::try_from(octets(tag, SYNC)?).map(Anchor::from_bytes).map_err(|_| Misshapen(SYNC))
}

/// One BER value, and nothing after it.
fn whole(bytes: &[u8]) -> Result<StructureTag, Misshapen> {
    match lber::parse::parse_tag(bytes) {
        Ok(([], tag)) => Ok(tag),
        _ => Err(Misshapen(SYNC)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn primitive(bytes: &[u8]) -> StructureTag {
        StructureTag { class: TagClass::Universal, id: 4, payload: PL::P(bytes.to_vec()) }
    }

    fn constructed(id: u64, parts: Vec<StructureTag>) -> StructureTag {
        StructureTag { class: TagClass::Universal, id, payload: PL::C(parts) }
    }

    fn attribute(name: &[u8], values: &[&[u8]]) -> StructureTag {
        let values = values.iter().map(|value| primitive(value)).collect();
        constructed(16, vec![primitive(name), constructed(17, values)])
    }

    fn entry_of(dn: &[u8], attributes: Vec<StructureTag>) -> StructureTag {
        constructed(ENTRY, vec![primitive(dn), constructed(16, attributes)])
    }

    #[test]
    fn a_name_that_is_not_utf_8_costs_neither_the_entry_nor_the_read() {
        let message = entry_of(b"cn=\xff\xfe", vec![attribute(b"\xff", &[b"x"]), attribute(b"cn", &[b"a"])]);
        let Ok(Item::Entry(entry)) = item(&message) else { panic!("no entry") };
        let entry = entry.to_owned();
        assert_eq!(entry.dn, b"cn=\xff\xfe");
        assert_eq!(entry.attributes, [("cn".to_owned(), vec![b"a".to_vec()])]);
    }

    #[test]
    fn an_attribute_that_comes_twice_keeps_the_values_of_both() {
        let message = entry_of(b"cn=a", vec![attribute(b"mail", &[b"one"]), attribute(b"Mail", &[b"two"])]);
        let Ok(Item::Entry(entry)) = item(&message) else { panic!("no entry") };
        assert_eq!(entry.values("mail").collect::<Vec<_>>(), [b"one", b"two"]);
        assert_eq!((entry.dn(), entry.has("mai")), (&b"cn=a"[..], false));
    }

    #[test]
    fn an_attribute_without_values_is_there() {
        let message = entry_of(b"cn=a", vec![attribute(b"member", &[])]);
        let Ok(Item::Entry(entry)) = item(&message) else { panic!("no entry") };
        assert_eq!(entry.to_owned().attributes, [("member".to_owned(), vec![])]);
    }

    #[test]
    fn a_reference_is_told_from_an_entry() {
        let message = constructed(REFERENCE, vec![primitive(b"ldap://elsewhere/dc=x")]);
        assert!(matches!(item(&message), Ok(Item::Reference(urls)) if urls == ["ldap://elsewhere/dc=x"]));
    }

    #[test]
    fn a_broken_shape_is_an_error_and_no_panic() {
        for broken in [
            primitive(b"x"),
            constructed(ENTRY, vec![]),
            constructed(ENTRY, vec![primitive(b"cn=a")]),
            constructed(ENTRY, vec![primitive(b"cn=a"), primitive(b"")]),
            constructed(ENTRY, vec![constructed(16, vec![]), constructed(16, vec![])]),
            entry_of(b"cn=a", vec![constructed(16, vec![primitive(b"cn")])]),
            entry_of(b"cn=a", vec![constructed(16, vec![primitive(b"cn"), primitive(b"")])]),
            constructed(REFERENCE, vec![constructed(16, vec![])]),
        ] {
            assert!(item(&broken).is_err());
        }
    }

    #[test]
    fn the_cookie_is_the_second_field_of_the_control() {
        assert_eq!(paging_cookie(Some(&[0x30, 6, 2, 1, 0, 4, 1, 7])), Ok(vec![7]));
        assert_eq!(paging_cookie(Some(&[0x30, 5, 2, 1, 0, 4, 0])), Ok(vec![]));
    }

    #[test]
    fn dirsync_tells_of_more_and_never_gives_an_empty_cookie() {
        assert_eq!(dirsync(Some(&[0x30, 9, 2, 1, 1, 2, 1, 0, 4, 1, 7])), Ok((true, vec![7])));
        assert_eq!(dirsync(Some(&[0x30, 9, 2, 1, 0, 2, 1, 0, 4, 1, 7])), Ok((false, vec![7])));
        assert!(dirsync(Some(&[0x30, 8, 2, 1, 0, 2, 1, 0, 4, 0])).is_err());
        assert!(dirsync(Some(b"")).is_err() && dirsync(None).is_err());
    }

    proptest! {
        #[test]
        fn no_control_value_makes_the_cookie_parser_panic(
            value in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..40)),
        ) {
            let _ = paging_cookie(value.as_deref());
        }
    }
}
