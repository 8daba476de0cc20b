//! `secret ...`: secrets kept beside the config.

use std::io::{self, IsTerminal as _, Read as _};
use std::path::Path;

use clap::Subcommand;
use secrecy::SecretString;

use super::console::Console;
use super::exit::Exit;
use super::page::{Page, Tone};
use crate::app::{AppError, Code, keep_secret};

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Keep a secret under a name, over the one that is there; typed unseen, or read from stdin
    Set {
        /// What the config calls it
        name: String,
    },
}

/// Does what the verb says.
pub fn perform(verb: &Verb, config: &Path, console: &Console) -> Result<Exit, AppError> {
    let Verb::Set { name } = verb;
    let secret = read().map_err(|error| AppError::new(Code::Failed, "could not read the secret").caused_by(&error))?;
    let kept = keep_secret(config, name, &secret)?;
    if !console.spares(true) {
        console.answer(&kept, |kept, page: &mut Page| {
            page.line(format!("Kept in {}. In the config: bind_password = {}", kept.file.display(), kept.reference));
            page.verdict(Tone::Good, "ok", taken());
        })?;
    }
    Ok(Exit::Done)
}

/// When the agent has it.
const fn taken() -> &'static str {
    if cfg!(windows) {
        "an agent that runs takes it with its next cycle"
    } else {
        "a service that runs takes it when it is restarted: systemctl restart seatsync"
    }
}

/// Of a person, unseen; of a program, everything but the newline at its end.
fn read() -> io::Result<SecretString> {
    if io::stdin().is_terminal() {
        return rpassword::prompt_password("The secret (it is not shown): ").map(SecretString::from);
    }
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    Ok(SecretString::from(line.strip_suffix('\r').unwrap_or(line)))
}
