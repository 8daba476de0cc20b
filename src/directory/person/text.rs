//! Values as text: what may stand in a name or a mail address.

use crate::directory::entry::Entry;
use crate::model::fold;

/// What an attribute holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Absent,
    /// Nothing but spaces.
    Blank,
    Value(String),
    /// Holds control characters; this is the text with a space for each run of them.
    Unclean(String),
    /// Why the value cannot be used.
    Malformed(&'static str),
}

impl Field {
    pub(super) fn value(self) -> Option<String> {
        if let Self::Value(value) = self { Some(value) } else { None }
    }

    /// Without the spaces around it, which no user name or address means.
    pub(super) fn trimmed(self) -> Self {
        if let Self::Value(value) = self { Self::Value(value.trim().to_owned()) } else { self }
    }
}

/// Reads an attribute as one text, unchanged but for control characters.
///
/// Values of an attribute have no order (RFC 4512 section 2.2), so of several that can be used the smallest counts,
/// case-folded: the same on every server and in every read.
pub(super) fn read_text(entry: &impl Entry, name: &str) -> Field {
    let mut values = entry.values(name);
    let Some(first) = values.next() else { return Field::Absent };
    values.fold(read_value(first), |best, value| better(best, read_value(value)))
}

/// All values that can be used, without the spaces around them, in order and each once.
pub(super) fn read_texts(entry: &impl Entry, name: &str) -> Vec<String> {
    let mut texts: Vec<String> = entry.values(name).filter_map(|value| read_value(value).trimmed().value()).collect();
    texts.sort_unstable();
    texts.dedup();
    texts
}

fn better(one: Field, other: Field) -> Field {
    match (one, other) {
        (Field::Value(one), Field::Value(other)) => {
            let smaller = (fold(&one), &one) <= (fold(&other), &other);
            Field::Value(if smaller { one } else { other })
        }
        (value @ Field::Value(_), _) | (_, value @ Field::Value(_)) => value,
        (Field::Unclean(one), Field::Unclean(other)) => Field::Unclean(one.min(other)),
        (unclean @ Field::Unclean(_), _) | (_, unclean @ Field::Unclean(_)) => unclean,
        (malformed @ Field::Malformed(_), _) | (_, malformed @ Field::Malformed(_)) => malformed,
        (blank, _) => blank,
    }
}

fn read_value(value: &[u8]) -> Field {
    let Ok(text) = std::str::from_utf8(value) else { return Field::Malformed("is not UTF-8") };
    if text.trim().is_empty() {
        Field::Blank
    } else if text.chars().any(char::is_control) {
        let parts = text.split(char::is_control).map(str::trim).filter(|part| !part.is_empty());
        let clean = parts.collect::<Vec<_>>().join(" ");
        if clean.is_empty() { Field::Blank } else { Field::Unclean(clean) }
    } else {
        Field::Value(text.to_owned())
    }
}
