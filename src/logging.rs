//! Logs: sentences with fields, on stderr, in the journal or in the Event Log. People appear in them as anchors, never by name.

#[cfg(windows)]
mod eventlog;
pub mod events;
#[cfg(unix)]
mod journal;
mod line;

use std::io::IsTerminal as _;

use thiserror::Error;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::TryInitError;

use crate::model::settings::{LogFormat, LogSettings};

/// Logs cannot be written as the config says.
#[derive(Debug, Error)]
pub enum LoggingError {
    #[error("log.level = {level:?} is neither a level (error, warn, info, debug, trace) nor a filter")]
    Level {
        level: String,
        #[source]
        source: tracing_subscriber::filter::ParseError,
    },
    #[error("log.format is \"journald\", and there is no systemd journal here; \"auto\" takes it where there is one")]
    NoJournal,
    #[error(
        "log.format is \"eventlog\", and the Event Log of Windows cannot be written to; \"auto\" takes it where a service runs"
    )]
    NoEventLog(#[source] std::io::Error),
    #[error("logging was set up twice")]
    Twice(#[source] TryInitError),
}

/// What kind of program writes the logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    /// The agent: its logs are what it says.
    Agent,
    /// The agent, whose stderr nobody reads: a service of Windows.
    Service,
    /// A verb: its answer is what it says, and logs only disturb.
    Verb,
}

/// How much more, or less, than the config says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verbosity {
    Quiet,
    Normal,
    /// `-v`
    More,
    /// `-vv`
    All,
}

impl Verbosity {
    /// From `--quiet` and the number of `-v`.
    #[must_use]
    pub const fn of(quiet: bool, verbose: u8) -> Self {
        match (quiet, verbose) {
            (true, _) => Self::Quiet,
            (false, 0) => Self::Normal,
            (false, 1) => Self::More,
            (false, _) => Self::All,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Text,
    /// systemd's journal, with each field of its own.
    Journal,
    /// That of Windows, each event with its id.
    EventLog,
    Json,
}

/// Sets logging up for the rest of the process; `writer` leads to stderr.
///
/// # Errors
/// Where the level cannot be read, or logging was set up before.
pub fn init<W>(settings: &LogSettings, voice: Voice, verbosity: Verbosity, writer: W) -> Result<(), LoggingError>
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    use tracing_subscriber::util::SubscriberInitExt as _;
    let filter = directives(&settings.level, voice, verbosity);
    let filter =
        EnvFilter::try_new(&filter).map_err(|source| LoggingError::Level { level: settings.level.clone(), source })?;
    let terminal = std::io::stderr().is_terminal();
    let colours = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter.clone())
        .with_target(verbosity == Verbosity::All)
        .with_ansi(colours)
        .with_writer(writer);
    let journal = journal_listens();
    match shape(settings.format, voice, terminal, journal) {
        Shape::Journal => return to_the_journal(filter),
        Shape::EventLog => return to_the_event_log(filter),
        Shape::Text if journal => builder.without_time().finish().try_init(),
        Shape::Text => builder.finish().try_init(),
        Shape::Json => builder.json().flatten_event(true).with_span_list(false).finish().try_init(),
    }
    .map_err(LoggingError::Twice)
}

/// `auto`: fields of its own for the journal, text for a person, JSON where a program collects the agent's stderr.
fn shape(format: LogFormat, voice: Voice, terminal: bool, journal: bool) -> Shape {
    match format {
        // A service has no other place that anybody reads.
        _ if voice == Voice::Service => Shape::EventLog,
        LogFormat::EventLog => Shape::EventLog,
        LogFormat::Journald => Shape::Journal,
        LogFormat::Text => Shape::Text,
        LogFormat::Auto if journal => Shape::Journal,
        LogFormat::Auto if terminal || voice == Voice::Verb => Shape::Text,
        LogFormat::Auto | LogFormat::Json => Shape::Json,
    }
}

/// What is written to stderr goes to systemd's journal.
fn journal_listens() -> bool {
    #[cfg(unix)]
    return journal::listens();
    #[cfg(not(unix))]
    false
}

#[cfg(unix)]
fn to_the_journal(filter: EnvFilter) -> Result<(), LoggingError> {
    use tracing_subscriber::layer::SubscriberExt as _;
    use tracing_subscriber::util::SubscriberInitExt as _;
    if !journal::is_there() {
        return Err(LoggingError::NoJournal);
    }
    tracing_subscriber::registry().with(filter).with(journal::Journal).try_init().map_err(LoggingError::Twice)
}

#[cfg(not(unix))]
fn to_the_journal(_filter: EnvFilter) -> Result<(), LoggingError> {
    Err(LoggingError::NoJournal)
}

