//! Of a config, values that no key of ours has go: a misspelt table may have a secret, under any name.

use serde_json::Value;

const GONE: &str = "[redacted]";

/// Takes out every value that does not stand where the schema of the config has one.
pub fn only(value: &mut Value, schema: &Value) {
    match (value, &schema["properties"], &schema["items"]) {
        (Value::Object(fields), Value::Object(known), _) => {
            fields.iter_mut().for_each(|(key, value)| match known.get(key) {
                Some(schema) => only(value, schema),
                None => gone(value),
            });
        }
        (Value::Array(values), _, schema @ Value::Object(_)) => values.iter_mut().for_each(|value| only(value, schema)),
        // A table where none belongs, or something else where one does.
        (value @ Value::Object(_), ..) | (value, Value::Object(_), _) => gone(value),
        _ => {}
    }
}

/// The names of the keys stay: they show what was misspelt.
fn gone(value: &mut Value) {
    match value {
        Value::Object(fields) => fields.values_mut().for_each(gone),
        Value::Array(values) => values.iter_mut().for_each(gone),
        value => *value = GONE.into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::settings;

    #[test]
    fn what_stands_under_a_key_that_we_do_not_know_goes_and_all_else_stays() {
        let mut config = json!({
            "agent": {"poll": "5m", "pol": "geheim"},
            "notify": {"webhok": {"url": "https://a.example/geheim", "more": ["geheim"]}},
            "directory": [{"name": "corp", "bind_password": "geheim", "base": ["dc=corp"], "sicret": 7}],
            "tokens": "geheim",
        });
        only(&mut config, &settings::schema());
        assert!(!config.to_string().contains("geheim"), "{config}");
        assert_eq!((&config["agent"]["poll"], &config["directory"][0]["base"][0]), (&"5m".into(), &"dc=corp".into()));
        assert_eq!(
            (&config["directory"][0]["name"], &config["directory"][0]["sicret"]),
            (&"corp".into(), &GONE.into())
        );
    }
}
