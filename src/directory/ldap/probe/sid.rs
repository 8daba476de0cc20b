//! Security identifiers (MS-DTYP 2.4.2): what Active Directory calls accounts and groups by.

/// `S-1-5-21-...` out of the bytes of `objectSid` and `tokenGroups`; None where they are none.
pub(super) fn text(bytes: &[u8]) -> Option<String> {
    let (head, subs) = bytes.split_at_checked(8)?;
    if head[0] != 1 || subs.len() != usize::from(head[1]) * 4 {
        return None;
    }
    let authority = head[2..].iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    let mut text = format!("S-1-{authority}");
    for sub in subs.chunks_exact(4) {
        let number = sub.iter().rev().fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte));
        text.push_str(&format!("-{number}"));
    }
    Some(text)
}

/// The groups that may do anything in a domain or forest, by what every domain numbers them (MS-ADTS 6.1.1.6): whoever
/// only reads is in none of them.
pub(super) fn is_mighty(sid: &str) -> bool {
    const ADMINISTRATORS: &str = "S-1-5-32-544";
    const DOMAIN_SCHEMA_ENTERPRISE_ADMINS: [&str; 3] = ["512", "518", "519"];
    let of_a_domain = || {
        let relative = sid.strip_prefix("S-1-5-21-").and_then(|rest| rest.rsplit('-').next());
        relative.is_some_and(|number| DOMAIN_SCHEMA_ENTERPRISE_ADMINS.contains(&number))
    };
    sid == ADMINISTRATORS || of_a_domain()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOMAIN_ADMINS: [u8; 28] = [
        1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 0x83, 0xfb, 0xf9, 0x42, 0xe3, 0x1c, 0x58, 0x5e, 0x53, 0x1a, 0xd7, 0x1a, 0,
        2, 0, 0,
    ];

    #[test]
    fn bytes_are_written_as_windows_writes_them() {
        assert_eq!(text(&DOMAIN_ADMINS).as_deref(), Some("S-1-5-21-1123679107-1582832867-450304595-512"));
        assert_eq!(text(&[1, 1, 0, 0, 0, 0, 0, 5, 7, 0, 0, 0]).as_deref(), Some("S-1-5-7"));
        for odd in [&DOMAIN_ADMINS[..27], &DOMAIN_ADMINS[..7], &[], &[2, 0, 0, 0, 0, 0, 0, 5]] {
            assert_eq!(text(odd), None, "{odd:?}");
        }
    }

    #[test]
    fn only_groups_that_may_do_anything_are_mighty() {
        for mighty in ["S-1-5-32-544", "S-1-5-21-1-2-3-512", "S-1-5-21-1-2-3-518", "S-1-5-21-1-2-3-519"] {
            assert!(is_mighty(mighty), "{mighty}");
        }
        for other in ["S-1-5-21-1-2-3-513", "S-1-5-32-545", "S-1-5-32-512", "S-1-5-21-1-2-3-1512"] {
            assert!(!is_mighty(other), "{other}");
        }
    }
}
