//! The lists of keys against the sample, and what the digest is moved by.

use std::collections::{BTreeMap, BTreeSet};

use toml::de::{DeTable, DeValue};

use super::keys::{self, Section};
use super::{Settings, load};

const SAMPLE: &str = include_str!("../../config/seatsync.toml");
const LEDGER_SAMPLE: &str = include_str!("../../config/ledger.toml");
/// What the sample has not: a directory by Kerberos, which not every build has, and the keys of the other backend.
const KERBEROS: &str = include_str!("../../config/kerberos.toml");
const LEDGER_AGENT: &str = include_str!("../../config/ledger-agent.toml");

/// A sample with the `#` before every option taken away.
fn uncommented(sample: &str) -> String {
    let is_option = |rest: &str| rest.starts_with(|c: char| c.is_ascii_lowercase() || c == '[');
    let line = |line| str::strip_prefix(line, "#").filter(|rest| is_option(rest)).unwrap_or(line);
    sample.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// The keys of every table of the samples, by the name of the table.
fn shown() -> BTreeMap<String, BTreeSet<String>> {
    let mut shown = BTreeMap::new();
    for sample in [SAMPLE, KERBEROS, LEDGER_SAMPLE, LEDGER_AGENT] {
        let text = uncommented(sample);
        let table = DeTable::parse(&text).unwrap();
        collect("", table.get_ref(), &mut shown);
    }
    shown
}

fn collect(name: &str, table: &DeTable, shown: &mut BTreeMap<String, BTreeSet<String>>) {
    for (key, value) in table {
        shown.entry(name.to_owned()).or_default().insert(key.get_ref().to_string());
        match value.get_ref() {
            DeValue::Table(below) => collect(key.get_ref(), below, shown),
            DeValue::Array(items) => {
                items
                    .iter()
                    .filter_map(|item| item.get_ref().as_table())
                    .for_each(|below| collect(key.get_ref(), below, shown));
            }
            _ => {}
        }
    }
}

/// The keys under each table of a text, whether they are commented out or not.
fn named(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut named: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut table = String::new();
    for line in text.lines().map(|line| line.trim_start_matches('#').trim()) {
        if let Some(header) = line.strip_prefix('[') {
            let header = header.trim_start_matches('[').split(']').next().unwrap_or_default();
            table = header.rsplit('.').next().unwrap_or_default().to_owned();
        } else if let Some((key, _)) = line.split_once(" = ") {
            named.entry(table.clone()).or_default().insert(key.to_owned());
        }
    }
    named
}

/// The tables of an agent's config, and their keys.
const OF_AN_AGENT: &[(&str, &Section)] = &[
    ("agent", &keys::AGENT),
    ("directory", &keys::DIRECTORY),
    ("attributes", &keys::ATTRIBUTES),
    ("pool", &keys::POOL),
    ("seats", &keys::SEATS),
    ("leavers", &keys::LEAVERS),
    ("guard", &keys::GUARD),
    ("backend", &keys::BACKEND),
    ("log", &keys::LOG),
    ("status", &keys::STATUS),
    ("notify", &keys::NOTIFY),
    ("webhook", &keys::WEBHOOK),
    ("email", &keys::EMAIL),
];

#[test]
fn the_sample_that_is_said_to_show_every_option_of_an_agent_names_each() {
    let named = named(SAMPLE);
    for (name, section) in OF_AN_AGENT {
        // A table below is a header, no line of the one above.
        let has = |key: &str| named.contains_key(key) || named.get(*name).is_some_and(|keys| keys.contains(key));
        let missing: Vec<&str> = section.names().filter(|key| !has(key)).collect();
        assert_eq!(missing, Vec::<&str>::new(), "[{name}] in config/seatsync.toml");
    }
}

#[test]
fn the_samples_show_every_key_of_the_parser_and_no_other() {
    let others: [(&str, &Section); 4] =
        [("", &keys::ROOT), ("ledger", &keys::LEDGER), ("first", &keys::FIRST), ("smtp", &keys::SMTP)];
    let tables: Vec<(&str, &Section)> = OF_AN_AGENT.iter().copied().chain(others).collect();
    assert_eq!(tables.len() + 1, keys::ALL.len(), "and the secret, below");
    let shown = shown();
    for (name, section) in tables {
        let known: BTreeSet<String> = section.names().map(str::to_owned).collect();
        assert_eq!(shown.get(name), Some(&known), "{}", section.name);
    }
    for key in keys::SECRET.names() {
        assert!(SAMPLE.contains(&format!("{{ {key} = ")), "a secret from {key}");
    }
}

#[test]
fn no_key_is_both_of_this_version_and_of_a_later_one() {
    for section in keys::ALL {
        for (later, _) in section.later {
            assert!(section.key(later).is_none(), "{} {later}", section.name);
        }
        for (key, _, _) in section.later_values {
            assert!(section.key(key).is_some(), "{} {key}", section.name);
        }
    }
}

fn settings(text: &str) -> Settings {
    let folder = tempfile::tempdir().unwrap();
    // The digest has paths in it: one place for all of them.
    let path = folder.path().join("seatsync.toml");
    std::fs::write(&path, text.replace("FOLDER", "/folder")).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    load(&path, &BTreeMap::new()).unwrap().settings
}

const CONFIG: &str = "[agent]\nname = \"a\"\nstate_dir = \"FOLDER/state\"\npoll = \"5m\"\n[[directory]]\nname = \"demo\"\n\
    kind = \"ldif\"\npath = \"FOLDER/demo.ldif\"\nbase = [\"dc=demo\"]\n[[pool]]\nname = \"standard\"\nseats = 50\n\
    [backend]\nkind = \"embedded\"\ncompany = \"acme\"\npath = \"FOLDER/ledger.db\"\n";

#[test]
fn the_digest_is_moved_by_what_decides_who_has_a_seat() {
    let before = settings(CONFIG).digest;
    assert_eq!(before, settings(CONFIG).digest);
    for (from, to) in [
        ("dc=demo", "dc=other"),
        ("seats = 50", "seats = 51"),
        ("seats = 50", "seats = 50\ngroups = [\"cn=a,dc=demo\"]"),
        ("acme", "other"),
        ("[[pool]]", "[seats]\npromotion = \"automatic\"\n[[pool]]"),
        ("[[pool]]", "[leavers]\ndeleted = \"keep\"\n[[pool]]"),
        ("base = ", "filter = \"(a=b)\"\nbase = "),
        ("base = ", "attributes = { email = \"contact\" }\nbase = "),
    ] {
        let text = CONFIG.replace(from, to);
        assert_ne!(text, CONFIG);
        assert_ne!(settings(&text).digest, before, "{to}");
    }
}

#[test]
fn the_digest_is_not_moved_by_how_often_and_how_loudly_we_work() {
    let before = settings(CONFIG).digest;
    for (from, to) in [
        ("5m", "1m"),
        ("name = \"a\"", "name = \"b\"\npush = false\ndry_run = true"),
        ("FOLDER/state", "FOLDER/elsewhere"),
        ("[[pool]]", "[log]\nlevel = \"debug\"\n[[pool]]"),
        ("[[pool]]", "[guard]\npercent = 50\n[[pool]]"),
        ("[[pool]]", "[status]\nlisten = \"off\"\n[[pool]]"),
        (
            "[[pool]]",
            "[notify.email]\nsmtp = \"smtps://mail\"\nfrom = \"a@b.example\"\nto = [\"c@b.example\"]\n[[pool]]",
        ),
    ] {
        let text = CONFIG.replace(from, to);
        assert_ne!(text, CONFIG);
        assert_eq!(settings(&text).digest, before, "{to}");
    }
}

/// Another digest makes every agent read its directories in full after an update: change it knowingly.
#[cfg(unix)]
#[test]
fn the_digest_of_a_config_stays_the_same_from_version_to_version() {
    let settings = settings(CONFIG);
    assert_eq!(super::digest::of(&settings), settings.digest);
    assert_eq!(settings.digest, "c8f9a52db97fbf3d13d80d327f4b9afdc8a3386b83e98cd5ad1bf7cbdcdd710c");
}
