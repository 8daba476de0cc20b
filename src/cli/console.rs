//! Where answers go: stdout, as a page for a person or as JSON for a program. Nothing else writes there.

use std::ffi::OsString;
use std::io::{self, BufWriter, ErrorKind, Write};

use anstream::AutoStream;
use serde::Serialize;

use super::clean::clean_json;
use super::global::Global;
use super::page::{Page, Tone};
use crate::app::{AppError, Code};

/// Why there is nothing to list yet.
const NO_CYCLE: &str = "no cycle yet: `seatsync sync` makes one, `seatsync plan` shows what it would do";

/// How this run speaks.
#[derive(Debug)]
pub struct Console {
    pub json: bool,
    /// Only what needs attention.
    pub quiet: bool,
    width: Option<u16>,
    options: String,
    /// The environment, and nobody's option, names the config.
    pub by_variable: bool,
}

impl Console {
    #[must_use]
    pub fn new(global: &Global, arguments: &[OsString]) -> Self {
        Self {
            json: global.json,
            quiet: global.quiet,
            // Known only where stdout is a terminal.
            width: comfy_table::Table::new().width().and_then(usable),
            options: global.config.as_deref().map(crate::app::config_option).unwrap_or_default(),
            by_variable: global.config.is_some() && !arguments.iter().any(is_config_option),
        }
    }

    /// Prints one answer: as JSON, or as the page that `render` makes of it.
    pub fn answer<T: Serialize>(&self, value: &T, render: impl FnOnce(&T, &mut Page)) -> Result<(), AppError> {
        if self.json { print_json(std::iter::once(value)) } else { self.page(|page| render(value, page)) }
    }

    /// Prints a list: as JSON Lines, or as a page. An empty one is `nothing` in words, once there was a cycle that could
    /// have found somebody (`known`); before, stdout stays empty, and stderr says why.
    pub fn list<T: Serialize>(
        &self,
        rows: &[T],
        nothing: &str,
        known: bool,
        render: impl FnOnce(&[T], &mut Page),
    ) -> Result<(), AppError> {
        match (self.json, rows.is_empty(), known) {
            (true, _, _) => print_json(rows),
            (false, false, _) => self.page(|page| render(rows, page)),
            (false, true, true) => self.page(|page| page.verdict(Tone::Good, "ok", nothing)),
            (false, true, false) => {
                self.aside(NO_CYCLE);
                Ok(())
            }
        }
    }

    /// Tells a person something that is no part of the answer. Nothing is left to do where that fails.
    pub fn aside(&self, text: &str) {
        if self.quiet {
            return;
        }
        let mut page = Page::new(None, self.options.clone());
        page.line(text);
        let _ = AutoStream::auto(io::stderr()).lock().write_all(page.as_str().as_bytes());
    }

    /// Whether `--quiet` keeps an answer back from a person that needs no attention.
    #[must_use]
    pub const fn spares(&self, calm: bool) -> bool {
        self.quiet && calm && !self.json
    }

    /// Prints a page that fits, coloured where stdout is a terminal and nobody asked for none.
    fn page(&self, render: impl FnOnce(&mut Page)) -> Result<(), AppError> {
        let mut page = Page::new(self.width, self.options.clone());
        render(&mut page);
        let mut stdout = AutoStream::auto(io::stdout()).lock();
        written(stdout.write_all(page.as_str().as_bytes()).and_then(|()| stdout.flush()))
    }

    /// Prints an error: as JSON on stdout, or to a person on stderr. Nothing is left to do where even that fails.
    pub fn fail(&self, error: &AppError) {
        let named = (self.by_variable && error.code == Code::Config).then(|| naming_the_variable(error));
        let error = named.as_ref().unwrap_or(error);
        if self.json {
            let _ = print_json([Failure { error }]);
            return;
        }
        let mut page = Page::new(None, self.options.clone());
        error_page(&mut page, error);
        let _ = AutoStream::auto(io::stderr()).lock().write_all(page.as_str().as_bytes());
    }
}

/// A terminal that does not know its width says 0; and nothing fits into a few columns.
fn usable(width: u16) -> Option<u16> {
    (width >= 20).then_some(width)
}

/// Somebody wonders why this file, of all.
fn naming_the_variable(error: &AppError) -> AppError {
    AppError { message: format!("{} (SEATSYNC_CONFIG names it)", error.message), ..error.clone() }
}

