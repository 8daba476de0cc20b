//! A search filter applied to entries of a file, where no schema says how values compare.
//!
//! Values compare as text without case and without regard to the number of spaces, as DNs where both are DNs, and for
//! "at least" and "at most" as numbers or times where both are. An attribute that an entry lacks matches nothing, so
//! its negation matches, as on a server that knows the attribute.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::str;

use crate::directory::entry::{Entry as _, RawEntry};
use crate::directory::generalized_time;
use crate::model::filter::Filter;
use crate::model::{Dn, fold};

/// Does the entry match? What cannot be decided (RFC 4511 section 4.5.1.7: undefined) is no match, negated or not.
pub(super) fn matches(filter: &Filter, entry: &RawEntry) -> bool {
    evaluate(filter, entry) == Some(true)
}

/// True, false, or undefined.
fn evaluate(filter: &Filter, entry: &RawEntry) -> Option<bool> {
    match filter {
        Filter::And(inner) => all(inner.iter().map(|filter| evaluate(filter, entry))),
        Filter::Or(inner) => all(inner.iter().map(|filter| evaluate(filter, entry).map(|yes| !yes))).map(|yes| !yes),
        Filter::Not(inner) => evaluate(inner, entry).map(|yes| !yes),
        Filter::Present(attribute) => Some(entry.has(attribute)),
        Filter::Equal(attribute, value) | Filter::Approximate(attribute, value) => {
            Some(entry.values(attribute).any(|theirs| equal(attribute, theirs, value)))
        }
        Filter::AtLeast(attribute, value) => ordered(entry, attribute, value, Ordering::is_ge),
        Filter::AtMost(attribute, value) => ordered(entry, attribute, value, Ordering::is_le),
        Filter::Substrings { attribute, initial, middle, last } => {
            Some(entry.values(attribute).any(|theirs| has_parts(theirs, initial, middle, last)))
        }
        Filter::Extensible(_) => None,
    }
}

/// False where one is false, else undefined where one is undefined.
fn all(answers: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut undefined = false;
    for answer in answers {
        match answer {
            Some(false) => return Some(false),
            Some(true) => {}
            None => undefined = true,
        }
    }
    (!undefined).then_some(true)
}

fn equal(attribute: &str, theirs: &[u8], value: &[u8]) -> bool {
    if theirs.eq_ignore_ascii_case(value) {
        return true;
    }
    let (Ok(theirs), Ok(value)) = (str::from_utf8(theirs), str::from_utf8(value)) else { return false };
    // Active Directory takes the short name of a class for its DN here (MS-ADTS 3.1.1.3.1.3.5).
    if attribute.eq_ignore_ascii_case("objectCategory") && !value.contains('=') {
        return theirs
            .split(',')
            .next()
            .and_then(|first| first.split_once('='))
            .is_some_and(|(_, name)| tidy(name) == tidy(value));
    }
    tidy(theirs) == tidy(value) || same_dn(theirs, value)
}

fn same_dn(one: &str, other: &str) -> bool {
    one.contains('=')
        && other.contains('=')
        && matches!((Dn::parse(one), Dn::parse(other)), (Ok(one), Ok(other)) if one == other)
}

/// Folded, and with one space where there were several.
fn tidy(text: &str) -> String {
    let folded = if text.is_ascii() { Cow::Borrowed(text) } else { Cow::Owned(fold(text)) };
    let mut tidied = String::with_capacity(folded.len());
    for word in folded.split(' ').filter(|word| !word.is_empty()) {
        if !tidied.is_empty() {
            tidied.push(' ');
        }
        tidied.push_str(word);
    }
    tidied.make_ascii_lowercase();
    tidied
}

/// Some value stands in this order to the one asserted. Undefined where none does and one cannot be compared.
fn ordered(entry: &RawEntry, attribute: &str, value: &[u8], wanted: fn(Ordering) -> bool) -> Option<bool> {
    let fails = entry.values(attribute).map(|theirs| compare(theirs, value).map(|order| !wanted(order)));
    all(fails).map(|none_does| !none_does)
}

fn compare(theirs: &[u8], value: &[u8]) -> Option<Ordering> {
    let (theirs, value) = (str::from_utf8(theirs).ok()?, str::from_utf8(value).ok()?);
    if let Ok(value) = value.parse::<i64>() {
        return Some(theirs.trim().parse::<i64>().ok()?.cmp(&value));
    }
    if let Some(value) = generalized_time::parse(value.as_bytes()) {
        return Some(generalized_time::parse(theirs.as_bytes())?.cmp(&value));
    }
    Some(tidy(theirs).cmp(&tidy(value)))
}

