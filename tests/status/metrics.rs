//! `/metrics`: the names that docs/metrics.md promises, and nobody's.

use std::collections::BTreeMap;
use std::time::Duration;

use seatsync::status::metrics::Format::{OpenMetrics, Prometheus};
use seatsync::status::metrics::render;

use crate::harness::{Served, facts, now, partial};

const DOCS: &str = include_str!("../../docs/metrics.md");

/// Name, type and labels, as the table of the docs has them.
pub fn documented() -> BTreeMap<String, (String, Vec<String>)> {
    let rows = DOCS.lines().filter(|line| line.starts_with("| `seatsync_"));
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let labels =
            cells[3].split(", ").map(|label| label.trim_matches('`').to_owned()).filter(|label| !label.is_empty());
        (cells[1].trim_matches('`').to_owned(), (cells[2].to_owned(), labels.collect()))
    };
    rows.map(row).collect()
}

/// The same, as `/metrics` has them.
fn rendered(text: &str) -> BTreeMap<String, (String, Vec<String>)> {
    let mut kind = String::new();
    let mut found = BTreeMap::new();
    for line in text.lines() {
        if let Some(declared) = line.strip_prefix("# TYPE ") {
            declared.rsplit(' ').next().unwrap().clone_into(&mut kind);
        } else if !line.starts_with('#') {
            let (name, labels) = line.split_once('{').unwrap_or((line.split(' ').next().unwrap(), ""));
            let name = ["_bucket", "_sum", "_count"].iter().fold(name, |name, end| {
                if kind == "histogram" { name.strip_suffix(end).unwrap_or(name) } else { name }
            });
            let labels = labels.split(',').filter_map(|label| Some(label.split_once('=')?.0.to_owned()));
            let labels: Vec<String> = labels.filter(|label| label != "le").collect();
            found.insert(name.to_owned(), (kind.clone(), labels));
        }
    }
    found
}

#[test]
fn every_metric_is_documented_and_every_documented_one_is_there() {
    let text = render(OpenMetrics, Some(&facts()), now()).unwrap();
    assert!(documented().len() > 20);
    assert_eq!(rendered(&text), documented());
    let older = render(Prometheus, Some(&facts()), now()).unwrap();
    // It knows no information, only numbers that are 1.
    let of_its_kinds = |(name, (kind, labels)): (String, (String, Vec<String>))| {
        (name, (if kind == "info" { "gauge".to_owned() } else { kind }, labels))
    };
    assert_eq!(rendered(&older), documented().into_iter().map(of_its_kinds).collect());
    assert!(older.contains("# TYPE seatsync_cycles_total counter") && !older.contains("# EOF"), "{older}");
}

#[test]
fn each_metric_has_its_help_and_says_what_the_last_cycle_left() {
    let text = render(OpenMetrics, Some(&facts()), now()).unwrap();
    let (helps, types) = (text.matches("# HELP ").count(), text.matches("# TYPE ").count());
    assert_eq!(helps, types);
    for line in [
        "seatsync_ready 1.0",
        "seatsync_config_refused 0.0",
        "seatsync_pool_seats{pool=\"standard\"} 3.0",
        "seatsync_pool_held{pool=\"standard\"} 2.0",
        "seatsync_pool_free{pool=\"standard\"} 1.0",
        "seatsync_pool_waiting{pool=\"standard\"} 1.0",
        "seatsync_accounts{state=\"active\"} 2.0",
        "seatsync_accounts{state=\"denied\"} 0.0",
        "seatsync_held_back{directory=\"corp\",kind=\"leaving\"} 4.0",
        "seatsync_held_back{directory=\"corp\",kind=\"scope\"} 0.0",
        "seatsync_quarantined{directory=\"corp\"} 1.0",
        "seatsync_refused_accounts 1.0",
        "seatsync_cycles_total{outcome=\"held\"} 1",
        "seatsync_cycles_total{outcome=\"failed\"} 1",
        "seatsync_cycles_total{outcome=\"ok\"} 0",
        "seatsync_changes_total{change=\"provisioned\"} 2",
        "seatsync_cycle_duration_seconds_count 2",
        "seatsync_poll_interval_seconds 300.0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn a_directory_that_cannot_be_read_keeps_its_numbers_of_before() {
    let mut facts = facts();
    partial(&mut facts, "nobody answers");
    let last = facts.status.last_cycle.as_mut().unwrap();
    (last.directories[0].entries, last.directories[0].users, last.directories[0].quarantined) = (0, 0, 0);
    facts.tally.cycle(Some(&last.clone()), Duration::from_secs(1), now());
    let text = render(OpenMetrics, Some(&facts), now()).unwrap();
    for line in [
        "seatsync_directory_entries{directory=\"corp\"} 9.0",
        "seatsync_directory_users{directory=\"corp\"} 5.0",
        "seatsync_quarantined{directory=\"corp\"} 1.0",
        "seatsync_directory_complete{directory=\"corp\"} 0.0",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
}

#[test]
fn nobody_is_named_in_a_metric() {
    let mut facts = facts();
    let mut status = serde_json::to_value(&facts.status).unwrap();
    status["last_cycle"]["waiting"] = serde_json::json!([{"anchor": null, "user_name": "jdoe", "display_name": "John Doe",
        "email": "jdoe@corp.example", "pool": "standard", "position": 1, "reason": "no_seat", "since": now()}]);
    status["last_cycle"]["problems"][0]["message"] = "jdoe is refused".into();
    facts.status = serde_json::from_value(status).unwrap();
    let text = render(OpenMetrics, Some(&facts), now()).unwrap();
    assert!(!text.contains("jdoe") && !text.contains("Doe") && !text.contains("corp.example"), "{text}");
}

#[tokio::test]
async fn they_are_sent_as_is_asked_for_also_before_the_first_cycle() {
    let served = Served::new(None, None);
    let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1";
    for (accept, format) in [
        (prometheus, OpenMetrics),
        ("Application/OpenMetrics-Text", OpenMetrics),
        ("text/plain", Prometheus),
        ("*/*", Prometheus),
        ("", Prometheus),
    ] {
        let answer = served.get_with("/metrics", &[("accept", accept)]).await;
        assert_eq!(answer.headers()["content-type"], format.content_type(), "{accept}");
        assert_eq!(answer.status().as_u16(), 200);
        let text = answer.text().await.unwrap();
        assert!(text.contains("seatsync_ready 0") && text.contains("seatsync_build_info{version="), "{text}");
    }
}
