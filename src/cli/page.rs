//! What a verb says to a person: lines and tables, styled with ANSI codes that the stream takes out again where they do
//! not belong. Everything put on a page is cleaned here, so that nothing else has to think of it.

use std::fmt::Write as _;

use super::clean::clean;
use super::table::Grid;
pub use super::tone::Tone;
use crate::model::text::spelt;

/// The text of one answer.
#[derive(Debug, Default)]
pub struct Page {
    text: String,
    width: Option<u16>,
    /// Follows every command that the page names, so that it can be copied: ` --config PATH`.
    options: String,
}

impl Page {
    /// For a terminal so many columns wide; None where lines may be as long as they like.
    #[must_use]
    pub const fn new(width: Option<u16>, options: String) -> Self {
        Self { text: String::new(), width, options }
    }

    /// Whether a person sees it, and no file or program takes it.
    #[must_use]
    pub const fn is_for_a_terminal(&self) -> bool {
        self.width.is_some()
    }

    /// A line of pieces, each in its tone.
    pub fn pieces(&mut self, pieces: &[(Tone, &str)]) {
        for (tone, piece) in pieces {
            let style = tone.style();
            // Writing to a String cannot fail.
            let _ = write!(self.text, "{style}{}{style:#}", clean(&spelt(piece, &self.options)));
        }
        self.text.push('\n');
    }

    pub fn line(&mut self, text: impl AsRef<str>) {
        self.pieces(&[(Tone::Plain, text.as_ref())]);
    }

    /// An empty line, unless the page just began or has one.
    pub fn gap(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    /// A title over what follows.
    pub fn heading(&mut self, text: impl AsRef<str>) {
        self.gap();
        self.pieces(&[(Tone::Strong, text.as_ref())]);
    }

    /// A sentence of a list.
    pub fn bullet(&mut self, text: impl AsRef<str>) {
        self.pieces(&[(Tone::Plain, "  - "), (Tone::Plain, text.as_ref())]);
    }

    /// What follows the label stands in one column with that of the other labels.
    pub fn labelled(&mut self, label: &str, text: impl AsRef<str>) {
        self.pieces(&[(Tone::Faint, &format!("  {label:<12} ")), (Tone::Plain, text.as_ref())]);
    }

    /// The table, or nothing where it has no rows.
    pub fn table(&mut self, grid: Grid) {
        self.text.push_str(&grid.draw(self.width));
    }

    /// "LABEL: seatsync COMMAND", ready to be copied.
    pub fn command(&mut self, label: &str, command: &str) {
        let command = self.spelt(command);
        self.pieces(&[(Tone::Plain, &format!("  {label}: ")), (Tone::Strong, &command)]);
    }

    /// A command as it must be typed to mean the same config.
    #[must_use]
    pub fn spelt(&self, command: &str) -> String {
        format!("seatsync {command}{}", self.options)
    }

    /// The last line: how it went.
    pub fn verdict(&mut self, tone: Tone, word: &str, sentence: &str) {
        self.gap();
        self.pieces(&[(tone, word), (Tone::Plain, ": "), (Tone::Plain, sentence)]);
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Without styles, for tests.
    #[cfg(test)]
    pub fn plain(&self) -> String {
        anstream::adapter::strip_str(&self.text).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_smuggle_styles_onto_a_page() {
        let mut page = Page::default();
        page.labelled("name", "\u{1b}[31mred\u{1b}[0m");
        assert!(page.plain().contains(r"\u{1b}[31mred"), "{}", page.plain());
    }

    #[test]
    fn there_are_never_two_empty_lines() {
        let mut page = Page::default();
        page.heading("One");
        page.line("text");
        page.gap();
        page.heading("Two");
        assert_eq!(page.plain(), "One\ntext\n\nTwo\n");
    }

    #[test]
    fn a_command_carries_the_config_it_was_made_for() {
        let mut page = Page::new(None, " --config demo.toml".to_owned());
        page.command("if this is right", "confirm 3f9a");
        page.line("run `seatsync plan`, then `seatsync sync` again");
        let expected = "  if this is right: seatsync confirm 3f9a --config demo.toml\n\
                        run `seatsync plan --config demo.toml`, then `seatsync sync --config demo.toml` again\n";
        assert_eq!(page.plain(), expected);
    }
}
