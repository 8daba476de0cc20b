//! `support-bundle`: one file that shows how things stand to somebody who may not know who works here.

mod known;
mod logs;
mod redact;
mod system;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use self::redact::{Person, Redactor};
use super::answers::{everyone, pending_rows};
use super::people::{Places, user_row};
use super::stopped::Stops;
use super::{App, AppError, Code};
use crate::model::memory::LastKnown;
use crate::model::report::SeatWord;
use crate::ports::Progress;
use crate::settings;

/// Past cycles in it.
const CYCLES: u32 = 500;

/// What to put in, and where.
#[derive(Clone, Debug, Default)]
pub struct BundleOptions {
    /// None: in the working folder, named by the time.
    pub out: Option<PathBuf>,
    /// Log files besides what the system's log has.
    pub logs: Vec<PathBuf>,
    /// Ask directory and backend, as `check --connect` does.
    pub connect: bool,
}

/// What was written.
#[derive(Debug, Serialize)]
pub struct BundleReport {
    pub file: PathBuf,
    pub bytes: u64,
    pub entries: Vec<BundleEntry>,
    /// What should be in it and is not, and why.
    pub missing: Vec<String>,
}

#[derive(Debug, Serialize)]
pub struct BundleEntry {
    pub name: String,
    pub bytes: u64,
}

/// The parts, as they come together.
#[derive(Default)]
struct Parts {
    entries: Vec<(String, String)>,
    missing: Vec<String>,
}

impl Parts {
    fn put<T: Serialize>(&mut self, redactor: &Redactor, name: &str, value: &T) {
        let text = serde_json::to_value(value).and_then(|mut value| {
            redactor.value(&mut value);
            serde_json::to_string_pretty(&value)
        });
        match text {
            Ok(text) => self.entries.push((name.to_owned(), text)),
            Err(error) => self.missing.push(format!("{name}: {error}")),
        }
    }

    /// What could not be had is told, and everything else is there all the same.
    fn take<T>(&mut self, redactor: &Redactor, name: &str, found: Result<T, AppError>) -> Option<T> {
        found.map_err(|error| self.missing.push(redactor.text(&format!("{name}: {error}")))).ok()
    }
}

impl App {
    /// Writes the bundle; of a config that is wrong as much as can be told.
    ///
    /// # Errors
    /// Where the file cannot be written, or is there already.
    pub async fn support_bundle(
        config: &Path,
        options: &BundleOptions,
        now: Timestamp,
        progress: &dyn Progress,
    ) -> Result<BundleReport, AppError> {
        let app = if settings::is_ledger_alone(config, &settings::process_variables()) {
            None
        } else {
            Self::open(config).ok().or_else(|| Self::glimpse(config))
        };
        let mut parts = Parts::default();
        let people = app.as_ref().map_or_else(|| Ok(Vec::new()), Self::people);
        let kept = app.as_ref().map(Self::names_of_the_config).unwrap_or_default();
        let known = people.as_deref().unwrap_or_default();
        let redactor = Redactor::new(known.iter().map(person).collect(), &kept)
            .map_err(|error| AppError::new(Code::Failed, "could not set up what takes people out").caused_by(&error))?;
        parts.put(&redactor, "versions.json", &system::versions(now));
        written_config(&mut parts, &redactor, config);
        parts.put(&redactor, "check.json", &Self::check(config, options.connect, progress).await);
        if let Some(app) = &app {
            app.put_state(&mut parts, &redactor, now);
            parts.put(&redactor, "people.json", &counts(known));
        }
        parts.take(&redactor, "people.json", people.map(drop));
        for (name, text) in logs::read(&options.logs, &mut parts.missing) {
            parts.entries.push((name, redactor.text(&text)));
        }
        parts.entries.insert(0, ("README.txt".to_owned(), about(&parts)));
        let file = options.out.clone().unwrap_or_else(|| PathBuf::from(default_name(now)));
        write(&file, &parts)
            .map_err(|error| {
                AppError::new(Code::Output, format!("could not write {}", file.display()))
                    .caused_by(&error)
                    .with_next("name another file with --out FILE")
            })
            .map(|bytes| BundleReport {
                file,
                bytes,
                entries: parts
                    .entries
                    .iter()
                    .map(|(name, text)| BundleEntry { name: name.clone(), bytes: text.len() as u64 })
                    .collect(),
                missing: parts.missing,
            })
    }

    fn people(&self) -> Result<Vec<LastKnown>, AppError> {
        everyone(&self.state_beside()?)
    }

    /// The DNs of bases and groups, which say nothing of a person and without which nothing can be understood.
    fn names_of_the_config(&self) -> BTreeSet<String> {
        let directories = self.settings.directories.iter();
        let of_directory = directories.flat_map(|directory| {
            let groups = directory.groups.iter().chain(&directory.exclude_groups);
            directory.bases.iter().chain(groups).map(ToString::to_string)
        });
        let of_pools = self.settings.pools.iter().flat_map(|pool| pool.groups.iter().flatten().chain(&pool.priority));
        of_directory.chain(of_pools.map(|group| group.dn.to_string())).collect()
    }

