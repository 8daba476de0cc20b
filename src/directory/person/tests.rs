use proptest::prelude::*;

use super::*;
use crate::directory::entry::RawEntry;
use crate::model::Standing;

const GUID: [u8; 16] = [0x53, 0xf3, 0xad, 0x92, 0xf9, 0x9f, 0x9d, 0x45, 0xb9, 0x7f, 0xc4, 0x8e, 0x21, 0xda, 0xdb, 0xf8];
const UUID: &str = "11111111-2222-3333-4444-555555555555";

fn now() -> Timestamp {
    "2026-01-02T00:00:00Z".parse().unwrap()
}

/// An entry of `NAME: VALUE` pairs; a later pair adds a value.
fn entry(dn: &str, pairs: &[(&str, &str)]) -> RawEntry {
    let attributes = pairs.iter().map(|(name, value)| ((*name).to_owned(), vec![value.as_bytes().to_vec()])).collect();
    RawEntry { dn: dn.as_bytes().to_vec(), attributes }
}

fn windows(more: &[(&str, &str)]) -> RawEntry {
    let own = [("objectClass", "user"), ("userPrincipalName", "a@lab.test"), ("mail", "a@lab.test"), ("cn", "A")];
    let mut entry = entry("CN=A,DC=lab,DC=test", &[&own, more].concat());
    entry.attributes.push(("objectGUID".to_owned(), vec![GUID.to_vec()]));
    entry
}

fn posix(more: &[(&str, &str)]) -> RawEntry {
    let own =
        [("objectClass", "inetOrgPerson"), ("uid", "a"), ("mail", "a@lab.test"), ("cn", "A"), ("entryUUID", UUID)];
    entry("uid=a,dc=lab,dc=test", &[&own, more].concat())
}

fn reader(kind: Kind) -> PersonReader {
    PersonReader::new(kind, &AttributeSettings::default())
}

fn read(kind: Kind, entry: &RawEntry) -> Sighting {
    reader(kind).read(entry, now()).unwrap()
}

fn reason(sighting: &Sighting) -> Option<(&str, Defect)> {
    sighting.quarantine.as_ref().map(|quarantine| (quarantine.attribute.as_str(), quarantine.reason))
}

/// 100 ns since 1601 at `now()` and some seconds.
fn ticks(seconds: i64) -> String {
    ((now().as_second() + seconds + 11_644_473_600) * 10_000_000).to_string()
}

#[test]
fn who_left_is_told_by_attribute_value_and_meaning_and_disabled_comes_before_expired() {
    let past = ticks(-1);
    let sign = |entry: &RawEntry| read(Kind::Ldif, entry).sign.map(String::from);
    let disabled = Some("userAccountControl is 514 (its bit 2 says that the account is disabled)".to_owned());
    assert_eq!(sign(&windows(&[("accountExpires", &past), ("userAccountControl", "514"), ("uid", "a")])), disabled);
    let expired = sign(&windows(&[("accountExpires", &past), ("userAccountControl", "512"), ("uid", "a")]));
    let came_due = now().checked_sub(jiff::SignedDuration::from_secs(1)).unwrap();
    assert_eq!(expired, Some(format!("accountExpires came due at {came_due}")));
    assert_eq!(sign(&windows(&[("accountExpires", "0"), ("userAccountControl", "512"), ("uid", "a")])), None);
}

#[test]
fn active_directory_says_who_left() {
    let (past, here, ahead) = (ticks(-1), ticks(0), ticks(1));
    for (control, expires, standing, due) in [
        ("512", "0", Standing::Enabled, false),
        ("512", "9223372036854775807", Standing::Enabled, false),
        ("514", "0", Standing::Disabled, false),
        ("66050", past.as_str(), Standing::Disabled, false),
        ("528", "0", Standing::Enabled, false),
        ("8389120", "0", Standing::Enabled, false),
        ("512", past.as_str(), Standing::Expired, false),
        ("512", here.as_str(), Standing::Expired, false),
        ("512", ahead.as_str(), Standing::Enabled, true),
        ("512", "9223372036854775806", Standing::Enabled, false),
    ] {
        for kind in [Kind::ActiveDirectory, Kind::Ldif] {
            let entry = windows(&[("userAccountControl", control), ("accountExpires", expires), ("uid", "a")]);
            let seen = read(kind, &entry);
            assert_eq!(
                (seen.standing, seen.due.is_some(), reason(&seen)),
                (standing, due, None),
                "{control} {expires}"
            );
        }
    }
}

