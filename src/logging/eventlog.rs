//! The Event Log of Windows: a sentence with its fields, under the id of its event.

use std::io;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::events;
use super::line::Line;
use crate::windows::eventlog::{EventLog, Severity};

/// Who speaks, as the Event Viewer knows it. The installer registers it, with the file that has its messages.
const SOURCE: &str = "seatsync";

/// Sends every event to the Event Log.
#[derive(Debug)]
pub struct Events(EventLog);

impl Events {
    pub fn open() -> io::Result<Self> {
        EventLog::of(SOURCE).map(Self)
    }
}

impl<S: Subscriber> Layer<S> for Events {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let (level, name) = (*event.metadata().level(), event.metadata().name());
        // There is nobody else to tell that the log does not take it.
        let _ = self.0.report(severity(level), events::id(name, level), &Line::of(event).text());
    }
}

/// WARN is recovered and nothing lost; ERROR is for somebody to act on.
const fn severity(level: Level) -> Severity {
    match level {
        Level::ERROR => Severity::Error,
        Level::WARN => Severity::Warning,
        _ => Severity::Information,
    }
}
