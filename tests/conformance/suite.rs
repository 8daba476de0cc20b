//! What the port promises.

use seatsync::model::change::{
    Allocation, Batch, Confirmation, GuardKind, HeldChange, Operation, Outcome, Promotion, Verdict,
};
use seatsync::model::{SeatState, WaitReason};

use super::batches::{
    HELD, PAST, POOLS, WAITS, account, at, automatic, batch, claim, claim_of, create, decision, holders, name, person,
    profile, release, seat, step, suspend,
};
use super::subject::Subject;

const BASIC: &str = POOLS[0];
const GOLD: &str = POOLS[1];

/// So many people, each with a claim of the first pool, in one batch.
fn arrivals(numbers: std::ops::RangeInclusive<u8>) -> Batch {
    let created = numbers.clone().map(create);
    batch(0, created.chain(numbers.map(|number| claim(number, 0))).collect())
}

fn refusal(outcome: &Outcome) -> Option<&str> {
    match outcome {
        Outcome::Refused { code, .. } => Some(code),
        Outcome::Done => None,
    }
}

pub async fn what_was_done_is_read_back(subject: &mut Subject) {
    let answer = subject.with(2, 1).await.done(&arrivals(1..=3)).await;
    assert_eq!(answer.accounts.len(), 3);
    let state = subject.backend.read().await.unwrap();
    assert_eq!(state.accounts, answer.accounts, "the answer and the read are one word");
    let pool = &state.pools[BASIC];
    assert_eq!((pool.seats, pool.held, pool.waiting), (2, 2, 1));
    assert_eq!(account(&state.accounts, 1).unwrap().profile, profile(1));
}

pub async fn seats_go_to_the_first_in_the_order_and_never_one_more(subject: &mut Subject) {
    let ranked = |number: u8, rank: u32, since: i64, created: i64| {
        claim_of(number, |claim| (claim.rank, claim.since, claim.created) = (rank, at(since), at(created)))
    };
    let steps =
        vec![ranked(1, 1, 0, 0), ranked(2, 0, 9, 0), ranked(3, 1, 0, 5), ranked(4, 1, 5, 0), ranked(5, 1, 0, 5)];
    let created = (1..=5).map(create);
    let answer = subject.with(3, 0).await.done(&batch(9, created.chain(steps).collect())).await;
    // Rank, since, created in the directory, anchor.
    assert_eq!(holders(&answer.accounts, BASIC), [1, 2, 3]);
    subject.buy(BASIC, 4).await;
    let answer = subject.done(&automatic(batch(10, vec![]))).await;
    let accounts = subject.accounts().await;
    assert_eq!(holders(&accounts, BASIC), [1, 2, 3, 5], "{answer:?}");
}

pub async fn the_same_key_again_changes_nothing_and_gets_the_same_answer(subject: &mut Subject) {
    let batch = arrivals(1..=3);
    let first = subject.with(2, 1).await.done(&batch).await;
    let before = subject.accounts().await;
    let again = subject.backend.apply(&batch).await.unwrap();
    assert_eq!(again.outcomes, first.outcomes);
    assert_eq!(subject.accounts().await, before);
    let looked_up = subject.backend.answer(&batch.key).await.unwrap().unwrap();
    assert_eq!(looked_up.outcomes, first.outcomes);
    for account in &first.accounts {
        assert!(looked_up.accounts.contains(account), "{account:?}");
    }
}

pub async fn an_unknown_key_has_no_answer(subject: &mut Subject) {
    subject.with(1, 1).await;
    assert_eq!(subject.backend.answer("never/0").await.unwrap(), None);
}