#[test]
fn a_deciding_attribute_that_cannot_be_read_never_means_enabled() {
    for (pairs, fault) in [
        (&[][..], ("userAccountControl", Defect::Missing)),
        (&[("userAccountControl", "512")], ("accountExpires", Defect::Missing)),
        (&[("userAccountControl", ""), ("accountExpires", "0")], ("userAccountControl", Defect::Malformed)),
        (&[("userAccountControl", "normal"), ("accountExpires", "0")], ("userAccountControl", Defect::Malformed)),
        (&[("userAccountControl", "512"), ("accountExpires", "never")], ("accountExpires", Defect::Malformed)),
        (&[("userAccountControl", "512"), ("accountExpires", "-1")], ("accountExpires", Defect::Malformed)),
        (
            &[("userAccountControl", "512"), ("accountExpires", "0"), ("primaryGroupID", "x")],
            ("primaryGroupID", Defect::Malformed),
        ),
    ] {
        assert_eq!(reason(&read(Kind::ActiveDirectory, &windows(pairs))), Some(fault), "{pairs:?}");
    }
    let exported = windows(&[("userAccountControl", "512"), ("uid", "a")]);
    assert_eq!(reason(&read(Kind::Ldif, &exported)), None, "a file need not say what ends nothing");
    for (name, value) in [("pwdEndTime", "soon"), ("shadowExpire", "x"), ("nsAccountLock", "maybe")] {
        let seen = read(Kind::Ldif, &posix(&[(name, value)]));
        assert_eq!(reason(&seen), Some((name, Defect::Malformed)));
    }
}

#[test]
fn evidence_of_leaving_counts_before_quarantine() {
    let mut spoilt = windows(&[("accountExpires", "1")]);
    spoilt.attributes.retain(|(name, _)| name != "mail");
    let seen = read(Kind::ActiveDirectory, &spoilt);
    assert_eq!(seen.standing, Standing::Expired);
    assert_eq!(reason(&seen), Some(("userAccountControl", Defect::Missing)));
    let disabled = entry("uid=a,dc=x", &[("uid", "a"), ("entryUUID", UUID), ("pwdAccountLockedTime", "000001010000Z")]);
    let seen = read(Kind::OpenLdap, &disabled);
    assert_eq!((seen.standing, reason(&seen)), (Standing::Disabled, Some(("mail", Defect::Missing))));
}

#[test]
fn openldap_says_who_left() {
    let day = now().as_second() / 86_400;
    let (today, tomorrow) = (day.to_string(), (day + 1).to_string());
    for (name, value, standing, due) in [
        ("pwdAccountLockedTime", "000001010000Z", Standing::Disabled, false),
        ("pwdAccountLockedTime", "00000101000000Z", Standing::Disabled, false),
        ("pwdAccountLockedTime", "20200101000000Z", Standing::Enabled, false),
        ("pwdAccountLockedTime", "nonsense", Standing::Enabled, false),
        ("pwdEndTime", "20260101235959Z", Standing::Expired, false),
        ("pwdEndTime", "20260102000000Z", Standing::Expired, false),
        ("pwdEndTime", "20260102000001Z", Standing::Enabled, true),
        ("shadowExpire", "0", Standing::Enabled, false),
        ("shadowExpire", "-1", Standing::Enabled, false),
        ("shadowExpire", "1", Standing::Expired, false),
        ("shadowExpire", today.as_str(), Standing::Expired, false),
        ("shadowExpire", tomorrow.as_str(), Standing::Enabled, true),
        ("shadowExpire", "9223372036854775807", Standing::Enabled, false),
    ] {
        for kind in [Kind::OpenLdap, Kind::Ldif] {
            let seen = read(kind, &posix(&[(name, value)]));
            assert_eq!((seen.standing, seen.due.is_some(), reason(&seen)), (standing, due, None), "{name} {value}");
        }
    }
}

