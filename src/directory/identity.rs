//! The anchor of an entry: the directory's own immutable id, in the form each kind keeps it.

use std::str;

use uuid::Uuid;

use super::entry::Entry;
use crate::model::snapshot::Kind;
use crate::model::{Anchor, Defect, Dn};

/// Why an entry has no anchor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unanchored {
    pub attribute: String,
    pub reason: Defect,
}

/// The attributes in which a kind keeps its anchors, the first that is there counts.
#[must_use]
pub const fn anchor_attributes(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::ActiveDirectory => &["objectGUID"],
        Kind::OpenLdap => &["entryUUID"],
        // Not its entryUUID: newer versions have one, for those entries alone that were made since.
        Kind::Ds389 => &["nsUniqueId"],
        Kind::Ldif => &["entryUUID", "objectGUID", "nsUniqueId"],
    }
}

/// The kind's own anchor of an entry. In a file without any, the DN makes one: then a rename makes another person.
///
/// # Errors
/// Where the server gave none, or one that cannot be read.
pub fn own_anchor(kind: Kind, entry: &impl Entry, dn: &Dn) -> Result<Anchor, Unanchored> {
    let names = anchor_attributes(kind);
    match names.iter().find(|name| entry.has(name)) {
        Some(name) => anchor_in(kind, entry, name),
        None if kind == Kind::Ldif => Ok(Anchor::of_dn(dn)),
        None => Err(Unanchored { attribute: names[0].to_owned(), reason: Defect::Missing }),
    }
}

/// The anchor in one attribute of an entry: exactly one value, 16 bytes or a UUID's text.
///
/// # Errors
/// Where there is none, or one that cannot be read.
pub fn anchor_in(kind: Kind, entry: &impl Entry, name: &str) -> Result<Anchor, Unanchored> {
    let mut values = entry.values(name);
    let failed = |reason| Unanchored { attribute: name.to_owned(), reason };
    let value = values.next().ok_or_else(|| failed(Defect::Missing))?;
    if values.next().is_some() {
        return Err(failed(Defect::Malformed));
    }
    read_anchor(kind, value).ok_or_else(|| failed(Defect::Malformed))
}

/// Reads an anchor's value. Sixteen bytes are in Windows' order wherever Windows may have written them.
fn read_anchor(kind: Kind, value: &[u8]) -> Option<Anchor> {
    if let Ok(bytes) = <[u8; 16]>::try_from(value) {
        let is_windows = matches!(kind, Kind::ActiveDirectory | Kind::Ldif);
        return Some(if is_windows { Anchor::from_guid_le(bytes) } else { Anchor::from_bytes(bytes) });
    }
    let text = str::from_utf8(value).ok()?.trim();
    text.parse().ok().or_else(|| {
        // 389 DS 2.3 groups the digits its own way: 3e7d3e0c-e6f411f1-9f95ec0e-b9a6ed99.
        let digits: String = text.chars().filter(|digit| *digit != '-').collect();
        Uuid::try_parse(&digits).ok().map(Anchor::from)
    })
}

/// An anchor as a server of this kind writes it where it keeps it as text.
#[must_use]
pub fn anchor_text(kind: Kind, anchor: Anchor) -> String {
    if kind != Kind::Ds389 {
        return anchor.to_string();
    }
    let digits = anchor.to_string().replace('-', "");
    let groups = digits.as_bytes().chunks(8).map(|group| String::from_utf8_lossy(group).into_owned());
    groups.collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::entry::RawEntry;

    const STORED: [u8; 16] =
        [0x53, 0xf3, 0xad, 0x92, 0xf9, 0x9f, 0x9d, 0x45, 0xb9, 0x7f, 0xc4, 0x8e, 0x21, 0xda, 0xdb, 0xf8];

    fn entry(name: &str, values: &[&[u8]]) -> RawEntry {
        let values = values.iter().map(|value| value.to_vec()).collect();
        RawEntry { dn: b"cn=a,dc=x".to_vec(), attributes: vec![(name.to_owned(), values)] }
    }

    fn own(kind: Kind, entry: &RawEntry) -> Result<String, Unanchored> {
        own_anchor(kind, entry, &Dn::parse("cn=a,dc=x").unwrap()).map(|anchor| anchor.to_string())
    }

    #[test]
    fn each_kind_keeps_its_anchor_in_its_own_form() {
        let guid = "92adf353-9ff9-459d-b97f-c48e21dadbf8";
        let unique = entry("nsuniqueid", &[b"3e7d3e0c-e6f411f1-9f95ec0e-b9a6ed99"]);
        assert_eq!(own(Kind::ActiveDirectory, &entry("objectGUID", &[&STORED])).unwrap(), guid);
        assert_eq!(own(Kind::OpenLdap, &entry("entryUUID", &[guid.as_bytes()])).unwrap(), guid);
        assert_eq!(own(Kind::Ldif, &entry("objectGUID", &[&STORED])).unwrap(), guid);
        assert_eq!(own(Kind::Ldif, &entry("objectGUID", &[guid.as_bytes()])).unwrap(), guid);
        assert_eq!(own(Kind::Ldif, &unique).unwrap(), "3e7d3e0c-e6f4-11f1-9f95-ec0eb9a6ed99");
        assert_eq!(own(Kind::Ds389, &unique).unwrap(), "3e7d3e0c-e6f4-11f1-9f95-ec0eb9a6ed99");
    }

    #[test]
    fn an_anchor_is_asked_for_as_its_server_writes_it() {
        let anchor: Anchor = "3e7d3e0c-e6f4-11f1-9f95-ec0eb9a6ed99".parse().unwrap();
        assert_eq!(anchor_text(Kind::Ds389, anchor), "3e7d3e0c-e6f411f1-9f95ec0e-b9a6ed99");
        assert_eq!(anchor_text(Kind::OpenLdap, anchor), anchor.to_string());
    }

    #[test]
    fn an_anchor_that_is_not_there_is_missing_and_an_odd_one_malformed() {
        let reason = |entry: &RawEntry| own(Kind::ActiveDirectory, entry).unwrap_err().reason;
        assert_eq!(reason(&entry("cn", &[b"a"])), Defect::Missing);
        assert_eq!(reason(&entry("objectGUID", &[&STORED[..15]])), Defect::Malformed);
        assert_eq!(reason(&entry("objectGUID", &[&STORED, &[0; 16]])), Defect::Malformed);
    }

    #[test]
    fn a_file_without_anchors_gives_one_for_all_spellings_of_a_dn() {
        let spellings = ["cn=a,dc=x", "CN=A, DC=X", "2.5.4.3=a,dc=x"];
        let anchors: std::collections::BTreeSet<Anchor> =
            spellings.iter().map(|text| Anchor::of_dn(&Dn::parse(text).unwrap())).collect();
        assert_eq!(anchors.len(), 1);
        assert_eq!(own(Kind::Ldif, &entry("cn", &[b"a"])).unwrap(), anchors.first().unwrap().to_string());
    }
}