    fn put_state(&self, parts: &mut Parts, redactor: &Redactor, now: Timestamp) {
        if let Some(status) = parts.take(redactor, "status.json", self.status(now)) {
            parts.put(redactor, "status.json", &status);
        }
        let past = self
            .state_beside()
            .and_then(|state| state.history(CYCLES).map_err(|error| super::engine::state_error(&error)));
        let Some(past) = parts.take(redactor, "cycles.jsonl", past) else { return };
        let cycle = |record: &crate::model::memory::CycleRecord| {
            let mut report: Value = serde_json::from_str(&record.report).ok()?;
            redactor.value(&mut report);
            Some(report.to_string() + "\n")
        };
        parts.entries.push(("cycles.jsonl".to_owned(), past.iter().rev().filter_map(cycle).collect()));
    }
}

/// Everything by which the state knows somebody.
fn person(known: &LastKnown) -> Person {
    let (account, facts) = (known.account.as_ref(), known.facts.as_ref());
    let id = account.map(|account| account.id.to_string());
    let anchor = known.anchor.or_else(|| account.and_then(|account| account.external)).map(|anchor| anchor.to_string());
    let of_account = account.map(|account| &account.profile).into_iter().flat_map(|profile| {
        [Some(profile.user_name.clone()), Some(profile.email.clone()), profile.display_name.clone()]
    });
    let of_entry = facts.into_iter().flat_map(|facts| {
        let display_name = facts.display_name.as_deref().map(str::to_owned);
        [Some(facts.dn.to_string()), Some(facts.user_name.to_string()), Some(facts.email.to_string()), display_name]
    });
    let names = of_account.chain(of_entry).flatten().collect();
    Person { identity: anchor.or(id).unwrap_or_default(), names }
}

/// How many people there are of each kind.
fn counts(known: &[LastKnown]) -> Value {
    let waiting = pending_rows(known, &Stops::default());
    let places = Places::of(&waiting);
    let mut states: BTreeMap<String, u64> = BTreeMap::new();
    let mut count = |what: String| *states.entry(what).or_default() += 1;
    for row in known.iter().map(|known| user_row(known, &places)) {
        count(row.state.map_or_else(|| "no account".to_owned(), |state| format!("account {}", state.as_str())));
        if let Some(quarantine) = &row.quarantine {
            count(format!("quarantined: {} {}", quarantine.attribute, quarantine.reason.as_str()));
        }
        for seat in &row.seats {
            let state = match seat.state {
                SeatWord::Held => "held",
                SeatWord::Waiting => "waiting",
                SeatWord::Denied => "denied",
            };
            count(format!("{}: {state}", seat.pool));
        }
    }
    json!(states)
}

/// The config without its comments, which may say anything.
fn written_config(parts: &mut Parts, redactor: &Redactor, config: &Path) {
    let read = std::fs::read_to_string(config).map_err(|error| error.to_string());
    let read = read.and_then(|text| toml::from_str::<Value>(&text).map_err(|_| "no valid TOML".to_owned()));
    let written = read.and_then(|mut value| {
        known::only(&mut value, &settings::schema());
        redactor.value(&mut value);
        toml::to_string_pretty(&value).map_err(|error| error.to_string())
    });
    match written {
        Ok(text) => parts.entries.push(("config.toml".to_owned(), text)),
        Err(why) => parts.missing.push(format!("config.toml: {why}")),
    }
}

fn about(parts: &Parts) -> String {
    let mut text = "What Seatsync knows of how it stands, for whoever helps you. Read it before you hand it on.\n\n\
                    Nothing in it is meant to name a person: names, addresses, DNs and ids are person-XXXXXXXX, the same for\n\
                    the same person within this file. Secrets are not in it, nor comments of the config. Host names, groups\n\
                    and folders are, as the config and the log write them.\n\n"
        .to_owned();
    for (name, content) in &parts.entries {
        text.push_str(&format!("{name:<16} {} bytes\n", content.len()));
    }
    for missing in &parts.missing {
        text.push_str(&format!("missing          {missing}\n"));
    }
    text
}

/// `seatsync-support-20260102-030405.zip`.
fn default_name(now: Timestamp) -> String {
    format!("seatsync-support-{}.zip", now.strftime("%Y%m%d-%H%M%S"))
}

/// For the owner's eyes alone, and over no file that is there.
fn write(file: &Path, parts: &Parts) -> io::Result<u64> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    crate::state::private(&mut options);
    let mut zip = ZipWriter::new(options.open(file)?);
    for (name, text) in &parts.entries {
        zip.start_file(name, SimpleFileOptions::default())?;
        zip.write_all(text.as_bytes())?;
    }
    zip.finish()?.sync_all()?;
    Ok(file.metadata()?.len())
}