/// The parts stand in the value, in order and apart.
fn has_parts(theirs: &[u8], initial: &[u8], middle: &[Vec<u8>], last: &[u8]) -> bool {
    let folded = |bytes: &[u8]| str::from_utf8(bytes).map(fold).ok();
    let (Some(theirs), Some(initial), Some(last)) = (folded(theirs), folded(initial), folded(last)) else {
        return false;
    };
    let Some(mut rest) = theirs.strip_prefix(initial.as_str()).and_then(|rest| rest.strip_suffix(last.as_str())) else {
        return false;
    };
    middle.iter().all(|part| {
        let after = folded(part).and_then(|part| rest.find(&part).map(|at| at + part.len()));
        after.map(|after| rest = &rest[after..]).is_some()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> RawEntry {
        let pairs: [(&str, &[&str]); 7] = [
            ("objectClass", &["top", "person"]),
            ("cn", &["Jörg  Straße"]),
            ("employeeType", &["Staff"]),
            ("uidNumber", &["1000"]),
            ("createTimestamp", &["20240101000000Z"]),
            ("memberOf", &["CN=Doe\\, John,OU=Groups,DC=x"]),
            ("objectCategory", &["CN=Person,CN=Schema,DC=x"]),
        ];
        let values = |values: &[&str]| values.iter().map(|value| value.as_bytes().to_vec()).collect();
        let mut attributes: Vec<(String, Vec<Vec<u8>>)> =
            pairs.iter().map(|(name, all)| ((*name).to_owned(), values(all))).collect();
        attributes.push(("blob".to_owned(), vec![vec![0xff, 0x00]]));
        RawEntry { dn: b"cn=a".to_vec(), attributes }
    }

    #[test]
    fn filters_match_as_a_server_would_have_it() {
        for (text, expected) in [
            ("(EMPLOYEETYPE=staff)", true),
            ("(employeeType=*)", true),
            ("(employeeType=contractor)", false),
            ("(!(employeeType=contractor))", true),
            ("(nosuch=*)", false),
            ("(!(nosuch=x))", true),
            ("(cn=jörg strasse)", true),
            ("(cn~=JÖRG STRASSE)", true),
            ("(cn=jörg*)", true),
            ("(cn=*STRASSE)", true),
            ("(cn=*ö*g*a*)", true),
            ("(cn=*g*ö*)", false),
            ("(cn=jörg*jörg*)", false),
            ("(employeeType=st*staff)", false),
            ("(employeeType=sta*ff)", true),
            ("(employeeType=*a*a*)", false),
            ("(uidNumber>=999)", true),
            ("(uidNumber<=1000)", true),
            ("(uidNumber<=999)", false),
            ("(uidNumber=01000)", false),
            ("(createTimestamp>=20231231235959.5Z)", true),
            ("(createTimestamp>=20240101010000+0100)", true),
            ("(createTimestamp<=20231231235959Z)", false),
            ("(memberOf=cn=doe\\5c2c john, ou=groups,dc=X)", true),
            ("(memberOf=cn=doe,dc=x)", false),
            ("(objectCategory=person)", true),
            ("(objectCategory=computer)", false),
            ("(blob=\\ff\\00)", true),
            ("(&(objectClass=person)(|(cn=x)(employeeType=staff)))", true),
            ("(&)", true),
            ("(|)", false),
        ] {
            assert_eq!(matches(&Filter::parse(text).unwrap(), &entry()), expected, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_compared_is_no_match_negated_or_not() {
        for text in ["(cn>=5)", "(blob>=a)", "(cn:caseExactMatch:=x)"] {
            for text in
                [text.to_owned(), format!("(!{text})"), format!("(&(cn=*){text})"), format!("(|(nosuch=*){text})")]
            {
                assert!(!matches(&Filter::parse(&text).unwrap(), &entry()), "{text}");
            }
            assert!(matches(&Filter::parse(&format!("(|(cn=*){text})")).unwrap(), &entry()));
            assert!(matches(&Filter::parse(&format!("(!(&(nosuch=*){text}))")).unwrap(), &entry()));
        }
    }
}