pub async fn what_is_refused_stops_nothing_else(subject: &mut Subject) {
    let mut twin = create(2);
    twin.operation = Operation::Create { profile: profile(1), created: at(0) };
    let steps = vec![create(1), twin, claim(2, 0), create(3), claim(3, 0)];
    let answer = subject.with(5, 0).await.backend.apply(&batch(0, steps)).await.unwrap();
    let codes: Vec<Option<&str>> = answer.outcomes.iter().map(refusal).collect();
    assert_eq!(codes[0], None);
    assert_eq!(codes[1], Some("conflict"));
    assert!(codes[2].is_some(), "nobody can ask without an account");
    assert_eq!(codes[3..], [None, None]);
    let accounts = subject.accounts().await;
    assert_eq!((accounts.len(), holders(&accounts, BASIC)), (2, vec![3]));
}

pub async fn a_seat_given_up_is_the_next_ones_in_the_same_batch(subject: &mut Subject) {
    subject.with(1, 0).await.done(&arrivals(1..=2)).await;
    let answer = subject.done(&automatic(batch(1, vec![release(1, BASIC)]))).await;
    assert_eq!((seat(&answer.accounts, 1, BASIC), seat(&answer.accounts, 2, BASIC)), (PAST, HELD));
}

pub async fn who_waits_for_a_person_gets_nothing_before(subject: &mut Subject) {
    let gated = claim_of(1, |claim| claim.gate = Some(WaitReason::ApprovalRequired));
    subject.with(1, 0).await.done(&automatic(batch(0, vec![create(1), gated, create(2), claim(2, 0)]))).await;
    let accounts = subject.accounts().await;
    let waits = Some(SeatState::Waiting(WaitReason::ApprovalRequired));
    assert_eq!((seat(&accounts, 1, BASIC), seat(&accounts, 2, BASIC)), (waits, HELD));
}

pub async fn who_is_passed_over_or_frozen_keeps_the_place(subject: &mut Subject) {
    subject.with(0, 0).await.done(&arrivals(1..=2)).await;
    subject.buy(BASIC, 1).await;
    let frozen = Allocation { frozen: [name("corp")].into(), promotion: Promotion::Automatic, ..Allocation::default() };
    subject.settle(1, frozen).await;
    assert_eq!(holders(&subject.accounts().await, BASIC), [0; 0]);
    let passed_over =
        Allocation { passed_over: [person(1)].into(), promotion: Promotion::Automatic, ..Allocation::default() };
    subject.settle(2, passed_over).await;
    let accounts = subject.accounts().await;
    assert_eq!((seat(&accounts, 1, BASIC), seat(&accounts, 2, BASIC)), (WAITS, HELD));
    assert_eq!(account(&accounts, 1).unwrap().seat(BASIC).unwrap().since, at(0));
}

pub async fn a_mover_keeps_the_old_seat_until_the_new_one_is_there(subject: &mut Subject) {
    subject.with(1, 0).await.done(&arrivals(1..=2)).await;
    let moves = || {
        claim_of(1, |claim| {
            (claim.pool, claim.instead_of) = (name(GOLD), vec![name(BASIC)]);
        })
    };
    subject.done(&batch(1, vec![moves()])).await;
    let accounts = subject.accounts().await;
    assert_eq!((seat(&accounts, 1, BASIC), seat(&accounts, 1, GOLD)), (HELD, WAITS));
    subject.buy(GOLD, 1).await;
    subject.done(&automatic(batch(2, vec![]))).await;
    let accounts = subject.accounts().await;
    assert_eq!((seat(&accounts, 1, BASIC), seat(&accounts, 1, GOLD)), (PAST, HELD));
    assert_eq!(seat(&accounts, 2, BASIC), HELD, "what a mover leaves is the next one's at once");
}

pub async fn a_fallback_is_given_up_for_the_preferred_seat(subject: &mut Subject) {
    let preferred = claim_of(1, |claim| claim.pool = name(GOLD));
    let fallback = claim_of(1, |claim| claim.fallback_for = Some(name(GOLD)));
    subject.with(1, 0).await.done(&batch(0, vec![create(1), preferred, fallback])).await;
    let accounts = subject.accounts().await;
    assert_eq!((seat(&accounts, 1, BASIC), seat(&accounts, 1, GOLD)), (HELD, WAITS));
    subject.buy(GOLD, 1).await;
    subject.done(&automatic(batch(1, vec![]))).await;
    let accounts = subject.accounts().await;
    assert_eq!((seat(&accounts, 1, BASIC), seat(&accounts, 1, GOLD)), (PAST, HELD));
}

