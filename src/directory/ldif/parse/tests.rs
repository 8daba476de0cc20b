use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Result<Vec<Record>, LdifError> {
    Records::new(text.as_bytes()).collect()
}

fn entry(dn: &str, attributes: &[(&str, &[&str])]) -> RawEntry {
    let values = |values: &[&str]| values.iter().map(|value| value.as_bytes().to_vec()).collect();
    let attributes = attributes.iter().map(|(name, all)| ((*name).to_owned(), values(all))).collect();
    RawEntry { dn: dn.as_bytes().to_vec(), attributes }
}

#[test]
fn a_file_is_read_with_all_that_the_standard_allows() {
    let text = "\u{feff}version: 1\n# a comment\n#  folded\n  here\n\n\ndn: cn=a,\n dc=x\ncn: a\nmail:   a@x  \nmail:: YkB4\n# within\nsn:\n\
                ou:Ünder\ncn: b\n\n\n\ndn:: Y249Y8O8\nobjectclass: t\n op\n";
    let records = read(text).unwrap();
    let first =
        entry("cn=a,dc=x", &[("cn", &["a", "b"]), ("mail", &["a@x  ", "b@x"]), ("sn", &[""]), ("ou", &["Ünder"])]);
    assert_eq!(records[0], Record { line: 7, entry: first });
    assert_eq!(records[1], Record { line: 19, entry: entry("cn=cü", &[("objectclass", &["top"])]) });
    assert_eq!(records.len(), 2);
}

#[test]
fn line_ends_of_windows_and_a_missing_last_one_change_nothing() {
    let text = "dn: cn=a\ncn: a\n b\n\ndn: cn=c\ncn: c\n";
    assert_eq!(read(text), read(&text.replace('\n', "\r\n")));
    assert_eq!(read(text), read(text.trim_end()));
    let entries =
        |text: &str| read(text).map(|records| records.into_iter().map(|record| record.entry).collect::<Vec<_>>());
    assert_eq!(entries(text), entries(&text.replace("\n\n", "\n\n   \n\n")));
}

#[test]
fn an_empty_file_has_no_records() {
    for text in ["", "\n\n", "# nothing\n", "version: 1\n", "\u{feff}"] {
        assert_eq!(read(text), Ok(Vec::new()), "{text:?}");
    }
}

#[test]
fn what_is_no_export_is_refused_with_its_line() {
    for (text, line, part) in [
        ("cn: a\n", 1, "begins with \"dn:\""),
        ("dn: cn=a\ncn: a\n\nsearch: 2\nresult: 0 Success\n", 4, "-LLL"),
        ("dn: cn=a\ncn a\n", 2, "no \":\""),
        ("dn: cn=a\ncn: a\ndn: cn=b\ncn: b\n", 3, "blank line is missing"),
        ("dn: cn=a\nchangetype: delete\n", 2, "changes"),
        ("dn: cn=a\ncontrol: 1.2.3\ncn: a\n", 2, "changes"),
        ("dn: cn=a\njpegPhoto:< file:///etc/passwd\n", 2, "other files"),
        ("dn: cn=a\ncn:: YW\n", 2, "base64"),
        ("dn: cn=a\ncn:: Y!==\n", 2, "base64"),
        ("dn: cn=a\n: b\n", 2, "no attribute name"),
        ("dn: cn=a\nc n: b\n", 2, "no attribute name"),
        (" dn: cn=a\ncn: a\n", 1, "continues a line"),
        ("dn: cn=a\ncn: a\n\n cn: b\n", 4, "continues a line"),
        ("dn: cn=a\n\ndn: cn=b\ncn: b\n", 1, "no attributes"),
        ("version: 2\ndn: cn=a\ncn: a\n", 1, "version"),
        ("dn: cn=a\ncn: a\n-\n", 3, "no \":\""),
    ] {
        let error = read(text).unwrap_err();
        assert_eq!(error.line, line, "{text:?}: {error}");
        assert!(error.why.contains(part), "{text:?}: {error}");
    }
}

#[test]
fn after_an_error_nothing_more_comes() {
    let mut records = Records::new(b"dn: cn=a\ncn: a\n\noops\n\ndn: cn=b\ncn: b\n");
    assert!(records.next().unwrap().is_ok());
    assert!(records.next().unwrap().is_err());
    assert!(records.next().is_none());
}

/// An entry as LDIF, each line folded after `width` characters.
fn write(entry: &RawEntry, width: usize) -> Vec<u8> {
    let mut lines = vec![format!("dn:: {}", STANDARD.encode(&entry.dn)).into_bytes()];
    for (name, values) in &entry.attributes {
        for value in values {
            let safe = value.iter().all(|byte| matches!(byte, b'!'..=b'~'))
                && !value.starts_with(b":")
                && !value.starts_with(b"<");
            let mut line = format!("{name}: ").into_bytes();
            if safe {
                line.extend(value);
            } else {
                line = format!("{name}:: {}", STANDARD.encode(value)).into_bytes();
            }
            lines.push(line);
        }
    }
    let folded = lines.iter().map(|line| line.chunks(width).collect::<Vec<_>>().join(&b"\n "[..]));
    folded.collect::<Vec<_>>().join(&b'\n')
}

proptest! {
    #[test]
    fn what_was_written_and_folded_is_read_back(
        dn in proptest::collection::vec(any::<u8>(), 1..40),
        values in proptest::collection::vec(proptest::collection::vec(prop_oneof![any::<u8>(), Just(b' '), b'a'..=b'z'], 0..40), 1..6),
        width in 2usize..20,
    ) {
        let attributes = values.into_iter().enumerate().map(|(at, value)| (format!("a{at}"), vec![value])).collect();
        let entry = RawEntry { dn, attributes };
        let text = [write(&entry, width), write(&entry, 1000)].join(&b"\n\n"[..]);
        let records: Vec<Record> = Records::new(&text).collect::<Result<_, _>>().unwrap();
        prop_assert_eq!(records.len(), 2);
        prop_assert_eq!(&records[0].entry, &entry);
        prop_assert_eq!(&records[1].entry, &entry);
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(prop_oneof![any::<u8>(), proptest::sample::select(b"dn: \n\r#:<aA=\xef\xbb\xbf".to_vec())], 0..200)) {
        let _ = Records::new(&bytes).count();
    }
}
