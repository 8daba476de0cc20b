//! Random companies and random histories.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::strategy::{BoxedStrategy, Union};
use seatsync::model::change::Verdict;
use seatsync::model::settings::LeaverRule;

use super::company::{Company, DAY, Fault, HOUR, Person, Place, PoolRule, Who};
use super::fuse::Death;
use super::history::{Hand, Step};

/// What a family of histories is about.
#[derive(Clone, Copy, Debug, Default)]
pub struct Theme {
    pub directories: usize,
    pub pools: usize,
    pub match_all: bool,
    pub fallbacks: bool,
    pub decisions: bool,
    /// Leavers are kept, or removed after a time, or keep their seats while suspended.
    pub leaver_rules: bool,
    /// Approval for newcomers, approved mail domains.
    pub gates: bool,
    /// The guard at its default, or tight; people change their mail addresses, and nobody is steady.
    pub guard: bool,
    pub faults: bool,
    pub deaths: bool,
    /// Somebody else works in the ledger.
    pub hands: bool,
    /// The ledger is behind a bad network.
    pub over_http: bool,
}

impl Theme {
    /// So many people stay as they are: one of each directory, since even a guard that is wide open lets not all go.
    const fn steady(self) -> usize {
        if self.guard { 0 } else { self.directories }
    }
}

const PEOPLE: usize = 7;

fn pool_rule(theme: Theme, pool: usize) -> impl Strategy<Value = PoolRule> {
    // Only to later pools: a ring would make two pools each other's fallback.
    let later = (pool + 1..theme.pools).collect::<Vec<_>>();
    let fallback = if theme.fallbacks && !later.is_empty() {
        option::weighted(0.7, proptest::sample::select(later)).boxed()
    } else {
        Just(None).boxed()
    };
    (0..4_u32, any::<bool>(), fallback).prop_map(move |(seats, everyone, fallback)| PoolRule {
        seats,
        everyone,
        fallback,
    })
}

fn person(theme: Theme, who: Who) -> impl Strategy<Value = Person> {
    let steady = who < theme.steady();
    let enabled = if theme.guard { 9 } else { 2 };
    let place = prop_oneof![enabled => Just(Place::Enabled), 1 => Just(Place::Nowhere)];
    let place = if steady { Just(Place::Enabled).boxed() } else { place.boxed() };
    let domain = if theme.gates { any::<bool>().boxed() } else { Just(false).boxed() };
    (place, any::<[bool; 3]>(), priority(), domain, option::of(-3_i64..0)).prop_map(
        move |(place, member, priority, outsider, created)| Person {
            place,
            member: if steady { [true; 3] } else { member },
            priority,
            spoiled: false,
            outsider,
            nickname: 0,
            mail: 0,
            created,
        },
    )
}

fn priority() -> impl Strategy<Value = Option<usize>> {
    prop_oneof![3 => Just(None), 1 => Just(Some(0)), 1 => Just(Some(1))]
}

fn leaver_rule(theme: Theme) -> BoxedStrategy<LeaverRule> {
    if !theme.leaver_rules {
        return Just(LeaverRule::Suspend).boxed();
    }
    prop_oneof![Just(LeaverRule::Suspend), Just(LeaverRule::Keep), Just(LeaverRule::Remove)].boxed()
}

pub fn company(theme: Theme) -> impl Strategy<Value = Company> {
    let pools: Vec<_> = (0..theme.pools).map(|pool| pool_rule(theme, pool).boxed()).collect();
    let people: Vec<_> = (0..PEOPLE).map(|who| person(theme, who).boxed()).collect();
    let flags = any::<[bool; 4]>();
    let guard = prop_oneof![Just((10, 3)), Just((0, 0)), Just((30, 1)), Just((50, 2)), Just((100, 0))];
    let guard = if theme.guard { guard.boxed() } else { Just((100, 1000)).boxed() };
    let leavers = [leaver_rule(theme), leaver_rule(theme), leaver_rule(theme)];
    (pools, people, flags, leavers, guard).prop_map(
        move |(
            pools,
            people,
            [automatic, approve, domains, keeps],
            [disabled, deleted, out_of_scope],
            (percent, floor),
        )| Company {
            directories: theme.directories,
            pools,
            people,
            match_all: theme.match_all,
            approve_joiners: theme.gates && approve,
            automatic,
            approved_domains: theme.gates && domains,
            suspended_keeps_seat: theme.leaver_rules && keeps,
            disabled,
            deleted,
            out_of_scope,
            percent,
            floor,
        },
    )
}

fn fault() -> impl Strategy<Value = Fault> {
    let hidden = || any::<(u16, u16)>().prop_map(|(a, b)| a & b);
    prop_oneof![
        3 => Just(Fault::None),
        1 => Just(Fault::Fails),
        3 => hidden().prop_map(Fault::Partial),
        2 => hidden().prop_map(Fault::Loses),
        1 => hidden().prop_map(Fault::LookupFails),
        1 => Just(Fault::ParentGone),
    ]
}

fn place() -> impl Strategy<Value = Place> {
    prop_oneof![
        5 => Just(Place::Enabled),
        2 => Just(Place::Disabled),
        1 => Just(Place::Outside),
        1 => Just(Place::Tombstone),
        1 => Just(Place::Nowhere),
    ]
}

