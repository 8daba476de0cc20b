//! Names that the config gives, and names of keys that it got wrong.

use std::collections::BTreeMap;

use config::{Value, ValueKind};

use super::context::Place;
use super::keys::{self, Section};
use crate::model::fold;
use crate::model::text::most_alike;

/// The longest name: every backend takes one as long.
const LONGEST: usize = 128;

/// The names of one list of tables so far, case-folded, each with the index of its first table.
#[derive(Debug, Default)]
pub struct Names(BTreeMap<String, usize>);

impl Names {
    /// Where a table of the list stands: `pool.standard`, or `pool[2]` where it has no name of its own.
    pub fn place(&self, list: &Place, index: usize, table: &Value) -> Place {
        let own = text_at(table, "name").filter(|name| check(name).is_ok() && !self.0.contains_key(&fold(name)));
        let shown = match own {
            Some(name) => format!("{}.{name}", list.shown),
            None => format!("{}[{}]", list.shown, index + 1),
        };
        Place { shown, at: format!("{}[{index}]", list.at) }
    }

    /// Remembers the name of a table; gives the table that had it before.
    pub fn taken(&mut self, name: &str, index: usize) -> Option<usize> {
        let first = self.0.get(&fold(name)).copied();
        if first.is_none() {
            self.0.insert(fold(name), index);
        }
        first
    }
}

/// A name that people will read, type and see in one line of a log.
pub fn check(name: &str) -> Result<(), String> {
    if name.is_empty() {
        Err("must not be empty".to_owned())
    } else if name.trim() != name {
        Err("must not begin or end with a space".to_owned())
    } else if name.chars().any(char::is_control) {
        Err("must be one line without control characters".to_owned())
    } else if name.chars().count() > LONGEST {
        Err(format!("must be at most {LONGEST} characters long"))
    } else {
        Ok(())
    }
}

/// A directory's name, which also stands before a colon in `corp:CN=...` and in what we print of people.
pub fn check_word(name: &str) -> Result<(), String> {
    check(name)?;
    if name.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c)) {
        Ok(())
    } else {
        Err("must be made of letters, digits, \"-\", \"_\" and \".\"".to_owned())
    }
}

/// What to say of a key that was not read.
pub fn unknown_key(section: &Section, key: &str) -> String {
    if let Some(instead) = section.later_key(key) {
        return format!("not in this version: {instead}");
    }
    if let Some(near) = nearest(section, key) {
        return format!("unknown key; did you mean `{near}`?");
    }
    if let Some(home) = keys::ALL.iter().find(|other| other.key(key).is_some()) {
        return format!("unknown key here; it belongs to {}", home.name);
    }
    format!("unknown key; {} has {}", section.name, section.names().collect::<Vec<_>>().join(", "))
}

/// The key of the section that was most likely meant.
fn nearest(section: &Section, key: &str) -> Option<&'static str> {
    nearest_of(section.names(), key)
}

/// The one of these that was most likely meant, where any was.
pub fn nearest_of<'w>(known: impl Iterator<Item = &'w str>, typed: &str) -> Option<&'w str> {
    most_alike(known, |known| fold(known), &fold(typed))
}

/// The text under a key of a table, if both are what they should be.
pub fn text_at<'v>(table: &'v Value, key: &str) -> Option<&'v str> {
    let ValueKind::Table(table) = &table.kind else { return None };
    match &table.get(key)?.kind {
        ValueKind::String(text) => Some(text),
        _ => None,
    }
}

/// `"a", "b" or "c"`.
pub fn quoted<'w>(words: impl Iterator<Item = &'w str>) -> String {
    let quoted: Vec<String> = words.map(|word| format!("\"{word}\"")).collect();
    match quoted.as_slice() {
        [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        words => words.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_be_as_long_as_the_longest_and_no_longer() {
        assert_eq!(check(&"x".repeat(LONGEST)), Ok(()));
        assert!(check(&"x".repeat(LONGEST + 1)).is_err());
    }

    #[test]
    fn a_misspelt_key_is_answered_with_the_nearest() {
        assert!(unknown_key(&keys::DIRECTORY, "pagesize").contains("`page_size`"));
        assert!(unknown_key(&keys::AGENT, "Poll").contains("`poll`"));
    }

    #[test]
    fn a_misplaced_key_is_sent_where_it_belongs() {
        assert!(unknown_key(&keys::AGENT, "percent").contains("belongs to [guard]"));
    }

    #[test]
    fn a_key_like_no_other_is_answered_with_all_there_are() {
        assert_eq!(unknown_key(&keys::GUARD, "zzz"), "unknown key; [guard] has percent, floor, window, confirm_within");
    }
}
