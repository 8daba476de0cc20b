//! Whatever happens, in whatever order and rhythm: nothing is told twice.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::scene::{Scene, directory, held, pool};
use crate::model::notice::{Notice, NoticeKind};
use crate::model::report::{ChangeCounts, HeldKind, SyncReport};

/// What a cycle saw.
#[derive(Clone, Debug)]
struct Seen {
    /// The backend failed: nothing else was seen.
    failure: Option<bool>,
    complete: bool,
    held: Option<u64>,
    waiting: u32,
    free: u32,
    failed: u64,
    /// Seconds since the cycle before.
    after: i64,
}

fn seen() -> impl Strategy<Value = Seen> {
    (
        prop_oneof![5 => Just(None), 1 => any::<bool>().prop_map(Some)],
        prop::bool::weighted(0.7),
        prop_oneof![2 => Just(None), 1 => (4_u64..60).prop_map(Some)],
        0_u32..3,
        0_u32..2,
        prop_oneof![3 => Just(0_u64), 1 => 1_u64..20],
        prop_oneof![Just(2_i64), Just(300), Just(86_400)],
    )
        .prop_map(|(failure, complete, held, waiting, free, failed, after)| Seen {
            failure,
            complete,
            held,
            waiting,
            free,
            failed,
            after,
        })
}

fn report(scene: &Scene, seen: &Seen) -> SyncReport {
    if let Some(urgent) = seen.failure {
        return scene.failure(if urgent { "no_pool" } else { "backend_failed" });
    }
    // Of a directory that could not be read whole nobody leaves.
    let rows = seen.held.filter(|_| seen.complete).map(|count| vec![held("corp", HeldKind::Leaving, count)]);
    SyncReport {
        directories: vec![directory("corp", seen.complete)],
        fingerprint: rows.as_ref().map(|rows| format!("f{}", rows[0].count)),
        held: rows,
        changes: ChangeCounts { failed: seen.failed, ..ChangeCounts::default() },
        ..scene.report(&[pool("standard", 10, 10 - seen.free, seen.waiting)])
    }
}

/// What a message is about, and whether it says that it is over.
fn subject(kind: NoticeKind) -> (&'static str, bool) {
    match kind {
        NoticeKind::PoolFull => ("full", false),
        NoticeKind::PoolFree => ("full", true),
        NoticeKind::PoolWaiting => ("waiting", false),
        NoticeKind::PoolNobodyWaits => ("waiting", true),
        NoticeKind::ChangesHeld => ("held", false),
        NoticeKind::ChangesFree => ("held", true),
        NoticeKind::DirectoryUnreadable => ("directory", false),
        NoticeKind::DirectoryReadable => ("directory", true),
        NoticeKind::CycleFailing => ("cycle", false),
        NoticeKind::CycleWorking => ("cycle", true),
        NoticeKind::AccountsFailed => ("accounts", false),
        NoticeKind::AccountsWell => ("accounts", true),
        NoticeKind::Digest => ("digest", false),
    }
}

/// What of a message makes it another one: the numbers of what is held back or failed, the reason of a failure.
fn content(notice: &Notice) -> String {
    let body: serde_json::Value = serde_json::from_str(&notice.body).unwrap();
    let data = &body["data"];
    format!("{} {} {}", data["fingerprint"], data["failed"], data["code"])
}

proptest! {
    #[test]
    fn no_message_follows_one_that_says_the_same_of_the_same(cycles in prop::collection::vec(seen(), 1..120)) {
        let mut scene = Scene::new();
        let mut last: BTreeMap<&'static str, (bool, String)> = BTreeMap::new();
        for seen in &cycles {
            scene.every = seen.after;
            let report = report(&scene, seen);
            for notice in scene.notices(&report) {
                let (about, over) = subject(notice.kind);
                let says = (over, content(&notice));
                // "Full" is told by "waiting", too, and both ends by one.
                if about != "full" {
                    let before = last.insert(about, says.clone());
                    prop_assert_ne!(before.as_ref(), Some(&says), "{:?} again", notice.kind);
                    prop_assert!(!over || before.is_some_and(|(over, _)| !over), "{:?} of what was not told", notice.kind);
                }
            }
        }
    }

    #[test]
    fn a_state_that_stays_has_been_told_after_some_cycles_and_is_silent_from_then_on(
        cycles in prop::collection::vec(seen(), 0..40),
        stays in seen(),
    ) {
        let mut scene = Scene::new();
        for seen in &cycles {
            scene.every = seen.after;
            let report = report(&scene, seen);
            scene.notices(&report);
        }
        scene.every = 300;
        let report = report(&scene, &stays);
        for _ in 0..4 {
            scene.notices(&report);
        }
        prop_assert_eq!(scene.play_times(&report, 20), []);
    }
}
