//! The file and the environment's variables, merged into one tree of values.

use std::fs::File;
use std::io::{ErrorKind, Read as _};

use config::{Config, Environment, FileFormat, Value};
use toml::de::DeTable;

use super::context::Context;
use super::lines::{self, Lines};
use super::overrides::{Overrides, PREFIX, SEPARATOR};
use super::permissions::{self, Right};

const TOO_LARGE: &str = "is a number out of all bounds";

/// Reads and merges. None: nothing can be said of the values, and the context knows why.
pub fn read(context: &Context) -> Option<Value> {
    let text = read_file(context)?;
    let (table, errors) = DeTable::parse_recoverable(&text);
    if !errors.is_empty() {
        for error in &errors {
            syntax_problem(context, &text, error);
        }
        return None;
    }
    let refuse = |variable: &str, key, message| context.variable_problem(variable, key, message);
    let overrides = Overrides::find(context.variables, table.get_ref(), refuse);
    let values = overrides.values(context.variables);
    let lines = Lines::of_table(&text, table.get_ref());
    if !lines.too_large.is_empty() {
        for (line, key) in &lines.too_large {
            context.file_problem(Some(*line), format!("{key} {TOO_LARGE}"));
        }
        return None;
    }
    context.know(lines, overrides);
    merge(context, &text, values)
}

/// The file first, then the variables over it.
fn merge(context: &Context, text: &str, values: config::Map<String, String>) -> Option<Value> {
    let variables = Environment::with_prefix(PREFIX).prefix_separator(SEPARATOR).separator(SEPARATOR);
    let merged = Config::builder()
        .add_source(config::File::from_str(text, FileFormat::Toml))
        .add_source(variables.source(Some(values)))
        .build();
    match merged {
        Ok(merged) => Some(merged.cache),
        // The syntax and the whole numbers were checked above: what is left is a fraction out of all bounds.
        Err(error) => {
            context.file_problem(None, format!("a value cannot be taken: {error}"));
            None
        }
    }
}

/// Where the parser stumbled. Its own text would quote the line, which may hold a secret.
fn syntax_problem(context: &Context, text: &str, error: &toml::de::Error) {
    let (line, column) = lines::position(text, error.span().map_or(0, |span| span.start));
    context.file_problem(Some(line), format!("not valid TOML at line {line}, column {column}: {}", error.message()));
}

/// The file's text, if nobody but its owner can have written it.
fn read_file(context: &Context) -> Option<String> {
    let mut bytes = Vec::new();
    let read = File::open(&context.file).and_then(|mut file| {
        let metadata = file.metadata()?;
        file.read_to_end(&mut bytes)?;
        Ok(metadata)
    });
    match read {
        Ok(metadata) => refuse_writable(context, &metadata),
        Err(error) => {
            context.file_problem(None, cannot_read(&error));
            return None;
        }
    }
    String::from_utf8(bytes)
        .map_err(|error| {
            let valid = String::from_utf8_lossy(&error.as_bytes()[..error.utf8_error().valid_up_to()]).into_owned();
            let (line, column) = lines::position(&valid, valid.len());
            let message = format!("not UTF-8 at line {line}, column {column}; save the file as UTF-8");
            context.file_problem(Some(line), message);
        })
        .ok()
}

/// Rule 22: who can write the config decides who gets a seat.
fn refuse_writable(context: &Context, metadata: &std::fs::Metadata) {
    if let Some(told) = permissions::refusal(&context.file, metadata, Right::Write, "write the config") {
        context.file_problem(None, told);
    }
}

fn cannot_read(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => {
            "there is no such file; name the config with --config PATH, or let `seatsync init` write one \
                                here"
                .to_owned()
        }
        ErrorKind::PermissionDenied => {
            "may not be read by this user; run as the user of the agent, or let that user read it: chgrp seatsync FILE && \
             chmod 640 FILE".to_owned()
        }
        ErrorKind::IsADirectory => "is a folder; name the file in it with --config PATH".to_owned(),
        _ => format!("cannot be read: {error}"),
    }
}
