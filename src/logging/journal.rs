//! systemd's journal, in its own protocol: a sentence with its fields for who reads, and each field (`F_CYCLE=7`) for who
//! searches.

use std::fmt::{Debug, Write as _};
use std::path::Path;

use libsystemd::logging::{Priority, connected_to_journal, journal_send};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

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
        let mut line = Line::default();
        event.record(&mut line);
        let own = [("SYSLOG_IDENTIFIER", IDENTIFIER), ("TARGET", event.metadata().target())];
        let fields = line.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain(own);
        // There is nobody else to tell that the journal does not take it.
        let _ = journal_send(priority(*event.metadata().level()), &line.text(), fields);
    }
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

/// One event, taken apart.
#[derive(Debug, Default)]
struct Line {
    message: String,
    /// Named as the journal wants it: upper case, and told from its own fields by a prefix.
    fields: Vec<(String, String)>,
    /// The fields again, behind the sentence.
    tail: String,
}

impl Line {
    fn text(&self) -> String {
        format!("{}{}", self.message, self.tail)
    }

    fn add(&mut self, name: &str, value: String) {
        if name == "message" {
            self.message = value;
            return;
        }
        let _ = write!(self.tail, " {name}={value}");
        self.fields.push((format!("F_{}", name.to_ascii_uppercase().replace('.', "_")), value));
    }
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.add(field.name(), format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_sentence_with_its_fields_and_each_can_be_searched() {
        let mut line = Line::default();
        line.add("message", "A cycle was made.".to_owned());
        line.add("cycle", "7".to_owned());
        line.add("error.kind", "none".to_owned());
        assert_eq!(line.text(), "A cycle was made. cycle=7 error.kind=none");
        let fields: Vec<&str> = line.fields.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(fields, ["F_CYCLE", "F_ERROR_KIND"]);
    }
}
