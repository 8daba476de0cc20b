//! What the user wrote (a file and environment variables) → what the program uses (`model::settings`).
//!
//! `source` merges file and variables into one tree of values. A `Reader` walks one table of it and records every
//! problem instead of stopping at the first; each section has a file that compiles it. `keys` lists every option, and `schema` tells
//! editors of them.

mod agent;
mod backend;
mod bind;
mod certificates;
mod context;
mod digest;
mod directory;
mod duration;
mod group;
mod guard;
mod keys;
mod ldap;
mod leavers;
mod ledger;
mod lines;
mod listen;
mod log;
mod mistaken;
mod naming;
mod notify;
pub use agent::{config_option, default_config, default_state_dir};
pub use backend::default_path as default_ledger;
pub use ldap::GLOBAL_CATALOG;
pub use naming::{check_word, nearest_of};
mod overrides;
mod pair;
mod permissions;
mod pool;
mod problem;
mod reader;
mod schema;
pub mod sddl;
mod seats;
pub mod secret;
mod smtp;
mod source;
mod status;
#[cfg(test)]
mod tests;
mod unreadable;
mod url;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::model::Name;
use crate::model::settings::{BackendKind, LedgerSettings, LogSettings, Settings};
pub use keys::MOST_SEATS;
pub use problem::{Problem, Problems};
pub use schema::schema;
pub use url::is_global_catalog;

use context::Context;
use reader::Reader;

/// The environment: `SEATSYNC__AGENT__POLL` and the like, and whatever a secret is taken from.
pub type Variables = BTreeMap<String, String>;

/// A config without problems.
#[derive(Debug)]
pub struct Loaded {
    pub settings: Settings,
    /// What is allowed and yet hardly meant.
    pub warnings: Vec<Problem>,
    /// The config file, and what it names to be read.
    pub files: Vec<UsedFile>,
}

/// A file that must be readable, and where the config names it.
#[derive(Clone, Debug)]
pub struct UsedFile {
    /// Without a message.
    pub place: Problem,
    pub path: PathBuf,
}

/// The part of a config that `ledger serve` and the verbs beside it use, without problems.
#[derive(Debug)]
pub struct LoadedLedger {
    pub ledger: LedgerSettings,
    pub log: LogSettings,
    /// Of an agent whose embedded ledger it is: the pools that its config names. None: a ledger of its own, `[ledger]`.
    pub embedded: Option<Vec<Name>>,
    pub warnings: Vec<Problem>,
    /// The config file, and what it names to be read.
    pub files: Vec<UsedFile>,
}

/// Reads the config file, merges the environment's variables into it and checks all of it, secrets included.
///
/// # Errors
/// Everything that is wrong, at once. Where the file cannot be read, or is no TOML, that alone.
pub fn load(path: &Path, variables: &Variables) -> Result<Loaded, Problems> {
    let ((settings, files), warnings) = compiled(path, variables, |root| (compile(root).0, root.context.used()))?;
    Ok(Loaded { settings, warnings, files })
}

/// The same for a ledger: a config of its own, with `[ledger]` and `[log]`, or that of an agent with `[ledger]` in it; else the
/// embedded one of that agent.
///
/// # Errors
/// Everything that is wrong, at once; an agent's part, too.
pub fn load_ledger(path: &Path, variables: &Variables) -> Result<LoadedLedger, Problems> {
    let ((ledger, log, embedded, files), warnings) = compiled(path, variables, |root| {
        if is_of_an_agent(root) {
            let (settings, ledger) = compile(root);
            if ledger.is_none()
                && let BackendKind::Embedded { path } = &settings.backend.kind
            {
                let pools = settings.pools.iter().map(|pool| pool.name.clone()).collect();
                return (Some(ledger::embedded(path)), settings.log, Some(pools), root.context.used());
            }
            root.require("ledger", "[ledger] with the database it serves");
            return (ledger, settings.log, None, root.context.used());
        }
        root.require("ledger", "[ledger] with the database it serves");
        let ledger = compile_ledger(root);
        let log = root.section("log", &keys::LOG, log::compile);
        root.finish();
        (ledger, log, None, root.context.used())
    })?;
    match ledger {
        Some(ledger) => Ok(LoadedLedger { ledger, log, embedded, warnings, files }),
        None => Err(Problems(Vec::new())),
    }
}

