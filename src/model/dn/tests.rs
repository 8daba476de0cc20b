use proptest::prelude::*;

use super::*;

/// Escapes a value so that it can stand in a DN (RFC 4514 section 2.4).
fn escape_value(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len() + 2);
    let last = value.len().saturating_sub(1);
    for (at, letter) in value.char_indices() {
        match letter {
            '\0' => escaped.push_str("\\00"),
            '"' | '+' | ',' | ';' | '<' | '=' | '>' | '\\' => escaped.extend(['\\', letter]),
            '#' if at == 0 => escaped.push_str("\\#"),
            ' ' if at == 0 || at == last => escaped.push_str("\\ "),
            _ => escaped.push(letter),
        }
    }
    escaped
}

fn dn(text: &str) -> Dn {
    Dn::parse(text).unwrap()
}

#[test]
fn spellings_of_one_name_are_equal_and_keep_their_text() {
    for (one, other) in [
        (r"cn=Doe\, John,dc=x", r"CN=doe\2C john , DC=X"),
        (r#"o="Foo, Inc.",c=US"#, r"O=foo\, inc.,C=us"),
        ("2.5.4.3=a,OID.2.5.4.11=b,0.9.2342.19200300.100.1.25=c", "cn=a,ou=b,dc=c"),
        ("commonName=a,userid=b", "CN=A,UID=B"),
        ("cn=a+uid=b,dc=x", "UID=b + CN=a,dc=x"),
        ("cn=a  b   c,dc=x", "cn=A B C,dc=x"),
        ("cn = a ,  dc = x", "cn=a,dc=x"),
        (r"cn=\20a\ ,dc=x", "cn=a,dc=x"),
        ("cn=#0c03c3a461,dc=x", "cn=Äa,dc=x"),
        (r"cn=Lu\C4\8Di\C4\87", "cn=LUČIĆ"),
        ("cn=É", "cn=é"),
        ("ou=ΣΊΣΥΦΟΣ", "ou=σίσυφος"),
        (r"cn=a\+b\;c\=d\<\>", r"cn=a\2bb\3bc=d<>"),
    ] {
        assert_eq!(dn(one), dn(other), "{one} and {other}");
        assert_eq!(dn(one).to_string(), one);
        assert_eq!(dn(one).as_str(), one);
    }
}

#[test]
fn what_servers_keep_apart_is_kept_apart() {
    for (one, other) in
        [("cn=straße", "cn=STRASSE"), ("cn=İx", "cn=i\u{307}x"), ("cn=e\u{301}", "cn=é"), ("cn=ı", "cn=i")]
    {
        assert_ne!(dn(one), dn(other), "{one} and {other}");
    }
}

#[test]
fn names_of_different_entries_differ() {
    for (one, other) in [
        ("cn=a,dc=x", "cn=a,dc=y"),
        (r"cn=a\,dc=x", "cn=a,dc=x"),
        (r"cn=a\+cn=b", "cn=a+cn=b"),
        (r"cn=\#04", "cn=#0402"),
        (r"cn=\FF", "cn=ÿ"),
        (r"cn=\\2c", r"cn=\,"),
        (r"cn=a\00", "cn=a"),
        ("cn=ab", "cn=a b"),
        ("cn=e", "cn=é"),
        ("cn=,dc=x", "dc=x"),
    ] {
        assert_ne!(dn(one), dn(other), "{one} and {other}");
    }
}

#[test]
fn what_is_no_name_is_refused_with_the_reason() {
    for odd in [
        "hello",
        "cn=a,",
        ",cn=a",
        "cn=a,,dc=x",
        "=a",
        "c n=a",
        "cn=a\\",
        r"cn=\q",
        "cn=a;dc=x",
        "cn=#",
        "cn=#0",
        "cn=#04g",
        r#"cn="a"#,
        r#"cn="a"b"#,
        "cn=a+",
        "DOMAIN\\user",
        "a@b.example",
    ] {
        assert!(Dn::parse(odd).is_err(), "{odd}");
    }
    assert_eq!(
        Dn::parse("hello").unwrap_err().to_string(),
        r#""hello" is not a distinguished name: the part "hello" has no "=""#
    );
}

#[test]
fn odd_letters_survive() {
    for value in ["a\0b", "😀🏳️‍🌈", "مرحبا", "\u{202e}abc", "e\u{301}\u{323}", "名前", "\u{feff}x"] {
        let text = format!("cn={},dc=x", escape_value(value));
        let parsed = dn(&text);
        assert_eq!(parsed.to_string(), text);
        assert_eq!(parsed.parent(), Some(dn("dc=x")));
    }
}

#[test]
fn a_deleted_object_of_active_directory_has_a_name() {
    let deleted = dn(r"CN=x\0ADEL:92adf353-9ff9-459d-b97f-c48e21dadbf8,CN=Deleted Objects,DC=lab,DC=test");
    assert!(deleted.is_under(&dn("cn=deleted objects,dc=lab,dc=test")));
}

#[test]
fn under_means_at_or_below_and_not_merely_ending_alike() {
    let base = dn("ou=people,dc=x");
    for inside in ["OU=People,DC=X", "cn=a,ou=people,dc=x", "cn=a,ou=b,ou=People, dc=x"] {
        assert!(dn(inside).is_under(&base), "{inside}");
    }
    for outside in ["dc=x", r"cn=a\,ou=people,dc=x", "xou=people,dc=x", "ou=people,dc=x,dc=y", ""] {
        assert!(!dn(outside).is_under(&base), "{outside}");
    }
    assert!(base.is_under(&dn("")));
    assert!(dn("").is_under(&dn("")));
}

#[test]
fn the_parent_is_what_stands_after_the_first_bare_comma() {
    assert_eq!(dn(r"cn=Doe\, John, ou=b,dc=x").parent().unwrap().as_str(), "ou=b,dc=x");
    assert_eq!(dn(r#"cn="a, b",dc=x"#).parent().unwrap().as_str(), "dc=x");
    assert_eq!(dn(r#"cn=a"b,dc=x"#).parent().unwrap().as_str(), "dc=x");
    assert_eq!(dn(r"cn=a\\,dc=x").parent().unwrap().as_str(), "dc=x");
    assert_eq!(dn("dc=x").parent(), None);
    assert_eq!(dn("").parent(), None);
}

#[test]
fn serde_knows_a_name_by_its_text() {
    let written = serde_json::to_string(&dn(r"CN=Doe\, John,DC=x")).unwrap();
    assert_eq!(written, r#""CN=Doe\\, John,DC=x""#);
    assert_eq!(serde_json::from_str::<Dn>(&written).unwrap(), dn(r"cn=doe\2c john,dc=x"));
    assert!(serde_json::from_str::<Dn>("\"hello\"").is_err());
}

/// Every byte of a value written as hex.
fn all_hex(value: &str) -> String {
    use std::fmt::Write as _;
    value.bytes().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "\\{byte:02X}");
        text
    })
}

proptest! {
    #[test]
    fn an_escaped_value_and_its_hex_spelling_name_one_entry(value in ".{0,20}", other in ".{0,8}") {
        let (value, other) = (value.as_str(), other.as_str());
        let one = dn(&format!("cn={}+uid={},ou={},dc=x", escape_value(value), escape_value(other), escape_value(other)));
        let two = dn(&format!("UID={} + CN={}, OU={}, DC=X", all_hex(other), all_hex(value), all_hex(other)));
        prop_assert_eq!(&one, &two);
        prop_assert!(one.is_under(&dn("dc=x")));
        prop_assert_eq!(one.parent(), two.parent());
        prop_assert!(one.is_under(&one.parent().unwrap()));
        prop_assert!(!one.parent().unwrap().is_under(&one));
    }

    #[test]
    fn case_never_tells_two_names_apart(value in "[a-z ,+é漢😀]{1,12}") {
        let upper = dn(&format!("CN={}", escape_value(&value.to_uppercase())));
        prop_assert_eq!(dn(&format!("cn={}", escape_value(&value))), upper);
    }

    #[test]
    fn the_key_parses_to_itself(value in ".{0,20}") {
        let first = dn(&format!("cn={},dc=x", escape_value(&value)));
        let again = dn(first.key());
        prop_assert_eq!(again.key(), first.key());
    }

    #[test]
    fn no_text_panics(text in r##"([a-z=,+\\"# ;<]|\PC|[\x00-\x1f]){0,24}"##) {
        if let Ok(parsed) = Dn::parse(&text) {
            prop_assert_eq!(parsed.as_str(), text.as_str());
            let _ = parsed.parent();
        }
    }
}