fn step(theme: Theme) -> impl Strategy<Value = Step> {
    // The steady stay as they are.
    let who = move || theme.steady()..PEOPLE;
    let anyone = || 0..PEOPLE;
    let pool = move || 0..theme.pools;
    let verdict = prop_oneof![3 => Just(Verdict::Approve), 1 => Just(Verdict::Deny), 1 => Just(Verdict::Release)];
    let wait = prop_oneof![1..12_i64, Just(HOUR), Just(DAY / 2), Just(DAY), Just(2 * DAY + HOUR)];
    let death = prop_oneof![(1..40_u32).prop_map(Death::Before), (1..40_u32).prop_map(Death::After)];
    let hand = prop_oneof![
        2 => who().prop_map(Hand::TakesAccount),
        4 => (who(), pool()).prop_map(|(who, pool)| Hand::TakesSeat(who, pool)),
        2 => pool().prop_map(Hand::AddsStranger),
        1 => Just(Hand::RemovesStrangers),
    ];
    let on = |condition: bool, weight: u32| if condition { weight } else { 0 };
    let steps: Vec<(u32, BoxedStrategy<Step>)> = vec![
        (if theme.guard { 20 } else { 10 }, Just(Step::Cycle([Fault::None; 2])).boxed()),
        (if theme.guard { 18 } else { 8 }, (who(), place()).prop_map(|(who, place)| Step::Place(who, place)).boxed()),
        (4, (who(), pool()).prop_map(|(who, pool)| Step::Group(who, pool)).boxed()),
        (1, (anyone(), priority()).prop_map(|(who, priority)| Step::Priority(who, priority)).boxed()),
        (1, who().prop_map(Step::Spoil).boxed()),
        (on(theme.gates, 2), who().prop_map(Step::Domain).boxed()),
        (1, (anyone(), 1..4_u8).prop_map(|(who, nickname)| Step::Nickname(who, nickname)).boxed()),
        (on(theme.guard, 4), (anyone(), 0..4_u8).prop_map(|(who, mail)| Step::Mail(who, mail)).boxed()),
        (on(theme.guard, 3), Just(Step::Confirm).boxed()),
        (3, (pool(), 0..5_u32).prop_map(|(pool, seats)| Step::Seats(pool, seats)).boxed()),
        (1, Just(Step::Promotion).boxed()),
        (on(theme.decisions, 5), (anyone(), verdict).prop_map(|(who, verdict)| Step::Decide(who, verdict)).boxed()),
        (if theme.guard { 4 } else { 2 }, wait.prop_map(Step::Wait).boxed()),
        (on(theme.faults, 6), (fault(), fault()).prop_map(|(a, b)| Step::Cycle([a, b])).boxed()),
        (on(theme.hands, 8), hand.prop_map(Step::Hand).boxed()),
        (on(theme.deaths, 1), Just(Step::Restart).boxed()),
        (on(theme.deaths || theme.guard, 1), Just(Step::LoseState).boxed()),
        (on(theme.deaths, 6), (death, any::<bool>()).prop_map(|(death, restarts)| Step::Dies(death, restarts)).boxed()),
    ];
    Union::new_weighted(steps.into_iter().filter(|(weight, _)| *weight > 0).collect())
}

/// What only comes about in a row: somebody leaves and is held back, is let go, comes back, and leaves again.
fn back_and_forth(theme: Theme) -> BoxedStrategy<Vec<Step>> {
    let pass = Just(Step::Cycle([Fault::None; 2]));
    let who = theme.steady()..PEOPLE;
    let wait = prop_oneof![Just(1), Just(HOUR), Just(DAY - 2), Just(DAY - 1), Just(DAY)];
    let middle = prop_oneof![Just(Step::Confirm), pass, Just(Step::Wait(1))];
    (who, middle.clone(), middle, wait, pass)
        .prop_map(|(who, first, second, wait, pass)| {
            let (left, back) = (Step::Place(who, Place::Disabled), Step::Place(who, Place::Enabled));
            vec![left, pass, first, second, back, pass, Step::Wait(wait), left, pass]
        })
        .boxed()
}

/// Somebody is decided about, leaves by whatever way, and comes back.
fn gone_and_back(theme: Theme) -> BoxedStrategy<Vec<Step>> {
    let pass = Step::Cycle([Fault::None; 2]);
    let verdict = prop_oneof![3 => Just(Verdict::Approve), 1 => Just(Verdict::Deny), 1 => Just(Verdict::Release)];
    let away = prop_oneof![Just(Place::Disabled), Just(Place::Outside), Just(Place::Tombstone)];
    (theme.steady()..PEOPLE, verdict, away)
        .prop_map(move |(who, verdict, away)| {
            let back = vec![Step::Place(who, away), pass, Step::Place(who, Place::Enabled), pass];
            if theme.decisions { [vec![Step::Decide(who, verdict)], back].concat() } else { back }
        })
        .boxed()
}

/// Another hand takes a seat away just before a read that may fail.
fn taken_unseen(theme: Theme) -> BoxedStrategy<Vec<Step>> {
    let pass = Step::Cycle([Fault::None; 2]);
    (theme.steady()..PEOPLE, 0..theme.pools, fault(), fault())
        .prop_map(move |(who, pool, a, b)| {
            vec![pass, Step::Hand(Hand::TakesSeat(who, pool)), Step::Cycle([a, b]), pass]
        })
        .boxed()
}

pub fn steps(theme: Theme) -> impl Strategy<Value = Vec<Step>> {
    let one = step(theme).prop_map(|step| vec![step]);
    let mut some = vec![(30, one.boxed()), (2, gone_and_back(theme))];
    if theme.guard {
        some.push((2, back_and_forth(theme)));
    }
    if theme.hands {
        some.push((2, taken_unseen(theme)));
    }
    vec(Union::new_weighted(some), 1..20).prop_map(|some| some.concat())
}
