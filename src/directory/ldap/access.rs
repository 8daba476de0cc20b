//! Whether an account may read the members of a group in Active Directory, as the group's own security descriptor says it: a
//! group whose `member` is closed to the account looks like an empty one, and no search tells the two apart (Samba 4.17
//! evaluates filters as if a hidden attribute were not there).

use std::collections::BTreeSet;

use ldap3::Scope;
use ldap3::controls::RawControl;

use super::budget::Budget;
use super::search::Query;
use super::session::Session;
use crate::directory::entry::Entry as _;
use crate::model::Dn;
use crate::ports::ReadError;

const DESCRIPTOR: &str = "nTSecurityDescriptor";
const TOKEN: &str = "tokenGroups";
/// Asks for a part of a descriptor (MS-ADTS 3.1.1.3.4.1.11); only this part may be read without being an auditor.
const SD_FLAGS: &str = "1.2.840.113556.1.4.801";
/// `SEQUENCE { INTEGER 4 }`: the access list alone.
const ACCESS_LIST: [u8; 5] = [0x30, 3, 2, 1, 4];

/// The attribute `member`, and the property set Membership to which it belongs ([MS-ADA2] 2.44), as descriptors write them.
const MEMBER: [[u8; 16]; 2] = [
    [0xc0, 0x79, 0x96, 0xbf, 0xe6, 0x0d, 0xd0, 0x11, 0xa2, 0x85, 0x00, 0xaa, 0x00, 0x30, 0x49, 0xe2],
    [0x40, 0xc2, 0x0a, 0xbc, 0xa9, 0x79, 0xd0, 0x11, 0x90, 0x20, 0x00, 0xc0, 0x4f, 0xc2, 0xd4, 0xcf],
];

/// To read a property, to read anything, to do anything (MS-DTYP 2.4.3, MS-ADTS 5.1.3.2).
const READS: u32 = 0x10 | 0x8000_0000 | 0x1000_0000;

/// Whether the group's access list closes `member` to the account. False also where it cannot be told: the list, or what the
/// account is, cannot be read.
///
/// # Errors
/// Where the server could not be asked.
pub(super) async fn closes_members(session: &Session, group: &Dn, budget: &Budget) -> Result<bool, ReadError> {
    let doing = "Could not find out whether the members of a group may be read";
    let token = session.connection.entry(doing, "", &[TOKEN.to_owned()], budget).await?;
    let token: BTreeSet<&[u8]> = token.iter().flat_map(|root| root.values(TOKEN)).collect();
    let query = Query {
        base: group.as_str(),
        scope: Scope::Base,
        filter: "(objectClass=*)",
        attributes: &[DESCRIPTOR.to_owned()],
        controls: vec![RawControl { ctype: SD_FLAGS.to_owned(), crit: false, val: Some(ACCESS_LIST.to_vec()) }],
    };
    let entries = session.connection.entries(doing, &query, budget).await?;
    let descriptor = entries.first().and_then(|entry| entry.first(DESCRIPTOR));
    Ok(!token.is_empty() && descriptor.and_then(|bytes| may_read(bytes, &token)) == Some(false))
}

/// Walks the access list as the server does: the first entry that speaks of the right to one of these identifiers decides, and
/// what nobody speaks of is refused (MS-ADTS 5.1.3.3). None: the descriptor cannot be read, or an entry holds under a
/// condition that only the server can judge.
fn may_read(descriptor: &[u8], token: &BTreeSet<&[u8]>) -> Option<bool> {
    const HAS_LIST: u16 = 4;
    let control = u16::from_le_bytes(bytes(descriptor, 2)?);
    let at = usize::try_from(u32::from_le_bytes(bytes(descriptor, 16)?)).ok()?;
    if control & HAS_LIST == 0 || at == 0 {
        return Some(true);
    }
    let list = descriptor.get(at..)?;
    let count = u16::from_le_bytes(bytes(list, 4)?);
    let mut rest = list.get(8..)?;
    for _ in 0..count {
        let size = usize::from(u16::from_le_bytes(bytes(rest, 2)?));
        let (ace, after) = rest.split_at_checked(size.max(4))?;
        match speaks(ace, token)? {
            Word::Nothing => {}
            Word::Allows => return Some(true),
            Word::Refuses => return Some(false),
        }
        rest = after;
    }
    Some(false)
}

/// What one entry of an access list says of reading `member`.
enum Word {
    Nothing,
    Allows,
    Refuses,
}

/// Reads one entry (MS-DTYP 2.4.4). None: it is broken, or conditional and about this right.
///
/// | type | is |
/// |---|---|
/// | 0, 5, 9, 11 | allowed; of an object; under a condition; both |
/// | 1, 6, 10, 12 | the same, refused |
fn speaks(ace: &[u8], token: &BTreeSet<&[u8]>) -> Option<Word> {
    const ONLY_INHERITED: u8 = 8;
    let [kind, flags] = bytes(ace, 0)?;
    let (is_allowed, of_object, has_condition) = match kind {
        0 => (true, false, false),
        5 => (true, true, false),
        9 => (true, false, true),
        11 => (true, true, true),
        1 => (false, false, false),
        6 => (false, true, false),
        10 => (false, false, true),
        12 => (false, true, true),
        _ => return Some(Word::Nothing),
    };
    let mask = u32::from_le_bytes(bytes(ace, 4)?);
    if flags & ONLY_INHERITED != 0 || mask & READS == 0 {
        return Some(Word::Nothing);
    }
    let (object, who) = if of_object { object(ace)? } else { (None, 8) };
    let about_members = object.is_none_or(|guid| MEMBER.contains(&guid));
    let subs = usize::from(*ace.get(who + 1)?);
    let is_ours = token.contains(ace.get(who..who + 8 + 4 * subs)?);
    match (about_members && is_ours, has_condition) {
        (false, _) => Some(Word::Nothing),
        (true, true) => None,
        (true, false) => Some(if is_allowed { Word::Allows } else { Word::Refuses }),
    }
}

