//! Which line of the file each value stands on: the merged tree no longer knows it.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Lines, from 1, by position in the tree (`directory[0].url`).
#[derive(Debug, Default)]
pub struct Lines {
    lines: BTreeMap<String, usize>,
    /// Line and key of numbers that do not fit into 64 bits: the merge would stop at the first of them.
    pub too_large: Vec<(usize, String)>,
}

impl Lines {
    /// Walks a parsed file.
    pub fn of_table(text: &str, table: &DeTable) -> Self {
        let mut lines = Self::default();
        lines.add_table(text, "", table);
        lines
    }

    /// The line of a value.
    pub fn of(&self, at: &str) -> Option<usize> {
        self.lines.get(at).copied()
    }

    /// The line of the nearest table around a place where nothing stands.
    pub fn around(&self, at: &str) -> Option<usize> {
        let end = at.rfind(['.', '['])?;
        self.of(&at[..end]).or_else(|| self.around(&at[..end]))
    }

    fn add_table(&mut self, text: &str, at: &str, table: &DeTable) {
        for (key, value) in table {
            let name = key.get_ref();
            let below = if at.is_empty() { name.to_string() } else { format!("{at}.{name}") };
            self.lines.insert(below.clone(), position(text, key.span().start).0);
            self.add_value(text, &below, value);
        }
    }

    fn add_value(&mut self, text: &str, at: &str, value: &Spanned<DeValue>) {
        match value.get_ref() {
            DeValue::Table(table) => self.add_table(text, at, table),
            DeValue::Array(array) => {
                for (index, item) in array.iter().enumerate() {
                    let below = format!("{at}[{index}]");
                    self.lines.insert(below.clone(), position(text, item.span().start).0);
                    self.add_value(text, &below, item);
                }
            }
            DeValue::Integer(number) if i64::from_str_radix(number.as_str(), number.radix()).is_err() => {
                let key = at.rsplit('.').next().unwrap_or(at);
                self.too_large.push((position(text, value.span().start).0, key.to_owned()));
            }
            _ => {}
        }
    }
}

/// Line and column, both from 1, of a byte of the text.
pub fn position(text: &str, byte: usize) -> (usize, usize) {
    let before = text.get(..byte).unwrap_or(text);
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[start..].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_known_for_every_value_of_the_file() {
        let text = "[agent]\npoll = \"1m\"\n\n[[directory]]\nurl = [\n  \"a\",\n  \"b\",\n]\n";
        let table = DeTable::parse(text).unwrap();
        let lines = Lines::of_table(text, table.get_ref());
        assert_eq!(lines.of("agent.poll"), Some(2));
        assert_eq!(lines.of("directory[0].url"), Some(5));
        assert_eq!(lines.of("directory[0].url[1]"), Some(7));
        assert_eq!(lines.of("agent.full"), None);
        assert_eq!(lines.around("agent.full"), Some(1));
    }

    #[test]
    fn columns_count_characters_not_bytes() {
        assert_eq!(position("a = 1\nö = ?", "a = 1\nö = ".len()), (2, 5));
    }
}
