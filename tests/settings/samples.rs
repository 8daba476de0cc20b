//! `config/`: every sample loads, as it is and with every option in it taken in.

use std::path::{Path, PathBuf};

use seatsync::model::settings::{BackendKind, Settings, Source};
use seatsync::settings::{self, Problem};

use crate::folder::{Folder, these};

fn samples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut samples: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|ending| ending == "toml")).collect();
    samples.sort();
    samples
}

/// The sample of every option.
fn every_option() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("config/seatsync.toml")).unwrap()
}

/// Takes the `#` away before every option.
fn uncommented(sample: &str) -> String {
    let is_option = |rest: &str| rest.starts_with(|c: char| c.is_ascii_lowercase() || c == '[');
    let line = |line| str::strip_prefix(line, "#").filter(|rest| is_option(rest)).unwrap_or(line);
    sample.lines().map(line).collect::<Vec<_>>().join("\n")
}

fn load(text: &str) -> (Settings, Vec<Problem>) {
    let folder = Folder::new();
    let path = folder.write("seatsync.toml", text);
    match settings::load(&path, &these(&[])) {
        Ok(loaded) => (loaded.settings, loaded.warnings),
        Err(problems) => panic!("{problems}"),
    }
}

#[test]
fn every_sample_loads_without_a_warning() {
    assert!(samples().len() >= 3);
    for sample in samples() {
        let (_, warnings) = load(&std::fs::read_to_string(&sample).unwrap());
        assert!(warnings.is_empty(), "{}: {warnings:?}", sample.display());
    }
}

#[test]
fn the_sample_of_every_option_loads_with_every_option_taken_in() {
    let (settings, warnings) = load(&uncommented(&every_option()));
    assert!(warnings.is_empty(), "{warnings:?}");
    assert_eq!((settings.directories.len(), settings.pools.len()), (2, 2));
}

#[test]
fn the_sample_of_the_ledger_loads_with_every_option_taken_in_and_shows_each_at_its_default() {
    let sample =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("config/ledger-agent.toml")).unwrap();
    let ((mut left_out, _), (mut taken_in, warnings)) = (load(&sample), load(&uncommented(&sample)));
    assert!(warnings.is_empty(), "{warnings:?}");
    for settings in [&mut left_out, &mut taken_in] {
        let BackendKind::Ledger(ledger) = &mut settings.backend.kind else { panic!("a ledger") };
        ledger.ca_file = None;
    }
    assert_eq!(format!("{:?}", taken_in.backend), format!("{:?}", left_out.backend));
    assert_eq!(taken_in.pools[0].seats, None);
}

#[cfg(unix)]
#[test]
fn the_sample_of_every_option_shows_each_at_its_default() {
    let (mut left_out, _) = load(&every_option());
    let (mut taken_in, _) = load(&uncommented(&every_option()));
    left_out.agent.name = String::new();
    taken_in.agent.name = String::new();
    let rest = |settings: &Settings| {
        let Source::Ldap(ldap) = &settings.directories[0].source else { panic!("a server") };
        let server = (ldap.page_size, ldap.timeout, ldap.start_tls, ldap.allow_plaintext, format!("{:?}", ldap.bind));
        let rules = format!("{:?} {:?} {:?}", settings.seats, settings.leavers, settings.guard);
        (server, rules, format!("{:?} {:?} {:?}", settings.agent, settings.backend, settings.log))
    };
    assert_eq!(rest(&taken_in), rest(&left_out));
}
