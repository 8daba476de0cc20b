//! The architecture, enforced: imports go one way, the planning core does no I/O, files stay short.
//!
//! `model <- ports <- desired, notify, plan <- apply <- cycle <- agent <- app <- cli, service <- main`; edges know `model`,
//! `ports` and `plan::seats`, and never each other, but `backend::embedded` calls `ledger`, and `backend::ledger` speaks
//! its `wire`.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on ends here")]

use std::fs;
use std::path::{Path, PathBuf};

/// What each edge may know.
const EDGE: &[&str] = &[
    "model",
    "ports",
    "plan::seats",
    "bulk",
    "clock",
    "fault",
    "retry",
    "smtp",
    "tls",
    "web",
    "listen",
    "windows",
    "kerberos",
];

/// What a module at the top may import. A new module must be given its place here.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("bulk", &[]),
    ("clock", &[]),
    ("fault", &[]),
    ("logging", &["model", "windows"]),
    ("ports", &["model"]),
    ("listen", &["model"]),
    ("retry", &["model", "ports"]),
    ("smtp", &["model"]),
    ("tls", &[]),
    ("web", &["clock"]),
    ("desired", &["model", "ports"]),
    ("notify", &["model"]),
    ("plan", &["model", "ports", "desired"]),
    ("apply", &["model", "ports", "plan", "fault", "retry", "clock"]),
    ("cycle", &["model", "ports", "desired", "notify", "plan", "apply", "fault", "retry", "clock"]),
    ("agent", &["model", "ports", "plan", "cycle", "fault", "retry", "clock"]),
    ("directory", EDGE),
    ("mirror", EDGE),
    ("state", EDGE),
    ("settings", EDGE),
    ("ledger", EDGE),
    ("status", EDGE),
    ("backend", EDGE),
    ("delivery", EDGE),
    ("backend::embedded", &["model", "ports", "plan::seats", "clock", "fault", "retry", "ledger"]),
    ("backend::ledger", &["clock", "model", "ports", "retry", "tls", "web", "ledger::wire"]),
    ("backend::queue", &["model", "ports", "clock", "ledger::rules"]),
    ("app", &["*"]),
    ("cli", &["model", "ports", "plan", "cycle", "agent", "app", "service", "clock", "logging", "windows"]),
    ("service", &["model", "agent", "clock", "logging", "windows"]),
    ("windows", &[]),
    ("kerberos", &[]),
    ("main", &["cli", "service", "fault"]),
    ("lib", &[]),
];

/// Same input, same plan: these ask nobody the time, and touch neither files nor network nor log.
const PURE: &[&str] = &["model", "desired", "notify", "plan"];
const IMPURE: &[&str] = &["crate::clock", "std::fs", "std::net", "std::process", "std::env", "tokio::", "tracing::"];

