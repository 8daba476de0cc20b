//! Tables without borders, aligned by what a terminal shows, whatever the script.

use comfy_table::presets::NOTHING;
use comfy_table::{Attribute, Cell, CellAlignment, Color, ColumnConstraint, ContentArrangement, Table, Width};

use super::clean::clean;
use super::tone::Tone;

/// A table in the making.
#[derive(Debug)]
pub struct Grid {
    table: Table,
    alignment: Vec<CellAlignment>,
    /// The width of each column's longest word.
    words: Vec<usize>,
}

/// Between two columns.
const GAP: u16 = 2;
/// A column whose words do not fit is this wide at least.
const NARROW: usize = 6;

impl Grid {
    /// Columns by title; one that begins with `>` holds numbers and is aligned to the right.
    #[must_use]
    pub fn new(titles: &[&str]) -> Self {
        let alignment: Vec<_> = titles
            .iter()
            .map(|title| if title.starts_with('>') { CellAlignment::Right } else { CellAlignment::Left })
            .collect();
        let mut table = Table::new();
        table.load_preset(NOTHING).force_no_tty().enforce_styling().style_text_only();
        table.set_header(titles.iter().zip(&alignment).map(|(title, side)| {
            Cell::new(title.trim_start_matches('>')).set_alignment(*side).add_attribute(Attribute::Dim)
        }));
        let words = titles.iter().map(|title| longest_word(title.trim_start_matches('>'))).collect();
        Self { table, alignment, words }
    }

    pub fn row<T: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.toned(Tone::Plain, cells);
    }

    /// A row in a colour.
    pub fn toned<T: AsRef<str>>(&mut self, tone: Tone, cells: impl IntoIterator<Item = T>) {
        let row: Vec<_> = cells
            .into_iter()
            .zip(self.alignment.iter().zip(&mut self.words))
            .map(|(text, (side, longest))| {
                let text = clean(text.as_ref());
                *longest = (*longest).max(longest_word(&text));
                coloured(Cell::new(text).set_alignment(*side), tone)
            })
            .collect();
        self.table.add_row(row);
    }

    /// Fitted to the width by breaking cells, between words where it can be; as wide as it likes without a width. Nothing
    /// where there are no rows.
    #[must_use]
    pub fn draw(mut self, width: Option<u16>) -> String {
        if self.table.is_empty() {
            return String::new();
        }
        if let Some(width) = width {
            self.table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
            self.keep_words(width);
        }
        let last = self.alignment.len().saturating_sub(1);
        for (index, column) in self.table.column_iter_mut().enumerate() {
            column.set_padding((0, if index == last { 0 } else { GAP }));
        }
        self.table.trim_fmt() + "\n"
    }

    /// Makes columns as wide as their longest word, those with short words first, as long as all fit.
    fn keep_words(&mut self, width: u16) {
        let gaps = usize::from(GAP) * self.words.len().saturating_sub(1);
        let least: usize = self.words.iter().map(|word| NARROW.min(*word)).sum();
        let mut free = usize::from(width).saturating_sub(gaps + least);
        let mut columns: Vec<(usize, usize)> = self.words.iter().copied().enumerate().collect();
        columns.sort_by_key(|(_, word)| *word);
        for (index, word) in columns {
            let more = word.saturating_sub(NARROW);
            if more > free {
                break;
            }
            free -= more;
            let (Some(column), Ok(word)) = (self.table.column_mut(index), u16::try_from(word)) else { break };
            let gap = if index + 1 == self.words.len() { 0 } else { GAP };
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(word + gap)));
        }
    }
}

/// In characters.
fn longest_word(text: &str) -> usize {
    text.split_whitespace().map(|word| word.chars().count()).max().unwrap_or_default()
}

fn coloured(cell: Cell, tone: Tone) -> Cell {
    match tone {
        Tone::Plain => cell,
        Tone::Strong => cell.add_attribute(Attribute::Bold),
        Tone::Faint => cell.add_attribute(Attribute::Dim),
        Tone::Good => cell.fg(Color::DarkGreen),
        Tone::Warn => cell.fg(Color::DarkYellow),
        Tone::Bad => cell.fg(Color::DarkRed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(grid: Grid, width: Option<u16>) -> String {
        anstream::adapter::strip_str(&grid.draw(width)).to_string()
    }

    #[test]
    fn columns_align_by_what_a_terminal_shows() {
        let mut grid = Grid::new(&["WHO", ">PLACE", "USER NAME"]);
        grid.row(["山田 太郎", "1", "yamada"]);
        grid.row(["Ada Lovelace", "12", "ada"]);
        grid.row(["👩‍💻 שרה", "3", "sara"]);
        let expected = "\
WHO           PLACE  USER NAME
山田 太郎         1  yamada
Ada Lovelace     12  ada
👩‍💻 שרה            3  sara
";
        assert_eq!(plain(grid, None), expected);
    }

    #[test]
    fn a_table_without_rows_is_nothing() {
        assert_eq!(Grid::new(&["WHO"]).draw(None), "");
    }

    #[test]
    fn a_narrow_terminal_breaks_cells_and_not_lines() {
        let mut grid = Grid::new(&["WHO", "WHY"]);
        grid.row(["Ada Lovelace", "the mail domain is not among those approved for this company"]);
        let text = plain(grid, Some(40));
        assert!(text.lines().all(|line| line.chars().count() <= 40), "{text}");
        assert!(text.lines().count() > 2);
    }

    #[test]
    fn at_70_columns_a_name_stays_whole_while_a_sentence_beside_it_can_wrap() {
        let mut grid = Grid::new(&["POOL", ">PLACE", "WHO", "USER NAME", "REASON", "SINCE (UTC)"]);
        grid.row(["standard", "1", "Ada Lovelace", "ada.lovelace", "seat free, awaits approval", "2026-01-01 00:00"]);
        grid.row(["standard", "2", "Grace Hopper", "grace.brewster.hopper", "no free seat", "2026-01-01 00:00"]);
        let text = plain(grid, Some(70));
        assert!(text.lines().all(|line| line.chars().count() <= 70), "{text}");
        for word in ["ada.lovelace", "grace.brewster.hopper", "standard", "Lovelace", "approval", "2026-01-01"] {
            assert!(text.contains(word), "{word}\n{text}");
        }
    }

    #[test]
    fn a_name_longer_than_the_terminal_is_broken_and_the_rest_stays_whole() {
        let mut grid = Grid::new(&["WHO", "MAIL"]);
        grid.row(["Ada Lovelace", &"x".repeat(60)]);
        let text = plain(grid, Some(40));
        assert!(text.lines().all(|line| line.chars().count() <= 40) && text.contains("Lovelace"), "{text}");
    }

    #[test]
    fn a_row_stays_one_row_whatever_a_name_contains() {
        let mut grid = Grid::new(&["WHO"]);
        grid.row(["two\nlines\tand a tab"]);
        assert_eq!(plain(grid, None), "WHO\ntwo\\nlines\\tand a tab\n");
    }
}
