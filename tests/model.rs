//! The core against a reference a person can check: thousands of random histories of people, seats and failures, on the
//! real cycle, ledger and state, compared account by account after every pass.
//!
//! `SEATSYNC_MODEL_SEED=N` plays other histories, `SEATSYNC_MODEL_HISTORIES=N` plays N times as many. A history that
//! fails is made as short as it can be and printed with its seed.

#![allow(clippy::expect_used, clippy::panic, clippy::print_stderr, reason = "a test that cannot go on ends here")]

mod model {
    pub mod checks;
    pub mod directory;
    pub mod engine;
    pub mod history;
    pub mod reference;
    pub mod setup;
    pub mod strategies;
}

use model::history::History;
use model::strategies::{Theme, history};
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().expect("a number in SEATSYNC_MODEL_..."))
}

/// Plays random histories of one theme, each of up to `steps` operations.
fn play(theme: Theme, histories: u32, steps: usize, on_disk: bool) {
    let seed = number("SEATSYNC_MODEL_SEED", 1);
    let times = u32::try_from(number("SEATSYNC_MODEL_HISTORIES", 1)).expect("a small number");
    let config = Config {
        cases: histories * times,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(seed),
        max_shrink_iters: 20_000,
        ..Config::default()
    };
    let passes = std::cell::Cell::new(0);
    let result = TestRunner::new(config).run(&history(theme, steps), |(setup, operations)| {
        let mut history = History::new(&setup, on_disk);
        let outcome = history.play(&operations);
        passes.set(passes.get() + history.passes);
        outcome.map_err(TestCaseError::fail)
    });
    match result {
        Ok(()) => {}
        Err(TestError::Abort(reason)) => panic!("{reason}"),
        Err(TestError::Fail(reason, (setup, operations))) => {
            panic!("SEATSYNC_MODEL_SEED={seed}\n{setup:?}\n{operations:?}\n{reason}")
        }
    }
    eprintln!("seed {seed}: {} histories, {} passes", histories * times, passes.get());
}

#[test]
fn seats_and_queue_of_one_pool_are_as_the_reference_has_them() {
    play(Theme { directories: 1, pools: 1, decisions: true, ..Theme::default() }, 300, 25, false);
}

#[test]
fn movers_between_pools_wait_with_everyone_else_and_rings_do_not_turn() {
    play(Theme { directories: 1, pools: 3, decisions: true, ..Theme::default() }, 300, 25, false);
}

#[test]
fn who_finds_no_seat_takes_the_fallback_and_is_promoted_from_there() {
    play(Theme { directories: 1, pools: 3, decisions: true, fallbacks: true, ..Theme::default() }, 300, 25, false);
}

#[test]
fn with_a_seat_of_every_pool_that_matches_nobody_loses_one_unguarded() {
    let theme = Theme { directories: 1, pools: 3, match_all: true, decisions: true, tight: true, ..Theme::default() };
    play(theme, 300, 25, false);
}

#[test]
fn the_guard_holds_back_what_is_too_much_and_a_confirmation_lets_just_that_pass() {
    let theme = Theme { directories: 2, pools: 2, tight: true, renames: true, ..Theme::default() };
    play(theme, 300, 25, false);
}

#[test]
fn names_and_mails_change_hands_and_leavers_leave_by_their_rule() {
    let theme =
        Theme { directories: 1, pools: 2, renames: true, leaver_rules: true, strangers: true, ..Theme::default() };
    play(theme, 300, 25, false);
}

#[test]
fn what_was_not_read_costs_nobody_a_seat() {
    let theme = Theme { directories: 2, pools: 2, faults: true, fallbacks: true, ..Theme::default() };
    play(theme, 300, 25, false);
}

#[test]
fn a_death_at_any_batch_loses_nothing_and_doubles_nothing() {
    let theme = Theme {
        directories: 1,
        pools: 2,
        deaths: true,
        decisions: true,
        fallbacks: true,
        renames: true,
        ..Theme::default()
    };
    play(theme, 150, 20, true);
}

#[test]
fn everything_at_once() {
    let theme = Theme {
        directories: 2,
        pools: 3,
        fallbacks: true,
        decisions: true,
        tight: true,
        renames: true,
        faults: true,
        deaths: true,
        leaver_rules: true,
        strangers: true,
        match_all: false,
    };
    play(theme, 200, 25, false);
    play(Theme { match_all: true, fallbacks: false, ..theme }, 200, 25, false);
}
