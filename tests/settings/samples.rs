//! `config/`: every sample loads, as it is and with every option in it taken in.

use std::path::{Path, PathBuf};

use seatsync::model::settings::{BackendKind, Settings, SmtpTls, Source};
use seatsync::settings::{self, LoadedLedger, Problem};

use crate::folder::{Folder, certificate, these};

pub fn samples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut samples: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|ending| ending == "toml")).collect();
    // A program without Kerberos refuses the sample that has it.
    samples.retain(|path| cfg!(feature = "kerberos") || !path.ends_with("kerberos.toml"));
    samples.sort();
    samples
}

/// The sample of every option.
fn every_option() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("config/seatsync.toml")).unwrap()
}

/// Takes the `#` away before every option.
pub fn uncommented(sample: &str) -> String {
    let is_option = |rest: &str| rest.starts_with(|c: char| c.is_ascii_lowercase() || c == '[');
    let line = |line| str::strip_prefix(line, "#").filter(|rest| is_option(rest)).unwrap_or(line);
    sample.lines().map(line).collect::<Vec<_>>().join("\n")
}

fn load(text: &str) -> (Settings, Vec<Problem>) {
    let folder = Folder::new();
    let (cert, key) = certificate();
    folder.write("status.pem", &cert);
    folder.write("status.key", &key);
    folder.write("seatsync.crt", &cert);
    folder.write("corp.keytab", "\u{5}\u{2}");
    folder.write("seatsync.key", &key);
    folder.write("status.token", "0123456789abcdef\n");
    folder.write("mail.password", "secret\n");
    folder.write("webhook.secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n");
    // What the demo's ledger makes.
    let path = folder.write("seatsync.toml", &text.replace("../target/demo-ledger/agent.token", "ledger.token"));
    match settings::load(&path, &these(&[])) {
        Ok(loaded) => (loaded.settings, loaded.warnings),
        Err(problems) => panic!("{problems}"),
    }
}

/// The sample of every option of a ledger.
fn of_a_ledger() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("config/ledger.toml")).unwrap()
}

fn load_ledger(text: &str) -> LoadedLedger {
    let folder = Folder::new();
    folder.write("mail.password", "secret\n");
    let (cert, key) = certificate();
    folder.write("ledger.pem", &cert);
    folder.write("ledger.key", &key);
    folder.write("corp-ca.pem", &cert);
    let path = folder.write("ledger.toml", text);
    assert!(settings::is_ledger_alone(&path, &these(&[])));
    settings::load_ledger(&path, &these(&[])).unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn the_sample_of_a_ledger_loads_with_every_option_taken_in() {
    let LoadedLedger { ledger, warnings, .. } = load_ledger(&uncommented(&of_a_ledger()));
    assert!(warnings.is_empty(), "{warnings:?}");
    assert!(ledger.tls.is_some());
    let smtp = ledger.smtp.unwrap();
    assert_eq!((smtp.host.as_str(), smtp.port, smtp.tls), ("mail.corp.example", 465, SmtpTls::Implicit));
    let left_out = load_ledger(&of_a_ledger()).ledger;
    assert_eq!((left_out.listen, left_out.tls, left_out.smtp.is_none()), (ledger.listen, None, true));
}

#[test]
fn every_sample_loads_without_a_warning() {
    assert!(samples().len() >= 3);
    for sample in samples() {
        let text = std::fs::read_to_string(&sample).unwrap();
        let of_a_ledger = settings::is_ledger_alone(&sample, &these(&[]));
        let warnings = if of_a_ledger { load_ledger(&text).warnings } else { load(&text).1 };
        assert!(warnings.is_empty(), "{}: {warnings:?}", sample.display());
    }
}

#[test]
fn the_sample_of_every_option_loads_with_every_option_taken_in() {
    let (settings, warnings) = load(&uncommented(&every_option()));
    assert!(warnings.is_empty(), "{warnings:?}");
    assert_eq!((settings.directories.len(), settings.pools.len()), (3, 2));
    let notify = settings.notify.unwrap();
    assert_eq!((notify.after_failures, notify.digest), (3, Some(jiff::civil::time(8, 0, 0, 0))));
    assert!(notify.email.is_some() && notify.webhook.is_some());
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

#[cfg(all(unix, feature = "kerberos"))]
#[test]
fn the_sample_with_kerberos_loads_with_every_option_taken_in() {
    let sample = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("config/kerberos.toml")).unwrap();
    let (settings, warnings) = load(&uncommented(&sample));
    assert!(warnings.is_empty(), "{warnings:?}");
    let Source::Ldap(ldap) = &settings.directories[0].source else { panic!("a server") };
    let bind = format!("{:?}", ldap.bind);
    assert!(bind.contains("corp.keytab") && bind.contains("svc-seatsync@CORP.EXAMPLE"), "{bind}");
}

#[cfg(unix)]
#[test]
fn the_sample_of_every_option_shows_each_at_its_default() {
    let (mut left_out, _) = load(&every_option());
    let (mut taken_in, _) = load(&uncommented(&every_option()));
    for settings in [&mut left_out, &mut taken_in] {
        (settings.agent.name, settings.agent.options) = (String::new(), String::new());
    }
    let rest = |settings: &Settings| {
        let Source::Ldap(ldap) = &settings.directories[0].source else { panic!("a server") };
        let server = (ldap.page_size, ldap.timeout, ldap.start_tls, ldap.allow_plaintext, format!("{:?}", ldap.bind));
        let rules = format!("{:?} {:?} {:?}", settings.seats, settings.leavers, settings.guard);
        (server, rules, format!("{:?} {:?} {:?}", settings.agent, settings.backend, settings.log))
    };
    assert_eq!(rest(&taken_in), rest(&left_out));
}
