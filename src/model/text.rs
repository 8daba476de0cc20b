//! Text for people. What comes from elsewhere is made harmless: a name must not move the cursor, hide text or turn a line
//! around.

use std::borrow::Cow;
use std::path::Path;

/// Control characters, line and paragraph separators, and the marks that override the direction of text
/// (Unicode Bidirectional Algorithm, UAX #9 §2). Joiners stay: Persian and many emoji need them.
#[must_use]
pub fn is_harmful(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// What `SQLite`'s library gives as the cause of what it said: the number of the error, and the same words again.
#[must_use]
pub fn is_number_of_error(cause: &str) -> bool {
    cause.strip_prefix("Error code ").is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
}

/// The text with every harmful character written out, such as `\u{1b}`.
#[must_use]
pub fn clean(text: &str) -> Cow<'_, str> {
    if !text.contains(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut cleaned = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_harmful(character) {
            cleaned.extend(character.escape_default());
        } else {
            cleaned.push(character);
        }
    }
    Cow::Owned(cleaned)
}

/// A sentence in which every command in backticks means the same config: `options` (` --config PATH`) follows it, but where
/// the command names a config of its own.
#[must_use]
pub fn spelt<'t>(text: &'t str, options: &str) -> Cow<'t, str> {
    const BEFORE: &str = "`seatsync ";
    if options.is_empty() || !text.contains(BEFORE) {
        return Cow::Borrowed(text);
    }
    let mut parts = text.split(BEFORE);
    let mut spelt = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (command, after) = part.split_once('`').unwrap_or((part, ""));
        let options = if command.starts_with("--config ") { "" } else { options };
        spelt.extend([BEFORE, command, options, "`", after]);
    }
    Cow::Owned(spelt)
}

/// A number with its thousands apart: 12,345.
#[must_use]
pub fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// The URL of a file, by its absolute path: `file:///C:/Program%20Files/...` (RFC 8089). What begins a query or a fragment is
/// escaped, too.
#[must_use]
pub fn file_url(file: &Path) -> String {
    let mut url = String::from("file:///");
    for letter in file.to_string_lossy().trim_start_matches('/').chars() {
        match letter {
            '%' | '?' | '#' | ' ' => url.push_str(&format!("%{:02X}", u32::from(letter))),
            '\\' if cfg!(windows) => url.push('/'),
            other => url.push(other),
        }
    }
    url
}

/// Of these the one whose text is most like another one, if it is alike enough to have been meant.
pub fn most_alike<T>(found: impl IntoIterator<Item = T>, text: impl Fn(&T) -> String, typed: &str) -> Option<T> {
    let rated = found.into_iter().map(|one| (strsim::normalized_damerau_levenshtein(typed, &text(&one)), one));
    let (likeness, best) = rated.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (likeness >= ALIKE).then_some(best)
}

/// So alike are a word and a misspelt one, from 0 to 1.
const ALIKE: f64 = 0.6;

/// `1 person waits`, `3 people wait`.
#[must_use]
pub fn counted(number: u64, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}

/// The first three, and how many more.
#[must_use]
pub fn some_of(found: impl Iterator<Item = String>) -> Option<String> {
    some_of_by(found, ", ")
}

/// The same, with something else between them: DNs have commas.
#[must_use]
pub fn some_of_by(found: impl Iterator<Item = String>, between: &str) -> Option<String> {
    let found: Vec<String> = found.collect();
    let more = found.len().saturating_sub(3);
    let and_more = if more > 0 { format!(" and {more} more") } else { String::new() };
    (!found.is_empty()).then(|| format!("{}{and_more}", found[..found.len().min(3)].join(between)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_by_a_url() {
        assert_eq!(file_url(Path::new("/usr/a b/50%?#.json")), "file:///usr/a%20b/50%25%3F%23.json");
        if cfg!(windows) {
            assert_eq!(file_url(Path::new("C:\\Program Files\\x.json")), "file:///C:/Program%20Files/x.json");
        }
    }

    #[test]
    fn numbers_keep_their_thousands_apart() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(number), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn a_terminal_escape_in_a_name_is_shown_and_not_obeyed() {
        assert_eq!(clean("A\u{1b}[2Jda\n\u{9b}x"), r"A\u{1b}[2Jda\n\u{9b}x");
    }

    #[test]
    fn a_command_with_a_config_of_its_own_keeps_it() {
        let text = "run `seatsync --config l.toml ledger connector add main`, then `seatsync sync`";
        let wanted = "run `seatsync --config l.toml ledger connector add main`, then `seatsync sync --config a.toml`";
        assert_eq!(spelt(text, " --config a.toml"), wanted);
    }

    #[test]
    fn text_cannot_be_turned_around() {
        assert_eq!(clean("ada\u{202e}nimda"), r"ada\u{202e}nimda");
    }

    #[test]
    fn names_of_all_scripts_stay_as_they_are() {
        for name in ["山田 太郎", "שרה כהן", "👩‍💻 Ada", "نرم\u{200c}افزار", "Zoë"] {
            assert_eq!(clean(name), name);
        }
    }
}
