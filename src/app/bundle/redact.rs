//! Takes out of text whatever names a person. The same person is the same alias throughout one bundle, and another in the next.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use regex::{Captures, Regex};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::model::folded;

/// Fields whose every value is of a person.
const PERSONAL: &[&str] = &[
    "anchor",
    "dn",
    "display_name",
    "email",
    "family_name",
    "from",
    "given_name",
    "new",
    "old",
    "to",
    "user_name",
    "who",
];
/// Values of the config that must not be there and may be, a secret written where its file should be named; and those that may
/// name somebody, whole: a filter, and who logs on to a mail server.
const SECRETS: &[&str] = &["bind_password", "client_secret", "filter", "password", "secret", "token", "user"];

const LOGIN: &str = r"//[^/@\s]+@";
/// Also what is none yet: "ada@".
const MAIL: &str = r#"[^\s"'<>(),;:=\[\]]+@(?:[^\s"'<>(),;:=\[\]]*[^\s"'<>(),;:=\[\].])?"#;
/// A mailbox (RFC 5322, 3.4): a quoted text with an address in it, or a name before one: quoted, of words with capitals, or
/// all that stands there.
const MAILBOX: &str = r#"(?m)"[^"\n]*<[^<>"\s]*@[^<>"\s]*>[^"\n]*"|(?:"[^"\n]*"|(?:\p{Lu}[\p{L}\p{M}'.-]*\s+)*\p{Lu}[\p{L}\p{M}'.-]*|^[\p{L}\p{M}'. -]+)\s*<[^<>"\s]*@[^<>"\s]*>"#;
/// Keys of the config whose value names somebody.
const OF_SOMEBODY: &[&str] = &["to", "from", "filter", "user"];
/// A folder that has somebody's name.
const HOME: &str = r#"(/home/|(?i:[/\\]+users[/\\]+))[^/\\\s"'`:;,()]+"#;
const UUID: &str = r"(?i)\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b";
/// RFC 3339, and what logs make of it.
const TIME: &str = r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?(Z|[+-]\d{2}:?\d{2})?";
const DN: &str = r#"(?i)\b(cn|uid|mail|sn)=((?:\\.|[^,\\"])+)(,\s*[a-z0-9.-]+=(?:\\.|[^\\"\s;)])+)"#;

/// Somebody whose names are known.
pub struct Person {
    /// The anchor, or the account's id.
    pub identity: String,
    /// User name, mail address, DN and the like; those of the account and those of the entry.
    pub names: Vec<String>,
}

/// What is known of the people, and how to write it.
pub struct Redactor {
    salt: [u8; 16],
    /// Whole values, folded.
    values: HashMap<String, String>,
    /// The same by their first word: what may follow, the longest first, and the alias.
    words: HashMap<String, Vec<(Vec<char>, String)>>,
    /// DNs of the config, folded: groups and bases, which support must see.
    kept: BTreeSet<String>,
    login: Regex,
    home: Regex,
    sent_to: Regex,
    mailbox: Regex,
    mail: Regex,
    uuid: Regex,
    dn: Regex,
    time: Regex,
}

impl Redactor {
    /// # Errors
    /// Where a pattern is none; they are fixed, so a test would show it.
    pub fn new(people: Vec<Person>, kept: &BTreeSet<String>) -> Result<Self, regex::Error> {
        let mut redactor = Self {
            salt: uuid::Uuid::new_v4().into_bytes(),
            values: HashMap::new(),
            words: HashMap::new(),
            kept: kept.iter().map(|dn| folded(dn).into_owned()).collect(),
            login: Regex::new(LOGIN)?,
            home: Regex::new(HOME)?,
            sent_to: Regex::new(&quoted())?,
            mailbox: Regex::new(MAILBOX)?,
            mail: Regex::new(MAIL)?,
            uuid: Regex::new(UUID)?,
            dn: Regex::new(DN)?,
            time: Regex::new(TIME)?,
        };
        for person in people {
            redactor.learn(person);
        }
        for candidates in redactor.words.values_mut() {
            candidates.sort_by_key(|(rest, _)| std::cmp::Reverse(rest.len()));
        }
        Ok(redactor)
    }

    fn learn(&mut self, person: Person) {
        let alias = format!("person-{}", self.hash(&person.identity));
        let names = person.names.into_iter().chain([person.identity]);
        for value in names.filter(|value| is_telling(value)) {
            let whole = folded(&value).into_owned();
            if let Some((start, word)) = words(&whole).next() {
                let rest = whole[start..].chars().collect();
                self.words.entry(word.to_owned()).or_default().push((rest, alias.clone()));
            }
            self.values.insert(whole, alias.clone());
        }
    }

