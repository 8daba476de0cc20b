//! What the user wrote (a file and environment variables) → what the program uses (`model::settings`).
//!
//! `source` merges file and variables into one tree of values. A `Reader` walks one table of it and records every
//! problem instead of stopping at the first; each section has a file that compiles it. `keys` lists every option.

mod agent;
mod backend;
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
mod lines;
mod log;
mod naming;
mod overrides;
mod permissions;
mod pool;
mod problem;
mod reader;
mod seats;
mod secret;
mod source;
#[cfg(test)]
mod tests;
mod url;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::model::settings::Settings;
pub use problem::{Problem, Problems};

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
}

/// Reads the config file, merges the environment's variables into it and checks all of it, secrets included.
///
/// # Errors
/// Everything that is wrong, at once. Where the file cannot be read, or is no TOML, that alone.
pub fn load(path: &Path, variables: &Variables) -> Result<Loaded, Problems> {
    let context = Context::new(path, variables);
    let settings = source::read(&context).map(|tree| compile(&Reader::root(tree, &context)));
    let (problems, warnings) = context.finish();
    match settings {
        Some(settings) if problems.is_empty() => Ok(Loaded { settings, warnings }),
        _ => Err(Problems(problems)),
    }
}

/// Every section in turn. Where something is wrong a stand-in takes its place, and `load` throws the whole away.
fn compile(root: &Reader) -> Settings {
    let agent = root.section("agent", &keys::AGENT, agent::compile);
    let directories = root.tables("directory", &keys::DIRECTORY, directory::compile);
    let seats = root.section("seats", &keys::SEATS, seats::compile);
    let pools = pool::compile_all(root, &directories, seats.match_, backend::keeper(root));
    let leavers = root.section("leavers", &keys::LEAVERS, leavers::compile);
    let guard = root.section("guard", &keys::GUARD, guard::compile);
    let backend = root.section("backend", &keys::BACKEND, |reader| backend::compile(reader, &agent.state_dir));
    let log = root.section("log", &keys::LOG, log::compile);
    root.finish();
    let mut settings =
        Settings { agent, directories, pools, seats, leavers, guard, backend, log, digest: String::new() };
    settings.digest = digest::of(&settings);
    settings
}

/// Our folder for data on Windows.
fn program_data(variable: Option<String>) -> PathBuf {
    PathBuf::from(variable.unwrap_or_else(|| r"C:\ProgramData".to_owned())).join("Seatsync")
}

/// The variables of this process. What is no UTF-8 in them is refused where it is used.
#[must_use]
pub fn process_variables() -> Variables {
    let text = |value: std::ffi::OsString| value.to_string_lossy().into_owned();
    std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect()
}