pub async fn who_is_suspended_frees_the_seat_unless_told_to_keep_it(subject: &mut Subject) {
    subject.with(2, 0).await.done(&arrivals(1..=3)).await;
    subject.done(&automatic(batch(1, vec![suspend(1, false)]))).await;
    let accounts = subject.accounts().await;
    assert_eq!(holders(&accounts, BASIC), [2, 3]);
    assert!(account(&accounts, 1).unwrap().suspension.as_ref().unwrap().by_agent);
}

pub async fn who_comes_back_has_the_old_place(subject: &mut Subject) {
    subject.with(1, 0).await.done(&arrivals(1..=1)).await;
    subject.done(&batch(1, vec![suspend(1, false)])).await;
    subject.done(&batch(2, vec![create(2), claim(2, 2)])).await;
    let resumed = step(1, Operation::Resume);
    subject.done(&batch(3, vec![resumed, claim(1, 3)])).await;
    let accounts = subject.accounts().await;
    let waiting = account(&accounts, 1).unwrap().seat(BASIC).unwrap();
    assert_eq!((waiting.state, waiting.since), (SeatState::Waiting(WaitReason::NoSeat), at(0)));
    assert!(account(&accounts, 1).unwrap().suspension.is_none());
}

pub async fn only_what_the_agent_suspended_can_be_removed(subject: &mut Subject) {
    subject.with(2, 0).await.done(&arrivals(1..=2)).await;
    let remove = |number| step(number, Operation::Remove);
    let answer = subject.backend.apply(&batch(1, vec![remove(1)])).await.unwrap();
    assert!(refusal(&answer.outcomes[0]).is_some());
    let answer = subject.done(&batch(2, vec![suspend(1, true), remove(1)])).await;
    assert_eq!(answer.removed, [person(1)]);
    let accounts = subject.accounts().await;
    assert_eq!((accounts.len(), holders(&accounts, BASIC)), (1, vec![2]));
}

pub async fn an_unmanaged_account_is_adopted_as_it_is(subject: &mut Subject) {
    subject.with(2, 0).await.done(&arrivals(1..=1)).await;
    let id = subject.strangers_account("1000", &profile(9)).await;
    let accounts = subject.accounts().await;
    let stranger = accounts.iter().find(|account| account.id == id).unwrap();
    assert!(!stranger.is_managed());
    subject.done(&batch(1, vec![step(9, Operation::Adopt { account: id.clone() })])).await;
    let accounts = subject.accounts().await;
    let adopted = account(&accounts, 9).unwrap();
    assert_eq!((&adopted.id, adopted.adopted, &adopted.profile), (&id, true, &profile(9)));
    let answer = subject.backend.apply(&batch(2, vec![suspend(9, false), step(9, Operation::Remove)])).await.unwrap();
    assert_eq!(refusal(&answer.outcomes[1]), Some("adopted"));
}

pub async fn what_was_denied_stays_denied_until_approved(subject: &mut Subject) {
    subject.with(1, 0).await.done(&arrivals(1..=2)).await;
    subject.backend.decide(&[decision(2, Verdict::Deny)], at(1)).await.unwrap();
    subject.buy(BASIC, 2).await;
    subject.done(&automatic(batch(2, vec![claim(2, 2)]))).await;
    assert_eq!(seat(&subject.accounts().await, 2, BASIC), Some(SeatState::Denied));
    subject.backend.decide(&[decision(2, Verdict::Approve)], at(3)).await.unwrap();
    subject.settle(3, Allocation::default()).await;
    assert_eq!(seat(&subject.accounts().await, 2, BASIC), HELD);
}

