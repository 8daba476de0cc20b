//! One event, taken apart: a sentence with its fields, for logs of the system.

use std::fmt::{Debug, Write as _};

use tracing::Event;
use tracing::field::{Field, Visit};

#[derive(Debug, Default)]
pub struct Line {
    message: String,
    /// Each with its name.
    pub fields: Vec<(String, String)>,
    /// The fields again, behind the sentence.
    tail: String,
}

impl Line {
    pub fn of(event: &Event<'_>) -> Self {
        let mut line = Self::default();
        event.record(&mut line);
        line
    }

    pub fn text(&self) -> String {
        format!("{}{}", self.message, self.tail)
    }

    fn add(&mut self, name: &str, value: String) {
        if name == "message" {
            self.message = value;
            return;
        }
        let _ = write!(self.tail, " {name}={value}");
        self.fields.push((name.to_owned(), value));
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
    fn a_line_is_a_sentence_with_its_fields() {
        let mut line = Line::default();
        line.add("message", "A cycle was made.".to_owned());
        line.add("cycle", "7".to_owned());
        line.add("error.kind", "none".to_owned());
        assert_eq!(line.text(), "A cycle was made. cycle=7 error.kind=none");
        assert_eq!(line.fields.len(), 2);
    }
}
