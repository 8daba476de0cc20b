//! The ids of events in the Event Log: the code, the documentation and the message file of the installer say the same.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on ends here")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use seatsync::logging::events::{self, IDS};

const DOCUMENTATION: &str = include_str!("../docs/windows-events.md");

const MESSAGES: &str = include_str!("../packaging/msi/events.mc");

/// Every level and name that the code gives an event: `tracing::info!(name: "cycle.made", ...`.
fn named() -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("listing a folder") {
            let path = entry.expect("listing a folder").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap_or_default();
            for call in text.split("tracing::").skip(1) {
                let Some((level, rest)) = call.split_once("!(") else { continue };
                let Some((name, _)) = rest.trim_start().strip_prefix("name: \"").and_then(|rest| rest.split_once('"'))
                else {
                    continue;
                };
                found.entry(name.to_owned()).or_default().insert(level.to_owned());
            }
        }
    }
    found
}

/// The rows of the documentation: id, levels, name.
fn documented() -> Vec<(u32, String, String)> {
    let rows = DOCUMENTATION.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| id"));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let id = cells[0].parse().unwrap_or_else(|_| panic!("{row}"));
        assert!(!cells[3].is_empty(), "{row}");
        (id, cells[1].to_owned(), cells[2].trim_matches('`').to_owned())
    })
    .collect()
}

#[test]
fn every_event_with_a_name_has_an_id_and_every_id_an_event() {
    let known: BTreeSet<&str> = IDS.iter().map(|(_, name)| *name).collect();
    let named = named();
    let used: BTreeSet<&str> = named.keys().map(String::as_str).collect();
    assert_eq!(used, known);
}

#[test]
fn the_documentation_tells_every_id_with_its_level() {
    let named = named();
    let told: BTreeMap<u32, (String, String)> =
        documented().into_iter().map(|(id, level, name)| (id, (level, name))).collect();
    assert_eq!(told.len(), IDS.len() + 3);
    for (id, name) in IDS {
        let (levels, documented) = told.get(id).unwrap_or_else(|| panic!("{id} is not documented"));
        assert_eq!(documented, name);
        let levels: BTreeSet<&str> = levels.split(", ").collect();
        let loud = named[*name].iter().map(|level| match level.as_str() {
            "error" => "Error",
            "warn" => "Warning",
            _ => "Information",
        });
        assert_eq!(levels, loud.collect(), "{id} {name}");
    }
    for id in [events::ERROR, events::WARNING, events::INFORMATION] {
        assert!(told.contains_key(&id), "{id}");
    }
}

#[test]
fn the_message_file_of_the_installer_has_every_id() {
    let shown: BTreeSet<u32> = MESSAGES
        .split("MessageId=")
        .skip(1)
        .map(|message| {
            let (id, text) = message.split_once("\nLanguage=English\n").expect("a message");
            assert_eq!(text.trim_end(), "%1\n.", "an event brings its text with it");
            id.parse().expect("an id")
        })
        .collect();
    assert_eq!(shown, documented().into_iter().map(|(id, ..)| id).collect());
}
