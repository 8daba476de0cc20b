//! The support bundle of the real binary: everything that helps, and nobody's name.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on ends here")]

mod support;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use support::company::{Company, company_of, pool};

fn entries(zip: &Path) -> BTreeMap<String, String> {
    let mut archive = zip::ZipArchive::new(File::open(zip).expect("the bundle")).expect("a zip");
    let mut found = BTreeMap::new();
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).expect("an entry");
        let name = entry.name().expect("a name").into_owned();
        let mut text = String::new();
        entry.read_to_string(&mut text).expect("text");
        found.insert(name, text);
    }
    found
}

fn bundle(company: &Company, more: &[&str]) -> (serde_json::Value, BTreeMap<String, String>) {
    let file = company.agent.folder().join("bundle.zip");
    let _ = fs::remove_file(&file);
    let out = file.display().to_string();
    let ended = company.agent.run(&[&["--json", "support-bundle", "--out", &out], more].concat());
    assert_eq!(ended.code, 0, "{ended:?}");
    (ended.json(), entries(&file))
}

/// Somebody has a seat, somebody waits, somebody lost one, somebody's entry cannot be used.
fn company() -> Company {
    let mut company = company_of(5, &pool(2));
    for name in ["p001", "p002", "p003", "p005"] {
        company.set(name, &format!("mail: {name}@lab.test\ndisplayName: Zoë {name} Quintessa\n"));
    }
    company.set("p004", "mail: this is none\ndisplayName: Hieronymus Unusable\n");
    assert_eq!(company.sync().0, 0);
    company.disable("p001");
    company.set("p001", "mail: p001@lab.test\ndisplayName: Zoë p001 Quintessa\npwdAccountLockedTime: 000001010000Z\n");
    assert_eq!(company.sync().0, 0);
    company
}

#[test]
fn it_shows_how_things_stand_and_names_nobody() {
    let company = company();
    let log = company.agent.folder().join("agent.log");
    fs::write(
        &log,
        "12:00 account of \"Zoë P002 Quintessa\" <p002@lab.test> uid=stranger,ou=people,dc=lab,dc=test failed\n",
    )
    .expect("a log");
    let (report, entries) = bundle(&company, &["--log", &log.display().to_string()]);
    for name in [
        "README.txt",
        "config.toml",
        "versions.json",
        "check.json",
        "status.json",
        "cycles.jsonl",
        "people.json",
        "log-1.txt",
    ] {
        assert!(entries.contains_key(name), "{name}: {report}");
    }
    let all: String = entries.values().flat_map(|text| [text, "\n"]).collect();
    let lower = all.to_lowercase();
    for name in ["p001", "p002", "p003", "p004", "p005", "quintessa", "hieronymus", "zoë", "stranger", "this is none"]
    {
        assert!(!lower.contains(name), "{name} in {all}");
    }
    let people: serde_json::Value = serde_json::from_str(&entries["people.json"]).expect("JSON");
    assert_eq!(people["account suspended"], 1, "{people}");
    assert_eq!(people["quarantined: mail malformed"], 1, "{people}");
    assert_eq!(entries["cycles.jsonl"].lines().count(), 2);
    let versions: serde_json::Value = serde_json::from_str(&entries["versions.json"]).expect("JSON");
    assert!(versions["made"].as_str().is_some_and(|made| made.parse::<jiff::Timestamp>().is_ok()), "{versions}");
    assert!(entries["config.toml"].contains("dc=lab,dc=test"), "the base is shown: {}", entries["config.toml"]);
    assert!(entries["log-1.txt"].contains("12:00 account of \"person-"), "{}", entries["log-1.txt"]);
}

/// One that can be used, and one that cannot.
const MAILBOXES: &str = "[notify.email]\nsmtp = \"smtps://mail.lab.test\"\nfrom = \"Miss Moneypenny <m@lab.test>\"\n\
                         to = [\"Miss Moneypenny <m@lab.test>\", \"moneypenny at lab\"]\n";

#[test]
fn a_config_that_is_wrong_is_bundled_with_what_is_wrong_and_without_a_secret_in_it() {
    let company = company();
    let config = fs::read_to_string(company.agent.config_file()).expect("the config");
    let wrong = format!(
        "# call Zoë Quintessa, 555-1234\n{config}\n[guard]\npercent = \"many\"\ntoken = \"geheim\"\n\
         [notify.webhok]\nurl = \"https://a.example/geheim\"\n{MAILBOXES}"
    );
    company.agent.write_config(&wrong);
    let (_, entries) = bundle(&company, &[]);
    assert!(entries["check.json"].contains("guard.percent"), "{}", entries["check.json"]);
    let all: String = entries.values().flat_map(|text| [text, "\n"]).collect();
    assert!(!all.contains("Quintessa") && !all.contains("geheim") && !all.contains("555-1234"), "{all}");
    assert!(!all.to_lowercase().contains("moneypenny"), "{all}");
    assert!(entries.contains_key("status.json"), "the state is found all the same: {:?}", entries.keys());
}

#[test]
fn no_file_is_overwritten_and_the_bundle_is_for_its_owner_alone() {
    let company = company();
    bundle(&company, &[]);
    let file = company.agent.folder().join("bundle.zip");
    let again = company.agent.run(&["support-bundle", "--out", &file.display().to_string()]);
    assert!(again.code == 1 && again.stderr.contains("--out FILE"), "{again:?}");
    #[cfg(unix)]
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&file.metadata().expect("it").permissions()) & 0o777, 0o600);
}