#[test]
fn a_file_may_hold_people_of_389_ds() {
    for (value, standing) in [("TRUE", Standing::Disabled), ("true", Standing::Disabled), ("false", Standing::Enabled)]
    {
        assert_eq!(read(Kind::Ldif, &posix(&[("nsAccountLock", value)])).standing, standing, "{value}");
    }
}

#[test]
fn computers_contacts_and_tombstones_are_no_people() {
    let category = "CN=Person,CN=Schema,CN=Configuration,DC=lab,DC=test";
    for kind in [Kind::ActiveDirectory, Kind::Ldif] {
        let is_person = |pairs: &[(&str, &str)]| reader(kind).is_person(&entry("cn=a", pairs));
        assert!(is_person(&[("objectClass", "person"), ("objectClass", "USER"), ("objectCategory", category)]));
        assert!(!is_person(&[("objectClass", "person"), ("objectClass", "user"), ("objectClass", "computer")]));
        assert!(!is_person(&[("objectClass", "user"), ("objectCategory", "CN=Computer,CN=Schema,DC=x")]));
        assert!(!is_person(&[("objectClass", "person"), ("objectClass", "contact")]));
        assert!(!is_person(&[("objectClass", "user"), ("objectCategory", category), ("isDeleted", "TRUE")]));
        assert!(!is_person(&[("objectClass", "group")]));
    }
    for class in ["person", "inetOrgPerson", "posixAccount"] {
        assert!(reader(Kind::OpenLdap).is_person(&entry("cn=a", &[("objectClass", class)])));
        assert!(reader(Kind::Ldif).is_person(&entry("cn=a", &[("objectClass", class)])));
        assert!(!reader(Kind::ActiveDirectory).is_person(&entry("cn=a", &[("objectClass", class)])));
    }
}

#[test]
fn a_required_value_that_cannot_be_used_is_named_by_the_directorys_own_name() {
    for (email, fault) in [
        (None, Some(Defect::Missing)),
        (Some(""), Some(Defect::Malformed)),
        (Some("  "), Some(Defect::Malformed)),
        (Some("a"), Some(Defect::Malformed)),
        (Some("@b"), Some(Defect::Malformed)),
        (Some("a@"), Some(Defect::Malformed)),
        (Some("a@b@c"), Some(Defect::Malformed)),
        (Some("a b@c"), Some(Defect::Malformed)),
        (Some("a\u{200b}@c.example"), Some(Defect::Malformed)),
        (Some("a@b\0c"), Some(Defect::Malformed)),
        (Some("a@b..example"), Some(Defect::Malformed)),
        (Some("A <a@b.example>"), Some(Defect::Malformed)),
        (Some("a@b"), None),
        (Some("o'brien+x@b.example"), None),
        (Some("jörg@bücher.example"), None),
        (Some(" a@b.example "), None),
    ] {
        let mut pairs = vec![("uid", "a"), ("entryUUID", UUID)];
        pairs.extend(email.map(|email| ("rfc822Mailbox", email)));
        let settings = AttributeSettings { email: Some("rfc822Mailbox".to_owned()), ..AttributeSettings::default() };
        let seen = PersonReader::new(Kind::OpenLdap, &settings).read(&entry("uid=a,dc=x", &pairs), now()).unwrap();
        assert_eq!(reason(&seen), fault.map(|fault| ("rfc822Mailbox", fault)), "{email:?}");
    }
}

#[test]
fn a_fault_names_dn_anchor_and_attribute() {
    let seen = read(Kind::OpenLdap, &entry("uid=a,dc=x", &[("mail", "a@b"), ("entryUUID", UUID)]));
    let message = seen.quarantine.unwrap().message;
    assert!(message.contains("uid=a,dc=x") && message.contains(UUID) && message.starts_with("uid of"), "{message}");
}

