//! The shape of the config for editors, as JSON Schema (draft 2020-12), made from the lists that the reader goes by.
//!
//! It knows each key alone. What one key means for another, and what a variable gives, only `check` can tell.

use serde_json::{Map, Value, json};

use super::keys::{ROOT, SECRET, Section, Shape, Without};

/// As `duration::parse` takes it.
const DURATION: &str = "^ *([0-9]+ *[smhdw] *)+$";

/// The whole config.
#[must_use]
pub fn schema() -> Value {
    let mut schema = table(&ROOT);
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema["title"] = "Seatsync".into();
    schema
}

fn table(section: &Section) -> Value {
    let property = |key: &super::keys::Key| {
        let mut property = value(key.shape);
        property["description"] = key.says.into();
        if let Without::Default(text) = key.without {
            property["default"] = default(key.shape, text);
        }
        (key.name.to_owned(), property)
    };
    let properties: Map<String, Value> = section.keys.iter().map(property).collect();
    let required: Vec<&str> =
        section.keys.iter().filter(|key| key.without == Without::Refused).map(|key| key.name).collect();
    json!({
        "type": "object",
        "description": section.says,
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn value(shape: Shape) -> Value {
    match shape {
        Shape::Text | Shape::Path => json!({ "type": "string", "minLength": 1 }),
        Shape::Flag => json!({ "type": "boolean" }),
        Shape::Words(words) => json!({ "enum": words }),
        Shape::Number(low, high) => json!({ "type": "integer", "minimum": low, "maximum": high }),
        Shape::Duration(None) => json!({ "type": "string", "pattern": DURATION }),
        Shape::Duration(Some(word)) => {
            json!({ "anyOf": [{ "const": word }, { "type": "string", "pattern": DURATION }] })
        }
        Shape::Texts => json!({ "type": "array", "items": { "type": "string", "minLength": 1 } }),
        Shape::Secret => {
            let mut secret = table(&SECRET);
            (secret["minProperties"], secret["maxProperties"]) = (1.into(), 1.into());
            secret
        }
        Shape::Table(section) => table(section),
        Shape::Tables(section) => json!({ "type": "array", "minItems": 1, "items": table(section) }),
    }
}

/// A default as JSON spells it.
fn default(shape: Shape, text: &str) -> Value {
    match shape {
        Shape::Flag => Value::Bool(text == "true"),
        Shape::Number(..) => text.parse::<u32>().map_or(Value::Null, Value::from),
        _ => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::keys::ALL;
    use super::*;

    type Table = BTreeSet<String>;

    /// The keys of every table in it.
    fn tables(schema: &Value, found: &mut BTreeSet<Table>) {
        match schema {
            Value::Object(object) => {
                if let Some(Value::Object(properties)) = object.get("properties") {
                    found.insert(properties.keys().cloned().collect());
                }
                object.values().for_each(|value| tables(value, found));
            }
            Value::Array(items) => items.iter().for_each(|item| tables(item, found)),
            _ => {}
        }
    }

    #[test]
    fn it_has_every_key_of_the_reader_and_no_other() {
        let mut found = BTreeSet::new();
        tables(&schema(), &mut found);
        let known: BTreeSet<Table> = ALL.iter().map(|section| section.names().map(str::to_owned).collect()).collect();
        assert_eq!(found, known);
    }

    #[test]
    fn every_default_is_one_that_may_stand_there() {
        for section in ALL {
            for key in section.keys {
                let Without::Default(text) = key.without else { continue };
                let fits = match key.shape {
                    Shape::Flag => ["true", "false"].contains(&text),
                    Shape::Number(low, high) => text.parse().is_ok_and(|number: u32| (low..=high).contains(&number)),
                    Shape::Words(words) => words.contains(&text),
                    Shape::Duration(word) => word == Some(text) || super::super::duration::parse(text).is_some(),
                    Shape::Text => !text.is_empty(),
                    _ => false,
                };
                assert!(fits, "{} {}: {text}", section.name, key.name);
            }
        }
    }
}
