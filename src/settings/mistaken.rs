//! Mistakes that a parser of TOML sees and does not name: characters that only look like the right ones, and what stands twice.

use toml::de::{DeTable, Error};

use super::lines::{self, Lines};

/// What text that was copied from a page or a word processor has in the place of spaces and quotation marks; and what to
/// write instead.
const ODD: &[(&[char], &str, &str)] = &[
    (&['\u{a0}', '\u{2007}', '\u{202f}'], "a no-break space", "write a plain space"),
    (&['\u{200b}', '\u{feff}', '\u{2060}'], "a character that cannot be seen", "take it away"),
    (
        &['\u{201c}', '\u{201d}', '\u{201e}', '\u{201f}', '\u{ab}', '\u{bb}'],
        "a typographic quotation mark",
        "write a plain one: \"",
    ),
    (&['\u{2018}', '\u{2019}', '\u{201a}', '\u{201b}'], "a typographic apostrophe", "write a plain one: '"),
];

/// The first such character outside of quotation marks and comments in the line of `at`: its byte, and a sentence.
pub fn odd_in_line(text: &str, at: usize) -> Option<(usize, String)> {
    let (start, line) = line_of(text, at)?;
    let mut quote = None;
    for (byte, character) in line.char_indices() {
        match (quote, character) {
            (None, '#') => return None,
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            (None, _) => {
                if let Some((_, what, instead)) = ODD.iter().find(|(odd, ..)| odd.contains(&character)) {
                    let number = u32::from(character);
                    return Some((start + byte, format!("there is {what} (U+{number:04X}); {instead}")));
                }
            }
            (Some(_), _) => {}
        }
    }
    None
}

/// What stands twice, and where it stood first; None where the mistake is another one.
pub fn twice(text: &str, table: &DeTable, error: &Error) -> Option<String> {
    if !error.message().contains("duplicate key") {
        return None;
    }
    let span = error.span()?;
    let key = text.get(span.clone())?.trim();
    let before = text.get(..span.start)?;
    let header = table_of(line_of(text, span.start)?.1);
    let shown = header.map_or_else(|| key.to_owned(), |name| format!("the table [{name}]"));
    let here = lines::position(text, span.start).0;
    let first = match header {
        Some(_) => text.lines().position(|line| table_of(line) == header).map(|at| at + 1),
        None => Lines::of_table(text, table).of(&below(before, key)),
    };
    let first = first.filter(|first| *first != here);
    let first = first.map(|first| format!("on line {first} and ")).unwrap_or_default();
    Some(format!("{shown} stands {first}on line {here}; keep one of the two"))
}

/// Where the line of `at` begins, and the line.
fn line_of(text: &str, at: usize) -> Option<(usize, &str)> {
    let start = text.get(..at)?.rfind('\n').map_or(0, |newline| newline + 1);
    Some((start, text.get(start..)?.lines().next()?))
}

/// The name of the table whose header this line is.
fn table_of(line: &str) -> Option<&str> {
    let header = line.trim_start().strip_prefix('[')?;
    header.trim_start_matches([' ', '\t', '[']).split(']').next().map(str::trim)
}

/// Where a key stands that follows this text, by position in the tree.
fn below(before: &str, key: &str) -> String {
    let headers: Vec<(&str, &str)> =
        before.lines().filter_map(|line| Some((line.trim_start(), table_of(line)?))).collect();
    let Some((_, table)) = headers.last() else { return key.to_owned() };
    let lists = |of: &str| {
        let count = headers.iter().filter(|(line, name)| line.starts_with("[[") && *name == of).count();
        if count > 0 { format!("{of}[{}]", count - 1) } else { of.to_owned() }
    };
    let place = match table.split_once('.') {
        Some((above, below)) => format!("{}.{below}", lists(above)),
        None => lists(table),
    };
    format!("{place}.{key}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Option<String> {
        let (table, errors) = DeTable::parse_recoverable(text);
        twice(text, table.get_ref(), errors.first()?)
    }

    #[test]
    fn what_stands_twice_is_named_with_both_its_lines() {
        let of_list = "[[directory]]\nname = \"a\"\n[[directory]]\nname = \"b\"\nbase = []\nname = \"c\"\n";
        for (text, expected) in [
            ("[agent]\npoll = \"1m\"\n\npoll = \"2m\"\n", "poll stands on line 2 and on line 4"),
            (of_list, "name stands on line 4 and on line 6"),
            (
                "[[directory]]\n[directory.attributes]\nemail = \"a\"\nemail = \"b\"\n",
                "email stands on line 3 and on line 4",
            ),
            ("[agent]\n[log]\n[agent]\n", "the table [agent] stands on line 1 and on line 3"),
            ("a = 1\na = 2\n", "a stands on line 1 and on line 2"),
        ] {
            let said = said(text).unwrap_or_default();
            assert!(said.starts_with(expected), "{text}: {said}");
        }
        assert_eq!(said("[agent]\npoll = \n"), None);
    }

    #[test]
    fn a_character_that_only_looks_right_is_named_and_one_within_quotes_or_a_comment_is_not() {
        let odd = |text: &str| {
            odd_in_line(text, text.rfind('\n').map_or(0, |newline| newline + 1))
                .map(|(byte, said)| (lines::position(text, byte), said))
        };
        let (at, said) = odd("a = 1\npoll\u{a0}= \"5m\"").unwrap();
        assert_eq!((at, said.as_str()), ((2, 5), "there is a no-break space (U+00A0); write a plain space"));
        let (at, said) = odd("name = \u{201c}corp\u{201d}").unwrap();
        assert_eq!(
            (at, said.as_str()),
            ((1, 8), "there is a typographic quotation mark (U+201C); write a plain one: \"")
        );
        for text in ["name = \"\u{201c}corp\u{201d}\" x", "name = x # \u{a0}", "plain = "] {
            assert_eq!(odd(text), None, "{text}");
        }
    }
}
