//! How far long work has come, on stderr, where that is a terminal; and logs that do not tear the line apart.

use std::io::{self, Write};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use tracing_subscriber::fmt::MakeWriter;

use super::clean::clean;
use super::words::number;
use crate::ports::{Progress, Stage};

/// The place at the foot of the terminal where progress is shown.
#[derive(Clone, Debug)]
pub struct Foot(MultiProgress);

impl Foot {
    /// Shows nothing unless stderr is a terminal and `wanted`.
    #[must_use]
    pub fn new(wanted: bool) -> Self {
        let target = if wanted { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Self(MultiProgress::with_draw_target(target))
    }

    /// A line that lives as long as the work does.
    #[must_use]
    pub fn bar(&self) -> Bar {
        let bar = self.0.add(ProgressBar::no_length());
        bar.set_style(spinner());
        bar.enable_steady_tick(Duration::from_millis(120));
        Bar(bar)
    }
}

/// Shows one piece of work; gone from the terminal when dropped.
#[derive(Debug)]
pub struct Bar(ProgressBar);

impl Progress for Bar {
    fn tell(&self, stage: Stage<'_>) {
        if let Stage::Applying { done, total } = stage {
            if self.0.length() != Some(total) {
                self.0.set_style(steps());
                self.0.set_length(total);
            }
            self.0.set_position(done);
        }
        self.0.set_message(message(stage));
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn message(stage: Stage<'_>) -> String {
    match stage {
        Stage::Waiting(why) => clean(why).into_owned(),
        Stage::Reading { directory, entries } => format!("reading {}: {} entries", clean(directory), number(entries)),
        Stage::Read { directory, entries, complete } => {
            let how = if complete { "read" } else { "read in part" };
            format!("{how} {}: {} entries", clean(directory), number(entries))
        }
        Stage::Unread { directory } => format!("could not read {}", clean(directory)),
        Stage::Planning => "planning".to_owned(),
        Stage::Applying { .. } => "applying".to_owned(),
    }
}

fn spinner() -> ProgressStyle {
    style("{spinner} {msg} ({elapsed})")
}

fn steps() -> ProgressStyle {
    style("{spinner} {msg} [{bar:30}] {human_pos}/{human_len} ({eta} left)")
}

/// The templates are ours: a test reads them, so the plain style never stands in.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

/// Writes logs to stderr above the line of progress.
impl<'a> MakeWriter<'a> for Foot {
    type Writer = Above<'a>;

    fn make_writer(&'a self) -> Self::Writer {
        Above(&self.0)
    }
}

/// One log line, written while progress is out of the way.
#[derive(Debug)]
pub struct Above<'a>(&'a MultiProgress);

impl Write for Above<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.suspend(|| io::stderr().write_all(line))?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_can_be_read() {
        for template in
            ["{spinner} {msg} ({elapsed})", "{spinner} {msg} [{bar:30}] {human_pos}/{human_len} ({eta} left)"]
        {
            assert!(ProgressStyle::with_template(template).is_ok());
        }
    }

    #[test]
    fn each_stage_says_what_is_being_done_to_what() {
        let said = message(Stage::Reading { directory: "co\u{1b}rp", entries: 12_345 });
        assert_eq!(said, r"reading co\u{1b}rp: 12,345 entries");
        assert_eq!(message(Stage::Waiting("another cycle ends first")), "another cycle ends first");
    }

    #[test]
    fn steps_applied_fill_the_bar() {
        let bar = Foot::new(false).bar();
        bar.tell(Stage::Applying { done: 3, total: 60 });
        assert_eq!((bar.0.position(), bar.0.length()), (3, Some(60)));
    }
}
