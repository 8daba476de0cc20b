//! `[agent]`: who we are, where the state lies, how often a cycle is made.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::duration::{self, DAY, MINUTE};
use super::naming;
use super::reader::Reader;
use crate::model::settings::AgentSettings;

pub fn compile(reader: &Reader) -> AgentSettings {
    let (poll, full) = rhythm(reader);
    AgentSettings {
        name: name(reader),
        state_dir: state_dir(reader),
        poll,
        full,
        push: reader.flag("push"),
        dry_run: reader.flag("dry_run"),
        options: options(&reader.context.file),
    }
}

fn name(reader: &Reader) -> String {
    let Some(name) = reader.text("name") else {
        return gethostname::gethostname().to_string_lossy().into_owned();
    };
    if let Err(message) = naming::check(&name) {
        reader.problem("name", message);
    }
    name
}

/// A folder of its own: the embedded ledger's folder goes beside it.
fn state_dir(reader: &Reader) -> PathBuf {
    let Some(folder) = reader.path("state_dir") else { return default_state_dir() };
    if folder.file_name().is_none() {
        reader.problem("state_dir", "must end in the name of a folder of its own, not in \"..\" or \"/\"");
    } else if folder.is_file() {
        reader.problem("state_dir", "is a file; name a folder");
    }
    folder
}

fn options(config: &Path) -> String {
    if config == default_config() { String::new() } else { config_option(config) }
}

/// ` --config PATH`, quoted where a shell would take it apart.
#[must_use]
pub fn config_option(path: &Path) -> String {
    let path = path.display().to_string();
    let harmless = |character: char| character.is_alphanumeric() || "/\\._-+:~".contains(character);
    if path.chars().all(harmless) { format!(" --config {path}") } else { format!(" --config \"{path}\"") }
}

/// Where a package puts the config.
#[cfg(windows)]
#[must_use]
pub fn default_config() -> PathBuf {
    crate::windows::data_folder().join("seatsync.toml")
}

/// Where a package puts the config.
#[cfg(not(windows))]
#[must_use]
pub fn default_config() -> PathBuf {
    PathBuf::from("/etc/seatsync/seatsync.toml")
}

/// Where the state lies unless the config says otherwise.
#[cfg(windows)]
#[must_use]
pub fn default_state_dir() -> PathBuf {
    crate::windows::data_folder().join("state")
}

/// Where the state lies unless the config says otherwise.
#[cfg(not(windows))]
#[must_use]
pub fn default_state_dir() -> PathBuf {
    PathBuf::from("/var/lib/seatsync")
}

/// `poll` and `full`.
fn rhythm(reader: &Reader) -> (Duration, Duration) {
    let poll = duration::read(reader, "poll", 7 * DAY).unwrap_or(5 * MINUTE);
    let full = duration::read(reader, "full", 366 * DAY).unwrap_or(DAY.max(poll));
    if full < poll {
        reader.problem("full", "must not be shorter than poll: every full cycle is one of those that poll asks for");
    }
    (poll, full)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_carry_the_config_as_a_shell_takes_it_and_nothing_at_the_usual_place() {
        assert_eq!(config_option(Path::new("config/demo.toml")), " --config config/demo.toml");
        assert_eq!(config_option(Path::new("my config.toml")), " --config \"my config.toml\"");
        assert_eq!(options(&default_config()), "");
    }
}
