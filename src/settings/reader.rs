//! Reads one table of the merged tree, key by key, and records whatever is wrong instead of stopping there.
//!
//! Every getter marks its key as read; `finish` refuses what is left, so that no key is accepted and ignored.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use config::{Value, ValueKind};

use super::context::{Context, Place};
use super::keys::{self, Section, Shape, Without};
use super::{naming, overrides};

/// How a list that a variable gives is split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    AtCommas,
    /// One item: it may contain commas itself.
    Never,
}

/// One table.
#[derive(Debug)]
pub struct Reader<'c> {
    pub context: &'c Context<'c>,
    pub place: Place,
    section: &'static Section,
    table: BTreeMap<String, Value>,
    read: RefCell<BTreeSet<&'static str>>,
}

impl<'c> Reader<'c> {
    /// The whole tree.
    pub fn root(tree: Value, context: &'c Context<'c>) -> Self {
        let place = Place { shown: String::new(), at: String::new() };
        Self::open(Some(tree), &keys::ROOT, place, context)
    }

    /// A table; an empty one where there is none, or something else.
    fn open(value: Option<Value>, section: &'static Section, place: Place, context: &'c Context<'c>) -> Self {
        let table = match value.map(|value| value.kind) {
            Some(ValueKind::Table(table)) => table.into_iter().collect(),
            Some(other) => {
                context.problem(&place, Some(show(&other)), format!("must be a table: {}", section.name));
                BTreeMap::new()
            }
            None => BTreeMap::new(),
        };
        Self { context, place, section, table, read: RefCell::default() }
    }

    /// Compiles a table of this one, which may be left out.
    pub fn section<T>(&self, key: &'static str, section: &'static Section, compile: impl FnOnce(&Self) -> T) -> T {
        self.is_known_as(key, |shape| match shape {
            Shape::Table(known) => known.name == section.name,
            Shape::Secret => section.name == keys::SECRET.name,
            _ => false,
        });
        let below = Self::open(self.raw(key).cloned(), section, self.place.key(key), self.context);
        let compiled = compile(&below);
        below.finish();
        compiled
    }

    /// Compiles each table of a list of tables (`[[pool]]`) that must not be empty. Each is called by its name where it
    /// has one of its own.
    pub fn tables<T>(
        &self,
        key: &'static str,
        section: &'static Section,
        mut compile: impl FnMut(&Self) -> T,
    ) -> Vec<T> {
        self.is_known_as(key, |shape| matches!(shape, Shape::Tables(known) if known.name == section.name));
        let place = self.place.key(key);
        let tables = match self.raw(key).map(|value| &value.kind) {
            Some(ValueKind::Array(tables)) => tables.as_slice(),
            Some(other) => {
                let message = format!("must be a list of tables: write {} above each", section.name);
                self.context.problem(&place, Some(show(other)), message);
                return Vec::new();
            }
            None => &[],
        };
        if tables.is_empty() {
            self.context.problem(&place, None, format!("at least one {} is needed", section.name));
        }
        let mut names = naming::Names::default();
        let open = |(index, table): (usize, &Value)| {
            let below = Self::open(Some(table.clone()), section, names.place(&place, index, table), self.context);
            if let Some(first) = below.own_name().and_then(|name| names.taken(name, index)) {
                let message = format!("table {} of the list has this name already; each needs its own", first + 1);
                below.problem("name", message);
            }
            let compiled = compile(&below);
            below.finish();
            compiled
        };
        tables.iter().enumerate().map(open).collect()
    }

    /// The name that the table gives itself.
    fn own_name(&self) -> Option<&str> {
        match &self.raw("name")?.kind {
            ValueKind::String(name) => Some(name),
            _ => None,
        }
    }

    /// The key is set, whether to something good or not.
    pub fn has(&self, key: &'static str) -> bool {
        self.raw(key).is_some()
    }

    /// There is no table, or nothing in it.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Refuses every key that was not read.
    pub fn finish(&self) {
        let read = self.read.borrow();
        for key in self.table.keys().filter(|key| !read.contains(key.as_str())) {
            self.context.problem(&self.place.key(key), None, naming::unknown_key(self.section, key));
        }
    }

