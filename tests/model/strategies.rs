//! What histories are made of: configs, worlds, and what happens in them.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::Union;
use seatsync::model::change::Verdict;
use seatsync::model::settings::LeaverRule;

use super::engine::Death;
use super::history::Operation;
use super::setup::{Fault, Person, Place, Pool, Setup};

/// What a test is about: everything else is left out, so that histories reach far with few steps.
#[derive(Clone, Copy, Debug, Default)]
pub struct Theme {
    pub directories: usize,
    pub pools: usize,
    pub match_all: bool,
    pub fallbacks: bool,
    pub decisions: bool,
    /// The guard lets few pass.
    pub tight: bool,
    pub renames: bool,
    pub faults: bool,
    pub deaths: bool,
    pub leaver_rules: bool,
    pub strangers: bool,
}

pub fn history(theme: Theme, steps: usize) -> impl Strategy<Value = (Setup, Vec<Operation>)> {
    (setup(theme), vec(operation(theme), 2..=steps))
}

fn setup(theme: Theme) -> impl Strategy<Value = Setup> {
    let people = vec(any::<(u8, bool, u8, bool)>(), 3..=8);
    let pools = vec((0..5_u32, any::<bool>(), 0..3_usize), 1..=theme.pools);
    let seats = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    let guard = if theme.tight { (0..3_u32, 0..60_u32).boxed() } else { Just((100, 0)).boxed() };
    let rule = || if theme.leaver_rules { rule().boxed() } else { Just(LeaverRule::Suspend).boxed() };
    let strangers = vec((0..3_usize, 0..12_u8), 0..=if theme.strangers { 2 } else { 0 });
    (people, pools, seats, guard, (rule(), rule(), rule()), strangers).prop_map(
        move |(people, pools, (automatic, approve, domains, keeps), guard, rules, strangers)| {
            let count = pools.len();
            let mut strangers: Vec<(usize, u8)> = strangers.into_iter().map(|(pool, n)| (pool % count, n)).collect();
            strangers.dedup_by_key(|(_, number)| *number);
            Setup {
                directories: theme.directories,
                people: people.iter().enumerate().map(|(index, of)| person(theme, index, *of)).collect(),
                pools: pools.iter().enumerate().map(|(index, of)| pool(theme, count, index, *of)).collect(),
                match_all: theme.match_all,
                approve_joiners: theme.decisions && approve,
                automatic,
                approved_domains: theme.decisions && domains,
                floor: guard.0,
                percent: guard.1,
                suspended_keeps_seat: theme.leaver_rules && keeps,
                disabled: rules.0,
                deleted: rules.1,
                out_of_scope: rules.2,
                strangers,
            }
        },
    )
}

fn rule() -> impl Strategy<Value = LeaverRule> {
    prop_oneof![Just(LeaverRule::Suspend), Just(LeaverRule::Keep), Just(LeaverRule::Remove)]
}

fn person(theme: Theme, index: usize, (member, first, bits, created): (u8, bool, u8, bool)) -> Person {
    let number = u8::try_from(index).expect("few");
    Person {
        directory: usize::from(bits & 1) % theme.directories,
        place: if bits & 6 == 6 { Place::Nowhere } else { Place::Enabled },
        name: number,
        mail: number,
        display: 0,
        member: [member & 1 == 0, member & 2 == 0, member & 4 == 0],
        first,
        spoiled: false,
        created: created.then_some(-i64::from(bits >> 6)),
    }
}

fn pool(theme: Theme, count: usize, index: usize, (seats, everyone, fallback): (u32, bool, usize)) -> Pool {
    let fallback = Some(fallback % count).filter(|fallback| theme.fallbacks && *fallback != index);
    Pool { seats, everyone: everyone || count == 1, fallback }
}

fn place() -> impl Strategy<Value = Place> {
    prop_oneof![
        6 => Just(Place::Enabled),
        3 => Just(Place::Disabled),
        1 => Just(Place::Outside),
        1 => Just(Place::Tombstone),
        2 => Just(Place::Nowhere),
    ]
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        1 => Just(Fault::Fails),
        2 => any::<u8>().prop_map(Fault::Partial),
        2 => (any::<u8>(), any::<u8>()).prop_map(|(a, b)| Fault::Loses(a & b)),
        1 => (any::<u8>(), any::<u8>()).prop_map(|(a, b)| Fault::LookupFails(a & b)),
        1 => Just(Fault::ParentGone),
    ]
}

fn death() -> impl Strategy<Value = Option<(usize, Death)>> {
    let death = prop_oneof![Just(Death::Before), Just(Death::After)];
    (prop_oneof![4 => Just(0_usize), 1 => Just(1)], death).prop_map(Some)
}

fn operation(theme: Theme) -> impl Strategy<Value = Operation> {
    let who = || 0..8_usize;
    let verdict = prop_oneof![3 => Just(Verdict::Approve), 1 => Just(Verdict::Deny), 1 => Just(Verdict::Release)];
    let on = |condition: bool, weight: u32| if condition { weight } else { 0 };
    let hours = prop_oneof![3 => 1..12_i64, 1 => Just(23_i64), 1 => Just(24_i64), 1 => Just(49_i64)];
    let names = on(theme.renames, 2);
    let all = [
        (10, Just(Operation::Pass(None)).boxed()),
        (6, (who(), place()).prop_map(|(index, place)| Operation::Place(index, place)).boxed()),
        (3, (who(), 0..3_usize).prop_map(|(index, pool)| Operation::Group(index, pool)).boxed()),
        (1, who().prop_map(Operation::First).boxed()),
        (names, (who(), 0..12_u8).prop_map(|(index, name)| Operation::Name(index, name)).boxed()),
        (names, (who(), 0..12_u8).prop_map(|(index, mail)| Operation::Mail(index, mail)).boxed()),
        (names, (who(), who()).prop_map(|(a, b)| Operation::Swap(a, b)).boxed()),
        (1, (who(), 0..3_u8).prop_map(|(index, display)| Operation::Display(index, display)).boxed()),
        (1, who().prop_map(Operation::Spoil).boxed()),
        (2, (0..3_usize, 0..6_u32).prop_map(|(pool, seats)| Operation::Seats(pool, seats)).boxed()),
        (1, Just(Operation::Promotion).boxed()),
        (
            on(theme.decisions, 4),
            (who(), verdict).prop_map(|(index, verdict)| Operation::Decide(index, verdict)).boxed(),
        ),
        (on(theme.tight, 2), Just(Operation::Confirm).boxed()),
        (1, hours.prop_map(Operation::Hours).boxed()),
        (on(theme.faults || theme.deaths, 1), Just(Operation::LoseState).boxed()),
        (on(theme.deaths, 1), Just(Operation::Restart).boxed()),
        (on(theme.faults, 4), (0..2_usize, fault()).prop_map(|(at, fault)| Operation::Fault(at, fault)).boxed()),
        (on(theme.deaths, 5), death().prop_map(Operation::Pass).boxed()),
    ];
    Union::new_weighted(all.into_iter().filter(|(weight, _)| *weight > 0).collect())
}
