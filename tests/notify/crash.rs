//! The process is killed at every point between a cycle, what is told of it, and what is sent.

use std::collections::{BTreeMap, BTreeSet};

use crate::harness::House;

/// An agent that was told of nobody yet, and finds three people too many.
fn prepared() -> House {
    let house = House::new();
    house.people(4);
    house.sync(0);
    house.people(8);
    house
}

/// The points that a sync passes, and how often.
fn points() -> BTreeMap<String, u32> {
    let house = prepared();
    let log = house.agent.folder().join("points");
    let ended = house.agent.run_with(&["sync", "--full"], &[("SEATSYNC_FAULT_LOG", log.to_str().unwrap())]);
    assert_eq!(ended.code, 0, "{ended:?}");
    house.expect(1, 1);
    let mut passed = BTreeMap::new();
    for name in std::fs::read_to_string(log).unwrap().lines() {
        *passed.entry(name.to_owned()).or_default() += 1;
    }
    passed
}

#[test]
fn a_kill_at_any_point_loses_no_message_and_sends_none_again_but_under_its_own_id() {
    let points = points();
    for point in ["state.finish_cycle.before", "state.finish_cycle.after", "notify.sent", "state.parcel_done.after"] {
        assert!(points.contains_key(point), "{point} is not among {points:?}");
    }
    for (name, times) in points {
        for time in 1..=times {
            let (house, point) = (prepared(), format!("{name}:{time}"));
            let killed = house.agent.run_with(&["sync", "--full"], &[("SEATSYNC_FAULT", &point)]);
            assert_eq!(killed.code, -1, "{point} did not kill: {killed:?}");
            for _ in 0..2 {
                house.sync(0);
            }
            let (mails, hooks) = (house.mails(), house.hooks());
            let ids: BTreeSet<&str> = hooks.iter().map(|hook| hook.id.as_str()).collect();
            let mailed: BTreeSet<&str> =
                mails.iter().map(|mail| mail.lines().find(|line| line.starts_with("Message-ID:")).unwrap()).collect();
            assert_eq!((ids.len(), mailed.len()), (1, 1), "after {point}: {mails:#?} {hooks:#?}");
            // Only what was sent and not yet noted as sent comes again.
            let again = mails.len() + hooks.len() - 2;
            let unnoted = ["notify.sent", "state.parcel_done.before"].contains(&name.as_str());
            assert_eq!(again, usize::from(unnoted), "after {point}: {mails:#?} {hooks:#?}");
            assert_eq!(house.waiting(), 0, "after {point}");
        }
    }
}
