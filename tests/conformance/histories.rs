//! Random batches and decisions, the same for a backend and for the embedded ledger: after each, both say the same.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use seatsync::model::change::{Allocation, Batch, Operation, Outcome, Promotion, Step, Verdict};
use seatsync::model::{Account, AccountId, WaitReason};

use super::batches::{POOLS, at, batch, claim_of, create, decision, name, profile, release, step, suspend};
use super::subject::Subject;

const PEOPLE: u8 = 6;
const HISTORIES: u32 = 12;
const LENGTH: std::ops::Range<usize> = 4..14;

#[derive(Clone, Debug)]
enum Event {
    Buy(usize, u32),
    Batch(Vec<Step>, bool),
    Decide(u8, Verdict),
}

fn a_step() -> impl Strategy<Value = Step> {
    let who = 1..=PEOPLE;
    let claim = (who.clone(), 0..2_usize, 0..3_u32, any::<bool>(), any::<bool>(), 0..4_u8);
    let claim = claim.prop_map(|(number, pool, rank, gated, moves, extra)| {
        claim_of(number, |claim| {
            claim.pool = name(POOLS[pool]);
            claim.rank = rank;
            claim.gate = (gated && extra == 0).then_some(WaitReason::ApprovalRequired);
            match extra {
                1 if moves => claim.instead_of = vec![name(POOLS[1 - pool])],
                2 if moves => claim.fallback_for = Some(name(POOLS[1 - pool])),
                _ => {}
            }
        })
    });
    let renamed = (who.clone(), who.clone()).prop_map(|(number, like)| {
        step(
            number,
            Operation::Update { current: profile(number), desired: profile(like + 100 * u8::from(like % 2 == 0)) },
        )
    });
    prop_oneof![
        3 => who.clone().prop_map(create),
        6 => claim,
        2 => (who.clone(), 0..2_usize).prop_map(|(number, pool)| release(number, POOLS[pool])),
        1 => who.clone().prop_map(|number| suspend(number, false)),
        1 => who.clone().prop_map(|number| step(number, Operation::Resume)),
        1 => who.prop_map(|number| step(number, Operation::Remove)),
        1 => renamed,
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let verdict = prop_oneof![Just(Verdict::Approve), Just(Verdict::Deny), Just(Verdict::Release)];
    prop_oneof![
        2 => (0..2_usize, 1..5_u32).prop_map(|(pool, seats)| Event::Buy(pool, seats)),
        6 => (proptest::collection::vec(a_step(), 1..8), any::<bool>()).prop_map(|(steps, auto)| Event::Batch(steps, auto)),
        2 => (1..=PEOPLE, verdict).prop_map(|(number, verdict)| Event::Decide(number, verdict)),
    ]
}

/// The same word of both, whatever ids they gave.
fn plain(accounts: Vec<Account>) -> Vec<Account> {
    let same = |account: Account| Account { id: AccountId("".into()), external: None, ..account };
    let mut accounts: Vec<Account> = accounts.into_iter().map(same).collect();
    accounts.sort_by(|a, b| a.owner.cmp(&b.owner));
    accounts
}

async fn compare(ours: &mut Subject, theirs: &mut Subject, after: &str) {
    let (ours, theirs) = (ours.backend.read().await.unwrap(), theirs.backend.read().await.unwrap());
    assert_eq!(ours.pools, theirs.pools, "pools after {after}");
    assert_eq!(plain(ours.accounts), plain(theirs.accounts), "accounts after {after}");
}

async fn live(ours: &mut Subject, theirs: &mut Subject, history: &[Event]) {
    let mut seats = BTreeMap::from([(0, 2), (1, 1)]);
    for both in [&mut *ours, &mut *theirs] {
        both.with(seats[&0], seats[&1]).await;
    }
    // What the last batch said of promotion holds until the next.
    let mut last = Allocation::default();
    for (number, event) in history.iter().enumerate() {
        let second = i64::try_from(number).unwrap();
        match event {
            Event::Buy(pool, wanted) => {
                // Only upwards: going down below the seats held is not for every backend.
                let more = (*wanted).max(seats[pool]);
                seats.insert(*pool, more);
                for both in [&mut *ours, &mut *theirs] {
                    both.buy_under(POOLS[*pool], more, last.clone()).await;
                }
            }
            Event::Batch(steps, automatic) => {
                let promotion = if *automatic { Promotion::Automatic } else { Promotion::Manual };
                last = Allocation { promotion, ..Allocation::default() };
                let batch = Batch { allocation: last.clone(), ..batch(second, steps.clone()) };
                let outcomes = |answer: seatsync::model::change::Answer| {
                    answer.outcomes.iter().map(|outcome| *outcome == Outcome::Done).collect::<Vec<bool>>()
                };
                let (one, other) =
                    (ours.backend.apply(&batch).await.unwrap(), theirs.backend.apply(&batch).await.unwrap());
                assert_eq!(outcomes(one), outcomes(other), "outcomes of {batch:?}");
            }
            Event::Decide(number, verdict) => {
                let decided = [decision(*number, *verdict)];
                let one = ours.backend.decide(&decided, at(second)).await.is_ok();
                let other = theirs.backend.decide(&decided, at(second)).await.is_ok();
                assert_eq!(one, other, "{decided:?}");
                // Some settle with the decision, some with the next batch.
                for both in [&mut *ours, &mut *theirs] {
                    both.settle(second, last.clone()).await;
                }
            }
        }
        compare(ours, theirs, &format!("{number}: {event:?}")).await;
    }
}

/// The same histories in every run.
pub async fn same_as_embedded(make: impl AsyncFn() -> Subject) {
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    for _ in 0..HISTORIES {
        let history = proptest::collection::vec(event(), LENGTH).new_tree(&mut runner).unwrap().current();
        live(&mut make().await, &mut Subject::embedded(), &history).await;
    }
}
