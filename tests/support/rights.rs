//! What `check --connect` says of an account's rights, and whether its commands mend it.

use serde_json::Value;

use super::Agent;

/// The probes that say what is lost, whether a cycle works all the same or not.
pub fn lacking(agent: &Agent) -> Vec<Value> {
    let (_, checked) = agent.check(true);
    let probes = checked["probes"].as_array().unwrap_or_else(|| panic!("no probes: {checked}")).clone();
    assert!(probes.len() > 3, "{checked}");
    probes.into_iter().filter(|probe| !probe["lost"].is_null()).collect()
}

/// The one that lacks something whose `what` ends like this.
pub fn lack<'a>(lacking: &'a [Value], what: &str) -> &'a Value {
    let found = lacking.iter().find(|probe| probe["what"].as_str().is_some_and(|name| name.ends_with(what)));
    found.unwrap_or_else(|| panic!("nothing is lacking of {what}: {lacking:#?}"))
}

/// The command that mends it.
pub fn remedy(probe: &Value) -> String {
    probe["remedy"].as_str().unwrap_or_else(|| panic!("no remedy: {probe}")).to_owned()
}

/// The names of what is lacking, for messages.
pub fn names(lacking: &[Value]) -> Vec<&str> {
    lacking.iter().filter_map(|probe| probe["what"].as_str()).collect()
}
