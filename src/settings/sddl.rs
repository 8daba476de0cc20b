//! An access list of Windows as text (SDDL), read: who may do what. Pure, so that every system's tests prove it.

/// `NT SERVICE\TrustedInstaller`, and what stands for the owner, who is looked at on its own.
const TRUSTED: &[&str] = &[
    "SY",
    "S-1-5-18",
    "BA",
    "S-1-5-32-544",
    "DA",
    "EA",
    "LA",
    "CO",
    "S-1-3-0",
    "OW",
    "S-1-3-4",
    "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464",
];

/// Administrators of the domain, by the end of their id: its own 500, Domain Admins, Enterprise Admins.
const TRUSTED_OF_A_DOMAIN: &[&str] = &["-500", "-512", "-519"];

/// Groups that the service is in, whatever account it runs as.
const GROUPS_OF_THE_SERVICE: &[&str] = &["WD", "S-1-1-0", "AU", "S-1-5-11", "SU", "S-1-5-6", "BU", "S-1-5-80-0"];

const READ: u32 = 0x1;
/// To write, append, delete what is in it, delete it; to change list and owner.
const CHANGE: u32 = 0x2 | 0x4 | 0x40 | 0x1_0000 | 0x4_0000 | 0x8_0000;
const GENERIC_READ: u32 = 0x8000_0000;
const GENERIC_WRITE: u32 = 0x4000_0000;
const GENERIC_ALL: u32 = 0x1000_0000;

/// What somebody may not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    Write,
    Any,
}

impl Right {
    const fn mask(self) -> u32 {
        let write = CHANGE | GENERIC_WRITE | GENERIC_ALL;
        match self {
            Self::Write => write,
            Self::Any => write | READ | GENERIC_READ,
        }
    }
}

/// Who has the right beside the system, administrators and `ours`: the service and this process's account. An owner counts:
/// it can give itself every right.
#[must_use]
pub fn others(sddl: &str, right: Right, ours: &[&str]) -> Vec<String> {
    let (owner, list) = parts(sddl);
    let is_trusted = |id: &str| {
        let of_a_domain = id.starts_with("S-1-5-21-") && TRUSTED_OF_A_DOMAIN.iter().any(|end| id.ends_with(end));
        TRUSTED.contains(&id) || ours.contains(&id) || of_a_domain
    };
    let Some(list) = list else { return vec!["WD".to_owned()] };
    let mut found: Vec<String> = entries(list)
        .filter(|entry| entry.mask & right.mask() != 0 && !is_trusted(entry.who))
        .map(|entry| entry.who.to_owned())
        .collect();
    found.extend(owner.filter(|owner| !is_trusted(owner)).map(str::to_owned));
    found.sort();
    found.dedup();
    found
}

/// Whether the list names this account, and what it lets it and the groups of every service read.
#[must_use]
pub fn lets_read(sddl: &str, account: &str) -> bool {
    let Some(list) = parts(sddl).1 else { return true };
    entries(list)
        .filter(|entry| entry.who == account || GROUPS_OF_THE_SERVICE.contains(&entry.who))
        .any(|entry| entry.mask & (READ | GENERIC_READ | GENERIC_ALL) != 0)
}

/// Whether the list names this account at all.
#[must_use]
pub fn names(sddl: &str, account: &str) -> bool {
    parts(sddl).1.is_some_and(|list| entries(list).any(|entry| entry.who == account))
}

/// An entry that allows, and applies to the file itself.
struct Allowed<'a> {
    mask: u32,
    who: &'a str,
}

/// The owner, and the access list; None where there is no list, which lets everyone do everything.
fn parts(sddl: &str) -> (Option<&str>, Option<&str>) {
    let owner = sddl.strip_prefix("O:").map(|rest| &rest[..rest.find(':').map_or(rest.len(), |at| at - 1)]);
    let list = sddl.find("D:").map(|at| &sddl[at + 2..]).filter(|list| !list.starts_with("NO_ACCESS_CONTROL"));
    (owner.filter(|owner| !owner.is_empty()), list)
}

fn entries(list: &str) -> impl Iterator<Item = Allowed<'_>> {
    list.split('(').skip(1).filter_map(|entry| {
        let mut fields = entry.split([';', ')']);
        let (kind, flags, rights) = (fields.next()?, fields.next()?, fields.next()?);
        let who = fields.nth(2)?;
        let applies = !flags.as_bytes().chunks(2).any(|flag| flag == b"IO");
        (matches!(kind, "A" | "XA" | "OA") && applies).then(|| Allowed { mask: mask(rights), who })
    })
}

