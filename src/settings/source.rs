//! The file and the environment's variables, merged into one tree of values.

use std::fs::File;
use std::io::{ErrorKind, Read as _};

use config::{Config, Environment, FileFormat, Value};
use toml::de::DeTable;

use super::context::Context;
use super::lines::{self, Lines};
use super::mistaken;
use super::overrides::{Overrides, PREFIX, SEPARATOR};
use super::permissions::{self, Right};

/// The config is not for everybody's eyes: whoever may not read it is not given a right, but another user to run as.
#[cfg(unix)]
const MAY_NOT: &str = "may not be read by this user, and need not be: run this as root or with sudo. Where it is the agent's own \
                       user who may not (systemd's journal says so), `seatsync check` as root tells the command that lets it";
#[cfg(not(unix))]
const MAY_NOT: &str = "may not be read by this user, and need not be: run this as an administrator";

const TOO_LARGE: &str = "is a number out of all bounds";

const BACKSLASH: &str =
    "; between double quotes a backslash is written \\\\, or put the text between single quotes: 'LAB\\svc'";

/// Reads and merges. None: nothing can be said of the values, and the context knows why.
pub fn read(context: &Context) -> Option<Value> {
    let text = read_file(context)?;
    let (table, errors) = DeTable::parse_recoverable(&text);
    if !errors.is_empty() {
        for error in &errors {
            syntax_problem(context, &text, table.get_ref(), error);
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
    if table.get_ref().is_empty() && values.is_empty() {
        context.note_blank();
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
fn syntax_problem(context: &Context, text: &str, table: &DeTable, error: &toml::de::Error) {
    let at = error.span().map_or(0, |span| span.start);
    if let Some((byte, odd)) = mistaken::odd_in_line(text, at) {
        let (line, column) = lines::position(text, byte);
        let said = format!("not valid TOML at line {line}, column {column}: {odd}");
        return context.file_problem(Some(line), said);
    }
    let (line, column) = lines::position(text, at);
    let said = match mistaken::twice(text, table, error) {
        Some(twice) => twice,
        None => {
            let hint = if is_backslash(text, error) { BACKSLASH } else { "" };
            format!("{}{hint}", error.message())
        }
    };
    context.file_problem(Some(line), format!("not valid TOML at line {line}, column {column}: {said}"));
}

/// In double quotes it begins an escape, and `svc` is none.
fn is_backslash(text: &str, error: &toml::de::Error) -> bool {
    let Some(span) = error.span() else { return false };
    let upto = text.get(..span.start).unwrap_or_default();
    let at = text.get(span).unwrap_or_default();
    at.starts_with('\\') || upto.ends_with('\\')
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
        ErrorKind::PermissionDenied => MAY_NOT.to_owned(),
        ErrorKind::IsADirectory => "is a folder; name the file in it with --config PATH".to_owned(),
        _ => format!("cannot be read: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backslash_that_is_no_escape_is_known_and_other_mistakes_are_not() {
        let is_one = |text: &str| DeTable::parse_recoverable(text).1.iter().any(|error| is_backslash(text, error));
        assert!(is_one(r#"bind_dn = "LAB\svc""#) && is_one(r#"path = "C:\Users\ada""#));
        assert!(!is_one("bind_dn = LAB") && !is_one(r#"bind_dn = "LAB"#) && !is_one(r"a = 'LAB\svc'"));
        assert!(BACKSLASH.contains(r"written \\, or") && BACKSLASH.contains(r"'LAB\svc'"));
    }
}