/// The attribute or set an entry is about, None for all, and where the identifier begins.
fn object(ace: &[u8]) -> Option<(Option<[u8; 16]>, usize)> {
    const HAS_TYPE: u32 = 1;
    const HAS_INHERITED_TYPE: u32 = 2;
    let present = u32::from_le_bytes(bytes(ace, 8)?);
    let guid = if present & HAS_TYPE == 0 { None } else { Some(bytes(ace, 12)?) };
    let types = usize::from(guid.is_some()) + usize::from(present & HAS_INHERITED_TYPE != 0);
    Some((guid, 12 + 16 * types))
}

fn bytes<const N: usize>(from: &[u8], at: usize) -> Option<[u8; N]> {
    from.get(at..at.checked_add(N)?)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Authenticated users, everyone.
    const USERS: [u8; 12] = [1, 1, 0, 0, 0, 0, 0, 5, 11, 0, 0, 0];
    const EVERYONE: [u8; 12] = [1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0];
    const OTHER: [u8; 16] = [7; 16];

    fn ace(kind: u8, flags: u8, mask: u32, objects: Option<(u32, &[[u8; 16]])>, who: &[u8]) -> Vec<u8> {
        let mut body = mask.to_le_bytes().to_vec();
        if let Some((present, guids)) = objects {
            body.extend(present.to_le_bytes());
            body.extend(guids.concat());
        }
        body.extend(who);
        let size = u16::try_from(body.len() + 4).unwrap().to_le_bytes();
        [&[kind, flags][..], &size, &body].concat()
    }

    fn descriptor(aces: &[Vec<u8>]) -> Vec<u8> {
        let body = aces.concat();
        let size = u16::try_from(body.len() + 8).unwrap().to_le_bytes();
        let count = u16::try_from(aces.len()).unwrap().to_le_bytes();
        let head = [1, 0, 4, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0];
        [&head[..], &[4, 0], &size, &count, &[0, 0], &body].concat()
    }

    fn read(aces: &[Vec<u8>]) -> Option<bool> {
        may_read(&descriptor(aces), &BTreeSet::from([&USERS[..], &[1, 1, 0, 0, 0, 0, 0, 5, 7, 0, 0, 0]]))
    }

    #[test]
    fn the_first_entry_about_the_account_and_the_members_decides() {
        let all = ace(0, 0, 0x0002_0094, None, &USERS);
        let closed = ace(6, 0, 0x10, Some((1, &[MEMBER[0]])), &USERS);
        assert_eq!(read(std::slice::from_ref(&all)), Some(true));
        assert_eq!(read(&[closed.clone(), all.clone()]), Some(false));
        assert_eq!(read(&[all.clone(), closed]), Some(true), "the order is the server's");
        for nothing in [
            ace(6, 0, 0x10, Some((1, &[OTHER])), &USERS),
            ace(6, 0, 0x20, Some((1, &[MEMBER[0]])), &USERS),
            ace(6, 8, 0x10, Some((1, &[MEMBER[0]])), &USERS),
            ace(6, 0, 0x10, Some((1, &[MEMBER[0]])), &EVERYONE),
            ace(6, 0, 0x10, Some((1, &[OTHER])), &USERS),
            ace(17, 0, 0x10, None, &USERS),
        ] {
            assert_eq!(read(&[nothing.clone(), all.clone()]), Some(true), "{nothing:?}");
        }
        for closed in [
            ace(1, 0, 0x10, None, &USERS),
            ace(6, 0, 0x10, Some((1, &[MEMBER[1]])), &USERS),
            ace(6, 0, 0x10, Some((0, &[])), &USERS),
            ace(6, 0, 0x10, Some((3, &[MEMBER[0], OTHER])), &USERS),
            ace(6, 0, 0x10, Some((2, &[OTHER])), &USERS),
        ] {
            assert_eq!(read(&[closed.clone(), all.clone()]), Some(false), "{closed:?}");
        }
    }

    #[test]
    fn what_nobody_speaks_of_is_refused_and_without_a_list_nothing_is() {
        assert_eq!(read(&[]), Some(false));
        assert_eq!(read(&[ace(0, 0, 0x10, None, &EVERYONE)]), Some(false));
        let mut none = descriptor(&[]);
        none[2] = 0;
        assert_eq!(may_read(&none, &BTreeSet::new()), Some(true));
    }

    #[test]
    fn a_condition_is_not_judged() {
        assert_eq!(read(&[ace(9, 0, 0x10, None, &USERS), ace(1, 0, 0x10, None, &USERS)]), None);
        assert_eq!(read(&[ace(9, 0, 0x10, None, &EVERYONE), ace(1, 0, 0x10, None, &USERS)]), Some(false));
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_odd(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in 0_usize..120) {
            let token = BTreeSet::from([&USERS[..]]);
            let _ = may_read(&bytes, &token);
            let whole = descriptor(&[ace(6, 0, 0x10, Some((1, &[MEMBER[0]])), &USERS)]);
            let _ = may_read(&whole[..at.min(whole.len())], &token);
            let mut spoilt = whole.clone();
            bytes.iter().take(8).for_each(|byte| {
                let place = (at + usize::from(*byte)) % spoilt.len();
                spoilt[place] = *byte;
            });
            let _ = may_read(&spoilt, &token);
        }
    }
}