#[test]
fn every_import_goes_the_one_way() {
    let wrong: Vec<String> = sources()
        .iter()
        .flat_map(|source| {
            let used = references(&source.module, &source.product_code());
            used.into_iter()
                .filter(|used| !may_import(&source.module, used))
                .map(|used| format!("{}: {} may not know {used}", source.path.display(), source.module.join("::")))
        })
        .collect();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn the_planning_core_has_no_clock_no_files_and_no_log() {
    let wrong: Vec<String> = sources()
        .iter()
        .filter(|source| PURE.contains(&source.module[0].as_str()))
        .flat_map(|source| {
            let code = source.product_code();
            IMPURE
                .iter()
                .filter(move |&&name| code.contains(name))
                .map(|name| format!("{}: {name}", source.path.display()))
        })
        .collect();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn only_the_modules_for_windows_and_kerberos_call_what_is_unsafe() {
    let found: Vec<String> = sources()
        .iter()
        .filter(|source| {
            !["windows", "kerberos"].contains(&source.module[0].as_str()) && source.product_code().contains("unsafe ")
        })
        .map(|source| source.path.display().to_string())
        .collect();
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn no_source_file_is_longer_than_400_lines() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["src", "tests", "benches"] {
        collect(&root.join(folder), &["rs", "py", "sh"], &mut files);
    }
    assert!(files.len() > 10, "found too few files to mean anything: {files:?}");
    let long: Vec<String> = files
        .iter()
        .map(|path| (path, fs::read_to_string(path).expect("reading a source file").lines().count()))
        .filter(|(_, lines)| *lines > 400)
        .map(|(path, lines)| format!("{}: {lines} lines", path.display()))
        .collect();
    assert!(long.is_empty(), "\n{}\n", long.join("\n"));
}

#[test]
fn references_are_found_however_they_are_written() {
    let text = "use crate::{model::{Anchor, Dn}, clock};\nlet x = crate::plan::seats::settle();\n\
                use super::super::ledger::rules;\n// crate::cli in a comment\n";
    let module: Vec<String> = ["directory", "ldap"].map(str::to_owned).to_vec();
    let found = references(&module, &without_comments(text));
    assert_eq!(found, ["clock", "ledger::rules", "model", "plan::seats"]);
    assert!(may_import(&module, "plan::seats") && !may_import(&module, "plan::diff") && !may_import(&module, "ledger"));
}

/// A file of src/, and the module it is.
struct Source {
    path: PathBuf,
    module: Vec<String>,
    text: String,
}

impl Source {
    /// Without comments, and without the tests at the file's end: those may look further.
    fn product_code(&self) -> String {
        let code = self.text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
        without_comments(code)
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &["rs"], &mut files);
    files.retain(|path| !path.components().any(|part| part.as_os_str() == "tests" || part.as_os_str() == "tests.rs"));
    files
        .into_iter()
        .map(|path| {
            let inside = path.strip_prefix(&root).expect("a file of src").with_extension("");
            let mut module: Vec<String> =
                inside.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
            module.pop_if(|last| last == "mod");
            let text = fs::read_to_string(&path).expect("reading a source file");
            Source { path, module, text }
        })
        .collect()
}

fn collect(folder: &Path, extensions: &[&str], files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("listing a folder") {
        let path = entry.expect("listing a folder").path();
        if path.is_dir() {
            collect(&path, extensions, files);
        } else if path.extension().is_some_and(|found| extensions.iter().any(|wanted| found == *wanted)) {
            files.push(path);
        }
    }
    files.sort();
}

fn without_comments(text: &str) -> String {
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// The most exact rule for a module: `backend::embedded` before `backend`.
fn rule(module: &[String]) -> &'static [&'static str] {
    let found = (1..=module.len()).rev().find_map(|length| {
        let name = module[..length].join("::");
        MAY_IMPORT.iter().find(|(known, _)| *known == name)
    });
    found.unwrap_or_else(|| panic!("give src/{} its place in MAY_IMPORT", module[0])).1
}

fn may_import(module: &[String], used: &str) -> bool {
    let top = used.split("::").next().unwrap_or_default();
    top == module[0] || rule(module).iter().any(|allowed| ["*", top, used].contains(allowed))
}

/// The modules a text refers to by `crate::`, `seatsync::` or enough of `super::`: two segments of `plan`, whose `seats`
/// more may know, and of what lies under the module itself; one of all others. Sorted, each once.
fn references(module: &[String], text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let words: Vec<(usize, &str)> = ["crate::", "seatsync::", "super::"]
        .into_iter()
        .flat_map(|word| text.match_indices(word))
        .filter(|(at, _)| !text[..*at].ends_with(|before: char| before.is_alphanumeric() || before == '_'))
        .collect();
    for (at, word) in words {
        let mut rest = &text[at + word.len()..];
        if word == "super::" {
            if text[..at].ends_with("super::") {
                continue;
            }
            let mut ups = 1;
            while let Some(further) = rest.strip_prefix("super::") {
                ups += 1;
                rest = further;
            }
            if ups < module.len() {
                continue;
            }
        }
        found.extend(paths(rest).iter().map(|path| shortened(path)));
    }
    found.sort();
    found.dedup();
    found
}

/// `{a::b, c::{d, e}}` is `a::b` and `c::{d, e}`; `a::b::C` is itself.
fn paths(rest: &str) -> Vec<String> {
    let Some(group) = rest.strip_prefix('{') else {
        return vec![rest.to_owned()];
    };
    let mut depth = 0;
    let mut parts = vec![String::new()];
    for letter in group.chars() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = parts.last_mut() {
            last.push(letter);
        }
    }
    parts.iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

fn shortened(path: &str) -> String {
    let mut segments = path.split("::").map(|segment| {
        segment.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next().unwrap_or_default()
    });
    let first = segments.next().unwrap_or_default();
    match segments.next() {
        Some(second) if ["plan", "ledger"].contains(&first) && !second.is_empty() => format!("{first}::{second}"),
        _ => first.to_owned(),
    }
}