    /// Refuses keys that mean nothing beside the others that are set.
    pub fn refuse(&self, keys: &[&'static str], message: &str) {
        for key in keys {
            if self.has(key) {
                self.context.problem(&self.place.key(key), None, message);
            }
        }
    }

    /// A value as it stands in the tree.
    pub fn raw(&self, key: &'static str) -> Option<&Value> {
        debug_assert!(self.section.key(key).is_some(), "{key} is not listed in keys.rs");
        self.read.borrow_mut().insert(key);
        self.table.get(key)
    }

    /// What is read is what keys.rs tells editors: another shape is a slip of ours.
    pub fn is_known_as(&self, key: &'static str, fits: impl Fn(Shape) -> bool) {
        let known = self.section.key(key);
        debug_assert!(known.is_some_and(|key| fits(key.shape)), "{key} is {known:?}");
    }

    /// Records what is wrong with the value of a key.
    pub fn problem(&self, key: &'static str, message: impl Into<String>) {
        let value = self.table.get(key).map(|value| show(&value.kind));
        self.context.problem(&self.place.key(key), value, message);
    }

    /// Records that the secret of a key cannot be had here and now.
    pub fn lacks(&self, key: &'static str, message: impl Into<String>) {
        let value = self.table.get(key).map(|value| show(&value.kind));
        self.context.lacks(&self.place.key(key), value, message);
    }

    /// Records what is wrong with one item of a list.
    pub fn item_problem(&self, key: &'static str, index: usize, item: &str, message: impl Into<String>) {
        let value = show(&ValueKind::String(item.to_owned()));
        self.context.problem(&self.place.key(key).item(index), Some(value), message);
    }

    /// The same of one item of a list.
    pub fn item_warn(&self, key: &'static str, index: usize, item: &str, message: impl Into<String>) {
        let value = show(&ValueKind::String(item.to_owned()));
        self.context.warn(&self.place.key(key).item(index), Some(value), message);
    }

    /// Records what is allowed and yet hardly meant.
    pub fn warn(&self, key: &'static str, message: impl Into<String>) {
        let value = self.table.get(key).map(|value| show(&value.kind));
        self.context.warn(&self.place.key(key), value, message);
    }

    /// Text that is not empty.
    pub fn text(&self, key: &'static str) -> Option<String> {
        self.is_known_as(key, |shape| matches!(shape, Shape::Text | Shape::Path | Shape::Duration(_)));
        match &self.raw(key)?.kind {
            ValueKind::String(text) if !text.is_empty() => return Some(text.clone()),
            ValueKind::String(_) => self.problem(key, "must not be empty"),
            other => self.problem(key, format!("must be text in quotes{}", self.meant(key, other))),
        }
        None
    }

    /// How a number of seconds is written.
    fn meant(&self, key: &str, value: &ValueKind) -> String {
        let is_duration = self.section.key(key).is_some_and(|key| matches!(key.shape, Shape::Duration(_)));
        let seconds = match value {
            ValueKind::I64(number) if is_duration => *number,
            _ => return String::new(),
        };
        let written = match seconds {
            ..=0 => return ", with its unit, such as \"5m\"".to_owned(),
            _ if seconds % 3600 == 0 => format!("{}h", seconds / 3600),
            _ if seconds % 60 == 0 => format!("{}m", seconds / 60),
            _ => format!("{seconds}s"),
        };
        format!(", with its unit; {seconds} seconds are \"{written}\"")
    }

    /// Refuses a table without this key; `what` says what belongs there.
    pub fn require(&self, key: &'static str, what: &str) {
        if !self.has(key) {
            self.problem(key, format!("is missing: {what}"));
        }
    }

    /// Text that must be there and must pass a check.
    pub fn required(&self, key: &'static str, what: &str, check: impl Fn(&str) -> Result<(), String>) -> String {
        self.require(key, what);
        let text = self.text(key).unwrap_or_default();
        if !text.is_empty()
            && let Err(message) = check(&text)
        {
            self.problem(key, message);
        }
        text
    }

    /// A path; a relative one starts at the config's folder.
    pub fn path(&self, key: &'static str) -> Option<PathBuf> {
        self.is_known_as(key, |shape| matches!(shape, Shape::Path));
        self.text(key).map(|path| self.context.folder.join(path))
    }

    /// `true` or `false`; left out, the default of its key.
    pub fn flag(&self, key: &'static str) -> bool {
        self.is_known_as(key, |shape| matches!(shape, Shape::Flag));
        let default = self.section.key(key).is_some_and(|key| key.without == Without::Default("true"));
        match self.raw(key).map(|value| &value.kind) {
            None => return default,
            Some(ValueKind::Boolean(flag)) => return *flag,
            Some(ValueKind::String(text)) if self.is_override(key) && text == "true" => return true,
            Some(ValueKind::String(text)) if self.is_override(key) && text == "false" => return false,
            Some(_) => self.problem(key, "must be true or false, without quotes"),
        }
        default
    }

    /// A whole number within the range of its key.
    pub fn number(&self, key: &'static str) -> Option<u32> {
        self.is_known_as(key, |shape| shape.range().is_some());
        let range = self.section.key(key).and_then(|key| key.shape.range())?;
        let number = match &self.raw(key)?.kind {
            ValueKind::I64(number) => Some(*number),
            ValueKind::String(text) if self.is_override(key) => text.parse().ok(),
            _ => None,
        };
        let fitting = number.and_then(|number| u32::try_from(number).ok()).filter(|number| range.contains(number));
        if fitting.is_none() {
            let (low, high) = (range.start(), range.end());
            self.problem(key, format!("must be a whole number from {low} to {high}, without quotes"));
        }
        fitting
    }

    /// One of a few words.
    pub fn choice<T: Copy>(&self, key: &'static str, allowed: &[(&str, T)]) -> Option<T> {
        let words = || allowed.iter().map(|(word, _)| word);
        self.is_known_as(key, |shape| matches!(shape, Shape::Words(known) if known.iter().eq(words())));
        let text = match &self.raw(key)?.kind {
            ValueKind::String(text) => text.clone(),
            _ => {
                self.problem(key, format!("must be {}", naming::quoted(allowed.iter().map(|(word, _)| *word))));
                return None;
            }
        };
        let found = allowed.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning);
        if found.is_none() {
            let words = naming::quoted(allowed.iter().map(|(word, _)| *word));
            let message = match self.section.later_value(key, &text) {
                Some(instead) => format!("not in this version: {instead}"),
                None => format!("must be {words}"),
            };
            self.problem(key, message);
        }
        found
    }