#[test]
fn a_name_in_broken_letters_is_not_overwritten_with_a_gap() {
    let mut spoilt = posix(&[("givenName", "Ann")]);
    spoilt.attributes.push(("sn".to_owned(), vec![b"M\xfcller".to_vec()]));
    let seen = read(Kind::OpenLdap, &spoilt);
    assert_eq!(reason(&seen), Some(("sn", Defect::Malformed)));
    assert_eq!((seen.profile.given_name.as_deref(), seen.profile.user_name.as_str()), (Some("Ann"), "a"));
}

#[test]
fn a_control_character_in_an_optional_value_becomes_a_space_and_in_a_required_one_it_is_a_fault() {
    let pasted =
        posix(&[("displayName", "Ann\tof\r\nAvalon\u{7f}"), ("givenName", "\u{1}"), ("sn", "b\0"), ("sn", "a\0")]);
    let seen = read(Kind::OpenLdap, &pasted);
    assert_eq!(reason(&seen), None);
    assert_eq!(seen.profile.display_name.as_deref(), Some("Ann of Avalon"));
    assert_eq!((seen.profile.given_name.as_deref(), seen.profile.family_name.as_deref()), (None, Some("a")));
    let mut required = posix(&[]);
    required.attributes.retain(|(name, _)| name != "uid");
    required.attributes.push(("uid".to_owned(), vec![b"a\nb".to_vec()]));
    let seen = read(Kind::OpenLdap, &required);
    assert_eq!((reason(&seen), seen.uids.first()), (Some(("uid", Defect::Malformed)), None));
}

#[test]
fn the_spaces_around_a_name_stay_and_those_around_an_address_do_not() {
    let mut spaced = posix(&[("displayName", "  two lead, one follows "), ("sn", " ")]);
    spaced.attributes.retain(|(name, _)| name != "mail" && name != "uid");
    spaced.attributes.push(("mail".to_owned(), vec![b" a@x ".to_vec()]));
    spaced.attributes.push(("uid".to_owned(), vec![b"a ".to_vec()]));
    let profile = read(Kind::OpenLdap, &spaced).profile;
    assert_eq!(profile.display_name.as_deref(), Some("  two lead, one follows "));
    assert_eq!((&*profile.email, &*profile.user_name, profile.family_name), ("a@x", "a", None));
}

#[test]
fn of_several_values_the_choice_does_not_hang_on_their_order() {
    let one = posix(&[("mail", "b@x"), ("mail", "A0@x"), ("mail", " ")]);
    let mut other = one.clone();
    other.attributes.reverse();
    assert_eq!(read(Kind::OpenLdap, &one).profile.email, "A0@x");
    assert_eq!(read(Kind::OpenLdap, &one).profile, read(Kind::OpenLdap, &other).profile);
}

#[test]
fn the_display_name_falls_back_to_cn() {
    assert_eq!(read(Kind::OpenLdap, &posix(&[])).profile.display_name.as_deref(), Some("A"));
    let named = posix(&[("displayName", "Ann"), ("displayName;lang-de", "Änne")]);
    assert_eq!(read(Kind::OpenLdap, &named).profile.display_name.as_deref(), Some("Ann"));
}

#[test]
fn a_configured_anchor_counts_where_it_has_a_value() {
    let settings =
        AttributeSettings { anchor: Some("mS-DS-ConsistencyGuid".to_owned()), ..AttributeSettings::default() };
    let reader = PersonReader::new(Kind::ActiveDirectory, &settings);
    let mut entry = windows(&[("userAccountControl", "512")]);
    assert_eq!(reader.read(&entry, now()).unwrap().anchor, Anchor::from_guid_le(GUID));
    entry.attributes.push(("mS-DS-ConsistencyGuid".to_owned(), vec![vec![7; 16]]));
    assert_eq!(reader.read(&entry, now()).unwrap().anchor, Anchor::from_guid_le([7; 16]));
    entry.attributes.last_mut().unwrap().1 = vec![vec![7; 15]];
    let refused = reader.read(&entry, now()).unwrap_err().quarantine;
    assert_eq!((refused.attribute.as_str(), refused.reason), ("mS-DS-ConsistencyGuid", Defect::Malformed));
}

