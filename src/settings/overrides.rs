//! Environment variables that stand for keys: `SEATSYNC__AGENT__POLL`, `SEATSYNC__POOL__STANDARD__SEATS`.
//!
//! A table of a list (`[[directory]]`, `[[pool]]`) is called by its name, in capitals, with `_` for whatever is no
//! letter or digit. A variable changes such a table; it cannot add one.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

use super::Variables;

pub const PREFIX: &str = "SEATSYNC";
pub const SEPARATOR: &str = "__";

/// Which variable gave which value, by position in the merged tree.
#[derive(Debug, Default)]
pub struct Overrides(BTreeMap<String, String>);

impl Overrides {
    /// Finds the variables that stand for keys; `refuse` hears of those that cannot be told what they mean: the variable,
    /// the key, and why.
    pub fn find(variables: &Variables, file: &DeTable, mut refuse: impl FnMut(&str, String, String)) -> Self {
        let mut found: BTreeMap<String, String> = BTreeMap::new();
        for (variable, value) in variables {
            let Some(path) = key_path(variable) else { continue };
            match locate(&path, file) {
                Err(message) => refuse(variable, path, message),
                Ok(at) if value.contains(char::REPLACEMENT_CHARACTER) => {
                    refuse(variable, at, "is not UTF-8; set it to text in UTF-8".to_owned());
                }
                Ok(at) => {
                    if let Some(other) = found.insert(at.clone(), variable.clone()) {
                        refuse(variable, at, format!("{other} says the same; keep one of the two"));
                    }
                }
            }
        }
        let found = Self(found);
        found.overlaps().for_each(|(variable, at, message)| refuse(variable, at, message));
        found
    }

    /// What the `config` crate takes for the environment: each variable under the position it stands for.
    pub fn values(&self, variables: &Variables) -> config::Map<String, String> {
        let name = |at: &String| format!("{PREFIX}{SEPARATOR}{at}");
        self.0.iter().filter_map(|(at, variable)| Some((name(at), variables.get(variable)?.clone()))).collect()
    }

    /// The variable that gave the value at a place, or the list that the value is an item of.
    pub fn exactly(&self, at: &str) -> Option<&str> {
        let list = at.strip_suffix(']').and_then(|item| item.rfind('[')).map(|end| &at[..end]);
        self.0.get(at).or_else(|| self.0.get(list?)).map(String::as_str)
    }

    /// A variable that gave a value somewhere below a place.
    pub fn below(&self, at: &str) -> Option<&str> {
        let inside = |place: &str| place.strip_prefix(at).is_some_and(|rest| rest.starts_with(['.', '[']));
        self.0.iter().find(|(place, _)| inside(place)).map(|(_, variable)| variable.as_str())
    }

    /// One variable for a table and another for a key in it: which of them counted would be chance.
    fn overlaps(&self) -> impl Iterator<Item = (&str, String, String)> {
        self.0.iter().filter_map(|(at, variable)| {
            let other = self.below(at)?;
            Some((variable.as_str(), at.clone(), format!("{other} stands for a part of it; keep one of the two")))
        })
    }
}

/// `SEATSYNC__AGENT__POLL` → `agent.poll`; None where the variable is not ours.
fn key_path(variable: &str) -> Option<String> {
    let lower = variable.to_lowercase();
    let rest = lower.strip_prefix(&format!("{PREFIX}{SEPARATOR}").to_lowercase())?;
    Some(rest.replace(SEPARATOR, "."))
}

/// `pool.standard.seats` → `pool[1].seats`; other paths as they are.
fn locate(path: &str, file: &DeTable) -> Result<String, String> {
    let Some((list, rest)) = path.split_once('.').filter(|(list, _)| matches!(*list, "directory" | "pool")) else {
        return Ok(path.to_owned());
    };
    let names = names(file, list);
    let matching: Vec<(usize, &str)> =
        names.iter().enumerate().filter_map(|(index, name)| Some((index, after(rest, name)?))).collect();
    let known = names.join(", ");
    match matching.as_slice() {
        [(index, below)] => Ok(format!("{list}[{index}]{below}")),
        [] => Err(format!("no [[{list}]] of the file has that name; there are: {known}")),
        _ => Err(format!("fits more than one [[{list}]] of the file: {known}; rename one of them")),
    }
}

/// What follows a table's name in a path: empty, or a dot and a key.
fn after<'p>(path: &'p str, name: &str) -> Option<&'p str> {
    let spelt: String = name.to_lowercase().chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
    let rest = path.strip_prefix(&spelt.replace(SEPARATOR, "."))?;
    (!name.is_empty() && (rest.is_empty() || rest.starts_with('.'))).then_some(rest)
}

/// The names of a list's tables, in the order of the file; empty where a table has none.
fn names(file: &DeTable, list: &str) -> Vec<String> {
    let Some(DeValue::Array(tables)) = file.get(list).map(toml::Spanned::get_ref) else { return Vec::new() };
    let name =
        |table: &DeValue| table.get("name").and_then(|name| name.get_ref().as_str()).unwrap_or_default().to_owned();
    tables.iter().map(|table| name(table.get_ref())).collect()
}

/// A list given by a variable: a TOML array, or the items with commas between where `commas` says so, or one item.
pub fn list(text: &str, commas: bool) -> Option<Vec<String>> {
    let text = text.trim();
    if text.starts_with('[') {
        let document = format!("list = {text}");
        let table = DeTable::parse(&document).ok()?;
        let table = Some(table.get_ref()).filter(|table| table.len() == 1)?;
        let items = table.get("list")?.get_ref().as_array()?;
        return items.iter().map(|item| Some(item.get_ref().as_str()?.to_owned())).collect();
    }
    if text.is_empty() {
        return Some(Vec::new());
    }
    let items = if commas { text.split(',').collect() } else { vec![text] };
    Some(items.into_iter().map(|item| item.trim().to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "[[pool]]\nname = \"sales-hub\"\n[[pool]]\nname = \"standard\"\n";

    fn located(path: &str) -> Result<String, String> {
        let table = DeTable::parse(FILE).unwrap();
        locate(path, table.get_ref())
    }

    #[test]
    fn a_table_of_a_list_is_found_by_its_name() {
        assert_eq!(located("pool.sales_hub.seats").as_deref(), Ok("pool[0].seats"));
        assert_eq!(located("pool.standard.seats").as_deref(), Ok("pool[1].seats"));
        assert_eq!(located("agent.poll").as_deref(), Ok("agent.poll"));
    }

    #[test]
    fn a_variable_cannot_add_a_table_to_a_list() {
        let message = located("pool.gold.seats").unwrap_err();
        assert!(message.contains("sales-hub, standard"), "{message}");
    }

    #[test]
    fn a_list_is_an_array_or_split_at_commas_or_one_item() {
        assert_eq!(list("a.example, b.example", true).unwrap(), ["a.example", "b.example"]);
        assert_eq!(list("cn=a,dc=x", false).unwrap(), ["cn=a,dc=x"]);
        assert_eq!(list(r#"["cn=a,dc=x", "cn=b"]"#, false).unwrap(), ["cn=a,dc=x", "cn=b"]);
        assert_eq!(list("", true).unwrap(), Vec::<String>::new());
        assert_eq!(list("[1]", true), None);
        assert_eq!(list("[\"a\"]\nother = 1", true), None);
    }
}