fn is_config_option(argument: &OsString) -> bool {
    argument.to_str().is_some_and(|text| text == "--config" || text.starts_with("--config="))
}

/// An error as JSON.
#[derive(Serialize)]
struct Failure<'a> {
    error: &'a AppError,
}

/// Prints JSON, one value a line.
fn print_json<T: Serialize>(values: impl IntoIterator<Item = T>) -> Result<(), AppError> {
    written(write_objects(&mut BufWriter::new(io::stdout().lock()), values))
}

/// Prints text for another program, such as a completion script, as it is.
pub fn print_raw(text: &[u8]) -> Result<(), AppError> {
    let mut stdout = io::stdout().lock();
    written(stdout.write_all(text).and_then(|()| stdout.flush()))
}

fn write_objects<T: Serialize>(out: &mut impl Write, values: impl IntoIterator<Item = T>) -> io::Result<()> {
    for value in values {
        let text = serde_json::to_string(&value)?;
        writeln!(out, "{}", clean_json(&text))?;
    }
    out.flush()
}

/// A reader who has seen enough (`| head`) is no failure.
fn written(result: io::Result<()>) -> Result<(), AppError> {
    match result {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(AppError::new(Code::Output, "could not write the result to stdout").caused_by(&error))
        }
        _ => Ok(()),
    }
}

fn error_page(page: &mut Page, error: &AppError) {
    block(page, Tone::Bad, "error: ", &error.message);
    for detail in &error.details {
        block(page, Tone::Plain, "  ", detail);
    }
    // What a detail says already is a cause for programs only.
    for cause in error.causes.iter().filter(|cause| !error.details.contains(cause)) {
        block(page, Tone::Faint, "  caused by: ", cause);
    }
    if let Some(next) = &error.next {
        block(page, Tone::Good, "  next: ", next);
    }
}

/// A text that may have several lines of its own, such as the extract a TOML error shows.
fn block(page: &mut Page, tone: Tone, label: &str, text: &str) {
    for (index, line) in text.trim_end().split('\n').enumerate() {
        let indent = " ".repeat(label.len());
        page.pieces(&[(tone, if index == 0 { label } else { &indent }), (Tone::Plain, line)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn sample() -> AppError {
        let cause = io::Error::other("invalid type\n  |\n1 | x = 3");
        AppError::new(Code::Config, "could not read the config seatsync.toml")
            .with_details(["agent.poll = \"5x\": not a duration".to_owned()])
            .caused_by(&cause)
            .with_next("mend the file and run `seatsync check`")
    }

    #[test]
    fn an_error_says_what_why_and_what_next() {
        let mut page = Page::default();
        error_page(&mut page, &sample());
        let expected = r#"error: could not read the config seatsync.toml
  agent.poll = "5x": not a duration
  caused by: invalid type
               |
             1 | x = 3
  next: mend the file and run `seatsync check`
"#;
        assert_eq!(page.plain(), expected);
    }

    #[test]
    fn a_json_error_has_the_keys_of_the_contract() {
        let text = serde_json::to_string(&Failure { error: &AppError::new(Code::Busy, "another instance runs") });
        assert_eq!(text.unwrap(), r#"{"error":{"code":"busy","message":"another instance runs","causes":[]}}"#);
    }

    #[test]
    fn a_list_is_one_object_a_line() {
        let mut out = Vec::new();
        write_objects(&mut out, [json!({"name": "two\nlines"}), json!({"name": "\u{9b}"})]).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "{\"name\":\"two\\nlines\"}\n{\"name\":\"\\u009b\"}\n");
    }

    #[test]
    fn a_reader_who_leaves_is_no_failure_and_a_full_disk_is() {
        assert!(written(Err(ErrorKind::BrokenPipe.into())).is_ok());
        assert_eq!(written(Err(ErrorKind::StorageFull.into())).map_err(|error| error.code), Err(Code::Output));
    }

    #[test]
    fn a_terminal_of_no_columns_is_one_whose_width_is_not_known() {
        assert_eq!([0, 19, 20, 80].map(usable), [None, None, Some(20), Some(80)]);
    }

    #[test]
    fn a_path_with_spaces_is_quoted_in_commands() {}
}
