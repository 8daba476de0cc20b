//! What is printed must be harmless on a terminal, JSON too.

use std::borrow::Cow;
use std::fmt::Write as _;

pub use crate::model::text::{clean, is_harmful};

/// JSON with every harmful character written as `\uXXXX`: the same value, but harmless on a terminal.
///
/// Only for JSON on one line: there such characters stand inside strings alone.
#[must_use]
pub fn clean_json(json: &str) -> Cow<'_, str> {
    if !json.contains(is_harmful) {
        return Cow::Borrowed(json);
    }
    let mut cleaned = String::with_capacity(json.len() + 16);
    for character in json.chars() {
        if is_harmful(character) {
            // All of them are below U+10000: one UTF-16 unit each. Writing to a String cannot fail.
            let _ = write!(cleaned, "\\u{:04x}", u32::from(character));
        } else {
            cleaned.push(character);
        }
    }
    Cow::Owned(cleaned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cleaned_json_says_the_same() {
        let value = serde_json::json!({"name": "a\u{9b}b\u{7f}c\u{202e}\u{1b}"});
        let text = value.to_string();
        let cleaned = clean_json(&text);
        assert!(!cleaned.contains(is_harmful));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&cleaned).unwrap(), value);
    }
}
