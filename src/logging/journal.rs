//! systemd's journal, in its own protocol: a sentence with its fields for who reads, and each field (`F_CYCLE=7`) for who
//! searches.

use std::path::Path;

use libsystemd::logging::{Priority, connected_to_journal, journal_send};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::line::Line;

/// Who speaks, as `journalctl -t` knows it.
const IDENTIFIER: &str = "seatsync";

/// Where the journal listens (`systemd-journald.service(8)`).
const SOCKET: &str = "/run/systemd/journal/socket";

/// What this process writes to stderr goes to the journal.
#[must_use]
pub fn listens() -> bool {
    connected_to_journal()
}

/// Takes messages at all.
#[must_use]
pub fn is_there() -> bool {
    Path::new(SOCKET).exists()
}

/// Sends every event to the journal.
#[derive(Debug)]
pub struct Journal;

impl<S: Subscriber> Layer<S> for Journal {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let line = Line::of(event);
        let named = line.fields.iter().map(|(name, value)| (field(name), value));
        let fields: Vec<(String, &String)> = named.collect();
        let own = [("SYSLOG_IDENTIFIER", IDENTIFIER), ("TARGET", event.metadata().target())];
        let fields = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain(own);
        // There is nobody else to tell that the journal does not take it.
        let _ = journal_send(priority(*event.metadata().level()), &line.text(), fields);
    }
}

/// Named as the journal wants it: upper case, and told from its own fields by a prefix.
fn field(name: &str) -> String {
    format!("F_{}", name.to_ascii_uppercase().replace('.', "_"))
}

/// As `syslog(3)` numbers them: whatever is for somebody to act on is an error.
fn priority(level: Level) -> Priority {
    match level {
        Level::ERROR => Priority::Error,
        Level::WARN => Priority::Warning,
        Level::INFO => Priority::Info,
        Level::DEBUG | Level::TRACE => Priority::Debug,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_can_be_searched() {
        assert_eq!(["cycle", "error.kind"].map(field), ["F_CYCLE", "F_ERROR_KIND"]);
    }
}
