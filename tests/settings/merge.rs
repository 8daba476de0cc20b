//! The file itself, and the variables over it.

use std::time::Duration;

use seatsync::model::settings::{Settings, Source};
use seatsync::settings;

use crate::folder::{BACKEND, DIRECTORY, Folder, POOL, config, config_of, these};

fn with(variables: &[(&str, &str)]) -> Settings {
    Folder::new().load(&config("[agent]\npoll = \"5m\"\n"), variables).unwrap().settings
}

fn refusal(variables: &[(&str, &str)]) -> String {
    Folder::new().load(&config(""), variables).unwrap_err().to_string()
}

#[test]
fn a_variable_stands_over_the_file() {
    assert_eq!(with(&[]).agent.poll, Duration::from_mins(5));
    assert_eq!(with(&[("SEATSYNC__AGENT__POLL", "1m")]).agent.poll, Duration::from_mins(1));
    assert!(with(&[("SEATSYNC__AGENT__DRY_RUN", "true")]).agent.dry_run);
    assert_eq!(with(&[("SEATSYNC__GUARD__PERCENT", "20")]).guard.percent, 20);
    assert_eq!(with(&[("SEATSYNC__BACKEND__COMPANY", "007")]).backend.company.as_ref(), "007");
}

#[test]
fn a_pool_or_directory_is_called_by_its_name() {
    assert_eq!(with(&[("SEATSYNC__POOL__STANDARD__SEATS", "60")]).pools[0].seats, Some(60));
    let settings = with(&[("SEATSYNC__DIRECTORY__DEMO__ATTRIBUTES__EMAIL", "contact")]);
    assert_eq!(settings.directories[0].attributes.email.as_deref(), Some("contact"));
    assert_eq!(&*settings.directories[0].name, "demo");
}

#[test]
fn a_list_in_a_variable_is_an_array_or_for_words_parted_by_commas() {
    let settings = with(&[
        ("SEATSYNC__SEATS__APPROVED_DOMAINS", "a.example, b.example"),
        ("SEATSYNC__DIRECTORY__DEMO__BASE", "ou=people,dc=demo"),
        ("SEATSYNC__DIRECTORY__DEMO__GROUPS", r#"["cn=a,dc=demo", "cn=b,dc=demo"]"#),
    ]);
    assert_eq!(settings.seats.approved_domains.unwrap(), ["a.example", "b.example"]);
    assert_eq!(settings.directories[0].bases.len(), 1);
    assert_eq!(settings.directories[0].groups.len(), 2);
}

#[test]
fn a_secrets_place_can_come_from_a_variable_but_not_the_secret() {
    let server =
        "[[directory]]\nname = \"corp\"\nbase = [\"dc=corp\"]\nurl = [\"ldaps://dc01\"]\nbind_dn = \"cn=reader\"\n";
    let text = config_of(server);
    let file = [("SEATSYNC__DIRECTORY__CORP__BIND_PASSWORD__FILE", "corp.password")];
    let loaded = Folder::new().load(&text, &file).unwrap();
    assert!(matches!(loaded.settings.directories[0].source, Source::Ldap(_)));
    let inline = [("SEATSYNC__DIRECTORY__CORP__BIND_PASSWORD", "hunter2")];
    let said = Folder::new().load(&text, &inline).unwrap_err().to_string();
    assert!(said.contains("must not stand in the config or a variable") && !said.contains("hunter2"), "{said}");
}

#[test]
fn what_is_wrong_with_a_variable_names_the_variable() {
    let said = refusal(&[("SEATSYNC__AGENT__POLL", "soon")]);
    assert!(said.starts_with("environment variable SEATSYNC__AGENT__POLL: agent.poll = \"soon\": must be"), "{said}");
    let said = refusal(&[("SEATSYNC__AGENT__POL", "1m")]);
    assert_eq!(said, "environment variable SEATSYNC__AGENT__POL: agent.pol: unknown key; did you mean `poll`?");
    let said = refusal(&[("SEATSYNC__AGNT__POLL", "1m")]);
    assert_eq!(said, "environment variable SEATSYNC__AGNT__POLL: agnt: unknown key; did you mean `agent`?");
    let said = refusal(&[("SEATSYNC__SEATS__APPROVED_DOMAINS", "a.example,@b")]);
    assert!(said.starts_with("environment variable SEATSYNC__SEATS__APPROVED_DOMAINS: "), "{said}");
    let said = refusal(&[("SEATSYNC__AGENT", "dc01")]);
    assert_eq!(said, "environment variable SEATSYNC__AGENT: agent = \"dc01\": must be a table: [agent]");
}

#[test]
fn a_variable_cannot_add_a_pool() {
    let said = refusal(&[("SEATSYNC__POOL__GOLD__SEATS", "5")]);
    assert!(said.contains("no [[pool]] of the file has that name; there are: standard"), "{said}");
}

#[test]
fn two_variables_for_one_thing_are_refused() {
    let said = refusal(&[("SEATSYNC__AGENT__POLL", "1m"), ("SEATSYNC__agent__poll", "2m")]);
    assert!(said.contains("SEATSYNC__AGENT__POLL says the same"), "{said}");
    let said = refusal(&[("SEATSYNC__POOL", "1"), ("SEATSYNC__POOL__STANDARD__SEATS", "2")]);
    assert!(said.contains("stands for a part of it"), "{said}");
}

#[test]
fn variables_that_are_not_ours_mean_nothing() {
    with(&[("SEATSYNC_CONFIG", "x"), ("SEATSYNC_FAULT", "x:1"), ("PATH", "/bin"), ("OTHER__AGENT__POLL", "x")]);
}

#[test]
fn a_config_that_is_not_there_says_what_to_do() {
    let folder = Folder::new();
    let problems = settings::load(&folder.path("nowhere.toml"), &these(&[])).unwrap_err();
    assert_eq!(problems.0.len(), 1);
    let said = problems.to_string();
    assert!(said.contains("nowhere.toml: there is no such file; name the config with --config PATH"), "{said}");
}

#[test]
fn a_folder_and_what_is_no_utf_8_are_no_configs() {
    let folder = Folder::new();
    assert!(settings::load(&folder.path("."), &these(&[])).is_err());
    std::fs::write(folder.path("latin1.toml"), b"[agent]\nname = \"B\xfcro\"\n").unwrap();
    let said = settings::load(&folder.path("latin1.toml"), &these(&[])).unwrap_err().to_string();
    assert!(said.contains("latin1.toml:2: not UTF-8 at line 2, column 10"), "{said}");
}

#[test]
fn a_config_saved_on_windows_is_read() {
    let text = format!("\u{feff}{DIRECTORY}{POOL}{BACKEND}").replace('\n', "\r\n");
    Folder::new().load(&text, &[]).unwrap();
}

#[test]
fn problems_are_json_with_key_value_and_message() {
    let problems = Folder::new().load(&config("[agent]\npoll = \"soon\"\npol = 1\n"), &[]).unwrap_err();
    let json = serde_json::to_value(&problems).unwrap();
    assert_eq!(json[0]["key"], "agent.poll");
    assert_eq!(json[0]["value"], "\"soon\"");
    assert_eq!(json[0]["line"], 2);
    assert!(json[0]["message"].as_str().unwrap().starts_with("must be a duration"));
    assert!(json[1]["value"].is_null(), "the value of a key we do not know may be a secret");
}
