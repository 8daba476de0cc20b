//! Arguments that could not be read, and questions for help.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::console::Console;
use super::global::Global;
use crate::app::{AppError, Code};

/// Prints help, the version, or what is wrong with the arguments: as JSON where they ask for it.
pub fn answer(error: clap::Error, arguments: &[OsString]) -> ExitCode {
    let error = pointed(error);
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        // A reader who leaves (`--help | head`) has seen enough.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let json = arguments.iter().skip(1).take_while(|one| *one != "--").any(|one| one == "--json");
    if json {
        let global = Global { config: None, json: true, quiet: false, verbose: 0 };
        Console::new(&global, arguments).fail(&told(&error));
    } else {
        let _ = error.print();
    }
    ExitCode::from(Code::Usage.exit())
}

/// With the place of a command that stands under another one.
fn pointed(mut error: clap::Error) -> clap::Error {
    let Some(ContextValue::String(typed)) = error.get(ContextKind::InvalidSubcommand) else { return error };
    let above = match typed.as_str() {
        "pool" | "company" | "token" | "connector" | "serve" => "ledger",
        "approve" | "deny" | "release" => "pending",
        _ => return error,
    };
    let meant = format!("{above} {typed}");
    error.insert(ContextKind::SuggestedSubcommand, ContextValue::String(meant));
    error
}

/// clap's text without its labels and its usage line: what is wrong, and its tip as what to do next.
fn told(error: &clap::Error) -> AppError {
    let text = error.render().to_string();
    let mut paragraphs = text.split("\n\n").map(str::trim);
    let message = paragraphs.next().unwrap_or_default();
    let message = message.strip_prefix("error: ").unwrap_or(message);
    let told = if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        AppError::new(Code::Usage, "no command was given")
    } else {
        AppError::new(Code::Usage, message.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    let tip = paragraphs.find_map(|paragraph| paragraph.strip_prefix("tip: "));
    told.with_next(tip.unwrap_or("`seatsync help` lists commands and options"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Cli;
    use clap::Parser as _;

    fn error(arguments: &[&str]) -> AppError {
        told(&pointed(Cli::try_parse_from(["seatsync"].iter().chain(arguments)).unwrap_err()))
    }

    #[test]
    fn a_mistyped_verb_is_named_with_the_one_that_was_meant() {
        let error = error(&["synk"]);
        assert_eq!(error.message, "unrecognized subcommand 'synk'");
        assert!(error.next.unwrap().contains("'sync'"));
    }

    #[test]
    fn a_verb_that_stands_under_another_one_is_pointed_to() {
        for (typed, meant) in [
            (&["pool", "set", "standard"][..], "'ledger pool'"),
            (&["approve", "p1"], "'pending approve'"),
            (&["release", "p1"], "'pending release'"),
            (&["serve"], "'ledger serve'"),
        ] {
            let next = error(typed).next.unwrap();
            assert!(next.contains(meant), "{typed:?}: {next}");
        }
    }

    #[test]
    fn a_missing_argument_is_named() {
        assert!(error(&["confirm"]).message.contains("<FINGERPRINT>"));
        assert_eq!(error(&[]).message, "no command was given");
    }
}