pub async fn what_a_person_releases_is_not_asked_for_again(subject: &mut Subject) {
    subject.with(1, 0).await.done(&arrivals(1..=1)).await;
    subject.backend.decide(&[decision(1, Verdict::Release)], at(1)).await.unwrap();
    subject.done(&automatic(batch(2, vec![]))).await;
    let removed = Some(SeatState::Waiting(WaitReason::RemovedElsewhere));
    assert_eq!(seat(&subject.accounts().await, 1, BASIC), removed);
    assert_eq!(subject.backend.read().await.unwrap().pools[BASIC].held, 0);
}

pub async fn an_approval_is_kept_where_no_seat_is_free(subject: &mut Subject) {
    subject.with(1, 0).await.done(&arrivals(1..=3)).await;
    subject.backend.decide(&[decision(3, Verdict::Approve)], at(1)).await.unwrap();
    assert!(account(&subject.accounts().await, 3).unwrap().seat(BASIC).unwrap().approved);
    subject.done(&batch(2, vec![release(1, BASIC)])).await;
    let accounts = subject.accounts().await;
    assert_eq!((seat(&accounts, 2, BASIC), seat(&accounts, 3, BASIC)), (WAITS, HELD), "promotion is manual");
}

pub async fn a_decision_that_fits_nothing_is_an_error_and_changes_nothing(subject: &mut Subject) {
    subject.with(1, 0).await.done(&arrivals(1..=2)).await;
    let before = subject.accounts().await;
    let decisions = [decision(2, Verdict::Approve), decision(9, Verdict::Approve)];
    subject.backend.decide(&decisions, at(1)).await.unwrap_err();
    subject.backend.decide(&[decision(1, Verdict::Deny)], at(1)).await.unwrap_err();
    assert_eq!(subject.accounts().await, before);
}

pub async fn fewer_seats_than_are_held_grant_nothing_and_evict_nobody(subject: &mut Subject) {
    subject.with(3, 0).await.done(&arrivals(1..=4)).await;
    if !subject.can_sell() {
        return;
    }
    subject.buy(BASIC, 1).await;
    subject.done(&automatic(batch(1, vec![release(1, BASIC)]))).await;
    assert_eq!(holders(&subject.accounts().await, BASIC), [2, 3]);
}

pub async fn what_the_guard_counted_and_what_was_confirmed_is_remembered(subject: &mut Subject) {
    subject.with(2, 0).await.done(&arrivals(1..=2)).await;
    let now = seatsync::clock::now();
    let leaving = Batch { at: now, ..batch(1, vec![suspend(1, false)]) };
    subject.done(&leaving).await;
    let changes = [HeldChange { person: person(2), change: "suspend".to_owned(), value: String::new() }].into();
    let expires = now.checked_add(jiff::SignedDuration::from_hours(1)).unwrap();
    let confirmation = Confirmation { fingerprint: "3f9a".to_owned(), changes, expires };
    for _ in 0..2 {
        subject.backend.confirm(&confirmation).await.unwrap();
    }
    let state = subject.backend.read().await.unwrap();
    let marks: Vec<_> = state.marks.iter().map(|mark| (&mark.person, mark.kind, mark.confirmed)).collect();
    assert_eq!(marks, [(&person(1), GuardKind::Leaving, false)]);
    assert_eq!(state.confirmations, [confirmation]);
}

pub async fn an_account_can_be_relinked_once(subject: &mut Subject) {
    subject.with(2, 0).await.done(&arrivals(1..=2)).await;
    subject.backend.relink(&person(1), &person(7)).await.unwrap();
    let accounts = subject.accounts().await;
    assert_eq!((seat(&accounts, 7, BASIC), account(&accounts, 1)), (HELD, None));
    subject.backend.relink(&person(1), &person(8)).await.unwrap_err();
    subject.backend.relink(&person(7), &person(2)).await.unwrap_err();
    assert_eq!(subject.accounts().await, accounts);
}
