//! How a message is written: what happened, what it means, and what to run.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::House;
use crate::model::notice::{Notice, NoticeKind};
use crate::model::text::{clean, spelt};

/// Nobody reads more of what a server said.
const LONGEST_LINE: usize = 600;

/// A message before it is written out. Whatever is in it may come from a directory: it is made harmless when sealed.
#[derive(Debug)]
pub struct Letter {
    pub kind: NoticeKind,
    pub subject: String,
    /// Each is one line.
    pub lines: Vec<String>,
    /// What it is good for, and the command.
    pub run: Vec<(&'static str, String)>,
    /// What a program is told: an object, without anybody's name.
    pub data: Value,
}

impl Letter {
    /// Writes it out.
    pub fn seal(self, house: &House<'_>, cycle: u64, now: Timestamp) -> Notice {
        let subject = format!("Seatsync {}/{}: {}", house.company, house.agent, self.subject);
        let mut lines: Vec<String> = self.lines.iter().map(|line| spelt(line, house.options).into_owned()).collect();
        let run: Vec<(&str, String)> =
            self.run.iter().map(|(what, command)| (*what, format!("{command}{}", house.options))).collect();
        if house.dry_run {
            lines.push("This agent only plans (agent.dry_run): it changes nothing.".to_owned());
        }
        for (what, command) in &run {
            lines.extend([String::new(), format!("To {what}, run:"), String::new(), format!("    {command}")]);
        }
        let place = format!("Agent {}, company {}, cycle {cycle}, {}", house.agent, house.company, house.moment(now));
        lines.extend([String::new(), "-- ".to_owned(), place]);
        let text = lines.iter().map(|line| harmless(line) + "\n").collect();
        let mut data = Map::new();
        data.insert("agent".to_owned(), json!(house.agent));
        data.insert("company".to_owned(), json!(house.company));
        data.insert("cycle".to_owned(), json!(cycle));
        if let Value::Object(more) = self.data {
            data.extend(more);
        }
        data.insert("subject".to_owned(), json!(harmless(&subject)));
        data.insert("commands".to_owned(), run.iter().map(|(_, command)| json!(command)).collect());
        let body = json!({ "type": self.kind.as_str(), "timestamp": now.to_string(), "data": data }).to_string();
        Notice { kind: self.kind, at: now, subject: harmless(&subject), text, body }
    }
}

/// One line, whatever was in it.
fn harmless(line: &str) -> String {
    let cleaned = clean(line);
    match cleaned.char_indices().nth(LONGEST_LINE) {
        Some((end, _)) => format!("{}...", &cleaned[..end]),
        None => cleaned.into_owned(),
    }
}

/// `ada, bob and 5 more`; at most ten names.
pub fn some_of(names: &[&str]) -> String {
    const MOST: usize = 10;
    let shown = names.iter().take(MOST).copied().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(MOST) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
