//! LDIF content records (RFC 2849), read one by one from the bytes of a file.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;

use crate::directory::entry::RawEntry;

/// One entry and the line on which it begins, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub line: usize,
    pub entry: RawEntry,
}

/// Where a file stops being LDIF.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}: {why}")]
pub struct LdifError {
    pub line: usize,
    pub why: String,
}

/// The records of a file, in order. After an error nothing more comes.
pub struct Records<'a> {
    lines: Lines<'a>,
    begun: bool,
    failed: bool,
}

impl<'a> Records<'a> {
    /// Reads the bytes of a whole file. A byte order mark before them is skipped.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        let rest = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        Self { lines: Lines { rest, number: 0, after_blank: true }, begun: false, failed: false }
    }

    /// The next record; None at the end of the file.
    fn record(&mut self) -> Result<Option<Record>, LdifError> {
        let Some(first) = self.first_line()? else { return Ok(None) };
        let (name, value) = attribute(&first)?;
        if !name.eq_ignore_ascii_case("dn") {
            return Err(first.error(headless(name)));
        }
        let mut entry = RawEntry { dn: value, attributes: Vec::new() };
        while let Some(line) = self.lines.next().transpose()? {
            if line.text.is_empty() {
                break;
            }
            let (name, value) = attribute(&line)?;
            refuse(name, &line)?;
            put(&mut entry, name, value);
        }
        if entry.attributes.is_empty() {
            return Err(first.error("the entry has no attributes; was the file cut off?"));
        }
        Ok(Some(Record { line: first.number, entry }))
    }

    /// The first line of the next record, past blank lines and the version.
    fn first_line(&mut self) -> Result<Option<Line<'a>>, LdifError> {
        loop {
            let Some(line) = self.lines.next().transpose()? else { return Ok(None) };
            if line.text.is_empty() {
                continue;
            }
            let begun = std::mem::replace(&mut self.begun, true);
            if begun || !line.is_version() {
                return Ok(Some(line));
            }
            if attribute(&line)?.1 != b"1" {
                return Err(line.error("only version 1 of LDIF is known"));
            }
        }
    }
}

impl Iterator for Records<'_> {
    type Item = Result<Record, LdifError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let record = self.record().transpose();
        self.failed = matches!(record, Some(Err(_)));
        record
    }
}

/// What to say of a record that does not begin with its DN.
fn headless(name: &str) -> String {
    if matches!(name, "search" | "result") {
        return format!("\"{name}:\" is no entry; export with `ldapsearch -LLL`, and only what ended with success");
    }
    format!("an entry begins with \"dn:\", not with \"{name}:\"")
}

/// Refuses lines that only other uses of LDIF have.
fn refuse(name: &str, line: &Line<'_>) -> Result<(), LdifError> {
    if name.eq_ignore_ascii_case("dn") {
        Err(line.error("a second \"dn:\" in one entry; a blank line is missing before it"))
    } else if name.eq_ignore_ascii_case("changetype") || name.eq_ignore_ascii_case("control") {
        Err(line.error("this is a list of changes; an export of entries is needed"))
    } else {
        Ok(())
    }
}

/// Adds a value. Values of one attribute mostly follow each other, so the search begins at the end.
fn put(entry: &mut RawEntry, name: &str, value: Vec<u8>) {
    match entry.attributes.iter_mut().rev().find(|(known, _)| known == name) {
        Some((_, values)) => values.push(value),
        None => entry.attributes.push((name.to_owned(), vec![value])),
    }
}

/// The name and the value on a line.
fn attribute<'l>(line: &'l Line<'_>) -> Result<(&'l str, Vec<u8>), LdifError> {
    let colon = line.text.iter().position(|byte| *byte == b':').ok_or_else(|| line.error("there is no \":\""))?;
    let (name, value) = (&line.text[..colon], &line.text[colon + 1..]);
    let named = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b';' | b'_' | b'=' | b'*');
    let name = std::str::from_utf8(name).ok().filter(|name| !name.is_empty() && name.bytes().all(|byte| named(&byte)));
    let name = name.ok_or_else(|| line.error("what stands before the \":\" is no attribute name"))?;
    let value = match value {
        [b':', encoded @ ..] => STANDARD
            .decode(encoded.trim_ascii())
            .map_err(|error| line.error(format!("the base64 value is broken: {error}")))?,
        [b'<', ..] => return Err(line.error("values in other files (\":<\") are not read; put the value itself here")),
        plain => plain.trim_ascii_start().to_vec(),
    };
    Ok((name, value))
}

/// One line as it is meant: folds joined.
struct Line<'a> {
    number: usize,
    text: Cow<'a, [u8]>,
}

impl Line<'_> {
    fn error(&self, why: impl Into<String>) -> LdifError {
        LdifError { line: self.number, why: why.into() }
    }

    fn is_version(&self) -> bool {
        self.text.get(..8).is_some_and(|start| start.eq_ignore_ascii_case(b"version:"))
    }
}

/// The lines of a file without comments; blank ones come empty.
struct Lines<'a> {
    rest: &'a [u8],
    /// Of the last line taken.
    number: usize,
    after_blank: bool,
}

impl<'a> Lines<'a> {
    /// The next line of the file as it stands there, without its end.
    fn physical(&mut self) -> &'a [u8] {
        self.number += 1;
        let end = self.rest.iter().position(|byte| *byte == b'\n').unwrap_or(self.rest.len());
        let line = &self.rest[..end];
        self.rest = self.rest.get(end + 1..).unwrap_or_default();
        line.strip_suffix(b"\r").unwrap_or(line)
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Result<Line<'a>, LdifError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            let mut text = Cow::Borrowed(self.physical());
            let number = self.number;
            if text.starts_with(b" ") {
                if !self.after_blank || !text.trim_ascii().is_empty() {
                    return Some(Err(LdifError {
                        line: number,
                        why: "it continues a line, and there is none".to_owned(),
                    }));
                }
                text = Cow::Borrowed(b"");
            }
            while self.rest.first() == Some(&b' ') && !text.is_empty() {
                let more = self.physical();
                text.to_mut().extend_from_slice(&more[1..]);
            }
            self.after_blank = text.is_empty();
            if !text.starts_with(b"#") {
                return Some(Ok(Line { number, text }));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;