    /// Free text: a log, a message, a name of something.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        let text = self.login.replace_all(text, "//[redacted]@");
        let text = self.home.replace_all(&text, "$1[redacted]");
        let text = self.sent_to.replace_all(&text, "$1 = [redacted]: ");
        let text = self.mailbox.replace_all(&text, |found: &Captures<'_>| self.mailbox(&found[0]));
        let text = self.mail.replace_all(&text, |found: &Captures<'_>| self.alias(&found[0], "mail"));
        let text = self.uuid.replace_all(&text, |found: &Captures<'_>| self.alias(&found[0], "id"));
        let text = self.dn.replace_all(&text, |found: &Captures<'_>| self.dn(found));
        let mut redacted = String::new();
        let mut done = 0;
        for time in self.time.find_iter(&text) {
            redacted.push_str(&self.names(&text[done..time.start()]));
            redacted.push_str(time.as_str());
            done = time.end();
        }
        redacted + &self.names(&text[done..])
    }

    /// Every text in a value; what stands under a person's field goes whole.
    pub fn value(&self, value: &mut Value) {
        self.under("", value);
    }

    fn under(&self, key: &str, value: &mut Value) {
        match value {
            Value::String(text) if SECRETS.contains(&key) => "[redacted]".clone_into(text),
            Value::String(text) if PERSONAL.contains(&key) => *text = self.alias(text, "person"),
            Value::String(text) if key == "bind_dn" => *text = self.bind_dn(text),
            Value::String(text) => *text = self.text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.under(key, item)),
            Value::Object(fields) if is_of_somebody(fields) => {
                fields.insert("value".to_owned(), "[redacted]".into());
                fields.iter_mut().for_each(|(key, value)| self.under(key, value));
            }
            Value::Object(fields) if key == "webhook" => {
                if let Some(Value::String(url)) = fields.get_mut("url") {
                    *url = without_path(url);
                }
                fields.iter_mut().for_each(|(key, value)| self.under(key, value));
            }
            Value::Object(fields) => fields.iter_mut().for_each(|(key, value)| self.under(key, value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// The address says who it is as well as the name before it does.
    fn mailbox(&self, found: &str) -> String {
        let address =
            found.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or(found, |(address, _)| address);
        let alias = self.alias(address, "mail");
        match (found.starts_with('"'), found.ends_with('"')) {
            (true, true) => format!("\"{alias}\""),
            (true, false) => format!("\"{alias}\" <{alias}>"),
            (false, _) => format!("<{alias}>"),
        }
    }

    /// Who logs on: the folder is of use, the name of nobody's.
    fn bind_dn(&self, dn: &str) -> String {
        match dn.split_once(',') {
            Some((first, rest)) if first.contains('=') => {
                format!("{}=[redacted],{}", first.split('=').next().unwrap_or_default(), self.text(rest))
            }
            _ => "[redacted]".to_owned(),
        }
    }

    fn dn(&self, found: &Captures<'_>) -> String {
        let whole = folded(&found[0]).into_owned();
        if self.kept.iter().any(|kept| whole.starts_with(kept.as_str())) {
            return found[0].to_owned();
        }
        if let Some(alias) = self.values.get(&whole) {
            return alias.clone();
        }
        format!("{}={}{}", &found[1], self.alias(&found[2], "id"), &found[3])
    }

    fn alias(&self, value: &str, kind: &str) -> String {
        let whole = folded(value);
        self.values.get(&*whole).cloned().unwrap_or_else(|| format!("{kind}-{}", self.hash(&whole)))
    }

    /// Known names in running text, as whole words.
    fn names<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut redacted = String::new();
        let mut done = 0;
        for (start, word) in words(text) {
            if start < done {
                continue;
            }
            let Some(candidates) = self.words.get(&*folded(word)) else { continue };
            let Some((length, alias)) =
                candidates.iter().find_map(|(rest, alias)| Some((length_of(&text[start..], rest)?, alias)))
            else {
                continue;
            };
            redacted.push_str(&text[done..start]);
            redacted.push_str(alias);
            done = start + length;
        }
        if done == 0 {
            return Cow::Borrowed(text);
        }
        redacted.push_str(&text[done..]);
        Cow::Owned(redacted)
    }

    fn hash(&self, value: &str) -> String {
        let digest = Sha256::new().chain_update(self.salt).chain_update(value).finalize();
        digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Such a key with its value as messages quote them, whatever stands there.
fn quoted() -> String {
    let keys = OF_SOMEBODY.join("|");
    format!(r#"(?m)(\.(?:{keys})(?:\[\d+\]|\.\d+)?) = (?:"(?:\\.|[^"\\])*"|\[.*?\]|[^:\n]*): "#)
}

/// What is wrong with a value of the config that names somebody.
fn is_of_somebody(fields: &serde_json::Map<String, Value>) -> bool {
    let key = fields.get("key").and_then(Value::as_str).unwrap_or_default();
    let key = key.trim_end_matches(|c: char| c.is_ascii_digit() || "[].".contains(c));
    fields.get("value").is_some_and(Value::is_string)
        && key.rsplit('.').next().is_some_and(|last| OF_SOMEBODY.contains(&last))
}

/// What follows the host of a webhook is as good as a password.
fn without_path(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return "[redacted]".to_owned() };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let more = if host.len() < rest.len() { "/[redacted]" } else { "" };
    format!("{scheme}://{host}{more}")
}

/// Whether a value is of one person rather than a letter, or a count of something.
fn is_telling(value: &str) -> bool {
    let short = if value.chars().all(|c| c.is_ascii_digit()) { 3 } else { 1 };
    value.chars().count() > short
}

/// The words of a text, each with where it begins.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(move |word| (word.as_ptr() as usize - text.as_ptr() as usize, word))
}

/// How many bytes of the text are this value, folded, with no more of a word behind it.
fn length_of(text: &str, value: &[char]) -> Option<usize> {
    let mut wanted = value.iter().copied();
    let mut end = 0;
    for c in text.chars() {
        if wanted.len() == 0 {
            return (!c.is_alphanumeric()).then_some(end);
        }
        let same = folded(c.encode_utf8(&mut [0; 4])).chars().all(|folded| wanted.next() == Some(folded));
        if !same {
            return None;
        }
        end += c.len_utf8();
    }
    (wanted.len() == 0).then_some(end)
}

#[cfg(test)]
mod tests;