    /// A list of texts that are not empty. None: left out, or no list.
    pub fn texts(&self, key: &'static str, split: Split) -> Option<Vec<String>> {
        self.is_known_as(key, |shape| matches!(shape, Shape::Texts));
        let texts = match &self.raw(key)?.kind {
            ValueKind::Array(items) => items.iter().map(text_of).collect(),
            ValueKind::String(text) if self.is_override(key) => overrides::list(text, split == Split::AtCommas),
            _ => None,
        };
        match texts {
            Some(texts) if texts.iter().all(|text| !text.is_empty()) => return Some(texts),
            Some(_) => self.problem(key, "an item of the list must not be empty"),
            None => self.problem(key, format!("must be a list of texts: {key} = [\"...\", \"...\"]")),
        }
        None
    }

    /// The value came from an environment variable, so it is text whatever it stands for.
    pub fn is_override(&self, key: &'static str) -> bool {
        self.context.is_override(&self.place.key(key))
    }
}

fn text_of(value: &Value) -> Option<String> {
    match &value.kind {
        ValueKind::String(text) => Some(text.clone()),
        _ => None,
    }
}

/// A value as TOML would spell it, cut to what a person reads. What lies inside a table stays there: it may be secret.
pub fn show(value: &ValueKind) -> String {
    const LONGEST: usize = 120;
    let text = match value {
        ValueKind::Table(_) => "{ ... }".to_owned(),
        ValueKind::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| show(&item.kind)).collect();
            format!("[{}]", items.join(", "))
        }
        ValueKind::String(text) => format!("{text:?}"),
        other => other.to_string(),
    };
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}
