//! `tests/config/bad/`: one file a rule that breaks it, and beside it what is to be said of it.
//!
//! A line of an `.expected` file is one problem, without the folder. Where it ends in `...` the rest is the system's.

use std::path::{Path, PathBuf};

use seatsync::settings;

use crate::folder::{Folder, these};

pub fn files(ending: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config/bad");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|found| found == ending)).collect();
    files.sort();
    files
}

/// What is said of a bad file, with `FOLDER/` for wherever it lies.
fn said_of(file: &Path) -> String {
    let folder = Folder::new();
    let name = file.file_name().unwrap().to_str().unwrap();
    let path = folder.write(name, &std::fs::read_to_string(file).unwrap());
    let of_a_ledger = || settings::load_ledger(&path, &these(&[])).map(|loaded| loaded.warnings);
    let of_an_agent = || settings::load(&path, &these(&[])).map(|loaded| loaded.warnings);
    match if name.starts_with("ledger-") { of_a_ledger() } else { of_an_agent() } {
        Ok(warnings) => format!("loaded, with the warnings {warnings:?}"),
        Err(problems) => problems.to_string().replace(&format!("{}/", path.parent().unwrap().display()), ""),
    }
}

fn fits(said: &str, expected: &str) -> bool {
    match expected.strip_suffix("...") {
        Some(start) => said.starts_with(start),
        None => said == expected,
    }
}

#[test]
fn every_broken_rule_is_answered_in_its_own_words() {
    let mut wrong = Vec::new();
    for file in files("toml") {
        let said = said_of(&file);
        let expected = std::fs::read_to_string(file.with_extension("expected")).unwrap_or_default();
        let same = said.lines().count() == expected.lines().count()
            && said.lines().zip(expected.lines()).all(|(said, expected)| fits(said, expected));
        if expected.is_empty() || !same {
            wrong.push(format!("{}\n  said:     {said}\n  expected: {expected}", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_expectation_has_its_bad_file() {
    for file in files("expected") {
        assert!(file.with_extension("toml").is_file(), "{} stands alone", file.display());
    }
}

#[test]
fn no_answer_shows_a_secret() {
    for file in files("toml") {
        let said = said_of(&file);
        for secret in ["hunter2", "12345678", "AQAAANCMnd8B"] {
            assert!(!said.contains(secret), "{}: {said}", file.display());
        }
    }
}
