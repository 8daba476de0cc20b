//! `[log]`: what is written to stderr while we work.

use tracing_subscriber::EnvFilter;

use super::reader::Reader;
use crate::model::settings::{LogFormat, LogSettings};

const LEVELS: &[&str] = &["off", "error", "warn", "info", "debug", "trace"];

pub fn compile(reader: &Reader) -> LogSettings {
    let formats = &[
        ("auto", LogFormat::Auto),
        ("text", LogFormat::Text),
        ("json", LogFormat::Json),
        ("journald", LogFormat::Journald),
        ("eventlog", LogFormat::EventLog),
    ];
    LogSettings { format: reader.choice("format", formats).unwrap_or(LogFormat::Auto), level: level(reader) }
}

/// A level, or filters by module. A single word that is no level would be a module's name to the filter.
fn level(reader: &Reader) -> String {
    let Some(level) = reader.text("level") else { return "info".to_owned() };
    let by_module = level.contains('=') && EnvFilter::try_new(&level).is_ok();
    if !LEVELS.contains(&level.as_str()) && !by_module {
        reader.problem(
            "level",
            "must be \"off\", \"error\", \"warn\", \"info\", \"debug\" or \"trace\", or filters by module like \
             \"info,ldap3=debug\"",
        );
    }
    level
}
