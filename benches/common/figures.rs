//! Figures of several runs, and the table they are printed in.

use std::time::Duration;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};

/// What one quantity came to in each run.
#[derive(Clone, Debug)]
pub struct Figures(Vec<f64>);

impl Figures {
    /// At least one.
    pub fn new(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        assert!(!values.is_empty(), "nothing was measured");
        values.sort_by(f64::total_cmp);
        Self(values)
    }

    pub fn seconds(values: impl IntoIterator<Item = Duration>) -> Self {
        Self::new(values.into_iter().map(|value| value.as_secs_f64()))
    }

    pub fn least(&self) -> f64 {
        self.0[0]
    }

    /// The middle one; of an even number the mean of the two in the middle.
    pub fn median(&self) -> f64 {
        let middle = self.0.len() / 2;
        if self.0.len() % 2 == 1 { self.0[middle] } else { f64::midpoint(self.0[middle - 1], self.0[middle]) }
    }

    pub fn most(&self) -> f64 {
        self.0[self.0.len() - 1]
    }

    /// Median, least and most, as cells.
    pub fn cells(&self, decimals: usize) -> [String; 3] {
        [self.median(), self.least(), self.most()].map(|value| format!("{value:.decimals$}"))
    }
}

/// The first column names the row; numbers stand to the right.
pub fn table(heads: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(NOTHING).set_header(heads);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// A bar and whether it is met: `at most 1.50: met`.
pub fn verdict(value: f64, bar: f64, unit: &str) -> String {
    format!("at most {bar}{unit}: {}", if value <= bar { "met" } else { "MISSED" })
}

/// The same where more is better: `at least 5000 /s: met`.
pub fn verdict_of_rate(value: f64, bar: f64) -> String {
    format!("at least {bar:.0} /s: {}", if value >= bar { "met" } else { "MISSED" })
}

/// `100,000`.
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
