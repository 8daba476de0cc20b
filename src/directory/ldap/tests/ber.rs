//! For the server of the tests: the part of BER that LDAP uses (RFC 4511 5.1).

pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTETS: u8 = 0x04;
pub(super) const ENUMERATED: u8 = 0x0a;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;
pub(super) const BIND_RESPONSE: u8 = 0x61;
pub(super) const ENTRY: u8 = 0x64;
pub(super) const SEARCH_DONE: u8 = 0x65;
pub(super) const REFERENCE: u8 = 0x73;
pub(super) const EXTENDED_RESPONSE: u8 = 0x78;

/// Takes the first element off `bytes`: its tag and content. None where it is not all there yet.
pub(super) fn take<'a>(bytes: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let [tag, first, rest @ ..] = bytes else { return None };
    let (length, rest) = match usize::from(*first) {
        short @ 0..=0x7f => (short, rest),
        long => {
            let (octets, rest) = rest.split_at_checked(long - 0x80)?;
            (octets.iter().fold(0, |sum, octet| sum << 8 | usize::from(*octet)), rest)
        }
    };
    let (content, rest) = rest.split_at_checked(length)?;
    let taken = (*tag, content);
    *bytes = rest;
    Some(taken)
}

/// A whole number that is not negative.
pub(super) fn unsigned(content: &[u8]) -> u32 {
    content.iter().fold(0, |sum, octet| sum << 8 | u32::from(*octet))
}

/// One element.
pub(super) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut whole = vec![tag];
    match u8::try_from(content.len()) {
        Ok(short) if short < 0x80 => whole.push(short),
        _ => {
            whole.push(0x84);
            whole.extend(u32::try_from(content.len()).unwrap().to_be_bytes());
        }
    }
    whole.extend(content);
    whole
}

/// A whole number, in five octets: none is negative.
pub(super) fn number(tag: u8, number: u32) -> Vec<u8> {
    element(tag, &[&[0][..], &number.to_be_bytes()].concat())
}
