//! `seatsync config-schema`: what editors are told of the config is what the program takes.

use std::path::{Path, PathBuf};
use std::process::Command;

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::{Value, json};

use crate::bad::files;
use crate::samples::{samples, uncommented};

/// As the program prints it, compiled by a validator that others wrote.
struct Editor {
    schema: Value,
    schemas: Schemas,
    index: SchemaIndex,
}

impl Editor {
    fn new() -> Self {
        let printed = Command::new(env!("CARGO_BIN_EXE_seatsync")).arg("config-schema").output().unwrap();
        assert!(printed.status.success() && printed.stderr.is_empty(), "{printed:?}");
        let schema: Value = serde_json::from_slice(&printed.stdout).unwrap();
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.add_resource("seatsync.schema.json", schema.clone()).unwrap();
        let index = compiler.compile("seatsync.schema.json", &mut schemas).unwrap();
        Self { schema, schemas, index }
    }

    /// What an editor underlines.
    fn complaint(&self, config: &str) -> Option<String> {
        let config: toml::Table = toml::from_str(config).unwrap();
        let config = serde_json::to_value(config).unwrap();
        self.schemas.validate(&config, self.index).err().map(|error| error.to_string())
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn every_sample_passes_with_every_option_taken_in_too() {
    let editor = Editor::new();
    let package = ["packaging/seatsync.toml", "packaging/msi/seatsync.toml"].map(PathBuf::from);
    for sample in samples().into_iter().chain(package) {
        let text = read(&sample);
        for text in [uncommented(&text), text] {
            assert_eq!(editor.complaint(&text), None, "{}", sample.display());
        }
    }
}

const CONFIG: &str = "[[directory]]\nname = \"corp\"\nkind = \"ldif\"\npath = \"corp.ldif\"\nbase = [\"dc=corp\"]\n\
    [[pool]]\nname = \"standard\"\nseats = 5\n[backend]\nkind = \"embedded\"\ncompany = \"acme\"\n";

#[test]
fn what_the_reader_refuses_of_one_key_is_underlined_and_nothing_else() {
    let editor = Editor::new();
    for more in ["", "[agent]\npoll = \"1h 30m\"", "[leavers]\nremove_after = \"never\"", "[log]\nlevel = \"debug\""] {
        assert_eq!(editor.complaint(&format!("{CONFIG}{more}")), None, "{more}");
    }
    for (more, place) in [
        ("[agent]\npol = \"5m\"", "/agent"),
        ("concurrency = 4", "/backend"),
        ("[agent]\npoll = 300", "/agent/poll"),
        ("[agent]\npoll = \"1M\"", "/agent/poll"),
        ("[agent]\nname = \"\"", "/agent/name"),
        ("[agent]\npush = \"true\"", "/agent/push"),
        ("[agent]\ndry_run = \"true\"", "/agent/dry_run"),
        ("[guard]\npercent = 101", "/guard/percent"),
        ("[guard]\nfloor = -1", "/guard/floor"),
        ("[seats]\nmatch = \"some\"", "/seats/match"),
        ("[seats]\napproved_domains = \"corp.example\"", "/seats/approved_domains"),
        ("[leavers]\nremove_after = \"soon\"", "/leavers/remove_after"),
        ("[status]\ntoken = \"secret\"", "/status/token"),
        ("[status]\ntoken = { file = \"a\", env = \"B\" }", "/status/token"),
        ("[ledger]\nlisten = \"127.0.0.1:1\"", "/ledger"),
        ("[elsewhere]\nx = 1", ""),
    ] {
        let complaint = editor.complaint(&format!("{CONFIG}{more}"));
        assert!(complaint.as_ref().is_some_and(|told| told.contains(&format!("'{place}'"))), "{more}: {complaint:?}");
    }
}

/// The bad ones of the reader's own tests, as far as one key alone is wrong.
#[test]
fn the_readers_own_bad_files_are_underlined_where_one_key_alone_is_wrong() {
    const ALONE: &[&str] = &[
        "unknown key",
        "not in this version",
        "must be a table",
        "must be a list",
        "must be text in quotes",
        "must be true or false",
        "must be a whole number",
        "must not be empty",
        "must not stand in the config",
    ];
    let (editor, mut underlined) = (Editor::new(), 0);
    for file in files("toml") {
        let expected = read(&file.with_extension("expected"));
        let text = read(&file);
        // Not even TOML, or in the environment.
        if toml::from_str::<toml::Table>(&text).is_err() || !ALONE.iter().any(|said| expected.contains(said)) {
            continue;
        }
        assert!(editor.complaint(&text).is_some(), "{}: {expected}", file.display());
        underlined += 1;
    }
    assert!(underlined > 20, "{underlined}");
}

/// The samples are tested to show each option at its default.
#[test]
fn the_defaults_are_those_of_the_samples() {
    let (editor, mut found) = (Editor::new(), 0);
    for sample in ["config/seatsync.toml", "config/ledger.toml"] {
        let shown: toml::Table = toml::from_str(&uncommented(&read(Path::new(sample)))).unwrap();
        found += compare(&editor.schema, &serde_json::to_value(shown).unwrap(), sample);
    }
    assert!(found > 30, "{found}");
}

/// How many defaults were found below here.
fn compare(schema: &Value, shown: &Value, place: &str) -> usize {
    let Some(properties) = schema["properties"].as_object() else { return 0 };
    let mut found = 0;
    for (key, property) in properties {
        let (place, shown) = (format!("{place}.{key}"), &shown[key]);
        // Of several tables the first has them all.
        let (below, shown) =
            if property["items"].is_object() { (&property["items"], &shown[0]) } else { (property, shown) };
        found += compare(below, shown, &place);
        if let Some(default) = property.get("default").filter(|_| *shown != json!(null)) {
            assert_eq!(default, shown, "{place}");
            found += 1;
        }
    }
    found
}