/// Whether a config is a ledger's alone. One that cannot be read is taken for an agent's, which says what is wrong.
#[must_use]
pub fn is_ledger_alone(path: &Path, variables: &Variables) -> bool {
    let context = Context::new(path, variables);
    source::read(&context).is_some_and(|tree| {
        let root = Reader::root(tree, &context);
        root.has("ledger") && !is_of_an_agent(&root)
    })
}

fn is_of_an_agent(root: &Reader) -> bool {
    keys::OF_AN_AGENT.iter().any(|table| root.has(table))
}

/// What `compile` makes of the config, and warnings; or all problems there are.
fn compiled<T>(
    path: &Path,
    variables: &Variables,
    compile: impl FnOnce(&Reader) -> T,
) -> Result<(T, Vec<Problem>), Problems> {
    let context = Context::new(path, variables);
    let compiled = source::read(&context).map(|tree| compile(&Reader::root(tree, &context)));
    let (problems, warnings) = context.finish();
    match compiled {
        Some(compiled) if problems.is_empty() => Ok((compiled, warnings)),
        _ => Err(Problems(problems)),
    }
}

/// What can be told of a config that is wrong elsewhere than in `[agent]`: the settings, with a stand-in for whatever is
/// wrong. Good for looking at the state, and for nothing else. None: not even where the state lies.
#[must_use]
pub fn glimpse(path: &Path, variables: &Variables) -> Option<Settings> {
    let context = Context::new(path, variables);
    let settings = source::read(&context).map(|tree| compile(&Reader::root(tree, &context)).0)?;
    let of_agent = |problem: &Problem| problem.key.is_empty() || problem.key.split('.').next() == Some("agent");
    (!context.problems().iter().any(of_agent)).then_some(settings)
}

/// Every section in turn. Where something is wrong a stand-in takes its place, and `compiled` throws the whole away.
fn compile(root: &Reader) -> (Settings, Option<LedgerSettings>) {
    let agent = root.section("agent", &keys::AGENT, agent::compile);
    let directories = root.tables("directory", &keys::DIRECTORY, directory::compile);
    let seats = root.section("seats", &keys::SEATS, seats::compile);
    let pools = pool::compile_all(root, &directories, seats.match_, backend::keeper(root));
    let leavers = root.section("leavers", &keys::LEAVERS, leavers::compile);
    let guard = root.section("guard", &keys::GUARD, guard::compile);
    let backend = root.section("backend", &keys::BACKEND, |reader| backend::compile(reader, &agent.state_dir));
    let log = root.section("log", &keys::LOG, log::compile);
    let status = root.section("status", &keys::STATUS, status::compile);
    let notify = root.has("notify").then(|| root.section("notify", &keys::NOTIFY, notify::compile));
    let ledger = compile_ledger(root);
    root.finish();
    let digest = String::new();
    let mut settings =
        Settings { agent, directories, pools, seats, leavers, guard, backend, log, status, notify, digest };
    settings.digest = digest::of(&settings);
    (settings, ledger)
}

fn compile_ledger(root: &Reader) -> Option<LedgerSettings> {
    root.has("ledger").then(|| root.section("ledger", &keys::LEDGER, ledger::compile))
}

/// Why a file is no place for a secret: who else may read it, with the command that mends it; None where nobody else may.
#[must_use]
pub fn refused_secret(file: &Path) -> Option<String> {
    let metadata = std::fs::metadata(file).ok()?;
    permissions::refusal(file, &metadata, permissions::Right::Any, "use it")
}

/// The variables of this process. What is no UTF-8 in them is refused where it is used.
#[must_use]
pub fn process_variables() -> Variables {
    let text = |value: std::ffi::OsString| value.to_string_lossy().into_owned();
    std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect()
}
