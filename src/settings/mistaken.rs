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
    let start = text.get(..at)?.rfind('\n').map_or(0, |newline| newline + 1);
    let line = text.get(start..)?.lines().next()?;
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
    let is_header = before.rsplit('\n').next().is_some_and(|line| line.trim_start().starts_with('['));
    let shown = if is_header { format!("the table [{}]", header_at(text, span.start)?) } else { key.to_owned() };
    let here = lines::position(text, span.start).0;
    let first = if is_header {
        let name = header_at(text, span.start);
        text.lines().position(|line| line.trim_start().starts_with('[') && header_at(line, 0) == name).map(|at| at + 1)
    } else {
        Lines::of_table(text, table).of(&below(before, key))
    };
    let first = first.filter(|first| *first != here);
    let first = first.map(|first| format!("on line {first} and ")).unwrap_or_default();
    Some(format!("{shown} stands {first}on line {here}; keep one of the two"))
}

/// The name of the table whose header is on the line of `at`.
fn header_at(text: &str, at: usize) -> Option<String> {
    let start = text.get(..at)?.rfind('\n').map_or(0, |newline| newline + 1);
    let line = text.get(start..)?.lines().next()?;
    Some(line.trim_start_matches([' ', '\t', '[']).split(']').next()?.trim().to_owned())
}

/// Where a key stands that follows this text, by position in the tree.
fn below(before: &str, key: &str) -> String {
    let header = |line: &str| line.trim_start().starts_with('[').then(|| line.trim().to_owned());
    let headers: Vec<String> = before.lines().filter_map(header).collect();
    let Some(last) = headers.last() else { return key.to_owned() };
    let name = |header: &str| header.trim_start_matches('[').split(']').next().unwrap_or_default().trim().to_owned();
    let lists = |of: &str| {
        let count = headers.iter().filter(|header| header.starts_with("[[") && name(header) == of).count();
        if count > 0 { format!("{of}[{}]", count - 1) } else { of.to_owned() }
    };
    let table = name(last);
    let place = match table.split_once('.') {
        Some((above, below)) => format!("{}.{below}", lists(above)),
        None => lists(&table),
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
