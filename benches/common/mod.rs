//! What the benches share: arguments, people, runs of other programs, the table, and the machine it was measured on.
#![allow(dead_code, reason = "each bench uses another part of this")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a bench that cannot go on ends here")]
#![allow(clippy::print_stdout, reason = "a bench prints its table")]

pub mod child;
pub mod figures;
pub mod machine;
pub mod people;

use clap::Parser;

/// `cargo bench --bench NAME -- [PEOPLE] [RUNS]`.
#[derive(Debug, Parser)]
pub struct Arguments {
    /// How many people there are.
    pub people: Option<usize>,
    /// How many runs are counted, after one that is not.
    #[arg(default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    pub runs: u16,
    /// Set by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}
