//! Search filters (RFC 4515), parsed: to check them before a server sees them, and to apply them to a file.

use std::fmt;

use thiserror::Error;

/// A parsed filter. Values are unescaped bytes; attribute names as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
    Present(String),
    Equal(String, Vec<u8>),
    Approximate(String, Vec<u8>),
    AtLeast(String, Vec<u8>),
    AtMost(String, Vec<u8>),
    Substrings {
        attribute: String,
        initial: Vec<u8>,
        middle: Vec<Vec<u8>>,
        last: Vec<u8>,
    },
    /// `attribute:dn:rule:=value`: only a server knows its rules. As written.
    Extensible(String),
}

/// Not a search filter.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct FilterError {
    /// Byte of the text at which it stops being one, from 0.
    pub at: usize,
    pub why: &'static str,
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at character {}: {}", self.at + 1, self.why)
    }
}

/// Says what is wrong with a filter, in words for the person who wrote it.
///
/// # Errors
/// Where it is none by RFC 4515.
pub fn check_filter(text: &str) -> Result<(), String> {
    Filter::parse(text).map(drop).map_err(|error| error.to_string())
}

impl Filter {
    /// Parses a filter, parentheses and all.
    ///
    /// # Errors
    /// Where it is none by RFC 4515, or nested deeper than anybody needs.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let mut reader = Reader { bytes: text.as_bytes(), at: 0, depth: 0 };
        let filter = reader.filter()?;
        if reader.at < reader.bytes.len() {
            return Err(reader.error("something follows the filter; join filters with \"(&...)\""));
        }
        Ok(filter)
    }

    /// The attributes it asks for, in their order; those of extensible matches are left out.
    #[must_use]
    pub fn attributes(&self) -> Vec<&str> {
        match self {
            Self::And(inner) | Self::Or(inner) => inner.iter().flat_map(Self::attributes).collect(),
            Self::Not(inner) => inner.attributes(),
            Self::Present(name)
            | Self::Equal(name, _)
            | Self::Approximate(name, _)
            | Self::AtLeast(name, _)
            | Self::AtMost(name, _)
            | Self::Substrings { attribute: name, .. } => vec![name],
            Self::Extensible(_) => vec![],
        }
    }

    /// Only a server can apply it: it holds an extensible match.
    #[must_use]
    pub fn needs_server(&self) -> bool {
        match self {
            Self::And(inner) | Self::Or(inner) => inner.iter().any(Self::needs_server),
            Self::Not(inner) => inner.needs_server(),
            Self::Extensible(_) => true,
            _ => false,
        }
    }
}

