//! What `packaging/` gives to Prometheus and Grafana names metrics that there are, and labels that these have.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::metrics::documented;

fn packaged(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging").join(name)
}

fn text(name: &str) -> String {
    std::fs::read_to_string(packaged(name)).unwrap()
}

/// Every name in a text that is one of ours, without the endings of a histogram.
fn names(text: &str) -> BTreeSet<String> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let ours = words.filter(|word| word.starts_with("seatsync_"));
    let whole = |name: &str| {
        let known = documented();
        let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
        base.filter(|base| known.get(*base).is_some_and(|(kind, _)| kind == "histogram")).unwrap_or(name).to_owned()
    };
    ours.map(whole).collect()
}

fn unknown(text: &str) -> Vec<String> {
    let known = documented();
    names(text).into_iter().filter(|name| !known.contains_key(name)).collect()
}

/// Every expression of the dashboard.
fn expressions(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("expr").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|below| expressions(below, found));
        }
        Value::Array(items) => items.iter().for_each(|below| expressions(below, found)),
        _ => {}
    }
}

#[test]
fn the_dashboard_asks_for_metrics_that_there_are() {
    let dashboard = text("grafana-dashboard.json");
    let mut found = Vec::new();
    expressions(&serde_json::from_str(&dashboard).unwrap(), &mut found);
    assert!(found.len() > 10 && found.iter().all(|one| one.contains("seatsync_")), "{found:?}");
    assert_eq!(unknown(&dashboard), Vec::<String>::new());
}

#[test]
fn the_alerts_watch_metrics_that_there_are() {
    let rules = text("prometheus-alerts.yml");
    assert!(rules.matches("- alert: ").count() >= 8);
    assert!(names(&rules).len() >= 8);
    assert_eq!(unknown(&rules), Vec::<String>::new());
}

#[test]
fn a_metric_that_is_none_would_be_found() {
    assert_eq!(unknown("seatsync_pool_free + seatsync_pool_fre"), ["seatsync_pool_fre"]);
    assert_eq!(
        names("seatsync_cycle_duration_seconds_bucket").into_iter().next().unwrap(),
        "seatsync_cycle_duration_seconds"
    );
}

/// Prometheus itself, where it is installed (`tests/run install` does).
#[test]
fn prometheus_takes_the_alerts_and_every_expression_of_the_dashboard() {
    let promtool = |file: &Path| Command::new("promtool").arg("check").arg("rules").arg(file).output();
    let Ok(output) = promtool(&packaged("prometheus-alerts.yml")) else {
        eprintln!("promtool is not installed: the rules were not checked by it");
        return;
    };
    assert!(output.status.success(), "{output:?}");
    let mut found = Vec::new();
    expressions(&serde_json::from_str(&text("grafana-dashboard.json")).unwrap(), &mut found);
    let rule = |(index, expression): (usize, &String)| {
        let expression = expression.replace("$instance", ".*");
        format!("      - record: dashboard:{index}\n        expr: {}\n", Value::from(expression))
    };
    let rules: String = found.iter().enumerate().map(rule).collect();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("dashboard.yml");
    std::fs::write(&file, format!("groups:\n  - name: dashboard\n    rules:\n{rules}")).unwrap();
    let output = promtool(&file).unwrap();
    assert!(output.status.success(), "{output:?}");
}
