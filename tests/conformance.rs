//! One suite for every backend: what the port promises, each keeps in its own way.
//!
//! The random histories hold each against the embedded ledger: the same batches must leave the same accounts and pools.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on ends here")]

#[path = "conformance/batches.rs"]
mod batches;
#[allow(dead_code, reason = "made for more than this")]
#[path = "ledger_http/harness.rs"]
mod harness;
#[path = "conformance/histories.rs"]
mod histories;
#[path = "conformance/plain.rs"]
mod plain;
#[path = "conformance/queue.rs"]
mod queue;
#[path = "conformance/subject.rs"]
mod subject;
#[path = "conformance/suite.rs"]
mod suite;
mod support;

use subject::Subject;

/// Every test of the suite for one backend.
macro_rules! conforms {
    ($name:ident, $make:expr, [$($test:ident),* $(,)?]) => {
        mod $name {
            #[allow(unused_imports, reason = "not every backend has talents")]
            use super::{Subject, plain};

            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $test() {
                    let mut subject = $make;
                    super::suite::$test(&mut subject).await;
                }
            )*

            #[tokio::test(flavor = "multi_thread")]
            async fn a_random_history_leaves_what_the_embedded_ledger_has() {
                super::histories::same_as_embedded(async || $make).await;
            }
        }
    };
}

macro_rules! all {
    ($name:ident, $make:expr) => {
        conforms!(
            $name,
            $make,
            [
                what_was_done_is_read_back,
                seats_go_to_the_first_in_the_order_and_never_one_more,
                the_same_key_again_changes_nothing_and_gets_the_same_answer,
                an_unknown_key_has_no_answer,
                what_is_refused_stops_nothing_else,
                a_seat_given_up_is_the_next_ones_in_the_same_batch,
                who_waits_for_a_person_gets_nothing_before,
                who_is_passed_over_or_frozen_keeps_the_place,
                a_mover_keeps_the_old_seat_until_the_new_one_is_there,
                a_fallback_is_given_up_for_the_preferred_seat,
                who_is_suspended_frees_the_seat_unless_told_to_keep_it,
                who_comes_back_has_the_old_place,
                only_what_the_agent_suspended_can_be_removed,
                an_unmanaged_account_is_adopted_as_it_is,
                what_was_denied_stays_denied_until_approved,
                what_a_person_releases_is_not_asked_for_again,
                an_approval_is_kept_where_no_seat_is_free,
                a_decision_that_fits_nothing_is_an_error_and_changes_nothing,
                fewer_seats_than_are_held_grant_nothing_and_evict_nobody,
                what_the_guard_counted_and_what_was_confirmed_is_remembered,
                an_account_can_be_relinked_once,
            ]
        );
    };
}

all!(embedded, Subject::embedded());
all!(ledger_over_http, Subject::served().await);
all!(queue_of_the_agent, Subject::queued(plain::Talents::default()));
all!(queue_of_the_agent_with_swaps, Subject::queued(plain::Talents { swaps: true, ..plain::Talents::default() }));
all!(
    queue_of_the_agent_with_seats_that_suspended_people_keep,
    Subject::queued(plain::Talents { suspended_keeps_seat: true, ..plain::Talents::default() })
);
all!(
    queue_of_the_agent_with_seats_that_the_backend_counts,
    Subject::queued(plain::Talents { counts_seats: true, ..plain::Talents::default() })
);