#[test]
fn without_dn_or_anchor_nobody_can_be_told() {
    let mut odd = posix(&[]);
    odd.dn = b"uid=\xff,dc=x".to_vec();
    assert_eq!(reader(Kind::OpenLdap).read(&odd, now()).unwrap_err().quarantine.attribute, "dn");
    odd.dn = b"nonsense".to_vec();
    assert_eq!(reader(Kind::OpenLdap).read(&odd, now()).unwrap_err().quarantine.attribute, "dn");
    let nameless = reader(Kind::OpenLdap).read(&entry("uid=a,dc=x", &[]), now()).unwrap_err();
    assert_eq!((nameless.dn.as_str(), nameless.quarantine.reason), ("uid=a,dc=x", Defect::Missing));
}

#[test]
fn creation_and_groups_are_read_where_they_can_be() {
    let seen = read(
        Kind::OpenLdap,
        &posix(&[("createTimestamp", "20240101000000Z"), ("memberOf", "cn=g"), ("memberOf", "?")]),
    );
    assert_eq!(seen.created, Some("2024-01-01T00:00:00Z".parse().unwrap()));
    assert_eq!((seen.member_of.len(), &*seen.uids, seen.primary_group), (1, &["a".to_owned()][..], None));
    let spoilt = windows(&[
        ("whenCreated", "yesterday"),
        ("primaryGroupID", "513"),
        ("userAccountControl", "512"),
        ("accountExpires", "0"),
    ]);
    let seen = read(Kind::ActiveDirectory, &spoilt);
    assert_eq!((seen.created, seen.primary_group, reason(&seen)), (None, Some(513), None));
}

#[test]
fn what_is_wanted_is_what_is_used_once_each() {
    let settings = AttributeSettings { user_name: Some("MAIL".to_owned()), ..AttributeSettings::default() };
    let wanted = PersonReader::new(Kind::ActiveDirectory, &settings).wanted();
    assert!(
        ["objectGUID", "userAccountControl", "accountExpires"].iter().all(|name| wanted.iter().any(|own| own == name))
    );
    assert_eq!(wanted.iter().filter(|name| name.eq_ignore_ascii_case("mail")).count(), 1);
    assert!(!wanted.iter().any(|name| ["memberOf", "*", "objectClass"].contains(&name.as_str())));
    let operational = ["entryUUID", "createTimestamp", "pwdAccountLockedTime", "pwdEndTime", "shadowExpire"];
    let wanted = reader(Kind::OpenLdap).wanted();
    assert!(operational.iter().all(|name| wanted.iter().any(|own| own == name)));
}

proptest! {
    #[test]
    fn no_bytes_panic(dn in any::<Vec<u8>>(), values in proptest::collection::vec(any::<Vec<u8>>(), 24), kind in 0usize..3) {
        let kind = [Kind::ActiveDirectory, Kind::OpenLdap, Kind::Ldif][kind];
        let names = reader(kind).wanted();
        let attributes = names.into_iter().chain(["entryUUID".to_owned()]).zip(values.into_iter().map(|value| vec![value]));
        let mut entry = RawEntry { dn, attributes: attributes.collect() };
        let _ = reader(kind).read(&entry, now());
        entry.dn = b"cn=a".to_vec();
        let _ = (reader(kind).read(&entry, now()), reader(kind).is_person(&entry));
    }

    #[test]
    fn no_number_or_time_panics(text in "-?[0-9]{1,25}Z?") {
        for name in ["userAccountControl", "accountExpires", "shadowExpire", "pwdEndTime", "primaryGroupID", "createTimestamp"] {
            let _ = read(Kind::Ldif, &posix(&[(name, text.as_str())]));
        }
    }
}
