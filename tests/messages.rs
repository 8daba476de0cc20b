//! The messages that docs/troubleshoot.md quotes are the program's own: who searches the page for words of theirs finds them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

use std::fs;
use std::path::{Path, PathBuf};

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_of_tests = path.file_stem().is_some_and(|name| name == "tests");
        match (path.is_dir(), is_of_tests) {
            (_, true) => {}
            (true, false) => files(&path, found),
            (false, false) => found.push(path),
        }
    }
}

/// What the program can say: its sources without their tests, with the texts of several lines in one.
fn sources() -> String {
    let mut found = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    let read = |path: PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_owned()
    };
    let text = found.into_iter().filter(|path| path.extension().is_some_and(|ext| ext == "rs")).map(read);
    let text = text.collect::<Vec<_>>().join("\n").replace("\\\"", "\"");
    let mut lines = text.split("\\\n");
    let first = lines.next().unwrap_or_default().to_owned();
    lines.fold(first, |text, line| text + line.trim_start())
}

/// What stands in italics in the tables, in the parts between what differs.
fn quoted(page: &str) -> Vec<String> {
    let rows = page.lines().filter(|line| line.starts_with('|'));
    let quotes = rows.flat_map(|row| row.split('*').skip(1).step_by(2));
    let parts = quotes.flat_map(|quote| quote.split("...")).map(|part| part.trim_matches([' ', ',']).to_owned());
    parts.filter(|part| !part.is_empty()).collect()
}

#[test]
fn each_message_that_the_page_quotes_is_one_of_the_program() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/troubleshoot.md")).unwrap();
    let (sources, quoted) = (sources(), quoted(&page));
    assert!(quoted.len() > 80, "{quoted:?}");
    let unknown: Vec<&String> = quoted.iter().filter(|part| !sources.contains(part.as_str())).collect();
    assert!(unknown.is_empty(), "the program says none of {unknown:#?}");
}

#[test]
fn a_message_that_is_none_would_be_found() {
    let sources = sources();
    let page = "| message | cause |\n| *nothing listens there*, *the ... has gone to sea* | *not valid TOML at line ...* |\n*prose*";
    assert_eq!(quoted(page), ["nothing listens there", "the", "has gone to sea", "not valid TOML at line"]);
    let unknown: Vec<String> = quoted(page).into_iter().filter(|part| !sources.contains(part.as_str())).collect();
    assert_eq!(unknown, ["has gone to sea"]);
}
