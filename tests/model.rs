//! The core against a reference that a person can check by eye: thousands of random histories of people, seats, decisions,
//! failed reads and deaths on the real cycle, ledger and state, compared person by person after every cycle.
//!
//! A history that fails is made as short as it can be and printed with its seed. `SEATSYNC_MODEL_SEED=N` plays others,
//! `SEATSYNC_MODEL_HISTORIES=N` so many of each family.

#![allow(clippy::expect_used, clippy::panic, clippy::print_stderr, reason = "a test that cannot go on ends here")]

mod support;

mod model {
    pub mod company;
    pub mod compare;
    pub mod cycle;
    pub mod directory;
    pub mod engine;
    pub mod fuse;
    pub mod guard;
    pub mod history;
    pub mod names;
    pub mod random;
    pub mod reference;
    pub mod seats;
    pub mod served;
    pub mod sight;
}

use model::company::Company;
use model::history::{History, Step};
use model::names::pool_name;
use model::random::{Theme, company, steps};
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};

/// Of each family, unless told otherwise.
const HISTORIES: u64 = 80;
/// Of each family over HTTP, unless `SEATSYNC_MODEL_HTTP_HISTORIES` says otherwise.
const HISTORIES_OVER_HTTP: u64 = 8;

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().expect("a number in SEATSYNC_MODEL_..."))
}

/// Plays random histories of one family.
fn play(theme: Theme) {
    let seed = number("SEATSYNC_MODEL_SEED", 1);
    let histories = if theme.over_http {
        number("SEATSYNC_MODEL_HTTP_HISTORIES", HISTORIES_OVER_HTTP)
    } else {
        number("SEATSYNC_MODEL_HISTORIES", HISTORIES)
    };
    let config = Config {
        cases: u32::try_from(histories).expect("fewer histories"),
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(seed),
        max_shrink_iters: 20_000,
        max_shrink_time: 120_000,
        ..Config::default()
    };
    let cycles = std::cell::Cell::new(0);
    let result = TestRunner::new(config).run(&(company(theme), steps(theme)), |(company, steps)| {
        let mut history = History::new(&company, theme.over_http.then_some(seed));
        let outcome = history.play(&steps);
        cycles.set(cycles.get() + history.cycles);
        outcome.map_err(TestCaseError::fail)
    });
    match result {
        Ok(()) => eprintln!("seed {seed}: {histories} histories, {} cycles", cycles.get()),
        Err(TestError::Abort(reason)) => panic!("{reason}"),
        Err(TestError::Fail(reason, (company, steps))) => {
            panic!("{}", story(seed, &company, &steps, &reason.to_string()))
        }
    }
}

/// The shortest history that fails, to be read from the top.
fn story(seed: u64, company: &Company, steps: &[Step], reason: &str) -> String {
    let mut lines = vec![format!("SEATSYNC_MODEL_SEED={seed}")];
    lines.push(format!("{:?}", Company { pools: Vec::new(), people: Vec::new(), ..company.clone() }));
    lines.extend(company.pools.iter().enumerate().map(|(pool, rule)| format!("{} {rule:?}", pool_name(pool))));
    lines.extend(company.people.iter().enumerate().map(|(who, person)| format!("{who} {person:?}")));
    lines.extend(steps.iter().enumerate().map(|(index, step)| format!("{index:3} {step:?}")));
    lines.push(reason.to_owned());
    lines.join("\n")
}

#[test]
fn one_pool_and_its_queue_are_as_the_reference_has_them() {
    play(Theme { directories: 1, pools: 1, decisions: true, ..Theme::default() });
}

#[test]
fn movers_keep_the_old_seat_and_wait_with_everyone_else() {
    play(Theme { directories: 1, pools: 3, decisions: true, ..Theme::default() });
}

#[test]
fn who_finds_no_seat_takes_the_fallback_and_keeps_the_place() {
    play(Theme { directories: 1, pools: 3, decisions: true, fallbacks: true, ..Theme::default() });
}

#[test]
fn everyone_has_a_seat_of_every_pool_that_matches() {
    play(Theme { directories: 1, pools: 3, decisions: true, match_all: true, ..Theme::default() });
}

#[test]
fn newcomers_are_let_in_and_leavers_leave_by_their_rules() {
    play(Theme { directories: 1, pools: 2, decisions: true, gates: true, leaver_rules: true, ..Theme::default() });
}

#[test]
fn what_was_not_read_takes_nothing_away_and_grants_nothing() {
    play(Theme { directories: 2, pools: 2, faults: true, fallbacks: true, ..Theme::default() });
}

#[test]
fn a_death_at_any_call_loses_nothing_and_doubles_nothing() {
    play(Theme { directories: 1, pools: 2, deaths: true, decisions: true, fallbacks: true, ..Theme::default() });
}

#[test]
fn the_guard_holds_back_what_is_too_much_and_a_confirmation_lets_just_that_pass() {
    play(Theme { directories: 2, pools: 2, guard: true, leaver_rules: true, ..Theme::default() });
}

#[test]
fn the_guard_counts_seats_that_are_lost_for_nothing() {
    play(Theme { directories: 1, pools: 3, guard: true, match_all: true, ..Theme::default() });
}

#[test]
fn what_another_hand_took_away_is_not_asked_for_again() {
    play(Theme {
        directories: 2,
        pools: 2,
        hands: true,
        decisions: true,
        fallbacks: true,
        faults: true,
        ..Theme::default()
    });
}

#[test]
fn all_of_it_at_once() {
    let theme = Theme {
        directories: 2,
        pools: 3,
        fallbacks: true,
        decisions: true,
        leaver_rules: true,
        gates: true,
        guard: true,
        faults: true,
        deaths: true,
        ..Theme::default()
    };
    play(theme);
    play(Theme { match_all: true, fallbacks: false, ..theme });
}

/// Everything that can go wrong between agent and ledger, but for what the reference cannot tell: decisions are settled at
/// once there, by what the agent said last.
const OVER_HTTP: Theme = Theme {
    directories: 1,
    pools: 2,
    fallbacks: true,
    over_http: true,
    match_all: false,
    decisions: false,
    leaver_rules: false,
    gates: false,
    guard: false,
    faults: false,
    deaths: false,
    hands: false,
};

#[test]
fn over_a_bad_network_seats_places_and_decisions_are_the_same() {
    play(Theme { decisions: true, gates: true, ..OVER_HTTP });
}

#[test]
fn over_a_bad_network_a_death_at_any_call_loses_and_doubles_nothing() {
    play(Theme { deaths: true, ..OVER_HTTP });
}

#[test]
fn over_a_bad_network_what_was_not_read_takes_nothing_away() {
    play(Theme { directories: 2, faults: true, leaver_rules: true, ..OVER_HTTP });
}

#[test]
fn over_a_bad_network_the_guard_counts_as_it_does_elsewhere() {
    play(Theme { guard: true, leaver_rules: true, ..OVER_HTTP });
}

#[test]
fn over_a_bad_network_what_another_hand_took_away_is_not_asked_for_again() {
    play(Theme { hands: true, ..OVER_HTTP });
}