/// How deep filters may nest: a server's own limits are lower.
const DEEPEST: usize = 64;

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    const fn error(&self, why: &'static str) -> FilterError {
        FilterError { at: self.at, why }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, wanted: u8) -> bool {
        let here = self.peek() == Some(wanted);
        self.at += usize::from(here);
        here
    }

    fn filter(&mut self) -> Result<Filter, FilterError> {
        if !self.take(b'(') {
            return Err(self.error("a filter begins with \"(\""));
        }
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.error("the filter is nested too deeply"));
        }
        let filter = match self.peek() {
            Some(b'&') => Filter::And(self.list()?),
            Some(b'|') => Filter::Or(self.list()?),
            Some(b'!') => {
                self.at += 1;
                Filter::Not(Box::new(self.filter()?))
            }
            _ => self.item()?,
        };
        self.depth -= 1;
        if self.take(b')') { Ok(filter) } else { Err(self.error("a \")\" is missing")) }
    }

    /// The filters after `&` or `|`. None is allowed (RFC 4526).
    fn list(&mut self) -> Result<Vec<Filter>, FilterError> {
        self.at += 1;
        let mut filters = Vec::new();
        while self.peek() == Some(b'(') {
            filters.push(self.filter()?);
        }
        Ok(filters)
    }

    /// One comparison.
    fn item(&mut self) -> Result<Filter, FilterError> {
        let start = self.at;
        let attribute = self.attribute();
        let named = !attribute.is_empty();
        match (self.peek(), self.bytes.get(self.at + 1)) {
            (Some(b'='), _) if named => {
                self.at += 1;
                self.equal(attribute)
            }
            (Some(b'~'), Some(b'=')) if named => self.compare(attribute, Filter::Approximate),
            (Some(b'>'), Some(b'=')) if named => self.compare(attribute, Filter::AtLeast),
            (Some(b'<'), Some(b'=')) if named => self.compare(attribute, Filter::AtMost),
            (Some(b':'), _) => self.extensible(start, named),
            _ if named => {
                Err(self.error("one of \"=\", \">=\", \"<=\", \"~=\" or \":=\" is missing after the attribute"))
            }
            _ => Err(self.error("an attribute is missing")),
        }
    }

    /// An attribute description (RFC 4512 section 2.5); empty where there is none.
    fn attribute(&mut self) -> String {
        let rest = &self.bytes[self.at..];
        let more = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b';');
        let length = match rest.first() {
            Some(first) if first.is_ascii_alphanumeric() => rest.iter().take_while(|byte| more(byte)).count(),
            _ => 0,
        };
        self.at += length;
        rest[..length].iter().map(|byte| char::from(*byte)).collect()
    }

    fn compare(&mut self, attribute: String, kind: fn(String, Vec<u8>) -> Filter) -> Result<Filter, FilterError> {
        self.at += 2;
        Ok(kind(attribute, self.value()?))
    }

    /// What follows `=`: a value, `*`, or a value with gaps.
    fn equal(&mut self, attribute: String) -> Result<Filter, FilterError> {
        let initial = self.value()?;
        let mut parts = Vec::new();
        while self.peek() == Some(b'*') {
            if parts.last().is_some_and(Vec::is_empty) {
                return Err(self.error("two \"*\" stand side by side; a star itself is written \"\\2a\""));
            }
            self.at += 1;
            parts.push(self.value()?);
        }
        let Some(last) = parts.pop() else { return Ok(Filter::Equal(attribute, initial)) };
        if initial.is_empty() && parts.is_empty() && last.is_empty() {
            return Ok(Filter::Present(attribute));
        }
        Ok(Filter::Substrings { attribute, initial, middle: parts, last })
    }

    /// An extensible match: its shape is checked, its rule is the server's business.
    fn extensible(&mut self, start: usize, named: bool) -> Result<Filter, FilterError> {
        let mut ruled = false;
        let mut by_dn = false;
        while self.take(b':') {
            if self.take(b'=') {
                if !named && !ruled {
                    return Err(self.error("a match with \":=\" needs an attribute or a rule"));
                }
                self.value()?;
                return Ok(Filter::Extensible(String::from_utf8_lossy(&self.bytes[start..self.at]).into_owned()));
            }
            let word = self.attribute();
            if word == "dn" && !by_dn && !ruled {
                by_dn = true;
            } else if word.is_empty() || word.contains(';') || ruled {
                break;
            } else {
                ruled = true;
            }
        }
        Err(self.error("a match by rule is written \"attribute:rule:=value\""))
    }

    /// A value, unescaped, up to what cannot stand in one.
    fn value(&mut self) -> Result<Vec<u8>, FilterError> {
        let mut value = Vec::new();
        while let Some(byte) = self.peek() {
            match byte {
                b'(' | b')' | b'*' => break,
                0 => return Err(self.error("a NUL is written \"\\00\"")),
                b'\\' => value.push(self.escaped()?),
                _ => {
                    value.push(byte);
                    self.at += 1;
                }
            }
        }
        Ok(value)
    }

    fn escaped(&mut self) -> Result<u8, FilterError> {
        let digit = |at: usize| self.bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        let byte =
            digit(self.at + 1).zip(digit(self.at + 2)).and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
        let byte =
            byte.ok_or_else(|| self.error("a backslash needs two hex digits after it; itself it is \"\\5c\""))?;
        self.at += 3;
        Ok(byte)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn equal(attribute: &str, value: &[u8]) -> Filter {
        Filter::Equal(attribute.to_owned(), value.to_vec())
    }

    #[test]
    fn every_form_of_the_standard_is_read() {
        let parse = |text: &str| Filter::parse(text).unwrap();
        assert_eq!(parse("(cn=Babs Jensen)"), equal("cn", b"Babs Jensen"));
        assert_eq!(parse("(&)"), Filter::And(Vec::new()));
        assert_eq!(parse("(!(cn=a))"), Filter::Not(Box::new(equal("cn", b"a"))));
        assert_eq!(parse(r"(bin=\00\2A\ff\5c)"), equal("bin", b"\0*\xff\\"));
        assert_eq!(parse("(cn;lang-de=ü)"), equal("cn;lang-de", "ü".as_bytes()));
        assert_eq!(parse("(2.5.4.3=)"), equal("2.5.4.3", b""));
        assert_eq!(parse("(cn=*)"), Filter::Present("cn".to_owned()));
        assert_eq!(parse("(n>=5)"), Filter::AtLeast("n".to_owned(), b"5".to_vec()));
        assert_eq!(
            parse("(|(n<=5)(n~=5))"),
            Filter::Or(vec![
                Filter::AtMost("n".to_owned(), b"5".to_vec()),
                Filter::Approximate("n".to_owned(), b"5".to_vec()),
            ])
        );
        let parts = Filter::Substrings {
            attribute: "o".to_owned(),
            initial: b"a".to_vec(),
            middle: vec![b"b".to_vec(), b"c".to_vec()],
            last: Vec::new(),
        };
        assert_eq!(parse("(o=a*b*c*)"), parts);
        for text in ["(cn:=a)", "(cn:1.2.3:=a)", "(cn:dn:=a)", "(cn:dn:rule:=a)", "(:rule:=a)", "(:dn:1.2:=a)"] {
            assert!(parse(text).needs_server(), "{text}");
            assert!(parse(&format!("(&(a=b)(!{text}))")).needs_server(), "{text}");
        }
        assert!(!parse("(&(a=b)(!(c=*d)))").needs_server());
    }

    #[test]
    fn what_is_none_is_refused_with_place_and_reason() {
        for (text, at) in [
            ("", 0),
            ("cn=a", 0),
            ("(cn=a", 5),
            ("(cn=a))", 6),
            ("(cn=a)(cn=b)", 6),
            ("(cn)", 3),
            ("(=a)", 1),
            ("()", 1),
            ("(cn=a**b)", 6),
            (r"(cn=\2)", 4),
            (r"(cn=\zz)", 4),
            ("(cn=a(b))", 5),
            ("(&(cn=a)", 8),
            ("(! (cn=a))", 2),
            ("(cn=\0)", 4),
            ("(:=a)", 3),
            ("(cn:a:b:=c)", 7),
            ("(cn>5)", 3),
            ("(&cn=a)", 2),
        ] {
            assert_eq!(Filter::parse(text).unwrap_err().at, at, "{text}");
        }
        assert_eq!(check_filter("(cn=a").unwrap_err(), "at character 6: a \")\" is missing");
    }

    #[test]
    fn depth_has_an_end() {
        let nested = |depth: usize| format!("{}(a=b){}", "(!".repeat(depth), ")".repeat(depth));
        assert_eq!(check_filter(&nested(DEEPEST - 1)), Ok(()));
        assert!(check_filter(&nested(DEEPEST)).is_err());
        assert!(check_filter(&"(!".repeat(1_000_000)).is_err());
    }

    proptest! {
        /// What passes the check is sent to a server by this library.
        #[test]
        fn what_we_accept_the_ldap_library_accepts(text in r"(\([&|!]?){0,3}([a-c;.:=*~<>0-9]|dn|\\2[a-f]|é){0,8}\){0,4}") {
            if check_filter(&text).is_ok() {
                prop_assert!(ldap3::parse_filter(&text).is_ok(), "{}", text);
            }
        }
    }
}