#[cfg(windows)]
fn to_the_event_log(filter: EnvFilter) -> Result<(), LoggingError> {
    use tracing_subscriber::layer::SubscriberExt as _;
    use tracing_subscriber::util::SubscriberInitExt as _;
    let events = eventlog::Events::open().map_err(LoggingError::NoEventLog)?;
    tracing_subscriber::registry().with(filter).with(events).try_init().map_err(LoggingError::Twice)
}

#[cfg(not(windows))]
fn to_the_event_log(_filter: EnvFilter) -> Result<(), LoggingError> {
    Err(LoggingError::NoEventLog(std::io::ErrorKind::Unsupported.into()))
}

/// The filter. A plain level is meant for us; libraries speak up only when something is wrong, since they know no rule
/// about names. Whoever writes a filter of their own gets just that, without what a library says of each new file (`refinery`).
fn directives(level: &str, voice: Voice, verbosity: Verbosity) -> String {
    let plain = level.trim().chars().all(|letter| letter.is_ascii_alphanumeric());
    match (verbosity, voice) {
        // A library's words say nothing to whoever typed a verb: its errors are in ours.
        (Verbosity::Quiet, Voice::Verb) => "off,seatsync=error".to_owned(),
        (Verbosity::Normal, Voice::Verb) => "off,seatsync=warn".to_owned(),
        (Verbosity::Quiet, Voice::Agent | Voice::Service) => "error".to_owned(),
        (Verbosity::More, _) => "warn,seatsync=debug".to_owned(),
        (Verbosity::All, _) => format!("{QUIET},info,seatsync=trace"),
        (Verbosity::Normal, Voice::Agent | Voice::Service) if plain => {
            format!("{},seatsync={}", libraries(level), level.trim())
        }
        (Verbosity::Normal, Voice::Agent | Voice::Service) => format!("{QUIET},{level}"),
    }
}

/// What comes later in a filter wins.
const QUIET: &str = "refinery_core=warn";

fn libraries(level: &str) -> &'static str {
    if matches!(level.trim(), "error" | "off") { "error" } else { "warn" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_level_is_meant_for_us_and_not_for_libraries() {
        assert_eq!(directives("debug", Voice::Agent, Verbosity::Normal), "warn,seatsync=debug");
        assert_eq!(directives("error", Voice::Agent, Verbosity::Normal), "error,seatsync=error");
        let own = directives("info,ldap3=debug", Voice::Agent, Verbosity::Normal);
        assert_eq!(own, "refinery_core=warn,info,ldap3=debug");
    }

    #[test]
    fn a_verb_speaks_up_only_when_something_is_wrong_unless_asked() {
        assert_eq!(directives("info", Voice::Verb, Verbosity::Normal), "off,seatsync=warn");
        assert_eq!(directives("info", Voice::Verb, Verbosity::of(false, 1)), "warn,seatsync=debug");
        assert_eq!(directives("info", Voice::Agent, Verbosity::of(false, 7)), "refinery_core=warn,info,seatsync=trace");
        assert_eq!(directives("info", Voice::Agent, Verbosity::of(true, 0)), "error");
    }

    #[test]
    fn people_read_text_and_collectors_read_json() {
        assert_eq!(shape(LogFormat::Auto, Voice::Agent, true, false), Shape::Text);
        assert_eq!(shape(LogFormat::Auto, Voice::Agent, false, true), Shape::Journal);
        assert_eq!(shape(LogFormat::Auto, Voice::Agent, false, false), Shape::Json);
        assert_eq!(shape(LogFormat::Auto, Voice::Verb, false, false), Shape::Text);
        assert_eq!(shape(LogFormat::Text, Voice::Agent, false, true), Shape::Text);
        assert_eq!(shape(LogFormat::Journald, Voice::Verb, true, false), Shape::Journal);
        assert_eq!(shape(LogFormat::Json, Voice::Verb, true, true), Shape::Json);
    }

    #[test]
    fn a_service_of_windows_logs_where_somebody_reads_it() {
        for format in [LogFormat::Auto, LogFormat::Text, LogFormat::Json, LogFormat::EventLog] {
            assert_eq!(shape(format, Voice::Service, false, false), Shape::EventLog);
        }
        assert_eq!(shape(LogFormat::EventLog, Voice::Agent, true, false), Shape::EventLog);
    }

    #[test]
    fn a_level_nobody_knows_is_an_error_that_names_it() {
        let settings = LogSettings { format: LogFormat::Text, level: "loud".to_owned() };
        let error = init(&settings, Voice::Agent, Verbosity::Normal, std::io::stderr).unwrap_err();
        assert!(error.to_string().contains("\"loud\""), "{error}");
    }
}