/// The rights of an entry: a number, or codes of two letters. What is not known counts as everything.
fn mask(rights: &str) -> u32 {
    if let Some(number) = rights.strip_prefix("0x") {
        return u32::from_str_radix(number, 16).unwrap_or(u32::MAX);
    }
    let codes = rights.as_bytes().chunks(2).map(|code| match code {
        b"FA" => 0x1f_01ff,
        b"FR" => 0x12_0089,
        b"FW" => 0x12_0116,
        b"FX" => 0x12_00a0,
        b"GA" => GENERIC_ALL,
        b"GR" => GENERIC_READ,
        b"GW" => GENERIC_WRITE,
        b"GX" => 0x2000_0000,
        b"RC" => 0x2_0000,
        b"SD" => 0x1_0000,
        b"WD" => 0x4_0000,
        b"WO" => 0x8_0000,
        b"CC" => 0x1,
        b"DC" => 0x2,
        b"LC" => 0x4,
        b"SW" => 0x8,
        b"RP" => 0x10,
        b"WP" => 0x20,
        b"DT" => 0x40,
        b"LO" => 0x80,
        b"CR" => 0x100,
        _ => u32::MAX,
    });
    codes.fold(0, |sum, code| sum | code)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVICE: &str = "S-1-5-80-1-2-3-4-5";
    const ME: &str = "S-1-5-21-7-8-9-1001";

    fn found(sddl: &str, right: Right) -> Vec<String> {
        others(sddl, right, &[SERVICE, ME])
    }

    #[test]
    fn the_system_administrators_the_service_and_oneself_are_nobody_else() {
        let tight = format!("O:BAG:SYD:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1200a9;;;{SERVICE})(A;;FA;;;{ME})");
        assert!(found(&tight, Right::Any).is_empty());
        assert!(found("O:SYD:(A;;FA;;;S-1-5-21-7-8-9-512)(A;OICIIO;GA;;;CO)", Right::Any).is_empty());
    }

    #[test]
    fn who_may_read_a_secret_is_found_and_may_read_a_config() {
        for (entry, who) in [
            ("(A;;0x1200a9;;;WD)", "WD"),
            ("(A;ID;FR;;;BU)", "BU"),
            ("(A;;GR;;;AU)", "AU"),
            ("(A;;CC;;;S-1-5-21-7-8-9-1002)", "S-1-5-21-7-8-9-1002"),
            ("(XA;;FR;;;IU;(1 == 1))", "IU"),
        ] {
            let sddl = format!("O:BAD:AI(A;;FA;;;SY){entry}");
            assert_eq!(found(&sddl, Right::Any), [who], "{sddl}");
            assert!(found(&sddl, Right::Write).is_empty(), "{sddl}");
        }
    }

    #[test]
    fn who_may_write_a_config_is_found_by_every_way_of_writing() {
        for rights in ["FA", "FW", "GA", "GW", "DC", "LC", "SD", "WD", "WO", "FRSD", "0x1301bf", "0x4", "??"] {
            let sddl = format!("O:BAD:AI(A;;{rights};;;BU)");
            assert_eq!(found(&sddl, Right::Write), ["BU"], "{sddl}");
        }
    }

    #[test]
    fn an_owner_who_is_nobody_of_ours_can_let_anybody_in() {
        assert_eq!(found("O:S-1-5-21-7-8-9-1002D:P(A;;FA;;;SY)", Right::Write), ["S-1-5-21-7-8-9-1002"]);
        assert!(found(&format!("O:{ME}D:P(A;;FA;;;SY)"), Right::Any).is_empty());
    }

    #[test]
    fn what_is_denied_or_only_handed_down_lets_nobody_in() {
        assert!(found("O:BAD:(D;;FA;;;WD)(A;OICIIO;FA;;;BU)", Right::Any).is_empty());
    }

    #[test]
    fn no_list_lets_everyone_in() {
        assert_eq!(found("O:BAG:SY", Right::Write), ["WD"]);
        assert_eq!(found("O:BAD:NO_ACCESS_CONTROL", Right::Any), ["WD"]);
    }

    #[test]
    fn the_service_reads_what_it_or_everyone_may() {
        assert!(lets_read(&format!("O:BAD:P(A;;FR;;;{SERVICE})"), SERVICE));
        assert!(lets_read("O:BAD:(A;;FR;;;BU)", SERVICE));
        assert!(!lets_read("O:BAD:P(A;;FA;;;SY)(A;;FA;;;BA)", SERVICE));
        assert!(names(&format!("O:BAD:P(A;;FA;;;{SERVICE})"), SERVICE) && !names("O:BAD:P(A;;FA;;;SY)", SERVICE));
    }
}
